//! The faults that happen to a run of this process, and whom they can happen to.

use std::collections::BTreeMap;
use std::fs;

use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, pidfd_getfd, pidfd_open};

use super::signal;
use crate::engine::{RunCommand, RunHandle};
use crate::event::{EventKind, RunEvent, TaskEvent, TaskId, WorkerEvent, WorkerId};
use crate::job::workload::random::SplitMix64;
use crate::mp::process_tree;

/// One in so many workers that are stopped stays so, and is found to be hung a while later.
const STAYS_STOPPED: u64 = 60;

/// Who is there.
#[derive(Debug, Default)]
pub struct Targets {
    workers: BTreeMap<WorkerId, u32>,
    /// Commands that run, with their workers.
    commands: BTreeMap<TaskId, (u32, WorkerId)>,
    tasks: u64,
    /// Stopped, and to go on at the next fault.
    stopped: Vec<u32>,
}

impl Targets {
    /// Takes in what a run says of its processes.
    pub fn heed(&mut self, kind: &EventKind) {
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

    /// Has a fault happen; says which, or `None` where there was nobody for it.
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
                // Its number may be somebody else's by now.
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

    /// Has go on whoever was stopped for a while.
    pub fn go_on(&mut self) {
        for pid in std::mem::take(&mut self.stopped) {
            signal(pid, Signal::CONT);
        }
    }

    /// A worker that is still ours.
    fn worker(&self, dice: &mut SplitMix64) -> Option<u32> {
        let pid = *nth(&self.workers, dice)?;
        (process_tree::parent_of(pid) == Some(std::process::id())).then_some(pid)
    }
}

fn nth<'a, K, V>(of: &'a BTreeMap<K, V>, dice: &mut SplitMix64) -> Option<&'a V> {
    (!of.is_empty()).then(|| of.values().nth(dice.below(of.len() as u64) as usize)).flatten()
}

/// Cuts one of the connections of a worker, as if it had closed it; where the system lets us take it.
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
