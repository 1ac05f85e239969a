//! The server that a run starts for the workload `http_get`: one small page, for this machine only.
//!
//! Every connection has a thread, of a bounded number, and a deadline. Dropping the server ends all connections, whatever
//! their clients do, and waits for their threads. Not a web server: it has one answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bstr::ByteSlice;
use crossbeam_channel::{Receiver, Sender};
use rustix::event::{PollFd, PollFlags, Timespec};

/// The page, 512 bytes.
pub(super) const PAGE: &str = include_str!("page.html");

/// Connections that are served at the same time; further ones wait until the system takes them out of its queue.
const MAX_CONNECTIONS: usize = 64;

/// How long a client may take from connecting to the end of its request.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// The longest request, in bytes.
const LONGEST_REQUEST: usize = 8 * 1024;

/// How long to wait before another try when the system cannot give a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A server on a free port of the loopback interface, until it is dropped.
#[derive(Debug)]
pub struct LoopbackServer {
    address: SocketAddr,
    // Dropped to end the server: a reader at the other end sees that.
    stop: Option<UnixStream>,
    accepting: Option<JoinHandle<()>>,
}

impl LoopbackServer {
    /// Starts a server. It answers from now on.
    ///
    /// # Errors
    /// When the system has no port, no file descriptor or no thread left.
    pub fn start() -> io::Result<Self> {
        Self::with_deadline(REQUEST_DEADLINE)
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn with_deadline(request_deadline: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // A client may give up between the notice of its connection and its acceptance; accepting must not wait then.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = UnixStream::pair()?;
        let accepting = thread::Builder::new()
            .name("page-server".to_owned())
            .spawn(move || serve(&listener, &stopped, request_deadline))?;
        Ok(Self { address, stop: Some(stop), accepting: Some(accepting) })
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(accepting) = self.accepting.take() {
            // A panic there has been printed already, and there is nothing left to end.
            let _ = accepting.join();
        }
    }
}

/// Accepts connections until `stopped` is closed from the other end, and waits until all have been served.
fn serve(listener: &TcpListener, stopped: &UnixStream, request_deadline: Duration) {
    let (places, served): (Sender<()>, Receiver<()>) = crossbeam_channel::bounded(MAX_CONNECTIONS);
    thread::scope(|scope| {
        while wait(Some(listener), stopped, None) == Wakeup::Ready {
            let Ok((stream, _)) = listener.accept() else {
                wait::<TcpListener>(None, stopped, Some(Instant::now() + ACCEPT_PAUSE));
                continue;
            };
            // Takes a place, or waits for one: every thread gives its own back, at its deadline at the latest.
            if places.send(()).is_err() {
                return;
            }
            let place = served.clone();
            let connection = move || {
                // A failed connection is the client's concern, which sees it.
                let _ = answer(stream, stopped, Instant::now() + request_deadline);
                let _ = place.recv();
            };
            if thread::Builder::new().name("page".to_owned()).spawn_scoped(scope, connection).is_err() {
                // No thread could be started: the connection was closed with the closure, and its place is free.
                let _ = served.try_recv();
            }
        }
    });
}

/// Reads one request and answers it, unless the server is stopped or the deadline passes before.
fn answer(mut stream: TcpStream, stopped: &UnixStream, deadline: Instant) -> io::Result<()> {
    // Some systems hand the listener's setting on.
    stream.set_nonblocking(false)?;
    let mut request = [0; LONGEST_REQUEST];
    let mut length = 0;
    while request[..length].find("\r\n\r\n").is_none() {
        if length == request.len() || wait(Some(&stream), stopped, Some(deadline)) != Wakeup::Ready {
            return Ok(());
        }
        match stream.read(&mut request[length..]) {
            Ok(0) => return Ok(()),
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // The answer fits the socket's buffer, so this does not wait; should it, not for long.
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(answer_to(&request[..length]).as_bytes())
}

fn answer_to(request: &[u8]) -> String {
    let (status, page) =
        if request.starts_with(b"GET ") { ("200 OK", PAGE) } else { ("405 Method Not Allowed\r\nAllow: GET", "") };
    let length = page.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{page}"
    )
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wakeup {
    /// There is something to read or to accept.
    Ready,
    /// The server is being dropped.
    Stopped,
    /// The deadline has passed.
    TooLate,
}

/// Waits until `source` has something to read, the server is being dropped, or the deadline has passed.
fn wait<Source: AsFd>(source: Option<&Source>, stopped: &UnixStream, deadline: Option<Instant>) -> Wakeup {
    loop {
        let mut polled = vec![PollFd::new(stopped, PollFlags::IN)];
        polled.extend(source.map(|source| PollFd::new(source, PollFlags::IN)));
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout =
            left.map(|left| Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() });
        let polling = rustix::event::poll(&mut polled, timeout.as_ref());
        match polling {
            Err(rustix::io::Errno::INTR) => {}
            // Only a bug or lack of memory leads here: ending is better than an endless loop.
            Err(_) => return Wakeup::Stopped,
            Ok(_) if !polled[0].revents().is_empty() => return Wakeup::Stopped,
            Ok(0) => return Wakeup::TooLate,
            Ok(_) => return Wakeup::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::{LONGEST_REQUEST, LoopbackServer, MAX_CONNECTIONS, PAGE};

    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(60));

    fn connect(server: &LoopbackServer) -> TcpStream {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(TIMEOUT).unwrap();
        stream
    }

    fn ask(server: &LoopbackServer, request: &str) -> String {
        let mut stream = connect(server);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn answers_each_get_with_the_page_and_closes() {
        let server = LoopbackServer::start().unwrap();
        assert!(server.address().ip().is_loopback());
        for _ in 0..3 {
            let answer = ask(&server, "GET /any HTTP/1.1\r\nHost: here\r\n\r\n");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 512\r\n\
                        Connection: close\r\n\r\n";
            assert_eq!(answer, format!("{head}{PAGE}"));
        }
        let answer = ask(&server, "PUT / HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n"), "{answer}");
    }

    #[test]
    fn reads_a_request_that_comes_in_pieces() {
        let server = LoopbackServer::start().unwrap();
        let mut stream = connect(&server);
        stream.set_nodelay(true).unwrap();
        for piece in ["GE", "T / HTTP/1.1\r", "\n\r", "\n"] {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with(PAGE), "{answer}");
    }

    #[test]
    fn gives_up_a_client_that_says_too_much() {
        let server = LoopbackServer::start().unwrap();
        let mut stream = connect(&server);
        stream.write_all(&vec![b'x'; LONGEST_REQUEST]).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn silent_clients_keep_nobody_out_for_longer_than_the_deadline() {
        let server = LoopbackServer::with_deadline(Duration::from_millis(50)).unwrap();
        let silent: Vec<_> = (0..=MAX_CONNECTIONS).map(|_| connect(&server)).collect();
        assert!(ask(&server, "GET / HTTP/1.1\r\n\r\n").ends_with(PAGE));
        for mut stream in silent {
            assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "the server closes it");
        }
    }

    #[test]
    fn dropping_it_ends_open_and_waiting_connections() {
        // The deadline is far away: were it waited for, the test would never end.
        let server = LoopbackServer::with_deadline(Duration::from_secs(1_000_000)).unwrap();
        let mut open: Vec<_> = (0..MAX_CONNECTIONS + 5).map(|_| connect(&server)).collect();
        open[0].write_all(b"GET / HT").unwrap();
        drop(server);
        for mut stream in open {
            // Connections that were accepted are closed; the system resets the others together with the port.
            match stream.read(&mut [0; 1]) {
                Ok(length) => assert_eq!(length, 0),
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            }
        }
    }
}
