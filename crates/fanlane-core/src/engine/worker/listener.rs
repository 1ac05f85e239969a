//! How a lane handles the engine's messages, and what it does about a task that runs for a while.
//!
//! It gives back tasks that have not begun, ends running ones, and announces those that have been running for a while. A command
//! is ended by signals; a call cannot be, so its process reports it as ended and then ends itself.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::engine::protocol::{ABORTED_EXIT_CODE, FromWorker, TaskFrame, ToWorker};
use crate::event::{AttemptRecord, Outcome};

use fanlane_os::process_tree;

use super::lane::{CurrentTask, LaneShared, LaneState};

/// How often the listener checks the running task; also the precision of timeouts.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// The same for a task that was announced and has no timeout.
const LONG_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The same while the run is suspended, and how late a timeout may be afterwards.
const SUSPENDED_POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How often the processes that a command has started are looked at for one that is stopped, in nanoseconds.
pub(super) const TREE_LOOK_INTERVAL_NS: u64 = 1_000_000_000;
/// The age at which a running task is announced, in nanoseconds.
const ANNOUNCE_NS: u64 = 8_000_000;
/// The age from which a command's streams are read all the time, in nanoseconds.
const REMIND_NS: u64 = 2_000_000;

impl LaneState {
    /// When the listener has to check again; `None` while there is nothing to do.
    pub(super) fn poll_interval(&self, is_suspended: bool) -> Option<Duration> {
        match &self.current {
            Some(_) if is_suspended => Some(SUSPENDED_POLL_INTERVAL),
            Some(current) if current.announced && current.ending.is_none() && self.timeout_ns.is_none() => {
                Some(LONG_POLL_INTERVAL)
            }
            Some(_) => Some(POLL_INTERVAL),
            None => (!self.waiting.is_empty()).then_some(POLL_INTERVAL),
        }
    }
}

impl LaneShared {
    /// Does what one message asks. The listener wakes the lane's thread afterwards.
    pub(super) fn handle(&self, message: ToWorker) {
        match message {
            ToWorker::Run(tasks) => self.state().waiting.extend(tasks),
            ToWorker::TakeBack(count) => {
                let returned = {
                    let mut state = self.state();
                    let keep = state.waiting.len().saturating_sub(count as usize);
                    state.waiting.split_off(keep).into_iter().map(|frame| frame.task).collect()
                };
                self.outbox().send(&FromWorker::Returned(returned));
            }
            ToWorker::Cancel(task) => {
                let mut state = self.state();
                let place = state.waiting.iter().position(|frame| frame.task == task);
                if let Some(frame) = place.and_then(|place| state.waiting.remove(place)) {
                    self.forget(&[frame]);
                } else if state.current.as_ref().is_some_and(|current| current.task == task) {
                    self.end_current(&mut state, Outcome::Cancelled, false);
                } else if state.committed.iter().any(|frame| frame.task == task) {
                    state.unwanted.push(task);
                }
            }
            ToWorker::Stop { now } => {
                let mut state = self.state();
                let waiting: Vec<TaskFrame> = state.waiting.drain(..).collect();
                self.forget(&waiting);
                let LaneState { committed, unwanted, .. } = &mut *state;
                unwanted.extend(committed.iter().map(|frame| frame.task));
                self.end_current(&mut state, Outcome::Cancelled, now);
            }
            ToWorker::Ping => self.outbox().send(&FromWorker::Alive),
            ToWorker::SetTimeout(timeout_ns) => self.state().timeout_ns = Some(timeout_ns),
            ToWorker::Locate(task) => self.locate(task),
            ToWorker::File(reply) => self.file_answers.arrived(reply),
            ToWorker::Retire => self.state().retiring = true,
            ToWorker::Watch(interest) => {
                let mut state = self.state();
                let current = state.current.as_ref();
                self.wanted_output.set(current.map_or(interest.level, |current| interest.of(current.task)));
                if current.is_some_and(|current| current.pid.is_some()) {
                    self.reminder.wake();
                }
                state.interest = interest;
            }
        }
    }

    /// Reports tasks that were not begun as cancelled.
    pub(super) fn forget(&self, frames: &[TaskFrame]) {
        let now_ns = self.since_epoch_ns();
        let records: Vec<AttemptRecord> =
            frames.iter().map(|frame| self.record(frame.task, frame.attempt - 1, now_ns, Outcome::Cancelled)).collect();
        if !records.is_empty() {
            self.outbox().send(&FromWorker::Finished(records));
        }
    }

    /// Ends the running task: a command by SIGTERM, later SIGKILL; a call together with this process.
    pub(super) fn end_current(&self, state: &mut LaneState, outcome: Outcome, now: bool) {
        let Some(current) = &mut state.current else { return };
        if self.context.setup.task.in_process && self.can_be_ended(current) {
            self.abort(Some(self.record(current.task, current.attempt, current.start_ns, outcome)));
        }
        let grace_ns = if now { 0 } else { self.context.setup.grace_ns };
        let kill_at_ns = self.since_epoch_ns() + grace_ns;
        let first = current.ending.is_none();
        let ending = current.ending.get_or_insert((outcome, kill_at_ns));
        // What has no process yet is ended as soon as it has one.
        ending.1 = ending.1.min(kill_at_ns);
        match current.pid {
            Some(pid) if now => drop(kill_process_group(pid, Signal::KILL)),
            Some(pid) if first => end_gently(pid),
            _ => {}
        }
    }

    /// Checks the running task: announces it, ends it after its timeout, kills it after its grace time.
    pub(super) fn look(&self) {
        let mut state = self.state();
        if self.context.clock.is_stopped() {
            // That it is stopped now is no news.
            return;
        }
        let timeout_ns = state.timeout_ns;
        if let Some(current) = &mut state.current {
            let now_ns = self.since_epoch_ns();
            let age_ns = now_ns.saturating_sub(current.start_ns);
            if age_ns > REMIND_NS && !current.reminded && current.pid.is_some() {
                current.reminded = true;
                self.reminder.wake();
            }
            if age_ns > ANNOUNCE_NS && !current.announced && self.can_be_ended(current) {
                current.announced = true;
                let started = FromWorker::Started {
                    task: current.task,
                    attempt: current.attempt,
                    start_ns: current.start_ns,
                    pid: current.pid.map(|pid| pid.as_raw_nonzero().get().unsigned_abs()),
                };
                self.outbox().send(&started);
            }
            if let Some(pid) = current.pid.filter(|_| current.announced) {
                self.look_for_stopped(current, pid, now_ns);
            }
            match (&current.ending, current.pid) {
                (Some((_, kill_at_ns)), Some(pid)) if now_ns >= *kill_at_ns => {
                    let _ = kill_process_group(pid, Signal::KILL);
                }
                (None, _)
                    if !current.exhausted
                        && !current.preparing
                        && self.can_be_ended(current)
                        && timeout_ns.is_some_and(|timeout_ns| age_ns >= timeout_ns) =>
                {
                    self.end_current(&mut state, Outcome::TimedOut, false);
                }
                _ => {}
            }
        }
        drop(state);
        self.outbox().flush_old();
    }

    /// Whether the lane is at this task for certain: it has a process, or is of a kind that has none.
    const fn can_be_ended(&self, current: &CurrentTask) -> bool {
        current.pid.is_some() || !self.has_process
    }

    /// Tells whether a signal has stopped the command, which the system says at once, or a process that it has started and most
    /// likely waits for, as a shell does: for these it is looked once a second.
    fn look_for_stopped(&self, current: &mut CurrentTask, pid: Pid, now_ns: u64) {
        let own = pid.as_raw_nonzero().get().unsigned_abs();
        let stopped = if is_stopped(pid) {
            Some(own)
        } else if now_ns >= current.tree_look_ns {
            current.tree_look_ns = now_ns + TREE_LOOK_INTERVAL_NS;
            process_tree::first_stopped(own)
        } else if current.stopped == Some(own) {
            None
        } else {
            return;
        };
        if stopped != current.stopped {
            let before = std::mem::replace(&mut current.stopped, stopped);
            if let Some(owner) = self.context.setup.terminal_of.and_then(Pid::from_raw) {
                // As the driver of the terminal would if the task were in the group of the program.
                if stopped.is_some() {
                    let _ = kill_process_group(owner, Signal::TSTP);
                }
                return;
            }
            if let Some(pid) = stopped.or(before) {
                self.outbox().send(&FromWorker::Suspended { task: current.task, pid, is_suspended: stopped.is_some() });
            }
        }
    }

    /// Ends this process, because a call in it cannot be ended otherwise or the engine's messages make no sense.
    ///
    /// The caller holds the lane's state, so the executor cannot report the same task.
    pub(super) fn abort(&self, record: Option<AttemptRecord>) -> ! {
        if let Some(record) = record {
            self.outbox().send(&FromWorker::Finished(vec![record]));
        }
        self.context.is_aborting.store(true, Ordering::Release);
        self.context.end_all_descendants();
        std::process::exit(ABORTED_EXIT_CODE)
    }
}

/// Whether a child is stopped by a signal now.
fn is_stopped(pid: Pid) -> bool {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).is_ok_and(|status| status.is_some())
}

/// SIGTERM, and SIGCONT so that a stopped command acts on it.
pub fn end_gently(pid: Pid) {
    let _ = kill_process_group(pid, Signal::TERM);
    let _ = kill_process_group(pid, Signal::CONT);
}
