//! Own types: what a server program registers beside the built-in kinds. Each object has a thread of its own in which
//! its methods run one at a time, so that a slow one holds up nobody but those that called it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, unbounded};

use super::dynamic_value::DynamicValue;
use super::failure::{Failure, FailureKind};
use super::registry::{Answer, Arguments, CallContext, ClientId, Object};
use crate::mp::waker::Waker;

/// An own type, as its methods are called from elsewhere.
pub trait CustomType: Send {
    /// Does the method of that name.
    ///
    /// # Errors
    /// What the caller shall be told: [`Failure::custom`], or [`CustomType::no_method`] for a name that is none. A panic is told
    /// too, and the object stays.
    fn call(&mut self, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, Failure>;

    /// What lists and pages show of it.
    fn content(&self) -> DynamicValue {
        DynamicValue::Nil
    }

    /// The failure for a method that there is not.
    fn no_method(&self, method: &str) -> Failure {
        Failure::new(FailureKind::NoSuchMethod, format!("this object has no method '{method}'"))
    }
}

/// Where results go: to the server's own thread.
#[derive(Clone)]
pub(super) struct Results {
    pub sender: Sender<CustomResult>,
    pub waker: Arc<Waker>,
}

/// What a call came to that its client waits for, of which object.
pub(super) struct CustomResult {
    pub client: ClientId,
    pub object: u64,
    pub result: Result<DynamicValue, Failure>,
}

impl Results {
    pub(super) fn send(&self, client: ClientId, object: u64, result: Result<DynamicValue, Failure>) {
        // The server may be gone.
        let _ = self.sender.send(CustomResult { client, object, result });
        self.waker.wake();
    }
}

struct Call {
    client: ClientId,
    object: u64,
    method: String,
    arguments: Vec<DynamicValue>,
}

/// The registry's side of an own object.
pub(super) struct CustomObject {
    calls: Sender<Call>,
    content: Arc<Mutex<DynamicValue>>,
}

impl CustomObject {
    /// Gives `served` its thread.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn start(kind: &str, mut served: Box<dyn CustomType>, results: Results) -> Result<Self, Failure> {
        let (calls, asked) = unbounded::<Call>();
        let content = Arc::new(Mutex::new(served.content()));
        let shown = Arc::clone(&content);
        // Its end is that of the calls: when the object is deleted, or the server has ended.
        let spawned = std::thread::Builder::new().name(kind.to_owned()).spawn(move || {
            for call in asked {
                let called = AssertUnwindSafe(|| served.call(&call.method, call.arguments));
                let result = catch_unwind(called).unwrap_or_else(|panic| Err(panicked(&call.method, panic.as_ref())));
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = served.content();
                results.send(call.client, call.object, result);
            }
        });
        match spawned {
            Ok(_) => Ok(Self { calls, content }),
            Err(error) => Err(Failure::new(FailureKind::Limit, format!("{kind} cannot have a thread: {error}"))),
        }
    }
}

fn panicked(method: &str, panic: &(dyn Any + Send)) -> Failure {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".to_owned());
    Failure::custom(format!("the method '{method}' panicked: {words}"))
}

impl Object for CustomObject {
    fn call(&mut self, context: &mut CallContext<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        let mut arguments = Vec::new();
        while let Some(argument) = with.optional() {
            arguments.push(argument);
        }
        let call = Call { client: context.client, object: context.object, method: method.to_owned(), arguments };
        match self.calls.send(call) {
            Ok(()) => Ok(Answer::Later { timeout_ns: None }),
            Err(_) => Err(Failure::custom("the thread of this object has ended")),
        }
    }

    fn head(&self, _items: usize) -> DynamicValue {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
