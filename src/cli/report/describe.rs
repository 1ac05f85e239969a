//! Outcomes, tasks and summaries in one line of text that is safe for a terminal, whatever the inputs contain.

use super::Shortfall;
use super::bar::tasks_rate;
use fanlane_core::event::{AttemptRecord, Outcome, SharedContent, Summary};
use fanlane_core::job::Mode;
use fanlane_core::model::format::{count, duration, plural};
use fanlane_core::model::sanitize::is_control_or_acting;
use fanlane_core::model::{Autopsy, Earlier};
use fanlane_os::signal;

/// How much of a command line is shown, in characters.
const COMMAND_CHARS: usize = 300;

/// How an attempt ended: `failed: exit code 1`.
pub fn outcome(record: &AttemptRecord) -> String {
    match &record.outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Exited { code } => format!("failed: exit code {code}"),
        Outcome::Signalled { signal: number } => format!("failed: ended by {}", signal::name(*number)),
        Outcome::CannotStart(why) => format!("failed: cannot be started: {}", printable(why, usize::MAX)),
        Outcome::CallFailed(message) => format!("failed: {}", printable(message, COMMAND_CHARS)),
        Outcome::TimedOut => format!("timed out after {}", duration(record.wall_ns)),
        Outcome::Lost(how) => format!("lost: {}", printable(how, usize::MAX)),
        Outcome::OutputLost(why) => format!("failed: {}", printable(why, usize::MAX)),
    }
}

/// How a task failed: `task 3 failed: exit code 1: false`; `None` if it is done or was cancelled. `command` is called only if it
/// is needed.
pub fn failure(number: u64, record: &AttemptRecord, command: impl FnOnce() -> String) -> Option<String> {
    if matches!(record.outcome, Outcome::Done | Outcome::Cancelled) {
        return None;
    }
    let what = outcome(record);
    let tries = if record.attempt > 1 { format!(" (try {})", record.attempt) } else { String::new() };
    Some(format!("task {number} {what}{tries}: {}", printable(&command(), COMMAND_CHARS)))
}

/// A shared object in one line, as it was at the end: `count: 42`, `seen: set of 1,204`.
pub fn shared(content: &SharedContent) -> String {
    const SHOWN_CHARS: usize = 80;
    let what = match (&content.json, content.length) {
        (Some(json), _) if json.chars().count() <= SHOWN_CHARS => printable(json, SHOWN_CHARS),
        (_, Some(length)) => format!("{} of {}", content.kind, count(length)),
        (Some(json), None) => printable(json, SHOWN_CHARS),
        (None, None) => format!("a {} that is too long to be shown", content.kind),
    };
    format!("shared {}: {what}", printable(&content.name, SHOWN_CHARS))
}

/// What to do about an end that the task itself could not report; printed after its [`failure`].
pub fn remark(record: &AttemptRecord) -> Option<String> {
    matches!(record.outcome, Outcome::Signalled { .. } | Outcome::Lost(_)).then_some(())?;
    Some(format!("  {}", printable(&Autopsy::of(record)?.remark(), usize::MAX)))
}

/// A run in one line: `10,000 done, 0 failed in 4.81 s (2,079 tasks/s), pool of 2`.
pub fn summary(summary: &Summary, earlier: Earlier, shortfall: Shortfall) -> String {
    let counts = &summary.counts;
    let mut text = format!("{} done, {} failed", count(counts.done), count(counts.failed));
    for (number, words) in [(counts.timed_out, "timed out"), (counts.lost, "lost"), (counts.cancelled, "cancelled")] {
        if number > 0 {
            text += &format!(", {} {words}", count(number));
        }
    }
    if let Some(words) = earlier.words() {
        text += &format!(", {words}");
    }
    if shortfall.outputs_cut > 0 {
        text += &format!(", {} not whole", plural(shortfall.outputs_cut, "output"));
    }
    if shortfall.left_running > 0 {
        text += &format!(", {} left processes running", count(shortfall.left_running));
    }
    let secs = summary.wall_ns as f64 / 1e9;
    let ended = counts.total() - counts.cancelled;
    if ended > 0 {
        text += &format!(" in {} ({})", duration(summary.wall_ns), tasks_rate(ended as f64 / secs));
    }
    if summary.retries > 0 {
        text += &format!(", {} tried again", count(summary.retries));
    }
    text += &match summary.mode {
        Mode::One => ", one process".to_owned(),
        Mode::Threads => format!(", {}", plural(u64::from(summary.workers), "thread")),
        Mode::Pool => format!(", pool of {}", count(u64::from(summary.workers))),
    };
    if summary.stopped {
        text += ", stopped";
    }
    text
}

/// Text on one line and without anything that a terminal would act on; the end is left out after `max_chars`.
pub fn printable(text: &str, max_chars: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * COMMAND_CHARS));
    for (place, character) in text.chars().enumerate() {
        if place >= max_chars {
            shown.push('…');
            break;
        }
        if is_control_or_acting(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::test_records::{done, ended};
    use fanlane_core::event::OutcomeCounts;

    #[test]
    fn each_outcome_has_its_line() {
        let cases = [
            (Outcome::Exited { code: 1 }, "task 3 failed: exit code 1: false"),
            (Outcome::CannotStart("sh: not found".into()), "task 3 failed: cannot be started: sh: not found: false"),
            (Outcome::CallFailed("no number\nat all".into()), "task 3 failed: no number\\nat all: false"),
            (
                Outcome::OutputLost("9 bytes of its stdout are lost".into()),
                "task 3 failed: 9 bytes of its stdout are lost: false",
            ),
            (Outcome::TimedOut, "task 3 timed out after 120 ms: false"),
            (
                Outcome::Lost("its worker was killed by SIGKILL".into()),
                "task 3 lost: its worker was killed by SIGKILL: false",
            ),
        ];
        for (outcome, line) in cases {
            assert_eq!(failure(3, &ended(2, outcome), || "false".to_owned()).as_deref(), Some(line));
        }
        let signalled =
            failure(3, &ended(2, Outcome::Signalled { signal: 9 }), || "kill -9 $$".to_owned()).expect("not done");
        assert!(signalled.starts_with("task 3 failed: ended by "), "{signalled}");
        for fine in [done(2), ended(2, Outcome::Cancelled)] {
            assert_eq!(failure(3, &fine, || panic!("not needed")), None);
        }
        let retried = AttemptRecord { attempt: 3, ..ended(0, Outcome::Exited { code: 7 }) };
        assert_eq!(failure(1, &retried, || "x".to_owned()).as_deref(), Some("task 1 failed: exit code 7 (try 3): x"));
    }

    #[test]
    fn a_command_cannot_reach_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\u{202e}d é", 100), "a\\u{1b}[2Jb\\nc\\u{202e}d é");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }

    #[test]
    fn a_summary_names_what_there_is() {
        let quiet = Summary {
            counts: OutcomeCounts { done: 10_000, ..OutcomeCounts::default() },
            wall_ns: 4_810_000_000,
            cpu_ns: 0,
            retries: 0,
            workers: 2,
            mode: Mode::Pool,
            stopped: false,
        };
        let short = |of: &Summary, shortfall| summary(of, Earlier::default(), shortfall);
        let summary = |of: &Summary| short(of, Shortfall::default());
        assert_eq!(summary(&quiet), "10,000 done, 0 failed in 4.81 s (2,079 tasks/s), pool of 2");
        let counts = OutcomeCounts { done: 1, failed: 2, timed_out: 3, cancelled: 4, lost: 5 };
        let loud =
            Summary { counts, wall_ns: 1_000_000_000, retries: 6, mode: Mode::Threads, stopped: true, ..quiet.clone() };
        assert_eq!(
            summary(&loud),
            "1 done, 2 failed, 3 timed out, 5 lost, 4 cancelled in 1.00 s (11.0 tasks/s), 6 tried again, \
             2 threads, stopped"
        );
        let nothing = Summary { counts: OutcomeCounts::default(), mode: Mode::One, ..quiet.clone() };
        assert_eq!(summary(&nothing), "0 done, 0 failed, one process");
        let cut = short(&quiet, Shortfall { outputs_cut: 1, left_running: 2 });
        assert!(cut.starts_with("10,000 done, 0 failed, 1 output not whole, 2 left processes running in "), "{cut}");
    }
}
