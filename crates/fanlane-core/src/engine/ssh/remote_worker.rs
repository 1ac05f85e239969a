//! A worker on a host as its engine sees it, and the place that a worker has on its host, be that another machine or this one.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, SendFlags};

use super::connection::Connection;
use super::host::Seat;
use super::message::ToAgent;
use crate::engine::dispatcher::ProcessEnd;
use crate::engine::launcher::WorkerHandle;
use crate::engine::link::{Link, LinkStream};
use crate::engine::protocol::Setup;
use crate::event::{LaneId, WorkerId};
use crate::job::Transport;
use fanlane_os::socket;

/// How long the agent may take to say how a worker ended: as long as it waits itself, and a little more.
const END_TIMEOUT: Duration = Duration::from_secs(9);

/// The local end of a channel: a stream that no descriptor passes through.
#[derive(Debug)]
pub struct ChannelStream(pub UnixStream);

impl LinkStream for ChannelStream {
    fn receive(&self, buffer: &mut [u8], wait: bool, _: Option<&mut Vec<OwnedFd>>) -> io::Result<usize> {
        let flags = if wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        Ok(rustix::net::recv(&self.0, buffer, flags)?.1)
    }

    fn send(&self, bytes: &[u8], wait: bool, descriptors: &[Arc<OwnedFd>]) -> io::Result<usize> {
        debug_assert!(descriptors.is_empty(), "no descriptor passes between machines");
        let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
        Ok(rustix::net::send(&self.0, bytes, flags)?)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    fn close(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn passes_descriptors(&self) -> bool {
        false
    }
}

/// What a worker is told at its start.
struct WorkerSetup {
    setup: Setup,
    environment: Vec<(String, String)>,
}

/// A worker on another host.
pub struct RemoteWorker {
    connection: Arc<Connection>,
    channel: u32,
    /// What it is to be told, until it is.
    setup: Mutex<Option<WorkerSetup>>,
    seat: Seat,
    has_ended: AtomicBool,
}

impl RemoteWorker {
    /// A worker that is started with its lane.
    pub fn new(connection: Arc<Connection>, setup: &Setup, environment: Vec<(String, String)>, seat: Seat) -> Self {
        let setup = Setup {
            // That the host has another clock, other folders and no memory of this machine.
            epoch_ns: connection.clock_there(setup.epoch_ns),
            working_dir: PathBuf::from("."),
            shared_folder: None,
            progress: None,
            transport: Transport::Pipe,
            terminal_of: None,
            is_remote: true,
            ..setup.clone()
        };
        let channel = connection.new_channel();
        let setup = Mutex::new(Some(WorkerSetup { setup, environment }));
        Self { connection, channel, setup, seat, has_ended: AtomicBool::new(false) }
    }

    fn end(&self, said_bye: bool) -> ProcessEnd {
        self.has_ended.store(true, Ordering::Release);
        if !self.connection.has_end_of(self.channel) {
            self.connection.tell(&ToAgent::Reap { channel: self.channel, said_bye });
        }
        let end = self.connection.end_of(self.channel, END_TIMEOUT);
        // Its place is free before the next worker is asked for.
        self.seat.leave();
        end
    }
}

impl WorkerHandle for RemoteWorker {
    fn pid(&self) -> u32 {
        self.connection.pid_of(self.channel)
    }

    fn host(&self) -> Option<&str> {
        Some(self.seat.host_name())
    }

    fn is_here(&self) -> bool {
        false
    }

    fn is_dying(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    fn open_lane(&self, worker: WorkerId, lane: LaneId) -> io::Result<Link> {
        let setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner).take();
        let WorkerSetup { setup, environment } =
            setup.ok_or_else(|| io::Error::other("a worker on another host has one lane; use the mode pool"))?;
        let (ours, theirs) = socket::pair()?;
        self.connection.start_worker(self.channel, (worker, lane), setup, environment, theirs)?;
        Ok(Link { stream: Arc::new(ChannelStream(ours)), mailboxes: [None, None] })
    }

    fn end_unused(&self) {
        self.seat.leave();
    }

    fn lane_unread(&self) {
        self.kill();
        drop(self.end(false));
    }

    fn lane_ended(&self, said_bye: bool) -> ProcessEnd {
        self.end(said_bye)
    }

    fn lane_unopened(&self) -> ProcessEnd {
        self.end(false)
    }

    fn kill(&self) {
        self.connection.tell(&ToAgent::Kill { channel: self.channel });
    }

    fn suspend(&self) {
        self.connection.expect_suspension(self.channel);
        self.connection.tell(&ToAgent::Suspend { channel: self.channel });
    }

    fn wait_suspended(&self, deadline: Instant) {
        self.connection.wait_suspended(self.channel, deadline);
    }

    fn go_on(&self, epoch_ns: u64) {
        let epoch_ns = self.connection.clock_there(epoch_ns);
        self.connection.tell(&ToAgent::GoOn { channel: self.channel, epoch_ns });
    }
}

/// A worker of this machine with a place among those of other hosts.
pub struct SeatedWorker {
    /// The worker itself.
    pub process: Arc<dyn WorkerHandle>,
    /// Its place.
    pub seat: Seat,
}

impl WorkerHandle for SeatedWorker {
    fn pid(&self) -> u32 {
        self.process.pid()
    }

    fn host(&self) -> Option<&str> {
        Some(self.seat.host_name())
    }

    fn is_dying(&self) -> bool {
        self.process.is_dying()
    }

    fn open_lane(&self, worker: WorkerId, lane: LaneId) -> io::Result<Link> {
        self.process.open_lane(worker, lane)
    }

    fn end_unused(&self) {
        self.process.end_unused();
        self.seat.leave();
    }

    fn lane_unread(&self) {
        self.process.lane_unread();
        self.seat.leave();
    }

    fn lane_ended(&self, said_bye: bool) -> ProcessEnd {
        let end = self.process.lane_ended(said_bye);
        self.seat.leave();
        end
    }

    fn lane_unopened(&self) -> ProcessEnd {
        let end = self.process.lane_unopened();
        self.seat.leave();
        end
    }

    fn kill(&self) {
        self.process.kill();
    }

    fn suspend(&self) {
        self.process.suspend();
    }

    fn wait_suspended(&self, deadline: Instant) {
        self.process.wait_suspended(deadline);
    }

    fn go_on(&self, epoch_ns: u64) {
        self.process.go_on(epoch_ns);
    }
}
