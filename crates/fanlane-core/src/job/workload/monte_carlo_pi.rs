//! `monte_carlo_pi`: π from random points, the textbook's independent tasks: no memory, no input, any number of them.
//!
//! A point in the unit square lies in the quarter circle with probability π / 4.

use super::random::SplitMix64;
use super::{ArgumentInfo, ArgumentKind, CallContext, ParameterInfo, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "monte_carlo_pi",
    about: "Pi, estimated from random points. A second number, from 0 on, picks other points: \"1000000 7\".",
    argument: ArgumentInfo {
        meaning: "number of samples",
        unit: "points",
        kind: ArgumentKind::Whole { min: 1, max: 1_000_000_000_000 },
    },
    parameters: &[ParameterInfo {
        name: "seed",
        about: "Start of the random numbers; mixed with both numbers of the argument.",
        min: 0,
        max: u64::MAX,
        default: 0,
    }],
    example: "1000000",
    example_value: "3.143712",
    needs_server: false,
    call,
};

/// The second, optional number of the argument.
const STREAM: ArgumentInfo = ArgumentInfo {
    meaning: "second number, which picks the points,",
    unit: "",
    kind: ArgumentKind::Whole { min: 0, max: i64::MAX },
};

fn call(argument: &[u8], parameters: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let argument = argument.trim_ascii();
    let (samples, stream) = match argument.iter().position(|byte| *byte == b' ') {
        Some(space) => (&argument[..space], STREAM.count(&argument[space..])?),
        None => (argument, 0),
    };
    let samples = INFO.argument.count(samples)?;
    let mut random = SplitMix64::mixed(&[parameters.seed, samples, stream]);
    let inside = (0..samples).filter(|_| in_quarter_circle(random.next())).count();
    Ok(CallValue::Float(4.0 * inside as f64 / samples as f64))
}

/// The halves of `bits` are a point's coordinates in units of 2⁻³²; the circle's square is then 2⁶⁴, where the sum of
/// their squares overflows.
const fn in_quarter_circle(bits: u64) -> bool {
    let (x, y) = (bits >> 32, bits & 0xFFFF_FFFF);
    (x * x).checked_add(y * y).is_some()
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::WorkloadSpec;
    use crate::job::workload::tests::{call, call_with, error};

    #[test]
    fn depends_on_samples_stream_and_seed_only() {
        assert_eq!(call(&INFO, "100000"), CallValue::Float(3.14276));
        assert_eq!(call(&INFO, "100000 0"), CallValue::Float(3.14276));
        assert_eq!(call(&INFO, " 100000  7 "), CallValue::Float(3.14252));
        let seeded = WorkloadSpec { seed: Some(1), ..WorkloadSpec::named("monte_carlo_pi") };
        assert_eq!(call_with(&seeded, "100000"), Ok(CallValue::Float(3.1452)));
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        let expected = "expected a whole number from 1 to 1000000000000 (points)";
        assert_eq!(error(&INFO, "0"), format!("the number of samples is \"0\", {expected}"));
        assert_eq!(error(&INFO, ""), format!("the number of samples is empty, {expected}"));
        assert_eq!(
            error(&INFO, "10 x"),
            "the second number, which picks the points, is \" x\", expected a whole number from 0 to 9223372036854775807"
        );
    }
}
