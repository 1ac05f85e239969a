//! Progress that running tasks report: gathered on a thread of its own, and emitted at most ten times a second for each
//! worker, however often it reports. What finds no room in the channel is emitted the next time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::event::{Event, EventKind, ObjectSample, SampleEvent, WorkerId};
use fanlane_os::progress::{self, Listener, Report};

use super::run_clock::RunClock;

/// How often reports become events.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum number of workers whose reports wait: any number in a report counts as a worker.
const MAX_PENDING: usize = 4096;
/// The label of the engine's own report, which ends the wait for others.
const END: &str = "end";

/// The label of what an interpreter has measured of an object: it is an event at once.
const OBJECT: &str = "object";

/// The variable in which a task finds where to report its progress.
pub const PROGRESS_VARIABLE: &str = "FANLANE_PROGRESS";

/// The value of that variable: `name` is that of the run; the worker, which does one task at a time, is the label.
pub fn address(name: &str, worker: WorkerId) -> String {
    format!("{name}/{}", worker.0)
}

/// The thread that listens. Dropping it ends it.
pub struct ProgressReports {
    name: String,
    end_address: String,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressReports {
    /// Starts listening; reports go into `events`.
    ///
    /// # Errors
    /// When there is no socket or thread for it.
    pub fn start(events: Sender<Event>, clock: Arc<RunClock>) -> io::Result<Self> {
        let listener = Listener::new()?;
        let (name, end_address) = (listener.name().to_owned(), listener.address_of(END));
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || listen(&listener, &over, &events, &clock))?;
        Ok(Self { name, end_address, ended, thread: Some(thread) })
    }

    /// What the addresses of its tasks begin with.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for ProgressReports {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // Where it does not arrive, the thread notices within a second.
        let _ = progress::send(&self.end_address, 0.0, "");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(listener: &Listener, ended: &AtomicBool, events: &Sender<Event>, clock: &RunClock) {
    const IDLE: Duration = Duration::from_secs(1);
    let mut pending: BTreeMap<WorkerId, Report> = BTreeMap::new();
    let mut told = Instant::now();
    while !ended.load(Ordering::Acquire) {
        let wait = if pending.is_empty() { IDLE } else { REPORT_INTERVAL.saturating_sub(told.elapsed()) };
        match listener.receive(wait) {
            Ok(Some(report)) if report.label == OBJECT => {
                if let Some(sample) = object_sample(&report.message) {
                    // One that finds no room is missed by none: others follow.
                    let kind = EventKind::Sample(SampleEvent::Object(sample));
                    let _ = events.try_send(Event { at_ns: clock.now_ns(), kind });
                }
            }
            Ok(Some(report)) => {
                if let Ok(worker) = report.label.parse().map(WorkerId)
                    && (pending.len() < MAX_PENDING || pending.contains_key(&worker))
                {
                    pending.insert(worker, report);
                }
            }
            Ok(None) => {}
            // Without its socket no more reports come; the tasks themselves do not need it.
            Err(_) => return,
        }
        if told.elapsed() >= REPORT_INTERVAL {
            told = Instant::now();
            let at_ns = clock.now_ns();
            while let Some((worker, report)) = pending.pop_first() {
                let sent_ns = clock.of_monotonic(report.sent_ns);
                let message = report.message.as_str().into();
                let kind =
                    EventKind::Sample(SampleEvent::Progress { worker, sent_ns, fraction: report.fraction, message });
                if events.try_send(Event { at_ns, kind }).is_err() {
                    pending.insert(worker, report);
                    break;
                }
            }
        }
    }
}

/// What an interpreter says of an object: five numbers, and the name of its type.
fn object_sample(message: &str) -> Option<ObjectSample> {
    let mut parts = message.splitn(6, ' ');
    let mut number = || parts.next()?.parse().ok();
    let [bytes, buffer_bytes, pickle_ns, pickle5_ns, shared_memory_ns] =
        [number()?, number()?, number()?, number()?, number()?];
    let kind = parts.next()?.into();
    Some(ObjectSample { kind, bytes, buffer_bytes, pickle_ns, pickle5_ns, shared_memory_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_of_an_object_is_five_numbers_and_a_name_or_nothing() {
        let sample = object_sample("90000 80000 5 4 3 pandas DataFrame").expect("it is whole");
        assert_eq!((&*sample.kind, sample.bytes, sample.buffer_bytes), ("pandas DataFrame", 90_000, 80_000));
        assert_eq!((sample.pickle_ns, sample.pickle5_ns, sample.shared_memory_ns), (5, 4, 3));
        for torn in ["", "1 2 3 4 5", "1 2 3 4 x list", "-1 2 3 4 5 list", "half done"] {
            assert_eq!(object_sample(torn), None, "{torn}");
        }
    }
}
