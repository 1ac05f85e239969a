//! The report as text: the output and values of tasks, unchanged, and one line for each failed task.

use std::io::{self, Write};
use std::path::Path;

use super::Tasks;
use super::describe::{failure, remark};
use super::streams::Streams;
use super::tag::Tagger;
use fanlane_core::event::{AttemptRecord, CallValue, Captured, StreamName};
use fanlane_core::store::results_table::text_of;
use fanlane_core::store::whole_output::WholeOutput;

/// Writes the report of a task: its standard output or its value to standard output, its standard error and a line on its
/// failure to standard error. Output that was too long for memory is read from `spill_folder`; the task ran in the lane
/// `slot`, from 1. Returns whether the output is whole.
///
/// # Errors
/// When a stream cannot be written.
pub fn write_task(
    record: &AttemptRecord,
    slot: u32,
    tasks: &dyn Tasks,
    spill_folder: Option<&Path>,
    streams: &mut Streams,
) -> io::Result<bool> {
    let tag = || tasks.tag(record.task, slot);
    let mut is_whole = true;
    for stream in StreamName::BOTH {
        let Some(kept) = record.output.as_ref().map(|output| output.stream(stream)) else { continue };
        if is_empty(kept) {
            continue;
        }
        let mut tagger = Tagger::new(tag());
        let mut write = |piece: &[u8]| streams.to(stream, |out| tagger.write(piece, out));
        match WholeOutput::of(record, stream, spill_folder) {
            Ok(WholeOutput::Spilled(text)) => text.each_piece(write)?,
            Ok(WholeOutput::Held(text)) => {
                write(&text)?;
                is_whole &= kept.dropped_bytes == 0;
            }
            Err(error) => {
                write(&text_of(record, stream))?;
                is_whole = false;
                let number = tasks.number(record.task);
                streams.stderr(|err| {
                    writeln!(err, "task {number}: the whole of its {} cannot be read: {error}", stream.name())
                })?;
            }
        }
    }
    if let Some(value) = &record.value {
        let mut line = Vec::new();
        write_value(value, &mut line)?;
        streams.stdout(|out| Tagger::new(tag()).write(&line, out))?;
    }
    if let Some(line) = failure(tasks.number(record.task), record, || tasks.describe(record.task, slot)) {
        streams.stderr(|err| writeln!(err, "{line}"))?;
        if let Some(remark) = remark(record) {
            streams.stderr(|err| writeln!(err, "{remark}"))?;
        }
    }
    Ok(is_whole)
}

fn is_empty(stream: &Captured) -> bool {
    stream.head.is_empty() && stream.tail.is_empty() && stream.dropped_bytes == 0
}

fn write_value(value: &CallValue, out: &mut Vec<u8>) -> io::Result<()> {
    match value {
        CallValue::Int(number) => write!(out, "{number}")?,
        CallValue::Float(number) => write!(out, "{number}")?,
        CallValue::Text(text) => out.write_all(text.as_bytes())?,
        CallValue::Bytes(bytes) => out.write_all(bytes)?,
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::bar::Bar;
    use crate::cli::report::test_records::{NamedTasks, done, ended, printed};
    use crate::cli::report::test_sink::Watched;
    use fanlane_core::event::{Outcome, Output};

    fn written(record: &AttemptRecord) -> (String, String) {
        let (out, err) = (Watched::default(), Watched::default());
        let mut streams = Streams::new(Box::new(out.clone()), Box::new(err.clone()), Bar::Hidden);
        write_task(record, 1, &NamedTasks, None, &mut streams).expect("written");
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
            (CallValue::Int(-125), "-125\n"),
            (CallValue::Float(0.5), "0.5\n"),
            (CallValue::Text("é".into()), "é\n"),
            (CallValue::Bytes(b"ab".as_slice().into()), "ab\n"),
        ];
        for (value, line) in cases {
            let record = AttemptRecord { value: Some(value), ..done(0) };
            assert_eq!(written(&record), (line.to_owned(), String::new()));
        }
    }

    #[test]
    fn what_was_dropped_is_marked() {
        let stdout =
            Captured { head: b"head".to_vec(), dropped_bytes: 7, tail: b"tail".to_vec(), ..Captured::default() };
        let record =
            AttemptRecord { output: Some(Box::new(Output { stdout, ..Output::default() })), ..ended(0, Outcome::Done) };
        assert_eq!(written(&record).0, "head\n[fanlane: 7 bytes of this output were not kept]\ntail");
    }
}
