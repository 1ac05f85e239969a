//! What is printed of tasks while they run: `--line-buffer`, whole lines as they come, and `--ungroup`, bytes as they come.
//!
//! What came of a stream is counted. When its task has ended, the report prints the rest of it from the record: all of it,
//! for a task that was over before anything came, or the part behind a gap, where output came faster than it was taken.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use super::streams::Streams;
use super::tag::{Dress, Tagger};
use fanlane_core::engine::OutputLevel;
use fanlane_core::event::{Printed, StreamName, TaskId};

/// Maximum length of a line that is held until its end, in bytes; a longer one is printed in parts.
const MAX_LINE_BYTES: usize = 16 << 20;
/// How much is held in memory of a task whose turn has not come, in bytes; more waits in an unlinked temporary file.
const MAX_MEMORY_BYTES: usize = 1 << 20;

/// How the output of tasks that run at the same time is kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The output of a task in one piece, when it has ended.
    #[default]
    Group,
    /// Whole lines, as they come.
    Lines,
    /// Bytes, as they come.
    Ungrouped,
    /// The latest line of each task alone.
    LatestLine,
}

impl Grouping {
    /// What the run is asked for; `is_shown`: latest lines are drawn while tasks run.
    pub const fn output_level(self, is_shown: bool) -> OutputLevel {
        match self {
            Self::Group => OutputLevel::Nothing,
            Self::Lines | Self::Ungrouped => OutputLevel::Everything,
            Self::LatestLine if is_shown => OutputLevel::LatestLines,
            Self::LatestLine => OutputLevel::Nothing,
        }
    }

    /// Whether output is printed while tasks run.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Lines | Self::Ungrouped)
    }
}

/// What was printed of the running tasks.
#[derive(Default)]
pub struct LiveOutput {
    grouping: Grouping,
    begun: HashMap<TaskId, BegunTask>,
}

/// A task of which something was printed.
pub struct BegunTask {
    attempt: u32,
    streams: [BegunStream; 2],
    /// What came before its turn.
    held: Option<SpooledTempFile>,
}

/// A stream of which something was printed.
pub struct BegunStream {
    tagger: Tagger,
    /// How many bytes of it were taken.
    taken: u64,
    /// The end of those, where it is a line without its end.
    line: Vec<u8>,
    /// Its pieces have a gap: the rest is printed at the end of the task.
    has_gap: bool,
}

impl LiveOutput {
    /// Nothing was printed yet.
    pub fn new(grouping: Grouping) -> Self {
        Self { grouping, begun: HashMap::new() }
    }

    /// Prints a piece. With `turn`, the next task in the order of the inputs, pieces of other tasks are held.
    ///
    /// # Errors
    /// When a stream cannot be written.
    pub fn print(
        &mut self,
        printed: &Printed,
        turn: Option<TaskId>,
        dress: impl FnOnce() -> Dress,
        streams: &mut Streams,
    ) -> io::Result<()> {
        if !self.grouping.is_live() {
            return Ok(());
        }
        let dress = || if self.grouping == Grouping::Ungrouped { Dress::default() } else { dress() };
        let begun = self.begun.entry(printed.task).or_insert_with(|| BegunTask::new(printed.attempt, dress()));
        if printed.attempt != begun.attempt {
            return Ok(());
        }
        let place = place_of(printed.stream);
        let (skipped, new) = printed.after(begun.streams[place].taken);
        let stream = &mut begun.streams[place];
        stream.has_gap |= skipped > 0;
        if stream.has_gap || new.is_empty() {
            return Ok(());
        }
        stream.taken += new.len() as u64;
        if turn.is_some_and(|turn| turn != printed.task) {
            return begun.hold(place, new);
        }
        begun.release(self.grouping, streams)?;
        begun.streams[place].print(new, printed.stream, self.grouping, streams)
    }

    /// Prints what was held of the task whose turn has come, if it runs.
    ///
    /// # Errors
    /// When a stream cannot be written, or what was held cannot be read.
    pub fn take_turn(&mut self, turn: TaskId, streams: &mut Streams) -> io::Result<()> {
        match self.begun.get_mut(&turn) {
            Some(begun) => begun.release(self.grouping, streams),
            None => Ok(()),
        }
    }

    /// Takes what was printed of an attempt that has ended. Its record has all that is held of it.
    pub fn end(&mut self, task: TaskId, dress: impl FnOnce() -> Dress) -> BegunTask {
        let is_dressed = self.grouping != Grouping::Ungrouped;
        let nothing = || BegunTask::new(0, if is_dressed { dress() } else { Dress::default() });
        self.begun.remove(&task).unwrap_or_else(nothing)
    }

    /// Drops what was held of an attempt that has ended before its turn.
    pub fn drop_held(&mut self, task: TaskId) {
        self.begun.remove(&task);
    }
}

const fn place_of(stream: StreamName) -> usize {
    match stream {
        StreamName::Stdout => 0,
        StreamName::Stderr => 1,
    }
}

impl BegunTask {
    fn new(attempt: u32, dress: Dress) -> Self {
        Self { attempt, streams: [BegunStream::new(dress.clone()), BegunStream::new(dress)], held: None }
    }

    /// One of its streams.
    pub const fn stream(&mut self, which: StreamName) -> &mut BegunStream {
        &mut self.streams[place_of(which)]
    }

    fn hold(&mut self, place: usize, bytes: &[u8]) -> io::Result<()> {
        let held = self.held.get_or_insert_with(|| SpooledTempFile::new(MAX_MEMORY_BYTES));
        held.write_all(&[place as u8])?;
        held.write_all(&(bytes.len() as u64).to_le_bytes())?;
        held.write_all(bytes)
    }

    fn release(&mut self, grouping: Grouping, streams: &mut Streams) -> io::Result<()> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        let end = held.stream_position()?;
        held.seek(SeekFrom::Start(0))?;
        let mut piece = Vec::new();
        while held.stream_position()? < end {
            let (mut place, mut length) = ([0], [0; 8]);
            held.read_exact(&mut place)?;
            held.read_exact(&mut length)?;
            piece.clear();
            (&mut held).take(u64::from_le_bytes(length)).read_to_end(&mut piece)?;
            let place = usize::from(place[0]);
            self.streams[place].print(&piece, StreamName::BOTH[place], grouping, streams)?;
        }
        Ok(())
    }
}

impl BegunStream {
    const fn new(dress: Dress) -> Self {
        Self { tagger: Tagger::new(dress), taken: 0, line: Vec::new(), has_gap: false }
    }

    /// How many bytes of it need not be printed any more.
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    fn print(&mut self, bytes: &[u8], name: StreamName, grouping: Grouping, streams: &mut Streams) -> io::Result<()> {
        let Self { tagger, line, .. } = self;
        if grouping == Grouping::Ungrouped {
            return streams.to(name, |out| tagger.write(bytes, out));
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (lines, rest) = bytes.split_at(whole);
        if !lines.is_empty() || line.len() + rest.len() > MAX_LINE_BYTES {
            streams.to(name, |out| {
                tagger.write(line, out)?;
                tagger.write(lines, out)
            })?;
            line.clear();
        }
        line.extend_from_slice(rest);
        Ok(())
    }

    /// The end of its last line was not printed.
    pub const fn is_in_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// Appends more of the stream, after what was held of its last line.
    ///
    /// # Errors
    /// None in practice: the signature is that of a writer.
    pub fn write_rest(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.tagger.write(&line, out)?;
        self.tagger.write(bytes, out)
    }
}
