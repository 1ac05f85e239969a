//! What calls of a script print is shown by the script: also what C code prints, and programs that they start, which the
//! interpreter does not see. So the worker tells the script of all that comes from the streams, by a data link of its own.

use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

use crate::engine::python::ScriptLink;

/// How long a script may take to let the worker in; what is printed then is in the history alone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// When it is tried again after that.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// The kind of the frame, its length, the call and the stream.
const HEAD_BYTES: usize = 1 + 4 + 8 + 1;

/// The terminal of a script, as far as calls print to it.
pub struct ScriptTerminal {
    script: ScriptLink,
    lane: u32,
    link: Mutex<Link>,
}

enum Link {
    /// Nothing was printed yet, or the script did not answer until then.
    Closed(Option<Instant>),
    Open(UnixStream),
}

impl ScriptTerminal {
    /// That of `script`, for what `lane` prints.
    pub const fn new(script: ScriptLink, lane: u32) -> Self {
        Self { script, lane, link: Mutex::new(Link::Closed(None)) }
    }

    /// Has the script show what a call has printed. It waits for a script that does not read, as a pipe would.
    pub fn show(&self, call: u64, stream: usize, piece: &[u8]) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if let Link::Closed(failed) = &*link
            && failed.is_none_or(|failed| failed.elapsed() > RETRY_INTERVAL)
        {
            *link = self.connect().map_or_else(|_| Link::Closed(Some(Instant::now())), Link::Open);
        }
        let Link::Open(script) = &mut *link else { return };
        let mut frame = Vec::with_capacity(HEAD_BYTES + piece.len());
        frame.push(b'O');
        frame.extend_from_slice(&u32::try_from(8 + 1 + piece.len()).unwrap_or(u32::MAX).to_le_bytes());
        frame.extend_from_slice(&call.to_le_bytes());
        frame.push(if stream == 0 { 1 } else { 2 });
        frame.extend_from_slice(piece);
        if script.write_all(&frame).is_err() {
            // The script has ended.
            *link = Link::Closed(Some(Instant::now()));
        }
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let mut link = UnixStream::connect_addr(&SocketAddr::from_abstract_name(self.script.address())?)?;
        if socket_peercred(&link)?.uid != geteuid() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        link.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        link.write_all(&self.script.greeting_of_terminal(self.lane))?;
        // From its answer on the script reads all that comes, also at its end.
        link.read_exact(&mut [0])?;
        Ok(link)
    }
}
