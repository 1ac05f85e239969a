//! Opening the batch of a plan: whole, or growing while standard input is read, and in an order by the history.

use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::cli::plan::Plan;
use crate::cli::terminal::remark;
use fanlane_core::engine::EngineChoice;
use fanlane_core::job::Batch;
use fanlane_core::job::batch::{BatchError, BatchFeed};
use fanlane_core::job::parameter::ParameterError;
use fanlane_core::store::history::{self, History, KnownDurations};

/// How much of standard input is read at once, as much as a pipe holds.
const STDIN_BYTES: usize = 1 << 16;

/// Opens the batch with all of its inputs.
///
/// # Errors
/// When an input or the job cannot be used.
pub fn open_whole(plan: &Plan) -> Result<Batch> {
    in_order_of_history(Batch::open(&plan.job, &plan.folder, &mut io::stdin().lock()).map_err(with_flag)?)
}

/// Opens the batch, which grows while standard input is read if the job allows that.
///
/// # Errors
/// When an input or the job cannot be used.
pub fn open_growing(plan: &Plan) -> Result<(Batch, Option<Feeding>)> {
    if Batch::obstacle_to_growth(&plan.job).is_some() {
        return Ok((open_whole(plan)?, None));
    }
    let stdin = io::stdin().as_fd().try_clone_to_owned().context("standard input cannot be read")?;
    let mut stdin = BufReader::with_capacity(STDIN_BYTES, File::from(stdin));
    let (batch, feed) = Batch::open_growing(&plan.job, &plan.folder, &mut stdin).map_err(with_flag)?;
    Ok((in_order_of_history(batch)?, Some(Feeding { feed, stdin })))
}

/// A missing value of a parameter with the flag that gives it.
fn with_flag(error: BatchError) -> anyhow::Error {
    if let BatchError::Parameter(fault) = &error
        && let ParameterError::Missing { name, .. } = &*fault.error
    {
        return anyhow!("{error}; give it with --set {name}=VALUE");
    }
    error.into()
}

/// Orders a batch by the history, if its job asks for that. A history that cannot be read costs the order and not the run.
fn in_order_of_history(batch: Batch) -> Result<Batch> {
    let folder = history::default_folder().ok();
    let (batch, known) = history::longest_first(batch, folder.as_deref())?;
    if let Some(KnownDurations { tasks, of, fault }) = known {
        remark(&match fault {
            Some(fault) => format!("tasks start in the order of the inputs, not the longest first: {fault}"),
            None => format!("the history has times of {tasks} of {of} tasks; the others start first"),
        });
    }
    Ok(batch)
}

/// The mean time of a batch's tasks in the history, for an engine that asks for it.
pub fn known_time(engine: &EngineChoice, batch: &Batch) -> Option<Duration> {
    /// Maximum number of tasks that are looked up: more would hold up the start.
    const MAX_TASKS: u64 = 100_000;
    if *engine == EngineChoice::Local || batch.len() > MAX_TASKS {
        return None;
    }
    let history = History::existing(&history::default_folder().ok()?).ok()??;
    let secs = history.secs_of(batch).ok()?;
    let mean = secs.values().sum::<f64>() / secs.len() as f64;
    Duration::try_from_secs_f64(mean).ok()
}

/// Standard input on its way into a batch.
pub struct Feeding {
    feed: BatchFeed,
    stdin: BufReader<File>,
}

impl Feeding {
    /// Reads to the end in a thread of its own, which is not joined: a silent pipe would hold up the end of an interrupted
    /// run.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn begin(mut self) -> io::Result<()> {
        let thread = std::thread::Builder::new().name("standard input".to_owned());
        thread.spawn(move || match self.feed.read_from(&mut self.stdin) {
            Ok(()) => self.feed.close(),
            Err(error) => self.feed.fail(&error),
        })?;
        Ok(())
    }
}
