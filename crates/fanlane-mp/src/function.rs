//! Functions that can run in another process: known by name there, and by their type here.
//!
//! The name is the function's path as the compiler writes it. A call names the function itself, so that its arguments and
//! its result are checked; its type leads to the name, which is sent.

use std::any::{Any, TypeId};
use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use crate::callable::Callable;
use crate::error::{Error, RecvError, SendError, TaskError};
use crate::item;
use fanlane_os::fd_passing;

/// A function that [`init`](crate::init) makes known; made by [`function!`](crate::function).
///
/// ```
/// fn cube(x: i64) -> i64 {
///     x * x * x
/// }
///
/// let known = fanlane_mp::function!(cube);
/// assert!(known.name().ends_with("::cube"));
/// assert_eq!(format!("{known:?}"), format!("Function({:?})", known.name()));
/// ```
pub struct Function {
    pub(crate) name: &'static str,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    /// Called with arguments.
    Typed(TypeId, Box<dyn Run>),
    /// Given the connection to the parent.
    Service(fn(UnixStream) -> i32),
    /// Given the words behind the role.
    Remote(fn(&[OsString]) -> i32),
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Function").field(&self.name).finish()
    }
}

impl Function {
    /// What [`function!`](crate::function) is made of. `failure` tells whether a returned value is an error, and
    /// `encode` writes one.
    #[doc(hidden)]
    pub fn typed<F, Args>(
        function: F,
        failure: fn(&F::Output) -> Option<String>,
        encode: fn(&F::Output, &mut Vec<u8>) -> Result<(), SendError>,
    ) -> Self
    where
        F: Callable<Args>,
        Args: DeserializeOwned + 'static,
    {
        let typed = Typed { function, failure, encode, args: PhantomData };
        Self { name: std::any::type_name::<F>(), body: Body::Typed(TypeId::of::<F>(), Box::new(typed)) }
    }

    /// A role of this program with a protocol of its own: `serve` gets the connection to the parent and returns the exit code of
    /// the process. See [`Child`](fanlane_os::child::Child).
    ///
    /// ```no_run
    /// use std::io::Write;
    /// use std::os::unix::net::UnixStream;
    ///
    /// fn greet(mut parent: UnixStream) -> i32 {
    ///     parent.write_all(b"hello").map_or(1, |()| 0)
    /// }
    /// fanlane_mp::init([fanlane_mp::Function::service("greeter", greet)]);
    /// ```
    pub fn service(name: &'static str, serve: fn(UnixStream) -> i32) -> Self {
        Self { name, body: Body::Service(serve) }
    }

    /// A role of this program on another machine, where a scheduler or a login starts it: `serve` gets the words behind the name of
    /// the role, has the standard streams as they are, and returns the exit code of the process.
    ///
    /// ```no_run
    /// use std::ffi::OsString;
    ///
    /// fn greet(words: &[OsString]) -> i32 {
    ///     println!("hello {words:?}");
    ///     0
    /// }
    /// fanlane_mp::init([fanlane_mp::Function::remote("greeter", greet)]);
    /// ```
    pub fn remote(name: &'static str, serve: fn(&[OsString]) -> i32) -> Self {
        Self { name, body: Body::Remote(serve) }
    }

    /// The name under which it is known.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// A function without its types.
pub(crate) trait Run: Send + Sync {
    /// Calls it once; the error is what it returned as one.
    fn run_once(&self, args: &[u8]) -> Result<(), String>;

    /// Calls it once and encodes its value; the error is why arguments or value cannot be sent.
    fn run_for_value(&self, args: &[u8]) -> Result<EncodedValue, String>;

    /// Calls it for each of `items` arguments at the front of `input` and appends the results to `output`, until a call
    /// fails. Gives the number of results, and the error of the next call.
    fn run_items(&self, input: &mut &[u8], items: u32, output: &mut Vec<u8>) -> (u32, Option<TaskError>);
}

/// What a function returned.
pub(crate) struct EncodedValue {
    /// The message of its error, if it returned one.
    pub failure: Option<String>,
    pub bytes: Vec<u8>,
    pub descriptors: Vec<Arc<OwnedFd>>,
}

struct Typed<F: Callable<Args>, Args> {
    function: F,
    failure: fn(&F::Output) -> Option<String>,
    encode: fn(&F::Output, &mut Vec<u8>) -> Result<(), SendError>,
    args: PhantomData<fn(Args)>,
}

impl<F, Args> Run for Typed<F, Args>
where
    F: Callable<Args>,
    Args: DeserializeOwned + 'static,
{
    fn run_once(&self, args: &[u8]) -> Result<(), String> {
        let args = fd_passing::decode(args).map_err(|error| RecvError::from(error).to_string())?;
        match (self.failure)(&self.function.call_with(args)) {
            None => Ok(()),
            Some(failure) => Err(failure),
        }
    }

    fn run_for_value(&self, args: &[u8]) -> Result<EncodedValue, String> {
        let args = fd_passing::decode(args).map_err(|error| RecvError::from(error).to_string())?;
        let returned = self.function.call_with(args);
        let failure = (self.failure)(&returned);
        let mut bytes = Vec::new();
        let (encoded, descriptors) = fd_passing::with_descriptors(|| (self.encode)(&returned, &mut bytes));
        match encoded {
            Err(error) if failure.is_none() => Err(error.to_string()),
            _ => Ok(EncodedValue { failure, bytes, descriptors }),
        }
    }

    fn run_items(&self, input: &mut &[u8], items: u32, output: &mut Vec<u8>) -> (u32, Option<TaskError>) {
        let mut done = 0;
        let mut whole = output.len();
        let caught = catch_unwind(AssertUnwindSafe(|| -> Result<(), Error> {
            while done < items {
                let args = item::decode_next(input)?;
                (self.encode)(&self.function.call_with(args), output)?;
                whole = output.len();
                done += 1;
            }
            Ok(())
        }));
        let fault = match caught {
            Ok(Ok(())) => return (done, None),
            Ok(Err(error)) => TaskError::Value(error.to_string()),
            Err(panic) => TaskError::Panicked(panic_message(&*panic)),
        };
        output.truncate(whole);
        (done, Some(fault))
    }
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Makes a function known to other processes under its own path: for the list that [`init`](crate::init) takes.
/// Its arguments are serde types, and so is its result where a pool is to call it; a generic function is named with its types, `function!(largest::<u8>)`.
///
/// ```
/// # use fanlane_mp::function;
/// fn cube(x: i64) -> i64 {
///     x * x * x
/// }
/// assert!(function!(cube).name().ends_with("cube"));
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __mp_function {
    ($function:expr) => {{
        // Only those that fit are used.
        use $crate::returned::by_fit::*;
        let returned = $crate::returned::of(&$function);
        $crate::Function::typed($function, (&returned).failure(), (&&&returned).encode())
    }};
}

/// What a function returns: whether it may be an error, and whether it can be sent. Of the traits for each the compiler
/// picks the one that fits most closely: the first in the order of automatic references and dereferences.
#[doc(hidden)]
pub mod returned {
    use std::fmt::Display;
    use std::marker::PhantomData;

    use serde::Serialize;

    use super::Callable;
    use crate::error::SendError;
    use crate::item;
    use fanlane_os::fd_passing;

    /// All traits, to be imported together.
    pub mod by_fit {
        pub use super::{ReturnsLocal, ReturnsResult, ReturnsSendable, ReturnsSendableOk, ReturnsValue};
    }

    /// Writes a value.
    type Encode<R> = fn(&R, &mut Vec<u8>) -> Result<(), SendError>;

    /// Stands for what a function returns.
    #[derive(Debug)]
    pub struct Returned<R>(PhantomData<fn() -> R>);

    /// What `function` returns.
    pub const fn of<F: Callable<Args>, Args>(_function: &F) -> Returned<F::Output> {
        Returned(PhantomData)
    }

    /// A result, whose error is a failure.
    pub trait ReturnsResult {
        /// The whole type.
        type Whole;

        /// How to tell the failure.
        fn failure(&self) -> fn(&Self::Whole) -> Option<String>;
    }

    impl<T, E: Display> ReturnsResult for Returned<Result<T, E>> {
        type Whole = Result<T, E>;

        fn failure(&self) -> fn(&Self::Whole) -> Option<String> {
            |returned| returned.as_ref().err().map(E::to_string)
        }
    }

    /// Anything else, which is no failure.
    pub trait ReturnsValue {
        /// The whole type.
        type Whole;

        /// That there is none.
        fn failure(&self) -> fn(&Self::Whole) -> Option<String>;
    }

    impl<R> ReturnsValue for &Returned<R> {
        type Whole = R;

        fn failure(&self) -> fn(&R) -> Option<String> {
            |_| None
        }
    }

    /// What can be sent.
    pub trait ReturnsSendable {
        /// The whole type.
        type Whole;

        /// How to write it.
        fn encode(&self) -> Encode<Self::Whole>;
    }

    impl<R: Serialize + 'static> ReturnsSendable for &&Returned<R> {
        type Whole = R;

        fn encode(&self) -> Encode<R> {
            item::encode::<R>
        }
    }

    /// A result of which only the value can be sent. The error then goes as its message.
    pub trait ReturnsSendableOk {
        /// The whole type.
        type Whole;

        /// How to write it.
        fn encode(&self) -> Encode<Self::Whole>;
    }

    impl<T: Serialize, E> ReturnsSendableOk for &Returned<Result<T, E>> {
        type Whole = Result<T, E>;

        fn encode(&self) -> Encode<Self::Whole> {
            |returned, output| Ok(fd_passing::encode(&returned.as_ref().map_err(|_| ()), output)?)
        }
    }

    /// What stays in its process.
    pub trait ReturnsLocal {
        /// The whole type.
        type Whole;

        /// That it cannot be written.
        fn encode(&self) -> Encode<Self::Whole>;
    }

    impl<R> ReturnsLocal for Returned<R> {
        type Whole = R;

        fn encode(&self) -> Encode<R> {
            |_, _| Err(SendError::Encode(format!("{} is no serde type", std::any::type_name::<R>())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(x: u32) -> Result<u32, String> {
        if x.is_multiple_of(2) { Ok(x / 2) } else { Err(format!("{x} is odd")) }
    }

    fn third(x: u32) -> u32 {
        assert!(x.is_multiple_of(3), "{x} is no multiple of 3");
        x / 3
    }

    fn run(function: &Function) -> &dyn Run {
        let Body::Typed(_, run) = &function.body else { panic!("it is typed") };
        &**run
    }

    #[test]
    fn an_error_that_a_function_returns_is_its_failure() {
        let function = crate::function!(half);
        assert_eq!(run(&function).run_once(&[4]), Ok(()));
        assert_eq!(run(&function).run_once(&[5]), Err("5 is odd".to_owned()));
        assert!(run(&function).run_once(&[]).is_err());
    }

    #[test]
    fn a_panic_ends_its_own_item_and_the_next_can_go_on() {
        let function = crate::function!(third);
        assert!(function.name().ends_with("tests::third"));
        let inputs: Vec<u8> = [3_u32, 6, 7, 9].iter().flat_map(|input| input.to_le_bytes()).collect();
        let (mut input, mut output) = (&inputs[..], Vec::new());
        let (done, fault) = run(&function).run_items(&mut input, 4, &mut output);
        assert_eq!((done, fault), (2, Some(TaskError::Panicked("7 is no multiple of 3".to_owned()))));
        assert_eq!(run(&function).run_items(&mut input, 1, &mut output), (1, None));
        assert_eq!(output, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
        let (done, fault) = run(&function).run_items(&mut &[][..], 1, &mut output);
        assert!(done == 0 && matches!(fault, Some(TaskError::Value(_))), "{fault:?}");
    }
}
