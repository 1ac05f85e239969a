//! `http_get`: n pages fetched from the run's own [server](super::server), one connection each, after the network load
//! of PEP 371 ("100 GETs a worker").
//!
//! Only as much of HTTP as that server speaks: no name is looked up, nothing leaves the machine.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bstr::ByteSlice;

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "http_get",
    about: "Fetches a small page n times from a server that the run starts on this machine; the value is the number \
            of bytes received, without the pages' heads.",
    argument: ArgumentInfo {
        meaning: "number of pages to fetch",
        unit: "GETs",
        kind: ArgumentKind::Whole { min: 0, max: 1_000_000 },
    },
    parameters: &[],
    example: "100",
    example_value: "51200",
    needs_server: true,
    call,
};

/// Maximum time of one connection, one write or one read.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum size of an answer, in bytes.
const LONGEST: u64 = 64 * 1024;

fn call(argument: &[u8], _: &Parameters, context: &CallContext) -> Result<CallValue, String> {
    let pages = INFO.argument.count(argument)?;
    let address = context.server.ok_or("no page can be fetched: this run has no server")?;
    let mut received_bytes = 0;
    let mut answer = Vec::new();
    for page in 1..=pages {
        received_bytes += fetch(address, &mut answer)
            .map_err(|error| format!("cannot fetch page {page} of {pages} from {address}: {error}"))?;
    }
    Ok(CallValue::Int(received_bytes))
}

/// Fetches one page and says how long it is.
fn fetch(address: SocketAddr, answer: &mut Vec<u8>) -> io::Result<i64> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    answer.clear();
    stream.take(LONGEST).read_to_end(answer)?;
    page_length(answer).ok_or_else(|| {
        let first_line = answer.lines().next().unwrap_or_default().as_bstr();
        io::Error::other(format!("expected a whole page, got {} bytes that start {first_line:?}", answer.len()))
    })
}

/// The length of the page in an answer; `None` if there is no page, or not all of it.
fn page_length(answer: &[u8]) -> Option<i64> {
    let (head, page) = answer.split_once_str("\r\n\r\n")?;
    let mut lines = head.lines();
    lines.next()?.strip_prefix(b"HTTP/1.1 200 ")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once_str(":")?;
        name.eq_ignore_ascii_case(b"content-length").then_some(value)
    })?;
    let length: usize = length.trim_ascii().to_str().ok()?.parse().ok()?;
    (page.len() == length).then_some(length as i64)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};

    use rustix::net::{AddressFamily, SocketType};

    use super::{INFO, page_length};
    use crate::job::CallValue;
    use crate::job::workload::server::{LoopbackServer, PAGE};
    use crate::job::workload::tests::error;
    use crate::job::workload::{CallContext, Parameters};

    fn fetch_from(server: SocketAddr, pages: &str) -> Result<CallValue, String> {
        (INFO.call)(pages.as_bytes(), &Parameters::default(), &CallContext { server: Some(server) })
    }

    #[test]
    fn counts_the_bytes_of_all_pages() {
        let server = LoopbackServer::start().unwrap();
        assert_eq!(fetch_from(server.address(), "0"), Ok(CallValue::Int(0)));
        assert_eq!(fetch_from(server.address(), "3"), Ok(CallValue::Int(3 * PAGE.len() as i64)));
    }

    #[test]
    fn says_that_there_is_no_server() {
        assert_eq!(error(&INFO, "1"), "no page can be fetched: this run has no server");
        // A port that is taken, so that no other test gets it, without a listener.
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let silent = SocketAddr::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
        let refused = format!("cannot fetch page 1 of 2 from {silent}: Connection refused (os error 111)");
        assert_eq!(fetch_from(silent, "2"), Err(refused));
    }

    #[test]
    fn says_that_a_page_was_not_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").unwrap();
        });
        let message = "expected a whole page, got 42 bytes that start \"HTTP/1.1 200 OK\"";
        assert_eq!(fetch_from(address, "1"), Err(format!("cannot fetch page 1 of 1 from {address}: {message}")));
        server.join().unwrap();
    }

    #[test]
    fn takes_only_whole_pages_for_pages() {
        assert_eq!(page_length(b"HTTP/1.1 200 OK\r\ncontent-length:4\r\n\r\npage"), Some(4));
        for answer in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npag",
            b"HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\npage",
            b"HTTP/1.1 200 OK\r\n\r\npage",
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\npage",
        ] {
            assert_eq!(page_length(answer), None, "{:?}", bstr::BStr::new(answer));
        }
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "1000001", "http://a"] {
            let expected = "expected a whole number from 0 to 1000000 (GETs)";
            assert_eq!(error(&INFO, argument), format!("the number of pages to fetch is {argument:?}, {expected}"));
        }
    }
}
