//! What running tasks say of their progress: gathered on a thread of its own, and told at most ten times a second for
//! each task, however often it reports. What finds no room in the channel is told the next time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::event::{Event, EventKind, TaskId};
use crate::mp::clock::monotonic_ns;
use crate::mp::progress::{self, Listener};

/// Reports are told so often.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Reports of so many tasks wait to be told at most.
const MOST_TASKS: usize = 4096;
/// A report of the engine's own ends the wait for others.
const END: &str = "end";

/// The variable in which a task finds where to report its progress.
pub const PROGRESS_VARIABLE: &str = "FANLANE_PROGRESS";

/// The label of an attempt, as it stands in its environment.
pub fn label(task: TaskId, attempt: u32) -> String {
    format!("{}.{attempt}", task.0)
}

fn read_label(label: &str) -> Option<(TaskId, u32)> {
    let (task, attempt) = label.split_once('.')?;
    Some((TaskId(task.parse().ok()?), attempt.parse().ok()?))
}

/// The thread that listens. Dropping it ends it.
pub struct ProgressReports {
    name: String,
    end_address: String,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressReports {
    /// Starts listening; reports of tasks below `tasks` go into `events`.
    ///
    /// # Errors
    /// When there is no socket or thread for it.
    pub fn start(events: Sender<Event>, epoch_ns: u64, tasks: u64) -> io::Result<Self> {
        let listener = Listener::new()?;
        let (name, end_address) = (listener.name().to_owned(), listener.address_of(END));
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || listen(&listener, &over, &events, epoch_ns, tasks))?;
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
        // Where it is not heard, the thread looks by itself.
        let _ = progress::send(&self.end_address, 0.0, "");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(listener: &Listener, ended: &AtomicBool, events: &Sender<Event>, epoch_ns: u64, tasks: u64) {
    const IDLE: Duration = Duration::from_secs(1);
    let mut untold: BTreeMap<TaskId, (u32, f32, Box<str>)> = BTreeMap::new();
    let mut told = Instant::now();
    while !ended.load(Ordering::Acquire) {
        let wait = if untold.is_empty() { IDLE } else { TELL_EVERY.saturating_sub(told.elapsed()) };
        match listener.receive(wait) {
            Ok(Some(report)) => {
                if let Some((task, attempt)) = read_label(&report.label).filter(|(task, _)| task.0 < tasks)
                    && (untold.len() < MOST_TASKS || untold.contains_key(&task))
                {
                    untold.insert(task, (attempt, report.fraction, report.message.into()));
                }
            }
            Ok(None) => {}
            // Without its socket nothing more is to be heard; the tasks themselves do not need it.
            Err(_) => return,
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let at_ns = monotonic_ns().saturating_sub(epoch_ns);
            while let Some((task, (attempt, fraction, message))) = untold.pop_first() {
                let kind = EventKind::TaskProgressed { task, attempt, fraction, message: message.clone() };
                if events.try_send(Event { at_ns, kind }).is_err() {
                    untold.insert(task, (attempt, fraction, message));
                    break;
                }
            }
        }
    }
}
