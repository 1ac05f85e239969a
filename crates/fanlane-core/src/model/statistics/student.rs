//! Student's t distribution: the width of intervals of few measurements, and the probability of chance differences.

/// Coefficients of Lanczos' series for the gamma function, for g = 7.
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// The logarithm of the gamma function, for arguments from 0.5 on.
fn ln_gamma(x: f64) -> f64 {
    let x = x - 1.0;
    let series = LANCZOS.iter().enumerate().skip(1).fold(LANCZOS[0], |sum, (place, c)| sum + c / (x + place as f64));
    let base = x + 7.5;
    0.5f64.mul_add((2.0 * std::f64::consts::PI).ln(), (x + 0.5) * base.ln()) - base + series.ln()
}

/// The regularised incomplete beta function, by its continued fraction.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast only on one side; the function is symmetric.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    front * continued_fraction(a, b, x)
}

fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    const ROUNDS: u32 = 500;
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for round in 1..=ROUNDS {
        let m = f64::from(round);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = value;
        for term in [even, odd] {
            d = 1.0 / not_zero(1.0 + term * d);
            c = not_zero(1.0 + term / c);
            value *= c * d;
        }
        if (value - before).abs() <= value.abs() * f64::EPSILON {
            break;
        }
    }
    value
}

/// The two-sided probability of a t of this size or larger; `freedom` is the degrees of freedom, > 0.
pub fn two_sided_p(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return 1.0;
    }
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The t that is exceeded, on either side, with a probability of 1 − `confidence` (0 < confidence < 1).
pub fn two_sided_quantile(confidence: f64, freedom: f64) -> f64 {
    let chance = 1.0 - confidence;
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_p(high, freedom) > chance && high < 1e12 {
        low = high;
        high *= 2.0;
    }
    // Halving a double's interval ends after as many steps as it has bits.
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if two_sided_p(middle, freedom) > chance { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}
