//! The kinds of inputs that a person chooses from.

/// Which kind of input a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// Whole numbers from one to another.
    #[default]
    Range,
    /// Values typed here, one a line.
    List,
    /// The lines of a file.
    Lines,
    /// Files whose names match a pattern.
    Glob,
    /// The rows of a CSV file.
    Csv,
    /// The elements of a JSON file.
    Json,
    /// The pieces of a file that end with something else than a line end.
    Records,
    /// Standard input.
    Stdin,
    /// Several inputs side by side.
    Linked,
    /// What the fields cannot show; it is kept as it is.
    Kept,
}

impl InputKind {
    /// The kinds that can be chosen, in the order of the list.
    pub const CHOICES: [Self; 9] = [
        Self::Range,
        Self::List,
        Self::Lines,
        Self::Glob,
        Self::Csv,
        Self::Json,
        Self::Records,
        Self::Stdin,
        Self::Linked,
    ];

    /// The words for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "Range",
            Self::List => "List",
            Self::Lines => "Lines of a file",
            Self::Glob => "Matching files",
            Self::Csv => "CSV file",
            Self::Json => "JSON file",
            Self::Records => "Records of a file",
            Self::Stdin => "Standard input",
            Self::Linked => "Linked inputs",
            Self::Kept => "As in the job file",
        }
    }

    /// What it means.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Range => "Whole numbers from one to another, both included",
            Self::List => "Values typed here, one a line",
            Self::Lines => "One value for each line of a file",
            Self::Glob => "One value for each file whose name matches a pattern such as photos/*.jpg",
            Self::Csv => "One set of values for each row; {name} stands for the column of that name",
            Self::Json => {
                "One set of values for each element of the array, or for each line; {name} stands for the key of that name"
            }
            Self::Records => "One value for each piece of a file that ends with a separator such as \\0",
            Self::Stdin => "One value for each line that is piped into a run in a terminal",
            Self::Linked => "Several inputs side by side: the first values together, then the second ones",
            Self::Kept => "An input that can only be edited in the job file",
        }
    }

    /// Whether its values can be cut into columns.
    pub const fn can_have_columns(self) -> bool {
        matches!(self, Self::List | Self::Lines | Self::Glob | Self::Records | Self::Stdin)
    }
}
