//! What one call prints: both streams of its interpreter as they come, until the call is done.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::process::Streams;
use super::script_terminal::ScriptTerminal;
use crate::engine::worker::capture::Capture;
use crate::engine::worker::executor::TaskWatch;
use crate::engine::worker::live_tap::LiveTap;
use crate::event::Output;

/// How much is read of a stream at the end of a call: more than the call itself can have left in the pipe. What goes on printing
/// beyond that is of a process that the call has left behind.
const MAX_LATE_BYTES: usize = 2 << 20;

/// The output of a call.
pub struct CallOutput<'a> {
    captures: [Capture; 2],
    tap: LiveTap<'a>,
    watch: &'a dyn TaskWatch,
    max_bytes: u64,
    told_too_much: bool,
    /// The script that shows it, and the number of the call there.
    terminal: Option<(Arc<ScriptTerminal>, u64)>,
}

impl<'a> CallOutput<'a> {
    /// Keeps `limit_bytes` of each stream in memory; both together may have `max_bytes`. `spill`: the files for the whole of them.
    pub fn new(limit_bytes: usize, max_bytes: u64, spill: [Option<PathBuf>; 2], watch: &'a dyn TaskWatch) -> Self {
        let captures = spill.map(|file| Capture::new(limit_bytes, file));
        Self { captures, tap: LiveTap::new(watch), watch, max_bytes, told_too_much: false, terminal: None }
    }

    /// What comes from the streams is shown by the script, too, as that of this call.
    pub fn shown_by(mut self, terminal: Option<&Arc<ScriptTerminal>>, call: u64) -> Self {
        self.terminal = terminal.map(|terminal| (Arc::clone(terminal), call));
        self
    }

    /// When what is wanted of it has to be looked at next.
    pub fn look(&mut self) -> Option<Duration> {
        self.tap.look(&self.captures, false)
    }

    /// Takes in a piece of a stream.
    pub fn push(&mut self, stream: usize, piece: &[u8]) {
        self.captures[stream].push(piece);
        self.tap.captured(stream, &self.captures, false);
        let printed: u64 = self.captures.iter().map(Capture::total_bytes).sum();
        if printed > self.max_bytes && !self.told_too_much {
            self.told_too_much = true;
            self.watch.printed_too_much();
        }
    }

    /// Reads once from a stream that has something.
    pub fn read(&mut self, stream: usize, streams: &mut Streams, buffer: &mut [u8]) -> usize {
        let Some(file) = &mut streams[stream] else { return 0 };
        match file.read(buffer) {
            Ok(0) => {
                streams[stream] = None;
                0
            }
            Ok(count) => {
                if let Some((terminal, call)) = &self.terminal {
                    terminal.show(*call, stream, &buffer[..count]);
                }
                self.push(stream, &buffer[..count]);
                count
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => 0,
            Err(_) => {
                streams[stream] = None;
                0
            }
        }
    }

    /// Reads what has been printed to a stream until now.
    pub fn drain(&mut self, stream: usize, streams: &mut Streams, buffer: &mut [u8]) {
        let mut late_bytes = 0;
        while late_bytes < MAX_LATE_BYTES {
            match self.read(stream, streams, buffer) {
                0 => break,
                count => late_bytes += count,
            }
        }
    }

    /// Something was printed.
    pub fn is_any(&self) -> bool {
        self.captures.iter().any(|capture| !capture.is_empty())
    }

    /// What was printed; `None`: nothing.
    pub fn finish(self) -> Option<Box<Output>> {
        let is_any = self.is_any();
        let [stdout, stderr] = self.captures;
        is_any.then(|| Box::new(Output { stdout: stdout.finish(), stderr: stderr.finish(), leaky: false }))
    }
}
