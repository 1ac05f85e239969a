//! `file_io`: small reads at random places of a file and small writes, after the I/O load of PEP 371: each worker opens
//! a text file, seeks in it at random and writes lines to the null device.
//!
//! The PEP's text file is not at hand, so a call makes one of its own: a temporary file of 1,000 lines. Line k, from 0,
//! is k in decimal, a space, 37 k mod 80 times the letter x and a line feed. Nothing is buffered: a round is a seek, a
//! read and a write, as three system calls.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use super::random::SplitMix64;
use super::{ArgumentInfo, ArgumentKind, CallContext, ParameterInfo, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "file_io",
    about: "Reads n lines at random places of a temporary file and writes them to the null device; the value is the \
            number of bytes written.",
    argument: ArgumentInfo {
        meaning: "number of rounds",
        unit: "lines",
        kind: ArgumentKind::Whole { min: 0, max: 100_000_000 },
    },
    parameters: &[ParameterInfo {
        name: "seed",
        about: "Start of the pseudo-random places.",
        min: 0,
        max: u64::MAX,
        default: 0,
    }],
    example: "1000",
    example_value: "43854",
    needs_server: false,
    call,
};

const LINES: u64 = 1000;

fn call(argument: &[u8], parameters: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let rounds = INFO.argument.count(argument)?;
    let (mut file, line_starts) =
        write_lines().map_err(|error| format!("cannot write a temporary file: {error}; is there space?"))?;
    let mut null = OpenOptions::new()
        .write(true)
        .open("/dev/null")
        .map_err(|error| format!("cannot open the null device \"/dev/null\": {error}"))?;
    let mut random = SplitMix64::new(parameters.seed);
    let mut written_bytes = 0;
    for _ in 0..rounds {
        let line = random.below(LINES) as usize;
        written_bytes += copy_line(&mut file, line_starts[line], &mut null)
            .map_err(|error| format!("cannot copy line {line} of a temporary file to the null device: {error}"))?;
    }
    Ok(CallValue::Int(written_bytes))
}

/// Makes the file and says where each of its lines starts. It has no name, so it is gone however the call ends.
fn write_lines() -> std::io::Result<(File, Vec<u64>)> {
    let mut text = String::new();
    let mut line_starts = Vec::new();
    for line in 0..LINES {
        line_starts.push(text.len() as u64);
        text.push_str(&line.to_string());
        text.push(' ');
        text.extend(std::iter::repeat_n('x', (37 * line % 80) as usize));
        text.push('\n');
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok((file, line_starts))
}

/// Copies the line that starts at `start` and says how many bytes it has.
fn copy_line(file: &mut File, start: u64, to: &mut File) -> std::io::Result<i64> {
    // No line is longer.
    let mut buffer = [0; 128];
    file.seek(SeekFrom::Start(start))?;
    let read = file.read(&mut buffer)?;
    let end = buffer[..read].iter().position(|byte| *byte == b'\n').ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let line = &buffer[..=end];
    to.write_all(line)?;
    Ok(line.len() as i64)
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::WorkloadSpec;
    use crate::job::workload::tests::{call, call_with, error};

    #[test]
    fn agrees_with_python() {
        assert_eq!(call(&INFO, "0"), CallValue::Int(0));
        let seeded = WorkloadSpec { seed: Some(1), ..WorkloadSpec::named("file_io") };
        assert_eq!(call_with(&seeded, "1000"), Ok(CallValue::Int(44_356)));
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "100000001", "some"] {
            let expected = "expected a whole number from 0 to 100000000 (lines)";
            assert_eq!(error(&INFO, argument), format!("the number of rounds is {argument:?}, {expected}"));
        }
    }
}
