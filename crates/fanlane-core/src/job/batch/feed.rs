//! Batches that grow while they run: which jobs can, and the handle that appends their inputs.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use bstr::BString;

use super::filled::FilledJob;
use super::layout::{Layout, RowRules, StdinReading};
use super::{Batch, BatchError};
use crate::job::inputs::InputError;
use crate::job::inputs::feeder::{Feeder, Refusal};
use crate::job::inputs::stream::RowWatch;
use crate::job::pipe::blocks::BlockFeed;
use crate::job::template::is_whole_number;
use crate::job::{Input, Job, Order};

/// The open end of a [growing batch](Batch::open_growing): it appends values to the input that stands for standard
/// input, while a run of the batch goes on, before it has begun, or both. Dropping it closes the batch: a run of it ends
/// once all its tasks have.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use fanlane_core::engine::{Engine, LocalEngine, RunOptions};
/// use fanlane_core::job::{Batch, Job, Mode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let job = Job::parse(r#"Job(version: 1, task: Command("echo {}"), inputs: [Stdin])"#)?;
/// let (batch, mut feed) = Batch::open_growing(&job, ".".as_ref(), &mut std::io::empty())?;
/// let engine = LocalEngine::new("/usr/bin/fanlane");
/// let (sender, events) = crossbeam_channel::unbounded();
/// let run = engine.start(Arc::new(batch), RunOptions::new(Mode::Pool, 2), sender)?;
/// feed.push(b"the first task begins now")?;
/// feed.push(b"and this is the last one")?;
/// feed.close();
/// for event in events {
///     println!("{event:?}");
/// }
/// run.join();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BatchFeed {
    feeder: Feeder,
    rules: RowRules,
    is_closed: bool,
    /// What is read is cut into blocks.
    blocks: Option<BlockFeed>,
}

/// A value that was not appended.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The value cannot be used. Earlier values are kept, and others can follow.
    #[error(transparent)]
    Refused(#[from] BatchError),
    /// All runs of the batch have ended.
    #[error("the run has ended and takes no further input")]
    RunEnded,
}

impl BatchFeed {
    pub(super) fn begin(mut feeder: Feeder, rules: RowRules, blocks: Option<BlockFeed>) -> Result<Self, BatchError> {
        match feeder.begin(&mut |row, bytes, ends| rules.check(row, bytes, ends)) {
            Ok(()) => Ok(Self { feeder, rules, is_closed: false, blocks }),
            Err(refusal) => Err(rules.error(refusal).into_batch_error()),
        }
    }

    /// Appends one value, as a line without its end; where the input is cut into columns, one row. Waits while about a
    /// million rows, or 256 MiB of them, are ahead of the run, if one has begun; so the run's events must be received on
    /// another thread, or through an unbounded channel.
    ///
    /// # Errors
    /// [`FeedError`].
    pub fn push(&mut self, value: &[u8]) -> Result<(), FeedError> {
        let rules = &self.rules;
        let pushed = self.feeder.push(value, &mut |row, bytes, ends| rules.check(row, bytes, ends));
        pushed.map_err(|refusal| rules.error(refusal))
    }

    /// Appends values that are there already, at once, without waiting for the run to take them.
    ///
    /// # Errors
    /// [`FeedError`]; values before one that cannot be used are kept.
    pub(crate) fn push_all<'a>(&mut self, values: impl IntoIterator<Item = &'a [u8]>) -> Result<(), FeedError> {
        let rules = &self.rules;
        let pushed = self.feeder.push_all(values, &mut |row, bytes, ends| rules.check(row, bytes, ends));
        pushed.map_err(|refusal| rules.error(refusal))
    }

    /// Appends all values of a reader, each as soon as it has arrived: lines, or what the input's separator ends; of a job whose
    /// stream is cut, its blocks, each once there is room for it. A reader that gives nothing for a while blocks only this call.
    ///
    /// # Errors
    /// [`FeedError`], at the first value that cannot be used.
    pub fn read_from(&mut self, reader: &mut dyn BufRead) -> Result<(), FeedError> {
        if let Some(mut blocks) = self.blocks.take() {
            return self.read_blocks(&mut blocks, reader);
        }
        let rules = &self.rules;
        let read = self.feeder.read_from(reader, &mut |row, bytes, ends| rules.check(row, bytes, ends));
        read.map_err(|refusal| rules.error(refusal))
    }

    fn read_blocks(&mut self, blocks: &mut BlockFeed, reader: &mut dyn BufRead) -> Result<(), FeedError> {
        let unreadable = |source| {
            let error = InputError::Unreadable { origin: "standard input".to_owned(), source };
            FeedError::Refused(BatchError::Input { number: 1, error })
        };
        if let Some(tasks) = blocks.dealt_tasks() {
            let mut begin = |place: usize| {
                let goes_on = self.push((place + 1).to_string().as_bytes()).is_ok();
                if place + 1 == tasks {
                    // All tasks are known, and end whenever they want.
                    self.feeder.close(None);
                    self.is_closed = true;
                }
                goes_on
            };
            return blocks.deal(reader, &mut begin).map_err(unreadable);
        }
        loop {
            let goes_on = || !self.feeder.is_forsaken();
            match blocks.hold_next(reader, &goes_on).map_err(unreadable)? {
                Some(value) => self.push(value.as_bytes())?,
                None if self.feeder.is_forsaken() => return Err(FeedError::RunEnded),
                None => return Ok(()),
            }
        }
    }

    /// Ends the input.
    pub fn close(self) {}

    /// Ends the input because of a fault: tasks that have begun finish, and the run ends as stopped.
    pub fn fail(mut self, reason: &FeedError) {
        self.is_closed = true;
        self.feeder.close(Some(reason.to_string()));
    }
}

impl Drop for BatchFeed {
    fn drop(&mut self) {
        if !self.is_closed {
            self.feeder.close(None);
        }
    }
}

impl RowRules {
    fn check(&self, row: u64, bytes: &[u8], ends: &[usize]) -> Result<(), Refusal> {
        for (index, column) in &self.numbers {
            let start = index.checked_sub(1).map_or(0, |before| ends[before]);
            let value = &bytes[start..ends[*index]];
            if !is_whole_number(value) {
                return Err(Refusal::NotANumber { row: row + 1, value: value.into(), column: *column });
            }
        }
        Ok(())
    }

    fn error(&self, refusal: Refusal) -> FeedError {
        let number = self.number;
        match refusal {
            Refusal::Input(error) => FeedError::Refused(BatchError::Input { number, error }),
            Refusal::NotANumber { row, value, column } => {
                FeedError::Refused(BatchError::NotANumber { number, row, value: BString::from(value), column })
            }
            Refusal::NoReader => FeedError::RunEnded,
        }
    }
}

impl FeedError {
    fn into_batch_error(self) -> BatchError {
        match self {
            Self::Refused(error) => error,
            Self::RunEnded => unreachable!("a batch that is being opened has no run that could end"),
        }
    }
}

/// The progress of a batch that grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Growth {
    /// Number of tasks so far.
    pub tasks: u64,
    /// No further task follows.
    pub complete: bool,
    /// Why no further task follows, if the input broke off.
    pub fault: Option<String>,
}

impl Batch {
    /// Why a batch of this job cannot grow while it runs, as an input that reads standard input otherwise makes it:
    /// something needs to know all of it first. `None` if it can.
    pub fn obstacle_to_growth(job: &Job) -> Option<&'static str> {
        if let Some(pipe) = &job.pipe {
            return (!pipe.is_stream()).then_some("the parts of a file are known before it runs");
        }
        let place = job.inputs.iter().position(Input::reads_stdin);
        let control = &job.control;
        let obstacles = [
            (place.is_none(), "no input reads standard input"),
            (place.is_some_and(|place| place > 0), "standard input is not the first of several inputs"),
            (job.linked || matches!(job.inputs.first(), Some(Input::Linked(_))), "standard input is linked to another"),
            (job.inputs.first().is_some_and(Input::is_table), "a table is read whole"),
            (job.max_chars.is_some(), "as many rows as fit go into each task, and are shared out at their end"),
            (job.asks_for_total(), "the number of tasks is a part of what they get"),
            (job.sample.is_some(), "a sample is taken of all inputs"),
            (job.order != Order::AsGiven, "the order depends on all inputs"),
            (control.after.is_some(), "tasks wait for others, which are looked up among all of them"),
            (control.requests_differ(), "what each task needs is checked before anything runs"),
        ];
        obstacles.into_iter().find_map(|(holds, words)| holds.then_some(words))
    }

    /// As [`Batch::open`], but the input that reads standard input is left open, and its values arrive through the feed.
    /// Of `head` only as much is read as the columns need: nothing where each value is one, and otherwise the first
    /// value, which is a row of the batch unless it names the columns.
    ///
    /// # Errors
    /// As [`Batch::open`], for what is known by then, and [`BatchError::CannotGrow`].
    pub fn open_growing(job: &Job, folder: &Path, head: &mut dyn BufRead) -> Result<(Self, BatchFeed), BatchError> {
        if let Some(reason) = Self::obstacle_to_growth(job) {
            return Err(BatchError::CannotGrow { reason });
        }
        let (batch, opened) = Self::open_with(job, folder, StdinReading::Growing(head))?;
        let (feeder, rules) = opened.expect("a job that can grow has an input that was left open");
        let blocks = batch.block_feed()?;
        Ok((batch, BatchFeed::begin(feeder, rules, blocks)?))
    }

    /// A batch of plain values, all of which arrive through the feed; its job is not looked at any further.
    ///
    /// # Errors
    /// [`BatchError`].
    pub(crate) fn without_rows(job: &Job, working_dir: PathBuf) -> Result<(Self, BatchFeed), BatchError> {
        if !Self::has_one_open_column(job) {
            return Err(BatchError::CannotGrow { reason: "its values are not those of standard input alone" });
        }
        let filled = FilledJob::of(job)?;
        let nothing = &mut std::io::empty();
        let (layout, feeder) = Layout::open(&filled.job, &working_dir, StdinReading::Growing(nothing))?;
        let (batch, opened) = Self::bind(filled, working_dir, layout, feeder)?;
        let (feeder, rules) = opened.expect("its input was left open");
        Ok((batch, BatchFeed::begin(feeder, rules, None)?))
    }

    /// Whether nothing has to be read of the inputs to know their columns.
    pub(super) fn has_one_open_column(job: &Job) -> bool {
        matches!(&job.inputs[..], [Input::Stdin]) && job.max_chars.is_none()
    }

    /// How far the batch has grown; `None` if it cannot grow.
    pub(crate) fn growth(&self) -> Option<Growth> {
        let stream = self.layout.stream()?;
        let (tasks, complete) = self.layout.len_and_end();
        // A fault comes before the end.
        let fault = if complete { stream.fault().map(str::to_owned) } else { None };
        Some(Growth { tasks, complete, fault })
    }

    /// Calls `wake` each time it has grown, from the thread that made it grow.
    pub(crate) fn watch_growth(&self, wake: impl Fn() + Send + Sync + 'static) -> Option<RowWatch> {
        Some(self.layout.stream()?.watch(Box::new(wake)))
    }
}

#[cfg(test)]
mod tests;
