//! What the running tasks print, as far as it was asked for: the newest lines of a followed task. When the task has ended,
//! its record takes their place. For the latest line of each lane see [`LaneTimeline::latest_line`].
//!
//! [`LaneTimeline::latest_line`]: super::lanes::LaneTimeline::latest_line

use std::collections::VecDeque;

use super::sanitize;
use crate::event::{Printed, StreamName, TaskId};

/// Maximum size of the lines of a followed task, in bytes.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// Maximum number of its lines.
const MAX_LINES: usize = 10_000;
/// Maximum length of a line, in bytes; what is beyond that is only counted.
const MAX_LINE_BYTES: usize = sanitize::LINE_BYTES;

/// The latest line that a task has printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatestLine {
    /// The task.
    pub task: TaskId,
    /// Which try, from 1.
    pub attempt: u32,
    /// The stream that it was printed on.
    pub stream: StreamName,
    /// The line, harmless to show; never empty.
    pub text: Box<str>,
}

impl LatestLine {
    /// The latest line of a piece; `None` if there is nothing in it but white space.
    pub fn of(printed: &Printed) -> Option<Self> {
        let Printed { task, attempt, stream, ref bytes, .. } = *printed;
        let text = sanitize::line(&bytes[crate::event::latest_line(bytes)]);
        (!text.is_empty()).then(|| Self { task, attempt, stream, text: text.into() })
    }

    /// The line, with its stream in front where that is standard error.
    pub fn words(&self) -> String {
        match self.stream {
            StreamName::Stdout => self.text.to_string(),
            StreamName::Stderr => format!("stderr: {}", self.text),
        }
    }
}

/// A line of a running task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLine {
    /// The stream that it was printed on.
    pub stream: StreamName,
    /// The line, harmless to show.
    pub text: String,
    /// How many bytes of its stream before it were skipped, because the task printed faster than it was shown.
    pub skipped_bytes: u64,
}

/// The newest lines of a task that is followed, both streams in the order in which they came.
#[derive(Clone, Debug)]
pub struct LiveText {
    /// The task.
    pub task: TaskId,
    attempt: u32,
    lines: VecDeque<LiveLine>,
    streams: [OpenStream; 2],
    /// Number of lines that were dropped at the beginning.
    dropped_lines: u64,
    text_bytes: usize,
}

/// A stream of a followed task, whose last line may go on.
#[derive(Clone, Debug, Default)]
struct OpenStream {
    /// How much of it has come.
    bytes: u64,
    /// Its last line, if that has no end.
    line: Vec<u8>,
    /// What of that line is beyond its maximum length.
    cut_bytes: u64,
    /// The number of that line, counted from the task's first; `None`: no line is open.
    number: Option<u64>,
    /// A carriage return was its last byte: the next line takes the place of the open one, unless it ends here.
    returns: bool,
    skipped_bytes: u64,
}

impl LiveText {
    /// The text of a task of which nothing has come yet.
    pub fn new(task: TaskId) -> Self {
        let streams = Default::default();
        Self { task, attempt: 0, lines: VecDeque::new(), streams, dropped_lines: 0, text_bytes: 0 }
    }

    /// Which try the lines are from, from 1; 0 before the first line.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The lines, oldest first.
    pub const fn lines(&self) -> &VecDeque<LiveLine> {
        &self.lines
    }

    /// Number of older lines that are not kept.
    pub const fn dropped_lines(&self) -> u64 {
        self.dropped_lines
    }

    /// Bytes that were skipped, because the task printed faster than it was shown.
    pub fn skipped_bytes(&self) -> u64 {
        self.streams.iter().map(|stream| stream.skipped_bytes).sum()
    }

    /// Takes in a piece; one of another task or an earlier attempt is ignored.
    pub fn apply(&mut self, printed: &Printed) {
        if printed.task != self.task || printed.attempt < self.attempt {
            return;
        }
        if printed.attempt > self.attempt {
            *self = Self { attempt: printed.attempt, ..Self::new(self.task) };
        }
        let place = StreamName::BOTH.iter().position(|stream| *stream == printed.stream).unwrap_or(0);
        let (skipped, bytes) = printed.after(self.streams[place].bytes);
        let stream = &mut self.streams[place];
        stream.bytes = stream.bytes.max(printed.end());
        stream.skipped_bytes += skipped;
        if skipped > 0 {
            stream.close();
        }
        let mut skipped = skipped;
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.push(place, part, std::mem::take(&mut skipped));
        }
        self.drop_old();
    }

    /// Adds a part of a line, with its end if it has one.
    fn push(&mut self, place: usize, part: &[u8], skipped_bytes: u64) {
        let stream = &mut self.streams[place];
        let (text, end) = match part.split_last() {
            Some((&end @ (b'\n' | b'\r'), text)) => (text, Some(end)),
            _ => (part, None),
        };
        if std::mem::take(&mut stream.returns) && !(text.is_empty() && end == Some(b'\n')) {
            stream.line.clear();
            stream.cut_bytes = 0;
        }
        let room = MAX_LINE_BYTES - stream.line.len();
        let (kept, cut) = text.split_at(room.min(text.len()));
        stream.line.extend_from_slice(kept);
        stream.cut_bytes += cut.len() as u64;
        let mut shown = sanitize::line(&stream.line);
        if stream.cut_bytes > 0 {
            shown.push_str(&format!(" … {} more", super::format::bytes(stream.cut_bytes)));
        }
        self.text_bytes += shown.len();
        let first = self.dropped_lines;
        let open = stream.number.and_then(|number| usize::try_from(number.checked_sub(first)?).ok());
        match open.and_then(|place| self.lines.get_mut(place)) {
            Some(line) => {
                self.text_bytes -= line.text.len();
                line.text = shown;
            }
            None => {
                stream.number = Some(first + self.lines.len() as u64);
                self.lines.push_back(LiveLine { stream: StreamName::BOTH[place], text: shown, skipped_bytes });
            }
        }
        match end {
            Some(b'\n') => stream.close(),
            Some(_) => stream.returns = true,
            None => {}
        }
    }

    fn drop_old(&mut self) {
        while self.lines.len() > MAX_LINES || self.text_bytes > MAX_TEXT_BYTES {
            let Some(line) = self.lines.pop_front() else { return };
            self.text_bytes -= line.text.len();
            self.dropped_lines += 1;
        }
    }
}

impl OpenStream {
    /// What comes next begins a line.
    fn close(&mut self) {
        self.line.clear();
        self.cut_bytes = 0;
        self.number = None;
        self.returns = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WorkerId;

    fn piece(stream: StreamName, offset: u64, text: &str) -> Printed {
        let (task, worker) = (TaskId(0), WorkerId(1));
        Printed { task, attempt: 1, worker, stream, offset, bytes: text.as_bytes().into() }
    }

    fn texts(text: &LiveText) -> Vec<&str> {
        text.lines().iter().map(|line| &*line.text).collect()
    }

    #[test]
    fn lines_are_the_same_wherever_they_are_cut_and_progress_bars_stay_one_line() {
        use StreamName::Stdout;
        let cases: [(&str, &[&str]); 5] = [
            ("one\ntwo\n\nthree", &["one", "two", "", "three"]),
            ("10 %\r20 %\r30 %", &["30 %"]),
            ("10 %\r20 %\r\nnext\r\n", &["20 %", "next"]),
            ("\u{1b}[1mbold\n", &["^[[1mbold"]),
            ("ä\n", &["ä"]),
        ];
        for (whole, lines) in cases {
            for size in 1..=whole.len() {
                let mut text = LiveText::new(TaskId(0));
                let bytes = whole.as_bytes();
                for (place, part) in bytes.chunks(size).enumerate() {
                    let printed = Printed { bytes: part.into(), ..piece(Stdout, (place * size) as u64, "") };
                    text.apply(&printed);
                    // What comes again is not shown again.
                    text.apply(&printed);
                }
                assert_eq!(texts(&text), lines, "{whole:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_was_skipped_is_said_where_it_is_missing() {
        use StreamName::{Stderr, Stdout};
        let mut text = LiveText::new(TaskId(0));
        text.apply(&piece(Stdout, 0, "a\nhalf"));
        text.apply(&piece(Stderr, 0, "warning\n"));
        text.apply(&piece(Stdout, 106, "z\n"));
        let lines: Vec<_> = text.lines().iter().map(|line| (line.stream, &*line.text, line.skipped_bytes)).collect();
        assert_eq!(lines, [(Stdout, "a", 0), (Stdout, "half", 0), (Stderr, "warning", 0), (Stdout, "z", 100)]);
        assert_eq!(text.skipped_bytes(), 100);
    }

    #[test]
    fn a_task_that_floods_takes_a_bounded_room() {
        let mut text = LiveText::new(TaskId(0));
        let line = format!("{}\n", "x".repeat(500));
        let long = "y".repeat(50_000);
        let mut offset = 0;
        for part in [&*line, &long].into_iter().cycle().take(4000) {
            text.apply(&piece(StreamName::Stdout, offset, part));
            offset += part.len() as u64;
        }
        let held: usize = text.lines().iter().map(|line| line.text.len()).sum();
        assert!(held <= MAX_TEXT_BYTES && text.lines().len() <= MAX_LINES, "{held} bytes");
        assert!(text.dropped_lines() > 1000 && text.skipped_bytes() == 0);
    }

    #[test]
    fn a_new_attempt_begins_anew_and_an_old_one_is_ignored() {
        let mut text = LiveText::new(TaskId(0));
        text.apply(&piece(StreamName::Stdout, 0, "first\n"));
        text.apply(&Printed { attempt: 2, ..piece(StreamName::Stdout, 0, "second\n") });
        text.apply(&piece(StreamName::Stdout, 6, "late\n"));
        text.apply(&Printed { task: TaskId(1), ..piece(StreamName::Stdout, 0, "other\n") });
        assert_eq!((texts(&text), text.attempt()), (vec!["second"], 2));
    }
}
