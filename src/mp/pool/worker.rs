//! A worker of a pool: does what it is sent, in that order, until it is told good-bye.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::{Batch, FromWorker, Setup};
use super::page::{Page, Sequence};
use super::wire::{MOST_DESCRIPTORS, Wire};
use crate::mp::connection::Connection;
use crate::mp::entry;
use crate::mp::error::{Error, TaskError};
use crate::mp::function::{Run, panic_message};
use crate::mp::passing;
use crate::mp::process::{CurrentProcess, set_current};
use crate::mp::shared::stay_near_readers;
use crate::mp::watch::end_with_parent;

/// Results of short tasks are gathered for so long before they are sent.
const GATHER: Duration = Duration::from_micros(100);
/// Or until there are so many bytes of them.
const GATHER_BYTES: usize = 64 << 10;

/// The role of a pool's worker.
pub fn serve(control: UnixStream) -> i32 {
    const FAILED: i32 = 1;
    let control = Arc::new(Connection::from(control));
    match begin(&control).and_then(|worker| worker.map_or(Ok(()), Worker::work)) {
        Ok(()) => 0,
        // The pool is gone, and this process ends with it.
        Err(_) => FAILED,
    }
}

struct Worker {
    wire: Wire,
    page: Page,
    known: Option<(String, &'static dyn Run)>,
    gathered: Gathered,
}

/// Results that are not sent yet.
#[derive(Default)]
struct Gathered {
    first: Sequence,
    chunks: u32,
    items: u32,
    busy: Duration,
    failures: Vec<(u32, TaskError)>,
    values: Vec<u8>,
    descriptors: Vec<Arc<OwnedFd>>,
}

/// Sets the worker up; `None` where it cannot work and has said so.
fn begin(control: &Arc<Connection>) -> io::Result<Option<Worker>> {
    let setup: Setup = control.recv().map_err(io::Error::other)?;
    let (args, descriptors) = control.recv_parts().map_err(io::Error::other)?;
    let parent_pid = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    set_current(CurrentProcess { name: setup.name, is_daemon: true, parent_pid });
    end_with_parent(control);
    stay_near_readers();
    let page = Page::open(Arc::into_inner(setup.page.0).ok_or(io::ErrorKind::InvalidData)?)?;
    let socket = rustix::io::fcntl_dupfd_cloexec(control.as_fd(), 3)?;
    let [from_pool, to_pool] = page.hatches();
    let mut wire = Wire::new(Arc::new(socket), to_pool, from_pool);
    let begun = setup.initializer.map_or(Ok(()), |name| {
        let function = entry::function_named(&name).ok_or_else(|| Error::NotRegistered(name).to_string())?;
        let call = || passing::with_arrived(descriptors, || function.run_once(&args));
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panic_message(&*panic)))
    });
    match begun {
        Ok(()) => {
            say(&mut wire, &FromWorker::Ready, &[], &[])?;
            Ok(Some(Worker { wire, page, known: None, gathered: Gathered::default() }))
        }
        Err(reason) => {
            say(&mut wire, &FromWorker::InitializerFailed(reason), &[], &[])?;
            // The pool ends this process; a good-bye would be taken for a worker that died.
            let _ = wire.receive()?;
            Ok(None)
        }
    }
}

fn say(wire: &mut Wire, message: &FromWorker, values: &[u8], descriptors: &[Arc<OwnedFd>]) -> io::Result<()> {
    let mut head = Vec::new();
    passing::encode(message, &mut head).map_err(io::Error::other)?;
    wire.send([&head, values], descriptors)
}

impl Worker {
    fn work(mut self) -> io::Result<()> {
        loop {
            let Some(frame) = self.wire.receive_soon()? else { return Err(io::ErrorKind::BrokenPipe.into()) };
            if frame.body.is_empty() {
                return Ok(());
            }
            // Copied, because results are sent while it is read; it is short next to the work.
            let body = frame.body.to_vec();
            self.do_batch(&body)?;
        }
    }

    fn do_batch(&mut self, body: &[u8]) -> io::Result<()> {
        let (batch, mut args): (Batch<'_>, _) = postcard::take_from_bytes(body).map_err(io::Error::other)?;
        let function = self.function(batch.function);
        self.gathered.first = batch.first;
        let mut since = Instant::now();
        let mut begun = since;
        for chunk in 0..batch.chunks {
            if !self.page.begin(batch.first.wrapping_add(chunk)) {
                // What follows was taken back as well; the pool may wait for word of it.
                self.flush()?;
                return say(&mut self.wire, &FromWorker::Ready, &[], &[]);
            }
            self.gathered.do_chunk(function, batch.function, batch.items_of(chunk), &mut args);
            let now = Instant::now();
            self.gathered.busy += now - begun;
            begun = now;
            if now - since >= GATHER || self.gathered.is_large() {
                self.flush()?;
                since = Instant::now();
                begun = since;
            }
        }
        self.flush()
    }

    fn function(&mut self, name: &str) -> Option<&'static dyn Run> {
        if let Some((known, function)) = &self.known
            && known == name
        {
            return Some(*function);
        }
        let function = entry::function_named(name)?;
        self.known = Some((name.to_owned(), function));
        Some(function)
    }

    fn flush(&mut self) -> io::Result<()> {
        let gathered = &mut self.gathered;
        if gathered.chunks == 0 {
            return Ok(());
        }
        let message = FromWorker::Results {
            first: gathered.first,
            chunks: gathered.chunks,
            busy_ns: u64::try_from(gathered.busy.as_nanos()).unwrap_or(u64::MAX),
            failures: std::mem::take(&mut gathered.failures),
        };
        say(&mut self.wire, &message, &gathered.values, &gathered.descriptors)?;
        gathered.first = gathered.first.wrapping_add(gathered.chunks);
        gathered.chunks = 0;
        gathered.items = 0;
        gathered.busy = Duration::ZERO;
        gathered.values.clear();
        gathered.descriptors.clear();
        Ok(())
    }
}

impl Gathered {
    fn is_large(&self) -> bool {
        self.values.len() >= GATHER_BYTES || self.descriptors.len() >= MOST_DESCRIPTORS / 2
    }

    fn do_chunk(&mut self, function: Option<&'static dyn Run>, name: &str, items: u32, args: &mut &[u8]) {
        let mut done = 0;
        while done < items {
            let Some(function) = function else {
                self.failures.push((self.items + done, TaskError::NotRegistered(name.to_owned())));
                done += 1;
                continue;
            };
            let kept = self.descriptors.len();
            let values = &mut self.values;
            let (good, fault) = passing::with_more_descriptors(&mut self.descriptors, || {
                function.run_items(args, items - done, values)
            });
            done += good;
            if self.descriptors.len() > MOST_DESCRIPTORS {
                // One chunk with more of them than go into a frame: its results cannot be sent.
                self.descriptors.truncate(kept);
            }
            if let Some(fault) = fault {
                self.failures.push((self.items + done, fault));
                done += 1;
            }
        }
        self.items += items;
        self.chunks += 1;
    }
}
