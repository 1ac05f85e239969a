//! Where workers come from. The run itself knows no process: it asks a [`Launcher`] for workers, and a worker for lanes.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::dispatcher::ProcessEnd;
use super::link::Link;
use super::protocol::Setup;
use crate::event::{EventKind, LaneId, WorkerId};

/// Starts workers.
pub trait Launcher: Send + Sync {
    /// Starts a worker for tasks as in `setup`; it and all its tasks have `environment` on top of their own. A launcher whose
    /// workers have another clock sets their [`Setup::epoch_ns`].
    ///
    /// # Errors
    /// When none can be started.
    fn start(&self, setup: &Setup, environment: &[(String, String)]) -> io::Result<Arc<dyn WorkerHandle>>;

    /// The run has begun: from now on it is told what changes where workers come from.
    fn begin(&self, _notify: Box<dyn Fn(LauncherNotice) + Send + Sync>) {}

    /// All workers have ended, and none is started any more.
    fn end(&self) {}
}

/// What a launcher tells its run.
#[derive(Clone, Debug, PartialEq)]
pub enum LauncherNotice {
    /// There are places for workers: so many in all, and so many that can be used now.
    Places { total: u32, usable: u32 },
    /// This worker is to do what it has, and no more.
    Retire(WorkerId),
    /// A fact.
    Event(EventKind),
}

/// A worker as its engine sees it: a process with lanes.
pub trait WorkerHandle: Send + Sync {
    /// The number of its process.
    fn pid(&self) -> u32;

    /// The host that it is on, where a run has hosts.
    fn host(&self) -> Option<&str> {
        None
    }

    /// Whether its process is one of this machine, so that its number can be looked up here.
    fn is_here(&self) -> bool {
        true
    }

    /// It has ended, or is about to.
    fn is_dying(&self) -> bool;

    /// Opens one more lane.
    ///
    /// # Errors
    /// When it has ended, or the system has nothing left for the link.
    fn open_lane(&self, worker: WorkerId, lane: LaneId) -> io::Result<Link>;

    /// Ends it if it has no lane, because one could not be opened.
    fn end_unused(&self);

    /// A lane was opened, but cannot be read.
    fn lane_unread(&self);

    /// A lane's link has ended, after a good-bye or without one; says how the process did. The end of the last lane is the
    /// end of the process.
    fn lane_ended(&self, said_bye: bool) -> ProcessEnd;

    /// A lane's link has ended before the lane was there. While other lanes live, that costs them nothing.
    fn lane_unopened(&self) -> ProcessEnd;

    /// Ends it without asking.
    fn kill(&self);

    /// Asks it to stop its tasks and its clock.
    fn suspend(&self);

    /// Waits until it has done so, or the deadline has come.
    fn wait_suspended(&self, deadline: Instant);

    /// Lets its tasks go on, and its clock, whose zero is now `epoch_ns` on the monotonic clock.
    fn go_on(&self, epoch_ns: u64);
}
