//! How much memory the workers of a race have, with all they start: looked at on a thread of its own, seldom enough not
//! to be seen in the times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use fanlane_os::process_tree;

/// The first look is so soon, since many runs are short.
const FIRST_LOOK: Duration = Duration::from_millis(4);
/// Looks are so far apart in the end; each costs some tenths of a millisecond.
const LOOK_EVERY: Duration = Duration::from_millis(64);

/// Looks at memory while it lives.
pub struct MemoryWatch {
    peak_bytes: Arc<AtomicU64>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Begins to look at all processes below this one. Without a thread nothing is seen, which is no reason not to race.
    pub fn start() -> Self {
        let peak_bytes = Arc::new(AtomicU64::new(0));
        let (end, ended) = bounded(0);
        let peak = Arc::clone(&peak_bytes);
        let thread =
            std::thread::Builder::new().name("race-memory".to_owned()).spawn(move || watch(&ended, &peak)).ok();
        Self { peak_bytes, end: Some(end), thread }
    }

    /// The most that was seen at once, in bytes; `None`: nothing was there to be seen.
    pub fn finish(mut self) -> Option<u64> {
        self.end_thread();
        Some(self.peak_bytes.load(Ordering::Acquire)).filter(|bytes| *bytes > 0)
    }

    fn end_thread(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.end_thread();
    }
}

fn watch(ended: &Receiver<()>, peak_bytes: &AtomicU64) {
    let me = std::process::id();
    // A child that is about to become another program has our memory and our words until then.
    let own = process_tree::command_line(me);
    let mut pause = FIRST_LOOK;
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let pids = process_tree::descendants(me);
        let begun = pids.into_iter().filter(|pid| process_tree::command_line(*pid) != own);
        let bytes = begun.filter_map(process_tree::resident_bytes).sum::<u64>();
        peak_bytes.fetch_max(bytes, Ordering::AcqRel);
        pause = (pause * 2).min(LOOK_EVERY);
    }
}
