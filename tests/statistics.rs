//! The statistics of races against SciPy's: the values and the script that made them are in `fixtures/statistics`.

use fanlane_core::model::race::laws::{Amdahl, SizeTime};
use fanlane_core::model::statistics::{Comparison, Summary, modified_z_scores, two_sided_p, two_sided_quantile};
use serde_json::Value;

fn fixtures() -> Value {
    serde_json::from_str(include_str!("fixtures/statistics/scipy.json")).expect("the fixtures are JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn cases<'a>(fixtures: &'a Value, name: &str) -> &'a [Value] {
    let cases = fixtures[name].as_array().expect("a list of cases");
    assert!(!cases.is_empty(), "{name}");
    cases
}

#[track_caller]
fn same(found: f64, wanted: f64, what: &str) {
    let scale = wanted.abs().max(1e-12);
    assert!((found - wanted).abs() <= 1e-9 * scale, "{what}: {found}, but SciPy has {wanted}");
}

#[test]
fn summaries_intervals_and_modified_z_scores_are_scipys() {
    for case in cases(&fixtures(), "summaries") {
        let values = numbers(&case["values"]);
        let summary = Summary::of(&values).expect("values");
        same(summary.mean, number(&case["mean"]), "mean");
        same(summary.deviation, number(&case["deviation"]), "deviation");
        same(summary.median, number(&case["median"]), "median");
        same(summary.min, number(&case["min"]), "min");
        same(summary.max, number(&case["max"]), "max");
        same(summary.half_width().expect("several values"), number(&case["half_width"]), "half width");
        for (found, wanted) in modified_z_scores(&values).into_iter().zip(numbers(&case["modified_z"])) {
            same(found, wanted, "modified Z-score");
        }
    }
}

#[test]
fn welchs_test_is_scipys() {
    for case in cases(&fixtures(), "welch") {
        let [one, other] = ["one", "other"].map(|name| Summary::of(&numbers(&case[name])).expect("values"));
        let comparison = Comparison::of(&one, &other).expect("several values");
        let wanted_t = number(&case["t"]);
        // Two samples of the same values differ by rounding in another order of summation.
        if wanted_t.abs() > 1e-12 {
            same(comparison.t, wanted_t, "t");
        } else {
            assert!(comparison.t.abs() < 1e-12);
        }
        same(comparison.freedom, number(&case["freedom"]), "degrees of freedom");
        same(comparison.p, number(&case["p"]), "p");
    }
}

#[test]
fn students_distribution_is_scipys() {
    let fixtures = fixtures();
    for case in cases(&fixtures, "quantiles") {
        same(two_sided_quantile(0.95, number(&case["freedom"])), number(&case["t"]), "quantile");
    }
    for case in cases(&fixtures, "chances") {
        same(two_sided_p(number(&case["t"]), number(&case["freedom"])), number(&case["p"]), "chance");
    }
}

#[test]
fn amdahls_fraction_and_its_error_are_those_of_curve_fit() {
    for case in cases(&fixtures(), "amdahl") {
        let (sizes, secs, errors) = (numbers(&case["sizes"]), numbers(&case["secs"]), numbers(&case["errors"]));
        let times = sizes.iter().zip(secs.iter().zip(&errors));
        let times: Vec<SizeTime> = times
            .map(|(workers, (secs, error_secs))| SizeTime {
                workers: *workers as u32,
                secs: *secs,
                error_secs: *error_secs,
            })
            .collect();
        let law = Amdahl::fit(&times).expect("a fit");
        let wanted = number(&case["serial_fraction"]);
        assert!((law.serial_fraction - wanted).abs() < 1e-6, "{law:?}, but SciPy has {wanted}");
        // Where the times scatter more than their errors allow, the interval is wider than SciPy's, never narrower.
        let least = 1.96 * number(&case["error"]);
        assert!(law.half_width >= least * (1.0 - 1e-6), "{law:?}, but SciPy has {least}");
    }
}
