//! Own types: what a server program registers beside the built-in kinds. Each object has a thread of its own in which
//! its methods run one at a time, so that a slow one holds up nobody but those that called it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Sender, unbounded};

use super::datum::Datum;
use super::failure::{Failure, FailureKind};
use super::registry::{Answer, Arguments, ClientId, Object, Turn};
use crate::mp::waker::Waker;

/// An own type, as its methods are called from elsewhere.
pub trait Served: Send {
    /// Does the method of that name.
    ///
    /// # Errors
    /// What the caller shall be told: [`Failure::own`], or [`Served::no_method`] for a name that is none. A panic is told
    /// too, and the object stays.
    fn call(&mut self, method: &str, arguments: Vec<Datum>) -> Result<Datum, Failure>;

    /// What lists and pages show of it.
    fn content(&self) -> Datum {
        Datum::Nil
    }

    /// The failure for a method that there is not.
    fn no_method(&self, method: &str) -> Failure {
        Failure::new(FailureKind::NoSuchMethod, format!("this object has no method '{method}'"))
    }
}

/// Where results go: to the server's own thread.
#[derive(Clone)]
pub(super) struct Results {
    pub sender: Sender<OwnResult>,
    pub waker: Arc<Waker>,
}

/// What a call came to that its client waits for, of which object.
pub(super) struct OwnResult {
    pub client: ClientId,
    pub object: u64,
    pub result: Result<Datum, Failure>,
}

impl Results {
    pub(super) fn send(&self, client: ClientId, object: u64, result: Result<Datum, Failure>) {
        // The server may be gone.
        let _ = self.sender.send(OwnResult { client, object, result });
        self.waker.wake();
    }
}

struct Call {
    client: ClientId,
    object: u64,
    method: String,
    arguments: Vec<Datum>,
}

/// The registry's side of an own object.
pub(super) struct OwnObject {
    calls: Sender<Call>,
    content: Arc<Mutex<Datum>>,
}

impl OwnObject {
    /// Gives `served` its thread.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn start(kind: &str, mut served: Box<dyn Served>, results: Results) -> Result<Self, Failure> {
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
    Failure::own(format!("the method '{method}' panicked: {words}"))
}

impl Object for OwnObject {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        let mut arguments = Vec::new();
        while let Some(argument) = with.optional() {
            arguments.push(argument);
        }
        let call = Call { client: turn.client, object: turn.object, method: method.to_owned(), arguments };
        match self.calls.send(call) {
            Ok(()) => Ok(Answer::Later { timeout_ns: None }),
            Err(_) => Err(Failure::own("the thread of this object has ended")),
        }
    }

    fn head(&self, _items: usize) -> Datum {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
