//! `make_bytes`: a value of n bytes, to see what it costs to send a large value back: next to no work besides.
//!
//! The bytes are the letters a to z, again and again. Their number is no power of two, so that a page or a block that
//! is missing or swapped shows.

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "make_bytes",
    about: "A value of n bytes, the letters a to z again and again: shows what sending a large value costs.",
    argument: ArgumentInfo {
        meaning: "length of the value",
        unit: "bytes",
        kind: ArgumentKind::Whole { min: 0, max: 1 << 30 },
    },
    parameters: &[],
    example: "30",
    example_value: "abcdefghijklmnopqrstuvwxyzabcd",
    needs_server: false,
    call,
};

const PATTERN: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let length = INFO.argument.count(argument)? as usize;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| format!("no memory for a value of {length} bytes; ask for less"))?;
    bytes.extend_from_slice(&PATTERN[..length.min(PATTERN.len())]);
    while bytes.len() < length {
        // All but the last copy take whole patterns, so each goes on where the one before ended.
        bytes.extend_from_within(..bytes.len().min(length - bytes.len()));
    }
    Ok(CallValue::Bytes(bytes.into_boxed_slice()))
}

#[cfg(test)]
mod tests {
    use super::{INFO, PATTERN};
    use crate::job::CallValue;
    use crate::job::workload::tests::{call, error};

    #[test]
    fn repeats_the_pattern_to_the_last_byte() {
        for length in [0, 1, 25, 26, 27, 52, 1000, 65_536, 1_000_003] {
            let expected: Box<[u8]> = PATTERN.iter().copied().cycle().take(length).collect();
            assert_eq!(call(&INFO, &length.to_string()), CallValue::Bytes(expected), "{length} bytes");
        }
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "1073741825", "1k"] {
            let expected = "expected a whole number from 0 to 1073741824 (bytes)";
            assert_eq!(error(&INFO, argument), format!("the length of the value is {argument:?}, {expected}"));
        }
    }
}
