//! The report for people and pipes: what tasks printed and returned, as it is, and one line for each that failed.

use std::io::{self, Write};

use super::Tasks;
use super::describe::failure;
use super::streams::Streams;
use crate::event::{AttemptRecord, Captured, Value};

/// Writes what one task left behind: its standard output or its value to standard output, its standard error and a
/// line on its failure to standard error.
///
/// # Errors
/// When a stream cannot be written.
pub fn write_task(record: &AttemptRecord, tasks: &dyn Tasks, streams: &mut Streams) -> io::Result<()> {
    if let Some(output) = &record.output {
        if !is_empty(&output.stdout) {
            streams.stdout(|out| write_captured(&output.stdout, out))?;
        }
        if !is_empty(&output.stderr) {
            streams.stderr(|err| write_captured(&output.stderr, err))?;
        }
    }
    if let Some(value) = &record.value {
        streams.stdout(|out| write_value(value, out))?;
    }
    if let Some(line) = failure(record, || tasks.describe(record.task)) {
        streams.stderr(|err| writeln!(err, "{line}"))?;
    }
    Ok(())
}

fn is_empty(stream: &Captured) -> bool {
    stream.head.is_empty() && stream.tail.is_empty() && stream.dropped_bytes == 0
}

fn write_captured(stream: &Captured, out: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(&stream.head)?;
    if stream.dropped_bytes > 0 {
        writeln!(out, "\n[fanlane: {} bytes of this output were not kept]", stream.dropped_bytes)?;
        out.write_all(&stream.tail)?;
    }
    Ok(())
}

fn write_value(value: &Value, out: &mut Vec<u8>) -> io::Result<()> {
    match value {
        Value::Int(number) => write!(out, "{number}")?,
        Value::Float(number) => write!(out, "{number}")?,
        Value::Text(text) => out.write_all(text.as_bytes())?,
        Value::Bytes(bytes) => out.write_all(bytes)?,
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::bar::Bar;
    use crate::cli::report::samples::{NamedTasks, done, ended, printed};
    use crate::cli::report::watched::Watched;
    use crate::event::{Outcome, Output};

    fn written(record: &AttemptRecord) -> (String, String) {
        let (out, err) = (Watched::default(), Watched::default());
        let mut streams = Streams::new(Box::new(out.clone()), Box::new(err.clone()), Bar::Hidden);
        write_task(record, &NamedTasks, &mut streams).expect("written");
        streams.flush().expect("written");
        (out.text(), err.text())
    }

    #[test]
    fn output_is_written_as_it_is() {
        assert_eq!(written(&printed(0, "a\nb", "warning\n")), ("a\nb".to_owned(), "warning\n".to_owned()));
        assert_eq!(written(&done(0)), (String::new(), String::new()));
    }

    #[test]
    fn a_failed_task_has_a_line_after_its_output() {
        let failed = AttemptRecord { outcome: Outcome::Exited { code: 2 }, ..printed(4, "out\n", "err\n") };
        assert_eq!(written(&failed), ("out\n".to_owned(), "err\ntask 5 failed: exit code 2: command 5\n".to_owned()));
    }

    #[test]
    fn a_value_is_a_line() {
        let cases = [
            (Value::Int(-125), "-125\n"),
            (Value::Float(0.5), "0.5\n"),
            (Value::Text("é".into()), "é\n"),
            (Value::Bytes(b"ab".as_slice().into()), "ab\n"),
        ];
        for (value, line) in cases {
            let record = AttemptRecord { value: Some(value), ..done(0) };
            assert_eq!(written(&record), (line.to_owned(), String::new()));
        }
    }

    #[test]
    fn what_was_dropped_is_marked() {
        let stdout = Captured { head: b"head".to_vec(), dropped_bytes: 7, tail: b"tail".to_vec() };
        let record =
            AttemptRecord { output: Some(Box::new(Output { stdout, ..Output::default() })), ..ended(0, Outcome::Done) };
        assert_eq!(written(&record).0, "head\n[fanlane: 7 bytes of this output were not kept]\ntail");
    }
}
