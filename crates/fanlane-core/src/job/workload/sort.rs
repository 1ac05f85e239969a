//! `sort`: n pseudo-random 64-bit numbers put in order, a load on memory.
//!
//! The value depends on the order: from 0, for each number in turn, the sum so far times 2⁴⁰ + 435 plus the number,
//! modulo 2⁶⁴, in 16 hexadecimal digits.

use super::random::SplitMix64;
use super::{ArgumentInfo, ArgumentKind, CallContext, ParameterInfo, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "sort",
    about: "Sorts n pseudo-random 64-bit numbers; the value is a checksum of the sorted sequence.",
    argument: ArgumentInfo {
        meaning: "count of numbers to sort",
        unit: "8 bytes each",
        kind: ArgumentKind::Whole { min: 0, max: 100_000_000 },
    },
    parameters: &[ParameterInfo {
        name: "seed",
        about: "Start of the pseudo-random numbers.",
        min: 0,
        max: u64::MAX,
        default: 0,
    }],
    example: "100000",
    example_value: "2e2a574d5919b4b2",
    needs_server: false,
    call,
};

/// The prime of the 64-bit FNV hash, 2⁴⁰ + 435.
const FACTOR: u64 = 0x100_0000_01B3;

fn call(argument: &[u8], parameters: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let count = INFO.argument.count(argument)? as usize;
    let mut numbers: Vec<u64> = Vec::new();
    numbers.try_reserve_exact(count).map_err(|_| format!("no memory for {count} numbers; sort fewer"))?;
    let mut random = SplitMix64::new(parameters.seed);
    numbers.extend((0..count).map(|_| random.next()));
    numbers.sort_unstable();
    let checksum = numbers.iter().fold(0_u64, |sum, number| sum.wrapping_mul(FACTOR).wrapping_add(*number));
    Ok(CallValue::Text(format!("{checksum:016x}").into()))
}

#[cfg(test)]
mod tests {
    use super::INFO;
    use crate::job::CallValue;
    use crate::job::workload::WorkloadSpec;
    use crate::job::workload::tests::{call, call_with, error};

    #[test]
    fn agrees_with_python() {
        assert_eq!(call(&INFO, "0"), CallValue::Text("0000000000000000".into()));
        assert_eq!(call(&INFO, "1000"), CallValue::Text("e333590db9af3217".into()));
        let seeded = WorkloadSpec { seed: Some(1), ..WorkloadSpec::named("sort") };
        assert_eq!(call_with(&seeded, "1000"), Ok(CallValue::Text("7ae67a3d79acb9a0".into())));
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "100000001", "all"] {
            let expected = "expected a whole number from 0 to 100000000 (8 bytes each)";
            assert_eq!(error(&INFO, argument), format!("the count of numbers to sort is {argument:?}, {expected}"));
        }
    }
}
