//! `--results FILE.csv`, `.tsv`, `.json` or `.jsonl`: a row for each task, with the columns of GNU parallel: those of the
//! job log, the values, both streams. A stream that was too long for memory is copied from its file.
//!
//! Cells of a CSV or TSV file that a spreadsheet would take for a formula begin with `'`: see [`formula_guarded`].

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

use serde::Serialize;

use super::joblog::{exit_and_signal, stdout_bytes};
use super::output_target;
use super::whole_output::WholeOutput;
use crate::event::{AttemptRecord, CallValue, Captured, StreamName};

/// The file formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated, quoted as in RFC 4180.
    Csv,
    /// Tab-separated, quoted likewise.
    Tsv,
    /// One JSON object per line.
    JsonLines,
}

impl TableFormat {
    /// The format by a file's extension; `None`: a results folder is meant.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        match &*extension.to_ascii_lowercase() {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            // The `.json` of GNU parallel is one object per line, too.
            "json" | "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

impl TableFormat {
    /// What stands between two cells; nothing where a row is an object.
    const fn delimiter(self) -> &'static [u8] {
        match self {
            Self::Csv => b",",
            Self::Tsv => b"\t",
            Self::JsonLines => b"",
        }
    }
}

/// A table that is being written.
#[derive(Debug)]
pub struct ResultsTable {
    file: File,
    format: TableFormat,
}

impl ResultsTable {
    /// Creates or overwrites the file `path`, for tasks with `values` values.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn create(path: &Path, format: TableFormat, values: usize) -> io::Result<Self> {
        let mut file = output_target::create(path)?;
        file.write_all(&head(format, values)?)?;
        Ok(Self { file, format })
    }

    /// Appends to the file `path`, which is created if needed. A torn row at its end is removed.
    ///
    /// # Errors
    /// Errors of the system, and when the first row of the file is not that of tasks with `values` values.
    pub fn resume(path: &Path, format: TableFormat, values: usize) -> io::Result<Self> {
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        let head = head(format, values)?;
        let mut found = Vec::new();
        (&file).take(head.len() as u64).read_to_end(&mut found)?;
        if !head.starts_with(&found) {
            return Err(io::Error::other("it has other columns; name another file"));
        }
        file.rewind()?;
        let whole_bytes = whole_rows_bytes(&file, format)?;
        file.set_len(whole_bytes)?;
        if whole_bytes == 0 {
            file.write_all(&head)?;
        }
        Ok(Self { file, format })
    }

    /// Adds the row of the task `number`; in one write, unless a stream of it was too long for memory and is copied from
    /// `spill_folder`.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn add<V: AsRef<[u8]>>(
        &mut self,
        number: u64,
        record: &AttemptRecord,
        run_started_unix_ms: u64,
        values: &[V],
        command: &[u8],
        spill_folder: Option<&Path>,
    ) -> io::Result<()> {
        let (exitval, signal) = exit_and_signal(&record.outcome);
        let start_secs = run_started_unix_ms as f64 / 1e3 + record.start_ns as f64 / 1e9;
        let run_secs = record.wall_ns as f64 / 1e9;
        let [stdout, stderr] = StreamName::BOTH.map(|stream| WholeOutput::of(record, stream, spill_folder));
        let streams = [stdout?, stderr?];
        if self.format == TableFormat::JsonLines {
            let [stdout, stderr] = &streams;
            let text = |bytes| String::from_utf8_lossy(bytes);
            let row = JsonRow {
                seq: number,
                host: ":",
                starttime: start_secs,
                job_runtime: run_secs,
                send: 0,
                receive: stdout_bytes(record),
                exitval,
                signal,
                command: text(command),
                v: values.iter().map(|value| text(value.as_ref())).collect(),
                stdout,
                stderr,
            };
            self.write_row(&streams, |mut out| {
                serde_json::to_writer(&mut out, &row)?;
                out.write_all(b"\n")
            })?;
            return streams.iter().try_for_each(WholeOutput::check_read);
        }
        let numbers = [
            number.to_string(),
            ":".to_owned(),
            format!("{start_secs:.3}"),
            format!("{run_secs:.3}"),
            "0".to_owned(),
            stdout_bytes(record).to_string(),
            exitval.to_string(),
            signal.to_string(),
        ];
        let cells = numbers
            .into_iter()
            .map(|number| number.into_bytes().into())
            .chain([formula_guarded(command)])
            .chain(values.iter().map(|value| formula_guarded(value.as_ref())));
        let mut begun = row(self.format, &cells.collect::<Vec<_>>())?;
        begun.pop();
        let format = self.format;
        self.write_row(&streams, |out| {
            out.write_all(&begun)?;
            for stream in &streams {
                out.write_all(format.delimiter())?;
                match stream {
                    WholeOutput::Spilled(text) => text.write_cell(out)?,
                    WholeOutput::Held(text) => {
                        let mut cell = row(format, &[formula_guarded(text)])?;
                        cell.pop();
                        // A row of nothing but an empty cell is written as two quotes.
                        out.write_all(if text.is_empty() { b"" } else { &cell })?;
                    }
                }
            }
            out.write_all(b"\n")
        })
    }

    /// Writes a row at once, or piece by piece where a stream of it is not in memory.
    fn write_row(
        &self,
        streams: &[WholeOutput<'_>],
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut file = &self.file;
        if streams.iter().any(|stream| matches!(stream, WholeOutput::Spilled(_))) {
            let mut out = BufWriter::new(file);
            fill(&mut out)?;
            return out.flush();
        }
        let mut row = Vec::new();
        fill(&mut row)?;
        file.write_all(&row)
    }
}

/// A line of JSON, with the names of GNU parallel.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct JsonRow<'a> {
    seq: u64,
    host: &'static str,
    starttime: f64,
    job_runtime: f64,
    send: u64,
    receive: u64,
    exitval: i32,
    signal: i32,
    command: Cow<'a, str>,
    v: Vec<Cow<'a, str>>,
    stdout: &'a WholeOutput<'a>,
    stderr: &'a WholeOutput<'a>,
}

/// The first row of the table of tasks with `values` values; JSON lines have none.
fn head(format: TableFormat, values: usize) -> io::Result<Vec<u8>> {
    let names = ["Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command"];
    let values = (1..=values).map(|number| format!("V{number}"));
    let cells: Vec<Cow<'_, [u8]>> = names
        .into_iter()
        .map(|name| name.as_bytes().into())
        .chain(values.map(|name| name.into_bytes().into()))
        .chain([b"Stdout".as_slice().into(), b"Stderr".as_slice().into()])
        .collect();
    row(format, &cells)
}

fn row(format: TableFormat, cells: &[Cow<'_, [u8]>]) -> io::Result<Vec<u8>> {
    let Some(delimiter) = format.delimiter().first() else { return Ok(Vec::new()) };
    let mut writer = csv::WriterBuilder::new().delimiter(*delimiter).from_writer(Vec::new());
    writer.write_byte_record(&cells.iter().map(|cell| &**cell).collect())?;
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Number of bytes of a table in complete rows; a line end within quotes does not end a row.
fn whole_rows_bytes(file: &File, format: TableFormat) -> io::Result<u64> {
    let has_quotes = format != TableFormat::JsonLines;
    let (mut at, mut whole, mut quoted) = (0, 0, false);
    let mut piece = vec![0; 64 << 10];
    loop {
        let mut input: &File = file;
        let count = match input.read(&mut piece) {
            Ok(0) => return Ok(whole),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for byte in &piece[..count] {
            at += 1;
            match byte {
                b'"' if has_quotes => quoted = !quoted,
                b'\n' if !quoted => whole = at,
                _ => {}
            }
        }
    }
}

/// A text that is safe in a spreadsheet: one that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would be a
/// formula there and gets a `'` in front. A plain number is unchanged, also where a line end follows it.
pub fn formula_guarded(text: &[u8]) -> Cow<'_, [u8]> {
    let is_number = || str::from_utf8(text).is_ok_and(|text| text.trim_end().parse::<f64>().is_ok_and(f64::is_finite));
    match text.first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') if !is_number() => {
            let mut safe = Vec::with_capacity(text.len() + 1);
            safe.push(b'\'');
            safe.extend_from_slice(text);
            safe.into()
        }
        _ => text.into(),
    }
}

/// The content of a stream of a task; for a call, its value in place of standard output.
pub fn text_of(record: &AttemptRecord, stream: StreamName) -> Cow<'_, [u8]> {
    match &record.output {
        Some(output) => captured(output.stream(stream)),
        None if stream == StreamName::Stdout => value_of(record),
        None => b"".as_slice().into(),
    }
}

/// The value of a call as text; empty if it returned none.
pub fn value_of(record: &AttemptRecord) -> Cow<'_, [u8]> {
    record.value.as_ref().map(CallValue::text).unwrap_or_default()
}

fn captured(stream: &Captured) -> Cow<'_, [u8]> {
    if stream.dropped_bytes == 0 {
        return (&*stream.head).into();
    }
    let note = format!("\n[fanlane: {} bytes of this output were not kept]\n", stream.dropped_bytes);
    [&*stream.head, note.as_bytes(), &stream.tail].concat().into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::{Outcome, Output, TaskId, WorkerId};

    fn record(stdout: &str, stderr: &str) -> AttemptRecord {
        let whole = |text: &str| Captured { head: text.into(), ..Captured::default() };
        AttemptRecord {
            start_ns: 30_000_000,
            wall_ns: 13_000_000,
            output: Some(Box::new(Output { stdout: whole(stdout), stderr: whole(stderr), leaky: false })),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done)
        }
    }

    fn written(format: TableFormat) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("table");
        let mut table = ResultsTable::create(&path, format, 2).expect("made");
        table.add(1, &record("a\"\n", "=1+1"), 1_795_356_758_000, &["a,b", "d\te"], b"echo", None).expect("written");
        fs::read_to_string(&path).expect("text")
    }

    #[test]
    fn rows_are_those_of_parallel() {
        assert_eq!(
            written(TableFormat::Csv),
            "Seq,Host,Starttime,JobRuntime,Send,Receive,Exitval,Signal,Command,V1,V2,Stdout,Stderr\n\
             1,:,1795356758.030,0.013,0,3,0,0,echo,\"a,b\",d\te,\"a\"\"\n\",'=1+1\n"
        );
        assert_eq!(
            written(TableFormat::Tsv),
            "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\tV1\tV2\tStdout\tStderr\n\
             1\t:\t1795356758.030\t0.013\t0\t3\t0\t0\techo\ta,b\t\"d\te\"\t\"a\"\"\n\"\t'=1+1\n"
        );
        let line: serde_json::Value = serde_json::from_str(&written(TableFormat::JsonLines)).expect("one line");
        assert_eq!((&line["Seq"], &line["JobRuntime"], &line["Exitval"]), (&1.into(), &0.013.into(), &0.into()));
        assert_eq!(line["V"], serde_json::json!(["a,b", "d\te"]));
        assert_eq!((&line["Stdout"], &line["Stderr"]), (&"a\"\n".into(), &"=1+1".into()));
    }

    #[test]
    fn formulas_are_inert_and_numbers_are_numbers() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("-5", "-5"),
            ("+1.5e3", "+1.5e3"),
            ("-inf", "'-inf"),
            ("a=1", "a=1"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&formula_guarded(text.as_bytes())), expected, "{text:?}");
        }
    }

    #[test]
    fn a_table_goes_on_behind_its_last_whole_row() {
        for format in [TableFormat::Csv, TableFormat::Tsv, TableFormat::JsonLines] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("table");
            let add = |mut table: ResultsTable, number: u64| {
                table.add(number, &record("a\"\nb", "c"), 0, &["x"], b"echo", None).expect("written");
                fs::read(&path).expect("there")
            };
            let one = add(ResultsTable::resume(&path, format, 1).expect("begun"), 1);
            let two = add(ResultsTable::resume(&path, format, 1).expect("went on"), 2);
            assert!(two.starts_with(&one) && two.len() > one.len());
            for cut in one.len()..two.len() {
                fs::write(&path, &two[..cut]).expect("written");
                assert_eq!(add(ResultsTable::resume(&path, format, 1).expect("went on"), 2), two, "cut at {cut}");
            }
            if format != TableFormat::JsonLines {
                let error = ResultsTable::resume(&path, format, 2).expect_err("it has one value").to_string();
                assert!(error.contains("other columns"), "{error}");
                assert_eq!(fs::read(&path).expect("there"), two, "nothing is lost");
            }
        }
    }

    #[test]
    fn the_name_says_the_format() {
        let cases = [
            ("a.csv", Some(TableFormat::Csv)),
            ("a.TSV", Some(TableFormat::Tsv)),
            ("a.json", Some(TableFormat::JsonLines)),
            ("out", None),
            ("a.b", None),
        ];
        for (name, format) in cases {
            assert_eq!(TableFormat::of_path(Path::new(name)), format, "{name}");
        }
    }
}
