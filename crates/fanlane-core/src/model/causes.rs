//! Failures by cause: attempts that ended alike, and whose telling lines differ at most in what differs from task to task.
//!
//! A cause is the outcome with its exit code or signal, and the telling line: see [`telling_line`]. In the line, the inputs of
//! the task, paths and numbers are masked: see [`mask`]. Memory is bounded: beyond [`MAX_CAUSES`] further causes of an outcome
//! are counted as one.

mod mask;
mod telling_line;

use std::collections::HashMap;

use crate::event::{AttemptRecord, Outcome, OutcomeClass, TaskId};
use fanlane_os::signal;

pub use mask::{MASK, mask};
pub use telling_line::telling_line;

/// Maximum number of causes that are told apart.
pub const MAX_CAUSES: usize = 1_000;

/// What a failed attempt says of its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The task.
    pub task: TaskId,
    /// The class of its outcome.
    pub class: OutcomeClass,
    /// The outcome in a few words: `exit 3`, `SIGSEGV`, `timed out`.
    pub end: String,
    /// The line that tells why; empty: none does.
    pub line: String,
}

impl Failure {
    /// The failure of an attempt; `None` for one that succeeded or was cancelled.
    pub fn of(record: &AttemptRecord) -> Option<Self> {
        let end = match &record.outcome {
            Outcome::Done | Outcome::Cancelled => return None,
            Outcome::Exited { code } => format!("exit {code}"),
            Outcome::Signalled { signal: number } => signal::name(*number),
            Outcome::CannotStart(_) => "could not be started".to_owned(),
            Outcome::CallFailed(_) => "call failed".to_owned(),
            Outcome::TimedOut => "timed out".to_owned(),
            Outcome::Lost(_) => "lost".to_owned(),
            Outcome::OutputLost(_) => "output not kept".to_owned(),
        };
        let line = telling_line(record).unwrap_or_default();
        Some(Self { task: record.task, class: record.outcome.class(), end, line })
    }

    /// The outcome and the line: `exit 3: boom on 7`.
    pub fn words(&self) -> String {
        words(&self.end, &self.line)
    }
}

/// Failures with the same cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The class of the outcome.
    pub class: OutcomeClass,
    /// The outcome in a few words: `exit 3`, `SIGSEGV`, `timed out`.
    pub end: String,
    /// The line that tells why, masked where the failures differ; empty: none does.
    pub line: String,
    /// Number of failures.
    pub count: u64,
    /// The first failed task.
    pub first: TaskId,
    /// It stands for all further causes with this outcome.
    pub is_rest: bool,
}

impl Cause {
    /// The cause without its count: `exit 3: boom on …`.
    pub fn words(&self) -> String {
        if self.is_rest { format!("{}: other causes", self.end) } else { words(&self.end, &self.line) }
    }
}

fn words(end: &str, line: &str) -> String {
    if line.is_empty() { end.to_owned() } else { format!("{end}: {line}") }
}

/// The number of a cause in [`Causes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CauseId(pub u16);

/// The causes of a run's failures.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    causes: Vec<Cause>,
    /// By outcome and masked line; without a line for the rest.
    places: HashMap<(String, Option<String>), CauseId>,
    total: u64,
}

impl Causes {
    /// Adds a failure of a task with these inputs.
    pub fn add(&mut self, failure: Failure, inputs: &[impl AsRef<[u8]>]) -> CauseId {
        let masked = mask(&failure.line, inputs);
        let Failure { task, class, end, line } = failure;
        self.total += 1;
        let mut key = (end, Some(masked));
        let is_rest = self.causes.len() >= MAX_CAUSES && !self.places.contains_key(&key);
        if is_rest {
            key.1 = None;
        }
        if let Some(&id) = self.places.get(&key) {
            let cause = &mut self.causes[usize::from(id.0)];
            cause.count += 1;
            if cause.line != line
                && let Some(masked) = key.1
            {
                cause.line = masked;
            }
            return id;
        }
        // The number of outcomes is bounded, too, and so is the number of causes.
        let id = CauseId(self.causes.len() as u16);
        let line = if is_rest { String::new() } else { line };
        self.causes.push(Cause { class, end: key.0.clone(), line, count: 1, first: task, is_rest });
        self.places.insert(key, id);
        id
    }

    /// A cause.
    pub fn get(&self, id: CauseId) -> Option<&Cause> {
        self.causes.get(usize::from(id.0))
    }

    /// All causes, the most frequent first.
    pub fn ranked(&self) -> Vec<(CauseId, &Cause)> {
        let mut ranked: Vec<_> = (0..).map(CauseId).zip(&self.causes).collect();
        ranked.sort_by_key(|(id, cause)| (std::cmp::Reverse(cause.count), *id));
        ranked
    }

    /// Number of causes.
    pub fn len(&self) -> usize {
        self.causes.len()
    }

    /// Nothing has failed.
    pub fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    /// Number of failures.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Captured, Output, WorkerId};

    fn failed(task: u64, outcome: Outcome, stderr: &str) -> Failure {
        let stderr = Captured { head: stderr.into(), ..Captured::default() };
        let output = Some(Box::new(Output { stderr, ..Output::default() }));
        let record = AttemptRecord { output, ..AttemptRecord::new(TaskId(task), 1, WorkerId(1), outcome) };
        Failure::of(&record).expect("a failure")
    }

    #[test]
    fn failures_that_differ_in_their_inputs_alone_have_one_cause() {
        let mut causes = Causes::default();
        let exit = |code| Outcome::Exited { code };
        for task in 0..33 {
            causes.add(failed(task, exit(3), &format!("starting\nboom on {task}\n")), &[task.to_string()]);
        }
        for name in ["a", "b"] {
            causes.add(failed(40, exit(3), &format!("cannot read data/{name}.csv: denied\n")), &[name]);
        }
        causes.add(failed(50, exit(4), "boom on 1\n"), &["1"]);
        causes.add(failed(51, Outcome::Signalled { signal: libc::SIGSEGV }, ""), &["1"]);
        let told: Vec<(u64, String)> = causes.ranked().iter().map(|(_, cause)| (cause.count, cause.words())).collect();
        let expected =
            [(33, "exit 3: boom on …"), (2, "exit 3: cannot read …: denied"), (1, "exit 4: boom on 1"), (1, "SIGSEGV")];
        assert_eq!(told, expected.map(|(count, words)| (count, words.to_owned())));
        assert_eq!(causes.total(), 37);
        for fine in [Outcome::Done, Outcome::Cancelled] {
            assert_eq!(Failure::of(&AttemptRecord::new(TaskId(0), 1, WorkerId(1), fine)), None);
        }
    }

    #[test]
    fn beyond_the_limit_further_causes_are_counted_as_one() {
        let mut causes = Causes::default();
        let letters = |mut number: usize| -> String {
            let mut word = String::new();
            while number > 0 {
                word.push(char::from(b'g' + (number % 20) as u8));
                number /= 20;
            }
            word
        };
        for number in 1..=MAX_CAUSES + 50 {
            causes.add(failed(0, Outcome::Exited { code: 1 }, &letters(number)), &["x"]);
        }
        assert_eq!(causes.ranked().len(), MAX_CAUSES + 1);
        let (_, rest) = causes.ranked()[0];
        assert_eq!((rest.count, rest.words().as_str()), (50, "exit 1: other causes"));
        causes.add(failed(0, Outcome::Exited { code: 1 }, &letters(1)), &["x"]);
        assert_eq!(causes.ranked().len(), MAX_CAUSES + 1, "a known cause is still found");
    }
}
