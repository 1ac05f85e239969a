//! The pseudo-random numbers of workloads, and of faults that a seed chooses: the same on every machine and in every
//! version, which a library's default generator does not promise. Not for secrets.

/// SplitMix64, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: a counter
/// that steps by the golden ratio of 2⁶⁴, and a mixing function. Its period is 2⁶⁴.
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// Numbers that depend on `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A start that depends on every one of `parts`: neighbouring seeds and arguments give unrelated numbers.
    pub(super) fn mixed(parts: &[u64]) -> Self {
        let mut random = Self::new(0);
        for part in parts {
            random.state ^= part;
            random.state = random.next();
        }
        random
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1: the upper half of a product, so that no division is needed.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    #[test]
    fn gives_the_published_sequence() {
        // The first outputs for the seed 1234567, as they are commonly given to check an implementation.
        let mut random = SplitMix64::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!(expected.map(|_| random.next()), expected);
    }

    #[test]
    fn stays_below_its_bound() {
        let mut random = SplitMix64::new(0);
        let mut seen = [false; 7];
        for _ in 0..1000 {
            seen[random.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
    }
}
