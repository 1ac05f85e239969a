//! Looking for text in all outputs of a run. The blocks are searched as they are stored, so that a million outputs take
//! less than a second.

use std::ops::{ControlFlow, Range};

use bstr::{BString, ByteSlice};
use regex::bytes::Regex;

use super::attempt::Value;
use super::block::{Entries, Entry};
use super::limits::KeptStream;
use super::{History, HistoryError};
use crate::event::{AttemptRecord, CallValue, EventKind, OutcomeClass, StreamName, TaskEvent};
use crate::store::record::{self, RecordLine};

/// Maximum length of a line that is returned, in bytes.
const MAX_LINE_BYTES: usize = 4 << 10;

/// What is found at most: further lines are only counted.
#[derive(Clone, Copy, Debug)]
pub struct SearchLimits {
    /// Maximum number of tasks with their lines.
    pub tasks: usize,
    /// Maximum number of lines of one attempt.
    pub lines: usize,
}

/// How far a search is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchProgress {
    /// Attempts that were searched.
    pub searched: u64,
    /// Attempts with a line that matches.
    pub found: u64,
}

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputHits {
    /// The attempts, in the order in which they ended.
    pub attempts: Vec<AttemptHits>,
    /// Attempts that were searched, and those with a line that matches, also those beyond the limits.
    pub progress: SearchProgress,
    /// Attempts that were searched and of whose output only a part was kept.
    pub cut: u64,
    /// Number of blocks that are damaged and were not searched.
    pub damaged: u64,
    /// It was cancelled before its end.
    pub cancelled: bool,
}

/// The lines of an attempt that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptHits {
    /// The run.
    pub run: i64,
    /// The task's number in the whole batch, from 1.
    pub number: u64,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: OutcomeClass,
    /// The lines.
    pub lines: Vec<LineHit>,
    /// Number of further lines.
    pub more: u64,
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineHit {
    /// The stream; `None`: what a call returned.
    pub stream: Option<StreamName>,
    /// Its number in the stream, from 1; `None` behind bytes that were not kept.
    pub line: Option<u64>,
    /// The line without its end, as the task wrote it; cut to 4 KiB around the match.
    pub text: BString,
    /// The first match in it.
    pub at: Range<usize>,
}

impl History {
    /// Looks for `pattern` in what the tasks of a run printed and what calls returned, line by line: also in attempts that
    /// were followed by others. `look` is called after each block and can cancel the search.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn search_outputs(
        &self,
        run: i64,
        pattern: &Regex,
        limits: SearchLimits,
        mut look: impl FnMut(SearchProgress) -> ControlFlow<()>,
    ) -> Result<OutputHits, HistoryError> {
        let mut search = Search { run, pattern, limits, hits: OutputHits::default(), words: Vec::new() };
        let mut place = -1;
        while let Some(block) = self.block_behind(run, place)? {
            place = block.place;
            if block.bytes.is_none_or(|block| search.block(&block).is_none()) {
                search.hits.damaged += 1;
            }
            if look(search.hits.progress).is_break() {
                search.hits.cancelled = true;
                break;
            }
        }
        Ok(search.hits)
    }
}

struct Search<'a> {
    run: i64,
    pattern: &'a Regex,
    limits: SearchLimits,
    hits: OutputHits,
    /// The numbers of the tasks of the next line of a record.
    words: Vec<(u64, u64)>,
}

impl Search<'_> {
    /// Searches a block; `None` if it is damaged.
    fn block(&mut self, block: &[u8]) -> Option<()> {
        for entry in Entries::of(block) {
            match entry? {
                Entry::Attempt(attempt) => {
                    let mut found = Found::new(self.pattern, self.limits.lines);
                    if let Some(output) = &attempt.output {
                        found.stream(StreamName::Stderr, &output.stderr);
                        found.stream(StreamName::Stdout, &output.stdout);
                    }
                    match attempt.value {
                        Value::Text(text) | Value::Object(text, _) => found.value(text.as_bytes()),
                        Value::Bytes(bytes) => found.value(bytes),
                        Value::Int(int) => found.value(itoa::Buffer::new().format(int).as_bytes()),
                        Value::Float(float) => found.value(float.to_string().as_bytes()),
                        Value::None => {}
                    }
                    self.add(&attempt.record, attempt.number, found);
                }
                Entry::Line(line) if has_attempts(line) => self.line(line),
                Entry::Line(_) | Entry::NeverBegun(_) => {}
            }
        }
        Some(())
    }

    /// Attempts in a history of version 1.
    fn line(&mut self, line: &[u8]) {
        let records = match record::parse_line(line) {
            Some(RecordLine::Tasks(tasks)) => {
                self.words = tasks.iter().map(|task| (task.task, task.number())).collect();
                return;
            }
            Some(RecordLine::Event(event)) => match event.kind {
                EventKind::Task(TaskEvent::Finished(records)) => records,
                EventKind::Task(TaskEvent::Retried(record)) => vec![record],
                _ => return,
            },
            _ => return,
        };
        for record in records {
            let mut found = Found::new(self.pattern, self.limits.lines);
            if let Some(output) = &record.output {
                for name in [StreamName::Stderr, StreamName::Stdout] {
                    let stream = output.stream(name);
                    let (head, dropped_bytes, tail) = (&*stream.head, stream.dropped_bytes, &*stream.tail);
                    found.stream(name, &KeptStream { head, dropped_bytes, tail, fault: None });
                }
            }
            if let Some(CallValue::Text(text) | CallValue::Object { repr: text, .. }) = &record.value {
                found.value(text.as_bytes());
            }
            let task = record.task.number();
            let number = self.words.iter().find(|(known, _)| *known == task).map_or(task, |(_, number)| *number);
            self.add(&record, number, found);
        }
    }

    fn add(&mut self, record: &AttemptRecord, number: u64, found: Found<'_>) {
        let Found { lines, more, is_cut, .. } = found;
        self.hits.progress.searched += 1;
        self.hits.cut += u64::from(is_cut);
        if lines.is_empty() && more == 0 {
            return;
        }
        self.hits.progress.found += 1;
        if self.hits.attempts.len() < self.limits.tasks {
            let (run, outcome) = (self.run, record.outcome.class());
            self.hits.attempts.push(AttemptHits { run, number, attempt: record.attempt, outcome, lines, more });
        }
    }
}

fn has_attempts(line: &[u8]) -> bool {
    line.starts_with(b"{\"tasks\"") || line.contains_str("\"TasksFinished\"") || line.contains_str("\"TaskRetried\"")
}

/// The lines of one attempt that match.
struct Found<'a> {
    pattern: &'a Regex,
    limit: usize,
    lines: Vec<LineHit>,
    more: u64,
    is_cut: bool,
}

impl<'a> Found<'a> {
    const fn new(pattern: &'a Regex, limit: usize) -> Self {
        Self { pattern, limit, lines: Vec::new(), more: 0, is_cut: false }
    }

    fn stream(&mut self, name: StreamName, stream: &KeptStream<'_>) {
        self.is_cut |= stream.dropped_bytes > 0;
        if stream.dropped_bytes == 0 && !stream.tail.is_empty() && !stream.head.is_empty() {
            // The parts are one text: a line may begin in the first and end in the second.
            self.text(Some(name), &[stream.head, stream.tail].concat(), true);
            return;
        }
        self.text(Some(name), stream.head, true);
        self.text(Some(name), stream.tail, stream.head.is_empty() && stream.dropped_bytes == 0);
    }

    fn value(&mut self, text: &[u8]) {
        self.text(None, text, true);
    }

    fn text(&mut self, stream: Option<StreamName>, text: &[u8], from_start: bool) {
        if text.is_empty() {
            return;
        }
        let (mut from, mut line, mut counted) = (0, 1, 0);
        while let Some(found) = self.pattern.find_at(text, from) {
            let begin = text[..found.start()].rfind_byte(b'\n').map_or(0, |end| end + 1);
            let end = text[found.start()..].find_byte(b'\n').map_or(text.len(), |end| end + found.start());
            let whole = text[begin..end].strip_suffix(b"\r").unwrap_or(&text[begin..end]);
            // A match over several lines is none, as a line is all that is looked at.
            if let Some(at) = self.pattern.find(whole) {
                if self.lines.len() < self.limit {
                    line += text[counted..begin].iter().filter(|byte| **byte == b'\n').count() as u64;
                    counted = begin;
                    let (text, at) = cut(whole, at.range());
                    self.lines.push(LineHit { stream, line: from_start.then_some(line), text, at });
                } else {
                    self.more += 1;
                }
            }
            from = end + 1;
            if from >= text.len() {
                return;
            }
        }
    }
}

/// A line, or what is around the match of one that is too long.
fn cut(line: &[u8], at: Range<usize>) -> (BString, Range<usize>) {
    if line.len() <= MAX_LINE_BYTES {
        return (line.into(), at);
    }
    let from = at.start.saturating_sub(MAX_LINE_BYTES / 4).min(line.len() - MAX_LINE_BYTES);
    let to = from + MAX_LINE_BYTES;
    (line[from..to].into(), at.start - from..at.end.min(to) - from)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{events, history, keep, record, recorded_run};
    use super::*;
    use crate::event::{Captured, Event, Outcome, Output, TaskEvent};
    use crate::model::search::output_pattern;

    const ALL: SearchLimits = SearchLimits { tasks: 100, lines: 3 };

    #[test]
    fn lines_that_match_are_found_with_their_places_whatever_is_around_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut said = events(9, &[]);
        let text = |head: &[u8], dropped_bytes, tail: &[u8]| Captured {
            head: head.to_vec(),
            dropped_bytes,
            tail: tail.to_vec(),
            ..Captured::default()
        };
        let outputs = [
            (text(b"one\nan ERROR here\r\nerror again\n", 0, b""), text(b"", 0, b"")),
            (text(b"\xff\xfe error\n\n", 0, b""), text(b"error: a\nerror: b\nerror: c\nerror: d\nerror: e", 0, b"")),
            (text(b"begin\n", 100, b"cut error\n"), text(b"", 0, b"")),
            (text(b"ends in the er", 0, b"ror\nend\n"), text(b"", 0, b"")),
            (text(b"er\nror", 0, b""), text(b"", 0, b"")),
        ];
        for (task, (stdout, stderr)) in (0..).zip(outputs) {
            let output = Some(Box::new(Output { stdout, stderr, leaky: false }));
            let record = AttemptRecord { output, ..record(task, 1, Outcome::Exited { code: 1 }) };
            said.push(Event { at_ns: 50 + task, kind: EventKind::Task(TaskEvent::Finished(vec![record])) });
        }
        let called = |task, value| AttemptRecord { value, output: None, ..record(task, 1, Outcome::Done) };
        let values = [Some(CallValue::Text("an error".into())), Some(CallValue::Int(-1234)), None];
        let records = (5..).zip(values).map(|(task, value)| called(task, value)).collect();
        said.push(Event { at_ns: 70, kind: EventKind::Task(TaskEvent::Finished(records)) });
        let words = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let (run, _) = keep(folder.path(), recorded_run(&words, None), &said);
        let (run, history) = (run.expect("a number"), history(folder.path()));
        let search = |pattern: &Regex| {
            history.search_outputs(run, pattern, ALL, |_| ControlFlow::Continue(())).expect("readable")
        };
        let pattern = output_pattern("error", true, true).expect("a pattern");
        let hits = search(&pattern);
        assert_eq!((hits.progress.searched, hits.progress.found, hits.cut, hits.damaged), (8, 5, 1, 0));
        let (out, err) = (Some(StreamName::Stdout), Some(StreamName::Stderr));
        let found: Vec<_> = hits
            .attempts
            .iter()
            .flat_map(|found| {
                found.lines.iter().map(|hit| (found.number, hit.stream, hit.line, hit.text.to_string(), hit.at.start))
            })
            .collect();
        let expected = [
            (1, out, Some(2), "an ERROR here", 3),
            (1, out, Some(3), "error again", 0),
            (2, err, Some(1), "error: a", 0),
            (2, err, Some(2), "error: b", 0),
            (2, err, Some(3), "error: c", 0),
            (3, out, None, "cut error", 4),
            (4, out, Some(1), "ends in the error", 12),
            (6, None, Some(1), "an error", 3),
        ];
        assert_eq!(found, expected.map(|(number, stream, line, text, at)| (number, stream, line, text.to_owned(), at)));
        assert_eq!(hits.attempts[1].more, 3, "two of standard error, one of standard output");
        for (text, fixed, found) in [
            ("^error", false, 2),
            ("-1234", true, 1),
            ("r\\s+e", false, 0),
            ("", true, 7),
            ("task", true, 0),
            ("[0-9]{4}$", false, 1),
        ] {
            let pattern = output_pattern(text, fixed, false).expect("a pattern");
            assert_eq!(search(&pattern).progress.found, found, "{text:?}");
        }
        let stopped = history.search_outputs(run, &pattern, ALL, |_| ControlFlow::Break(())).expect("readable");
        assert!(stopped.cancelled);
        let long = [&b"x".repeat(9000)[..], b"error", &b"y".repeat(9000)].concat();
        let (line, at) = cut(&long, 9000..9005);
        assert_eq!((line.len(), &line[at]), (MAX_LINE_BYTES, &b"error"[..]));
    }
}
