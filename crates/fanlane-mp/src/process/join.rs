//! Processes whose function's value comes back. Exit codes, and processes that are started later, are for [`Process`].

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Process, State};
use crate::connection::Connection;
use crate::error::{JoinError, RecvError, SpawnError};
use crate::function::{Callable, Run, panic_message};
use crate::item;
use fanlane_os::fd_passing;

/// What a child sends when its function has ended.
#[derive(Serialize, Deserialize)]
enum Outcome {
    /// The value follows as a message; the function's error, if it returned one, as text.
    Returned(Option<String>),
    Panicked(String),
    /// The arguments did not arrive or the value cannot be sent.
    NotSent(String),
}

/// A value as it arrived.
struct Arrived {
    failure: Option<String>,
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// Calls `function` with `args`, a tuple, in a new process, as [`std::thread::spawn`] does in a new thread. The handle
/// gives the value.
///
/// ```
/// use fanlane_mp::{self as mp, JoinError, function};
///
/// fn cube(x: i64) -> i64 {
///     x * x * x
/// }
///
/// fn parse(text: String) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// fn main() -> Result<(), mp::Error> {
///     mp::init([function!(cube), function!(parse)]);
///     let handle = mp::spawn(cube, (3,))?;
///     assert_eq!(handle.join()?, 27);
///     // The error of a function that returns a result is an error of the join.
///     let handle = mp::spawn(parse, ("12".to_owned(),))?;
///     assert_eq!(handle.join_flat()?, 12);
///     let handle = mp::spawn(parse, ("a dozen".to_owned(),))?;
///     assert!(matches!(handle.join_flat(), Err(JoinError::Failed(why)) if why.contains("invalid digit")));
///     Ok(())
/// }
/// ```
///
/// # Errors
/// As [`Process::spawn`].
pub fn spawn<F, Args>(function: F, args: Args) -> Result<JoinHandle<F::Output>, SpawnError>
where
    F: Callable<Args>,
    Args: Serialize,
{
    let mut process = Process::new(function, args)?;
    process.start_call(true)?;
    Ok(JoinHandle { process, value: PhantomData })
}

/// A process that was started by [`spawn`], and the value of its function.
///
/// A handle that is dropped waits for its process and discards the value, as a [`Process`] that is no daemon does; while a
/// panic unwinds, the process is ended. It does not outlive this program in any case.
///
/// The descriptor of the handle, for [`wait`](crate::wait()), becomes ready when [`JoinHandle::join`] does not have to wait
/// for the function.
#[must_use = "dropping the handle waits for the process and discards the value"]
pub struct JoinHandle<T> {
    process: Process,
    value: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JoinHandle").field("name", &self.process.name).finish_non_exhaustive()
    }
}

impl<T> JoinHandle<T> {
    fn control(&self) -> &Connection {
        let State::Started { control, .. } = &self.process.state else {
            unreachable!("a handle is of a started process")
        };
        control
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.pid().unwrap_or_default()
    }

    /// Whether the function has returned or the process has ended.
    pub fn is_finished(&self) -> bool {
        self.control().poll(Some(Duration::ZERO)).unwrap_or(true)
    }

    /// Ends the process with SIGKILL.
    pub fn kill(&self) {
        let _ = self.process.kill();
    }

    /// Receives what the child sends, and waits for its end.
    fn receive(&self) -> Result<Arrived, JoinError> {
        let control = self.control();
        let received = control.recv::<Outcome>().and_then(|outcome| match outcome {
            Outcome::Returned(failure) => {
                let (bytes, descriptors) = control.recv_parts()?;
                Ok(Ok(Arrived { failure, bytes, descriptors }))
            }
            Outcome::Panicked(message) => Ok(Err(JoinError::Panicked(message))),
            Outcome::NotSent(reason) => Ok(Err(JoinError::Value(reason))),
        });
        let exit_code = self.process.join().unwrap_or_default();
        received.unwrap_or_else(|_| {
            Err(if exit_code < 0 { JoinError::Killed(-exit_code) } else { JoinError::Exited(exit_code) })
        })
    }
}

fn decoded<T>(value: Result<T, RecvError>) -> Result<T, JoinError> {
    value.map_err(|error| JoinError::Value(error.to_string()))
}

impl<T: DeserializeOwned + 'static> JoinHandle<T> {
    /// Waits for the function's value. Where it is a result, [`JoinHandle::join_flat`] is simpler, and does not need an error
    /// that is a serde type.
    ///
    /// # Errors
    /// [`JoinError`], but for [`JoinError::Failed`].
    pub fn join(self) -> Result<T, JoinError> {
        let Arrived { bytes, descriptors, .. } = self.receive()?;
        decoded(fd_passing::with_arrived(descriptors, || item::decode_next(&mut &bytes[..])))
    }
}

impl<T: DeserializeOwned, E> JoinHandle<Result<T, E>> {
    /// Waits for the value of a function that returns a result.
    ///
    /// # Errors
    /// [`JoinError::Failed`] with the message of the function's error; otherwise as [`JoinHandle::join`].
    pub fn join_flat(self) -> Result<T, JoinError> {
        let Arrived { failure, bytes, descriptors } = self.receive()?;
        if let Some(message) = failure {
            return Err(JoinError::Failed(message));
        }
        let value = fd_passing::with_arrived(descriptors, || fd_passing::decode::<Result<T, ()>>(&bytes));
        decoded(value.map_err(RecvError::from))?.map_err(|()| JoinError::Value("it is an error".to_owned()))
    }
}

impl<T> AsFd for JoinHandle<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control().as_fd()
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // A large value is received, or its process would wait for that and not end.
        if !std::thread::panicking() {
            let _ = self.receive();
        }
    }
}

/// In the child: runs the function and sends its value; gives the exit code.
pub(super) fn serve(control: &Connection, function: &dyn Run, args: &[u8], arrived: Vec<OwnedFd>) -> i32 {
    let run = || fd_passing::with_arrived(arrived, || function.run_for_value(args));
    let (outcome, value) = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => (Outcome::Returned(value.failure.clone()), Some(value)),
        Ok(Err(reason)) => (Outcome::NotSent(reason), None),
        Err(panic) => (Outcome::Panicked(panic_message(&*panic)), None),
    };
    let sent = control.send(&outcome);
    match value {
        Some(value) if sent.is_ok() && control.send_parts(&value.bytes, &value.descriptors).is_ok() => {
            i32::from(value.failure.is_some())
        }
        _ => super::FAILED,
    }
}
