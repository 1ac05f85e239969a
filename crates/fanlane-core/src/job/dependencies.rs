//! Which tasks wait for which, read from two columns of the inputs, and checked before anything runs.

use std::collections::{HashMap, HashSet};

use bstr::{BStr, BString, ByteSlice};

use super::Batch;
use super::control::After;
use crate::job::TaskId;

/// For each task that waits, those that must be done before it.
pub type Dependencies = HashMap<TaskId, Vec<TaskId>>;

/// Dependencies that no run can keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// No column is called so.
    #[error("control.after: no column is called '{column}'; the inputs have {there}")]
    NoSuchColumn {
        /// The name.
        column: String,
        /// The names that there are.
        there: String,
    },
    /// Two tasks have the same name.
    #[error("control.after: tasks {first} and {second} are both called '{name}'; give each a name of its own")]
    NameTwice {
        /// The name.
        name: BString,
        /// The number of the first.
        first: u64,
        /// The number of the second.
        second: u64,
    },
    /// A task waits for a task that does not exist.
    #[error("control.after: task {number} waits for '{name}', but no task is called so")]
    NoSuchTask {
        /// The number of the waiting task.
        number: u64,
        /// The name of the missing task.
        name: BString,
    },
    /// Tasks that wait for each other.
    #[error("control.after: these tasks wait for each other, so none could ever begin: {}", Cycle(.tasks))]
    Cycle {
        /// Their numbers, each waiting for the next and the last for the first.
        tasks: Vec<u64>,
    },
}

struct Cycle<'a>(&'a [u64]);

impl std::fmt::Display for Cycle<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = self.0.iter().chain(self.0.first()).map(ToString::to_string).collect();
        f.write_str(&numbers.join(" → "))
    }
}

/// Reads which task waits for which.
///
/// # Errors
/// When a column, a name or an end to the waiting is missing; see [`DependencyError`].
pub fn resolve(batch: &Batch, after: &After) -> Result<Dependencies, DependencyError> {
    let place = |column: &str| {
        batch.columns().iter().position(|one| one == column).ok_or_else(|| DependencyError::NoSuchColumn {
            column: column.to_owned(),
            there: batch.columns().join(", "),
        })
    };
    let (name_place, after_place) = (place(&after.name)?, place(&after.after)?);
    let mut by_name: HashMap<BString, TaskId> = HashMap::new();
    let tasks = || (0..batch.len()).map(TaskId);
    for task in tasks() {
        let name: BString = batch.values(task)[name_place].as_bstr().to_owned();
        if let Some(first) = by_name.get(&name) {
            return Err(DependencyError::NameTwice { name, first: first.number(), second: task.number() });
        }
        by_name.insert(name, task);
    }
    let mut dependencies = Dependencies::new();
    for task in tasks() {
        let values = batch.values(task);
        let mut before = Vec::new();
        let mut named = HashSet::new();
        for name in values[after_place].fields() {
            let one = by_name
                .get(BStr::new(name))
                .ok_or_else(|| DependencyError::NoSuchTask { number: task.number(), name: name.into() })?;
            if named.insert(*one) {
                before.push(*one);
            }
        }
        if !before.is_empty() {
            dependencies.insert(task, before);
        }
    }
    find_cycle(&dependencies).map_or(Ok(dependencies), |tasks| Err(DependencyError::Cycle { tasks }))
}

/// Walks the graph depth first, without recursion: a chain may have a million links.
fn find_cycle(dependencies: &Dependencies) -> Option<Vec<u64>> {
    let mut begun: HashMap<TaskId, bool> = HashMap::new();
    let mut roots: Vec<TaskId> = dependencies.keys().copied().collect();
    roots.sort_unstable();
    for root in roots {
        if begun.contains_key(&root) {
            continue;
        }
        begun.insert(root, true);
        let mut path = vec![(root, 0)];
        while let Some((task, next)) = path.last_mut() {
            let Some(&before) = dependencies.get(task).and_then(|all| all.get(*next)) else {
                begun.insert(*task, false);
                path.pop();
                continue;
            };
            *next += 1;
            match begun.get(&before) {
                None => {
                    begun.insert(before, true);
                    path.push((before, 0));
                }
                Some(true) => {
                    let from = path.iter().position(|(task, _)| *task == before).unwrap_or(0);
                    return Some(path[from..].iter().map(|(task, _)| task.number()).collect());
                }
                Some(false) => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    fn resolved(rows: &str) -> Result<Dependencies, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tasks.csv"), rows).unwrap();
        let text = r#"Job(version: 1, task: Command("echo {name}"), inputs: [Csv("tasks.csv")],
            control: Control(after: After(name: "name", after: "after")))"#;
        let batch = Batch::open(&Job::parse(text).unwrap(), folder.path(), &mut std::io::empty());
        batch.map(|batch| batch.dependencies().clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_become_tasks() {
        let found = resolved("name,after\na,\nb,a\nc,a  b\n").unwrap();
        let expected = [(TaskId(1), vec![TaskId(0)]), (TaskId(2), vec![TaskId(0), TaskId(1)])];
        assert_eq!(found, expected.into_iter().collect());
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        for (rows, words) in [
            ("name,x\na,\n", "no column is called 'after'; the inputs have name, x"),
            ("name,after\na,\na,\n", "tasks 1 and 2 are both called 'a'"),
            ("name,after\na,b\n", "task 1 waits for 'b'"),
            ("name,after\na,a\n", "1 → 1"),
            ("name,after\na,\nb,d\nc,b\nd,c\n", "2 → 4 → 3 → 2"),
        ] {
            let error = resolved(rows).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
