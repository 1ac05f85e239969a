//! Two runs side by side, task by task: what failed newly, what is fixed, what got slower or faster.
//!
//! Tasks are the same if their command lines are, in whatever order they were run.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use fanlane_core::event::{OutcomeClass, TaskId};
use fanlane_core::job::Batch;
use fanlane_core::model::RunModel;
use fanlane_core::store::history::{HistoryError, RunRow};

use super::PastRun;

/// Share by which a time has to differ to count as another.
const MIN_SHARE: f64 = 0.1;
/// Difference that a time has to have at least, in nanoseconds: shorter ones are chance.
const MIN_DIFFERENCE_NS: u64 = 1_000_000;

/// How a task differs between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It failed, and did not before.
    FailedNewly,
    /// It is done, and was not before.
    Fixed,
    /// It is done in both runs, and took longer.
    Slower,
    /// It is done in both runs, and took less time.
    Faster,
    /// Only the earlier run had it.
    OnlyBefore,
    /// Only the later run has it.
    OnlyNow,
}

impl ChangeKind {
    /// All kinds, the most important first.
    pub const ALL: [Self; 6] =
        [Self::FailedNewly, Self::Fixed, Self::Slower, Self::Faster, Self::OnlyBefore, Self::OnlyNow];
}

/// How a task ended in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskEnd {
    /// The task in that run.
    pub task: TaskId,
    /// Its outcome.
    pub class: OutcomeClass,
    /// How long its last attempt took, in nanoseconds.
    pub wall_ns: u64,
}

/// A task that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskChange {
    /// Its end in the earlier run.
    pub before: Option<TaskEnd>,
    /// Its end in the later run.
    pub now: Option<TaskEnd>,
}

impl TaskChange {
    /// How much longer it took, in nanoseconds; less than 0: less time.
    pub fn difference_ns(&self) -> i64 {
        let wall_ns = |end: Option<TaskEnd>| end.map_or(0, |end| end.wall_ns.cast_signed());
        wall_ns(self.now) - wall_ns(self.before)
    }

    fn kind(&self) -> Option<ChangeKind> {
        let (before, now) = match (self.before, self.now) {
            (Some(before), Some(now)) => (before, now),
            (Some(_), None) => return Some(ChangeKind::OnlyBefore),
            (None, _) => return Some(ChangeKind::OnlyNow),
        };
        let is_done = |end: TaskEnd| end.class == OutcomeClass::Done;
        let has_failed = |end: TaskEnd| !is_done(end) && end.class != OutcomeClass::Cancelled;
        if has_failed(now) && !has_failed(before) {
            return Some(ChangeKind::FailedNewly);
        }
        if is_done(now) && !is_done(before) {
            return Some(ChangeKind::Fixed);
        }
        let difference_ns = self.difference_ns();
        let counts = difference_ns.unsigned_abs() >= MIN_DIFFERENCE_NS
            && difference_ns.unsigned_abs() as f64 >= before.wall_ns as f64 * MIN_SHARE;
        (is_done(now) && is_done(before) && counts).then_some(if difference_ns > 0 {
            ChangeKind::Slower
        } else {
            ChangeKind::Faster
        })
    }
}

/// Two runs side by side.
pub struct RunComparison {
    /// The earlier run.
    pub before: RunRow,
    /// The later run.
    pub now: RunRow,
    /// The tasks of both.
    batches: [Arc<Batch>; 2],
    /// By kind, in the order of [`ChangeKind::ALL`].
    changes: [Vec<TaskChange>; 6],
    /// Number of tasks that both runs ended.
    pub both: u64,
}

impl RunComparison {
    /// Reads and compares two runs, each with those that it resumes.
    ///
    /// # Errors
    /// When one does not exist, or the history cannot be read.
    pub fn read(folder: &Path, before: i64, now: i64) -> Result<Self, HistoryError> {
        let (before, now) = (PastRun::read(folder, before)?, PastRun::read(folder, now)?);
        let (changes, both) = compare((&before.model, &before.batch), (&now.model, &now.batch));
        Ok(Self { before: before.row, now: now.row, batches: [before.batch, now.batch], changes, both })
    }

    /// The tasks that differ in a way; the largest differences of time first, failures by number.
    pub fn changes(&self, kind: ChangeKind) -> &[TaskChange] {
        &self.changes[kind as usize]
    }

    /// The task of a change with the batch that it is of: the later run's, if that has it.
    pub fn task(&self, change: &TaskChange) -> Option<(&Batch, TaskId)> {
        match (change.before, change.now) {
            (_, Some(now)) => Some((&self.batches[1], now.task)),
            (Some(before), None) => Some((&self.batches[0], before.task)),
            (None, None) => None,
        }
    }
}

/// The tasks that differ, by kind, and the number of those that both runs ended.
fn compare(before: (&RunModel, &Batch), now: (&RunModel, &Batch)) -> ([Vec<TaskChange>; 6], u64) {
    let mut known: HashMap<(u64, u32), TaskEnd> = HashMap::new();
    each_end(before, |key, end| {
        known.insert(key, end);
    });
    let mut all: Vec<TaskChange> = Vec::new();
    let mut both = 0;
    each_end(now, |key, end| {
        let before = known.remove(&key);
        both += u64::from(before.is_some());
        all.push(TaskChange { before, now: Some(end) });
    });
    all.extend(known.into_values().map(|end| TaskChange { before: Some(end), now: None }));
    let mut changes: [Vec<TaskChange>; 6] = Default::default();
    for change in all {
        if let Some(kind) = change.kind() {
            changes[kind as usize].push(change);
        }
    }
    for (kind, changes) in ChangeKind::ALL.into_iter().zip(&mut changes) {
        match kind {
            ChangeKind::Slower => changes.sort_by_key(|change| std::cmp::Reverse(change.difference_ns())),
            ChangeKind::Faster => changes.sort_by_key(TaskChange::difference_ns),
            _ => changes.sort_by_key(|change| change.now.or(change.before).map(|end| end.task)),
        }
    }
    (changes, both)
}

/// Each task that has ended, by its command line and how many tasks before it have the same.
fn each_end((model, batch): (&RunModel, &Batch), mut take: impl FnMut((u64, u32), TaskEnd)) {
    let mut alike: HashMap<u64, u32> = HashMap::new();
    let mut tasks: Vec<TaskEnd> = model
        .records
        .iter_from(0)
        .map(|record| TaskEnd { task: record.task, class: record.outcome.class(), wall_ns: record.wall_ns })
        .filter(|end| end.task.0 < batch.len())
        .collect();
    tasks.sort_by_key(|end| end.task);
    let mut command = Vec::new();
    for end in tasks {
        command.clear();
        batch.command_into(end.task, 1, &mut command);
        let mut hasher = DefaultHasher::new();
        command.hash(&mut hasher);
        let key = hasher.finish();
        let count = alike.entry(key).or_default();
        take((key, *count), end);
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::event::{AttemptRecord, Event, EventKind, Outcome, RunEvent, RunHeader, TaskEvent, WorkerId};
    use fanlane_core::job::{Job, Mode};

    fn run(inputs: &[&str], ends: &[(Outcome, u64)]) -> (RunModel, Batch) {
        let list = inputs.iter().map(|input| format!("{input:?}")).collect::<Vec<_>>().join(", ");
        let text = format!(r#"Job(version: 1, name: "x", task: Command("frob {{}}"), inputs: [List([{list}])])"#);
        let job = Job::parse(&text).expect("the job is well formed");
        let batch = Batch::open(&job, Path::new("/"), &mut std::io::empty()).expect("a batch");
        let mut model = RunModel::default();
        let tasks = batch.len();
        let header = RunHeader { name: "x".into(), mode: Mode::Pool, workers: 1, tasks, started_unix_ms: 0 };
        model.take(Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) });
        let record = |(task, (outcome, millis)): (u64, &(Outcome, u64))| AttemptRecord {
            wall_ns: millis * 1_000_000,
            ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome.clone())
        };
        let records = (0..).zip(ends).map(record).collect();
        model.take(Event { at_ns: 1, kind: EventKind::Task(TaskEvent::Finished(records)) });
        (model, batch)
    }

    #[test]
    fn tasks_are_compared_by_what_they_do_and_not_by_their_place() {
        let done = |millis| (Outcome::Done, millis);
        let failed = || (Outcome::Exited { code: 1 }, 5);
        let before = run(
            &["a", "b", "c", "d", "e", "twice", "twice", "gone", "f"],
            &[
                done(100),
                failed(),
                done(100),
                done(100),
                failed(),
                done(10),
                done(20),
                done(1),
                (Outcome::Cancelled, 0),
            ],
        );
        let now = run(
            &["new", "e", "d", "c", "b", "a", "twice", "twice", "f"],
            &[done(1), failed(), done(50), failed(), done(9), done(150), done(10), done(20), failed()],
        );
        let (changes, both) = compare((&before.0, &before.1), (&now.0, &now.1));
        let words = |kind: ChangeKind| -> Vec<String> {
            let batch = if kind == ChangeKind::OnlyBefore { &before.1 } else { &now.1 };
            let task = |change: &TaskChange| change.now.or(change.before).expect("an end").task;
            changes[kind as usize].iter().map(|change| crate::session::task_inputs(batch, task(change))).collect()
        };
        assert_eq!(both, 8);
        assert_eq!(words(ChangeKind::FailedNewly), ["c", "f"]);
        assert_eq!(words(ChangeKind::Fixed), ["b"]);
        assert_eq!(words(ChangeKind::Slower), ["a"]);
        assert_eq!(words(ChangeKind::Faster), ["d"]);
        assert_eq!(words(ChangeKind::OnlyBefore), ["gone"]);
        assert_eq!(words(ChangeKind::OnlyNow), ["new"]);
    }
}
