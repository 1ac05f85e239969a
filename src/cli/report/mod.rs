//! What is printed during a run and at its end. It is folded from the run's events alone, so the same events always print the
//! same. Standard output carries the tasks' own output, or JSON, and nothing else.

pub mod args;
mod attempts;
mod bar;
mod batch;
pub mod describe;
mod finish;
mod held;
pub mod json;
mod keepers;
mod lane_lines;
mod live;
mod order;
mod pace;
mod recorded_task;
mod streams;
pub mod tag;
mod text;
mod ticks;
mod workers;

#[cfg(test)]
mod test_records;
#[cfg(test)]
mod test_sink;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bstr::BString;
use crossbeam_channel::{Receiver, TryRecvError, never, select};

use super::suspension::Pauses;
pub use bar::{Bar, tasks_rate};
pub use describe::printable;
use fanlane_core::event::{
    DispatchEvent, Event, EventKind, InterpreterFacts, RunEvent, SampleEvent, SharedContent, SharedEvent, StreamName,
    TaskEvent, TaskId, WorkerEnd, WorkerEvent,
};
use fanlane_core::job::TaskKind;
use fanlane_core::model::{Earlier, Objects, Progress, Transports};
pub use keepers::Keepers;
pub use live::Grouping;
use live::LiveOutput;
use order::InputOrder;
pub use pace::Pace;
pub use recorded_task::RecordedTask;
pub use streams::Streams;
use workers::Workers;

/// How often the bar is updated.
const TICK_INTERVAL: Duration = Duration::from_millis(100);

/// How tasks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The output of tasks, unchanged.
    Text,
    /// One JSON object per line.
    Json,
}

/// How a report looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// How tasks are written.
    pub format: Format,
    /// How the output of tasks that run at the same time is kept apart.
    pub grouping: Grouping,
    /// In the order of the inputs, not in the order in which tasks end.
    pub keep_order: bool,
    /// Without the summary.
    pub quiet: bool,
    /// Which tasks have colours.
    pub colouring: tag::Colouring,
    /// The path of the file that keeps a task's standard output is printed in place of what the task prints.
    pub as_files: bool,
}

impl Style {
    /// Whether the whole output of a task is needed when it has ended: not where it is printed as it comes, and where only its
    /// latest line is.
    pub fn needs_whole_outputs(&self) -> bool {
        self.grouping == Grouping::Group || (self.grouping.is_live() && self.keep_order)
    }
}

/// What a report could not deliver, in numbers of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// Those whose output is not whole.
    pub outputs_cut: u64,
    /// Those that left processes running, which were ended.
    pub left_running: u64,
}

/// The tasks that a report is about.
pub trait Tasks {
    /// The number of a task in the whole batch, also if only a part of it is run.
    fn number(&self, task: TaskId) -> u64;
    /// The task in one line: its command line in the lane `slot` (from 1), or its call.
    fn describe(&self, task: TaskId, slot: u32) -> String;
    /// What the task runs: its command line in the lane `slot` (from 1), or its workload and argument.
    fn command_line(&self, task: TaskId, slot: u32) -> BString;
    /// The tag before each line of its output, without the tab; `None`: no tag.
    fn tag(&self, _task: TaskId, _slot: u32) -> Option<BString> {
        None
    }
    /// The values that the task was made from.
    fn input(&self, task: TaskId) -> Vec<BString>;
    /// The kind of the tasks.
    fn kind(&self) -> TaskKind;
}

/// A report on a run.
pub struct Report<'a> {
    style: Style,
    tasks: &'a dyn Tasks,
    order: Option<InputOrder>,
    live: LiveOutput,
    workers: Workers,
    streams: Streams,
    progress: Progress,
    begun: Instant,
    keepers: Keepers,
    earlier: Earlier,
    /// The folder with output that was too long for memory.
    spill_folder: Option<PathBuf>,
    /// The shared objects at the end.
    shared: Vec<SharedContent>,
    /// Measurements of the ways of large results.
    transports: Transports,
    /// Measurements of the ways of objects.
    objects: Objects,
    /// The interpreter of a Python function.
    interpreter: Option<InterpreterFacts>,
    shortfall: Shortfall,
    commands: Option<StreamName>,
    pauses: Pauses,
    /// The hosts that do not answer.
    lost_hosts: BTreeSet<Box<str>>,
}

impl<'a> Report<'a> {
    /// A report on `tasks` that has printed nothing yet.
    pub fn new(style: Style, tasks: &'a dyn Tasks, streams: Streams) -> Self {
        Self {
            style,
            tasks,
            order: style.keep_order.then(InputOrder::new),
            live: LiveOutput::new(style.grouping),
            workers: Workers::default(),
            streams,
            progress: Progress::default(),
            begun: Instant::now(),
            keepers: Keepers::default(),
            earlier: Earlier::default(),
            spill_folder: None,
            shared: Vec::new(),
            transports: Transports::default(),
            objects: Objects::default(),
            interpreter: None,
            shortfall: Shortfall::default(),
            commands: None,
            pauses: never(),
            lost_hosts: BTreeSet::new(),
        }
    }

    /// Sets what is kept, and the folder with output that was too long for memory.
    pub fn keeping(self, keepers: Keepers, spill_folder: Option<PathBuf>) -> Self {
        Self {
            keepers: keepers.remembering_paths(self.style.format == Format::Json || self.style.as_files),
            spill_folder,
            ..self
        }
    }

    /// Sets the numbers of tasks that ended in earlier runs.
    pub fn resuming(self, earlier: Earlier) -> Self {
        Self { earlier, ..self }
    }

    /// Sets where the command line of each task is printed before what it prints.
    pub fn printing_commands(self, commands: Option<StreamName>) -> Self {
        Self { commands, ..self }
    }

    /// Sets how long before this report the run began.
    pub fn begun(self, ago: Duration) -> Self {
        Self { begun: self.begun.checked_sub(ago).unwrap_or(self.begun), ..self }
    }

    /// Whether everything that was promised was printed and kept, and no task was cut off behind its end.
    pub fn has_delivered_all(&self) -> bool {
        self.keepers.failures() == 0 && self.shortfall == Shortfall::default()
    }

    /// Prints the report until the last event.
    ///
    /// # Errors
    /// When a stream cannot be written, as with a closed pipe; the events until then are in [`progress`](Self::progress).
    pub fn follow(&mut self, events: &Receiver<Event>) -> io::Result<()> {
        let mut last_tick = Instant::now();
        let mut pace = Pace::default();
        loop {
            // Not only after a quiet moment: a steady stream of events has none.
            if last_tick.elapsed() >= TICK_INTERVAL {
                last_tick = Instant::now();
                self.tick()?;
                if let Ok(pause) = self.pauses.try_recv() {
                    self.pause(pause);
                }
            }
            let event = match events.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    self.flush_unless_bar()?;
                    if pace.rest(|| events.is_empty()) {
                        continue;
                    }
                    let begun = Instant::now();
                    let received = select! {
                        recv(events) -> event => Some(event),
                        recv(self.pauses) -> asked => {
                            match asked {
                                Ok(asked) => self.pause(asked),
                                Err(_) => self.pauses = never(),
                            }
                            None
                        }
                        default(TICK_INTERVAL) => None,
                    };
                    pace.waited(begun.elapsed());
                    match received {
                        Some(Ok(event)) => event,
                        Some(Err(_)) => break,
                        None => continue,
                    }
                }
            };
            self.take(event)?;
            if self.progress.summary.is_some() {
                break;
            }
        }
        self.finish()
    }

    /// The progress of the run.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Removes the bar from the screen and prints only `line`.
    ///
    /// # Errors
    /// When standard error cannot be written.
    pub fn abort(&mut self, line: Option<&str>) -> io::Result<()> {
        self.streams.bar.clear();
        if let Some(line) = line {
            self.streams.stderr(|err| writeln!(err, "{line}"))?;
        }
        self.streams.flush()
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// When a stream cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.streams.flush()
    }

    /// Writes what was held back while a view had the terminal; from now on nothing is.
    ///
    /// # Errors
    /// When a stream cannot be written.
    pub fn release(&mut self) -> io::Result<()> {
        self.streams.release()
    }

    /// The number of the run in the history, once it has one.
    pub fn run(&self) -> Option<i64> {
        self.keepers.history.as_ref()?.id()
    }

    /// Records an event in the history without printing anything.
    pub fn record_only(&mut self, event: &Event) {
        if let Some(history) = &mut self.keepers.history {
            history.add(event);
        }
    }

    /// Waits, up to a limit, until everything is in the history, and prints its messages.
    ///
    /// # Errors
    /// When standard error cannot be written.
    pub fn close_history(&mut self) -> io::Result<()> {
        let Some(history) = self.keepers.history.take() else { return Ok(()) };
        for line in history.finish() {
            self.say(&printable(&line, usize::MAX))?;
        }
        self.streams.flush()
    }

    /// Takes an event.
    ///
    /// # Errors
    /// When a stream cannot be written.
    pub fn take(&mut self, event: Event) -> io::Result<()> {
        let could_start = self.progress.cannot_start.is_none();
        let went_on = !self.progress.stopping;
        let was_held = self.progress.held.is_some();
        self.progress.apply(&event);
        self.workers.apply(&event);
        self.transports.apply(&event);
        self.objects.apply(&event);
        for line in self.keepers.apply(&event, self.tasks, &self.workers, self.spill_folder.as_deref()) {
            self.say(&printable(&line, usize::MAX))?;
        }
        let whole = |text: &str| printable(text, usize::MAX);
        match event.kind {
            EventKind::Sample(SampleEvent::Printed(printed)) => self.printed(&printed),
            EventKind::Task(TaskEvent::Retried(record)) => self.retried(&record),
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    self.finished(record)?;
                }
                Ok(())
            }
            EventKind::Worker(WorkerEvent::Ended { worker, reason: WorkerEnd::Died(how) }) => {
                self.say(&format!("worker {} {}; another worker replaces it", worker.0, printable(&how, usize::MAX)))
            }
            EventKind::Worker(WorkerEvent::HostLost { host, reason }) => {
                let line = format!("host {}: {}; the tasks go on on the others", whole(&host), whole(&reason));
                self.lost_hosts.insert(host);
                self.say(&line)
            }
            EventKind::Worker(WorkerEvent::HostJoined { host, .. }) if self.lost_hosts.remove(&host) => {
                self.say(&format!("host {} answers again", whole(&host)))
            }
            EventKind::Dispatch(DispatchEvent::GaveUp { reason }) => {
                let what = if self.progress.counts.total() == 0 { "nothing was run" } else { "the run ends" };
                self.say(&format!("fanlane: {what}: {}", printable(&reason, usize::MAX)))
            }
            EventKind::Dispatch(DispatchEvent::WorkersCannotStart { .. } | DispatchEvent::StopRequested)
                if self.progress.gave_up =>
            {
                Ok(())
            }
            EventKind::Task(TaskEvent::Suspended { task, pid, is_suspended, .. }) => {
                self.task_suspended(task, pid, is_suspended)
            }
            EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason }) if could_start => {
                self.say(&format!("no worker can be started; the tasks wait until one can: {}", whole(&reason)))
            }
            EventKind::Dispatch(DispatchEvent::Told { words }) if !self.style.quiet => self.say(&whole(&words)),
            EventKind::Dispatch(DispatchEvent::Held { reason: Some(why) }) if !was_held => {
                self.say(&format!("no further tasks are started for now: {why}"))
            }
            EventKind::Dispatch(DispatchEvent::BreakpointReached { task }) => {
                self.say(&format!("paused before task {}, which has a breakpoint", self.tasks.number(task)))
            }
            EventKind::Run(RunEvent::InterpreterFound(facts)) => {
                self.interpreter = Some(facts);
                Ok(())
            }
            EventKind::Run(RunEvent::InputsBroke { reason }) => {
                self.say(&format!("{}; no further tasks are started, running tasks finish", whole(&reason)))
            }
            EventKind::Shared(SharedEvent::Ended(contents)) => {
                self.shared = contents;
                Ok(())
            }
            EventKind::Dispatch(DispatchEvent::HaltReached { halt }) => self.say(&format!("--halt {halt} is reached")),
            EventKind::Dispatch(DispatchEvent::StopRequested)
                if self.progress.halted.is_some() || self.progress.inputs_fault.is_some() =>
            {
                Ok(())
            }
            EventKind::Dispatch(DispatchEvent::StopRequested) if went_on && !self.style.quiet => {
                self.say("stopping: running tasks are asked to end; interrupt again to end them at once")
            }
            _ => Ok(()),
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.streams.stderr(|err| writeln!(err, "{line}"))
    }
}
