//! Standard streams that do not block, because another program that shares them has made them so.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat};

use crate::descriptors;

/// Has reads and writes on the standard streams wait again where another program has made them non-blocking. That program
/// keeps its own way: the stream is opened anew. Where that is not possible, as for sockets, [`Patient`] is left.
pub fn make_blocking() {
    let stdin = opened_anew(io::stdin().as_fd(), OFlags::RDONLY);
    let stdout = opened_anew(io::stdout().as_fd(), OFlags::WRONLY);
    let stderr = opened_anew(io::stderr().as_fd(), OFlags::WRONLY);
    // What cannot be replaced stays as it is.
    let _ = stdin.map(rustix::stdio::dup2_stdin);
    let _ = stdout.map(rustix::stdio::dup2_stdout);
    let _ = stderr.map(rustix::stdio::dup2_stderr);
}

/// The same pipe or terminal in a description of its own, where this one does not block.
fn opened_anew(stream: BorrowedFd<'_>, access: OFlags) -> Option<OwnedFd> {
    let is_kind = |kind| matches!(kind, FileType::Fifo | FileType::CharacterDevice);
    let kind = FileType::from_raw_mode(fstat(stream).ok()?.st_mode);
    if !is_kind(kind) || !fcntl_getfl(stream).ok()?.contains(OFlags::NONBLOCK) {
        return None;
    }
    // A pipe whose other end is not there yet must not hold up the start.
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let anew = rustix::fs::open(descriptors::path_of(&stream), flags, Mode::empty()).ok()?;
    fcntl_setfl(&anew, OFlags::empty()).ok()?;
    Some(anew)
}

/// A file that is written as a whole also where it does not block: what has no room is waited for.
#[derive(Debug)]
pub struct Patient(pub File);

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_socket_without_room_is_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().expect("sockets");
        ours.set_nonblocking(true).expect("set");
        let bytes = vec![7; 4 << 20];
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).map(|_| all)
        });
        Patient(File::from(OwnedFd::from(ours))).write_all(&bytes).expect("all of it");
        assert!(reading.join().expect("read").expect("read") == bytes);
    }

    #[test]
    fn a_pipe_is_opened_anew_and_the_other_program_keeps_its_way() {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        assert!(opened_anew(writer.as_fd(), OFlags::WRONLY).is_none(), "it blocks");
        fcntl_setfl(&writer, OFlags::NONBLOCK).expect("set");
        let anew = opened_anew(writer.as_fd(), OFlags::WRONLY).expect("another");
        assert!(!fcntl_getfl(&anew).expect("flags").contains(OFlags::NONBLOCK));
        assert!(fcntl_getfl(&writer).expect("flags").contains(OFlags::NONBLOCK));
        rustix::io::write(&anew, b"x").expect("written");
        drop((anew, writer));
        fcntl_setfl(&reader, OFlags::NONBLOCK).expect("set");
        // Its writers are gone, which holds up nothing.
        let anew = opened_anew(reader.as_fd(), OFlags::RDONLY).expect("another");
        let mut text = String::new();
        File::from(anew).read_to_string(&mut text).expect("read");
        assert_eq!(text, "x");
    }
}
