//! `Pool`: worker processes of the server, which clients call functions in by their names.
//!
//! No call holds up the server's thread: results come to it as those of own types do. What was asked for to be fetched
//! later has a ticket, which goes with the connection that asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::datum::{Datum, from_datum};
use super::failure::{Failure, FailureKind};
use super::own::Results;
use super::registry::{Answer, Arguments, ClientId, Object, Turn};
use crate::mp::error::Error;
use crate::mp::pool::named::{begin_named, call_named};
use crate::mp::pool::{AsyncResult, Pool};

/// The name of the kind.
pub(super) const KIND: &str = "Pool";

/// The most workers that a pool of a manager may have.
const MOST_WORKERS: usize = 1024;

const METHODS: &[&str] = &[
    "apply",
    "starmap",
    "apply_async",
    "starmap_async",
    "result",
    "ready",
    "forget",
    "size",
    "pids",
    "resize",
    "close",
    "terminate",
    "join",
];

/// What a pool that a manager holds is to be like.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolOptions {
    /// What each worker calls before its first task: a function's name. If it fails, so does the pool.
    pub initializer: Option<String>,
    /// What it is called with.
    pub initargs: Vec<Datum>,
    /// A worker is replaced after so many tasks.
    pub max_tasks_per_child: Option<u64>,
    /// A task whose worker dies is tried again so often.
    pub retries: u32,
}

/// What became of a call, as a plain value.
type Outcome = Result<Datum, Failure>;

/// The registry's side of a pool.
pub(super) struct PoolObject {
    pool: Arc<Pool>,
    results: Results,
    tickets: Arc<Mutex<Tickets>>,
}

/// Gives up a call.
type Cancel = Box<dyn FnOnce(&Pool) + Send>;

#[derive(Default)]
struct Tickets {
    issued: u64,
    open: BTreeMap<u64, Ticket>,
    /// Calls whose clients wait for them without a ticket.
    awaited: BTreeMap<ClientId, Cancel>,
}

struct Ticket {
    owner: ClientId,
    /// Until there is an outcome.
    cancel: Option<Cancel>,
    outcome: Option<Outcome>,
    /// Who waits for it, at which object.
    waiter: Option<(ClientId, u64)>,
}

impl PoolObject {
    /// Starts a pool: the number of workers, and [`PoolOptions`].
    ///
    /// # Errors
    /// When this program has not called `mp::init`, or the system refuses.
    pub fn start(arguments: Vec<Datum>, results: Results) -> Result<Self, Failure> {
        let mut with = Arguments::new(KIND, arguments);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = checked(with.positive_or("the number of workers", cores)?)?;
        let options = match with.optional() {
            None | Some(Datum::Nil) => PoolOptions::default(),
            Some(options) => from_datum(options).map_err(|error| Failure::arguments(format!("{KIND}: {error}")))?,
        };
        with.end()?;
        let mut builder = Pool::builder().workers(workers).retries(options.retries);
        if let Some(tasks) = options.max_tasks_per_child {
            builder = builder.max_tasks_per_child(tasks);
        }
        if let Some(name) = options.initializer {
            builder = builder.initializer(begin_named, (name, options.initargs));
        }
        let pool = Arc::new(builder.start().map_err(told)?);
        Ok(Self { pool, results, tickets: Arc::default() })
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        lock(&self.tickets)
    }

    /// Has the turn's client told of what comes of a call.
    fn answer_later<T: Send + 'static>(
        &self,
        turn: &Turn<'_>,
        called: AsyncResult<T>,
        plain: fn(&T) -> Outcome,
    ) -> Result<Answer, Failure> {
        let (results, client, object) = (self.results.clone(), turn.client, turn.object);
        let (called, cancel) = cancellable(called);
        self.tickets().awaited.insert(client, cancel);
        let tickets = Arc::clone(&self.tickets);
        called.on_ready(move |outcome| {
            lock(&tickets).awaited.remove(&client);
            let outcome = outcome.as_ref().map_err(|error| task(error.to_string())).and_then(plain);
            results.send(client, object, outcome);
        });
        Ok(Answer::Later { timeout_ns: None })
    }

    /// Keeps what comes of a call until it is fetched, and gives its ticket.
    fn ticket<T: Send + 'static>(
        &self,
        turn: &Turn<'_>,
        called: AsyncResult<T>,
        plain: fn(&T) -> Outcome,
    ) -> Result<Answer, Failure> {
        let (called, cancel) = cancellable(called);
        let number = {
            let mut tickets = self.tickets();
            tickets.issued += 1;
            let number = tickets.issued;
            tickets
                .open
                .insert(number, Ticket { owner: turn.client, cancel: Some(cancel), outcome: None, waiter: None });
            number
        };
        let (results, tickets) = (self.results.clone(), Arc::clone(&self.tickets));
        called.on_ready(move |outcome| {
            let outcome = outcome.as_ref().map_err(|error| task(error.to_string())).and_then(plain);
            let mut tickets = lock(&tickets);
            let Some(ticket) = tickets.open.get_mut(&number) else { return };
            let Some((client, object)) = ticket.waiter else {
                ticket.outcome = Some(outcome);
                ticket.cancel = None;
                return;
            };
            tickets.open.remove(&number);
            tickets.stop_waiting(client);
            results.send(client, object, Ok(fetched(number, outcome)));
        });
        Answer::now(number)
    }

    /// The first outcome that is there of some tickets, or of the one that comes first.
    fn result(&self, turn: &Turn<'_>, numbers: &[u64], timeout_ns: Option<u64>) -> Result<Answer, Failure> {
        let mut tickets = self.tickets();
        for number in numbers {
            let ticket = tickets.open.get_mut(number).ok_or_else(|| {
                Failure::not_found(format!("result: there is no ticket {number}; it was fetched, or its asker is gone"))
            })?;
            if let Some(outcome) = ticket.outcome.take() {
                tickets.open.remove(number);
                return Ok(Answer::Now(fetched(*number, outcome)));
            }
        }
        if timeout_ns == Some(0) {
            return Err(not_yet());
        }
        for number in numbers {
            if let Some(ticket) = tickets.open.get_mut(number) {
                ticket.waiter = Some((turn.client, turn.object));
            }
        }
        Ok(Answer::Later { timeout_ns })
    }

    /// Does what may take long on a thread of its own.
    fn aside(&self, turn: &Turn<'_>, work: fn(&Pool) -> Result<(), Error>) -> Result<Answer, Failure> {
        let (pool, results, client, object) = (Arc::clone(&self.pool), self.results.clone(), turn.client, turn.object);
        let thread = std::thread::Builder::new().name("pool of a manager".to_owned()).spawn(move || {
            let done = work(&pool).map(|()| Datum::Nil).map_err(told);
            drop(pool);
            results.send(client, object, done);
        });
        thread.map_err(|error| Failure::new(FailureKind::Limit, format!("no thread can be had: {error}")))?;
        Ok(Answer::Later { timeout_ns: None })
    }
}

impl Tickets {
    fn stop_waiting(&mut self, client: ClientId) -> bool {
        let mut waited = false;
        for ticket in self.open.values_mut().filter(|ticket| ticket.waiter.is_some_and(|(one, _)| one == client)) {
            ticket.waiter = None;
            waited = true;
        }
        waited
    }
}

/// A call, and how it is given up.
fn cancellable<T: Send + 'static>(called: AsyncResult<T>) -> (Arc<AsyncResult<T>>, Cancel) {
    let called = Arc::new(called);
    let given_up = Arc::clone(&called);
    let cancel = move |pool: &Pool| {
        pool.cancel(&given_up);
    };
    (called, Box::new(cancel))
}

fn lock(tickets: &Mutex<Tickets>) -> MutexGuard<'_, Tickets> {
    tickets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A ticket's number, whether there is a result, and the result or the words for why there is none.
fn fetched(number: u64, outcome: Outcome) -> Datum {
    let (is_there, what) = match outcome {
        Ok(datum) => (true, datum),
        Err(failure) => (false, Datum::from(failure.message.as_str())),
    };
    Datum::List(vec![Datum::from(number), Datum::Bool(is_there), what])
}

fn not_yet() -> Failure {
    Failure::new(FailureKind::Empty, "the result is not there yet")
}

fn task(message: String) -> Failure {
    Failure::new(FailureKind::Task, message)
}

fn told(error: Error) -> Failure {
    match error {
        Error::Task(error) => task(error.to_string()),
        other => Failure::own(other.to_string()),
    }
}

fn checked(workers: usize) -> Result<usize, Failure> {
    if workers <= MOST_WORKERS {
        return Ok(workers);
    }
    Err(Failure::arguments(format!("{KIND}: the number of workers is {workers}, expected 1 to {MOST_WORKERS}")))
}

/// What one call returned.
fn of_one(returned: &Result<Datum, String>) -> Outcome {
    returned.clone().map_err(task)
}

/// What many returned, or the first failure.
#[expect(clippy::ptr_arg, reason = "it is what a call of many results in")]
fn of_all(returned: &Vec<Result<Datum, String>>) -> Outcome {
    returned.iter().map(of_one).collect::<Result<_, _>>().map(Datum::List)
}

/// Calls: each a function's name and its arguments.
type Calls = Vec<(String, Vec<Datum>)>;

/// Calls of one function: its name, a list of arguments for each, and how many of them are one task.
fn calls(with: &mut Arguments) -> Result<(Calls, Option<usize>), Failure> {
    let name = with.text("the function's name")?;
    let items = with.items("the list of arguments")?.into_iter().map(|item| match item {
        Datum::List(arguments) => Ok((name.clone(), arguments)),
        other => Err(Failure::arguments(format!("starmap: an item is {}, expected a list of arguments", other.kind()))),
    });
    let items = items.collect::<Result<_, _>>()?;
    let chunk_size = Some(with.count_or("the chunk size", 0)?).filter(|size| *size > 0);
    Ok((items, chunk_size))
}

impl Object for PoolObject {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, mut with: Arguments) -> Result<Answer, Failure> {
        match method {
            "apply" | "apply_async" => {
                let (name, arguments) = (with.text("the function's name")?, with.items("the arguments")?);
                with.end()?;
                let called = self.pool.apply_async(call_named, (name, arguments)).map_err(told)?;
                if method == "apply" {
                    self.answer_later(turn, called, of_one)
                } else {
                    self.ticket(turn, called, of_one)
                }
            }
            "starmap" | "starmap_async" => {
                let (items, chunk_size) = calls(&mut with)?;
                with.end()?;
                let called = self.pool.starmap_async(call_named, items, chunk_size).map_err(told)?;
                if method == "starmap" {
                    self.answer_later(turn, called, of_all)
                } else {
                    self.ticket(turn, called, of_all)
                }
            }
            "result" => {
                let numbers = with.items("the tickets")?.into_iter().map(from_datum).collect::<Result<Vec<u64>, _>>();
                let numbers = numbers.map_err(|error| Failure::arguments(format!("result: {error}")))?;
                let timeout_ns = with.timeout_ns()?;
                with.end()?;
                self.result(turn, &numbers, timeout_ns)
            }
            "ready" | "forget" => {
                let number = with.only("the ticket")?;
                let number: u64 =
                    from_datum(number).map_err(|error| Failure::arguments(format!("{method}: {error}")))?;
                let mut tickets = self.tickets();
                if method == "forget" {
                    tickets.open.remove(&number);
                    return Answer::done();
                }
                Answer::now(tickets.open.get(&number).is_some_and(|ticket| ticket.outcome.is_some()))
            }
            "size" => {
                with.end()?;
                Answer::count(self.pool.size())
            }
            "pids" => {
                with.end()?;
                Answer::now(Datum::List(self.pool.pids().into_iter().map(|pid| Datum::from(u64::from(pid))).collect()))
            }
            "resize" => {
                let workers = checked(with.positive_or("the number of workers", 0)?)?;
                with.end()?;
                self.pool.resize(workers).map_err(told)?;
                Answer::done()
            }
            "close" => {
                with.end()?;
                self.pool.close();
                Answer::done()
            }
            "terminate" => {
                with.end()?;
                self.aside(turn, |pool| {
                    pool.terminate();
                    Ok(())
                })
            }
            "join" => {
                with.end()?;
                self.aside(turn, Pool::join)
            }
            _ => Err(Failure::method("a Pool", method, METHODS)),
        }
    }

    fn timed_out(&mut self, turn: &mut Turn<'_>) {
        // Otherwise its result is on its way already.
        if self.tickets().stop_waiting(turn.client) {
            turn.answer(turn.client, Err(not_yet()));
        }
    }

    fn minds_clients(&self) -> bool {
        true
    }

    /// What it waits for, or could still have fetched, is given up. What it let go of itself is done.
    fn client_gone(&mut self, turn: &mut Turn<'_>) {
        let given_up: Vec<Cancel> = {
            let mut tickets = self.tickets();
            tickets.stop_waiting(turn.client);
            let awaited = tickets.awaited.remove(&turn.client);
            let own = tickets.open.extract_if(.., |_, ticket| ticket.owner == turn.client);
            own.filter_map(|(_, ticket)| ticket.cancel).chain(awaited).collect()
        };
        // Whoever waits for a result asks for the tickets.
        for cancel in given_up {
            cancel(&self.pool);
        }
    }

    fn head(&self, _items: usize) -> Datum {
        Datum::List(self.pool.pids().into_iter().map(|pid| Datum::from(u64::from(pid))).collect())
    }

    fn state(&self) -> Option<String> {
        Some(match self.pool.size() {
            1 => "1 worker".to_owned(),
            workers => format!("{workers} workers"),
        })
    }
}
