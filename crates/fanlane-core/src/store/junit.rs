//! `--junit FILE`: a report of all tasks in the XML of JUnit, which build servers show. Each task is a test case; one that failed
//! has what it printed.
//!
//! The numbers of tests stand at the beginning, where blanks are left for them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use super::output_target;
use super::results_table::text_of;
use crate::event::{AttemptRecord, Outcome, OutcomeClass, OutcomeCounts, StreamName};

/// Room for the longest numbers in the beginning, in bytes.
const ROOM_BYTES: usize = 200;

/// A report that is being written.
#[derive(Debug)]
pub struct JUnitReport {
    file: BufWriter<File>,
    suite: String,
    counts: OutcomeCounts,
    wall_ns: u64,
}

impl JUnitReport {
    /// Creates or overwrites the file `path`, for tasks of a job called `suite`.
    ///
    /// # Errors
    /// Errors of the system; a pipe or a device cannot be written, since the beginning is written last.
    pub fn create(path: &Path, suite: &str) -> io::Result<Self> {
        if output_target::is_stream(path) {
            return Err(io::Error::other("its beginning is written last, so it has to be a regular file"));
        }
        let file = BufWriter::new(output_target::create(path)?);
        let mut report = Self { file, suite: escaped(suite.as_bytes()), counts: OutcomeCounts::default(), wall_ns: 0 };
        report.write_beginning()?;
        Ok(report)
    }

    /// Adds the task `number`, which ended as `record` says.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn add(&mut self, number: u64, record: &AttemptRecord, command: &[u8]) -> io::Result<()> {
        let class = record.outcome.class();
        self.counts.add(class);
        self.wall_ns = self.wall_ns.saturating_add(record.wall_ns);
        let mut case = format!(
            "  <testcase classname=\"{}\" name=\"{number}: {}\" time=\"{}\"",
            self.suite,
            escaped(command),
            secs(record.wall_ns),
        );
        let message = escaped(words(&record.outcome).as_bytes());
        match class {
            OutcomeClass::Done => case += "/>\n",
            OutcomeClass::Cancelled => case += "><skipped message=\"cancelled\"/></testcase>\n",
            OutcomeClass::Failed | OutcomeClass::TimedOut | OutcomeClass::Lost => {
                let printed = StreamName::BOTH.map(|stream| escaped(&text_of(record, stream)));
                let kind = class.name();
                let _ = writeln!(
                    case,
                    "><failure message=\"{message}\" type=\"{kind}\"/><system-out>{}</system-out><system-err>{}</system-err></testcase>",
                    printed[0], printed[1]
                );
            }
        }
        self.file.write_all(case.as_bytes())
    }

    /// Ends the report, after the last task.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.write_all(b" </testsuite>\n</testsuites>\n")?;
        self.file.rewind()?;
        self.write_beginning()?;
        self.file.flush()
    }

    fn write_beginning(&mut self) -> io::Result<()> {
        let counts = &self.counts;
        let numbers = format!(
            "tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{}\"",
            counts.total(),
            counts.failures(),
            counts.cancelled,
            secs(self.wall_ns)
        );
        let suite = &self.suite;
        writeln!(
            self.file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n <testsuite name=\"{suite}\" {numbers:ROOM_BYTES$}>"
        )
    }
}

fn secs(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000_000, ns / 1_000_000 % 1000)
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code } => format!("exit code {code}"),
        Outcome::Signalled { signal } => format!("ended by signal {signal}"),
        other => other.reason().map_or_else(|| other.class().name().to_owned(), str::to_owned),
    }
}

/// Text of XML: bytes that are no UTF-8, and characters that XML cannot hold, become a replacement character.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '"' => text += "&quot;",
            '\n' => text += "&#10;",
            '\t' => text += "&#9;",
            '\r' => text += "&#13;",
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => text.push(char::REPLACEMENT_CHARACTER),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WorkerId;
    use crate::job::TaskId;

    #[test]
    fn each_task_is_a_case_and_the_numbers_stand_in_front() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.xml");
        let mut report = JUnitReport::create(&path, "a <b> & \"c\"").expect("created");
        let record = |outcome| AttemptRecord {
            wall_ns: 1_250_000_000,
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), outcome)
        };
        report.add(1, &record(Outcome::Done), b"echo 'a<b'").expect("added");
        report.add(2, &record(Outcome::Exited { code: 3 }), b"x \x01\xff\n").expect("added");
        report.add(3, &record(Outcome::Cancelled), b"y").expect("added");
        report.add(4, &record(Outcome::TimedOut), b"z").expect("added");
        report.finish().expect("finished");
        let text = std::fs::read_to_string(&path).expect("text");
        for part in [
            "<testsuite name=\"a &lt;b&gt; &amp; &quot;c&quot;\" tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\" time=\"5.000\" ",
            "name=\"1: echo 'a&lt;b'\" time=\"1.250\"/>\n",
            "name=\"2: x \u{fffd}\u{fffd}&#10;\" time=\"1.250\"><failure message=\"exit code 3\" type=\"failed\"/><system-out></system-out>",
            "name=\"3: y\" time=\"1.250\"><skipped message=\"cancelled\"/></testcase>\n",
            "<failure message=\"timed out\" type=\"timed out\"/>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.ends_with("</testcase>\n </testsuite>\n</testsuites>\n"), "{text}");
    }

    #[test]
    fn a_pipe_is_refused() {
        let error = JUnitReport::create(Path::new("/dev/null"), "x").expect_err("a device").to_string();
        assert!(error.contains("regular file"), "{error}");
    }
}
