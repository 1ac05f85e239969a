//! Calls of a Python function: in an interpreter that is kept from call to call, and replaced when a call has ended it. Calls
//! that are short and print nothing go to it in batches. `docs/design/python.md` says how, and why.

mod call_batch;
mod call_end;
mod call_output;
mod call_record;
mod kept;
mod lane_link;
mod lane_message;
mod process;
mod script_terminal;
mod stack;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::command::{limit, loss_of, outcome_of};
use super::executor::{CallEnd, Execution, Executor, ExecutorKind, TaskWatch};
use super::lane::LaneShared;
use super::{WorkerContext, launch_error};
use crate::engine::protocol::TaskFrame;
use crate::engine::python::PythonParameters;
use crate::event::{CallValue, Outcome, StreamName, spill_name};
use crate::job::TaskKind;
use crate::job::control::environment_of_lane;
use fanlane_os::launch::Launcher;
use fanlane_os::memory_kills::MemoryKills;
use fanlane_os::reap::Reaped;
use fanlane_os::waker::Waker;

use call_batch::{BatchSize, Call, CallBatch};
use call_output::CallOutput;
use call_record::CallRecord;
use kept::Kept;
use lane_message::{BatchEnd, Said};
use process::{InterpreterStack, Process};
use script_terminal::ScriptTerminal;

pub const KIND: ExecutorKind = ExecutorKind { name: TaskKind::Python.traits().name, has_process: true, open };

/// How long the import of a module and the initializer may take.
const START_TIMEOUT: Duration = Duration::from_secs(300);
/// How long an interpreter that is not needed any more may take for what the user's code has registered for its end.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// Number of interpreters in a row that may end before they can be used.
const MAX_FAILED_STARTS: u32 = 3;

/// The interpreter that the lanes of this process share.
pub type SharedInterpreter = Mutex<Weak<Process>>;

/// Has calls done, one after the other.
struct PythonExecutor {
    parameters: PythonParameters,
    context: Arc<WorkerContext>,
    launcher: Launcher,
    reminder: Arc<Waker>,
    worker: u32,
    lane: u32,
    spill_folder: Option<PathBuf>,
    max_output_bytes: u64,
    /// The script, if it shows what its calls print.
    terminal: Option<Arc<ScriptTerminal>>,
    memory_kills: MemoryKills,
    buffer: Vec<u8>,
    kept: Option<Kept>,
    /// Number of interpreters that were started.
    started: u32,
    /// Number of interpreters in a row that have ended before a call could begin.
    failed_starts: u32,
    /// Why there is no use in another one.
    unusable: Option<String>,
    /// The size of the next batch.
    batch_size: BatchSize,
    /// When the present batch was sent, on the monotonic clock.
    sent_ns: u64,
    /// The share of the time of a call that it computes, as measured last.
    cpu_share: f64,
    /// The lane knows the interpreter as what it has to signal in order to end the present call.
    is_told: bool,
}

/// What has become of the call whose record comes next.
enum Awaited {
    Done(CallRecord),
    /// It was not begun.
    Unbegun,
    /// The interpreter has ended in it.
    Died(Reaped),
}

fn open(lane: &LaneShared) -> io::Result<Box<dyn Executor>> {
    let setup = &lane.context.setup;
    let mut launcher = Launcher::new(environment_of_lane(&setup.needs, lane.lane.0))?;
    limit(&mut launcher, &setup.caps);
    let parameters: PythonParameters = setup.task.parameters()?;
    let terminal = parameters.terminal.clone().map(|script| Arc::new(ScriptTerminal::new(script, lane.lane.0)));
    Ok(Box::new(PythonExecutor {
        parameters,
        terminal,
        context: Arc::clone(&lane.context),
        launcher,
        reminder: Arc::clone(&lane.reminder),
        worker: lane.worker.0,
        lane: lane.lane.0,
        spill_folder: setup.spill_folder.clone(),
        max_output_bytes: setup.caps.output_bytes.unwrap_or(u64::MAX),
        memory_kills: MemoryKills::watch(),
        buffer: vec![0; 64 << 10],
        kept: None,
        started: 0,
        failed_starts: 0,
        unusable: None,
        batch_size: BatchSize::default(),
        sent_ns: 0,
        cpu_share: 1.0,
        is_told: false,
    }))
}

impl Executor for PythonExecutor {
    fn execute(&mut self, task: TaskFrame, watch: &dyn TaskWatch) -> Execution {
        if let Some(execution) = self.take_done() {
            return execution;
        }
        self.is_told = false;
        let spill = StreamName::BOTH.map(|stream| {
            self.spill_folder.as_ref().map(|folder| folder.join(spill_name(task.task, task.attempt, stream)))
        });
        let limit_bytes = self.context.setup.output_limit_bytes;
        let mut output = CallOutput::new(limit_bytes, self.max_output_bytes, spill, watch)
            .shown_by(self.terminal.as_ref(), task.task.0 + 1);
        loop {
            if let Err(outcome) = self.make_ready(watch, &mut output) {
                let outcome = watch.ending().unwrap_or(outcome);
                return Execution { cpu_ns: Some(0), output: output.finish(), ..Execution::of(outcome) };
            }
            if !self.kept.as_ref().is_some_and(|kept| kept.link.is_busy()) {
                self.send(&task, watch);
            }
            match self.await_record(watch, &mut output) {
                Awaited::Done(record) => return self.done(record, output, watch),
                Awaited::Died(end) => return self.died(end, output, watch),
                // It had to go back before its turn came, perhaps because it is wanted no more.
                Awaited::Unbegun => {
                    if let Some(outcome) = watch.ending() {
                        return Execution { cpu_ns: Some(0), output: output.finish(), ..Execution::of(outcome) };
                    }
                }
            }
        }
    }

    fn refuse(&self, reason: &str) -> Outcome {
        Outcome::CannotStart(reason.into())
    }
}

impl PythonExecutor {
    /// Has an interpreter with the function, or gives the reason why there is none.
    fn make_ready(&mut self, watch: &dyn TaskWatch, output: &mut CallOutput<'_>) -> Result<(), Outcome> {
        let is_used_up = |kept: &Kept, most: u32| kept.calls >= most && !kept.link.is_busy();
        if self.kept.as_ref().zip(self.parameters.max_calls).is_some_and(|(kept, most)| is_used_up(kept, most)) {
            self.leave(Some(output));
        }
        if self.kept.is_some() {
            return Ok(());
        }
        if let Some(reason) = &self.unusable {
            return Err(Outcome::CannotStart(reason.as_str().into()));
        }
        loop {
            let failed_starts = self.failed_starts;
            let Err(reason) = self.start(watch, output) else {
                self.failed_starts = 0;
                return Ok(());
            };
            self.leave(Some(output));
            // One that has ended by itself before the call began may have been killed: another one is tried, as often as that makes
            // sense.
            if self.failed_starts == failed_starts || self.unusable.is_some() || watch.ending().is_some() {
                return Err(Outcome::CannotStart(reason.into()));
            }
        }
    }

    fn start(&mut self, watch: &dyn TaskWatch, output: &mut CallOutput<'_>) -> Result<(), String> {
        let context = Arc::clone(&self.context);
        let is_shared = context.setup.shared_process;
        // Held until it is there, so that the lanes of this process start one alone.
        let mut shared = is_shared.then(|| context.interpreter.lock().unwrap_or_else(PoisonError::into_inner));
        let running = shared.as_ref().and_then(|shared| shared.upgrade()).filter(|process| process.is_running());
        let is_reused = running.is_some();
        let process = match running {
            Some(process) => process,
            None => Arc::new(self.start_process(watch)?),
        };
        if let Some(shared) = &mut shared {
            **shared = Arc::downgrade(&process);
        }
        drop(shared);
        watch.preparing(process.pid());
        let lane = process.streams().and_then(|streams| Ok((streams, process.open_lane(self.worker, self.lane)?)));
        let (streams, link) = lane.map_err(|error| {
            format!("the interpreter cannot be given a lane: {error}; raise the limit of open files (ulimit -n)")
        })?;
        let place = |thread: u32| Arc::new(InterpreterStack { process: Arc::clone(&process), thread });
        // Where the import of its module is, the main thread knows.
        watch.has_stack(Some(place(process.pid().as_raw_nonzero().get().unsigned_abs())));
        self.kept = Some(Kept { process: Arc::clone(&process), streams, link, calls: 0, is_dead: false });
        let thread = match self.await_ready(watch, output) {
            Ok(thread) => thread,
            Err(_) if is_reused && self.kept.as_ref().is_some_and(|kept| kept.is_dead) && watch.ending().is_none() => {
                // A call of another lane has ended it.
                self.failed_starts = self.failed_starts.saturating_sub(1);
                self.unusable = None;
                self.leave(Some(output));
                return self.start(watch, output);
            }
            Err(reason) => return Err(reason),
        };
        watch.has_stack(Some(place(thread)));
        // A call that is alone from its beginning on: its time begins now.
        self.batch_size = BatchSize::default();
        self.tell(watch);
        Ok(())
    }

    /// From now on the present call is what a signal to the interpreter ends.
    fn tell(&mut self, watch: &dyn TaskWatch) {
        if let Some(kept) = &self.kept {
            watch.begun(kept.process.pid());
            self.is_told = true;
        }
    }

    fn start_process(&mut self, watch: &dyn TaskWatch) -> Result<Process, String> {
        let marker = format!("{}.{}.{}", std::process::id(), self.lane, self.started);
        self.started += 1;
        let told = self.parameters.told(self.context.setup.progress.as_deref());
        let gate = &self.context.launches;
        Process::start(&mut self.launcher, gate, &self.parameters, &told, Some(marker), watch)
            .map_err(|error| launch_error::describe(&[self.parameters.interpreter.clone().into()], &error))
    }

    /// Waits until the function is there; returns the thread that calls it.
    fn await_ready(&mut self, watch: &dyn TaskWatch, output: &mut CallOutput<'_>) -> Result<u32, String> {
        let until = Instant::now() + START_TIMEOUT;
        loop {
            let Some(kept) = &mut self.kept else { return Ok(0) };
            let mut ready = None;
            kept.link.receive(|said| match said {
                Said::Ready(thread) => ready = Some(Ok(thread)),
                Said::Unusable(reason) => ready = Some(Err(reason)),
            });
            if let Some(ready) = ready {
                self.unusable = ready.as_ref().err().cloned();
                kept.drain(output, &mut self.buffer);
                return ready;
            }
            if kept.is_dead {
                self.context.wait_if_aborting();
                let status = kept.process.end_within(Duration::ZERO).status;
                // One that was ended because its call is not wanted any more says nothing about the next one.
                self.failed_starts += u32::from(watch.ending().is_none());
                let how = process::how_ended(status);
                let reason = format!(
                    "the interpreter {how} before the function could be called: see what its module does when it is imported, and \
                     the initializer"
                );
                if self.failed_starts >= MAX_FAILED_STARTS {
                    self.unusable = Some(reason.clone());
                }
                return Err(reason);
            }
            if Instant::now() >= until {
                return Err(format!(
                    "the function could not be called within {} s: see what its module does when it is imported, and the \
                     initializer",
                    START_TIMEOUT.as_secs()
                ));
            }
            kept.wait(output, &self.reminder, &mut self.buffer, Some(START_TIMEOUT));
        }
    }

    /// Sends the task, and with it those that follow if they are expected to be short.
    fn send(&mut self, task: &TaskFrame, watch: &dyn TaskWatch) {
        let Some(kept) = &mut self.kept else { return };
        let mut batch = CallBatch::default();
        fn call(frame: &TaskFrame) -> Call<'_> {
            Call { task: frame.task, attempt: frame.attempt, arguments: &frame.payload }
        }
        batch.push(&call(task));
        let left = self.parameters.max_calls.map_or(u32::MAX, |most| most.saturating_sub(kept.calls).max(1));
        let more = self.batch_size.calls().min(left).saturating_sub(1);
        if more > 0 {
            watch.commit(more as usize, &mut |frame| {
                batch.push(&call(frame));
                !batch.is_full()
            });
        }
        self.sent_ns = fanlane_os::clock::monotonic_ns();
        // That it has ended is noticed where its answer is waited for.
        let _ = kept.link.send(batch);
    }

    fn await_record(&mut self, watch: &dyn TaskWatch, output: &mut CallOutput<'_>) -> Awaited {
        loop {
            let Some(kept) = &mut self.kept else { return Awaited::Unbegun };
            if let Some(record) = kept.link.take() {
                kept.calls += 1;
                if kept.link.ended().is_some() || (kept.is_dead && !kept.link.has_more()) {
                    kept.link.printed(|stream, piece| output.push(stream, piece));
                    kept.drain(output, &mut self.buffer);
                }
                return Awaited::Done(record);
            }
            if kept.is_dead {
                let died = kept.link.died_in_next();
                kept.link.printed(|stream, piece| output.push(stream, piece));
                kept.drain(output, &mut self.buffer);
                let end = kept.process.end_within(Duration::ZERO);
                self.kept = None;
                watch.release(0);
                return if died { Awaited::Died(end) } else { Awaited::Unbegun };
            }
            if kept.link.ended().is_some() {
                // The calls behind were not begun.
                kept.link.forget_batch();
                watch.release(0);
                return Awaited::Unbegun;
            }
            if !self.is_told && !kept.link.is_ahead() {
                self.tell(watch);
                continue;
            }
            let look = kept.link.until_look();
            kept.wait(output, &self.reminder, &mut self.buffer, look);
            if let Some(behind) = kept.link.look_if_due() {
                watch.release(behind);
            }
            kept.link.receive(|_| {});
            if kept.is_dead {
                self.context.wait_if_aborting();
                watch.release(kept.link.note_death());
            } else if kept.link.is_at_next() {
                kept.link.printed(|stream, piece| output.push(stream, piece));
            }
        }
    }

    /// Lets the interpreter end as a program does.
    fn leave(&mut self, output: Option<&mut CallOutput<'_>>) {
        let Some(Kept { process, mut streams, link, is_dead, .. }) = self.kept.take() else { return };
        drop(link);
        // The others go on in one that is shared.
        if !self.context.setup.shared_process {
            process.end_within(if is_dead { Duration::ZERO } else { END_TIMEOUT });
        }
        if let Some(output) = output {
            (0..2).for_each(|stream| output.drain(stream, &mut streams, &mut self.buffer));
        }
    }

    fn leave_at_once(&mut self) {
        if let Some(kept) = self.kept.take() {
            kept.process.end_within(Duration::ZERO);
        }
    }
}

impl Drop for PythonExecutor {
    fn drop(&mut self) {
        self.leave(None);
    }
}
