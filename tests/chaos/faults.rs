//! The faults that are injected into a run of this process, and their targets.

use std::collections::BTreeMap;
use std::fs;

use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, pidfd_getfd, pidfd_open};

use super::signal;
use fanlane_core::engine::{RunCommand, RunHandle};
use fanlane_core::event::{EventKind, RunEvent, TaskEvent, TaskId, WorkerEvent, WorkerId};
use fanlane_core::job::workload::random::SplitMix64;
use fanlane_os::process_tree;

/// One in this number of stopped workers stays stopped, and is found to be hung.
const STAYS_STOPPED: u64 = 60;

/// The processes and tasks of a run.
#[derive(Debug, Default)]
pub struct Targets {
    workers: BTreeMap<WorkerId, u32>,
    /// Running commands with their workers.
    commands: BTreeMap<TaskId, (u32, WorkerId)>,
    tasks: u64,
    /// Stopped until the next fault.
    stopped: Vec<u32>,
}

impl Targets {
    /// Applies an event of the run.
    pub fn apply(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Run(RunEvent::Started(header)) => self.tasks = header.tasks,
            EventKind::Worker(WorkerEvent::Started { worker, pid, .. }) => drop(self.workers.insert(*worker, *pid)),
            EventKind::Worker(WorkerEvent::Ended { worker, .. }) => {
                self.workers.remove(worker);
                self.commands.retain(|_, (_, holder)| holder != worker);
            }
            EventKind::Task(TaskEvent::Started { task, worker, pid: Some(pid), .. }) => {
                self.commands.insert(*task, (*pid, *worker));
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    self.commands.remove(&record.task);
                }
            }
            EventKind::Task(TaskEvent::Retried(record)) => drop(self.commands.remove(&record.task)),
            _ => {}
        }
    }

    /// Injects a fault; its name, or `None` if there was no target for it.
    pub fn fault(&mut self, run: &dyn RunHandle, dice: &mut SplitMix64) -> Option<&'static str> {
        self.go_on();
        match dice.below(20) {
            0..=4 => {
                let pid = self.worker(dice)?;
                signal(pid, Signal::KILL).then_some("worker killed")
            }
            5 | 6 => {
                let pid = self.worker(dice)?;
                if dice.below(STAYS_STOPPED) == 0 {
                    return signal(pid, Signal::STOP).then_some("worker stopped for good");
                }
                self.stopped.push(pid);
                signal(pid, Signal::STOP).then_some("worker stopped for a while")
            }
            7 | 8 => {
                let pid = self.worker(dice)?;
                cut_a_socket(pid, dice).then_some("socket cut")
            }
            9..=12 => {
                let (pid, worker) = *nth(&self.commands, dice)?;
                let ours = *self.workers.get(&worker)?;
                let (sent, name) = [
                    (Signal::KILL, "command killed"),
                    (Signal::SEGV, "command crashed"),
                    (Signal::STOP, "command stopped"),
                    (Signal::TERM, "command terminated"),
                ][dice.below(4) as usize];
                // The process id may have been reused.
                (process_tree::parent_of(pid) == Some(ours) && signal(pid, sent)).then_some(name)
            }
            13..=15 => {
                run.command(RunCommand::SetWorkers(dice.below(7) as u32));
                Some("pool resized")
            }
            16 => {
                run.command(RunCommand::Pause);
                Some("run paused")
            }
            17 => {
                run.command(RunCommand::Resume);
                run.command(RunCommand::SetWorkers(1 + dice.below(5) as u32));
                Some("run resumed")
            }
            _ => {
                run.command(RunCommand::Cancel(TaskId(dice.below(self.tasks.max(1)))));
                Some("task cancelled")
            }
        }
    }

    /// Continues the processes that are stopped until the next fault.
    pub fn go_on(&mut self) {
        for pid in std::mem::take(&mut self.stopped) {
            signal(pid, Signal::CONT);
        }
    }

    /// A worker that is still a child of this process.
    fn worker(&self, dice: &mut SplitMix64) -> Option<u32> {
        let pid = *nth(&self.workers, dice)?;
        (process_tree::parent_of(pid) == Some(std::process::id())).then_some(pid)
    }
}

fn nth<'a, K, V>(of: &'a BTreeMap<K, V>, dice: &mut SplitMix64) -> Option<&'a V> {
    (!of.is_empty()).then(|| of.values().nth(dice.below(of.len() as u64) as usize)).flatten()
}

/// Shuts down one of the connections of a worker, as if it had closed it; false if the system does not allow that.
fn cut_a_socket(pid: u32, dice: &mut SplitMix64) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let sockets: Vec<i32> = entries
        .flatten()
        .filter(|entry| fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:")))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    if sockets.is_empty() {
        return false;
    }
    let which = sockets[dice.below(sockets.len() as u64) as usize];
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    let taken =
        pidfd_open(pid, PidfdFlags::empty()).and_then(|handle| pidfd_getfd(handle, which, PidfdGetfdFlags::empty()));
    taken.is_ok_and(|socket| shutdown(&socket, Shutdown::Both).is_ok())
}
