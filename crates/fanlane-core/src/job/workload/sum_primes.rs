//! `sum_primes`: the sum of all prime numbers below n, the second load of PEP 371 ("sum of primes below 100,000").
//!
//! The PEP's own function divides; this is the sieve of Eratosthenes, segment by segment, so that memory does not grow
//! with n beyond the primes up to its root.

use super::{ArgumentInfo, ArgumentKind, CallContext, Parameters, WorkloadInfo};
use crate::job::CallValue;

pub(super) const INFO: WorkloadInfo = WorkloadInfo {
    name: "sum_primes",
    about: "The sum of all prime numbers below n, by a sieve.",
    argument: ArgumentInfo {
        meaning: "bound",
        unit: "",
        // The sum below 10^10 still fits 63 bits.
        kind: ArgumentKind::Whole { min: 0, max: 10_000_000_000 },
    },
    parameters: &[],
    example: "100000",
    example_value: "454396537",
    needs_server: false,
    call,
};

/// Odd numbers in a segment, a byte each: half of a usual first-level cache.
const SEGMENT: usize = 1 << 14;

fn call(argument: &[u8], _: &Parameters, _: &CallContext) -> Result<CallValue, String> {
    let bound = INFO.argument.count(argument)?;
    Ok(CallValue::Int(sum_below(bound).cast_signed()))
}

fn sum_below(bound: u64) -> u64 {
    // Each odd prime that crosses numbers out, with the next odd multiple of it, as an index into the odd numbers.
    let mut crossing: Vec<(usize, usize)> = Vec::new();
    let mut sum = if bound > 2 { 2 } else { 0 };
    // Index i stands for the odd number 2 i + 1; the first is 1, which is no prime.
    let end = (bound / 2) as usize;
    let root = bound.isqrt() as usize;
    let mut start = 1;
    let mut crossed = vec![false; SEGMENT];
    while start < end {
        let length = SEGMENT.min(end - start);
        let segment = &mut crossed[..length];
        segment.fill(false);
        for (prime, next) in &mut crossing {
            while *next < start + length {
                segment[*next - start] = true;
                *next += *prime;
            }
        }
        for offset in 0..length {
            if segment[offset] {
                continue;
            }
            let prime = 2 * (start + offset) + 1;
            sum += prime as u64;
            // The multiples of a larger prime all have a smaller prime factor.
            if prime <= root {
                let mut next = prime * prime / 2;
                while next < start + length {
                    segment[next - start] = true;
                    next += prime;
                }
                crossing.push((prime, next));
            }
        }
        start += length;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{INFO, SEGMENT, sum_below};
    use crate::job::workload::tests::error;

    #[test]
    fn agrees_with_division_for_small_bounds() {
        let mut sum = 0;
        for bound in 0..3000_u64 {
            assert_eq!(sum_below(bound), sum, "below {bound}");
            if bound >= 2 && (2..bound).take_while(|d| d * d <= bound).all(|d| bound % d != 0) {
                sum += bound;
            }
        }
    }

    #[test]
    fn agrees_with_known_sums_across_segments() {
        assert_eq!(sum_below(1_000_000), 37_550_402_023);
        assert_eq!(sum_below(10_000_000), 3_203_324_994_356);
        let segments = 16 * SEGMENT as u64;
        assert_eq!(sum_below(2 * segments - 1), 10_862_359_698);
        assert_eq!(sum_below(2 * segments + 1), 10_862_883_985);
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        for argument in ["-1", "10000000001", "many"] {
            let expected = format!("the bound is {argument:?}, expected a whole number from 0 to 10000000000");
            assert_eq!(error(&INFO, argument), expected);
        }
    }
}
