//! Two ends of a connection in this process, with threads as the users of its channels.

use std::io::{Read, Write};
use std::thread::JoinHandle;

use super::*;

/// An owner that opens each channel that it is told of, with a thread that does `serve`.
struct Opener {
    handle: Arc<MuxHandle>,
    serve: fn(UnixStream),
    threads: Vec<JoinHandle<()>>,
}

impl MuxOwner for Opener {
    fn take(&mut self, message: &[u8]) -> io::Result<()> {
        let channel: u32 = postcard::from_bytes(message).map_err(io::Error::other)?;
        let (ours, theirs) = UnixStream::pair()?;
        self.handle.attach(channel, ours);
        let serve = self.serve;
        self.threads.push(std::thread::spawn(move || serve(theirs)));
        Ok(())
    }

    fn look(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

struct Starter;

impl MuxOwner for Starter {
    fn take(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn look(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

fn connected(serve: fn(UnixStream)) -> (Arc<MuxHandle>, [JoinHandle<io::Result<()>>; 2]) {
    let (here, there) = UnixStream::pair().unwrap();
    let both = |stream: UnixStream| (stream.try_clone().unwrap().into(), OwnedFd::from(stream));
    let (reader, writer) = both(here);
    let mine = Mux::new(reader, writer).unwrap();
    let (reader, writer) = both(there);
    let theirs = Mux::new(reader, writer).unwrap();
    let handle = mine.handle();
    let mut opener = Opener { handle: theirs.handle(), serve, threads: Vec::new() };
    let threads = [
        std::thread::spawn(move || mine.run(&mut Starter)),
        std::thread::spawn(move || {
            let ended = theirs.run(&mut opener);
            opener.threads.into_iter().for_each(|thread| thread.join().unwrap());
            ended
        }),
    ];
    (handle, threads)
}

#[test]
fn each_channel_has_its_bytes_in_order_and_its_end() {
    let (handle, threads) = connected(|mut stream| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes.reverse();
        stream.write_all(&bytes).unwrap();
    });
    let users: Vec<_> = (0..20_u32)
        .map(|channel| {
            let (mut mine, theirs) = UnixStream::pair().unwrap();
            handle.open(channel, theirs, &channel).unwrap();
            std::thread::spawn(move || {
                // More than the window, in an odd size.
                let sent: Vec<u8> =
                    (0..WINDOW_BYTES * 2 + 77).map(|byte| (byte as u32 * (channel + 3)) as u8).collect();
                mine.write_all(&sent).unwrap();
                mine.shutdown(std::net::Shutdown::Write).unwrap();
                let mut back = Vec::new();
                mine.read_to_end(&mut back).unwrap();
                back.reverse();
                assert!(back == sent, "channel {channel}");
            })
        })
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());
    handle.end();
    threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    assert!(handle.send(&1_u32).is_err());
}

#[test]
fn a_channel_that_is_not_read_holds_up_no_other() {
    let (handle, threads) = connected(|mut stream| {
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        if first == [0] {
            // As much as goes in, until the other side closes.
            while stream.write_all(&[7; 4096]).is_ok() {}
        } else {
            stream.write_all(b"answer").unwrap();
        }
    });
    let (mut full, theirs) = UnixStream::pair().unwrap();
    handle.open(1, theirs, &1_u32).unwrap();
    full.write_all(&[0]).unwrap();
    for channel in 2..50_u32 {
        let (mut mine, theirs) = UnixStream::pair().unwrap();
        handle.open(channel, theirs, &channel).unwrap();
        mine.write_all(&[1]).unwrap();
        let mut answer = String::new();
        mine.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
    }
    drop(full);
    handle.end();
    threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
}

#[test]
fn what_has_no_meaning_ends_the_connection_and_closes_the_channels() {
    let (mut here, there) = UnixStream::pair().unwrap();
    let mux = Mux::new(there.try_clone().unwrap().into(), there.into()).unwrap();
    let (mut lane, local) = UnixStream::pair().unwrap();
    mux.handle().open(3, local, &3_u32).unwrap();
    let thread = std::thread::spawn(move || mux.run(&mut Starter));
    here.write_all(&[9; 64]).unwrap();
    assert!(thread.join().unwrap().is_err());
    assert_eq!(lane.read(&mut [0]).unwrap(), 0);
}
