//! A worker of a pool: does what it is sent, in that order, until it is asked to end.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::cursor::Cursor;
use super::message::{Batch, FromWorker, Setup};
use super::outbox::{GATHER_BYTES, Gathered, LockedOutbox, Outbox, send_message};
use super::wire::Wire;
use crate::connection::Connection;
use crate::error::SpawnError;
use crate::function::{Run, panic_message};
use crate::process::{CurrentProcess, MARKER, set_current};
use crate::registry;
use crate::shared::enable_flow_control;
use fanlane_os::clock::monotonic_ns;
use fanlane_os::fd_passing;
use fanlane_os::pacing::Gathering;
use fanlane_os::parent_death::end_with_parent;

/// How long results of short tasks are gathered before they are sent, in nanoseconds.
const MAX_GATHER_NS: u64 = 100_000;
/// Number of very short chunks between two readings of the clock, which takes as long as one of them.
const MAX_UNTIMED: u32 = 8;
/// The time per chunk below which chunks are very short, in nanoseconds.
const VERY_SHORT_NS: u64 = 2_000;

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
    /// How long results are gathered, in nanoseconds, as soon as there was anything to gather.
    gather_ns: Option<u64>,
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
            send_message(&mut wire, &FromWorker::Ready, &[], &[])?;
            let outbox = Arc::new(Outbox::new(wire));
            Ok(Some(Worker { outbox, cursor, known: None, latest: Gathered::default(), gather_ns: None }))
        }
        Err(reason) => {
            send_message(&mut wire, &FromWorker::InitializerFailed(reason), &[], &[])?;
            // The pool ends this process; ending here would be taken for a death.
            let _ = wire.receive()?;
            Ok(None)
        }
    }
}

impl Worker {
    fn work(mut self) -> io::Result<()> {
        let outbox = Arc::clone(&self.outbox);
        let mut outgoing = outbox.lock();
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

    fn do_batch<'a>(
        &mut self,
        outbox: &'a Arc<Outbox>,
        mut outgoing: LockedOutbox<'a>,
        body: &[u8],
    ) -> io::Result<LockedOutbox<'a>> {
        let (batch, mut args): (Batch<'_>, _) = postcard::take_from_bytes(body).map_err(io::Error::other)?;
        let function = self.function(batch.function);
        let gather_ns = if batch.chunks == 1 { MAX_GATHER_NS } else { self.gather_ns() };
        let mut gathering = Gathering::new(gather_ns, GATHER_BYTES);
        outgoing.expect(batch.first);
        let mut begun_ns = monotonic_ns();
        let (mut untimed, mut max_untimed) = (0, 1);
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
            if untimed < max_untimed && !outgoing.gathered.goes_at_once() {
                continue;
            }
            let now_ns = monotonic_ns();
            let took_ns = now_ns - begun_ns;
            outgoing.gathered.busy_ns += took_ns;
            max_untimed = if took_ns < VERY_SHORT_NS * u64::from(untimed) && gather_ns > 0 { MAX_UNTIMED } else { 1 };
            untimed = 0;
            // Gathered since it was begun, which is when the last results were sent.
            gathering.add(begun_ns, 0);
            begun_ns = now_ns;
            if gathering.is_due(now_ns) || outgoing.gathered.goes_at_once() {
                outgoing.flush()?;
                gathering.clear();
                begun_ns = monotonic_ns();
            }
        }
        if untimed > 0 {
            outgoing.gathered.busy_ns += monotonic_ns() - begun_ns;
        }
        outgoing.flush()?;
        if was_taken_back {
            send_message(&mut outgoing.wire, &FromWorker::Ready, &[], &[])?;
        }
        Ok(outgoing)
    }

    /// Nothing is gathered where no thread can send it while a chunk is being done.
    fn gather_ns(&mut self) -> u64 {
        let outbox = &self.outbox;
        *self.gather_ns.get_or_insert_with(|| if outbox.start_sender().is_ok() { MAX_GATHER_NS } else { 0 })
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
