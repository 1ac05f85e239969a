//! [`PoolProxy`]: a pool whose workers are the manager's. Functions are named as they were given to
//! [`mp::init`](crate::mp::init) there, whole or by the end of their path: this program need not have them.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Proxy, count, datum, proxy};
use crate::mp::manager::client::{Client, Patience};
use crate::mp::manager::datum::{Datum, from_datum};
use crate::mp::manager::failure::{Failure, FailureKind, ManagerError};
use crate::mp::manager::pool::PoolOptions;

proxy! {
    /// A pool of worker processes that a manager holds; for servers with
    /// [`ServerOptions::with_pools`](crate::mp::manager::ServerOptions::with_pools).
    ///
    /// A task without a result fails with the kind [`Task`](FailureKind::Task): its function is not known, panicked or
    /// was given arguments that do not fit, or its worker died. An `Err` that a function returns is a value like any
    /// other.
    ///
    /// When a client is gone (the connection of its thread, as with locks), the calls that it waits for or could still
    /// have fetched are cancelled, as [`Pool::cancel`](crate::mp::Pool::cancel) does it: others go on undisturbed. What it
    /// let go of itself, by dropping a [`PendingResult`], is done.
    PoolProxy<> = "Pool"
}

impl Client {
    /// The pool of that name, with so many workers where it is made now.
    ///
    /// # Errors
    /// When the server has no pools, its program has not called `mp::init`, or there is no process to be had.
    pub fn pool(&self, name: &str, workers: usize) -> Result<PoolProxy, ManagerError> {
        self.pool_with(name, workers, &PoolOptions::default())
    }

    /// The same, made with these options where it is made now.
    ///
    /// # Errors
    /// As [`Client::pool`].
    pub fn pool_with(&self, name: &str, workers: usize, options: &PoolOptions) -> Result<PoolProxy, ManagerError> {
        self.open(name, vec![count(workers), datum(options)?])
    }
}

/// The arguments of a call, a tuple or a single value, as a list.
fn arguments<A: Serialize>(args: &A) -> Result<Datum, ManagerError> {
    Ok(match datum(args)? {
        Datum::Nil => Datum::List(Vec::new()),
        list @ Datum::List(_) => list,
        other => Datum::List(vec![other]),
    })
}

fn list(datum: Datum) -> Result<Vec<Datum>, ManagerError> {
    if let Datum::List(items) = datum { Ok(items) } else { Err(odd()) }
}

fn odd() -> ManagerError {
    Failure::own("the manager's pool has answered with something else than results").into()
}

fn calls(function: &str, items: Vec<Datum>, chunk_size: Option<usize>) -> Vec<Datum> {
    vec![Datum::from(function), Datum::List(items), count(chunk_size.unwrap_or(0))]
}

fn of_one_argument<A: Serialize>(items: impl IntoIterator<Item = A>) -> Result<Vec<Datum>, ManagerError> {
    items.into_iter().map(|item| Ok(Datum::List(vec![datum(&item)?]))).collect()
}

fn of_several<A: Serialize>(items: impl IntoIterator<Item = A>) -> Result<Vec<Datum>, ManagerError> {
    items.into_iter().map(|item| arguments(&item)).collect()
}

impl PoolProxy {
    /// Calls a function with a tuple of arguments, and waits for what it returns.
    ///
    /// # Errors
    /// Of the kind [`Task`](FailureKind::Task) where there is no result; when the manager is gone.
    pub fn apply<R: DeserializeOwned>(&self, function: &str, args: &impl Serialize) -> Result<R, ManagerError> {
        self.endless("apply", vec![Datum::from(function), arguments(args)?])
    }

    /// The same; its result is there later.
    ///
    /// # Errors
    /// When the pool takes no more, or the manager is gone.
    pub fn apply_async<R>(&self, function: &str, args: &impl Serialize) -> Result<PendingResult<R>, ManagerError> {
        self.ticket("apply_async", vec![Datum::from(function), arguments(args)?])
    }

    /// Calls a function for each item and waits for all results, in the order of the items; so many items are one
    /// task, `None` for Python's rule. The first failure in that order is the error.
    ///
    /// # Errors
    /// As [`PoolProxy::apply`].
    pub fn map<A: Serialize, R: DeserializeOwned>(
        &self,
        function: &str,
        items: impl IntoIterator<Item = A>,
        chunk_size: Option<usize>,
    ) -> Result<Vec<R>, ManagerError> {
        self.endless("starmap", calls(function, of_one_argument(items)?, chunk_size))
    }

    /// The same; the results are there later.
    ///
    /// # Errors
    /// As [`PoolProxy::apply_async`].
    pub fn map_async<A: Serialize, R>(
        &self,
        function: &str,
        items: impl IntoIterator<Item = A>,
        chunk_size: Option<usize>,
    ) -> Result<PendingResult<Vec<R>>, ManagerError> {
        self.ticket("starmap_async", calls(function, of_one_argument(items)?, chunk_size))
    }

    /// As [`PoolProxy::map`], for a function of several arguments: each item is a tuple of them.
    ///
    /// # Errors
    /// As [`PoolProxy::apply`].
    pub fn starmap<A: Serialize, R: DeserializeOwned>(
        &self,
        function: &str,
        items: impl IntoIterator<Item = A>,
        chunk_size: Option<usize>,
    ) -> Result<Vec<R>, ManagerError> {
        self.endless("starmap", calls(function, of_several(items)?, chunk_size))
    }

    /// The same; the results are there later.
    ///
    /// # Errors
    /// As [`PoolProxy::apply_async`].
    pub fn starmap_async<A: Serialize, R>(
        &self,
        function: &str,
        items: impl IntoIterator<Item = A>,
        chunk_size: Option<usize>,
    ) -> Result<PendingResult<Vec<R>>, ManagerError> {
        self.ticket("starmap_async", calls(function, of_several(items)?, chunk_size))
    }

    /// Calls a function for each item and gives the results one by one in the order of the items, `chunk_size` items a
    /// task. Items are taken as results are asked for, some way ahead, so there may be any number of them.
    pub fn imap<A, I, R>(&self, function: &str, items: I, chunk_size: usize) -> PoolImap<R, I::IntoIter>
    where
        A: Serialize,
        I: IntoIterator<Item = A>,
    {
        PoolImap::new(self, function, items.into_iter(), chunk_size, true)
    }

    /// As [`PoolProxy::imap`], with the results in the order in which their tasks are done.
    pub fn imap_unordered<A, I, R>(&self, function: &str, items: I, chunk_size: usize) -> PoolImap<R, I::IntoIter>
    where
        A: Serialize,
        I: IntoIterator<Item = A>,
    {
        PoolImap::new(self, function, items.into_iter(), chunk_size, false)
    }

    /// How many workers it has.
    ///
    /// # Errors
    /// When the manager is gone; so for what follows.
    pub fn size(&self) -> Result<usize, ManagerError> {
        self.handle.get("size", Vec::new())
    }

    /// The numbers of its worker processes on the manager's machine.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn pids(&self) -> Result<Vec<u32>, ManagerError> {
        self.handle.get("pids", Vec::new())
    }

    /// Lets it have more or fewer workers.
    ///
    /// # Errors
    /// For none, where it takes no more tasks, and what the system refuses.
    pub fn resize(&self, workers: usize) -> Result<(), ManagerError> {
        self.handle.done("resize", vec![count(workers)])
    }

    /// It takes no more tasks; what it has is done, and then its workers end.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn close(&self) -> Result<(), ManagerError> {
        self.handle.done("close", Vec::new())
    }

    /// Ends its workers now. Tasks without a result fail.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn terminate(&self) -> Result<(), ManagerError> {
        self.endless::<()>("terminate", Vec::new())
    }

    /// Waits until its workers have ended, after [`PoolProxy::close`] or [`PoolProxy::terminate`].
    ///
    /// # Errors
    /// Where it is neither; the reason for which it had to stop.
    pub fn join(&self) -> Result<(), ManagerError> {
        self.endless::<()>("join", Vec::new())
    }

    fn endless<R: DeserializeOwned>(&self, method: &str, arguments: Vec<Datum>) -> Result<R, ManagerError> {
        Ok(from_datum(self.handle.call_for(method, arguments, Patience::Endless)?)?)
    }

    fn ticket<R>(&self, method: &str, arguments: Vec<Datum>) -> Result<PendingResult<R>, ManagerError> {
        let number = self.handle.get(method, arguments)?;
        Ok(PendingResult { pool: self.clone(), number: Some(number), types: PhantomData })
    }

    /// What comes first of some tickets: its number, and what came of it.
    fn first_of(
        &self,
        numbers: &[u64],
        timeout: Option<Duration>,
    ) -> Result<(u64, Result<Datum, ManagerError>), ManagerError> {
        let numbers = Datum::List(numbers.iter().map(|number| Datum::from(*number)).collect());
        let wait = timeout.map_or(Datum::Nil, |timeout| Datum::Float(timeout.as_secs_f64()));
        let said = list(self.handle.call_for("result", vec![numbers, wait], timeout.into())?)?;
        let [number, is_there, what] = <[Datum; 3]>::try_from(said).map_err(|_| odd())?;
        let number = from_datum(number)?;
        if is_there == Datum::Bool(true) {
            return Ok((number, Ok(what)));
        }
        let message: String = from_datum(what)?;
        Ok((number, Err(Failure::new(FailureKind::Task, message).into())))
    }
}

/// A result that a manager's pool is still at. It belongs to the connection of the thread that asked: when that ends, the
/// call is cancelled. When this is dropped, the call goes on and its result is thrown away.
#[derive(Debug)]
pub struct PendingResult<R> {
    pool: PoolProxy,
    /// `None` once it was fetched.
    number: Option<u64>,
    types: PhantomData<fn() -> R>,
}

impl<R> PendingResult<R> {
    /// Whether it is there.
    ///
    /// # Errors
    /// When the manager is gone.
    pub fn ready(&self) -> Result<bool, ManagerError> {
        self.pool.handle().get("ready", vec![Datum::from(self.number.unwrap_or_default())])
    }

    fn fetch(&mut self, timeout: Option<Duration>) -> Result<Datum, ManagerError> {
        let numbers: Vec<u64> = self.number.into_iter().collect();
        let (_, outcome) = self.pool.first_of(&numbers, timeout)?;
        self.number = None;
        outcome
    }
}

impl<R: DeserializeOwned> PendingResult<R> {
    /// Waits for it.
    ///
    /// # Errors
    /// As [`PoolProxy::apply`].
    pub fn get(mut self) -> Result<R, ManagerError> {
        Ok(from_datum(self.fetch(None)?)?)
    }

    /// Waits at most so long; it can be had once.
    ///
    /// # Errors
    /// Of the kind [`Empty`](FailureKind::Empty) when the time is over, after which it can be asked for again; as
    /// [`PoolProxy::apply`].
    pub fn get_timeout(&mut self, timeout: Duration) -> Result<R, ManagerError> {
        Ok(from_datum(self.fetch(Some(timeout))?)?)
    }
}

impl<R> Drop for PendingResult<R> {
    fn drop(&mut self) {
        if let Some(number) = self.number.take() {
            // The manager may be gone, and the result with it.
            let _ = self.pool.handle.done("forget", vec![Datum::from(number)]);
        }
    }
}

/// The results of a manager's pool, one by one.
#[derive(Debug)]
pub struct PoolImap<R, I> {
    pool: PoolProxy,
    function: String,
    items: I,
    chunk_size: usize,
    is_ordered: bool,
    /// Tasks whose results were not fetched.
    pending: VecDeque<PendingResult<Vec<R>>>,
    ready: VecDeque<Datum>,
    ended: bool,
}

impl<R, I: Iterator<Item: Serialize>> PoolImap<R, I> {
    fn new(pool: &PoolProxy, function: &str, items: I, chunk_size: usize, is_ordered: bool) -> Self {
        Self {
            pool: pool.clone(),
            function: function.to_owned(),
            items,
            chunk_size: chunk_size.max(1),
            is_ordered,
            pending: VecDeque::new(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// Has so many tasks under way that the workers need not wait for this process.
    fn top_up(&mut self) -> Result<(), ManagerError> {
        const AHEAD_TASKS: usize = 32;
        while !self.ended && self.pending.len() < AHEAD_TASKS {
            let items = of_one_argument(self.items.by_ref().take(self.chunk_size))?;
            self.ended = items.len() < self.chunk_size;
            if !items.is_empty() {
                let arguments = calls(&self.function, items, Some(self.chunk_size));
                self.pending.push_back(self.pool.ticket("starmap_async", arguments)?);
            }
        }
        Ok(())
    }

    fn fetch(&mut self) -> Result<(), ManagerError> {
        self.top_up()?;
        let last = if self.is_ordered { 1 } else { self.pending.len() };
        let numbers: Vec<u64> = self.pending.iter().take(last).filter_map(|result| result.number).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let (number, outcome) = self.pool.first_of(&numbers, None)?;
        if let Some(place) = self.pending.iter().position(|result| result.number == Some(number))
            && let Some(mut result) = self.pending.remove(place)
        {
            result.number = None;
        }
        self.ready = list(outcome?)?.into();
        Ok(())
    }
}

impl<R: DeserializeOwned, I: Iterator<Item: Serialize>> Iterator for PoolImap<R, I> {
    type Item = Result<R, ManagerError>;

    /// A failure stands for all items of its task.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty()
            && let Err(error) = self.fetch()
        {
            // Without a manager there is no more.
            self.ended |= error.kind() != Some(FailureKind::Task);
            return Some(Err(error));
        }
        self.ready.pop_front().map(|datum| Ok(from_datum(datum)?))
    }
}
