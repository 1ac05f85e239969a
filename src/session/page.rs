//! The name of a page of the window. What a page shows is the window's business; the session only says which is shown.

/// Names a page of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page(&'static str);

impl Page {
    /// What to run.
    pub const JOB: Self = Self::new("Job");
    /// What the workers and the cores are doing.
    pub const LIVE: Self = Self::new("Live");
    /// What came out.
    pub const RESULTS: Self = Self::new("Results");
    /// What the tasks share.
    pub const SHARED: Self = Self::new("Shared");
    /// What was run before.
    pub const RUNS: Self = Self::new("Runs");
    /// Whether the pool was worth it.
    pub const RACE: Self = Self::new("Race");

    /// The page with this title, which is unique.
    pub const fn new(title: &'static str) -> Self {
        Self(title)
    }

    /// The words on its tab.
    pub const fn title(self) -> &'static str {
        self.0
    }
}
