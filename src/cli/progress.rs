//! `fanlane progress`: a task says how far it is. It may be called a thousand times by a script, so it is reached before
//! anything is initialised, and understands its few words itself.

use std::ffi::OsString;

use super::{Status, remark};
use crate::engine::PROGRESS_VARIABLE;
use crate::mp::progress;

/// The word that asks for it.
pub const PROGRESS_COMMAND: &str = "progress";

/// Whether these are the words of a report, the program's name first; a call for help is not.
pub fn is_report(words: &[OsString]) -> bool {
    words.get(1).is_some_and(|word| word == PROGRESS_COMMAND)
        && words.get(2).is_some_and(|word| !word.as_encoded_bytes().starts_with(b"-"))
}

/// Reports what the words say.
///
/// Where nobody listens it says so and is content: a script shall run outside of Fanlane as well as inside.
pub fn report(words: &[OsString]) -> Status {
    let texts: Vec<_> = words.iter().skip(2).map(|word| word.to_string_lossy()).collect();
    let Some((fraction, message)) = texts.split_first() else { return Status::NothingRun };
    let fraction = match progress::parse_fraction(fraction) {
        Ok(fraction) => fraction,
        Err(fault) => {
            remark(&fault);
            return Status::NothingRun;
        }
    };
    let Some(address) = std::env::var_os(PROGRESS_VARIABLE) else {
        remark(&format!("this is no task of a run ({PROGRESS_VARIABLE} is not set), so nobody sees its progress"));
        return Status::AllDone;
    };
    if let Err(error) = progress::send(&address.to_string_lossy(), fraction, &message.join(" ")) {
        remark(&format!("nobody listens for the progress of this task any more: {error}"));
    }
    Status::AllDone
}
