//! A live connection to the agent of a host, as the workers there are reached: what is known of each of them, and the difference of
//! the two clocks.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use fanlane_os::clock::monotonic_ns;

use super::message::{FromAgent, HostFacts, ToAgent};
use super::mux::{MuxHandle, MuxOwner};
use crate::engine::dispatcher::ProcessEnd;
use crate::engine::protocol::Setup;
use crate::event::{LaneId, WorkerId};

/// How often the host is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// A host that is silent for this long is dead.
pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// A look later than this means that this process was stopped, so that the silence means nothing.
const LATE_LOOK: Duration = Duration::from_secs(3);
/// How many pings measure the difference of the clocks: the fastest counts.
const CLOCK_PINGS: u32 = 5;

/// What is known of a worker there.
#[derive(Debug, Default)]
struct WorkerThere {
    pid: u32,
    end: Option<ProcessEnd>,
    is_suspended: bool,
    /// Its tasks are of this worker.
    worker: u32,
}

/// A connection to an agent.
#[derive(Debug)]
pub struct Connection {
    mux: Arc<MuxHandle>,
    /// The agent's clock minus this one, in nanoseconds.
    clock_offset_ns: AtomicI64,
    workers: Mutex<BTreeMap<u32, WorkerThere>>,
    changed: Condvar,
    next_channel: AtomicU32,
    facts: OnceLock<HostFacts>,
    /// Why it has ended.
    lost: OnceLock<String>,
}

impl Connection {
    /// A connection that `mux` carries.
    pub fn new(mux: Arc<MuxHandle>) -> Self {
        Self {
            mux,
            clock_offset_ns: AtomicI64::new(0),
            workers: Mutex::default(),
            changed: Condvar::new(),
            next_channel: AtomicU32::new(1),
            facts: OnceLock::new(),
            lost: OnceLock::new(),
        }
    }

    fn workers(&self) -> MutexGuard<'_, BTreeMap<u32, WorkerThere>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the host is, once it has said so.
    pub fn facts(&self) -> Option<&HostFacts> {
        self.facts.get()
    }

    /// The number of a new channel.
    pub fn new_channel(&self) -> u32 {
        self.next_channel.fetch_add(1, Ordering::Relaxed)
    }

    /// A time of this machine's monotonic clock on that of the host. One from before the host's start is below 0, as it wraps.
    pub fn clock_there(&self, ns: u64) -> u64 {
        ns.wrapping_add_signed(self.clock_offset_ns.load(Ordering::Relaxed))
    }

    /// Starts a worker whose lane is the other end of `stream`.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn start_worker(
        &self,
        channel: u32,
        (worker, lane): (WorkerId, LaneId),
        setup: Setup,
        environment: Vec<(String, String)>,
        stream: UnixStream,
    ) -> io::Result<()> {
        self.workers().insert(channel, WorkerThere { worker: worker.0, ..WorkerThere::default() });
        let start = ToAgent::Start { channel, worker: worker.0, lane: lane.0, setup: Box::new(setup), environment };
        self.mux.open(channel, stream, &start).map_err(|error| match self.lost.get() {
            Some(reason) => io::Error::other(reason.clone()),
            None => error,
        })
    }

    /// Sends a message; one that does not arrive is noticed where lanes are read.
    pub fn tell(&self, message: &ToAgent) {
        let _ = self.mux.send(message);
    }

    /// The process of a worker; 0 before it is known.
    pub fn pid_of(&self, channel: u32) -> u32 {
        self.workers().get(&channel).map_or(0, |worker| worker.pid)
    }

    /// Waits until the end of a worker is known, which the agent has been asked for.
    pub fn end_of(&self, channel: u32, timeout: Duration) -> ProcessEnd {
        let until = Instant::now() + timeout;
        let mut workers = self.workers();
        loop {
            if let Some(end) = workers.get(&channel).and_then(|worker| worker.end.clone()) {
                workers.remove(&channel);
                return end;
            }
            if let Some(reason) = self.lost.get() {
                workers.remove(&channel);
                return ProcessEnd::Died(reason.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                workers.remove(&channel);
                return ProcessEnd::Died("its host does not say how it ended".to_owned());
            }
            workers = self.changed.wait_timeout(workers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether the end of a worker is known already.
    pub fn has_end_of(&self, channel: u32) -> bool {
        self.workers().get(&channel).is_some_and(|worker| worker.end.is_some())
    }

    /// Begins to wait for [`Connection::wait_suspended`].
    pub fn expect_suspension(&self, channel: u32) {
        if let Some(worker) = self.workers().get_mut(&channel) {
            worker.is_suspended = false;
        }
    }

    /// Waits until the tasks of a worker stand still.
    pub fn wait_suspended(&self, channel: u32, deadline: Instant) {
        let mut workers = self.workers();
        while workers.get(&channel).is_some_and(|worker| !worker.is_suspended && worker.end.is_none()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.lost.get().is_some() {
                return;
            }
            workers = self.changed.wait_timeout(workers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The workers that are there.
    pub fn live_workers(&self) -> Vec<WorkerId> {
        self.workers().values().filter(|worker| worker.end.is_none()).map(|worker| WorkerId(worker.worker)).collect()
    }

    /// It has ended for this reason; who waits for something of it is told.
    pub fn has_ended(&self, reason: String) {
        let _ = self.lost.set(reason);
        drop(self.workers());
        self.changed.notify_all();
    }

    /// Ends it.
    pub fn end(&self) {
        self.mux.end();
    }

    fn take(&self, message: FromAgent) {
        let change = |channel: u32, change: &dyn Fn(&mut WorkerThere)| {
            if let Some(worker) = self.workers().get_mut(&channel) {
                change(worker);
            }
        };
        match message {
            FromAgent::Started { channel, pid } => change(channel, &|worker| worker.pid = pid),
            FromAgent::Suspended { channel } => change(channel, &|worker| worker.is_suspended = true),
            FromAgent::Ended { channel, end } => change(channel, &|worker| worker.end = Some(end.clone())),
            FromAgent::Facts(facts) => drop(self.facts.set(*facts)),
            FromAgent::Pong { .. } => {}
        }
        self.changed.notify_all();
    }
}

/// What keeps a connection: the heartbeat, the clocks, and the messages about workers.
pub struct Keeper<'a> {
    connection: Arc<Connection>,
    /// Called once, when the host's facts and its clock are known.
    on_ready: Option<Box<dyn FnOnce() + 'a>>,
    pongs: u32,
    fastest_ns: u64,
    pinged: Instant,
    looked: Instant,
    /// Silence before this means nothing.
    forgiven: Instant,
}

impl<'a> Keeper<'a> {
    /// Keeps `connection`, and calls `on_ready` when workers can be started there.
    pub fn new(connection: Arc<Connection>, on_ready: impl FnOnce() + 'a) -> Self {
        let now = Instant::now();
        let on_ready: Box<dyn FnOnce() + 'a> = Box::new(on_ready);
        Self {
            connection,
            on_ready: Some(on_ready),
            pongs: 0,
            fastest_ns: u64::MAX,
            pinged: now,
            looked: now,
            forgiven: now,
        }
    }

    fn ping(&mut self) {
        self.pinged = Instant::now();
        self.connection.tell(&ToAgent::Ping { sent_ns: monotonic_ns() });
    }

    /// Takes in how the other clock stood between two times of this one.
    fn pong(&mut self, sent_ns: u64, clock_ns: u64) {
        let now_ns = monotonic_ns();
        let way_ns = now_ns.saturating_sub(sent_ns);
        // Once workers run by it, the clock stays as it is.
        if self.on_ready.is_some() && way_ns < self.fastest_ns {
            self.fastest_ns = way_ns;
            let between_ns = sent_ns.wrapping_add(way_ns / 2);
            let offset_ns = clock_ns.wrapping_sub(between_ns).cast_signed();
            self.connection.clock_offset_ns.store(offset_ns, Ordering::Relaxed);
        }
        self.pongs += 1;
        if self.pongs < CLOCK_PINGS {
            self.ping();
        } else if let Some(on_ready) = self.on_ready.take() {
            on_ready();
        }
    }
}

impl MuxOwner for Keeper<'_> {
    fn take(&mut self, message: &[u8]) -> io::Result<()> {
        match postcard::from_bytes(message).map_err(io::Error::other)? {
            FromAgent::Pong { sent_ns, clock_ns } => self.pong(sent_ns, clock_ns),
            message => {
                let is_first = matches!(message, FromAgent::Facts(_));
                self.connection.take(message);
                if is_first {
                    self.ping();
                }
            }
        }
        Ok(())
    }

    fn look(&mut self, silence: Duration) -> io::Result<()> {
        let now = Instant::now();
        if now - self.looked > LATE_LOOK {
            self.forgiven = now;
        }
        self.looked = now;
        if silence.min(now - self.forgiven) > SILENCE_TIMEOUT {
            let secs = SILENCE_TIMEOUT.as_secs();
            return Err(io::Error::other(format!("it has not answered for {secs} seconds")));
        }
        if now - self.pinged > PING_INTERVAL {
            self.ping();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ssh::mux::Mux;

    fn connection() -> (Arc<Connection>, Mux) {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        let mux = Mux::new(here.try_clone().unwrap().into(), here.into()).unwrap();
        (Arc::new(Connection::new(mux.handle())), mux)
    }

    #[test]
    fn the_fastest_answer_sets_the_clock_and_a_later_start_of_the_host_is_no_overflow() {
        let (connection, _mux) = connection();
        let mut is_ready = false;
        let mut keeper = Keeper::new(Arc::clone(&connection), || is_ready = true);
        let mut sent_ns = 0;
        for _ in 0..CLOCK_PINGS {
            sent_ns = monotonic_ns();
            // The host has just started: its clock is at 1000.
            keeper.pong(sent_ns, 1000);
        }
        drop(keeper);
        assert!(is_ready);
        let there_ns = connection.clock_there(sent_ns).cast_signed();
        assert!(there_ns.abs() < 1_000_000_000, "{there_ns}");
        // The start of a run an hour ago.
        let before_ns = connection.clock_there(sent_ns.wrapping_sub(3_600_000_000_000));
        assert_eq!(there_ns - before_ns.cast_signed(), 3_600_000_000_000);
    }

    #[test]
    fn a_silent_host_is_dead_unless_this_process_did_not_look() {
        let (connection, _mux) = connection();
        let mut keeper = Keeper::new(connection, || ());
        assert!(keeper.look(Duration::ZERO).is_ok());
        let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).expect("the machine runs for longer");
        keeper.forgiven = long_ago;
        assert!(keeper.look(Duration::from_secs(9)).is_ok());
        assert!(keeper.look(Duration::from_secs(11)).expect_err("dead").to_string().contains("10 seconds"));
        keeper.looked = long_ago;
        assert!(keeper.look(Duration::from_secs(60)).is_ok(), "it was not looked at");
    }

    #[test]
    fn who_waits_for_a_worker_is_told_when_the_connection_ends() {
        let (connection, _mux) = connection();
        connection.workers().insert(1, WorkerThere::default());
        connection.workers().insert(2, WorkerThere::default());
        connection.take(FromAgent::Started { channel: 1, pid: 7 });
        connection.take(FromAgent::Ended { channel: 1, end: ProcessEnd::Closed });
        assert_eq!((connection.pid_of(1), connection.has_end_of(1)), (7, true));
        assert_eq!(connection.end_of(1, Duration::ZERO), ProcessEnd::Closed);
        let waiting = {
            let connection = Arc::clone(&connection);
            std::thread::spawn(move || connection.end_of(2, Duration::from_secs(60)))
        };
        connection.has_ended("cut".to_owned());
        assert_eq!(waiting.join().unwrap(), ProcessEnd::Died("cut".to_owned()));
    }
}
