//! Laws of scaling, fitted to the times of several pool sizes: Amdahl's, with a serial part of the work, and the
//! Universal Scalability Law, with contention and coherence between workers.
//!
//! Too few sizes give no fit, and a fit reports its residual.

use crate::model::statistics::{Line, Summary, fit};

/// Amdahl's law has two coefficients; only a third size can contradict it.
pub const AMDAHL_SIZES: usize = 3;
/// The Universal Scalability Law has three.
pub const USL_SIZES: usize = 4;
/// A law whose residual is above this share does not describe the measurements.
pub const FITTING: f64 = 0.05;

/// The time of a pool size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeTime {
    /// Number of workers, at least 1.
    pub workers: u32,
    /// Mean time, in seconds, > 0.
    pub secs: f64,
    /// Standard error of the mean, in seconds; 0: unknown.
    pub error_secs: f64,
}

impl SizeTime {
    /// A size with the summary of its runs.
    pub fn of(&(workers, time): &(u32, Summary)) -> Self {
        Self { workers, secs: time.mean, error_secs: time.error() }
    }
}

/// Amdahl's law: the time has a serial part and a shared part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amdahl {
    /// The serial fraction, 0 to 1.
    pub serial_fraction: f64,
    /// Half the width of its interval of about 95 % confidence.
    pub half_width: f64,
    /// Time of one worker, in seconds, as the law has it.
    pub one_secs: f64,
    /// Root mean square of the relative distances of the measurements from the law.
    pub residual: f64,
}

/// The Universal Scalability Law: speed-up = n / (1 + σ (n − 1) + κ n (n − 1)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    /// σ: contention, ≥ 0.
    pub contention: f64,
    /// κ: coherence, ≥ 0.
    pub coherence: f64,
    /// Time of one worker, in seconds, as the law has it.
    pub one_secs: f64,
    /// As [`Amdahl::residual`].
    pub residual: f64,
}

/// Why a law could not be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoFit {
    /// There are too few sizes.
    TooFew {
        /// How many there are.
        sizes: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The times do not determine it.
    Undetermined,
}

impl std::fmt::Display for NoFit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooFew { sizes, needed } => write!(f, "not enough pool sizes (need {needed}, have {sizes})"),
            Self::Undetermined => f.write_str("the times do not determine it"),
        }
    }
}

impl Amdahl {
    /// Fits the law to sizes of which no two are the same.
    ///
    /// # Errors
    /// Why it is not claimed.
    pub fn fit(sizes: &[SizeTime]) -> Result<Self, NoFit> {
        enough(sizes, AMDAHL_SIZES)?;
        let known = sizes.iter().all(|size| size.error_secs > 0.0);
        let line = |size: &SizeTime| Line {
            factors: [1.0, 1.0 / f64::from(size.workers)],
            value: size.secs,
            weight: if known { size.error_secs.powi(-2) } else { size.secs.powi(-2) },
        };
        let lines: Vec<Line<2>> = sizes.iter().map(line).collect();
        let ([serial, shared], covariance) = fit(&lines).ok_or(NoFit::Undetermined)?;
        let whole = serial + shared;
        if whole <= 0.0 {
            return Err(NoFit::Undetermined);
        }
        let gradient = [shared / (whole * whole), -serial / (whole * whole)];
        let mut variance = 0.0;
        for (row, slope) in covariance.iter().zip(gradient) {
            variance += slope * row.iter().zip(gradient).map(|(cell, slope)| cell * slope).sum::<f64>();
        }
        let squares: f64 =
            lines.iter().map(|line| line.weight * (line.value - dot(line.factors, [serial, shared])).powi(2)).sum();
        let spread = squares / (sizes.len() - 2) as f64;
        // Known errors are never made smaller by a good fit, only larger by a bad one.
        let scale = if known { spread.max(1.0) } else { spread };
        let law = |workers: u32| serial + shared / f64::from(workers);
        Ok(Self {
            serial_fraction: (serial / whole).clamp(0.0, 1.0),
            half_width: 1.96 * (variance * scale).sqrt(),
            one_secs: whole,
            residual: residual(sizes, law),
        })
    }

    /// How many times faster than one worker, by the law.
    pub fn speed_up(&self, workers: f64) -> f64 {
        1.0 / (self.serial_fraction + (1.0 - self.serial_fraction) / workers)
    }
}

impl Usl {
    /// Fits the law to sizes of which no two are the same.
    ///
    /// # Errors
    /// Why it is not claimed.
    pub fn fit(sizes: &[SizeTime]) -> Result<Self, NoFit> {
        enough(sizes, USL_SIZES)?;
        // n T(n) = T(1) (1 + σ (n − 1) + κ n (n − 1)): linear in T(1), T(1) σ and T(1) κ. Neither is below 0, and where
        // the best fit would have it so, the best allowed one lies on that border.
        let candidates = [[true, true], [true, false], [false, true], [false, false]].map(|with| {
            let line = |size: &SizeTime| {
                let n = f64::from(size.workers);
                let product = n * size.secs;
                Line { factors: [1.0, n - 1.0, n * (n - 1.0)], value: product, weight: product.powi(-2) }
            };
            solve_with(&sizes.iter().map(line).collect::<Vec<_>>(), with)
        });
        let allowed =
            candidates.into_iter().flatten().filter(|found| found[0] > 0.0 && found[1] >= 0.0 && found[2] >= 0.0);
        let laws = allowed.map(|[one_secs, contention, coherence]| {
            let law =
                Self { contention: contention / one_secs, coherence: coherence / one_secs, one_secs, residual: 0.0 };
            Self { residual: residual(sizes, |workers| one_secs / law.speed_up(workers.into())), ..law }
        });
        laws.min_by(|one, other| one.residual.total_cmp(&other.residual)).ok_or(NoFit::Undetermined)
    }

    /// How many times faster than one worker, by the law.
    pub fn speed_up(&self, workers: f64) -> f64 {
        workers / (self.coherence * workers).mul_add(workers - 1.0, self.contention.mul_add(workers - 1.0, 1.0))
    }

    /// The size beyond which the law predicts slower runs; `None` if there is none.
    pub fn peak(&self) -> Option<f64> {
        (self.coherence > 0.0).then(|| ((1.0 - self.contention).max(0.0) / self.coherence).sqrt().max(1.0))
    }
}

/// Three coefficients, of which those without a `true` are held at 0.
fn solve_with(lines: &[Line<3>], [second, third]: [bool; 2]) -> Option<[f64; 3]> {
    match (second, third) {
        (true, true) => fit(lines).map(|(found, _)| found),
        (false, false) => fit(&only(lines, [0])).map(|([one], _)| [one, 0.0, 0.0]),
        (true, false) => fit(&only(lines, [0, 1])).map(|([one, two], _)| [one, two, 0.0]),
        (false, true) => fit(&only(lines, [0, 2])).map(|([one, three], _)| [one, 0.0, three]),
    }
}

fn only<const N: usize>(lines: &[Line<3>], kept: [usize; N]) -> Vec<Line<N>> {
    let line = |line: &Line<3>| Line {
        factors: kept.map(|place| line.factors[place]),
        value: line.value,
        weight: line.weight,
    };
    lines.iter().map(line).collect()
}

fn enough(sizes: &[SizeTime], needed: usize) -> Result<(), NoFit> {
    let sizes = sizes.len();
    if sizes < needed { Err(NoFit::TooFew { sizes, needed }) } else { Ok(()) }
}

fn dot(factors: [f64; 2], coefficients: [f64; 2]) -> f64 {
    factors.iter().zip(coefficients).map(|(factor, coefficient)| factor * coefficient).sum()
}

fn residual(sizes: &[SizeTime], law: impl Fn(u32) -> f64) -> f64 {
    let squares: f64 = sizes.iter().map(|size| (law(size.workers) / size.secs - 1.0).powi(2)).sum();
    (squares / sizes.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [u32; 6] = [1, 2, 3, 4, 8, 16];

    fn synthetic(sizes: &[u32], secs: impl Fn(f64) -> f64) -> Vec<SizeTime> {
        sizes.iter().map(|&workers| SizeTime { workers, secs: secs(workers.into()), error_secs: 0.0 }).collect()
    }

    fn close(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() <= 0.01 * wanted.abs().max(1e-6)
    }

    #[test]
    fn amdahls_fraction_comes_back() {
        for fraction in [0.0, 0.01, 0.1, 0.5, 0.95, 1.0] {
            let law = Amdahl::fit(&synthetic(&SIZES, |n| 7.0 * (fraction + (1.0 - fraction) / n))).expect("a fit");
            assert!(close(law.serial_fraction, fraction) && close(law.one_secs, 7.0), "{fraction}: {law:?}");
            assert!(law.residual < 1e-9 && law.half_width < 1e-6, "{law:?}");
        }
    }

    #[test]
    fn both_parameters_of_the_usl_come_back() {
        for (contention, coherence) in [(0.0, 0.0), (0.1, 0.0), (0.0, 0.01), (0.05, 0.002), (0.3, 0.05)] {
            let secs = |n: f64| 3.0 * (1.0 + contention * (n - 1.0) + coherence * n * (n - 1.0)) / n;
            let law = Usl::fit(&synthetic(&SIZES, secs)).expect("a fit");
            assert!(close(law.contention, contention) && close(law.coherence, coherence), "{law:?}");
            assert!(law.residual < 1e-9, "{law:?}");
        }
        let law = Usl { contention: 0.0, coherence: 0.01, one_secs: 1.0, residual: 0.0 };
        assert_eq!(law.peak().map(f64::round), Some(10.0));
        assert_eq!(Usl { coherence: 0.0, ..law }.peak(), None);
    }

    #[test]
    fn a_fit_never_claims_what_cannot_be() {
        // Faster than ideal: no law allows it, so the nearest allowed values are expected.
        let law = Usl::fit(&synthetic(&SIZES, |n| 1.0 / n.powf(1.2))).expect("a fit");
        assert!(law.contention >= 0.0 && law.coherence >= 0.0 && law.residual > FITTING, "{law:?}");
        let law = Amdahl::fit(&synthetic(&SIZES, |n| 1.0 / n.powf(1.2))).expect("a fit");
        assert!((0.0..=1.0).contains(&law.serial_fraction), "{law:?}");
    }

    #[test]
    fn too_few_sizes_are_no_law() {
        let sizes = synthetic(&[1, 2, 4], |n| 1.0 / n);
        assert_eq!(Amdahl::fit(&sizes[..2]), Err(NoFit::TooFew { sizes: 2, needed: 3 }));
        assert_eq!(Usl::fit(&sizes), Err(NoFit::TooFew { sizes: 3, needed: 4 }));
        let words = Usl::fit(&sizes).expect_err("too few").to_string();
        assert_eq!(words, "not enough pool sizes (need 4, have 3)");
    }
}
