//! The report as text: the output and values of tasks, unchanged, and one line for each failed task.

use std::borrow::Cow;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Tasks;
use super::describe::{failure, remark};
use super::live::BegunTask;
use super::streams::Streams;
use fanlane_core::event::{AttemptRecord, CallValue, Captured, StreamName, latest_line};
use fanlane_core::store::whole_output::WholeOutput;

/// Writes the report of a task: its standard output or its value to standard output, its standard error and a line on its
/// failure to standard error. Output that was too long for memory is read from `spill_folder`; what of it was printed while
/// the task ran, in the lane `slot` from 1, is not printed again. Returns whether the output is whole.
///
/// # Errors
/// When a stream cannot be written.
pub fn write_task(
    record: &AttemptRecord,
    slot: u32,
    tasks: &dyn Tasks,
    spill_folder: Option<&Path>,
    mut begun: BegunTask,
    streams: &mut Streams,
) -> io::Result<bool> {
    let is_whole = write_output(record, tasks, spill_folder, &mut begun, streams)?;
    write_end(record, slot, tasks, begun, streams)?;
    Ok(is_whole)
}

/// Writes the latest line that a task has printed, on standard output before standard error, and the rest of its report.
///
/// # Errors
/// When a stream cannot be written.
pub fn write_latest_line(
    record: &AttemptRecord,
    slot: u32,
    tasks: &dyn Tasks,
    mut begun: BegunTask,
    streams: &mut Streams,
) -> io::Result<()> {
    let kept = record.output.iter().flat_map(|output| [&output.stdout, &output.stderr]);
    let texts = kept.map(|kept| if kept.tail.is_empty() { &kept.head } else { &kept.tail });
    let line = texts.map(|text| &text[latest_line(text)]).find(|line| !line.is_empty());
    if let Some(line) = line {
        let line = [line, b"\n"].concat();
        streams.stdout(|out| begun.stream(StreamName::Stdout).write_rest(&line, out))?;
    }
    write_end(record, slot, tasks, begun, streams)
}

/// Writes the path of the file that keeps what a task has printed, in `folder`, and why it failed.
///
/// # Errors
/// When a stream cannot be written.
pub fn write_path(
    record: &AttemptRecord,
    slot: u32,
    tasks: &dyn Tasks,
    folder: Option<PathBuf>,
    mut begun: BegunTask,
    streams: &mut Streams,
) -> io::Result<()> {
    if let Some(folder) = folder {
        let line = [folder.join(StreamName::Stdout.name()).as_os_str().as_bytes(), b"\n"].concat();
        streams.stdout(|out| begun.stream(StreamName::Stdout).write_rest(&line, out))?;
    }
    write_failure(record, slot, tasks, streams)
}

/// Writes the value of a task, and why it failed.
fn write_end(
    record: &AttemptRecord,
    slot: u32,
    tasks: &dyn Tasks,
    mut begun: BegunTask,
    streams: &mut Streams,
) -> io::Result<()> {
    if let Some(value) = &record.value {
        let mut line = Vec::new();
        write_value(value, &mut line)?;
        streams.stdout(|out| begun.stream(StreamName::Stdout).write_rest(&line, out))?;
    }
    write_failure(record, slot, tasks, streams)
}

fn write_failure(record: &AttemptRecord, slot: u32, tasks: &dyn Tasks, streams: &mut Streams) -> io::Result<()> {
    if let Some(line) = failure(tasks.number(record.task), record, || tasks.describe(record.task, slot)) {
        streams.stderr(|err| writeln!(err, "{line}"))?;
        if let Some(remark) = remark(record) {
            streams.stderr(|err| writeln!(err, "{remark}"))?;
        }
    }
    Ok(())
}

/// Writes what an attempt has printed, as far as it is not written. Returns whether all is.
///
/// # Errors
/// When a stream cannot be written.
pub fn write_output(
    record: &AttemptRecord,
    tasks: &dyn Tasks,
    spill_folder: Option<&Path>,
    begun: &mut BegunTask,
    streams: &mut Streams,
) -> io::Result<bool> {
    let mut is_whole = true;
    for stream in StreamName::BOTH {
        let begun = begun.stream(stream);
        let kept = record.output.as_ref().map(|output| output.stream(stream));
        let Some(kept) = kept.filter(|kept| kept.total_bytes() > begun.taken()) else {
            if begun.is_in_line() {
                streams.to(stream, |out| begun.write_rest(&[], out))?;
            }
            continue;
        };
        let taken = begun.taken();
        let mut write = |piece: &[u8]| streams.to(stream, |out| begun.write_rest(piece, out));
        match WholeOutput::of(record, stream, spill_folder) {
            Ok(WholeOutput::Spilled(text)) => text.each_piece_from(taken, write)?,
            Ok(WholeOutput::Held(_)) => {
                write(&captured(kept, taken)?)?;
                is_whole &= missing_bytes(kept, taken) == 0;
            }
            Err(error) => {
                write(&captured(kept, taken)?)?;
                is_whole = false;
                let number = tasks.number(record.task);
                streams.stderr(|err| {
                    writeln!(err, "task {number}: the whole of its {} cannot be read: {error}", stream.name())
                })?;
            }
        }
    }
    Ok(is_whole)
}

/// How many bytes behind the first `taken` are not in memory.
fn missing_bytes(stream: &Captured, taken: u64) -> u64 {
    let head = stream.head.len() as u64;
    (head + stream.dropped_bytes).saturating_sub(taken.max(head))
}

/// What is in memory of a stream, without its first `taken` bytes, and with a note where bytes are missing.
fn captured(stream: &Captured, taken: u64) -> io::Result<Cow<'_, [u8]>> {
    let behind = |offset: u64, bytes: &'_ [u8]| taken.saturating_sub(offset).min(bytes.len() as u64) as usize;
    let head = &stream.head[behind(0, &stream.head)..];
    if stream.dropped_bytes == 0 {
        return Ok(head.into());
    }
    let tail_offset = stream.head.len() as u64 + stream.dropped_bytes;
    let missing = missing_bytes(stream, taken);
    let mut out = head.to_vec();
    if missing > 0 {
        writeln!(out, "\n[fanlane: {missing} bytes of this output were not kept]")?;
    }
    out.extend_from_slice(&stream.tail[behind(tail_offset, &stream.tail)..]);
    Ok(out.into())
}

fn write_value(value: &CallValue, out: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(&value.text())?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::bar::Bar;
    use crate::cli::report::live::LiveOutput;
    use crate::cli::report::tag::Dress;
    use crate::cli::report::test_records::{NamedTasks, done, ended, printed};
    use crate::cli::report::test_sink::Watched;
    use fanlane_core::event::{Outcome, Output};

    fn written(record: &AttemptRecord) -> (String, String) {
        let (out, err) = (Watched::default(), Watched::default());
        let mut streams = Streams::new(Box::new(out.clone()), Box::new(err.clone()), Bar::Hidden);
        let begun = LiveOutput::default().end(record.task, Dress::default);
        write_task(record, 1, &NamedTasks, None, begun, &mut streams).expect("written");
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

    #[test]
    fn what_was_printed_before_is_left_out_and_only_what_is_missing_is_said() {
        let stream = |dropped_bytes, tail: &[u8]| Captured {
            head: b"head".to_vec(),
            dropped_bytes,
            tail: tail.to_vec(),
            ..Captured::default()
        };
        let note = |count: u64| format!("\n[fanlane: {count} bytes of this output were not kept]\n");
        let cases = [
            (stream(0, b""), 1, "ead".to_owned()),
            (stream(0, b""), 9, String::new()),
            (stream(7, b"tail"), 2, format!("ad{}tail", note(7))),
            (stream(7, b"tail"), 6, format!("{}tail", note(5))),
            (stream(7, b"tail"), 11, "tail".to_owned()),
            (stream(7, b"tail"), 13, "il".to_owned()),
        ];
        for (stream, taken, expected) in cases {
            let rest = captured(&stream, taken).expect("in memory");
            assert_eq!(String::from_utf8_lossy(&rest), expected, "behind {taken}");
        }
    }
}
