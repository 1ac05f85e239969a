//! A run in a terminal that other processes of the same user can control: it has a socket as a detached run has, once it has been
//! going for a moment. It keeps no events, so it cannot be watched.

use std::borrow::Cow;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::control;
use super::folder::{HostFolder, runtime_folder};
use super::order::bytes;
use super::wire::{self, DeadlineReader, DetachedInfo, FromHost, MAX_REQUEST_BYTES, ToHost};
use crate::engine::{RunCommand, RunHandle};
use crate::job::Batch;
use crate::model::Earlier;
use fanlane_os::frame::FrameReader;

/// From the start of a run until it can be reached: shorter ones make no folder and no socket.
const UNREACHABLE_TIME: Duration = Duration::from_millis(500);
/// Maximum time for a request. They are answered one after the other.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// A run of this process.
pub struct TerminalRun<'a> {
    /// The run.
    pub run: &'a dyn RunHandle,
    /// Its tasks.
    pub batch: &'a Batch,
    /// The folder that the job's relative paths start from.
    pub folder: &'a std::path::Path,
    /// Its number in the history, once it has one.
    pub number: &'a (dyn Fn() -> Option<i64> + Sync),
    /// The tasks that earlier runs have ended.
    pub earlier: Earlier,
}

impl TerminalRun<'_> {
    /// Lets other processes control the run while `follow` goes on. Where there can be no socket, it goes on without.
    pub fn reachable_during<R>(&self, follow: impl FnOnce() -> R) -> R {
        let Ok((mut leave, left)) = UnixStream::pair() else { return follow() };
        std::thread::scope(move |scope| {
            let thread = std::thread::Builder::new().name("control".to_owned());
            // Without the thread, nothing reads of the pair.
            let _ = thread.spawn_scoped(scope, || self.serve(left));
            let followed = follow();
            let _ = io::Write::write_all(&mut leave, &[0]);
            followed
        })
    }

    fn serve(&self, left: UnixStream) {
        let info = DetachedInfo {
            folder: bytes(self.folder),
            recorded: true,
            earlier: self.earlier,
            in_terminal: true,
            ..DetachedInfo::unnumbered(self.batch.job().display_name())
        };
        if !is_quiet(&left, None, Some(UNREACHABLE_TIME)) {
            return;
        }
        let Ok((folder, _log)) = runtime_folder(None).and_then(|runtime| HostFolder::make(&runtime)) else { return };
        if let Ok(listener) = folder.listen() {
            self.answer_all(&listener, &left, &info);
        }
        folder.remove();
    }

    fn answer_all(&self, listener: &UnixListener, left: &UnixStream, info: &DetachedInfo) {
        // Those who have asked for the end of the run see it by the end of their connection.
        let mut stoppers = Vec::new();
        while is_quiet(left, Some(listener), None) {
            let Ok((stream, _)) = listener.accept() else {
                // For example, no descriptor is left: one may be free later.
                if is_quiet(left, None, Some(REQUEST_TIMEOUT)) {
                    continue;
                }
                return;
            };
            if wire::is_own(&stream) && self.answer(&stream, info) == Some(true) {
                stoppers.push(stream);
            }
        }
    }

    /// Answers a request; returns whether it asked for the end of the run.
    fn answer(&self, mut stream: &UnixStream, info: &DetachedInfo) -> Option<bool> {
        stream.set_write_timeout(Some(REQUEST_TIMEOUT)).ok()?;
        wire::write_handshake(&mut stream).ok()?;
        let mut until = DeadlineReader::new(stream, REQUEST_TIMEOUT);
        wire::read_handshake(&mut until).ok()?;
        let request = wire::read_message::<ToHost>(&mut FrameReader::with_limit(MAX_REQUEST_BYTES), &mut until);
        let answer = match request.ok()?? {
            ToHost::Describe => FromHost::Info(Cow::Owned(DetachedInfo { run: (self.number)(), ..info.clone() })),
            ToHost::Control(command) => {
                let answer = control::carry_out(Some(self.run), self.batch, command);
                wire::write_message(&mut stream, &answer).ok()?;
                return Some(matches!(command, RunCommand::Stop | RunCommand::StopNow));
            }
            ToHost::Watch | ToHost::Command(_) | ToHost::StopOnDisconnect(_) => {
                FromHost::Refused("it runs in a terminal, and can be controlled from elsewhere but not watched".into())
            }
        };
        wire::write_message(&mut stream, &answer).ok()?;
        Some(false)
    }
}

/// Waits until there is a connection at `listener`, or `timeout` is over; false if the run is over instead.
fn is_quiet(left: &UnixStream, listener: Option<&UnixListener>, timeout: Option<Duration>) -> bool {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    loop {
        let mut polled = vec![PollFd::new(left, PollFlags::IN)];
        polled.extend(listener.map(|listener| PollFd::new(listener, PollFlags::IN)));
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) => return polled[0].revents().is_empty(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
