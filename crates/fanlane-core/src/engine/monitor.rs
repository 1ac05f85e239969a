//! What the machine and the workers use, sampled on a thread of its own: a sample that finds no room in the channel is
//! dropped, so that no worker ever waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::event::{Event, EventKind, MachineSample, SampleEvent, WorkerId, WorkerSample};
use fanlane_os::process_tree;

use super::run_clock::RunClock;

/// How often cores and memory are sampled.
const MACHINE_INTERVAL: Duration = Duration::from_millis(250);
/// Workers are sampled in every second round: below 500 ms the CPU of a process is not to be trusted.
const WORKERS_EVERY_ROUNDS: u32 = 2;

/// The thread that samples. Dropping it ends it.
pub struct Monitor {
    workers: Arc<Mutex<Vec<(WorkerId, u32)>>>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Starts sampling into `events`, with times of `clock`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(events: Sender<Event>, clock: Arc<RunClock>) -> std::io::Result<Self> {
        let workers = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = bounded(0);
        let watched = Arc::clone(&workers);
        let thread = std::thread::Builder::new()
            .name("monitor".to_owned())
            .spawn(move || sample_until(&ended, &events, &clock, &watched))?;
        Ok(Self { workers, end: Some(end), thread: Some(thread) })
    }

    /// From now on these workers (and their processes) are sampled.
    pub fn watch(&self, workers: Vec<(WorkerId, u32)>) {
        *self.workers.lock().unwrap_or_else(PoisonError::into_inner) = workers;
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn sample_until(ended: &Receiver<()>, events: &Sender<Event>, clock: &RunClock, workers: &Mutex<Vec<(WorkerId, u32)>>) {
    // Two, because refreshing processes first would leave the use of the cores at 0.
    let (Ok(mut machine), Ok(mut processes)) = (System::new(), System::new()) else { return };
    let send = |kind| {
        let _ = events.try_send(Event { at_ns: clock.now_ns(), kind });
    };
    machine.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
    let mut round = 0_u32;
    while ended.recv_timeout(MACHINE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        machine.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        machine.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        send(EventKind::Sample(SampleEvent::Machine(MachineSample {
            core_percent: machine.cpus().iter().map(|core| core.usage().clamp(0.0, 100.0)).collect(),
            memory_used_bytes: machine.used_memory(),
            memory_total_bytes: machine.total_memory(),
        })));
        round += 1;
        if round.is_multiple_of(WORKERS_EVERY_ROUNDS) {
            let watched = workers.lock().unwrap_or_else(PoisonError::into_inner).clone();
            send(EventKind::Sample(SampleEvent::Workers(sample_workers(&mut processes, &watched))));
        }
    }
}

/// Each worker together with everything below it.
fn sample_workers(system: &mut System, workers: &[(WorkerId, u32)]) -> Vec<WorkerSample> {
    let trees: HashMap<WorkerId, Vec<Pid>> = workers
        .iter()
        .map(|&(worker, pid)| {
            let tree = std::iter::once(pid).chain(process_tree::descendants(pid)).map(Pid::from_u32).collect();
            (worker, tree)
        })
        .collect();
    let all: Vec<Pid> = trees.values().flatten().copied().collect();
    let wanted = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&all), true, wanted);
    let mut samples: Vec<WorkerSample> = trees
        .into_iter()
        .map(|(worker, tree)| {
            let found = tree.iter().filter_map(|pid| system.process(*pid));
            let (cpu_percent, rss_bytes) =
                found.fold((0.0, 0), |(cpu, rss), process| (cpu + process.cpu_usage(), rss + process.memory()));
            WorkerSample { worker, cpu_percent, rss_bytes }
        })
        .collect();
    samples.sort_unstable_by_key(|sample| sample.worker);
    samples
}
