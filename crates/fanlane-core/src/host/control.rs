//! One command for a run from another process: it is carried out, and answered with where the run was before. Nothing of the
//! run's events is sent for it, so that it costs the same however long the run has been going.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use super::DetachedError;
use super::folder::HostFolder;
use super::watch::connect;
use super::wire::{self, DeadlineReader, FromHost, ToHost};
use crate::engine::{RunCommand, RunHandle, RunStanding};
use crate::job::{Batch, Mode};
use fanlane_os::frame::FrameReader;

/// A run that was asked for something.
#[derive(Debug)]
pub struct ControlledRun {
    /// Where it was before.
    pub standing: RunStanding,
    stream: UnixStream,
}

impl ControlledRun {
    /// Waits until the process of a run in a terminal has ended.
    ///
    /// # Errors
    /// When the connection cannot be read.
    pub fn wait_for_end(mut self) -> io::Result<()> {
        self.stream.read_to_end(&mut Vec::new()).map(drop)
    }
}

/// Carries out a command whose tasks are given by their numbers; `run` is `None` once it has ended.
pub(super) fn carry_out(run: Option<&dyn RunHandle>, batch: &Batch, command: RunCommand) -> FromHost<'static> {
    match try_to(run, batch, command) {
        Ok(standing) => FromHost::Standing(standing),
        Err(words) => FromHost::Refused(words.into()),
    }
}

fn try_to(run: Option<&dyn RunHandle>, batch: &Batch, command: RunCommand) -> Result<RunStanding, String> {
    let run = run.ok_or("it has ended")?;
    if matches!(command, RunCommand::SetWorkers(_)) && batch.job().mode == Mode::One {
        return Err("its mode is one process, so it has one worker".to_owned());
    }
    let mut task = None;
    let mut absent = 0;
    let translated = command.translated(|number| {
        absent = number.0;
        task = batch.with_number(number.0);
        task
    });
    let command = translated.ok_or_else(|| format!("it has no task {absent}"))?;
    if !run.allows(command) {
        return Err("its engine cannot do that".to_owned());
    }
    let standing = run.standing(task).ok_or("its engine does not tell where it is")?;
    run.command(command);
    Ok(standing)
}

/// Asks the process of a run.
pub(super) fn ask(folder: &HostFolder, command: RunCommand) -> Result<ControlledRun, DetachedError> {
    let mut stream = connect(folder)?;
    let lost = |error: io::Error| DetachedError::Lost(error.to_string());
    wire::write_handshake(&mut stream)
        .and_then(|()| wire::write_message(&mut stream, &ToHost::Control(command)))
        .map_err(lost)?;
    let mut until = DeadlineReader::new(&stream, wire::HANDSHAKE_TIMEOUT);
    wire::read_handshake(&mut until)?;
    let standing = match wire::read_message(&mut FrameReader::default(), &mut until) {
        Ok(Some(FromHost::Standing(standing))) => standing,
        Ok(Some(FromHost::Refused(words))) => return Err(DetachedError::Refused(words.into_owned())),
        Ok(_) => return Err(DetachedError::Lost("it sent no answer".to_owned())),
        Err(error) => {
            return Err(DetachedError::Lost(format!("{error}; its process may be suspended")));
        }
    };
    Ok(ControlledRun { standing, stream })
}
