//! How the values of an input are cut into columns, as typed.

/// How values are cut into columns, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnsDraft {
    /// They are.
    pub wanted: bool,
    /// A regular expression of what stands between two columns; empty: each value is one column.
    pub separator: String,
    /// The first value holds the columns' names.
    pub header: bool,
    /// Blanks at both ends of a column are left out.
    pub trim: bool,
}
