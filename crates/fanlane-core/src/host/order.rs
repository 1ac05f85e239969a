//! What a detached run runs, and how: on its way to the host, and as the host has it. A batch arrives with its inputs as they
//! were read; a job of the queue is read by its host, which takes it out of the queue.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::wire::PackedOrder;
use crate::engine::EngineChoice;
use crate::job::{Batch, MAX_WORKERS, Mode, TaskId};
use crate::model::Earlier;
use crate::model::format::plural;
use crate::store::history::{default_folder, longest_first};
use crate::store::queue::{JobQueue, QueueError, QueuedJob, TakenJob};
use fanlane_os::machine::cores;

/// What a detached run runs, and how.
#[derive(Debug, Clone)]
pub struct DetachedOrder {
    /// The tasks.
    pub batch: Arc<Batch>,
    /// The folder that the job's relative paths start from; absolute.
    pub folder: PathBuf,
    /// What runs its tasks.
    pub engine: EngineChoice,
    /// How the batch is run.
    pub mode: Mode,
    /// Size of the pool, 0 to [`MAX_WORKERS`].
    pub workers: u32,
    /// The folder of the history that records the run. `None`: it is not recorded, and stops with its starter, since
    /// its results would be lost.
    pub history: Option<PathBuf>,
    /// The run of the history that it resumes.
    pub continues: Option<i64>,
    /// The tasks of its batch that earlier runs have ended.
    pub earlier: Earlier,
    /// The tasks before which it pauses.
    pub breakpoints: Vec<TaskId>,
    /// Whether it is started from the window.
    pub window: bool,
    /// Whether it is stopped when the connection to its starter ends.
    pub stops_with_starter: bool,
}

/// An order on its way to the host.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum SentOrder {
    /// A batch.
    Packed(PackedOrder),
    /// A job of a queue.
    Queued {
        /// The folder of the history that the queue stands beside.
        #[serde(with = "serde_bytes")]
        history: Vec<u8>,
        /// The job.
        id: u64,
    },
}

/// A job of a queue that the host is to take.
pub(super) struct ToTake {
    pub queue: JobQueue,
    pub id: u64,
}

/// Why a host runs nothing.
pub(super) struct Refusal {
    pub words: String,
    /// The job of the queue that is not started for this reason; `None`: there is none, or it is not its turn.
    pub about: Option<ToTake>,
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self { words, about: None }
    }
}

pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

pub(super) fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

impl SentOrder {
    /// The order with its batch; for a job of a queue also what is to be taken before it begins.
    pub(super) fn open(self) -> Result<(DetachedOrder, Option<ToTake>), Refusal> {
        match self {
            Self::Packed(order) => {
                let batch = Batch::unpack(&order.batch).map_err(|error| error.to_string())?;
                let history = order.history.map(|history| path(history.into_vec()));
                let order = DetachedOrder {
                    batch: in_order(batch, history.as_deref())?,
                    folder: path(order.folder),
                    engine: order.engine,
                    mode: order.mode,
                    workers: order.workers,
                    history,
                    continues: order.continues,
                    earlier: order.earlier,
                    breakpoints: order.breakpoints,
                    window: order.window,
                    stops_with_starter: order.stops_with_starter,
                };
                Ok((order, None))
            }
            Self::Queued { history, id } => {
                let history = path(history);
                let queue = JobQueue::beside_history(&history);
                let job = queue.job(id).map_err(|error| error.to_string())?;
                match order_of(&queue, job, history) {
                    Ok(order) => Ok((order, Some(ToTake { queue, id }))),
                    Err(words) => Err(Refusal { words, about: Some(ToTake { queue, id }) }),
                }
            }
        }
    }
}

/// A batch in the order in which its tasks start.
fn in_order(batch: Batch, history: Option<&Path>) -> Result<Arc<Batch>, String> {
    // A run that is not recorded may still use the durations of recorded ones.
    let known = history.map(Path::to_owned).or_else(|| default_folder().ok());
    let (batch, _) = longest_first(batch, known.as_deref()).map_err(|error| error.to_string())?;
    Ok(Arc::new(batch))
}

/// What is run of a job of a queue, whose inputs are read now.
fn order_of(queue: &JobQueue, queued: QueuedJob, history: PathBuf) -> Result<DetachedOrder, String> {
    let mut stdin = queue.stdin_of(&queued).map_err(|error| format!("its standard input cannot be read: {error}"))?;
    let (job, folder) = (queued.job, queued.folder);
    let batch = Batch::open(&job, &folder, &mut stdin).map_err(|error| error.to_string())?;
    let batch = batch.in_pool(job.workers);
    let mode = batch.job().mode;
    let workers = if mode == Mode::One { 1 } else { job.workers.unwrap_or_else(|| cores().min(MAX_WORKERS)) };
    batch.check_pool(workers)?;
    let task = |number: &u64| {
        let task = batch.with_number(*number);
        task.ok_or_else(|| format!("it cannot pause before task {number}: it has {}", plural(batch.len(), "task")))
    };
    let breakpoints = queued.break_before.iter().map(task).collect::<Result<_, _>>()?;
    Ok(DetachedOrder {
        batch: in_order(batch, Some(&history))?,
        folder,
        engine: EngineChoice::Local,
        mode,
        workers,
        history: Some(history),
        continues: None,
        earlier: Earlier::default(),
        breakpoints,
        window: false,
        stops_with_starter: false,
    })
}

impl ToTake {
    /// Takes the job, which only one process can.
    pub(super) fn take(self) -> Result<TakenJob, Refusal> {
        self.queue.take(self.id).map_err(|error| {
            let is_anothers = matches!(error, QueueError::NotItsTurn(_) | QueueError::NoSuchJob(_));
            Refusal { words: error.to_string(), about: (!is_anothers).then_some(self) }
        })
    }
}

impl Refusal {
    /// Says in the queue why the job is not started.
    pub(super) fn note_in_queue(&self) {
        if let Some(ToTake { queue, id }) = &self.about {
            // Where the queue cannot be written, the runner finds the same.
            let _ = queue.hold_unstartable(*id, &self.words);
        }
    }
}
