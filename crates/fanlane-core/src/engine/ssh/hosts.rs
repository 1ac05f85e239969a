//! The hosts of a run together: reached all at once, watched, taken out and put in as the files change that list them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::host::{Change, ConnectPlan, Host, HostState};
use super::login::SshLogin;
use super::login_files;
use super::target::SshTarget;
use super::{HostFault, SshError};
use crate::engine::launcher::LauncherNotice;
use crate::event::{EventKind, WorkerEvent};
use crate::job::MAX_WORKERS;

/// How long those that have answered wait for the others before the run begins.
const OTHERS_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the files of hosts are looked at.
const FILES_POLL_INTERVAL: Duration = Duration::from_secs(1);

type Notify = Arc<dyn Fn(LauncherNotice) + Send + Sync>;

/// The hosts of a run.
pub struct Hosts {
    target: SshTarget,
    plan: ConnectPlan,
    shared: Mutex<Shared>,
    changed: Condvar,
}

#[derive(Default)]
struct Shared {
    hosts: Vec<Arc<Host>>,
    threads: Vec<JoinHandle<()>>,
    notify: Option<Notify>,
    is_over: bool,
}

impl Hosts {
    /// Begins to reach all hosts.
    ///
    /// # Errors
    /// When a file that lists some cannot be read, or there is none.
    pub fn begin(target: SshTarget, plan: ConnectPlan) -> Result<Arc<Self>, SshError> {
        let logins = login_files::all(&target)?;
        if logins.is_empty() {
            return Err(SshError::NoHosts);
        }
        let hosts = Arc::new(Self { target, plan, shared: Mutex::default(), changed: Condvar::new() });
        logins.into_iter().for_each(|login| hosts.put_in(login));
        if !hosts.target.files.is_empty() {
            let watched = Arc::clone(&hosts);
            hosts.keep_thread("files of hosts", move || watched.watch_files());
        }
        Ok(hosts)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_thread(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) {
        // Without a thread the host stays as it is: not reached.
        if let Ok(thread) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
            let mut shared = self.shared();
            shared.threads.retain(|thread| !thread.is_finished());
            shared.threads.push(thread);
        }
    }

    /// Puts a host in, and begins to reach it.
    fn put_in(self: &Arc<Self>, login: SshLogin) {
        let host = Arc::new(Host::new(login, self.plan.jobs));
        self.shared().hosts.push(Arc::clone(&host));
        if host.login().is_this_machine() {
            return self.tell(&host, Change::State);
        }
        let hosts = Arc::clone(self);
        self.keep_thread(&format!("host {}", host.name()), move || {
            host.keep(&hosts.plan, &|host, change| hosts.tell(host, change));
        });
    }

    /// All that were not taken out.
    pub fn all(&self) -> Vec<Arc<Host>> {
        self.shared().hosts.iter().filter(|host| !host.is_out()).map(Arc::clone).collect()
    }

    /// The number of places in all, and of those on hosts that can be used.
    pub fn places(&self) -> (u32, u32) {
        let hosts = self.all();
        let total = hosts.iter().map(|host| host.slots()).sum();
        let up = hosts.iter().filter(|host| matches!(host.state(), HostState::Up(_)));
        (total, up.map(|host| host.slots()).sum())
    }

    /// Waits until each host has answered or failed to; those that answer wait a moment for the rest.
    ///
    /// # Errors
    /// When one of them refuses, or none answers.
    pub fn wait_until_reached(&self) -> Result<(), SshError> {
        let mut first_up: Option<Instant> = None;
        let mut shared = self.shared();
        loop {
            let states: Vec<HostState> = shared.hosts.iter().map(|host| host.state()).collect();
            let is_up = states.iter().any(|state| matches!(state, HostState::Up(_)));
            let waits = states.iter().any(|state| matches!(state, HostState::Connecting));
            // This machine is there at once, and means nothing for the others.
            let has_answered = states.iter().any(|state| matches!(state, HostState::Up(Some(_))));
            if has_answered {
                first_up.get_or_insert_with(Instant::now);
            }
            let left = first_up.map(|first| OTHERS_TIMEOUT.saturating_sub(first.elapsed()));
            let fault = |(host, state): (&Arc<Host>, HostState)| match state {
                HostState::Lost(reason) | HostState::Refused(reason) => {
                    Some(HostFault { host: host.name().to_owned(), reason })
                }
                HostState::Connecting | HostState::Up(_) | HostState::Out => None,
            };
            let refused: Vec<HostFault> = shared
                .hosts
                .iter()
                .zip(states.clone())
                .filter(|(_, state)| matches!(state, HostState::Refused(_)))
                .filter_map(fault)
                .collect();
            if !waits || left == Some(Duration::ZERO) {
                return match () {
                    () if !refused.is_empty() => Err(SshError::Refused(refused)),
                    () if is_up => Ok(()),
                    () => Err(SshError::Unreachable(shared.hosts.iter().zip(states).filter_map(fault).collect())),
                };
            }
            let wait = left.unwrap_or(Duration::from_secs(1));
            shared = self.changed.wait_timeout(shared, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The run has begun: it is told of what changes, and of hosts that were not reached.
    pub fn notify(&self, notify: Notify) {
        self.shared().notify = Some(Arc::clone(&notify));
        let (total, usable) = self.places();
        notify(LauncherNotice::Places { total, usable });
        for host in self.all() {
            if let Some(event) = event_of(&host) {
                notify(LauncherNotice::Event(event));
            }
        }
    }

    /// A host's state has changed.
    fn tell(&self, host: &Host, change: Change) {
        let notify = {
            let shared = self.shared();
            self.changed.notify_all();
            shared.notify.clone().filter(|_| !shared.is_over)
        };
        let Some(notify) = notify else { return };
        if let Some(event) = event_of(host).filter(|_| change == Change::State) {
            notify(LauncherNotice::Event(event));
        }
        let (total, usable) = self.places();
        notify(LauncherNotice::Places { total, usable });
    }

    /// The host for the next worker: the one with the smallest share of its places taken.
    pub fn next(&self) -> Option<(Arc<Host>, HostState)> {
        let usable = self.all().into_iter().filter_map(|host| {
            let state = host.state();
            (matches!(state, HostState::Up(_)) && host.slots() > 0).then_some((host, state))
        });
        usable.min_by(|(one, _), (other, _)| {
            let share = |host: &Host| f64::from(host.seated() + 1) / f64::from(host.slots().max(1));
            share(one).total_cmp(&share(other))
        })
    }

    /// Why there is no host for a worker.
    pub fn why_none(&self) -> String {
        let said = self.all().into_iter().map(|host| match host.state() {
            HostState::Lost(reason) | HostState::Refused(reason) => format!("{}: {reason}", host.name()),
            HostState::Connecting => format!("{} has not answered yet", host.name()),
            HostState::Up(_) | HostState::Out => format!("{} has no places", host.name()),
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() {
            return "no host is left: the files of hosts name none".to_owned();
        }
        format!("no host takes tasks now: {}", said.join("; "))
    }

    /// Reads the files of hosts again while the run goes on.
    fn watch_files(self: &Arc<Self>) {
        let mut known = login_files::all(&self.target).unwrap_or_default();
        loop {
            {
                let shared = self.shared();
                let goes_on = |shared: &mut Shared| !shared.is_over;
                let waited = self.changed.wait_timeout_while(shared, FILES_POLL_INTERVAL, goes_on);
                if waited.unwrap_or_else(PoisonError::into_inner).0.is_over {
                    return;
                }
            }
            // One that cannot be read, or is just being written, changes nothing.
            let Ok(listed) = login_files::all(&self.target) else { continue };
            if listed != known {
                known.clone_from(&listed);
                self.change_to(listed);
            }
        }
    }

    /// These are the hosts now.
    fn change_to(self: &Arc<Self>, listed: Vec<SshLogin>) {
        let notify = self.shared().notify.clone();
        for host in self.all() {
            match listed.iter().find(|login| login.name() == host.name()) {
                Some(login) => {
                    if let Some(slots) = login.slots {
                        host.set_slots(slots, self.plan.jobs);
                    }
                }
                None => {
                    host.take_out();
                    let workers = host.connection().map(|connection| connection.live_workers()).unwrap_or_default();
                    if let Some(notify) = &notify {
                        workers.into_iter().for_each(|worker| notify(LauncherNotice::Retire(worker)));
                        let reason = "it was taken out of the list of hosts; it finishes what it has begun".into();
                        let lost = WorkerEvent::HostLost { host: host.name().into(), reason };
                        notify(LauncherNotice::Event(EventKind::Worker(lost)));
                    }
                }
            }
        }
        let here = self.all();
        for login in listed {
            if !here.iter().any(|host| host.name() == login.name()) {
                self.put_in(login);
            }
        }
        if let Some(notify) = notify {
            let (total, usable) = self.places();
            notify(LauncherNotice::Places { total, usable });
        }
    }

    /// The size of a pool with a worker for each place.
    pub fn pool_size(&self) -> u32 {
        self.places().0.clamp(1, MAX_WORKERS)
    }

    /// Ends all connections, and what is on the hosts with them.
    pub fn end(&self) {
        let (hosts, threads) = {
            let mut shared = self.shared();
            shared.is_over = true;
            shared.notify = None;
            (shared.hosts.clone(), std::mem::take(&mut shared.threads))
        };
        self.changed.notify_all();
        if let Some(files) = &self.plan.base_files {
            // At once on all of them.
            std::thread::scope(|scope| {
                for host in &hosts {
                    if let Some(connection) = host.connection() {
                        scope.spawn(move || files.take_away(host, &connection));
                    }
                }
            });
        }
        for host in &hosts {
            let connection = host.connection();
            host.take_out();
            if let Some(connection) = connection {
                connection.end();
            }
        }
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }
}

/// What is told of a host's state.
fn event_of(host: &Host) -> Option<EventKind> {
    let name = host.name().into();
    Some(EventKind::Worker(match host.state() {
        HostState::Up(_) => WorkerEvent::HostJoined { host: name, slots: host.slots() },
        HostState::Lost(reason) | HostState::Refused(reason) => {
            WorkerEvent::HostLost { host: name, reason: reason.into() }
        }
        HostState::Connecting | HostState::Out => return None,
    }))
}
