//! Custom types: what a server program registers beside the built-in kinds. Each object has a thread of its own in which
//! its methods run one at a time, so that a slow method delays its own callers only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, unbounded};

use super::dynamic_value::DynamicValue;
use super::failure::{Failure, FailureKind};
use super::registry::{Answer, Arguments, CallContext, CallResult, ClientId, Interface, Maker, Object};
use crate::function::panic_message;
use fanlane_os::waker::Waker;

/// A type whose objects clients call by the names of methods.
pub trait CustomType: Send {
    /// Calls the method of that name.
    ///
    /// # Errors
    /// What the caller is told: [`Failure::custom`], or [`CustomType::no_method`] for an unknown name. A panic is told
    /// too, and the object stays.
    fn call(&mut self, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, Failure>;

    /// What lists and pages show of the object.
    fn content(&self) -> DynamicValue {
        DynamicValue::Nil
    }

    /// The failure of a call of an unknown method.
    fn no_method(&self, method: &str) -> Failure {
        Failure::new(FailureKind::NoSuchMethod, format!("this object has no method '{method}'"))
    }
}

/// Makes an object of a custom type from the arguments of its creation.
pub(super) type MakeCustom = Arc<dyn Fn(Vec<DynamicValue>) -> Result<Box<dyn CustomType>, Failure> + Send + Sync>;

/// Takes results to the server's thread.
#[derive(Clone)]
pub(super) struct Results {
    pub sender: Sender<CustomResult>,
    pub waker: Arc<Waker>,
}

/// The result of a call that its client waits for.
pub(super) struct CustomResult {
    pub client: ClientId,
    pub object: u64,
    pub result: Result<DynamicValue, Failure>,
}

struct Call {
    client: ClientId,
    object: u64,
    method: String,
    arguments: Vec<DynamicValue>,
}

/// The registry's side of an object of a custom type.
struct CustomObject {
    calls: Sender<Call>,
    content: Arc<Mutex<DynamicValue>>,
}

impl CustomObject {
    /// Starts the thread of an object.
    ///
    /// # Errors
    /// When the system has no threads left.
    fn start(kind: &str, mut custom: Box<dyn CustomType>, results: Results) -> Result<Self, Failure> {
        let (calls, received) = unbounded::<Call>();
        let content = Arc::new(Mutex::new(custom.content()));
        let shown = Arc::clone(&content);
        // It ends with the sender of calls: when the object is deleted, or the server has ended.
        let spawned = std::thread::Builder::new().name(kind.to_owned()).spawn(move || {
            for Call { client, object, method, arguments } in received {
                let called = catch_unwind(AssertUnwindSafe(|| custom.call(&method, arguments)));
                let result = called.unwrap_or_else(|panic| {
                    Err(Failure::custom(format!("the method '{method}' panicked: {}", panic_message(&*panic))))
                });
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = custom.content();
                // The server may be gone.
                let _ = results.sender.send(CustomResult { client, object, result });
                results.waker.wake();
            }
        });
        match spawned {
            Ok(_) => Ok(Self { calls, content }),
            Err(error) => Err(Failure::new(FailureKind::Limit, format!("{kind} cannot have a thread: {error}"))),
        }
    }
}

impl Object for CustomObject {
    fn interface(&self) -> Option<&'static Interface> {
        None
    }

    fn call(&mut self, context: &mut CallContext<'_>, method: &str, arguments: &mut Arguments) -> CallResult {
        let CallContext { client, object, .. } = *context;
        let call = Call { client, object, method: method.to_owned(), arguments: arguments.rest() };
        match self.calls.send(call) {
            Ok(()) => Ok(Answer::Later { timeout_ns: None }),
            Err(_) => Err(Failure::custom("the thread of this object has ended")),
        }
    }

    fn content(&self, _max_items: usize) -> DynamicValue {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the registry makes objects of a custom type with.
pub(super) fn maker(kind: &str, make: &MakeCustom, results: &Results) -> Maker {
    let (kind, make, results) = (kind.to_owned(), Arc::clone(make), results.clone());
    Arc::new(move |arguments| {
        let made = catch_unwind(AssertUnwindSafe(|| make(arguments)));
        let custom = made.unwrap_or_else(|_| Err(Failure::custom(format!("making a {kind} panicked"))))?;
        Ok(Box::new(CustomObject::start(&kind, custom, results.clone())?))
    })
}
