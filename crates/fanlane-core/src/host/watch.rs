//! A watcher's connection to a detached run.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::net::{SendFlags, send};

use super::DetachedError;
use super::folder::HostFolder;
use super::wire::{self, DeadlineReader, DetachedInfo, FromHost, ToHost};
use crate::engine::RunCommand;
use crate::event::Event;
use crate::job::Batch;
use crate::job::batch::BatchFeed;
use fanlane_os::frame::{FrameReader, write_frame};

/// An update on a detached run.
#[derive(Debug)]
pub enum DetachedUpdate {
    /// An event of the run.
    Event(Event),
    /// The run's number in the history; `None`: it is not recorded.
    Recorded(Option<i64>),
    /// A message for the user.
    Message(String),
}

/// A watched detached run, from its start. Dropping it ends the watching, not the run.
#[derive(Debug)]
pub struct DetachedRun {
    /// What runs, and since when.
    pub info: DetachedInfo,
    /// The batch, if it was requested.
    batch: Option<Arc<Batch>>,
    /// Where its rows go if it grows.
    feed: Option<BatchFeed>,
    stream: Arc<UnixStream>,
    frames: FrameReader,
    folder: HostFolder,
    is_over: bool,
}

/// Sends commands to a watched run.
#[derive(Debug, Clone)]
pub struct DetachedHandle(Arc<UnixStream>);

impl DetachedRun {
    /// The folder that the job's relative paths start from.
    pub fn job_folder(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(self.info.folder.clone()))
    }

    /// A file that is locked for as long as a process of the run lives.
    pub fn lock_file(&self) -> PathBuf {
        self.folder.log_file()
    }

    /// The batch, unless this watcher started the run.
    pub const fn batch(&self) -> Option<&Arc<Batch>> {
        self.batch.as_ref()
    }

    /// Whether the batch grows: its rows come with the updates.
    pub const fn grows(&self) -> bool {
        self.feed.is_some()
    }

    /// Whether [`DetachedRun::next_update`] would return without waiting.
    pub fn has_more(&self) -> bool {
        self.is_over || self.frames.has_message()
    }

    /// A handle for commands to the run.
    pub fn handle(&self) -> DetachedHandle {
        DetachedHandle(Arc::clone(&self.stream))
    }

    /// Waits for the next update; `None` after the last.
    ///
    /// # Errors
    /// [`DetachedError::Lost`] when the host ended before the run did, with the end of its log;
    /// [`DetachedError::Refused`] when the run continues but can no longer be watched.
    pub fn next_update(&mut self) -> Result<Option<DetachedUpdate>, DetachedError> {
        while !self.is_over {
            let message = wire::read_message::<FromHost>(&mut self.frames, &mut &*self.stream);
            return Ok(Some(match message {
                Ok(Some(FromHost::Event(event))) => DetachedUpdate::Event(event.into_owned()),
                Ok(Some(FromHost::Recorded(id))) => {
                    self.info.run = id;
                    DetachedUpdate::Recorded(id)
                }
                Ok(Some(FromHost::Message(words))) => DetachedUpdate::Message(words.into_owned()),
                Ok(Some(FromHost::End)) => {
                    self.is_over = true;
                    return Ok(None);
                }
                Ok(Some(FromHost::Refused(words))) => return Err(DetachedError::Refused(words.into_owned())),
                Ok(Some(FromHost::Rows(rows))) => {
                    if let Some(feed) = &mut self.feed {
                        let pushed = feed.push_all(rows.iter().map(|row| row.as_slice()));
                        pushed.map_err(|error| DetachedError::Lost(error.to_string()))?;
                    }
                    continue;
                }
                Ok(Some(FromHost::Info(_) | FromHost::Batch(_) | FromHost::Standing(_))) => continue,
                Ok(None) => return Err(self.lost("the process was killed, or closed this connection")),
                Err(error) => return Err(self.lost(&error.to_string())),
            }));
        }
        Ok(None)
    }

    fn lost(&self, reason: &str) -> DetachedError {
        let lost = self.folder.lost(reason);
        // No later listing of the runs may clean up.
        self.folder.remove_if_dead();
        lost
    }
}

impl Drop for DetachedRun {
    fn drop(&mut self) {
        // Ends the connection even if handles still exist.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl DetachedHandle {
    /// Sends a command to the run. Never waits: if the host does not read, the command is dropped.
    pub fn command(&self, command: RunCommand) {
        self.send(ToHost::Command(command));
    }

    /// Sets whether the run is stopped when this connection ends.
    pub fn stop_on_disconnect(&self, wanted: bool) {
        self.send(ToHost::StopOnDisconnect(wanted));
    }

    /// Ends the watching.
    pub fn disconnect(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }

    fn send(&self, message: ToHost) {
        let mut bytes = Vec::new();
        if write_frame(&mut bytes, &message).is_ok() {
            let _ = send(self.0.as_fd(), &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }
}

/// Connects to the host of a run of this user.
pub(super) fn connect(folder: &HostFolder) -> Result<UnixStream, DetachedError> {
    let stream = folder.connect().map_err(|error| DetachedError::Lost(error.to_string()))?;
    if !wire::is_own(&stream) {
        return Err(DetachedError::Foreign(folder.path().to_owned()));
    }
    Ok(stream)
}

/// Asks a host what it runs.
pub(super) fn describe(folder: &HostFolder) -> Result<DetachedInfo, DetachedError> {
    let mut stream = connect(folder)?;
    let lost = |error: io::Error| DetachedError::Lost(error.to_string());
    wire::write_handshake(&mut stream)
        .and_then(|()| wire::write_message(&mut stream, &ToHost::Describe))
        .map_err(lost)?;
    let mut until = DeadlineReader::new(&stream, wire::HANDSHAKE_TIMEOUT);
    wire::read_handshake(&mut until)?;
    match wire::read_message(&mut FrameReader::default(), &mut until) {
        Ok(Some(FromHost::Info(info))) => Ok(info.into_owned()),
        Ok(Some(FromHost::Refused(words))) => Err(DetachedError::Refused(words.into_owned())),
        Ok(_) => Err(DetachedError::Lost("it sent no info about the run".to_owned())),
        Err(error) => Err(DetachedError::Lost(error.to_string())),
    }
}

/// Begins to watch: as the starter, which has sent its order and knows the batch, or (`is_late`) as another watcher.
pub(super) fn begin(stream: UnixStream, folder: HostFolder, is_late: bool) -> Result<DetachedRun, DetachedError> {
    let lost = |words: String| DetachedError::Lost(words);
    if is_late {
        let mut out = &stream;
        let sent = wire::write_handshake(&mut out).and_then(|()| wire::write_message(&mut out, &ToHost::Watch));
        sent.map_err(|error| lost(error.to_string()))?;
    }
    let mut frames = FrameReader::default();
    wire::read_handshake(&mut &stream)?;
    let mut receive = || match wire::read_message(&mut frames, &mut &stream) {
        Ok(Some(FromHost::Refused(words))) => Err(DetachedError::Refused(words.into_owned())),
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(lost("it ended before the run began".to_owned())),
        Err(error) => Err(lost(error.to_string())),
    };
    let FromHost::Info(info) = receive()? else { return Err(lost("it sent no info about the run".to_owned())) };
    let (batch, feed) = if is_late {
        let FromHost::Batch(bytes) = receive()? else { return Err(lost("it did not send its tasks".to_owned())) };
        let (batch, feed) = Batch::unpack_growing(&bytes)?;
        (Some(Arc::new(batch)), feed)
    } else {
        (None, None)
    };
    Ok(DetachedRun { info: info.into_owned(), batch, feed, stream: Arc::new(stream), frames, folder, is_over: false })
}
