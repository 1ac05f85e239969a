//! `--json`: one object per line for each finished task, and a last one with the summary. Bytes that are not UTF-8 are
//! written as U+FFFD. The order of the fields is part of the format.

mod call_value;
mod summary;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Tasks;
use fanlane_core::event::{AttemptRecord, CallValue, Outcome, SharedContent, StreamName};
use fanlane_core::job::lossless::Bytes;
use fanlane_core::model::{Autopsy, sanitize};
use fanlane_core::store::whole_output::WholeOutput;
pub use summary::{PythonFields, write_summary};

/// What is known of a task besides its record.
#[derive(Debug, Default)]
pub struct Beside {
    /// The process of its worker.
    pub pid: Option<u32>,
    /// The host that its worker is on, in a run with hosts.
    pub host: Option<String>,
    /// The folder in which `--results` keeps its whole output.
    pub results: Option<PathBuf>,
    /// The folder with output that was too long for memory, during the run.
    pub spill_folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct TaskLine<'a> {
    task: u64,
    input: Vec<Cow<'a, str>>,
    outcome: &'static str,
    /// The message of a failed call, why a command could not be started, or how a worker died.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    attempts: u32,
    worker: Option<u32>,
    /// The worker's process.
    pid: Option<u32>,
    /// The host that ran it, in a run with hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    start_secs: f64,
    wall_secs: f64,
    cpu_secs: f64,
    max_rss_bytes: u64,
    /// The folder with the whole of both streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Bytes>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    autopsy: Option<Autopsy>,
    #[serde(flatten)]
    result: TaskResult<'a>,
}

#[derive(Serialize)]
struct TaskResult<'a> {
    #[serde(flatten)]
    returned: Option<Returned<'a>>,
    #[serde(flatten)]
    printed: Option<Printed<'a>>,
}

/// What a call has returned.
#[derive(Serialize)]
struct Returned<'a> {
    #[serde(serialize_with = "call_value::serialize")]
    value: Option<&'a CallValue>,
}

/// What a task has printed.
#[derive(Serialize)]
struct Printed<'a> {
    stdout: &'a WholeOutput<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    stdout_dropped_bytes: u64,
    stderr: &'a WholeOutput<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    stderr_dropped_bytes: u64,
    /// It left processes running, which were ended.
    #[serde(skip_serializing_if = "is_false")]
    left_running: bool,
}

#[derive(Serialize)]
struct SharedLine<'a> {
    shared: BTreeMap<&'a str, SharedFields<'a>>,
}

#[derive(Serialize)]
struct SharedFields<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    content: Option<Box<RawValue>>,
}

/// Writes the line of one task. Returns whether its output is whole.
///
/// # Errors
/// When `out` cannot be written, or an output that was too long for memory cannot be read.
pub fn write_task(
    record: &AttemptRecord,
    beside: &Beside,
    tasks: &dyn Tasks,
    out: &mut impl Write,
) -> io::Result<bool> {
    let began = record.attempt > 0;
    let kind = tasks.kind().traits();
    let (exit_code, signal) = match &record.outcome {
        Outcome::Done => (kind.has_exit_code.then_some(0), None),
        Outcome::Exited { code } => (Some(*code), None),
        Outcome::OutputLost(_) => (Some(0), None),
        Outcome::Signalled { signal } => (None, Some(*signal)),
        Outcome::CannotStart(_)
        | Outcome::CallFailed(_)
        | Outcome::Lost(_)
        | Outcome::TimedOut
        | Outcome::Cancelled => (None, None),
    };
    let output = record.output.as_deref();
    let [stdout, stderr] = StreamName::BOTH.map(|name| match &beside.spill_folder {
        Some(folder) => WholeOutput::of(record, name, Some(folder)),
        None => Ok(WholeOutput::of_earlier(record, name, beside.results.as_deref())),
    });
    let streams = [stdout?, stderr?];
    let dropped = |place: usize| {
        let name = StreamName::BOTH[place];
        let is_whole = streams[place].is_whole(record, name);
        output.filter(|_| !is_whole).map_or(0, |output| output.stream(name).dropped_bytes)
    };
    let dropped = [dropped(0), dropped(1)];
    let input = tasks.input(record.task);
    let line = TaskLine {
        task: tasks.number(record.task),
        input: input.iter().map(|value| String::from_utf8_lossy(value)).collect(),
        outcome: record.outcome.class().name(),
        reason: record.outcome.reason(),
        exit_code,
        signal,
        attempts: record.attempt,
        worker: began.then_some(record.worker.0),
        pid: beside.pid.filter(|_| began),
        host: beside.host.as_deref().filter(|_| began),
        start_secs: secs(record.start_ns),
        wall_secs: secs(record.wall_ns),
        cpu_secs: secs(record.cpu_ns),
        max_rss_bytes: record.max_rss_bytes,
        results: beside.results.as_ref().map(|path| Bytes(path.as_os_str().as_bytes().to_vec())),
        autopsy: Autopsy::of(record),
        result: TaskResult {
            returned: kind.returns_value.then_some(Returned { value: record.value.as_ref() }),
            printed: kind.prints.then(|| Printed {
                stdout: &streams[0],
                stdout_dropped_bytes: dropped[0],
                stderr: &streams[1],
                stderr_dropped_bytes: dropped[1],
                left_running: output.is_some_and(|output| output.leaky),
            }),
        },
    };
    write_line(&line, out)?;
    streams.iter().try_for_each(WholeOutput::check_read)?;
    Ok(dropped == [0, 0])
}

/// Appends the line of a running command that a signal has stopped, or that goes on.
///
/// # Errors
/// When it cannot be written.
pub fn write_suspended(number: u64, pid: u32, is_suspended: bool, out: &mut Vec<u8>) -> io::Result<()> {
    write_line(&serde_json::json!({ "suspended": { "task": number, "pid": pid, "is_suspended": is_suspended } }), out)
}

/// Appends the line of the shared objects, as they were at the end.
///
/// # Errors
/// None in practice: the signature is that of a writer.
pub fn write_shared(contents: &[SharedContent], out: &mut Vec<u8>) -> io::Result<()> {
    // What each holds is JSON already. One that is too long to be told is `null`, and its length says how long it is.
    let raw = |content: &SharedContent| content.json.clone().and_then(|json| RawValue::from_string(json).ok());
    let objects = contents.iter().map(|content| {
        let fields = SharedFields { kind: &content.kind, length: content.length, content: raw(content) };
        (content.name.as_str(), fields)
    });
    write_line(&SharedLine { shared: objects.collect() }, out)
}

fn write_line(line: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    sanitize::write_json(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Seconds with all nanoseconds that were measured.
fn secs(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to `skip_serializing_if`")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to `skip_serializing_if`")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::Shortfall;
    use crate::cli::report::test_records::{NamedTasks, done, ended, printed};
    use fanlane_core::event::{Captured, OutcomeCounts, Output, Summary, TaskId};
    use fanlane_core::job::Mode;
    use fanlane_core::model::Earlier;

    struct Calls;

    impl Tasks for Calls {
        fn number(&self, task: TaskId) -> u64 {
            task.number()
        }
        fn describe(&self, task: TaskId, slot: u32) -> String {
            NamedTasks.describe(task, slot)
        }
        fn command_line(&self, task: TaskId, slot: u32) -> bstr::BString {
            NamedTasks.command_line(task, slot)
        }
        fn input(&self, _task: TaskId) -> Vec<bstr::BString> {
            vec!["5".into()]
        }
        fn kind(&self) -> fanlane_core::job::TaskKind {
            fanlane_core::job::TaskKind::Workload
        }
    }

    fn line(record: &AttemptRecord, tasks: &dyn Tasks) -> String {
        let mut out = Vec::new();
        write_task(record, &Beside { pid: Some(4242), ..Beside::default() }, tasks, &mut out).expect("written");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn a_command_has_all_its_fields_in_order() {
        assert_eq!(
            line(&printed(0, "x\n", ""), &NamedTasks),
            "{\"task\":1,\"input\":[\"input 1\",\"\u{fffd}\"],\"outcome\":\"done\",\"exit_code\":0,\"signal\":null,\
             \"attempts\":1,\"worker\":1,\"pid\":4242,\"start_secs\":0.01,\"wall_secs\":0.12,\"cpu_secs\":0.11,\
             \"max_rss_bytes\":1234,\"stdout\":\"x\\n\",\"stderr\":\"\"}\n"
        );
    }

    #[test]
    fn a_call_has_its_value_in_place_of_output() {
        let cases = [
            (Some(CallValue::Int(125)), "\"value\":125}\n"),
            (Some(CallValue::Float(0.5)), "\"value\":0.5}\n"),
            (Some(CallValue::Float(f64::NAN)), "\"value\":null}\n"),
            (Some(CallValue::Text("a\"b".into())), "\"value\":\"a\\\"b\"}\n"),
            (Some(CallValue::Bytes(b"a\xff".as_slice().into())), "\"value\":\"a\u{fffd}\"}\n"),
            (None, "\"value\":null}\n"),
        ];
        for (value, end) in cases {
            let text = line(&AttemptRecord { value, ..done(0) }, &Calls);
            assert!(text.ends_with(end), "{text}");
            assert!(text.contains("\"exit_code\":null") && !text.contains("stdout"), "{text}");
        }
    }

    #[test]
    fn each_end_has_its_fields() {
        let cases = [
            (Outcome::Exited { code: 3 }, "\"outcome\":\"failed\",\"exit_code\":3,\"signal\":null"),
            (Outcome::Signalled { signal: 9 }, "\"outcome\":\"failed\",\"exit_code\":null,\"signal\":9"),
            (Outcome::TimedOut, "\"outcome\":\"timed out\",\"exit_code\":null,\"signal\":null"),
            (Outcome::Lost("died".into()), "\"outcome\":\"lost\",\"reason\":\"died\",\"exit_code\":null"),
            (Outcome::CannotStart("no".into()), "\"outcome\":\"failed\",\"reason\":\"no\",\"exit_code\":null"),
        ];
        for (outcome, part) in cases {
            let text = line(&ended(0, outcome), &NamedTasks);
            assert!(text.contains(part), "{text}");
        }
        let never = AttemptRecord { attempt: 0, ..ended(0, Outcome::Cancelled) };
        assert!(line(&never, &NamedTasks).contains("\"attempts\":0,\"worker\":null,\"pid\":null"));
    }

    #[test]
    fn dropped_output_is_marked_and_counted() {
        let stdout = Captured { head: b"h".to_vec(), dropped_bytes: 9, tail: b"t".to_vec(), ..Captured::default() };
        let record = AttemptRecord { output: Some(Box::new(Output { stdout, ..Output::default() })), ..done(0) };
        let text = line(&record, &NamedTasks);
        assert!(text.contains("not kept]\\nt\",\"stdout_dropped_bytes\":9,\"stderr\":\"\"}"), "{text}");
    }

    #[test]
    fn shared_objects_are_a_line_of_their_own() {
        let content = |name: &str, kind: &str, length, json: Option<&str>| SharedContent {
            name: name.into(),
            kind: kind.into(),
            length,
            json: json.map(str::to_owned),
        };
        let contents = [content("n", "Value", None, Some("3")), content("l", "list", Some(9), None)];
        let mut out = Vec::new();
        write_shared(&contents, &mut out).expect("written");
        assert_eq!(
            String::from_utf8(out).expect("JSON is UTF-8"),
            "{\"shared\":{\"l\":{\"kind\":\"list\",\"length\":9,\"content\":null},\
             \"n\":{\"kind\":\"Value\",\"content\":3}}}\n"
        );
    }

    #[test]
    fn the_summary_is_an_object_of_its_own() {
        let summary = Summary {
            counts: OutcomeCounts { done: 3, ..OutcomeCounts::default() },
            wall_ns: 1_500_000_000,
            cpu_ns: 0,
            retries: 0,
            workers: 2,
            mode: Mode::Pool,
            stopped: false,
        };
        let mut out = Vec::new();
        write_summary(&summary, Earlier::default(), Shortfall::default(), PythonFields::default(), &mut out)
            .expect("written");
        assert_eq!(
            String::from_utf8(out).expect("JSON is UTF-8"),
            "{\"summary\":{\"done\":3,\"failed\":0,\"timed_out\":0,\"cancelled\":0,\"lost\":0,\"retries\":0,\
             \"wall_secs\":1.5,\"cpu_secs\":0.0,\"workers\":2,\"mode\":\"pool\",\"stopped\":false}}\n"
        );
    }
}
