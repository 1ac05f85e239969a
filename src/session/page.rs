//! The names of the pages. The session only knows which page is shown; what it shows is up to the window.

/// Names a page of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page(&'static str);

impl Page {
    /// The open job.
    pub const JOB: Self = Self::new("Job");
    /// The workers and the cores during a run.
    pub const LIVE: Self = Self::new("Live");
    /// The results of the tasks.
    pub const RESULTS: Self = Self::new("Results");
    /// The shared objects of the run.
    pub const SHARED: Self = Self::new("Shared");
    /// The history.
    pub const RUNS: Self = Self::new("Runs");
    /// Races: one process, threads and pools compared.
    pub const RACE: Self = Self::new("Race");

    /// The page with this title, which is unique.
    pub const fn new(title: &'static str) -> Self {
        Self(title)
    }

    /// The label of its tab.
    pub const fn title(self) -> &'static str {
        self.0
    }
}
