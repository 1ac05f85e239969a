//! Those who watch: each is known by its user before a word of it is read, hears everything at its own pace on a thread of
//! its own, and may ask for what a click in the window asks for. None of them can hold up the run or another watcher.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::coalescer::Coalescer;
use super::journal::{Journal, JournalPosition, JournalRead, MAX_READ_BYTES};
use super::wire::{self, DeadlineReader, DetachedInfo, FromHostRef, MAX_REQUEST_BYTES, ToHost};
use crate::engine::{RunCommand, RunHandle};
use crate::job::Batch;
use fanlane_os::frame::FrameReader;

/// So many connections are open at once.
const MAX_CONNECTIONS: usize = 32;
/// A watcher that has nothing to read is looked after so often.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What the threads of a host share.
pub(super) struct HostState {
    pub batch: Arc<Batch>,
    pub journal: Arc<Journal>,
    pub info: Mutex<DetachedInfo>,
    pub run: Mutex<Option<Box<dyn RunHandle>>>,
    open: Mutex<OpenConnections>,
    closed: Condvar,
}

/// Who is connected.
#[derive(Default)]
struct OpenConnections {
    connections: usize,
    /// Somebody has heard all until the end.
    was_delivered: bool,
}

/// One that is connected. Its end is counted when it is dropped.
struct Connection(Arc<HostState>);

impl HostState {
    pub(super) fn new(batch: Arc<Batch>, journal: Arc<Journal>, info: DetachedInfo, run: Box<dyn RunHandle>) -> Self {
        Self {
            batch,
            journal,
            info: Mutex::new(info),
            run: Mutex::new(Some(run)),
            open: Mutex::default(),
            closed: Condvar::new(),
        }
    }

    /// Asks something of the run; nothing happens once it has ended.
    pub(super) fn command(&self, command: RunCommand) {
        if let Some(run) = &*lock(&self.run) {
            run.command(command);
        }
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        lock(&self.open)
    }

    /// Waits until nobody is connected any more, `patience` at most. Where nobody else keeps what came of the run, `somebody`
    /// has to hear its end, too.
    pub(super) fn wait_until_delivered(&self, somebody: bool, patience: Duration) {
        let until = Instant::now() + patience;
        let mut open = self.open();
        while open.connections > 0 || (somebody && !open.was_delivered) {
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
    /// `None` where there are too many.
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

/// Lets in whoever knocks, for as long as this process lives.
pub(super) fn accept(state: &Arc<HostState>, listener: &UnixListener) {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(_) => {
                // No descriptors are left, for one: there may be some later.
                std::thread::sleep(POLL_INTERVAL);
                continue;
            }
        };
        if !wire::is_own(&stream) {
            continue;
        }
        let Some(connection) = Connection::begin(state) else { continue };
        // Without a thread the connection is closed, and whoever wanted it may come again.
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
    let wish = {
        let mut until = DeadlineReader::new(&stream, wire::HANDSHAKE_TIMEOUT);
        if wire::read_handshake(&mut until).is_err() {
            return;
        }
        wire::read_message::<ToHost>(&mut frames, &mut until)
    };
    let state = &connection.0;
    match wish {
        Ok(Some(ToHost::Describe)) => {
            let info = lock(&state.info).clone();
            let _ = wire::write_message(&mut stream, &FromHostRef::Info(&info));
        }
        Ok(Some(ToHost::Watch)) => {
            let info = lock(&state.info).clone();
            let sent = wire::write_message(&mut stream, &FromHostRef::Info(&info)).and_then(|()| {
                let batch = state.batch.pack().map_err(std::io::Error::other)?;
                wire::write_message(&mut stream, &FromHostRef::Batch(serde_bytes::Bytes::new(&batch)))
            });
            if sent.is_ok() {
                serve(connection, stream, frames, false);
            }
        }
        Ok(Some(ToHost::Command(_) | ToHost::StopOnDisconnect(_)) | None) | Err(_) => {}
    }
}

/// Attends to the one that started the run, which needs not be told what it said itself.
pub(super) fn serve_starter(state: &Arc<HostState>, stream: UnixStream, stops: bool) -> std::io::Result<()> {
    let Some(connection) = Connection::begin(state) else { return Ok(()) };
    let frames = FrameReader::with_limit(MAX_REQUEST_BYTES);
    let thread = std::thread::Builder::new().name("starter".to_owned());
    thread.spawn(move || serve(&connection, stream, frames, stops)).map(drop)
}

/// Hears a watcher on a thread of its own and tells it everything on this one.
fn serve(connection: &Connection, stream: UnixStream, frames: FrameReader, stops: bool) {
    let gone = Arc::new(AtomicBool::new(false));
    let Ok(heard) = stream.try_clone() else { return };
    let (state, is_gone) = (Arc::clone(&connection.0), Arc::clone(&gone));
    let listening = std::thread::Builder::new().name("watcher's wishes".to_owned()).spawn(move || {
        let stops = read_requests(&state, &heard, frames, stops);
        is_gone.store(true, Ordering::Release);
        if stops {
            state.command(RunCommand::Stop);
        }
        // Whoever writes to it is told.
        let _ = heard.shutdown(Shutdown::Both);
    });
    if listening.is_ok() && send_journal(&connection.0.journal, &stream, &gone) {
        connection.0.open().was_delivered = true;
        // All is in the system's hands; a watcher that commands meanwhile finds nobody.
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// Does what a watcher asks for until its connection ends; says whether the run is to be stopped then.
fn read_requests(state: &HostState, mut stream: &UnixStream, mut frames: FrameReader, mut stops: bool) -> bool {
    while let Ok(Some(wish)) = wire::read_message::<ToHost>(&mut frames, &mut stream) {
        match wish {
            ToHost::Command(command) => state.command(command),
            ToHost::StopOnDisconnect(wanted) => stops = wanted,
            ToHost::Describe | ToHost::Watch => break,
        }
    }
    stops
}

/// Says whether all was told until the end.
fn send_journal(journal: &Journal, mut stream: &UnixStream, gone: &AtomicBool) -> bool {
    let mut place = JournalPosition::default();
    let mut buffer = Vec::new();
    let mut coalescer = Coalescer::new();
    while !gone.load(Ordering::Acquire) {
        match journal.read(&mut place, &mut buffer, POLL_INTERVAL) {
            JournalRead::Some => {
                if stream.write_all(&buffer).is_err() {
                    return false;
                }
                // Whoever lags behind is not held up.
                if buffer.len() < MAX_READ_BYTES {
                    coalescer.pause();
                }
            }
            JournalRead::Nothing => {}
            JournalRead::End => return true,
            JournalRead::Fault(words) => {
                let _ = wire::write_message(&mut stream, &FromHostRef::Refused(&words));
                return false;
            }
        }
    }
    false
}
