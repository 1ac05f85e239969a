//! An element of an array on its node: this program in a role of its own, which runs its chunk of the batch on a local worker and
//! appends what happens to its file of records. It exits with 0 whatever becomes of the tasks: that is in the records.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, select_biased, unbounded};

use super::folder::{Asked, BatchFolder, ElementLife};
use super::records::{ElementEnd, ElementFrame, RecordReader, RecordWriter};
use crate::engine::{Engine, LocalEngine, RunCommand, RunHandle, RunOptions, event_pump, own_process};
use crate::event::{
    AttemptRecord, DispatchEvent, Event, EventKind, Outcome, RunEvent, SampleEvent, Spill, StreamName, TaskEvent,
    TaskId, WorkerEvent, spill_name,
};
use crate::job::{Batch, Mode};
use fanlane_mp::Function;
use fanlane_os::clock::unix_ms;
use fanlane_os::machine::host_name;
use fanlane_os::scheduler_signals::{self, SchedulerWish};

/// The name of the role.
pub const ELEMENT_ROLE: &str = "slurm";
/// How often it is looked whether something is asked.
const ASKED_POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often the progress of a task is passed on.
const PROGRESS_INTERVAL_NS: u64 = 1_000_000_000;
/// Between the life that Slurm counts and another one, should it count wrongly.
const EXTRA_LIFE: u32 = 1000;

/// The role of the elements of an array, for [`mp::init`](fanlane_mp::init).
pub fn slurm_role() -> Function {
    Function::remote(ELEMENT_ROLE, serve)
}

fn serve(words: &[OsString]) -> i32 {
    match work(words) {
        Ok(()) => 0,
        Err(error) => {
            // Slurm keeps it in the folder of the batch.
            #[expect(clippy::print_stderr, reason = "there is no report here that it could be part of")]
            {
                eprintln!("fanlane: the tasks of this element cannot be run: {error}");
            }
            1
        }
    }
}

fn work(words: &[OsString]) -> io::Result<()> {
    let [folder, array] = words else {
        return Err(io::Error::other(
            "it is started by Slurm alone, with the folder of a batch and the number of an array",
        ));
    };
    let folder = BatchFolder::at(PathBuf::from(folder));
    let array = array.to_str().and_then(|text| text.parse().ok());
    let array: u32 = array.ok_or_else(|| io::Error::other("the number of the array cannot be read"))?;
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let element = number("SLURM_ARRAY_TASK_ID").ok_or_else(|| io::Error::other("it is no element of an array"))?;
    let life = ElementLife { array, element, life: number("SLURM_RESTART_COUNT").unwrap_or(0) };
    let (wished, wishes) = unbounded();
    scheduler_signals::watch(move |wish| {
        // After the last task there is nothing left to end.
        let _ = wished.send(wish);
    })?;
    let chunk = folder.read_chunks(array)?.into_iter().nth(element as usize);
    let chunk = chunk.ok_or_else(|| io::Error::other(format!("array {array} has no element {element}")))?;
    let ended = ended_before(&folder, life);
    let tasks: Vec<TaskId> = chunk.into_iter().filter(|task| !ended.contains(task)).collect();
    let (mut writer, life) = create_writer(&folder, life)?;
    let host = std::env::var("SLURMD_NODENAME").unwrap_or_else(|_| host_name());
    let pid = std::process::id();
    writer.write(&ElementFrame::Began { host: host.into(), pid, zero_unix_ms: unix_ms() })?;
    own_process();
    let end =
        if tasks.is_empty() { Ok(ElementEnd::Done) } else { run_chunk(&folder, life, &tasks, &mut writer, &wishes) };
    // Told here, it is known at once and with its reason.
    let end = end.unwrap_or_else(|error| ElementEnd::Unable(error.to_string().into()));
    writer.write(&ElementFrame::Ended(end))?;
    writer.sync()
}

/// Runs the tasks on a local worker.
fn run_chunk(
    folder: &BatchFolder,
    life: ElementLife,
    tasks: &[TaskId],
    writer: &mut RecordWriter,
    wishes: &Receiver<SchedulerWish>,
) -> io::Result<ElementEnd> {
    let whole = Batch::unpack(&folder.read("batch")?).map_err(io::Error::other)?;
    let handle = folder.read_handle()?;
    let batch = Arc::new(whole.only(tasks).in_element(handle.profile.python.as_deref()));
    let spill = handle.spills.then(|| folder.private_spill(life));
    let options = RunOptions::new(Mode::Pool, 1).spill_folder(spill);
    let (sender, events) = event_pump::channel();
    let run = LocalEngine::this_program().start(batch, options, sender).map_err(io::Error::other)?;
    let (asked, cancelled) = (Vec::new(), HashSet::new());
    let chunk = Chunk { folder, life, tasks, run: &*run, writer, asked, cancelled, end: ElementEnd::Done, told_ns: 0 };
    let end = chunk.follow(&events, wishes);
    if end.is_err() {
        run.command(RunCommand::StopNow);
        events.iter().for_each(drop);
    }
    run.join();
    end
}

/// The tasks that earlier lives of an element have ended.
fn ended_before(folder: &BatchFolder, own: ElementLife) -> HashSet<TaskId> {
    let is_earlier = |life: &ElementLife| (life.array, life.element) == (own.array, own.element);
    let mut ended = HashSet::new();
    for life in folder.lives().unwrap_or_default().into_iter().filter(is_earlier) {
        let mut reader = RecordReader::default();
        // What cannot be read is done once more.
        while let Ok(frames) = reader.read(&folder.records(life)) {
            if frames.is_empty() {
                break;
            }
            for frame in frames {
                if let ElementFrame::Finished(records) = frame {
                    ended.extend(records.iter().map(|record| record.task));
                }
            }
        }
    }
    ended
}

/// A file of its own: one that is there already belongs to another life.
fn create_writer(folder: &BatchFolder, life: ElementLife) -> io::Result<(RecordWriter, ElementLife)> {
    let mut life = life;
    loop {
        match RecordWriter::create(&folder.records(life)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => life.life += EXTRA_LIFE,
            created => return Ok((created?, life)),
        }
    }
}

/// A chunk that is being run.
struct Chunk<'a> {
    folder: &'a BatchFolder,
    life: ElementLife,
    /// The tasks as the whole batch numbers them.
    tasks: &'a [TaskId],
    run: &'a dyn RunHandle,
    writer: &'a mut RecordWriter,
    /// What is asked at the moment.
    asked: Vec<Asked>,
    /// The tasks that were asked to be cancelled.
    cancelled: HashSet<TaskId>,
    end: ElementEnd,
    /// When progress was passed on last.
    told_ns: u64,
}

impl Chunk<'_> {
    /// Writes what happens, and does what is asked, to the end of the run.
    fn follow(mut self, events: &Receiver<Event>, wishes: &Receiver<SchedulerWish>) -> io::Result<ElementEnd> {
        let mut look_at = Instant::now();
        loop {
            if Instant::now() >= look_at {
                self.look();
                look_at = Instant::now() + ASKED_POLL_INTERVAL;
            }
            select_biased! {
                recv(wishes) -> wish => self.obey(wish.ok()),
                recv(events) -> event => match event {
                    Ok(event) => self.take(event)?,
                    Err(_) => return Ok(self.end),
                },
                recv(after(look_at.saturating_duration_since(Instant::now()))) -> _ => self.writer.sync()?,
            }
        }
    }

    /// Does what is newly asked.
    fn look(&mut self) {
        // A folder that cannot be read for now asks nothing new.
        let Ok((asked, cancelled)) = self.folder.asked() else { return };
        let is_new = |one: Asked| asked.contains(&one) && !self.asked.contains(&one);
        if is_new(Asked::Stop) {
            self.end = ElementEnd::Asked;
            self.run.command(RunCommand::Stop);
        } else if is_new(Asked::Finish) {
            self.end = ElementEnd::Asked;
            self.run.command(RunCommand::SetWorkers(0));
        } else if is_new(Asked::Pause) {
            self.run.command(RunCommand::Pause);
        } else if self.asked.contains(&Asked::Pause) && !asked.contains(&Asked::Pause) {
            self.run.command(RunCommand::Resume);
        }
        self.asked = asked;
        for task in cancelled {
            let own = self.tasks.iter().position(|own| *own == task);
            if let Some(place) = own.filter(|_| self.cancelled.insert(task)) {
                self.run.command(RunCommand::Cancel(TaskId(place as u64)));
            }
        }
    }

    fn obey(&mut self, wish: Option<SchedulerWish>) {
        match wish {
            Some(SchedulerWish::BeginNothing) if self.end == ElementEnd::Done => {
                self.end = ElementEnd::TimeNearlyOver;
                self.run.command(RunCommand::SetWorkers(0));
            }
            Some(SchedulerWish::End) => {
                self.look();
                if !self.asked.contains(&Asked::Stop) {
                    self.end = ElementEnd::Terminated;
                    self.run.command(RunCommand::Stop);
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, event: Event) -> io::Result<()> {
        let frame = match event.kind {
            EventKind::Task(TaskEvent::Started { task, attempt, start_ns, pid, .. }) => {
                ElementFrame::Started { task: self.whole(task), attempt, start_ns, pid }
            }
            EventKind::Task(TaskEvent::Retried(record)) => ElementFrame::Retried(self.record(record)),
            EventKind::Task(TaskEvent::Finished(records)) => {
                let records: Vec<_> = records.into_iter().map(|record| self.record(record)).collect();
                let records: Vec<_> = records.into_iter().filter(|record| self.is_end(record)).collect();
                if records.is_empty() {
                    return Ok(());
                }
                ElementFrame::Finished(records)
            }
            EventKind::Sample(SampleEvent::Progress { sent_ns, fraction, message, .. })
                if sent_ns >= self.told_ns + PROGRESS_INTERVAL_NS =>
            {
                self.told_ns = sent_ns;
                ElementFrame::Progress { sent_ns, fraction, message }
            }
            EventKind::Run(RunEvent::InterpreterFound(facts)) => ElementFrame::Interpreter(facts),
            EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason }) => {
                ElementFrame::CannotStart(reason.into())
            }
            EventKind::Dispatch(DispatchEvent::GaveUp { reason }) => {
                self.end = ElementEnd::Unable(reason.into());
                return Ok(());
            }
            EventKind::Worker(WorkerEvent::Ended { .. }) if self.begins_nothing() => {
                // Its last task has ended: what is left is handed back.
                self.run.command(RunCommand::StopNow);
                return Ok(());
            }
            EventKind::Run(RunEvent::Finished(_)) => return self.writer.sync(),
            _ => return Ok(()),
        };
        self.writer.write(&frame)
    }

    fn begins_nothing(&self) -> bool {
        self.end == ElementEnd::TimeNearlyOver || self.asked.contains(&Asked::Finish)
    }

    fn whole(&self, task: TaskId) -> TaskId {
        self.tasks[task.0 as usize]
    }

    /// The record as the whole batch numbers its task; its whole streams get their names.
    fn record(&self, record: AttemptRecord) -> AttemptRecord {
        let task = self.whole(record.task);
        let mut record = record;
        if let Some(output) = &mut record.output {
            for name in StreamName::BOTH {
                let stream = match name {
                    StreamName::Stdout => &mut output.stdout,
                    StreamName::Stderr => &mut output.stderr,
                };
                if stream.spill == Spill::Kept {
                    let own = self.folder.private_spill(self.life).join(spill_name(record.task, record.attempt, name));
                    let shown = self.folder.spilled(self.life, task, record.attempt, name);
                    if let Err(error) = std::fs::rename(own, shown) {
                        stream.spill = Spill::Failed(error.to_string().into());
                    }
                }
            }
        }
        AttemptRecord { task, ..record }
    }

    /// Whether a task has ended with this record, and is not to be done elsewhere.
    fn is_end(&self, record: &AttemptRecord) -> bool {
        match record.outcome {
            Outcome::Cancelled if self.cancelled.contains(&record.task) => true,
            Outcome::Cancelled => record.attempt > 0 && self.asked.contains(&Asked::Stop),
            _ => true,
        }
    }
}
