//! A run that is hosted: it is begun, recorded, kept for watchers and followed to its end, whatever process started it, and
//! however that one is told of it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::coalescer::Coalescer;
use super::folder::HostFolder;
use super::journal::JournalWriter;
use super::leaving::Leaving;
use super::order::{DetachedOrder, Refusal, ToTake, bytes};
use super::serve::{self, HostState, lock};
use super::wire::{DetachedInfo, FromHost};
use crate::engine::python::PythonCall;
use crate::engine::{self, RunCommand, RunOptions, Sweep, event_pump};
use crate::event::{Event, EventKind, RunEvent};
use crate::model::Progress;
use crate::store::history::{HistoryRecorder, RecordedRun};
use crate::store::queue::TakenJob;
use event_pump::CHANNEL_EVENTS;
use fanlane_os::interrupts;

/// How often the history is checked for the run's number.
const ID_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Maximum wait of an ended run for its number, where the history is locked or the disk is slow.
const ID_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum wait of an ended run for watchers that do not read.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(600);
/// The same where the starter of the run waits, too.
const AWAITED_DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// What has started a run, and is told of it in a way of its own, beside the watchers.
pub(super) trait Starter {
    /// The run has begun.
    fn begun(&mut self, state: &Arc<HostState>);

    /// Takes in an event.
    fn take(&mut self, _event: &Event) {}

    /// The run's number in the history is known; `None`: it is not recorded.
    fn recorded(&mut self, _number: Option<i64>) {}

    /// No event waits.
    fn flush(&mut self) {}

    /// The run is over, and the history has it.
    fn ended(&mut self) {}

    /// It waits for the end of this process, and has the results without watchers.
    fn awaits_exit(&self) -> bool {
        false
    }
}

/// A run that has begun.
pub(super) struct Hosting {
    folder: HostFolder,
    state: Arc<HostState>,
    events: Receiver<Event>,
    writer: JournalWriter,
    recorder: Option<HistoryRecorder>,
    sweep: Sweep,
    taken: Option<TakenJob>,
}

/// Begins a run in its folder. `to_take`: the job of the queue that it is; `python`: the function of its batch as it was found.
pub(super) fn begin(
    order: DetachedOrder,
    to_take: Option<ToTake>,
    folder: HostFolder,
    python: Option<PythonCall>,
) -> Result<Hosting, Refusal> {
    let words = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    let history = order.history;
    let batch = order.batch;
    let listener = folder.listen().map_err(words("no socket can be made for watchers"))?;
    let (writer, journal) =
        JournalWriter::new(history.as_deref()).map_err(words("the events of the run cannot be kept for watchers"))?;
    engine::own_process();
    let (sender, events) = event_pump::channel();
    let info = DetachedInfo {
        folder: bytes(&order.folder),
        recorded: history.is_some(),
        earlier: order.earlier,
        ..DetachedInfo::unnumbered(batch.job().display_name())
    };
    // From here on the job is this process's to run.
    let taken = to_take.map(ToTake::take).transpose()?;
    let recorder = history.map(|history| {
        let run = RecordedRun {
            batch: Arc::clone(&batch),
            job: batch.given_job().clone(),
            folder: order.folder,
            continues: order.continues,
            earlier: order.earlier,
            window: order.window,
        };
        HistoryRecorder::start(history, run)
    });
    let options = RunOptions::new(order.mode, order.workers)
        .monitor(true)
        .breakpoints(order.breakpoints)
        .python(python)
        .gate(recorder.as_ref().map(HistoryRecorder::gate));
    let run = match order.engine.engine().start(Arc::clone(&batch), options, sender) {
        Ok(run) => run,
        Err(error) => {
            let words = error.to_string();
            // Where the queue cannot be written, the next look at it finds that the job broke off.
            let _ = taken.map(|taken| taken.give_back(&words));
            return Err(words.into());
        }
    };
    let state = Arc::new(HostState::new(batch, journal, info, run));
    let its = Arc::clone(&state);
    let accepting = std::thread::Builder::new().name("sockets".to_owned());
    accepting.spawn(move || serve::accept(&its, &listener)).map_err(words("no thread can be started for watchers"))?;
    let sweep = Sweep::begin(|| ());
    Ok(Hosting { folder, state, events, writer, recorder, sweep, taken })
}

impl Hosting {
    /// Follows the run to its end, and returns once all watchers have received it.
    pub(super) fn run_to_end(self, starter: &mut dyn Starter) {
        let Self { folder, state, events, mut writer, mut recorder, sweep, taken } = self;
        starter.begun(&state);
        let ask = |signal| state.command(if signal == 1 { RunCommand::Stop } else { RunCommand::StopNow });
        let mut progress = Progress::default();
        let mut work = || {
            let job = taken.as_ref().map(|taken| (taken, &mut progress));
            follow(&state, &events, &mut writer, recorder.as_mut(), job, starter);
            let run = lock(&state.run).take();
            if let Some(run) = run {
                run.join();
            }
        };
        let signals = match interrupts::during(ask, &mut work) {
            Ok(((), signals)) => signals,
            Err(error) => {
                // Watchers can still stop the run.
                work();
                writer.message(&format!("signals could not be caught: {error}"));
                0
            }
        };
        // If the history failed, a watcher has to receive the end of the run, since it is stored nowhere else.
        let is_missing = recorder.as_ref().is_some_and(HistoryRecorder::has_given_up);
        if let Some(recorder) = recorder {
            recorder.finish().iter().for_each(|words| writer.message(words));
        }
        if let Some(ended) = sweep.finish() {
            writer.message(&ended);
        }
        lock(&state.info).ended = true;
        let leaving = taken.map(|taken| Leaving {
            taken,
            run: lock(&state.info).run,
            is_done: progress.has_reached_goal(),
            is_interrupted: signals > 0 && progress.summary.is_none_or(|summary| summary.stopped),
            // After a signal the machine may be going down.
            runs: folder.path().parent().filter(|_| signals == 0).map(Path::to_owned),
        });
        let left = leaving.as_ref().map_or(Ok(()), Leaving::leave);
        if let Err(error) = &left {
            writer.message(&format!("the job is still in the queue, although it has ended: {error}"));
        }
        writer.end();
        starter.ended();
        let is_awaited = starter.awaits_exit();
        let drain_timeout = if is_awaited { AWAITED_DRAIN_TIMEOUT } else { DRAIN_TIMEOUT };
        state.wait_until_delivered(is_missing && !is_awaited, drain_timeout);
        if let (Some(leaving), Err(_)) = (leaving, left) {
            leaving.try_again(DRAIN_TIMEOUT);
        }
        folder.remove();
        // Watchers that connected at the last moment.
        state.wait_until_delivered(false, drain_timeout);
    }
}

fn lacks_id(recorder: Option<&HistoryRecorder>) -> bool {
    recorder.is_some_and(|recorder| recorder.id().is_none() && !recorder.has_given_up())
}

/// Reports the run's number in the history when it changes.
fn report_id(
    state: &HostState,
    recorder: &HistoryRecorder,
    reported: &mut Option<Option<i64>>,
    taken: Option<&TakenJob>,
    writer: &mut JournalWriter,
    starter: &mut dyn Starter,
) {
    let newest = recorder.id().map(Some).or_else(|| recorder.has_given_up().then_some(None));
    if newest != *reported
        && let Some(number) = newest
    {
        *reported = newest;
        lock(&state.info).run = number;
        if let Some(Err(error)) = taken.map(|taken| taken.recorded(number)) {
            writer.message(&format!("the number of the run is not in the queue: {error}"));
        }
        writer.push_message(&FromHost::Recorded(number));
        starter.recorded(number);
    }
}

/// Processes the events of the run until its last, and waits for the run's number in the history.
fn follow(
    state: &HostState,
    events: &Receiver<Event>,
    writer: &mut JournalWriter,
    mut recorder: Option<&mut HistoryRecorder>,
    mut job: Option<(&TakenJob, &mut Progress)>,
    starter: &mut dyn Starter,
) {
    let mut number = None;
    let queued = job.as_ref().map(|(queued, _)| *queued);
    let mut coalescer = Coalescer::new();
    loop {
        let waits = lacks_id(recorder.as_deref());
        let first = if waits {
            events.recv_timeout(ID_POLL_INTERVAL)
        } else {
            events.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        let mut take = |event: &Event, writer: &mut JournalWriter, starter: &mut dyn Starter| {
            if let EventKind::Run(RunEvent::Started(header)) = &event.kind {
                lock(&state.info).started_unix_ms = header.started_unix_ms;
            }
            if let Some((_, progress)) = &mut job {
                progress.apply(event);
            }
            if let Some(recorder) = &mut recorder {
                recorder.add(event).iter().for_each(|words| writer.message(words));
            }
            if let EventKind::Run(RunEvent::BatchGrew { tasks, .. }) = &event.kind {
                writer.push_rows(&state.batch, *tasks);
            }
            writer.add(event);
            starter.take(event);
        };
        let mut taken = 0;
        let is_over = match &first {
            Ok(event) => {
                take(event, writer, starter);
                taken = events.try_iter().take(CHANNEL_EVENTS).map(|event| take(&event, writer, starter)).count();
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if let Some(recorder) = &recorder {
            report_id(state, recorder, &mut number, queued, writer, starter);
        }
        writer.flush();
        starter.flush();
        if is_over {
            // A run that ends at once still gets its number, which its starter waits for.
            let until = Instant::now() + ID_TIMEOUT;
            while lacks_id(recorder.as_deref()) && Instant::now() < until {
                std::thread::sleep(ID_POLL_INTERVAL);
            }
            if let Some(recorder) = &recorder {
                report_id(state, recorder, &mut number, queued, writer, starter);
            }
            return;
        }
        // Under a steady stream, each event would wake this thread, at the tasks' expense. With many at once there is
        // no pause, since the channel would fill up and block the engine.
        if taken < CHANNEL_EVENTS / 4 {
            coalescer.pause();
        }
    }
}
