//! Those who watch: each is known by its user before a word of it is read, hears everything at its own pace on a thread of
//! its own, and may ask for what a click in the window asks for. None of them can hold up the run or another watcher.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::breath::Breath;
use super::journal::{Journal, Place, READ_BYTES, Read};
use super::wire::{self, FromHostRef, HostInfo, MAX_REQUEST_BYTES, ToHost, Until};
use crate::engine::{Run, RunCommand};
use crate::job::Batch;
use crate::mp::frame::FrameReader;

/// So many connections are open at once.
const MOST_CONNECTIONS: usize = 32;
/// A watcher that has nothing to read is looked after so often.
const LOOK: Duration = Duration::from_secs(1);

/// What the threads of a host share.
pub(super) struct Desk {
    pub batch: Arc<Batch>,
    pub journal: Arc<Journal>,
    pub info: Mutex<HostInfo>,
    pub run: Mutex<Option<Run>>,
    open: Mutex<Open>,
    closed: Condvar,
}

/// Who is connected.
#[derive(Default)]
struct Open {
    connections: usize,
    /// Somebody has heard all until the end.
    was_heard: bool,
}

/// One that is connected. Its end is counted when it is dropped.
struct Connection(Arc<Desk>);

impl Desk {
    pub(super) fn new(batch: Arc<Batch>, journal: Arc<Journal>, info: HostInfo, run: Run) -> Self {
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

    fn open(&self) -> MutexGuard<'_, Open> {
        lock(&self.open)
    }

    /// Waits until nobody is connected any more, `patience` at most. Where nobody else keeps what came of the run, `somebody`
    /// has to hear its end, too.
    pub(super) fn wait_until_heard(&self, somebody: bool, patience: Duration) {
        let until = Instant::now() + patience;
        let mut open = self.open();
        while open.connections > 0 || (somebody && !open.was_heard) {
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
    fn begin(desk: &Arc<Desk>) -> Option<Self> {
        let mut open = desk.open();
        (open.connections < MOST_CONNECTIONS).then(|| {
            open.connections += 1;
            Self(Arc::clone(desk))
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
pub(super) fn let_in(desk: &Arc<Desk>, listener: &UnixListener) {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(_) => {
                // No descriptors are left, for one: there may be some later.
                std::thread::sleep(LOOK);
                continue;
            }
        };
        if !wire::is_own(&stream) {
            continue;
        }
        let Some(connection) = Connection::begin(desk) else { continue };
        // Without a thread the connection is closed, and whoever wanted it may come again.
        let _ = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
            receive(&connection, stream);
        });
    }
}

fn receive(connection: &Connection, mut stream: UnixStream) {
    let mut frames = FrameReader::with_limit(MAX_REQUEST_BYTES);
    if wire::greet(&mut stream).is_err() {
        return;
    }
    let wish = {
        let mut until = Until::new(&stream, wire::FIRST_WORDS);
        if wire::hear_greeting(&mut until).is_err() {
            return;
        }
        wire::hear::<ToHost>(&mut frames, &mut until)
    };
    let desk = &connection.0;
    match wish {
        Ok(Some(ToHost::Describe)) => {
            let info = lock(&desk.info).clone();
            let _ = wire::say(&mut stream, &FromHostRef::About(&info));
        }
        Ok(Some(ToHost::Watch)) => {
            let info = lock(&desk.info).clone();
            let sent = wire::say(&mut stream, &FromHostRef::About(&info)).and_then(|()| {
                let batch = desk.batch.pack().map_err(std::io::Error::other)?;
                wire::say(&mut stream, &FromHostRef::Batch(serde_bytes::Bytes::new(&batch)))
            });
            if sent.is_ok() {
                attend(connection, stream, frames, false);
            }
        }
        Ok(Some(ToHost::Command(_) | ToHost::StopWithMe(_)) | None) | Err(_) => {}
    }
}

/// Attends to the one that started the run, which needs not be told what it said itself.
pub(super) fn attend_starter(desk: &Arc<Desk>, stream: UnixStream, stops: bool) -> std::io::Result<()> {
    let Some(connection) = Connection::begin(desk) else { return Ok(()) };
    let frames = FrameReader::with_limit(MAX_REQUEST_BYTES);
    let thread = std::thread::Builder::new().name("starter".to_owned());
    thread.spawn(move || attend(&connection, stream, frames, stops)).map(drop)
}

/// Hears a watcher on a thread of its own and tells it everything on this one.
fn attend(connection: &Connection, stream: UnixStream, frames: FrameReader, stops: bool) {
    let gone = Arc::new(AtomicBool::new(false));
    let Ok(heard) = stream.try_clone() else { return };
    let (desk, is_gone) = (Arc::clone(&connection.0), Arc::clone(&gone));
    let listening = std::thread::Builder::new().name("watcher's wishes".to_owned()).spawn(move || {
        let stops = listen(&desk, &heard, frames, stops);
        is_gone.store(true, Ordering::Release);
        if stops {
            desk.command(RunCommand::Stop);
        }
        // Whoever writes to it is told.
        let _ = heard.shutdown(Shutdown::Both);
    });
    if listening.is_ok() && tell(&connection.0.journal, &stream, &gone) {
        connection.0.open().was_heard = true;
        // All is in the system's hands; a watcher that commands meanwhile finds nobody.
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// Does what a watcher asks for until its connection ends; says whether the run is to be stopped then.
fn listen(desk: &Desk, mut stream: &UnixStream, mut frames: FrameReader, mut stops: bool) -> bool {
    while let Ok(Some(wish)) = wire::hear::<ToHost>(&mut frames, &mut stream) {
        match wish {
            ToHost::Command(command) => desk.command(command),
            ToHost::StopWithMe(wanted) => stops = wanted,
            ToHost::Describe | ToHost::Watch => break,
        }
    }
    stops
}

/// Says whether all was told until the end.
fn tell(journal: &Journal, mut stream: &UnixStream, gone: &AtomicBool) -> bool {
    let mut place = Place::default();
    let mut buffer = Vec::new();
    let mut breath = Breath::new();
    while !gone.load(Ordering::Acquire) {
        match journal.read(&mut place, &mut buffer, LOOK) {
            Read::Some => {
                if stream.write_all(&buffer).is_err() {
                    return false;
                }
                // Whoever lags behind is not held up.
                if buffer.len() < READ_BYTES {
                    breath.draw();
                }
            }
            Read::Nothing => {}
            Read::End => return true,
            Read::Fault(words) => {
                let _ = wire::say(&mut stream, &FromHostRef::Refused(&words));
                return false;
            }
        }
    }
    false
}
