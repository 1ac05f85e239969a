//! The connection to a host, as those who watch its run have it.

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
use fanlane_os::frame::{FrameReader, write_frame};

/// Something that a host says of its run.
#[derive(Debug)]
pub enum DetachedUpdate {
    /// It happened in the run.
    Event(Event),
    /// The run has this number in the history now; `None`: it is not recorded.
    Recorded(Option<i64>),
    /// Words for people.
    Message(String),
}

/// A run that is watched from its start on. Dropping it ends the watching, not the run.
#[derive(Debug)]
pub struct DetachedRun {
    /// What is run.
    pub info: DetachedInfo,
    /// The batch, where it was asked for.
    batch: Option<Arc<Batch>>,
    stream: Arc<UnixStream>,
    frames: FrameReader,
    folder: HostFolder,
    is_over: bool,
}

/// What commands a run that is watched.
#[derive(Debug, Clone)]
pub struct DetachedHandle(Arc<UnixStream>);

impl DetachedRun {
    /// Where the job's relative paths start.
    pub fn job_folder(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(self.info.folder.clone()))
    }

    /// The tasks, of a run that somebody else has started.
    pub const fn batch(&self) -> Option<&Arc<Batch>> {
        self.batch.as_ref()
    }

    /// Whether [`DetachedRun::next_update`] has something at hand and does not wait.
    pub fn has_more(&self) -> bool {
        self.is_over || self.frames.has_message()
    }

    /// What commands the run.
    pub fn handle(&self) -> DetachedHandle {
        DetachedHandle(Arc::clone(&self.stream))
    }

    /// Waits for what the host says next; `None` after the last.
    ///
    /// # Errors
    /// [`DetachedError::Lost`] when the host ended before the run did, with its last words; [`DetachedError::Refused`] when the run goes
    /// on but cannot be watched any more.
    pub fn next_update(&mut self) -> Result<Option<DetachedUpdate>, DetachedError> {
        while !self.is_over {
            let heard = wire::read_message::<FromHost>(&mut self.frames, &mut &*self.stream);
            return Ok(Some(match heard {
                Ok(Some(FromHost::Event(event))) => DetachedUpdate::Event(event),
                Ok(Some(FromHost::Recorded(id))) => {
                    self.info.run = id;
                    DetachedUpdate::Recorded(id)
                }
                Ok(Some(FromHost::Message(words))) => DetachedUpdate::Message(words),
                Ok(Some(FromHost::End)) => {
                    self.is_over = true;
                    return Ok(None);
                }
                Ok(Some(FromHost::Refused(words))) => return Err(DetachedError::Refused(words)),
                Ok(Some(FromHost::Info(_) | FromHost::Batch(_))) => continue,
                Ok(None) => return Err(self.lost("the process was killed, or this watcher was shut out")),
                Err(error) => return Err(self.lost(&error.to_string())),
            }));
        }
        Ok(None)
    }

    fn lost(&self, reason: &str) -> DetachedError {
        let words = self.folder.log_tail();
        // Nobody else may come by to clean up.
        self.folder.remove_if_dead();
        DetachedError::Lost(if words.is_empty() { reason.to_owned() } else { format!("{reason}; it said: {words}") })
    }
}

impl Drop for DetachedRun {
    fn drop(&mut self) {
        // Also where somebody still has a handle.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl DetachedHandle {
    /// Asks something of the run. Never waits: a host that takes nothing any more is not heeded.
    pub fn command(&self, command: RunCommand) {
        self.say(ToHost::Command(command));
    }

    /// Has the run stopped when this connection ends, however it ends; or go on.
    pub fn stop_on_disconnect(&self, wanted: bool) {
        self.say(ToHost::StopOnDisconnect(wanted));
    }

    /// Ends the watching.
    pub fn disconnect(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }

    fn say(&self, words: ToHost) {
        let mut bytes = Vec::new();
        if write_frame(&mut bytes, &words).is_ok() {
            let _ = send(self.0.as_fd(), &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        }
    }
}

/// Connects to a host of this user.
pub(super) fn connect(folder: &HostFolder) -> Result<UnixStream, DetachedError> {
    let stream = folder.connect().map_err(|error| DetachedError::Lost(error.to_string()))?;
    if !wire::is_own(&stream) {
        return Err(DetachedError::Foreign(folder.path().to_owned()));
    }
    Ok(stream)
}

/// What a host runs.
pub(super) fn describe(folder: &HostFolder) -> Result<DetachedInfo, DetachedError> {
    let mut stream = connect(folder)?;
    let lost = |error: io::Error| DetachedError::Lost(error.to_string());
    wire::write_handshake(&mut stream)
        .and_then(|()| wire::write_message(&mut stream, &ToHost::Describe))
        .map_err(lost)?;
    let mut until = DeadlineReader::new(&stream, wire::HANDSHAKE_TIMEOUT);
    wire::read_handshake(&mut until)?;
    match wire::read_message(&mut FrameReader::default(), &mut until) {
        Ok(Some(FromHost::Info(info))) => Ok(info),
        Ok(Some(FromHost::Refused(words))) => Err(DetachedError::Refused(words)),
        Ok(_) => Err(DetachedError::Lost("it does not say what it runs".to_owned())),
        Err(error) => Err(DetachedError::Lost(error.to_string())),
    }
}

/// Begins to watch: as the starter, who has said all that it has to say and knows the batch, or as somebody who comes later.
pub(super) fn begin(stream: UnixStream, folder: HostFolder, is_late: bool) -> Result<DetachedRun, DetachedError> {
    let lost = |words: String| DetachedError::Lost(words);
    if is_late {
        let mut said = &stream;
        let greeted = wire::write_handshake(&mut said).and_then(|()| wire::write_message(&mut said, &ToHost::Watch));
        greeted.map_err(|error| lost(error.to_string()))?;
    }
    let mut frames = FrameReader::default();
    wire::read_handshake(&mut &stream)?;
    let mut hear = || match wire::read_message(&mut frames, &mut &stream) {
        Ok(Some(FromHost::Refused(words))) => Err(DetachedError::Refused(words)),
        Ok(Some(heard)) => Ok(heard),
        Ok(None) => Err(lost("it ended before the run had begun".to_owned())),
        Err(error) => Err(lost(error.to_string())),
    };
    let FromHost::Info(info) = hear()? else { return Err(lost("it does not say what it runs".to_owned())) };
    let batch = if is_late {
        let FromHost::Batch(bytes) = hear()? else { return Err(lost("it does not say what its tasks are".to_owned())) };
        Some(Arc::new(Batch::unpack(&bytes)?))
    } else {
        None
    };
    Ok(DetachedRun { info, batch, stream: Arc::new(stream), frames, folder, is_over: false })
}
