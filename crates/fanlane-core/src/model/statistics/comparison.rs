//! Comparison of two summaries: their quotient with its error, and whether they differ at all.

use super::Summary;
use super::student::{two_sided_p, two_sided_quantile};

/// A quotient of two means with its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quotient {
    /// The quotient.
    pub value: f64,
    /// The propagated standard deviations of both: the scatter of single runs.
    pub deviation: f64,
    /// Half the width of the 95 % confidence interval; `None` if a mean has only one measurement.
    pub half_width: Option<f64>,
}

impl Quotient {
    /// The quotient of two means, neither 0.
    pub fn of(dividend: &Summary, divisor: &Summary) -> Self {
        let value = dividend.mean / divisor.mean;
        let share = |spread: f64, summary: &Summary| (spread / summary.mean).powi(2);
        let propagated = |squares: f64| value.abs() * squares.sqrt();
        let deviation = propagated(share(dividend.deviation, dividend) + share(divisor.deviation, divisor));
        let errors = [share(dividend.error(), dividend), share(divisor.error(), divisor)];
        let half_width = freedom(errors, [dividend.count, divisor.count])
            .map(|freedom| two_sided_quantile(0.95, freedom) * propagated(errors[0] + errors[1]));
        Self { value, deviation, half_width }
    }
}

/// Whether two means differ, by Welch's test, which does not assume equal variances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The difference in units of its standard error.
    pub t: f64,
    /// Degrees of freedom, by Welch and Satterthwaite.
    pub freedom: f64,
    /// Probability that chance alone produces such a difference, 0 to 1.
    pub p: f64,
}

impl Comparison {
    /// Compares two means; `None` if one of them has a single measurement.
    pub fn of(one: &Summary, other: &Summary) -> Option<Self> {
        let errors = [one.error().powi(2), other.error().powi(2)];
        let freedom = freedom(errors, [one.count, other.count])?;
        let difference = one.mean - other.mean;
        let error = (errors[0] + errors[1]).sqrt();
        let t = if error > 0.0 {
            difference / error
        } else if difference == 0.0 {
            0.0
        } else {
            f64::INFINITY.copysign(difference)
        };
        let p = if t.is_infinite() { 0.0 } else { two_sided_p(t, freedom) };
        Some(Self { t, freedom, p })
    }
}

/// Degrees of freedom of a sum of two squared errors.
fn freedom(errors: [f64; 2], counts: [usize; 2]) -> Option<f64> {
    if counts.iter().any(|count| *count < 2) {
        return None;
    }
    let [first, second] = [0, 1].map(|which| errors[which].powi(2) / (counts[which] - 1) as f64);
    let sum = errors[0] + errors[1];
    // Nothing scattered: as many as there are.
    Some(if sum > 0.0 { sum * sum / (first + second) } else { (counts[0] + counts[1] - 2) as f64 })
}
