//! What the machine can do at most: the least that each of the figures has to contain.

use std::cell::RefCell;
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const ROLE: &str = "--limit";

thread_local! {
    static SOURCE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Gives memory with something in it, the same each time.
pub fn with_source<R>(len: usize, work: impl FnOnce(&[u8]) -> R) -> R {
    SOURCE.with_borrow_mut(|source| {
        source.resize(len, 7);
        work(source)
    })
}

/// This executable in the role of a limit.
pub fn serve_if_asked() {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() != Some(ROLE) {
        return;
    }
    let mut input = std::io::stdin().lock();
    let role = words.next();
    if role.as_deref() == Some("source") {
        let len = words.next().and_then(|len| len.parse().ok()).expect("a length");
        let mut out = std::fs::File::from(rustix::io::dup(std::io::stdout()).expect("it is open"));
        with_source(len, |source| while out.write_all(source).is_ok() {});
    } else {
        // Echoes eight bytes at a time until its end.
        let mut socket = UnixStream::from(rustix::io::dup(std::io::stdin()).expect("it is open"));
        let mut bytes = [0; 8];
        while input.read_exact(&mut bytes).is_ok() && socket.write_all(&bytes).is_ok() {}
    }
    std::process::exit(0);
}

fn start(role: &[&str], input: Stdio, output: Stdio) -> Child {
    Command::new("/proc/self/exe").arg(ROLE).args(role).stdin(input).stdout(output).spawn().expect("it starts")
}

/// A process that echoes.
pub struct Echo {
    socket: Option<UnixStream>,
    child: Child,
}

impl Echo {
    pub fn start() -> Self {
        let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
        let child = start(&["echo"], Stdio::from(OwnedFd::from(theirs)), Stdio::null());
        Self { socket: Some(ours), child }
    }

    pub fn ping(&self) {
        let mut socket = self.socket.as_ref().expect("it is open");
        let mut bytes = [1; 8];
        socket.write_all(&bytes).expect("it reads");
        socket.read_exact(&mut bytes).expect("it answers");
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.socket = None;
        let _ = self.child.wait();
    }
}

/// Starts this executable `count` times, receives a byte from each, and reaps them.
pub fn re_exec(count: usize) -> f64 {
    let begun = Instant::now();
    let echoes: Vec<Echo> = (0..count).map(|_| Echo::start()).collect();
    echoes.iter().for_each(Echo::ping);
    drop(echoes);
    begun.elapsed().as_secs_f64()
}

/// Copies `count` times, half on each of two threads, into memory that exists already.
pub fn memcpy_on_two_threads(len: usize, count: usize) -> f64 {
    copies(len, count, |_| {})
}

/// The same, and a copy of each on the thread that waits, in memory that is there already.
pub fn memcpy_and_private_copy(len: usize, count: usize) -> f64 {
    let mut buffer = vec![1; len];
    copies(len, count, |bytes| {
        buffer.copy_from_slice(bytes);
        black_box(&buffer);
    })
}

/// The same with each copy in new memory.
pub fn memcpy_and_to_vec(len: usize, count: usize) -> f64 {
    copies(len, count, |bytes| {
        black_box(bytes.to_vec());
    })
}

fn copies(len: usize, count: usize, mut take: impl FnMut(&[u8])) -> f64 {
    let mut taken = 0.0;
    std::thread::scope(|scope| {
        let (sender, copied) = std::sync::mpsc::sync_channel::<(usize, Vec<u8>)>(4);
        let mut back = Vec::new();
        let go = std::sync::Arc::new(std::sync::Barrier::new(3));
        for thread in 0..2 {
            let (give_back, free) = std::sync::mpsc::channel::<Vec<u8>>();
            (0..2).for_each(|_| give_back.send(vec![1; len]).expect("it is open"));
            back.push(give_back);
            let (sender, go) = (sender.clone(), std::sync::Arc::clone(&go));
            scope.spawn(move || {
                with_source(len, |source| {
                    go.wait();
                    for _ in 0..count / 2 {
                        let mut place = free.recv().expect("it comes back");
                        place.copy_from_slice(source);
                        sender.send((thread, place)).expect("it is waited for");
                    }
                });
            });
        }
        go.wait();
        let begun = Instant::now();
        for _ in 0..count / 2 * 2 {
            let (thread, bytes) = copied.recv().expect("it is copied");
            take(&bytes);
            let _ = back[thread].send(bytes);
        }
        taken = begun.elapsed().as_secs_f64();
    });
    taken
}

/// A process that writes without end into a pipe of 1 MiB.
pub struct PipeSource {
    child: Child,
    buffer: RefCell<Vec<u8>>,
}

impl PipeSource {
    pub fn start(len: usize) -> Self {
        let child = start(&["source", &len.to_string()], Stdio::null(), Stdio::piped());
        let pipe = child.stdout.as_ref().expect("it is piped");
        rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20).expect("a pipe of 1 MiB is allowed");
        Self { child, buffer: RefCell::new(vec![0; len]) }
    }

    pub fn take(&self, count: usize) -> f64 {
        let begun = Instant::now();
        let pipe = self.child.stdout.as_ref().map(std::os::fd::AsFd::as_fd).expect("it is piped");
        for _ in 0..count {
            let mut buffer = self.buffer.borrow_mut();
            let mut rest = &mut buffer[..];
            while !rest.is_empty() {
                let read = rustix::io::read(pipe, &mut *rest).expect("it writes");
                assert!(read > 0, "it writes without end");
                rest = &mut rest[read..];
            }
        }
        begun.elapsed().as_secs_f64()
    }
}

impl Drop for PipeSource {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// From the kill of a process to its end.
pub fn kill_and_reap() -> f64 {
    let mut echo = Echo::start();
    echo.ping();
    let begun = Instant::now();
    echo.child.kill().expect("it is there");
    echo.child.wait().expect("it is a child");
    begun.elapsed().as_secs_f64()
}
