//! The host process of a detached run: it receives its order, runs the engine, records the history, serves watchers,
//! and ends on its own.

use std::borrow::Cow;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::setsid;
use serde::{Deserialize, Serialize};

use super::folder::HostFolder;
use super::hosting::{self, Hosting, Starter};
use super::order::{Refusal, SentOrder, path};
use super::serve::{self, HostState, lock};
use super::wire::{self, DeadlineReader, FromHost};
use crate::engine::RunCommand;
use fanlane_mp::Function;
use fanlane_os::descriptors;
use fanlane_os::frame::FrameReader;

/// The name of this role.
pub(super) const HOST_ROLE: &str = "host";
/// Maximum time for the order to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Exit code of a host that ran nothing.
pub(super) const EXIT_REFUSED: i32 = 2;

/// The first message of a starter: the order, and the folder of the run.
#[derive(Serialize, Deserialize)]
pub(super) struct StartRequest {
    pub order: SentOrder,
    #[serde(with = "serde_bytes")]
    pub folder: Vec<u8>,
}

/// The role of a host, for [`mp::init`](fanlane_mp::init).
pub fn host_role() -> Function {
    Function::service(HOST_ROLE, serve)
}

fn serve(mut control: UnixStream) -> i32 {
    // Detaches from the starter's terminal and process group. It fails if the process is a session leader already.
    let _ = setsid();
    descriptors::close_inherited(&control);
    match begin(&mut control) {
        Ok((hosting, stops)) => {
            hosting.run_to_end(&mut WatchingStarter { control: Some(control), stops });
            0
        }
        Err(refusal) => {
            refusal.note_in_queue();
            // The starter may have ended, and then needs no answer.
            let _ = wire::write_message(&mut control, &FromHost::Refused(refusal.words.into()));
            EXIT_REFUSED
        }
    }
}

/// Begins the run; also whether it stops with its starter.
fn begin(control: &mut UnixStream) -> Result<(Hosting, bool), Refusal> {
    let StartRequest { order, folder } = read_request(control)?;
    let folder = HostFolder::at(path(folder)).map_err(|error| error.to_string())?;
    let (order, to_take) = order.open()?;
    let stops = order.stops_with_starter;
    Ok((hosting::begin(order, to_take, folder, None)?, stops))
}

/// A starter that becomes the first watcher.
struct WatchingStarter {
    control: Option<UnixStream>,
    /// The run stops with it.
    stops: bool,
}

impl Starter for WatchingStarter {
    fn begun(&mut self, state: &Arc<HostState>) {
        let Some(mut control) = self.control.take() else { return };
        let info = lock(&state.info).clone();
        let is_sent = wire::write_message(&mut control, &FromHost::Info(Cow::Borrowed(&info)))
            .and_then(|()| serve::serve_starter(state, control, self.stops));
        if is_sent.is_err() && self.stops {
            state.command(RunCommand::Stop);
        }
    }
}

fn read_request(control: &mut UnixStream) -> Result<StartRequest, String> {
    wire::write_handshake(control).map_err(|error| error.to_string())?;
    let mut until = DeadlineReader::new(control, REQUEST_TIMEOUT);
    wire::read_handshake(&mut until).map_err(|error| error.to_string())?;
    match wire::read_message(&mut FrameReader::default(), &mut until) {
        Ok(Some(request)) => Ok(request),
        Ok(None) => Err("there was no order".to_owned()),
        Err(error) => Err(format!("the order cannot be read: {error}")),
    }
}
