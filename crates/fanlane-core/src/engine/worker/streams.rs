//! What a command prints: both streams read until it has ended and they have, and no longer.
//!
//! Most commands are over in a moment and print little. So no thread is woken for what one of those prints: its end is waited
//! for, without a timer, and then its pipes are emptied. Only what goes on for a while, of which the lane's listener
//! reminds, or follows one that printed much, is read all the time.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::event::Output;
use fanlane_os::launch::Launched;
use fanlane_os::waker::Waker;

use super::capture::Capture;
use super::executor::TaskWatch;
use super::live_tap::LiveTap;

/// How long the streams of a command that has ended may stay open in another process.
const LEAK_TIMEOUT: Duration = Duration::from_millis(200);
/// How much may still be read after that: more than the command itself can have left in its pipes, so none of its own is
/// lost, and a process that prints for ever is not read for ever.
const MAX_LATE_BYTES: usize = 4 << 20;
/// A command that prints this much is held up by a full pipe that is not read, and the next one of the job may be, too.
const LISTEN_BYTES: u64 = 32 << 10;

/// Reads what one command after the other prints.
pub struct StreamReader {
    limit_bytes: usize,
    reminder: Arc<Waker>,
    buffer: Vec<u8>,
    /// The last command printed [`LISTEN_BYTES`].
    prints_much: bool,
    max_bytes: u64,
}

/// What a command has printed.
pub struct CommandStreams {
    captures: [Capture; 2],
    /// Another process still held a stream open [`LEAK_TIMEOUT`] after the end of the command.
    leaky: bool,
    /// The command is known to be dead; otherwise only its streams have ended.
    pub is_dead: bool,
}

impl CommandStreams {
    /// What it printed; `None`: nothing.
    pub fn output(self) -> Option<Box<Output>> {
        let printed = self.leaky || self.captures.iter().any(|capture| !capture.is_empty());
        let [stdout, stderr] = self.captures;
        printed.then(|| Box::new(Output { stdout: stdout.finish(), stderr: stderr.finish(), leaky: self.leaky }))
    }
}

impl StreamReader {
    /// Keeps `limit_bytes` of each stream in memory; a command may print `max_bytes` in all. The `reminder` wakes the reader
    /// once, when a command goes on for a while.
    pub fn new(limit_bytes: usize, max_bytes: u64, reminder: Arc<Waker>) -> Self {
        // Output with a limit has to be counted from the start.
        let prints_much = max_bytes != u64::MAX;
        Self { limit_bytes, reminder, buffer: vec![0; 64 << 10], prints_much, max_bytes }
    }

    /// Reads both streams of a command that was not reaped yet until it has ended and they have, or a while after its end.
    ///
    /// `spill` are the files for the whole of its two streams, where that is wanted. `watch` is told what is printed, if it
    /// wants that, and when both streams together are longer than allowed.
    pub fn read_to_end(
        &mut self,
        launched: Launched,
        spill: [Option<PathBuf>; 2],
        watch: &dyn TaskWatch,
    ) -> CommandStreams {
        let Launched { handle, streams, .. } = launched;
        let mut conversation = Conversation {
            // What it prints elsewhere is not read.
            streams: streams.map_or([None, None], |streams| streams.map(|stream| Some(File::from(stream)))),
            handle,
            captures: spill.map(|file| Capture::new(self.limit_bytes, file)),
            dead_since: None,
            late_bytes: 0,
            max_bytes: self.max_bytes,
            tap: LiveTap::new(watch),
        };
        if !self.prints_much {
            conversation.wait_for_end(&self.reminder);
        }
        let leaky = conversation.listen(&mut self.buffer, &self.reminder, || watch.printed_too_much());
        let Conversation { captures, dead_since, .. } = conversation;
        self.prints_much =
            self.max_bytes != u64::MAX || captures.iter().any(|capture| capture.total_bytes() >= LISTEN_BYTES);
        CommandStreams { captures, leaky, is_dead: dead_since.is_some() }
    }
}

/// One command's streams while they are read.
struct Conversation<'a> {
    streams: [Option<File>; 2],
    /// Becomes readable at the end of the command.
    handle: OwnedFd,
    captures: [Capture; 2],
    dead_since: Option<Instant>,
    late_bytes: usize,
    /// How much it may print.
    max_bytes: u64,
    tap: LiveTap<'a>,
}

enum Source {
    Stream(usize),
    Process,
    Reminder,
}

impl Conversation<'_> {
    /// Waits for the end of the command alone, until reminded of its streams.
    fn wait_for_end(&mut self, reminder: &Waker) {
        let mut polled = [PollFd::new(&self.handle, PollFlags::IN), PollFd::new(reminder, PollFlags::IN)];
        if poll(&mut polled, None).is_err() {
            return;
        }
        let [ended, reminded] = polled.map(|one| !one.revents().is_empty());
        if ended {
            self.dead_since = Some(Instant::now());
        }
        if reminded {
            reminder.reset();
        }
    }

    /// Reads until both streams have ended; `true`: another process still holds one long after the command's end.
    fn listen(&mut self, buffer: &mut [u8], reminder: &Waker, too_much: impl FnOnce()) -> bool {
        let mut too_much = Some(too_much);
        while self.streams.iter().any(Option::is_some) {
            let mut sources: Vec<Source> = Vec::with_capacity(4);
            let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(4);
            let look = self.tap.look(&self.captures, self.dead_since.is_some());
            for (place, stream) in self.streams.iter().enumerate() {
                if let Some(stream) = stream {
                    sources.push(Source::Stream(place));
                    polled.push(PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN));
                }
            }
            if self.dead_since.is_none() {
                sources.push(Source::Process);
                polled.push(PollFd::new(&self.handle, PollFlags::IN));
                // Someone wants to see what it prints.
                sources.push(Source::Reminder);
                polled.push(PollFd::new(reminder, PollFlags::IN));
            }
            let timeout = self.dead_since.map(|since| LEAK_TIMEOUT.saturating_sub(since.elapsed())).or(look);
            let nothing_ready = poll(&mut polled, timeout.map(timespec).as_ref()) == Ok(0);
            if self.dead_since.is_some() && (nothing_ready || self.late_bytes > MAX_LATE_BYTES) {
                return true;
            }
            let ready: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
            for (source, ready) in sources.into_iter().zip(ready).filter(|(_, ready)| !ready.is_empty()) {
                match source {
                    Source::Process => self.dead_since = Some(Instant::now()),
                    Source::Reminder => reminder.reset(),
                    // With no writer left, reading goes on to the end without ever waiting.
                    Source::Stream(place) if ready.contains(PollFlags::HUP) => {
                        while self.streams[place].is_some() {
                            self.read(place, buffer);
                        }
                    }
                    Source::Stream(place) => self.read(place, buffer),
                }
            }
            if self.captures.iter().map(Capture::total_bytes).sum::<u64>() > self.max_bytes
                && let Some(too_much) = too_much.take()
            {
                too_much();
            }
        }
        false
    }

    /// Reads once from a stream that has something.
    fn read(&mut self, place: usize, buffer: &mut [u8]) {
        let Some(stream) = &mut self.streams[place] else { return };
        match stream.read(buffer) {
            Ok(0) => self.streams[place] = None,
            Ok(count) => {
                self.captures[place].push(&buffer[..count]);
                self.tap.captured(place, &self.captures, self.dead_since.is_some());
                let is_late = self.dead_since.is_some_and(|since| since.elapsed() >= LEAK_TIMEOUT);
                self.late_bytes += if is_late { count } else { 0 };
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.streams[place] = None,
        }
    }
}

/// A wait of less than a second.
fn timespec(wait: Duration) -> Timespec {
    Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() }
}
