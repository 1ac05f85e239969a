//! A worker of a pool: does what it is sent, in that order, until it is asked to end.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cursor::Cursor;
use super::message::{Batch, FromWorker, Setup};
use super::outbox::{Gathered, Held, Outbox, say};
use super::wire::Wire;
use crate::connection::Connection;
use crate::error::SpawnError;
use crate::function::{Run, panic_message};
use crate::process::{CurrentProcess, MARKER, set_current};
use crate::registry;
use crate::shared::enable_flow_control;
use fanlane_os::fd_passing;
use fanlane_os::parent_death::end_with_parent;

/// Results of short tasks are gathered for so long before they are sent, or until there are many bytes of them.
const GATHER: Duration = Duration::from_micros(100);
/// The clock is read, which takes as long as a very short chunk does, after so many chunks that take less than this.
const UNTIMED: u32 = 8;
const VERY_SHORT: Duration = Duration::from_micros(2);

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
    outbox: Arc<Outbox>,
    cursor: Cursor,
    known: Option<(String, &'static dyn Run)>,
    /// Results of the chunk that is being done while those before it can be sent.
    latest: Gathered,
    /// For how long is gathered, as soon as there was anything to gather.
    gather: Option<Duration>,
}

/// Sets the worker up; `None` where it cannot work and has told the pool.
fn begin(control: &Arc<Connection>) -> io::Result<Option<Worker>> {
    let setup: Setup = control.recv().map_err(io::Error::other)?;
    let (args, descriptors) = control.recv_parts().map_err(io::Error::other)?;
    let parent_pid = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    set_current(CurrentProcess { name: setup.name, is_daemon: true, parent_pid });
    end_with_parent(Arc::clone(control), MARKER);
    enable_flow_control();
    let cursor = Cursor::open(Arc::into_inner(setup.cursor.0).ok_or(io::ErrorKind::InvalidData)?)?;
    let socket = rustix::io::fcntl_dupfd_cloexec(control.as_fd(), 3)?;
    let [from_pool, to_pool] = cursor.mailboxes();
    let mut wire = Wire::new(Arc::new(socket), to_pool, from_pool);
    let begun = setup.initializer.map_or(Ok(()), |name| {
        let function = registry::function_named(&name).ok_or_else(|| SpawnError::NotRegistered(name).to_string())?;
        let call = || fd_passing::with_arrived(descriptors, || function.run_once(&args));
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panic_message(&*panic)))
    });
    match begun {
        Ok(()) => {
            say(&mut wire, &FromWorker::Ready, &[], &[])?;
            let outbox = Arc::new(Outbox::new(wire));
            Ok(Some(Worker { outbox, cursor, known: None, latest: Gathered::default(), gather: None }))
        }
        Err(reason) => {
            say(&mut wire, &FromWorker::InitializerFailed(reason), &[], &[])?;
            // The pool ends this process; ending here would be taken for a death.
            let _ = wire.receive()?;
            Ok(None)
        }
    }
}

impl Worker {
    fn work(mut self) -> io::Result<()> {
        let outbox = Arc::clone(&self.outbox);
        let mut outgoing = outbox.hold();
        loop {
            let Some(frame) = outgoing.wire.receive_soon()? else { return Err(io::ErrorKind::BrokenPipe.into()) };
            if frame.body.is_empty() {
                return Ok(());
            }
            // Copied, because results are sent while it is read; it is short next to the work.
            let body = frame.body.to_vec();
            outgoing = self.do_batch(&outbox, outgoing, &body)?;
        }
    }

    fn do_batch<'a>(&mut self, outbox: &'a Arc<Outbox>, mut outgoing: Held<'a>, body: &[u8]) -> io::Result<Held<'a>> {
        let (batch, mut args): (Batch<'_>, _) = postcard::take_from_bytes(body).map_err(io::Error::other)?;
        let function = self.function(batch.function);
        let gather = if batch.chunks == 1 { GATHER } else { self.gather() };
        outgoing.expect(batch.first);
        let mut since = Instant::now();
        let mut begun = since;
        let (mut untimed, mut most_untimed) = (0, 1);
        let mut was_taken_back = false;
        for chunk in 0..batch.chunks {
            // What follows was taken back as well; the pool may wait for a message after that.
            was_taken_back = !self.cursor.begin(batch.first.wrapping_add(chunk));
            if was_taken_back {
                break;
            }
            let items = batch.items_of(chunk);
            if outgoing.gathered.is_empty() {
                outgoing.gathered.do_chunk(function, batch.function, items, &mut args);
            } else {
                let latest = &mut self.latest;
                outgoing =
                    outbox.work_unlocked(outgoing, || latest.do_chunk(function, batch.function, items, &mut args));
                outgoing.add(latest)?;
            }
            untimed += 1;
            if untimed < most_untimed && !outgoing.gathered.goes_at_once() {
                continue;
            }
            let now = Instant::now();
            let took = now - begun;
            outgoing.gathered.busy += took;
            most_untimed = if took < VERY_SHORT * untimed && !gather.is_zero() { UNTIMED } else { 1 };
            untimed = 0;
            begun = now;
            if now - since >= gather || outgoing.gathered.goes_at_once() {
                outgoing.flush()?;
                since = Instant::now();
                begun = since;
            }
        }
        if untimed > 0 {
            outgoing.gathered.busy += begun.elapsed();
        }
        outgoing.flush()?;
        if was_taken_back {
            say(&mut outgoing.wire, &FromWorker::Ready, &[], &[])?;
        }
        Ok(outgoing)
    }

    /// Nothing is gathered where nobody could send it while a chunk is being done.
    fn gather(&mut self) -> Duration {
        let outbox = &self.outbox;
        *self.gather.get_or_insert_with(|| if outbox.start_sender().is_ok() { GATHER } else { Duration::ZERO })
    }

    fn function(&mut self, name: &str) -> Option<&'static dyn Run> {
        if let Some((known, function)) = &self.known
            && known == name
        {
            return Some(*function);
        }
        let function = registry::function_named(name)?;
        self.known = Some((name.to_owned(), function));
        Some(function)
    }
}
