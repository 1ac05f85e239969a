//! Which tasks wait for which others, as typed: the names of two columns.

use fanlane_core::job::control::After;

/// The two columns of the inputs that say which tasks wait for which others; both empty: none wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependenciesDraft {
    /// The column that names each task.
    pub name_column: String,
    /// The column that names the tasks to wait for.
    pub after_column: String,
}

impl DependenciesDraft {
    pub(super) fn from_after(after: Option<&After>) -> Self {
        after.map_or_else(Self::default, |after| Self {
            name_column: after.name.clone(),
            after_column: after.after.clone(),
        })
    }

    pub(super) fn to_after(&self, opened: Option<&After>) -> Result<Option<After>, String> {
        if *self == Self::from_after(opened) {
            return Ok(opened.cloned());
        }
        match (self.name_column.trim(), self.after_column.trim()) {
            ("", "") => Ok(None),
            ("", _) | (_, "") => {
                Err("Name two columns of the inputs: one with the name of each task, and one with the \
                                      names of the tasks that it waits for. Or leave both empty."
                    .to_owned())
            }
            (name, after) => Ok(Some(After { name: name.to_owned(), after: after.to_owned() })),
        }
    }
}
