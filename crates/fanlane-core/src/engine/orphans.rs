//! Processes left by runs whose engine and workers were all killed at once: found by the marker in their environment, by
//! their user and by the time at which their engine began, and ended at the next start.
//!
//! A process that cleared its environment carries no marker; while its engine lives, that one adopts it instead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Signal, getpid, getuid, set_child_subreaper};

use fanlane_os::{descriptors, process_tree};

/// The variable that marks a worker and everything it starts.
pub const WORKER_MARKER: &str = "FANLANE_WORKER";

/// This process runs an engine and has no other children.
static OWNED: AtomicBool = AtomicBool::new(false);

/// Declares that this process starts programs for an engine alone: it may then have as many files open as the system
/// allows, and what outlives a killed worker becomes its child and is ended, marked or not.
pub fn own_process() {
    descriptors::raise();
    // Where the system refuses, orphans are still found by their marker.
    if set_child_subreaper(Some(getpid())).is_ok() {
        OWNED.store(true, Ordering::Release);
    }
}

/// Ends what this process has adopted from workers that are dead.
pub fn end_adopted() {
    const ROUNDS: u32 = 50;
    if OWNED.load(Ordering::Acquire) {
        // The children of one that has died are adopted next.
        let _ = (0..ROUNDS).find(|_| !end_some_adopted());
    }
}

/// Returns whether there was any.
fn end_some_adopted() -> bool {
    let me = std::process::id();
    let adopted = process_tree::adopted_children();
    for pid in &adopted {
        // One that runs as another user cannot be ended and must not be waited for.
        if process_tree::signal_child_of(*pid, me, Signal::KILL) || process_tree::has_ended(*pid) {
            process_tree::reap_adopted(*pid);
        }
    }
    !adopted.is_empty()
}

/// Ends the processes that killed runs have left, on a thread of its own, since it looks at every process of the
/// machine. A program that starts runs begins with one.
#[derive(Debug)]
pub struct Sweep(Option<JoinHandle<Vec<u32>>>);

impl Sweep {
    /// Begins to look, and calls `done` afterwards. Where no thread can be had, the next start looks.
    pub fn begin(done: impl FnOnce() + Send + 'static) -> Self {
        let thread = std::thread::Builder::new().name("sweep".to_owned()).spawn(|| {
            let ended = end_orphans();
            done();
            ended
        });
        Self(thread.ok())
    }

    /// Whether [`Sweep::finish`] would not wait.
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end. Returns a sentence without a full stop about what it ended, if there was anything.
    pub fn finish(self) -> Option<String> {
        let count = self.0?.join().ok()?.len();
        let ended = match count {
            0 => return None,
            1 => "1 process was".to_owned(),
            _ => format!("{count} processes were"),
        };
        Some(format!("{ended} ended that earlier runs had left behind, because they were killed"))
    }
}

/// Ends the processes of this user whose engine is dead, and returns them.
fn end_orphans() -> Vec<u32> {
    const ROUNDS: u32 = 20;
    const BETWEEN: Duration = Duration::from_millis(5);
    let mut ended = Vec::new();
    for _ in 0..ROUNDS {
        let found: Vec<(u32, String)> = orphans();
        if found.is_empty() {
            break;
        }
        for (pid, marker) in found {
            if process_tree::signal_marked(pid, WORKER_MARKER, &marker, Signal::KILL) && !ended.contains(&pid) {
                ended.push(pid);
            }
        }
        std::thread::sleep(BETWEEN);
    }
    ended
}

/// The processes with a marker of a dead engine, and that marker.
fn orphans() -> Vec<(u32, String)> {
    let own_namespace = process_tree::pid_namespace(std::process::id());
    process_tree::of_user(getuid().as_raw())
        .into_iter()
        .filter_map(|pid| Some((pid, process_tree::variable(pid, WORKER_MARKER)?)))
        // In a container of its own, the engine's number is another than the one seen from here.
        .filter(|(pid, _)| own_namespace.is_some() && process_tree::pid_namespace(*pid) == own_namespace)
        .filter(|(pid, marker)| is_orphan(marker, process_tree::start_ticks(*pid), process_tree::start_ticks))
        .collect()
}

/// Whether a process that began at `began` and carries `marker` belongs to an engine that is no more.
fn is_orphan(marker: &str, began: Option<u64>, start_of: impl Fn(u32) -> Option<u64>) -> bool {
    let mut parts = marker.split('.').map(str::parse::<u64>);
    let (Some(Ok(engine)), Some(Ok(engine_began)), Some(began)) = (parts.next(), parts.next(), began) else {
        return false;
    };
    let Ok(engine) = u32::try_from(engine) else { return false };
    engine_began > 0 && began >= engine_began && start_of(engine) != Some(engine_began)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_engine_left_is_an_orphan() {
        // Engine 10 lives since 100; number 11 was given to another process at 500.
        let start_of = |pid| match pid {
            10 => Some(100),
            11 => Some(500),
            _ => None,
        };
        for (marker, began, orphan) in [
            ("10.100.7.0", Some(150), false),
            ("10.90.7.0", Some(95), true),
            ("11.100.7.0", Some(150), true),
            ("12.100.7.0", Some(150), true),
            // Older than the engine that its marker names: not started by it.
            ("12.100.7.0", Some(99), false),
            ("12.0.7.0", Some(150), false),
            ("12.100.7.0", None, false),
            ("garbage", Some(150), false),
            ("", Some(150), false),
        ] {
            assert_eq!(is_orphan(marker, began, start_of), orphan, "{marker} {began:?}");
        }
    }

    #[test]
    fn this_process_is_known_by_its_number_and_its_start() {
        let mark = process_tree::own_mark();
        assert!(!is_orphan(&format!("{mark}.1.0"), Some(u64::MAX), process_tree::start_ticks), "{mark}");
    }
}
