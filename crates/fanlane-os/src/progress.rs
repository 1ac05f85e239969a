//! Progress reports of a process: datagrams to an abstract socket whose name is in its environment. Cheap for both sides, and
//! nothing is left behind when either is killed.
//!
//! A report carries a label chosen by the listener; its meaning is not known here.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use super::clock::monotonic_ns;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt};

/// Maximum length of a message, in characters; the rest is cut off.
pub const MAX_MESSAGE_CHARS: usize = 120;

/// Maximum length of a report, in bytes; the rest is cut off.
const MAX_REPORT_BYTES: usize = 1024;

/// A progress report.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The label of the address that it was sent to.
    pub label: String,
    /// When it was sent, in nanoseconds of the clock that all processes share.
    pub sent_ns: u64,
    /// The fraction done, 0 to 1.
    pub fraction: f32,
    /// What is being done, on one line; may be empty.
    pub message: String,
}

/// Parses a fraction: `0.4` or `40%`.
///
/// # Errors
/// A message for the user.
pub fn parse_fraction(text: &str) -> Result<f32, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let fraction = number.parse::<f32>().ok().map(|number| number / scale).filter(|part| (0.0..=1.0).contains(part));
    fraction.ok_or_else(|| format!("'{text}' is no progress; write a number from 0 to 1, or 0% to 100%"))
}

/// Sends a report to `address`, an address from the environment. Never waits: if the listener is busy, the report is dropped,
/// since another will follow.
///
/// # Errors
/// When the address is invalid or its listener is gone.
pub fn send(address: &str, fraction: f32, message: &str) -> io::Result<()> {
    let (name, label) = address.split_once('/').ok_or(io::ErrorKind::InvalidInput)?;
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let message: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
    let report = format!("{label} {} {fraction} {message}", monotonic_ns());
    match socket.send_to_addr(report.as_bytes(), &SocketAddr::from_abstract_name(name)?) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        other => other.map(drop),
    }
}

/// A receiver of reports.
#[derive(Debug)]
pub struct Listener {
    socket: UnixDatagram,
    name: String,
}

impl Listener {
    /// Listens under a unique name.
    ///
    /// # Errors
    /// When no socket can be opened.
    pub fn new() -> io::Result<Self> {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        let name = format!("fanlane-{}-{:016x}", std::process::id(), u64::from_ne_bytes(bytes));
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        sockopt::set_socket_passcred(&socket, true)?;
        Ok(Self { socket, name })
    }

    /// The address for a process that reports under `label`.
    pub fn address_of(&self, label: &str) -> String {
        format!("{}/{label}", self.name)
    }

    /// The name that its addresses begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for a report for at most `timeout`.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn receive(&self, timeout: std::time::Duration) -> io::Result<Option<Report>> {
        // Zero would mean no timeout.
        self.socket.set_read_timeout(Some(timeout.max(std::time::Duration::from_millis(1))))?;
        let mut bytes = [0; MAX_REPORT_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let count = match recvmsg(&self.socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => received.bytes,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let is_ours = ancillary.drain().any(|message| match message {
            RecvAncillaryMessage::ScmCredentials(sender) => sender.uid == rustix::process::geteuid(),
            _ => false,
        });
        Ok(is_ours.then(|| read(&bytes[..count])).flatten())
    }
}

/// Parses a report; `None` for anything else.
fn read(bytes: &[u8]) -> Option<Report> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(4, ' ');
    let (label, sent_ns, fraction) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    let fraction = fraction.parse::<f32>().ok().filter(|part| (0.0..=1.0).contains(part))?;
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    let message = parts.next().unwrap_or_default().chars().map(printable).take(MAX_MESSAGE_CHARS).collect();
    Some(Report { label: label.to_owned(), sent_ns, fraction, message })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn reports_arrive_and_garbage_does_not() {
        let listener = Listener::new().unwrap();
        let address = listener.address_of("7.1");
        send(&address, 0.25, &format!("a\nb {}", "ä".repeat(500))).unwrap();
        let report = listener.receive(Duration::from_secs(60)).unwrap().expect("it was sent");
        assert_eq!((report.label.as_str(), report.fraction), ("7.1", 0.25));
        assert!(report.sent_ns > 0 && report.sent_ns <= monotonic_ns());
        assert!(report.message.starts_with("a b ää") && report.message.chars().count() == MAX_MESSAGE_CHARS);
        let stranger = UnixDatagram::unbound().unwrap();
        let place = SocketAddr::from_abstract_name(listener.name()).unwrap();
        for garbage in
            [&b""[..], b"7.1", b"7.1 x 1", b"7.1 1", b"7.1 1 2 much", b"7.1 1 NaN", b"\xff\xff \xff", &[b' '; 4000]]
        {
            stranger.send_to_addr(garbage, &place).unwrap();
            assert_eq!(listener.receive(Duration::from_secs(60)).unwrap(), None);
        }
        assert_eq!(listener.receive(Duration::from_millis(1)).unwrap(), None, "nothing more is there");
        for number in 0..10_000 {
            send(&address, 0.5, &number.to_string()).expect("it never waits");
        }
        drop(listener);
        assert!(send(&address, 1.0, "").is_err());
        assert!(send("no label", 1.0, "").is_err());
    }

    #[test]
    fn fractions_are_read_in_both_forms() {
        assert_eq!(
            (parse_fraction("0.4"), parse_fraction("40%"), parse_fraction("100 %")),
            (Ok(0.4), Ok(0.4), Ok(1.0))
        );
        for text in ["", "%", "1.1", "-0.1", "101%", "NaN", "half"] {
            assert!(parse_fraction(text).unwrap_err().contains("0 to 1"), "{text}");
        }
    }
}
