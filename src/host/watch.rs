//! The connection to a host, as those who watch its run have it.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::net::{SendFlags, send};

use super::HostError;
use super::folder::HostFolder;
use super::wire::{self, FromHost, HostInfo, ToHost, Until};
use crate::engine::RunCommand;
use crate::event::Event;
use crate::job::Batch;
use crate::mp::frame::{FrameReader, write_frame};

/// Something that a host says of its run.
#[derive(Debug)]
pub enum Heard {
    /// It happened in the run.
    Event(Event),
    /// The run has this number in the history now; `None`: it is not recorded.
    Recorded(Option<i64>),
    /// Words for people.
    Said(String),
}

/// A run that is watched from its start on. Dropping it ends the watching, not the run.
#[derive(Debug)]
pub struct Watching {
    /// What is run.
    pub info: HostInfo,
    /// The batch, where it was asked for.
    batch: Option<Arc<Batch>>,
    stream: Arc<UnixStream>,
    frames: FrameReader,
    folder: HostFolder,
    is_over: bool,
}

/// What commands a run that is watched.
#[derive(Debug, Clone)]
pub struct HostHandle(Arc<UnixStream>);

impl Watching {
    /// Where the job's relative paths start.
    pub fn job_folder(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(self.info.folder.clone()))
    }

    /// The tasks, of a run that somebody else has started.
    pub const fn batch(&self) -> Option<&Arc<Batch>> {
        self.batch.as_ref()
    }

    /// Whether [`Watching::hear`] has something at hand and does not wait.
    pub fn has_more(&self) -> bool {
        self.is_over || self.frames.has_message()
    }

    /// What commands the run.
    pub fn handle(&self) -> HostHandle {
        HostHandle(Arc::clone(&self.stream))
    }

    /// Waits for what the host says next; `None` after the last.
    ///
    /// # Errors
    /// [`HostError::Lost`] when the host ended before the run did, with its last words; [`HostError::Refused`] when the run goes
    /// on but cannot be watched any more.
    pub fn hear(&mut self) -> Result<Option<Heard>, HostError> {
        while !self.is_over {
            let heard = wire::hear::<FromHost>(&mut self.frames, &mut &*self.stream);
            return Ok(Some(match heard {
                Ok(Some(FromHost::Event(event))) => Heard::Event(event),
                Ok(Some(FromHost::Recorded(id))) => {
                    self.info.run = id;
                    Heard::Recorded(id)
                }
                Ok(Some(FromHost::Said(words))) => Heard::Said(words),
                Ok(Some(FromHost::End)) => {
                    self.is_over = true;
                    return Ok(None);
                }
                Ok(Some(FromHost::Refused(words))) => return Err(HostError::Refused(words)),
                Ok(Some(FromHost::About(_) | FromHost::Batch(_))) => continue,
                Ok(None) => return Err(self.lost("the process was killed, or this watcher was shut out")),
                Err(error) => return Err(self.lost(&error.to_string())),
            }));
        }
        Ok(None)
    }

    fn lost(&self, reason: &str) -> HostError {
        let words = self.folder.last_words();
        // Nobody else may come by to clean up.
        self.folder.sweep();
        HostError::Lost(if words.is_empty() { reason.to_owned() } else { format!("{reason}; it said: {words}") })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Also where somebody still has a handle.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

impl HostHandle {
    /// Asks something of the run. Never waits: a host that takes nothing any more is not heeded.
    pub fn command(&self, command: RunCommand) {
        self.say(ToHost::Command(command));
    }

    /// Has the run stopped when this connection ends, however it ends; or go on.
    pub fn stop_with_me(&self, wanted: bool) {
        self.say(ToHost::StopWithMe(wanted));
    }

    /// Ends the watching.
    pub fn let_go(&self) {
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
pub(super) fn knock(folder: &HostFolder) -> Result<UnixStream, HostError> {
    let stream = folder.connect().map_err(|error| HostError::Lost(error.to_string()))?;
    if !wire::is_own(&stream) {
        return Err(HostError::Foreign(folder.path().to_owned()));
    }
    Ok(stream)
}

/// What a host runs.
pub(super) fn describe(folder: &HostFolder) -> Result<HostInfo, HostError> {
    let mut stream = knock(folder)?;
    let lost = |error: io::Error| HostError::Lost(error.to_string());
    wire::greet(&mut stream).and_then(|()| wire::say(&mut stream, &ToHost::Describe)).map_err(lost)?;
    let mut until = Until::new(&stream, wire::FIRST_WORDS);
    wire::hear_greeting(&mut until)?;
    match wire::hear(&mut FrameReader::default(), &mut until) {
        Ok(Some(FromHost::About(info))) => Ok(info),
        Ok(Some(FromHost::Refused(words))) => Err(HostError::Refused(words)),
        Ok(_) => Err(HostError::Lost("it does not say what it runs".to_owned())),
        Err(error) => Err(HostError::Lost(error.to_string())),
    }
}

/// Begins to watch: as the starter, who has said all that it has to say and knows the batch, or as somebody who comes later.
pub(super) fn begin(stream: UnixStream, folder: HostFolder, is_late: bool) -> Result<Watching, HostError> {
    let lost = |words: String| HostError::Lost(words);
    if is_late {
        let mut said = &stream;
        let greeted = wire::greet(&mut said).and_then(|()| wire::say(&mut said, &ToHost::Watch));
        greeted.map_err(|error| lost(error.to_string()))?;
    }
    let mut frames = FrameReader::default();
    wire::hear_greeting(&mut &stream)?;
    let mut hear = || match wire::hear(&mut frames, &mut &stream) {
        Ok(Some(FromHost::Refused(words))) => Err(HostError::Refused(words)),
        Ok(Some(heard)) => Ok(heard),
        Ok(None) => Err(lost("it ended before the run had begun".to_owned())),
        Err(error) => Err(lost(error.to_string())),
    };
    let FromHost::About(info) = hear()? else { return Err(lost("it does not say what it runs".to_owned())) };
    let batch = if is_late {
        let FromHost::Batch(bytes) = hear()? else { return Err(lost("it does not say what its tasks are".to_owned())) };
        Some(Arc::new(Batch::unpack(&bytes)?))
    } else {
        None
    };
    Ok(Watching { info, batch, stream: Arc::new(stream), frames, folder, is_over: false })
}
