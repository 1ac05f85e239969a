//! Why an attempt failed, as far as its record tells: what ended it, the last lines of its output, and what to do next.
//! Pure: the kernel's counters were read into the record when the attempt ended.

use std::fmt::Write as _;

use serde::Serialize;

use super::format;
use crate::event::{AttemptRecord, Captured, Outcome};
use fanlane_os::signal;

/// Maximum number of output lines shown.
const LINES: usize = 5;
/// Maximum length of a line shown, in characters.
const LINE_CHARS: usize = 400;
/// Length of the end of the output in which the last lines are looked for, in bytes.
const TAIL_BYTES: usize = 8 << 10;

/// What is known about the end of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Autopsy {
    /// What ended it, in a few words: `exit code 3`, `SIGSEGV`.
    pub cause: String,
    /// The kernel's out-of-memory killer ended it, or its end looks like that.
    pub possibly_out_of_memory: bool,
    /// Its peak resident memory, in bytes; 0 where that is not known.
    pub max_rss_bytes: u64,
    /// The last lines of its standard error, or of its standard output where that is empty. As the task wrote them, not
    /// sanitized.
    pub last_lines: Vec<String>,
    /// What to do next.
    pub advice: String,
}

impl Autopsy {
    /// The autopsy of an attempt; `None` for one that succeeded or was cancelled.
    pub fn of(record: &AttemptRecord) -> Option<Self> {
        let (cause, advice) = match &record.outcome {
            Outcome::Done | Outcome::Cancelled => return None,
            Outcome::Exited { code } => (format!("exit code {code}"), of_code(*code)),
            Outcome::Signalled { signal: number } => (signal::name(*number), of_signal(*number, record.memory_kill)),
            Outcome::CannotStart(why) => (why.to_string(), "It is not tried again: fix the command."),
            Outcome::CallFailed(why) => (why.to_string(), "Look at the message and at the task's input."),
            Outcome::TimedOut => (
                format!("timed out after {}", format::duration(record.wall_ns)),
                "Give it more time, or find out what it waits for: its last lines may say.",
            ),
            Outcome::Lost(how) => (how.to_string(), of_loss(how)),
            Outcome::OutputLost(why) => {
                (why.to_string(), "Free space there, or name another folder in TMPDIR or --results; then run it again.")
            }
        };
        let said_by_worker = matches!(&record.outcome, Outcome::Lost(how) if how.contains("memory had run out"));
        Some(Self {
            cause,
            possibly_out_of_memory: record.memory_kill || said_by_worker,
            max_rss_bytes: record.max_rss_bytes,
            last_lines: last_lines(record),
            advice: advice.to_owned(),
        })
    }

    /// Everything but the cause and the output lines, as sentences in one line.
    pub fn remark(&self) -> String {
        let mut text = String::new();
        if self.possibly_out_of_memory {
            text += "Possibly out of memory. ";
        }
        if self.max_rss_bytes > 0 {
            let _ = write!(text, "Peak memory {}. ", format::bytes(self.max_rss_bytes));
        }
        text += &self.advice;
        text.truncate(text.trim_end().len());
        text
    }
}

const fn of_code(code: i32) -> &'static str {
    match code {
        126 => "A shell says 126 of a file that it may not execute: check its permissions.",
        127 => "A shell says 127 of a program that it does not find: check its name and PATH.",
        137 => "A shell says 137 of a command that SIGKILL ended, as the kernel does when memory runs out.",
        139 => "A shell says 139 of a command that crashed with SIGSEGV: a fault in that program.",
        _ => "",
    }
}

const fn of_signal(number: i32, memory_kill: bool) -> &'static str {
    match number {
        libc::SIGKILL if memory_kill => {
            "The kernel kills processes when memory runs out: use fewer workers, --memfree, or give the machine more. \
             It is not tried again."
        }
        libc::SIGKILL => {
            "It was killed: by hand, by its own command, by a container's limit, or by a limit of CPU time."
        }
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE => {
            "A fault in the program: run it alone, under a debugger or with core dumps."
        }
        libc::SIGABRT => {
            "The program ended itself after a failed check, or with no memory left: its last lines may say."
        }
        libc::SIGXCPU => {
            "It used up the CPU time that the job gives it: raise the limit (cpu_secs), or give it less to do."
        }
        libc::SIGXFSZ => "It printed or wrote more than it may: raise the limit (output_bytes), or have it print less.",
        libc::SIGPIPE => "It wrote to a reader that had gone.",
        libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT => {
            "It was asked to end, by another program or by its own command."
        }
        _ => "Run it alone to see where that signal comes from.",
    }
}

fn of_loss(how: &str) -> &'static str {
    if how.contains("memory had run out") {
        "The worker itself was killed: use fewer workers, or set a limit of memory for the tasks."
    } else if how.contains("hung") {
        "The worker was stopped or starved: see what stops processes on this machine."
    } else {
        "If it happens again with this task alone, the task ends its worker; else something ended the worker from outside."
    }
}

fn last_lines(record: &AttemptRecord) -> Vec<String> {
    let Some(output) = record.output.as_deref() else { return Vec::new() };
    let stream = if is_empty(&output.stderr) { &output.stdout } else { &output.stderr };
    let bytes = if stream.tail.is_empty() { &stream.head } else { &stream.tail };
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]).into_owned();
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(LINES)
        .map(|line| line.chars().take(LINE_CHARS).collect())
        .collect();
    lines.reverse();
    lines
}

fn is_empty(stream: &Captured) -> bool {
    stream.head.trim_ascii().is_empty() && stream.tail.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Output, TaskId, WorkerId};

    fn record(outcome: Outcome, stdout: &str, stderr: &str) -> AttemptRecord {
        let stream = |text: &str| Captured { head: text.into(), ..Captured::default() };
        AttemptRecord {
            wall_ns: 2_000_000_000,
            max_rss_bytes: 3 << 20,
            output: Some(Box::new(Output { stdout: stream(stdout), stderr: stream(stderr), leaky: false })),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), outcome)
        }
    }

    #[test]
    fn each_bad_end_has_a_cause_and_something_to_do() {
        let cases = [
            (Outcome::Exited { code: 127 }, "exit code 127", "PATH"),
            (Outcome::Signalled { signal: libc::SIGSEGV }, "SIGSEGV", "fault in the program"),
            (Outcome::Signalled { signal: libc::SIGXCPU }, "SIGXCPU", "cpu_secs"),
            (Outcome::Signalled { signal: libc::SIGXFSZ }, "SIGXFSZ", "output_bytes"),
            (Outcome::TimedOut, "timed out after 2.00 s", "more time"),
            (Outcome::Lost("its worker died: hung".into()), "its worker died: hung", "stopped or starved"),
            (Outcome::CannotStart("no".into()), "no", "not tried again"),
        ];
        for (outcome, cause, advice) in cases {
            let autopsy = Autopsy::of(&record(outcome, "", "")).expect("a bad end");
            assert_eq!(autopsy.cause, cause);
            assert!(autopsy.advice.contains(advice), "{cause}: {}", autopsy.advice);
            assert!(!autopsy.possibly_out_of_memory);
        }
        for fine in [Outcome::Done, Outcome::Cancelled] {
            assert_eq!(Autopsy::of(&record(fine, "", "")), None);
        }
    }

    #[test]
    fn an_end_for_want_of_memory_is_said_to_be_possible() {
        let killed = record(Outcome::Signalled { signal: libc::SIGKILL }, "", "");
        assert!(!Autopsy::of(&killed).expect("a bad end").possibly_out_of_memory);
        let autopsy = Autopsy::of(&AttemptRecord { memory_kill: true, ..killed }).expect("a bad end");
        assert!(autopsy.possibly_out_of_memory);
        assert!(autopsy.remark().starts_with("Possibly out of memory. Peak memory 3.00 MiB. "), "{}", autopsy.remark());
    }

    #[test]
    fn the_last_lines_are_those_of_the_errors_first() {
        let many: String = (1..=9).map(|number| format!("line {number}\n\n")).collect();
        let of = |out: &str, err: &str| {
            Autopsy::of(&record(Outcome::Exited { code: 1 }, out, err)).expect("a bad end").last_lines
        };
        assert_eq!(of("out", &many), ["line 5", "line 6", "line 7", "line 8", "line 9"]);
        assert_eq!(of("out\n", ""), ["out"]);
        assert_eq!(of(&"x".repeat(1 << 20), "")[0].chars().count(), LINE_CHARS);
        assert!(of("", "").is_empty());
    }
}
