//! Serving watchers. The user of each is checked before anything is read from it; it receives all messages at its own
//! pace on a separate thread, and may send the commands that the window has. No watcher can delay the run or another
//! watcher.

use std::borrow::Cow;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::coalescer::Coalescer;
use super::control;
use super::journal::{Journal, JournalRead, MAX_READ_BYTES};
use super::wire::{self, DeadlineReader, DetachedInfo, FromHost, MAX_REQUEST_BYTES, ToHost};
use crate::engine::{OutputInterest, OutputLevel, RunCommand, RunHandle};
use crate::job::Batch;
use fanlane_os::frame::FrameReader;

/// Maximum number of open connections.
const MAX_CONNECTIONS: usize = 32;
/// How often a connection without new messages is checked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The state shared by the threads of a host.
pub(super) struct HostState {
    pub batch: Arc<Batch>,
    pub journal: Arc<Journal>,
    pub info: Mutex<DetachedInfo>,
    pub run: Mutex<Option<Box<dyn RunHandle>>>,
    /// What each watcher wants of the output of running tasks, and what they want together.
    interests: Mutex<Interests>,
    open: Mutex<OpenConnections>,
    closed: Condvar,
}

/// What one watcher wants of the output of running tasks.
type Wanted = Arc<Mutex<OutputInterest>>;

/// What all watchers want of the output of running tasks.
#[derive(Default)]
struct Interests {
    each: Vec<Wanted>,
    /// What the run was asked for.
    asked: OutputInterest,
}

impl Interests {
    /// What they want together. The run waits for none of them.
    fn union(&self) -> OutputInterest {
        let each: Vec<OutputInterest> = self.each.iter().map(|one| lock(one).clone()).collect();
        let all = OutputInterest::union(each.iter());
        OutputInterest { level: all.level.min(OutputLevel::Stream), ..all }
    }
}

/// The open connections.
#[derive(Default)]
struct OpenConnections {
    connections: usize,
    /// A watcher has received everything to the end.
    was_delivered: bool,
}

/// An open connection, counted until it is dropped.
struct Connection(Arc<HostState>);

impl HostState {
    pub(super) fn new(batch: Arc<Batch>, journal: Arc<Journal>, info: DetachedInfo, run: Box<dyn RunHandle>) -> Self {
        Self {
            batch,
            journal,
            info: Mutex::new(info),
            run: Mutex::new(Some(run)),
            interests: Mutex::default(),
            open: Mutex::default(),
            closed: Condvar::new(),
        }
    }

    /// Sends a command to the run; ignored once it has ended.
    pub(super) fn command(&self, command: RunCommand) {
        if let Some(run) = &*lock(&self.run) {
            run.command(command);
        }
    }

    /// Has `grow` append to the batch of the run.
    pub(super) fn grow(&self, grow: &mut dyn FnMut()) {
        match &*lock(&self.run) {
            Some(run) => run.grow(grow),
            None => grow(),
        }
    }

    /// Carries out a watcher's command about output, which the run is asked for on behalf of all of them; returns whether it
    /// was one.
    fn watch(&self, wanted: &Wanted, command: RunCommand) -> bool {
        let mut interests = lock(&self.interests);
        if !lock(wanted).apply(command) {
            return false;
        }
        let all = interests.union();
        match command {
            // Also where it is told already: this watcher has nothing of it yet.
            RunCommand::Watch(level) if level > OutputLevel::Nothing => {
                interests.asked.level = all.level;
                self.command(RunCommand::Watch(all.level));
            }
            RunCommand::Follow(task) => {
                interests.asked.followed.insert(task);
                self.command(RunCommand::Follow(task));
            }
            _ => {}
        }
        self.ask_for(&mut interests, all);
        true
    }

    /// Forgets what a watcher that has gone wanted.
    fn unwatch(&self, wanted: &Wanted) {
        let mut interests = lock(&self.interests);
        interests.each.retain(|one| !Arc::ptr_eq(one, wanted));
        let all = interests.union();
        self.ask_for(&mut interests, all);
    }

    /// Asks the run for what all watchers together want, as far as that has changed.
    fn ask_for(&self, interests: &mut Interests, all: OutputInterest) {
        let before = std::mem::replace(&mut interests.asked, all);
        let after = &interests.asked;
        if before.level != after.level {
            self.command(RunCommand::Watch(after.level));
        }
        before.followed.difference(&after.followed).for_each(|task| self.command(RunCommand::Unfollow(*task)));
        after.followed.difference(&before.followed).for_each(|task| self.command(RunCommand::Follow(*task)));
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        lock(&self.open)
    }

    /// Waits, up to `timeout`, until no watcher is connected. If `needs_watcher`, a watcher also has to have received
    /// the end of the run.
    pub(super) fn wait_until_delivered(&self, needs_watcher: bool, timeout: Duration) {
        let until = Instant::now() + timeout;
        let mut open = self.open();
        while open.connections > 0 || (needs_watcher && !open.was_delivered) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            open = self.closed.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// `None` if there are too many.
    fn begin(state: &Arc<HostState>) -> Option<Self> {
        let mut open = state.open();
        (open.connections < MAX_CONNECTIONS).then(|| {
            open.connections += 1;
            Self(Arc::clone(state))
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.open().connections -= 1;
        self.0.closed.notify_all();
    }
}

/// Accepts connections for as long as this process lives.
pub(super) fn accept(state: &Arc<HostState>, listener: &UnixListener) {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(_) => {
                // For example, no descriptor is left: one may be free later.
                std::thread::sleep(POLL_INTERVAL);
                continue;
            }
        };
        if !wire::is_own(&stream) {
            continue;
        }
        let Some(connection) = Connection::begin(state) else { continue };
        // If no thread can be started, the connection is closed; the watcher may connect again.
        let _ = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
            receive(&connection, stream);
        });
    }
}

fn receive(connection: &Connection, mut stream: UnixStream) {
    let mut frames = FrameReader::with_limit(MAX_REQUEST_BYTES);
    if wire::write_handshake(&mut stream).is_err() {
        return;
    }
    let request = {
        let mut until = DeadlineReader::new(&stream, wire::HANDSHAKE_TIMEOUT);
        if wire::read_handshake(&mut until).is_err() {
            return;
        }
        wire::read_message::<ToHost>(&mut frames, &mut until)
    };
    let state = &connection.0;
    match request {
        Ok(Some(ToHost::Describe)) => {
            let info = lock(&state.info).clone();
            let _ = wire::write_message(&mut stream, &FromHost::Info(Cow::Borrowed(&info)));
        }
        Ok(Some(ToHost::Watch)) => {
            let info = lock(&state.info).clone();
            let sent = wire::write_message(&mut stream, &FromHost::Info(Cow::Borrowed(&info))).and_then(|()| {
                let batch = state.batch.pack_without_rows().map_err(std::io::Error::other)?;
                wire::write_message(&mut stream, &FromHost::Batch(batch.into()))
            });
            if sent.is_ok() {
                serve(connection, stream, frames, false);
            }
        }
        Ok(Some(ToHost::Control(command))) => {
            let answer = control::carry_out(lock(&state.run).as_deref(), &state.batch, command);
            let _ = wire::write_message(&mut stream, &answer);
        }
        Ok(Some(ToHost::Command(_) | ToHost::StopOnDisconnect(_)) | None) | Err(_) => {}
    }
}

/// Serves the starter of the run, which knows the batch.
pub(super) fn serve_starter(state: &Arc<HostState>, stream: UnixStream, stops: bool) -> std::io::Result<()> {
    let Some(connection) = Connection::begin(state) else { return Ok(()) };
    let frames = FrameReader::with_limit(MAX_REQUEST_BYTES);
    let thread = std::thread::Builder::new().name("starter".to_owned());
    thread.spawn(move || serve(&connection, stream, frames, stops)).map(drop)
}

/// Receives a watcher's requests on another thread and sends it the journal on this one.
fn serve(connection: &Connection, stream: UnixStream, frames: FrameReader, stops: bool) {
    let gone = Arc::new(AtomicBool::new(false));
    let Ok(reader) = stream.try_clone() else { return };
    let (state, is_gone) = (Arc::clone(&connection.0), Arc::clone(&gone));
    let wanted = Wanted::default();
    lock(&state.interests).each.push(Arc::clone(&wanted));
    let its = Arc::clone(&wanted);
    let listening = std::thread::Builder::new().name("watcher requests".to_owned()).spawn(move || {
        let stops = read_requests(&state, &its, &reader, frames, stops);
        state.unwatch(&its);
        is_gone.store(true, Ordering::Release);
        if stops {
            state.command(RunCommand::Stop);
        }
        // Writes to it fail from now on.
        let _ = reader.shutdown(Shutdown::Both);
    });
    if listening.is_err() {
        connection.0.unwatch(&wanted);
    } else if send_journal(&connection.0.journal, &wanted, &stream, &gone) {
        connection.0.open().was_delivered = true;
        // Everything is in the socket's buffer; later commands of the watcher are ignored.
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// Carries out a watcher's requests until its connection ends; returns whether the run is to be stopped then.
fn read_requests(
    state: &HostState,
    wanted: &Wanted,
    mut stream: &UnixStream,
    mut frames: FrameReader,
    mut stops: bool,
) -> bool {
    while let Ok(Some(request)) = wire::read_message::<ToHost>(&mut frames, &mut stream) {
        match request {
            ToHost::Command(command) if state.watch(wanted, command) => {}
            ToHost::Command(command) => state.command(command),
            ToHost::StopOnDisconnect(wanted) => stops = wanted,
            ToHost::Describe | ToHost::Watch | ToHost::Control(_) => break,
        }
    }
    stops
}

/// Sends the journal; returns whether all of it was sent.
fn send_journal(journal: &Journal, wanted: &Wanted, mut stream: &UnixStream, gone: &AtomicBool) -> bool {
    let mut place = journal.start();
    let mut buffer = Vec::new();
    let mut coalescer = Coalescer::new();
    while !gone.load(Ordering::Acquire) {
        match journal.read(&mut place, wanted, &mut buffer, POLL_INTERVAL) {
            JournalRead::Some => {
                if stream.write_all(&buffer).is_err() {
                    return false;
                }
                // A watcher that lags behind is served without a pause.
                if buffer.len() < MAX_READ_BYTES {
                    coalescer.pause();
                }
            }
            JournalRead::Nothing => {}
            JournalRead::End => return true,
            JournalRead::Fault(words) => {
                let _ = wire::write_message(&mut stream, &FromHost::Refused(words.into()));
                return false;
            }
        }
    }
    false
}
