//! What a batch and its options ask of an engine beyond running tasks, and what an engine cannot do, each with its reason: an
//! engine refuses by name, before anything is started.

use super::{EngineError, EngineTraits, RunOptions};
use crate::job::{Batch, Mode, TaskKind};

/// Something that a batch or its options ask for, and that not every engine can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Demand {
    /// Tasks that are threads of one process.
    Threads,
    /// Tasks that have the terminal.
    Terminal,
    /// Inputs that arrive during the run.
    GrowingInputs,
    /// Calls of a Python function.
    PythonFunction,
    /// Tasks that wait for others.
    Dependencies,
    /// Objects that all tasks share.
    SharedObjects,
    /// Tasks that take several slots of the pool.
    Slots,
    /// Resources that are counted over the whole run.
    Resources,
    /// A minimum time between two starts.
    Delay,
    /// A timeout by the median of the tasks done so far.
    TimeoutPercent,
    /// Command lines with the number of their lane.
    LaneNumber,
    /// Pauses before tasks.
    Breakpoints,
    /// A fixed number of tasks for an idle worker.
    FixedChunk,
    /// Blocks of a stream or a file, of which each task reads one.
    Blocks,
}

/// Something that an engine cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limitation {
    /// What is asked for.
    pub demand: Demand,
    /// Why it cannot be done, and what to do instead, as a clause.
    pub reason: &'static str,
}

impl Demand {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Threads,
        Self::Terminal,
        Self::GrowingInputs,
        Self::PythonFunction,
        Self::Dependencies,
        Self::SharedObjects,
        Self::Slots,
        Self::Resources,
        Self::Delay,
        Self::TimeoutPercent,
        Self::LaneNumber,
        Self::Breakpoints,
        Self::FixedChunk,
        Self::Blocks,
    ];

    /// The words of the command line or of a job file for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Threads => "mode threads",
            Self::Terminal => "--tty",
            Self::GrowingInputs => "inputs that arrive during the run",
            Self::PythonFunction => "a Python function",
            Self::Dependencies => "tasks that wait for others (after)",
            Self::SharedObjects => "shared objects",
            Self::Slots => "slots",
            Self::Resources => "resources",
            Self::Delay => "delay_secs",
            Self::TimeoutPercent => "a timeout in per cent",
            Self::LaneNumber => "the replacement string {%}",
            Self::Breakpoints => "--break-before",
            Self::FixedChunk => "a fixed chunk size",
            Self::Blocks => "a stream that is cut into tasks (--pipe, --pipe-part)",
        }
    }

    /// Whether a batch with these options asks for it.
    pub fn is_made_by(self, batch: &Batch, options: &RunOptions) -> bool {
        let job = batch.job();
        match self {
            Self::Threads => options.mode == Mode::Threads,
            Self::Terminal => options.terminal,
            Self::GrowingInputs => batch.growth().is_some(),
            Self::PythonFunction => batch.kind() == TaskKind::Python,
            Self::Dependencies => !batch.dependencies().is_empty(),
            Self::SharedObjects => !job.shared.is_empty(),
            Self::Slots => job.control.slots.is_some(),
            Self::Resources => !job.control.needs.is_empty(),
            Self::Delay => job.control.delay_secs.is_some(),
            Self::TimeoutPercent => job.control.timeout_percent.is_some(),
            Self::LaneNumber => batch.uses_slot(),
            Self::Breakpoints => !options.breakpoints.is_empty(),
            Self::FixedChunk => options.chunk.is_some(),
            Self::Blocks => job.pipe.is_some(),
        }
    }
}

impl EngineTraits {
    /// Refuses a batch with these options if it asks for what the engine cannot do.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] for the first demand that the engine cannot meet.
    pub fn check(&self, batch: &Batch, options: &RunOptions) -> Result<(), EngineError> {
        match self.limitations.iter().find(|limitation| limitation.demand.is_made_by(batch, options)) {
            None => Ok(()),
            Some(Limitation { demand, reason }) => {
                Err(EngineError::Unsupported { engine: self.name, demand: demand.words(), reason })
            }
        }
    }
}
