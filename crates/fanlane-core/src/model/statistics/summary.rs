//! Summary of a few measurements: mean, spread, extremes, the interval of the mean, and outliers.

use super::student::two_sided_quantile;

/// Modified Z-score beyond which a measurement counts as an outlier. The textbook's 3.5 would flag every second small
/// sample.
pub const OUTLIER_SCORE: f64 = 10.0;

/// Scales the median absolute deviation to the standard deviation of a normal distribution.
const DEVIATIONS_PER_SIGMA: f64 = 0.674_489_750_196_081_7;

/// A summary in the unit of the measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of measurements, at least 1.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; 0 for a single one.
    pub deviation: f64,
    /// Their median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Summarizes values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let median = median(values)?;
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some(Self { count, mean, deviation, median, min, max })
    }

    /// The standard error of the mean; 0, meaning unknown, for a single measurement.
    pub fn error(&self) -> f64 {
        self.deviation / (self.count as f64).sqrt()
    }

    /// Half the width of the 95 % confidence interval of the mean; `None` for a single measurement.
    pub fn half_width(&self) -> Option<f64> {
        (self.count > 1).then(|| two_sided_quantile(0.95, (self.count - 1) as f64) * self.error())
    }

    /// [`Summary::half_width`] relative to the mean; also `None` if the mean is 0.
    pub fn relative_half_width(&self) -> Option<f64> {
        self.half_width().filter(|_| self.mean != 0.0).map(|half| half / self.mean.abs())
    }
}

/// The median; `None` if there are no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], upper) } else { upper })
}

/// The modified Z-score of each value: its distance from the median in robust standard deviations. All 0 if more than
/// half of the values are equal.
pub fn modified_z_scores(values: &[f64]) -> Vec<f64> {
    let Some(middle) = median(values) else { return Vec::new() };
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let spread = median(&distances).unwrap_or(0.0);
    let score = |value: &f64| if spread > 0.0 { DEVIATIONS_PER_SIGMA * (value - middle) / spread } else { 0.0 };
    values.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_measurement_has_no_interval_and_none_has_no_summary() {
        assert_eq!(Summary::of(&[]), None);
        let one = Summary::of(&[3.0]).expect("a value");
        assert_eq!((one.mean, one.deviation, one.median, one.half_width()), (3.0, 0.0, 3.0, None));
    }

    #[test]
    fn a_value_far_from_the_bulk_is_an_outlier_and_a_bulk_without_width_has_none() {
        let scores = modified_z_scores(&[1.00, 1.01, 0.99, 1.02, 0.98, 3.0]);
        assert!(scores[5] > OUTLIER_SCORE && scores[..5].iter().all(|score| score.abs() < 3.0), "{scores:?}");
        assert_eq!(modified_z_scores(&[1.0, 1.0, 1.0, 9.0]), [0.0; 4]);
    }
}
