//! A host of a run: its places for workers, and the thread that keeps the connection to it, beginning again when it is lost.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::base_files::BaseFiles;
use super::connection::{Connection, Keeper};
use super::login::SshLogin;
use super::login_process::{ConnectFault, LoginProcess};
use super::mux::Mux;
use crate::job::WorkerCount;
use fanlane_os::machine;

/// The first wait before a lost host is tried again, which doubles up to the last.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// Whether a host takes workers.
#[derive(Clone, Debug)]
pub enum HostState {
    /// It is being reached.
    Connecting,
    /// It takes workers; through this connection, unless it is this machine.
    Up(Option<Arc<Connection>>),
    /// It does not, for this reason; it is tried again.
    Lost(String),
    /// It does not, for this reason, and is not tried again.
    Refused(String),
    /// It takes no more: it was taken out, or the run is over.
    Out,
}

/// What has changed about a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It takes workers, or takes none any more; its state says why.
    State,
    /// The same, and its state does not say why yet.
    Places,
}

/// A host.
#[derive(Debug)]
pub struct Host {
    login: SshLogin,
    name: String,
    /// The number of places, once it is known.
    slots: AtomicU32,
    /// How many workers are there.
    seated: AtomicU32,
    state: Mutex<HostState>,
    changed: Condvar,
    /// No more workers, and no more connections.
    is_out: AtomicBool,
}

/// The place of a worker on a host.
#[derive(Debug)]
pub struct Seat {
    host: Arc<Host>,
    is_left: AtomicBool,
}

impl Seat {
    /// The host's name.
    pub fn host_name(&self) -> &str {
        &self.host.name
    }

    /// The place is free for another worker.
    pub fn leave(&self) {
        if !self.is_left.swap(true, Ordering::AcqRel) {
            self.host.seated.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What all connections of a run need to know.
#[derive(Debug)]
pub struct ConnectPlan {
    /// The program that logs in, with its options, where a host names none.
    pub ssh: Vec<String>,
    /// How many workers a host has by its slots or its cores.
    pub jobs: Option<WorkerCount>,
    /// What each host is given before its first task.
    pub base_files: Option<BaseFiles>,
}

impl Host {
    /// A host that is not reached yet.
    pub fn new(login: SshLogin, jobs: Option<WorkerCount>) -> Self {
        let is_here = login.is_this_machine();
        let cores = login.slots.or_else(|| is_here.then(machine::cores));
        let host = Self {
            name: login.name(),
            slots: AtomicU32::new(0),
            seated: AtomicU32::new(0),
            state: Mutex::new(if is_here { HostState::Up(None) } else { HostState::Connecting }),
            changed: Condvar::new(),
            is_out: AtomicBool::new(false),
            login,
        };
        if let Some(cores) = cores {
            host.set_cores(cores, jobs);
        }
        host
    }

    /// The number of places that its cores, or the number that was given for them, make.
    fn set_cores(&self, cores: u32, jobs: Option<WorkerCount>) {
        let slots = jobs.map_or(cores, |jobs| jobs.resolve(cores, u64::MAX));
        self.slots.store(slots, Ordering::Release);
    }

    /// How it was given.
    pub const fn login(&self) -> &SshLogin {
        &self.login
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many workers it has at a time; 0 where that is not known yet, or it was taken out.
    pub fn slots(&self) -> u32 {
        if self.is_out() { 0 } else { self.slots.load(Ordering::Acquire) }
    }

    /// Sets another number of places.
    pub fn set_slots(&self, slots: u32, jobs: Option<WorkerCount>) {
        self.set_cores(slots, jobs);
    }

    /// How many workers are there.
    pub fn seated(&self) -> u32 {
        self.seated.load(Ordering::Acquire)
    }

    /// Takes a place for a worker. That there is one is for the caller to know.
    pub fn take_seat(self: &Arc<Self>) -> Seat {
        self.seated.fetch_add(1, Ordering::AcqRel);
        Seat { host: Arc::clone(self), is_left: AtomicBool::new(false) }
    }

    fn locked(&self) -> MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it takes workers.
    pub fn state(&self) -> HostState {
        self.locked().clone()
    }

    fn set_state(&self, state: HostState) {
        *self.locked() = state;
        self.changed.notify_all();
    }

    /// The connection to it.
    pub fn connection(&self) -> Option<Arc<Connection>> {
        match &*self.locked() {
            HostState::Up(connection) => connection.clone(),
            _ => None,
        }
    }

    /// Whether it was taken out.
    pub fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Acquire)
    }

    /// Takes it out: workers that are there go on until they are retired.
    pub fn take_out(&self) {
        self.is_out.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits for so long, or until it is taken out.
    fn rest(&self, time: Duration) {
        let state = self.locked();
        let goes_on = |_: &mut HostState| !self.is_out();
        drop(self.changed.wait_timeout_while(state, time, goes_on).unwrap_or_else(PoisonError::into_inner));
    }

    /// Keeps a connection to it until it is taken out or refuses. `tell` is called after each change of its state, and says whether
    /// that is news.
    pub fn keep(self: &Arc<Self>, plan: &ConnectPlan, tell: &(dyn Fn(&Self, Change) + Sync)) {
        let mut wait = FIRST_RETRY;
        while !self.is_out() {
            let mut was_up = false;
            let state = match LoginProcess::begin(&self.login, &plan.ssh, &|| self.is_out()) {
                Ok(process) => {
                    let reason = self.serve(process, plan, &mut |change| {
                        was_up = true;
                        tell(self, change);
                    });
                    HostState::Lost(reason)
                }
                Err(ConnectFault::Refused(reason)) => HostState::Refused(reason),
                Err(ConnectFault::Unreachable(reason)) => HostState::Lost(reason),
            };
            if self.is_out() {
                break;
            }
            let is_final = matches!(state, HostState::Refused(_));
            // That it still does not answer is no news, and that a connection was lost was told.
            let is_news = is_final || !matches!(self.state(), HostState::Lost(_));
            self.set_state(state);
            if is_news {
                tell(self, Change::State);
            }
            if is_final {
                return;
            }
            wait = if was_up { FIRST_RETRY } else { wait };
            self.rest(wait);
            wait = (wait * 2).min(LAST_RETRY);
        }
        self.set_state(HostState::Out);
    }

    /// Carries the connection to its end, and says why that came.
    fn serve(
        self: &Arc<Self>,
        process: LoginProcess,
        plan: &ConnectPlan,
        tell: &mut (dyn FnMut(Change) + Send),
    ) -> String {
        let streams = || -> io::Result<(OwnedFd, OwnedFd)> { Ok((process.stream()?.into(), process.stream()?.into())) };
        let mux = match streams().and_then(|(reader, writer)| Mux::new(reader, writer)) {
            Ok(mux) => mux,
            Err(error) => return format!("there is no descriptor left for the connection: {error}"),
        };
        let connection = Arc::new(Connection::new(mux.handle()));
        let tell = Mutex::new(tell);
        let tell = |change| (tell.lock().unwrap_or_else(PoisonError::into_inner))(change);
        let fault = Mutex::new(None);
        std::thread::scope(|scope| {
            let is_up = || {
                if let Some(facts) = connection.facts().filter(|_| self.login.slots.is_none()) {
                    self.set_cores(facts.cores, plan.jobs);
                }
                self.set_state(HostState::Up(Some(Arc::clone(&connection))));
                tell(Change::State);
            };
            let ready = || match &plan.base_files {
                None => is_up(),
                // The connection goes on while files are brought.
                Some(files) => {
                    let (connection, fault) = (Arc::clone(&connection), &fault);
                    scope.spawn(move || match files.bring(self, &connection) {
                        Ok(()) => is_up(),
                        Err(reason) => {
                            *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                            connection.end();
                        }
                    });
                }
            };
            let carried = mux.run(&mut Keeper::new(Arc::clone(&connection), ready));
            // Before its workers are known to have ended: they are not to be made up for by other hosts.
            let was_up = matches!(self.state(), HostState::Up(_));
            if was_up {
                self.set_state(HostState::Lost("the connection was lost".to_owned()));
                tell(Change::Places);
            }
            let fault = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
            let reason = why_ended(process, carried, fault);
            // And before their tasks can end elsewhere, and the run with them.
            if was_up && !self.is_out() {
                self.set_state(HostState::Lost(reason.clone()));
                tell(Change::State);
            }
            connection.has_ended(format!("the connection to {} was lost", self.name));
            reason
        })
    }
}

/// Ends what is left of a connection, and says why that came.
fn why_ended(mut process: LoginProcess, carried: io::Result<()>, fault: Option<String>) -> String {
    if carried.is_err() {
        // One that does not answer does not end by itself either.
        process.kill();
    }
    let words = process.end();
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    match (fault, carried) {
        (Some(reason), _) => reason,
        (None, Ok(())) => format!("the connection was closed{said}"),
        (None, Err(error)) => format!("the connection was lost: {error}{said}"),
    }
}
