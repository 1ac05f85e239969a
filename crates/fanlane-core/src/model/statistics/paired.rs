//! Measurements in pairs, such as two commands that ran in turns: what troubles both at the same time cancels out.

use super::Summary;
use super::student::{two_sided_p, two_sided_quantile};

/// Two ways, measured in pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// How many times the first is the second: the geometric mean of the quotients of the pairs.
    pub quotient: f64,
    /// The 95 % confidence interval of that.
    pub interval: (f64, f64),
    /// Probability that chance alone produces such a difference, 0 to 1, by Student's test of the logarithms of the quotients.
    pub p: f64,
    /// Number of pairs.
    pub pairs: usize,
}

impl Paired {
    /// Compares the first and the second of each pair, all above 0; `None` for less than two pairs.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let logarithms: Vec<f64> = pairs.iter().map(|(one, other)| (one / other).ln()).collect();
        if logarithms.iter().any(|logarithm| !logarithm.is_finite()) {
            return None;
        }
        let summary = Summary::of(&logarithms).filter(|summary| summary.count > 1)?;
        let freedom = (summary.count - 1) as f64;
        let half = two_sided_quantile(0.95, freedom) * summary.error();
        let p = match (summary.error() > 0.0, summary.mean == 0.0) {
            (true, _) => two_sided_p(summary.mean / summary.error(), freedom),
            (false, true) => 1.0,
            (false, false) => 0.0,
        };
        let interval = ((summary.mean - half).exp(), (summary.mean + half).exp());
        Some(Self { quotient: summary.mean.exp(), interval, p, pairs: summary.count })
    }

    /// Half the width of the interval, of which the larger side counts.
    pub fn half_width(&self) -> f64 {
        (self.interval.1 - self.quotient).max(self.quotient - self.interval.0)
    }
}

/// The interval that has the median of what the values were drawn from with a probability of at least 95 %, whatever its
/// distribution; `None` where there are too few values for one.
pub fn median_interval(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = sorted.len();
    // The probability that at most `place` of all values are below the median.
    let mut chance = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    if chance == 0.0 {
        // So many values that the normal distribution is as good.
        let half = 0.98 * (count as f64).sqrt();
        let low = ((count as f64 / 2.0 - half).floor() as usize).max(1);
        return Some((sorted[low - 1], sorted[count - low]));
    }
    let (mut below, mut place) = (chance, 0);
    if 2.0 * below > 0.05 {
        return None;
    }
    while place + 1 < count / 2 {
        chance *= (count - place) as f64 / (place + 1) as f64;
        if 2.0 * (below + chance) > 0.05 {
            break;
        }
        below += chance;
        place += 1;
    }
    Some((sorted[place], sorted[count - 1 - place]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_troubles_both_of_a_pair_hides_no_difference() {
        // The machine becomes three times slower meanwhile; one is always 5 % slower than the other.
        let pairs: Vec<(f64, f64)> = (0..10)
            .map(|turn| 1.0 + f64::from(turn) / 5.0)
            .map(|secs| (secs * 1.05 * (1.0 + secs / 1e4), secs))
            .collect();
        let paired = Paired::of(&pairs).expect("pairs");
        assert!((paired.quotient - 1.05).abs() < 1e-3 && paired.p < 1e-6, "{paired:?}");
        assert!(paired.interval.0 < paired.quotient && paired.quotient < paired.interval.1);
        let summary = |values: Vec<f64>| Summary::of(&values).expect("values");
        let [ones, others] = [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()];
        let welch = super::super::Comparison::of(&summary(ones), &summary(others)).expect("a comparison");
        assert!(welch.p > 0.5, "without the pairs it is lost: {welch:?}");
    }

    #[test]
    fn equal_pairs_do_not_differ_and_one_pair_says_nothing() {
        assert_eq!(Paired::of(&[(1.0, 1.0), (2.0, 2.0)]).map(|paired| (paired.quotient, paired.p)), Some((1.0, 1.0)));
        assert_eq!(Paired::of(&[(2.0, 1.0), (2.0, 1.0)]).map(|paired| paired.p), Some(0.0));
        assert_eq!(Paired::of(&[(1.0, 2.0)]), None);
        assert_eq!(Paired::of(&[(1.0, 0.0), (1.0, 1.0)]), None);
    }

    #[test]
    fn the_interval_of_a_median_is_that_of_the_binomial_distribution() {
        let to = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        // From tables of the sign test.
        assert_eq!(median_interval(&to(5)), None);
        assert_eq!(median_interval(&to(6)), Some((1.0, 6.0)));
        assert_eq!(median_interval(&to(10)), Some((2.0, 9.0)));
        assert_eq!(median_interval(&to(20)), Some((6.0, 15.0)));
        let (low, high) = median_interval(&to(2000)).expect("an interval");
        assert!((950.0..=960.0).contains(&low) && (1041.0..=1050.0).contains(&high), "{low} {high}");
    }
}
