//! The outcome of an attempt in words.

use crate::session::sentence;
use crate::ui::sanitize;
use fanlane_core::event::{CallValue, Outcome};
use fanlane_core::model::format;
use fanlane_os::signal;

/// The outcome in a sentence.
pub fn outcome_sentence(outcome: &Outcome, attempt: u32) -> String {
    match outcome {
        Outcome::Done => "It succeeded.".to_owned(),
        Outcome::Exited { code } => format!("It exited with code {code}."),
        Outcome::Signalled { signal: number } => format!("It was killed by {}.", signal::name(*number)),
        Outcome::CannotStart(why) => sentence(&format!("It could not be started: {}", sanitize::line(why.as_bytes()))),
        Outcome::CallFailed(why) => sentence(&format!("The call failed: {}", sanitize::line(why.as_bytes()))),
        Outcome::TimedOut => "It timed out and was terminated.".to_owned(),
        Outcome::Cancelled if attempt == 0 => "It was cancelled before it started.".to_owned(),
        Outcome::Cancelled => "It was cancelled while it was running.".to_owned(),
        Outcome::Lost(why) => sentence(&format!("It was lost: {}", sanitize::line(why.as_bytes()))),
        Outcome::OutputLost(why) => format!("It succeeded, but {}.", sanitize::line(why.as_bytes())),
    }
}

/// Exit code or signal for a column; empty if there is neither.
pub fn exit_word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "0".to_owned(),
        Outcome::Exited { code } => code.to_string(),
        Outcome::Signalled { signal: number } => signal::name(*number),
        _ => String::new(),
    }
}

/// The value of a call as text.
pub fn value_text(value: &CallValue) -> String {
    match value {
        CallValue::Int(number) => number.to_string(),
        CallValue::Float(_) => String::from_utf8_lossy(&value.text()).into_owned(),
        CallValue::Text(text) | CallValue::Object { repr: text, .. } => sanitize::line(text.as_bytes()),
        CallValue::Bytes(bytes) => format!("{} of bytes", format::bytes(bytes.len() as u64)),
    }
}
