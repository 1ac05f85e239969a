//! A run on a cluster: what is made ready before anything is submitted, and the handle by which it is controlled. Its thread is the
//! [`driver`](super::driver)'s.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, unbounded};

use super::client::SlurmClient;
use super::coordinator::{Coordinator, CoordinatorPlan};
use super::driver::{Driver, DriverInput};
use super::folder::{BatchFolder, BatchHandle, SubmittedArray};
use super::requests::Requests;
use super::scan::RecordScan;
use super::site::Site;
use super::{SlurmProfile, TRAITS, submission, target_error};
use crate::engine::run::event_outlet::EventOutlet;
use crate::engine::{EngineError, RunCommand, RunHandle, RunOptions, RunStanding};
use crate::event::{Event, EventKind, RunEvent, RunHeader, TaskId};
use crate::job::Batch;
use fanlane_os::clock::{monotonic_ns, unix_ms};

/// Maximum wait for a thread that waits itself, since its events are not taken.
const STANDING_TIMEOUT: Duration = Duration::from_secs(3);

/// What a run starts from: a folder, and what was submitted before.
pub struct Start {
    folder: BatchFolder,
    handle: BatchHandle,
    /// The tasks of the elements of each array that was submitted before.
    submitted: Vec<(SubmittedArray, Vec<Vec<TaskId>>)>,
}

impl Start {
    /// Makes the folder of a new batch.
    ///
    /// # Errors
    /// When it cannot be made or filled, or the batch cannot be handed to another process.
    pub fn new(
        shared: &Path,
        profile: &SlurmProfile,
        site: Site,
        batch: &Batch,
        options: &RunOptions,
    ) -> Result<Self, EngineError> {
        let packed = batch.pack().map_err(|error| target_error(error.to_string()))?;
        let unwritable = |path: &Path, error: &std::io::Error| {
            target_error(format!(
                "nothing was submitted, since {} cannot be written: {error}; name a shared_folder in the profile that all nodes see \
                 and that you can write",
                path.display()
            ))
        };
        let folder = BatchFolder::create(shared).map_err(|(path, error)| unwritable(&path, &error))?;
        let handle = BatchHandle {
            profile: profile.clone(),
            started_unix_ms: unix_ms(),
            arrays: Vec::new(),
            workers: options.workers,
            site,
            spills: options.spill_folder.is_some(),
        };
        let filled = folder
            .write("batch", &packed, 0o600)
            .and_then(|()| folder.write("element.sh", &submission::script(&folder, profile), 0o700))
            .and_then(|()| folder.write_handle(&handle));
        if let Err(error) = filled {
            let _ = folder.remove();
            return Err(unwritable(folder.path(), &error));
        }
        Ok(Self { folder, handle, submitted: Vec::new() })
    }

    /// Takes up a batch that was submitted before.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub fn attached(folder: BatchFolder) -> Result<Self, EngineError> {
        let read = || {
            let handle = folder.read_handle()?;
            let chunks = |array: &SubmittedArray| Ok((*array, folder.read_chunks(array.serial)?));
            let submitted = handle.arrays.iter().map(chunks).collect::<std::io::Result<_>>()?;
            Ok((handle, submitted))
        };
        let (handle, submitted) = read().map_err(|error: std::io::Error| {
            target_error(format!("the batch in {} cannot be attached to: {error}", folder.path().display()))
        })?;
        Ok(Self { folder, handle, submitted })
    }
}

/// A run under way. Dropping it ends it at once.
pub struct SlurmRun {
    inputs: Sender<DriverInput>,
    thread: Option<JoinHandle<()>>,
    /// Dropped when events can no longer be counted on to be taken.
    listening: Option<Sender<()>>,
}

impl SlurmRun {
    /// Starts the thread of a run.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(
        start: Start,
        client: Arc<SlurmClient>,
        batch: Arc<Batch>,
        options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Self, EngineError> {
        let Start { folder, handle, submitted } = start;
        let (inputs, taken) = unbounded();
        let (listening, abandoned) = bounded(0);
        let started_unix_ms = handle.started_unix_ms;
        let header = RunHeader {
            name: batch.job().display_name().to_owned(),
            mode: options.mode,
            workers: handle.workers,
            tasks: batch.len(),
            started_unix_ms,
        };
        let outlet = EventOutlet::new(events, abandoned);
        outlet.emit(Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) });
        let mut coordinator = Coordinator::new(CoordinatorPlan {
            tasks: batch.len(),
            workers: handle.workers,
            mode: options.mode,
            halt: batch.job().control.halt,
            resubmissions: handle.profile.resubmissions,
        });
        let mut is_assigned = vec![false; batch.len() as usize];
        let mut arrays = Vec::new();
        for (array, chunks) in submitted {
            for task in chunks.iter().flatten() {
                if let Some(assigned) = is_assigned.get_mut(task.0 as usize) {
                    *assigned = true;
                }
            }
            coordinator.submitted(array.serial, chunks);
            arrays.push(array);
        }
        let in_order = (0..batch.len()).map(|place| batch.order().task_at(place));
        coordinator.put_back(in_order.filter(|task| !is_assigned[task.0 as usize]).collect());
        let since_start_ns = unix_ms().saturating_sub(started_unix_ms).saturating_mul(1_000_000);
        let requests = Requests {
            client,
            folder: folder.clone(),
            profile: handle.profile.clone(),
            name: batch.job().display_name().to_owned(),
            answers: inputs.clone(),
        };
        let driver = Driver::new(
            requests,
            coordinator,
            RecordScan::new(started_unix_ms),
            handle,
            outlet,
            monotonic_ns().saturating_sub(since_start_ns),
            options,
        );
        let thread = std::thread::Builder::new().name("slurm run".to_owned()).spawn(move || driver.run(&taken));
        let what = "the run's thread could not be started";
        let thread = thread.map_err(|source| EngineError::System { what, source })?;
        Ok(Self { inputs, thread: Some(thread), listening: Some(listening) })
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic there was printed; there is nothing left to wait for.
            let _ = thread.join();
        }
    }
}

impl RunHandle for SlurmRun {
    fn command(&self, command: RunCommand) {
        let _ = self.inputs.send(DriverInput::Command(command));
    }

    fn allows(&self, command: RunCommand) -> bool {
        TRAITS.allow(command)
    }

    fn standing(&self, task: Option<TaskId>) -> Option<RunStanding> {
        let (answer, answered) = bounded(1);
        self.inputs.send(DriverInput::Standing(task, answer)).ok()?;
        answered.recv_timeout(STANDING_TIMEOUT).ok()
    }

    fn join(mut self: Box<Self>) {
        self.wait();
    }
}

impl Drop for SlurmRun {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.command(RunCommand::StopNow);
            self.listening = None;
            self.wait();
        }
    }
}
