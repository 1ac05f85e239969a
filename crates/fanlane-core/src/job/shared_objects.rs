//! Objects that all tasks of a run share: a manager holds them for as long as the run goes on, and a task reaches them
//! with `fanlane manager`, or as a client of [`mp::manager`](fanlane_mp::manager).

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::file::options;
use fanlane_mp::manager::{DynamicValue, Literal, check_object};

/// Maximum number of objects that a job declares.
pub const MAX_SHARED: usize = 1000;

/// One object that tasks share: its kind and what it begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharedSpec {
    /// An empty list.
    List,
    /// A list of these items.
    ListOf(Vec<Literal>),
    /// An empty dict: values by keys.
    Dict,
    /// A dict with these.
    DictOf(BTreeMap<Literal, Literal>),
    /// An empty set.
    Set,
    /// A set of these.
    SetOf(Vec<Literal>),
    /// An empty namespace: values by names.
    Namespace,
    /// One value.
    Value(Literal),
    /// A fixed number of values of one kind.
    Array(Vec<Literal>),
    /// A queue without a limit.
    Queue,
    /// A queue with a maximum number of items.
    BoundedQueue(u32),
    /// A queue that counts what is not done yet.
    JoinableQueue,
    /// A lock.
    Lock,
    /// A lock that its owner can acquire again.
    RLock,
    /// A semaphore with this number of slots.
    Semaphore(u32),
    /// A semaphore with this number of slots, of which no more can be released than were acquired.
    BoundedSemaphore(u32),
    /// A flag to wait for.
    Event,
    /// A lock with waiters to be notified.
    Condition,
    /// A barrier for this number of parties.
    Barrier(u32),
}

impl SharedSpec {
    /// An example of each kind, for help.
    pub const EXAMPLES: &str = "List, ListOf([1, 2]), Dict, DictOf({\"a\": 1}), Set, SetOf([1]), Namespace, Value(0), \
                                Array([0, 0]), Queue, BoundedQueue(10), JoinableQueue, Lock, RLock, Semaphore(2), \
                                BoundedSemaphore(2), Event, Condition, Barrier(3)";

    /// What a manager calls this kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::List | Self::ListOf(_) => "list",
            Self::Dict | Self::DictOf(_) => "dict",
            Self::Set | Self::SetOf(_) => "set",
            Self::Namespace => "Namespace",
            Self::Value(_) => "Value",
            Self::Array(_) => "Array",
            Self::Queue | Self::BoundedQueue(_) => "Queue",
            Self::JoinableQueue => "JoinableQueue",
            Self::Lock => "Lock",
            Self::RLock => "RLock",
            Self::Semaphore(_) => "Semaphore",
            Self::BoundedSemaphore(_) => "BoundedSemaphore",
            Self::Event => "Event",
            Self::Condition => "Condition",
            Self::Barrier(_) => "Barrier",
        }
    }

    /// What a manager makes it of.
    pub fn arguments(&self) -> Vec<DynamicValue> {
        let list = |items: &[Literal]| vec![DynamicValue::List(items.iter().map(|item| item.0.clone()).collect())];
        match self {
            Self::ListOf(items) | Self::SetOf(items) | Self::Array(items) => list(items),
            Self::DictOf(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.0.clone(), value.0.clone()));
                vec![DynamicValue::Map(entries.collect())]
            }
            Self::Value(value) => vec![value.0.clone()],
            Self::BoundedQueue(count)
            | Self::Semaphore(count)
            | Self::BoundedSemaphore(count)
            | Self::Barrier(count) => vec![DynamicValue::Int((*count).into())],
            Self::List
            | Self::Dict
            | Self::Set
            | Self::Namespace
            | Self::Queue
            | Self::JoinableQueue
            | Self::Lock
            | Self::RLock
            | Self::Event
            | Self::Condition => Vec::new(),
        }
    }
}

impl FromStr for SharedSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        options()
            .from_str(text)
            .map_err(|_| format!("'{text}' is no kind of shared object; write one of {}", Self::EXAMPLES))
    }
}

impl std::fmt::Display for SharedSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&options().to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// What is wrong with the objects of a job, if anything is.
pub(super) fn problem(shared: &BTreeMap<String, SharedSpec>) -> Option<String> {
    if shared.len() > MAX_SHARED {
        return Some(format!("there are {}, at most {MAX_SHARED} can be declared", shared.len()));
    }
    shared.iter().find_map(|(name, spec)| {
        check_object(name, spec.kind(), spec.arguments()).err().map(|failure| format!("{name}: {failure}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_is_written_and_can_be_made() {
        let examples = "[".to_owned() + SharedSpec::EXAMPLES + "]";
        let all: Vec<SharedSpec> = options().from_str(&examples).expect("the examples are right");
        assert_eq!(all.len(), 19);
        for spec in all {
            assert_eq!(spec.to_string().parse::<SharedSpec>().as_ref(), Ok(&spec));
            assert_eq!(problem(&[("x".to_owned(), spec)].into()), None);
        }
    }

    #[test]
    fn what_cannot_be_made_is_told() {
        let fault = |name: &str, text: &str| problem(&[(name.to_owned(), text.parse().unwrap())].into()).unwrap();
        assert!(
            fault("gate", "Barrier(0)").starts_with("gate: Barrier: the number of parties is 0"),
            "{}",
            fault("gate", "Barrier(0)")
        );
        assert!(fault("a\n", "List").contains("cannot be a name"));
        assert!(fault("mixed", "Array([1, \"x\"])").contains("not a text"));
        for text in ["", "Tree", "Value", "Barrier", "Queue(1)", "list"] {
            assert!(text.parse::<SharedSpec>().unwrap_err().contains("BoundedQueue(10)"), "{text}");
        }
    }
}
