//! `fanlane export`: a recorded run in the formats of other programs; one that resumes others with these as one batch. The record is converted while it is read, so its length
//! does not matter.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::exit_status::Status;
use super::output_file;
use super::report::{RecordedTask, Shortfall, json};
use super::run_name::RunName;
use super::subcommand::Subcommand;
use super::terminal::{print, remark};
use fanlane_core::event::{Event, EventKind, RunEvent, SharedEvent, TaskEvent, TaskId, WorkerEvent, WorkerId};
use fanlane_core::model::Objects;
use fanlane_core::model::format::plural;
use fanlane_core::store::export::rows::RowWriter;
use fanlane_core::store::export::trace::TraceWriter;
use fanlane_core::store::history::RunState;
use fanlane_core::store::record::{self, RecordError, RecordHeader, RecordLine, TaskWords};

/// The arguments of `fanlane export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A run of the history: its number, or last; or the file that fanlane run --record wrote
    #[arg(value_name = "RUN | RECORD")]
    run: PathBuf,
    /// csv: a row for each task; json, jsonl: the objects that run --json prints; trace: for Perfetto and Chrome
    #[arg(short, long, value_name = "FORMAT")]
    format: ExportFormat,
    /// Write to this file instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

/// The formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// A row for each task.
    Csv,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
    /// Trace events.
    Trace,
}

impl Subcommand for ExportArgs {
    fn perform(self) -> Result<Status> {
        match self.run.to_str().and_then(|name| name.parse().ok()) {
            Some(run) => export_from_history(run, &self),
            None => export_record(&self),
        }
    }
}

/// Exports a record; an incomplete one as far as it can be read, which is reported.
fn export_record(args: &ExportArgs) -> Result<Status> {
    let name = args.run.display();
    let file = File::open(&args.run).with_context(|| format!("the record {name} cannot be read"))?;
    let mut lines = record::read(BufReader::new(file));
    let header = match lines.next() {
        Some(Ok(RecordLine::Header(header))) => header,
        Some(Err(error)) => return Err(error).with_context(|| format!("the record {name} cannot be read")),
        Some(Ok(_)) | None => return Err(RecordError::NoRecord.into()),
    };
    let mut torn = None;
    let mut whole = lines.map_while(|line| line.map_err(|error| torn = Some(error)).ok());
    let status = write_out(args, &header, &mut whole)?;
    drop(whole);
    if let Some(error) = torn {
        remark(&format!("{name}: {error}; what precedes it was exported"));
        return Ok(Status::SomeFailed);
    }
    Ok(status)
}

fn export_from_history(run: RunName, args: &ExportArgs) -> Result<Status> {
    let (history, run) = run.find()?;
    let chain = history.chain(run.id)?;
    let mut lines = history.lines_of_chain(&chain)?;
    let mut unreadable = None;
    let mut readable = lines.by_ref().map_while(|line| line.map_err(|error| unreadable = Some(error)).ok());
    let status = write_out(args, chain.header(), &mut readable)?;
    drop(readable);
    let (id, damaged) = (run.id, lines.damaged());
    if damaged > 0 {
        let parts = plural(damaged, "part");
        remark(&format!("run {id}: {parts} of its record damaged and left out; all others were exported"));
    }
    if let Some(error) = &unreadable {
        remark(&format!("run {id}: {error}; what precedes it was exported"));
    }
    let unfinished = match run.state {
        RunState::Running => Some("still running; what had ended until now was exported"),
        RunState::Interrupted => Some("not whole, since its process was killed; what was recorded was exported"),
        _ => None,
    };
    if let Some(words) = unfinished {
        remark(&format!("run {id} is {words}"));
    }
    Ok(if damaged > 0 || unreadable.is_some() || unfinished.is_some() { Status::SomeFailed } else { status })
}

fn write_out(args: &ExportArgs, header: &RecordHeader, lines: &mut dyn Iterator<Item = RecordLine>) -> Result<Status> {
    let mut cut = 0;
    let status = match &args.output {
        None => print(|out| write(args.format, header, lines, out, &mut cut))?,
        Some(path) => {
            output_file::write(path, args.force, |file| {
                write(args.format, header, lines, &mut BufWriter::new(file), &mut cut)
            })?;
            Status::AllDone
        }
    };
    if cut > 0 {
        remark(&format!(
            "{} not whole: of long ones the history and records keep the beginning and the end; fanlane run --results keeps all",
            plural(cut, "output")
        ));
        return Ok(Status::SomeFailed);
    }
    Ok(status)
}

/// Writes the export; `cut` counts the tasks whose output is not whole in it.
fn write(
    format: ExportFormat,
    header: &RecordHeader,
    lines: &mut dyn Iterator<Item = RecordLine>,
    out: &mut dyn Write,
    cut: &mut u64,
) -> io::Result<()> {
    let events = WithWords { lines, words: HashMap::new() };
    match format {
        ExportFormat::Csv => {
            let mut rows = RowWriter::new(out, header)?;
            events.each(|event, words| {
                let EventKind::Task(TaskEvent::Finished(records)) = &event.kind else { return Ok(()) };
                records.iter().try_for_each(|record| {
                    *cut += u64::from(!rows.add(record, &words_of(record.task, words))?);
                    Ok(())
                })
            })?;
            rows.finish()
        }
        ExportFormat::Trace => {
            let mut trace = TraceWriter::new(out)?;
            events.each(|event, words| trace.add(event, words))?;
            trace.finish()
        }
        ExportFormat::Jsonl => write_json(header, events, out, &[b"", b"", b""], cut),
        ExportFormat::Json => write_json(header, events, out, &[b"[", b",", b"]\n"], cut),
    }
}

/// The objects that `--json` prints, with something before the first, between two and behind the last.
fn write_json(
    header: &RecordHeader,
    events: WithWords<'_>,
    out: &mut dyn Write,
    [first, between, last]: &[&[u8]; 3],
    cut: &mut u64,
) -> io::Result<()> {
    let mut pids: HashMap<WorkerId, u32> = HashMap::new();
    let mut hosts: HashMap<WorkerId, String> = HashMap::new();
    let mut line = Vec::new();
    let mut begun = false;
    let mut interpreter = None;
    let mut objects = Objects::default();
    events.each(|event, words| {
        line.clear();
        let mut separate = |line: &mut Vec<u8>| {
            line.extend_from_slice(if std::mem::replace(&mut begun, true) { between } else { first })
        };
        objects.apply(event);
        match &event.kind {
            EventKind::Worker(WorkerEvent::Started { worker, pid, .. }) => {
                pids.insert(*worker, *pid);
            }
            EventKind::Worker(WorkerEvent::Placed { worker, host }) => {
                hosts.insert(*worker, host.to_string());
            }
            EventKind::Task(TaskEvent::Finished(records)) => {
                for record in records {
                    let task = RecordedTask { words: words_of(record.task, words), kind: header.kind };
                    separate(&mut line);
                    let results = task.words.results.as_ref().map(|path| PathBuf::from(OsStr::from_bytes(&path.0)));
                    let pid = pids.get(&record.worker).copied();
                    let host = hosts.get(&record.worker).cloned();
                    let beside = json::Beside { pid, host, results, ..json::Beside::default() };
                    *cut += u64::from(!json::write_task(record, &beside, &task, &mut line)?);
                }
            }
            EventKind::Run(RunEvent::InterpreterFound(facts)) => interpreter = Some(facts.clone()),
            EventKind::Shared(SharedEvent::Ended(contents)) => {
                separate(&mut line);
                json::write_shared(contents, &mut line)?;
            }
            EventKind::Run(RunEvent::Finished(summary)) => {
                separate(&mut line);
                let python = json::PythonFields { interpreter: interpreter.clone(), result_ways: objects.ways() };
                json::write_summary(summary, header.earlier, Shortfall::default(), python, &mut line)?;
            }
            _ => {}
        }
        out.write_all(&line)
    })?;
    if !begun {
        out.write_all(first)?;
    }
    out.write_all(last)?;
    out.flush()
}

/// Events with the words of the tasks that they are about.
struct WithWords<'a> {
    lines: &'a mut dyn Iterator<Item = RecordLine>,
    words: HashMap<u64, TaskWords>,
}

impl WithWords<'_> {
    fn each(self, mut take: impl FnMut(&Event, &HashMap<u64, TaskWords>) -> io::Result<()>) -> io::Result<()> {
        let Self { lines, mut words } = self;
        for line in lines {
            match line {
                RecordLine::Header(_) => {}
                RecordLine::Tasks(tasks) => words = tasks.into_iter().map(|task| (task.task, task)).collect(),
                RecordLine::Event(event) => take(&event, &words)?,
            }
        }
        Ok(())
    }
}

/// The words of a task; empty ones if an edited record lacks them.
fn words_of(task: TaskId, words: &HashMap<u64, TaskWords>) -> TaskWords {
    let none = || TaskWords {
        task: task.number(),
        number: None,
        input: Vec::new(),
        command: Default::default(),
        results: None,
    };
    words.get(&task.number()).cloned().unwrap_or_else(none)
}
