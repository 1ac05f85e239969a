//! The built-in kinds of objects, by the names that Python's managers have for them.

use super::arguments::Arguments;
use super::barrier::Barrier;
use super::cell::{Array, Cell};
use super::condition::Condition;
use super::dict::Dict;
use super::event::Event;
use super::list::List;
use super::lock::Lock;
use super::namespace::Namespace;
use super::object::Object;
use super::queue::Queue;
use super::semaphore::Semaphore;
use super::set::Set;
use crate::mp::manager::datum::Datum;
use crate::mp::manager::failure::{Failure, FailureKind};

/// The names of all built-in kinds.
///
/// ```
/// use fanlane::mp::manager::KINDS;
///
/// assert!(KINDS.contains(&"dict") && KINDS.contains(&"Barrier"));
/// ```
pub const KINDS: [&str; 15] = [
    "list",
    "dict",
    "set",
    "Namespace",
    "Value",
    "Array",
    "Queue",
    "JoinableQueue",
    "Lock",
    "RLock",
    "Semaphore",
    "BoundedSemaphore",
    "Event",
    "Condition",
    "Barrier",
];

/// Makes an object of a built-in kind.
pub(super) fn make<'a>(
    kind: &str,
    arguments: Vec<Datum>,
    own_kinds: impl Iterator<Item = &'a String>,
) -> Result<Box<dyn Object>, Failure> {
    let mut arguments = Arguments::new(kind, arguments);
    let with = &mut arguments;
    let object: Box<dyn Object> = match kind {
        "list" => Box::new(List::new(with)?),
        "dict" => Box::new(Dict::new(with)?),
        "set" => Box::new(Set::new(with)?),
        "Namespace" => Box::new(Namespace::new(with)?),
        "Value" => Box::new(Cell::new(with)),
        "Array" => Box::new(Array::new(with)?),
        "Queue" => Box::new(Queue::new(with, false)?),
        "JoinableQueue" => Box::new(Queue::new(with, true)?),
        "Lock" => Box::new(Lock::new(false)),
        "RLock" => Box::new(Lock::new(true)),
        "Semaphore" => Box::new(Semaphore::new(with, false)?),
        "BoundedSemaphore" => Box::new(Semaphore::new(with, true)?),
        "Event" => Box::new(Event::default()),
        "Condition" => Box::new(Condition::default()),
        "Barrier" => Box::new(Barrier::new(with)?),
        _ => {
            let known: Vec<&str> = KINDS.into_iter().chain(own_kinds.map(String::as_str)).collect();
            let message = format!("there is no kind of object called '{kind}'; there are {}", known.join(", "));
            return Err(Failure::new(FailureKind::NoSuchKind, message));
        }
    };
    arguments.end()?;
    Ok(object)
}
