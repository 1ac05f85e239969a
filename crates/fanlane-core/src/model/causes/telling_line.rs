//! The line of an attempt's output that tells why it failed.
//!
//! Where the outcome itself has a reason in words, it is looked for there. Otherwise it is looked for at the end of standard
//! error, and where that is blank, of standard output:
//!
//! 1. after the last Python traceback, its exception; after the last panic of a Rust program, its message;
//! 2. the last line that looks like an error: it has a word such as `error`, `failed`, `denied` or `not found`;
//! 3. the last line; but of standard output, and of a task that timed out, only a line that looks like an error tells anything.

use crate::event::{AttemptRecord, Captured, Outcome};

/// Length of the end of a stream in which the line is looked for, in bytes.
const MAX_END_BYTES: usize = 16 << 10;
/// Maximum length of the line, in characters.
const MAX_CHARS: usize = 300;

/// What a line says that looks like an error, in small letters.
const SIGNS: [&str; 30] = [
    "error",
    "fail",
    "fatal",
    "panic",
    "exception",
    "cannot",
    "can't",
    "could not",
    "couldn't",
    "unable",
    "denied",
    "not found",
    "no such",
    "invalid",
    "killed",
    "abort",
    "segmentation",
    "refused",
    "timed out",
    "not permitted",
    "undefined",
    "unexpected",
    "missing",
    "no space",
    "out of memory",
    "corrupt",
    "exceeded",
    "unknown",
    "not valid",
    "unrecognized",
];
/// What a line says that only counts errors or refers to one.
const NO_SIGNS: [&str; 9] = [
    "0 error",
    "no error",
    "error generated",
    "errors generated",
    "0 fail",
    "0 warning",
    "without error",
    "aborting due to",
    "run with `rust_backtrace",
];

/// The line of an attempt that tells why it failed, without escape sequences; `None` if there is none.
pub fn telling_line(record: &AttemptRecord) -> Option<String> {
    if let Some(reason) = record.outcome.reason() {
        return in_text(reason.as_bytes(), true);
    }
    let output = record.output.as_deref()?;
    let any = !matches!(record.outcome, Outcome::TimedOut | Outcome::Cancelled | Outcome::Done);
    let stderr = end_of(&output.stderr);
    if stderr.trim_ascii().is_empty() { in_text(end_of(&output.stdout), false) } else { in_text(stderr, any) }
}

fn end_of(stream: &Captured) -> &[u8] {
    let bytes = if stream.tail.is_empty() { &stream.head } else { &stream.tail };
    &bytes[bytes.len().saturating_sub(MAX_END_BYTES)..]
}

/// The line of a text; `any`: its last line, if none looks like an error.
fn in_text(bytes: &[u8], any: bool) -> Option<String> {
    let text = without_escapes(&String::from_utf8_lossy(bytes));
    // What a carriage return has overwritten is not to be seen.
    let seen = |line: &str| line.trim_end().rsplit('\r').next().unwrap_or_default().trim_end().to_owned();
    let lines: Vec<String> = text.lines().map(seen).filter(|line| !line.is_empty()).collect();
    let found = after_traceback(&lines)
        .or_else(|| after_panic(&lines))
        .or_else(|| lines.iter().rfind(|line| looks_like_error(line)))
        .or_else(|| lines.iter().rfind(|line| !is_frame(line)).filter(|_| any))?;
    let line: String = found.trim().chars().take(MAX_CHARS).collect();
    (!line.is_empty()).then_some(line)
}

fn after_traceback(lines: &[String]) -> Option<&String> {
    let start = lines.iter().rposition(|line| line.trim_start().starts_with("Traceback (most recent call last)"))?;
    let indent = indent_of(&lines[start]);
    lines[start + 1..].iter().find(|line| indent_of(line) <= indent)
}

fn after_panic(lines: &[String]) -> Option<&String> {
    let start = lines.iter().rposition(|line| line.starts_with("thread '") && line.contains("panicked at"))?;
    if lines[start].ends_with(':') { lines.get(start + 1) } else { lines.get(start) }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A frame of a stack, as many languages print them.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("at ") || line.starts_with("File \"") || line.starts_with("note: ")
}

fn looks_like_error(line: &str) -> bool {
    let line = line.to_lowercase();
    !is_frame(&line)
        && !NO_SIGNS.iter().any(|words| line.contains(words))
        && SIGNS.iter().any(|words| line.contains(words))
}

/// The text without escape sequences such as those for colours, and without other control characters.
fn without_escapes(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                Some('[') => drop(letters.by_ref().find(|letter| ('@'..='~').contains(letter))),
                Some(']') => drop(letters.by_ref().find(|letter| matches!(letter, '\u{7}' | '\u{9c}' | '\n'))),
                _ => {}
            },
            '\n' | '\r' | '\t' => shown.push(letter),
            letter if letter.is_control() => {}
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Output, TaskId, WorkerId};

    fn line(outcome: Outcome, stdout: &str, stderr: &str) -> Option<String> {
        let stream = |text: &str| Captured { head: text.into(), ..Captured::default() };
        let output = Output { stdout: stream(stdout), stderr: stream(stderr), leaky: false };
        telling_line(&AttemptRecord {
            output: Some(Box::new(output)),
            ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), outcome)
        })
    }

    #[test]
    fn the_line_that_tells_why_is_found() {
        let python = "Traceback (most recent call last):\n  File \"x.py\", line 3, in <module>\n    int('a')\n\
                      ValueError: invalid literal\n";
        let chained = format!(
            "{python}\nDuring handling of the above exception, another exception occurred:\n\n\
                               Traceback (most recent call last):\n  File \"x.py\", line 9\nKeyError: 'size'\nBye error\n"
        );
        let rust = "starting\nthread 'main' panicked at src/main.rs:2:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1`\n";
        let node = "TypeError: x is not a function\n    at main (/srv/a.js:3:1)\n    at error (/srv/b.js:1:1)\n";
        let cases = [
            ("boom on 7\n", Some("boom on 7")),
            ("\x1b[31merror\x1b[0m: bad file\nnothing was written\n", Some("error: bad file")),
            ("a.c:3: error: no x\n1 error generated\n", Some("a.c:3: error: no x")),
            ("disk full: error\ndone, 0 errors\n", Some("disk full: error")),
            ("10 %\r50 %\rconvert: unable to open\n\n", Some("convert: unable to open")),
            (python, Some("ValueError: invalid literal")),
            (&chained, Some("KeyError: 'size'")),
            (rust, Some("index out of bounds")),
            (node, Some("TypeError: x is not a function")),
            (" \n", None),
            ("", None),
        ];
        for (stderr, expected) in cases {
            let found = line(Outcome::Exited { code: 1 }, "", stderr);
            assert_eq!(found.as_deref(), expected, "{stderr}");
        }
    }

    #[test]
    fn standard_output_and_timeouts_tell_something_only_where_they_speak_of_an_error() {
        let exit = || Outcome::Exited { code: 1 };
        assert_eq!(line(exit(), "working on 7\n", ""), None);
        assert_eq!(line(exit(), "ERROR: no input\nbye\n", "\n").as_deref(), Some("ERROR: no input"));
        assert_eq!(line(Outcome::TimedOut, "", "50 %\n"), None);
        assert_eq!(line(Outcome::TimedOut, "", "connection refused\n").as_deref(), Some("connection refused"));
        let lost = Outcome::Lost("its worker died: killed by SIGKILL".into());
        assert_eq!(line(lost, "x", "error: y").as_deref(), Some("its worker died: killed by SIGKILL"));
        let long = format!("error {}", "x".repeat(1 << 20));
        assert!(line(exit(), "", &format!("error: a\n{long}")).is_some_and(|line| line.chars().count() <= MAX_CHARS));
    }
}
