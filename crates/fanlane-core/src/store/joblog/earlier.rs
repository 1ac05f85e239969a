//! Reading the job log of earlier runs, line by line, whether written by Fanlane or by GNU parallel. What follows from
//! it is decided elsewhere.

use std::io::{self, BufRead};

use super::HEADER;

/// A line of a log: a task that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its line number, from 1 for the header.
    pub line: u64,
    /// The task's number, from 1.
    pub number: u64,
    /// It exited with 0.
    pub succeeded: bool,
    /// Its command, with a NUL byte for each line end.
    pub command: Vec<u8>,
}

/// A log that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// An error of the system.
    #[error("line {line}: {source}")]
    Unreadable {
        /// Which line, from 1.
        line: u64,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// It is not a job log.
    #[error("its first line is not that of a job log (Seq, Host, Starttime and so on); name another file")]
    NoLog,
    /// A line is not a line of a job log.
    #[error("line {line} is no line of a job log: {reason}; remove it, and its task runs again")]
    Damaged {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Reads a log. A torn last line, as left by a crash, is ignored.
#[derive(Debug)]
pub struct LogReader<R> {
    input: R,
    line: u64,
    text: Vec<u8>,
    whole_bytes: u64,
    read_bytes: u64,
}

impl<R: BufRead> LogReader<R> {
    /// Reads from the beginning.
    pub const fn new(input: R) -> Self {
        Self { input, line: 0, text: Vec::new(), whole_bytes: 0, read_bytes: 0 }
    }

    /// The next task; `None` at the end.
    ///
    /// # Errors
    /// When it is no log, or cannot be read.
    pub fn next_line(&mut self) -> Result<Option<LogLine>, LogError> {
        loop {
            self.line += 1;
            self.text.clear();
            let read = self.input.read_until(b'\n', &mut self.text);
            self.read_bytes += read.map_err(|source| LogError::Unreadable { line: self.line, source })? as u64;
            let Some(text) = self.text.strip_suffix(b"\n") else {
                let may_be_a_log = self.line > 1 || HEADER.as_bytes().starts_with(&self.text);
                return if may_be_a_log { Ok(None) } else { Err(LogError::NoLog) };
            };
            self.whole_bytes = self.read_bytes;
            if self.line > 1 {
                return parse(text, self.line).map(Some);
            }
            if !text.starts_with(b"Seq\tHost\t") {
                return Err(LogError::NoLog);
            }
        }
    }

    /// After the end was reached: number of bytes in complete lines.
    pub const fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }

    /// After the end was reached: number of bytes in all, including a torn last line.
    pub const fn read_bytes(&self) -> u64 {
        self.read_bytes
    }
}

fn parse(text: &[u8], line: u64) -> Result<LogLine, LogError> {
    let wrong = |reason| LogError::Damaged { line, reason };
    let fields: Vec<&[u8]> = text.splitn(9, |byte| *byte == b'\t').collect();
    let [seq, _, _, _, _, _, exit_value, signal, command] = *fields else {
        return Err(wrong("it has fewer than nine columns"));
    };
    let number = |field: &[u8]| str::from_utf8(field).ok().and_then(|field| field.trim().parse::<i64>().ok());
    let seq = number(seq).and_then(|seq| u64::try_from(seq).ok()).filter(|seq| *seq > 0);
    let seq = seq.ok_or(wrong("its first column is no number of a task"))?;
    let (Some(exit_value), Some(signal)) = (number(exit_value), number(signal)) else {
        return Err(wrong("its columns Exitval and Signal are no numbers"));
    };
    Ok(LogLine { line, number: seq, succeeded: exit_value == 0 && signal == 0, command: command.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (Vec<(u64, bool, Vec<u8>)>, u64, u64);

    fn read(text: &str) -> Result<Read, String> {
        let mut reader = LogReader::new(text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().map_err(|error| error.to_string())? {
            lines.push((line.number, line.succeeded, line.command));
        }
        Ok((lines, reader.whole_bytes(), reader.read_bytes()))
    }

    const FIRST: &str = "2\t:\t1795362594.449\t     0.101\t0\t5\t0\t0\techo a\tb\n";
    const SECOND: &str = "1\tfar\t1795362594.449\t     0.101\t0\t5\t0\t9\techo\0c\n";

    #[test]
    fn wherever_a_log_is_cut_off_its_whole_lines_are_read() {
        let whole = format!("{HEADER}{FIRST}{SECOND}");
        for cut in 0..=whole.len() {
            let (lines, whole_bytes, read_bytes) = read(&whole[..cut]).expect("a log");
            let ends = [HEADER.len(), HEADER.len() + FIRST.len(), whole.len()];
            let tasks = [(2, true, b"echo a\tb".to_vec()), (1, false, b"echo\0c".to_vec())];
            let count = ends[1..].iter().filter(|end| cut >= **end).count();
            assert_eq!(lines, tasks[..count], "cut at {cut}");
            let last = ends.iter().rfind(|end| cut >= **end).copied().unwrap_or(0);
            assert_eq!((whole_bytes, read_bytes), (last as u64, cut as u64), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_log_is_refused() {
        for (text, words) in [
            ("a\tb\n".to_owned(), "its first line is not that of a job log"),
            ("a".to_owned(), "its first line is not that of a job log"),
            (format!("{HEADER}1\t:\n{FIRST}"), "line 2 is no line of a job log: it has fewer than nine columns"),
            (
                format!("{HEADER}{FIRST}{}", FIRST.replacen('2', "x", 1)),
                "line 3 is no line of a job log: its first column",
            ),
            (format!("{HEADER}{}", FIRST.replacen('2', "0", 1)), "line 2 is no line of a job log: its first column"),
            (format!("{HEADER}{}", FIRST.replace("\t0\t0\t", "\t0\tno\t")), "Exitval and Signal are no numbers"),
        ] {
            let error = read(&text).expect_err("refused");
            assert!(error.contains(words), "{error}");
        }
    }
}
