//! The job log: a line for each task that has ended, in the format of GNU parallel 20221122, so that tools for its logs
//! can read it. [`earlier`] reads the log of earlier runs. What to resume is decided elsewhere.

pub mod earlier;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::output_target;
use crate::event::{AttemptRecord, Outcome};

/// The first line of a log.
pub const HEADER: &str = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/// What the log calls the machine that writes it, as parallel does.
const THIS_MACHINE: &str = ":";

/// What to do with an existing log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingLog {
    /// Overwrite it, as parallel does with `--joblog FILE`.
    Overwrite,
    /// Append to it, as parallel does with `--joblog +FILE` and when it resumes. An empty or missing log gets a header.
    Append,
}

/// A log that is being written.
pub struct JobLog {
    out: Box<dyn Write + Send>,
    line: Vec<u8>,
}

impl JobLog {
    /// Opens the log in the file `path`, which is created if needed.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn open(path: &Path, existing: ExistingLog) -> io::Result<Self> {
        let file = match existing {
            ExistingLog::Overwrite => output_target::create(path)?,
            ExistingLog::Append => output_target::append(path)?,
        };
        let begun = existing == ExistingLog::Append && file.metadata()?.len() > 0;
        Self::begin(Box::new(file), begun)
    }

    /// Continues a log that was read before: after the first `whole_bytes` of its `read_bytes`, so that a torn last
    /// line is removed. The log is locked meanwhile.
    ///
    /// # Errors
    /// Errors of the system, and when the log has changed since it was read or another run continues it.
    pub fn resume(path: &Path, whole_bytes: u64, read_bytes: u64) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            Errno::WOULDBLOCK => io::Error::other("another run continues it; wait for its end"),
            other => other.into(),
        })?;
        if file.metadata()?.len() != read_bytes {
            return Err(io::Error::other("it was changed while it was read; try again"));
        }
        if whole_bytes < read_bytes {
            file.set_len(whole_bytes)?;
        }
        Self::begin(Box::new(file), whole_bytes > 0)
    }

    /// A log that is written elsewhere than to a file.
    ///
    /// # Errors
    /// When its header cannot be written.
    pub fn to_writer(out: Box<dyn Write + Send>) -> io::Result<Self> {
        Self::begin(out, false)
    }

    fn begin(mut out: Box<dyn Write + Send>, begun: bool) -> io::Result<Self> {
        if !begun {
            out.write_all(HEADER.as_bytes())?;
            out.flush()?;
        }
        Ok(Self { out, line: Vec::new() })
    }

    /// Adds the line of the task `number`, in one write. `command` is its command line, or its workload and argument;
    /// `host` is the one that ran it, `None` this machine; `run_started_unix_ms` is the start of its run. A cancelled task has no line, as in parallel, and so is still to
    /// be done when resuming.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn add(
        &mut self,
        number: u64,
        record: &AttemptRecord,
        host: Option<&str>,
        run_started_unix_ms: u64,
        command: &[u8],
    ) -> io::Result<()> {
        if record.attempt == 0 || record.outcome == Outcome::Cancelled {
            return Ok(());
        }
        self.line.clear();
        let start_secs = run_started_unix_ms as f64 / 1e3 + record.start_ns as f64 / 1e9;
        let (exit_value, signal) = exit_and_signal(&record.outcome);
        write!(
            self.line,
            "{number}\t{}\t{start_secs:.3}\t{:10.3}\t0\t{}\t{exit_value}\t{signal}\t",
            host.unwrap_or(THIS_MACHINE),
            record.wall_ns as f64 / 1e9,
            stdout_bytes(record),
        )?;
        // As in parallel, a command of several lines is written on one.
        self.line.extend(command.iter().copied().map(on_one_line));
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.out.flush()
    }
}

/// A byte of a command as written in a log, which replaces line ends.
pub const fn on_one_line(byte: u8) -> u8 {
    if byte == b'\n' { 0 } else { byte }
}

/// The columns `Exitval` and `Signal`. As in parallel, a killed task has −1 and the signal that it was first sent, and
/// a program that cannot be started has the shell's 127; a worker that died has −1 and 0.
pub fn exit_and_signal(outcome: &Outcome) -> (i32, i32) {
    match outcome {
        Outcome::Done => (0, 0),
        Outcome::Exited { code } => (*code, 0),
        Outcome::Signalled { signal } => (0, *signal),
        Outcome::CannotStart(_) => (127, 0),
        Outcome::CallFailed(_) | Outcome::OutputLost(_) => (1, 0),
        Outcome::TimedOut | Outcome::Cancelled => (-1, libc::SIGTERM),
        Outcome::Lost(_) => (-1, 0),
    }
}

/// How much a task wrote to its standard output, in bytes.
pub fn stdout_bytes(record: &AttemptRecord) -> u64 {
    record.output.as_ref().map_or(0, |output| {
        let stdout = &output.stdout;
        (stdout.head.len() + stdout.tail.len()) as u64 + stdout.dropped_bytes
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::{Captured, Output, TaskId, WorkerId};

    fn record(outcome: Outcome) -> AttemptRecord {
        let stdout = Captured { head: b"abc".to_vec(), dropped_bytes: 10, tail: b"de".to_vec(), ..Captured::default() };
        AttemptRecord {
            start_ns: 1_500_400_000,
            wall_ns: 12_345_600_000,
            output: Some(Box::new(Output { stdout, ..Output::default() })),
            ..AttemptRecord::new(TaskId(6), 1, WorkerId(1), outcome)
        }
    }

    #[test]
    fn each_end_has_the_columns_of_parallel() {
        let cases = [
            (Outcome::Done, "0\t0"),
            (Outcome::Exited { code: 3 }, "3\t0"),
            (Outcome::Signalled { signal: 9 }, "0\t9"),
            (Outcome::CannotStart("not found".into()), "127\t0"),
            (Outcome::CallFailed("no".into()), "1\t0"),
            (Outcome::OutputLost("full".into()), "1\t0"),
            (Outcome::TimedOut, "-1\t15"),
            (Outcome::Lost("died".into()), "-1\t0"),
        ];
        for (outcome, columns) in cases {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("log");
            let mut log = JobLog::open(&path, ExistingLog::Overwrite).expect("opened");
            log.add(7, &record(outcome), None, 1_700_000_000_123, b"echo a\nb\tc").expect("written");
            let line = format!("7\t:\t1700000001.623\t    12.346\t0\t15\t{columns}\techo a\0b\tc\n");
            assert_eq!(fs::read_to_string(&path).expect("text"), format!("{HEADER}{line}"));
        }
    }

    #[test]
    fn a_log_that_is_there_is_overwritten_or_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        for (before, lines) in
            [(ExistingLog::Append, 2), (ExistingLog::Append, 3), (ExistingLog::Overwrite, 2), (ExistingLog::Append, 3)]
        {
            let mut log = JobLog::open(&path, before).expect("opened");
            log.add(7, &record(Outcome::Done), Some("lady@ada"), 0, b"true").expect("written");
            let text = fs::read_to_string(&path).expect("text");
            assert_eq!((text.lines().count(), text.starts_with(HEADER)), (lines, true), "{text}");
        }
    }

    #[test]
    fn a_task_that_was_cancelled_has_no_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let mut log = JobLog::open(&path, ExistingLog::Overwrite).expect("opened");
        for attempt in [0, 1] {
            let cancelled = AttemptRecord { attempt, ..record(Outcome::Cancelled) };
            log.add(7, &cancelled, None, 0, b"true").expect("nothing to write");
        }
        assert_eq!(fs::read_to_string(&path).expect("text"), HEADER);
    }
}
