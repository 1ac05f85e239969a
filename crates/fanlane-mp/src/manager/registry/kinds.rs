//! The built-in kinds of objects, by the names that Python's managers have for them.

use super::arguments::Arguments;
use super::array::ArrayObject;
use super::barrier::BarrierObject;
use super::condition::ConditionObject;
use super::dict::DictObject;
use super::event::EventObject;
use super::list::ListObject;
use super::lock::LockObject;
use super::namespace::NamespaceObject;
use super::object::Object;
use super::queue::QueueObject;
use super::semaphore::SemaphoreObject;
use super::set::SetObject;
use super::value::ValueObject;
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

/// The names of all built-in kinds.
///
/// ```
/// use fanlane_mp::manager::KINDS;
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
    arguments: Vec<DynamicValue>,
    custom_types: impl Iterator<Item = &'a String>,
) -> Result<Box<dyn Object>, Failure> {
    let mut arguments = Arguments::new(kind, arguments);
    let with = &mut arguments;
    let object: Box<dyn Object> = match kind {
        "list" => Box::new(ListObject::new(with)?),
        "dict" => Box::new(DictObject::new(with)?),
        "set" => Box::new(SetObject::new(with)?),
        "Namespace" => Box::new(NamespaceObject::new(with)?),
        "Value" => Box::new(ValueObject::new(with)),
        "Array" => Box::new(ArrayObject::new(with)?),
        "Queue" => Box::new(QueueObject::new(with, false)?),
        "JoinableQueue" => Box::new(QueueObject::new(with, true)?),
        "Lock" => Box::new(LockObject::new(false)),
        "RLock" => Box::new(LockObject::new(true)),
        "Semaphore" => Box::new(SemaphoreObject::new(with, false)?),
        "BoundedSemaphore" => Box::new(SemaphoreObject::new(with, true)?),
        "Event" => Box::new(EventObject::default()),
        "Condition" => Box::new(ConditionObject::default()),
        "Barrier" => Box::new(BarrierObject::new(with)?),
        _ => {
            let known: Vec<&str> = KINDS.into_iter().chain(custom_types.map(String::as_str)).collect();
            let message = format!("there is no kind of object called '{kind}'; there are {}", known.join(", "));
            return Err(Failure::new(FailureKind::NoSuchKind, message));
        }
    };
    arguments.end()?;
    Ok(object)
}
