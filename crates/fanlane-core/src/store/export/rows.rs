//! A CSV file with a row for each task. Text cells that a spreadsheet would take for a formula begin with `'`.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::io_error;
use crate::event::{AttemptRecord, Outcome, StreamName};
use crate::job::KindTraits;
use crate::store::joblog::exit_and_signal;
use crate::store::record::{RecordHeader, TaskWords};
use crate::store::results_table::{formula_guarded, value_of};
use crate::store::whole_output::WholeOutput;

/// Writes rows.
pub struct RowWriter<W: Write> {
    csv: csv::Writer<W>,
    kind: &'static KindTraits,
    columns: usize,
}

impl<W: Write> RowWriter<W> {
    /// Writes the names of the columns: one `input` for each value of a task, with the value's name if it has one;
    /// calls have a `value` in place of the two streams.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, header: &RecordHeader) -> io::Result<Self> {
        let mut csv = csv::Writer::from_writer(out);
        let mut names = vec!["task".to_owned()];
        names.extend(header.columns.iter().map(|name| format!("input {name}")));
        let fixed = ["command", "outcome", "reason", "exit_code", "signal", "attempts", "worker"];
        let measured = ["start_secs", "wall_secs", "cpu_secs", "max_rss_bytes"];
        let kind = header.kind.traits();
        let value = kind.returns_value.then_some("value");
        let streams: &[&str] = if kind.prints { &["stdout", "stderr"] } else { &[] };
        let results = value.into_iter().chain(streams.iter().copied());
        names.extend(fixed.into_iter().chain(measured).chain(results).map(str::to_owned));
        csv.write_record(names.iter().map(|name| formula_guarded(name.as_bytes()))).map_err(io_error)?;
        Ok(Self { csv, kind, columns: header.columns.len() })
    }

    /// Writes the row of a task. Returns whether its output is whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, record: &AttemptRecord, words: &TaskWords) -> io::Result<bool> {
        let number = |number: String| Cow::<[u8]>::Owned(number.into_bytes());
        let secs = |ns: u64| number((ns as f64 / 1e9).to_string());
        let (exit_code, signal) = match &record.outcome {
            Outcome::Exited { .. } => (number(exit_and_signal(&record.outcome).0.to_string()), number(String::new())),
            Outcome::Done if self.kind.has_exit_code => (number("0".to_owned()), number(String::new())),
            Outcome::Signalled { signal } => (number(String::new()), number(signal.to_string())),
            _ => (number(String::new()), number(String::new())),
        };
        let reason = record.outcome.reason().unwrap_or_default();
        let mut cells: Vec<Cow<'_, [u8]>> = vec![number(words.number().to_string())];
        cells
            .extend((0..self.columns).map(|column| {
                words.input.get(column).map_or(b"".as_slice().into(), |value| formula_guarded(&value.0))
            }));
        cells.push(formula_guarded(&words.command.0));
        cells.push(record.outcome.class().name().as_bytes().into());
        cells.push(formula_guarded(reason.as_bytes()));
        cells.extend([exit_code, signal]);
        cells.push(number(record.attempt.to_string()));
        cells.push(number(if record.attempt > 0 { record.worker.0.to_string() } else { String::new() }));
        cells.extend([secs(record.start_ns), secs(record.wall_ns), secs(record.cpu_ns)]);
        cells.push(number(record.max_rss_bytes.to_string()));
        let results = words.results.as_ref().map(|path| Path::new(OsStr::from_bytes(&path.0)));
        let mut is_whole = true;
        let mut streams = Vec::new();
        for stream in StreamName::BOTH {
            let whole = WholeOutput::of_earlier(record, stream, results);
            is_whole &= whole.is_whole(record, stream);
            streams.push(match whole {
                WholeOutput::Held(text) => text,
                WholeOutput::Spilled(text) => {
                    let mut bytes = Vec::new();
                    text.each_piece(|piece| {
                        bytes.extend_from_slice(piece);
                        Ok(())
                    })?;
                    bytes.into()
                }
            });
        }
        let value = value_of(record);
        if self.kind.returns_value {
            cells.push(formula_guarded(&value));
        }
        if self.kind.prints {
            cells.extend(streams.iter().map(|stream| formula_guarded(stream)));
        }
        self.csv.write_byte_record(&cells.iter().map(|cell| &**cell).collect()).map_err(io_error)?;
        Ok(is_whole)
    }

    /// Flushes the output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.csv.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CallValue, Captured, Output, TaskId, WorkerId};
    use crate::job::TaskKind;
    use crate::job::lossless::Bytes;
    use crate::model::Earlier;

    fn header(kind: TaskKind) -> RecordHeader {
        RecordHeader { fanlane_record: 1, kind, columns: vec!["1".to_owned()], earlier: Earlier::default() }
    }

    fn words() -> TaskWords {
        TaskWords {
            task: 1,
            number: Some(12),
            input: vec![Bytes(b"=a,b".to_vec())],
            command: Bytes(b"@echo".to_vec()),
            results: None,
        }
    }

    fn rows(kind: TaskKind, record: &AttemptRecord) -> String {
        let mut out = Vec::new();
        let mut rows = RowWriter::new(&mut out, &header(kind)).expect("begun");
        rows.add(record, &words()).expect("added");
        rows.finish().expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_closed_pipe_is_known_by_its_kind_at_every_row() {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut rows = RowWriter::new(writer, &header(TaskKind::Command)).expect("the first row waits in the buffer");
        let captured = Captured { head: vec![b'x'; 1 << 20], ..Captured::default() };
        let output = Output { stdout: captured, ..Output::default() };
        let record = AttemptRecord {
            output: Some(Box::new(output)),
            ..AttemptRecord::new(TaskId(1), 1, WorkerId(1), Outcome::Done)
        };
        let error = rows.add(&record, &words()).expect_err("it is longer than the buffer");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn cells_of_text_are_inert_and_measurements_are_numbers() {
        let stdout = Captured { head: b"+1+2\n".to_vec(), ..Captured::default() };
        let record = AttemptRecord {
            start_ns: 10_000_000,
            wall_ns: 120_000_000,
            max_rss_bytes: 99,
            output: Some(Box::new(Output { stdout, ..Output::default() })),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(3), Outcome::CannotStart("-x".into()))
        };
        assert_eq!(
            rows(TaskKind::Command, &record),
            "task,input 1,command,outcome,reason,exit_code,signal,attempts,worker,start_secs,wall_secs,cpu_secs,\
             max_rss_bytes,stdout,stderr\n12,\"'=a,b\",'@echo,failed,'-x,,,1,3,0.01,0.12,0,99,\"'+1+2\n\",\n"
        );
        let called = AttemptRecord { outcome: Outcome::Done, value: Some(CallValue::Int(-5)), output: None, ..record };
        assert!(
            rows(TaskKind::Workload, &called)
                .ends_with(",max_rss_bytes,value\n12,\"'=a,b\",'@echo,done,,,,1,3,0.01,0.12,0,99,-5\n")
        );
    }
}
