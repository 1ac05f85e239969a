//! The memory of the workers of a race and their child processes, sampled by a thread rarely enough not to affect the times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use fanlane_os::process_tree;

/// Time until the first sample; many runs are short. The interval then doubles up to [`MAX_SAMPLE_INTERVAL`].
const MIN_SAMPLE_INTERVAL: Duration = Duration::from_millis(4);
/// Maximum time between two samples; each costs some tenths of a millisecond.
const MAX_SAMPLE_INTERVAL: Duration = Duration::from_millis(64);

/// Samples memory until it is finished or dropped.
pub struct MemorySampler {
    peak_bytes: Arc<AtomicU64>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MemorySampler {
    /// Starts to sample all processes below this one. If no thread can be started, nothing is measured.
    pub fn start() -> Self {
        let peak_bytes = Arc::new(AtomicU64::new(0));
        let (end, ended) = bounded(0);
        let peak = Arc::clone(&peak_bytes);
        let thread =
            std::thread::Builder::new().name("race-memory".to_owned()).spawn(move || sample(&ended, &peak)).ok();
        Self { peak_bytes, end: Some(end), thread }
    }

    /// The peak of the sum, in bytes; `None` if no process was seen.
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

impl Drop for MemorySampler {
    fn drop(&mut self) {
        self.end_thread();
    }
}

fn sample(ended: &Receiver<()>, peak_bytes: &AtomicU64) {
    let me = std::process::id();
    // Between fork and exec a child has this process's memory and command line.
    let own = process_tree::command_line(me);
    let mut pause = MIN_SAMPLE_INTERVAL;
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let pids = process_tree::descendants(me);
        let begun = pids.into_iter().filter(|pid| process_tree::command_line(*pid) != own);
        let bytes = begun.filter_map(process_tree::resident_bytes).sum::<u64>();
        peak_bytes.fetch_max(bytes, Ordering::AcqRel);
        pause = (pause * 2).min(MAX_SAMPLE_INTERVAL);
    }
}
