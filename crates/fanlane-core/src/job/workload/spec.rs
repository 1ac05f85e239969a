//! How a job names a workload: [`WorkloadSpec`], and the check of it before anything runs.
//!
//! What the workloads compute is not here; each has a file of its own.

use serde::{Deserialize, Serialize};

use super::{Workload, WorkloadInfo};

/// Which built-in workload a job calls, and with which parameters.
///
/// In a job file: `task: Workload(name: "mandelbrot", tiles: 4)`. The parameters are one fixed set for all workloads;
/// which of them a workload has, and their ranges and defaults, stand in its [`WorkloadInfo`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSpec {
    /// Name of the workload, one of [`Workload::ALL`].
    pub name: String,
    /// Start of the pseudo-random numbers, any whole number of 64 bits: another seed gives other numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Maximum number of iterations for a point of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// Number of tiles on each side of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<u64>,
    /// Length of a side of a picture, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Why a [`WorkloadSpec`] cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// There is no such workload.
    #[error("no workload is called {name:?};{} there are: {}", did_you_mean(.suggestion), all_names())]
    UnknownName {
        /// The name that was given.
        name: String,
        /// The workload whose name is nearest, if one is near.
        suggestion: Option<&'static str>,
    },
    /// The workload has no such parameter.
    #[error("the workload {workload:?} has no parameter {parameter:?}; {}", parameters_of(.workload))]
    UnknownParameter {
        /// Name of the workload.
        workload: &'static str,
        /// Name of the parameter that was given.
        parameter: &'static str,
    },
    /// A parameter lies outside its range.
    #[error(
        "the parameter {parameter:?} of the workload {workload:?} is {value}, expected a whole number from {min} to {max}"
    )]
    OutOfRange {
        /// Name of the workload.
        workload: &'static str,
        /// Name of the parameter.
        parameter: &'static str,
        /// The value that was given.
        value: u64,
        /// The smallest value allowed.
        min: u64,
        /// The largest value allowed.
        max: u64,
    },
}

impl WorkloadSpec {
    /// The workload of this name with its default parameters; [`check`](Self::check) says whether it exists.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Says whether this can be run, before anything is started.
    ///
    /// # Errors
    /// An unknown name, a parameter that the workload does not have, or one outside its range.
    pub fn check(&self) -> Result<(), WorkloadError> {
        Workload::prepare(self).map(|_| ())
    }

    /// All parameters by name, with the value given, in the order of the fields.
    pub(super) fn given(&self) -> [(&'static str, Option<u64>); 4] {
        [("seed", self.seed), ("iterations", self.iterations), ("tiles", self.tiles), ("size", self.size)]
    }
}

/// Finds a workload by its name.
pub(super) fn find(name: &str) -> Result<&'static WorkloadInfo, WorkloadError> {
    Workload::ALL
        .iter()
        .find(|info| info.name == name)
        .ok_or_else(|| WorkloadError::UnknownName { name: name.to_owned(), suggestion: nearest(name) })
}

/// The workload whose name is nearest to `name`.
fn nearest(name: &str) -> Option<&'static str> {
    let typed = name.to_lowercase().replace(['-', ' '], "_");
    Workload::ALL
        .iter()
        .map(|info| (strsim::damerau_levenshtein(&typed, info.name), info.name))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

fn did_you_mean(suggestion: &Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |known| format!(" did you mean {known:?}?"))
}

fn all_names() -> String {
    Workload::ALL.iter().map(|info| info.name).collect::<Vec<_>>().join(", ")
}

fn parameters_of(workload: &str) -> String {
    let names = find(workload).map_or(Vec::new(), |info| info.parameters.iter().map(|known| known.name).collect());
    if names.is_empty() { "it has none".to_owned() } else { format!("it has: {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::{WorkloadError, WorkloadSpec};

    fn message(spec: &WorkloadSpec) -> String {
        spec.check().expect_err("it cannot be run").to_string()
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest_and_with_all() {
        let there_are = "there are: cube, sum_primes, fibonacci, monte_carlo_pi, mandelbrot, matrix_product, sort, \
                         sha256, file_io, http_get, queue_traffic, sleep, nothing, make_bytes";
        for (name, meant) in
            [("cubes", "cube"), ("fibonaci", "fibonacci"), ("Sum-Primes", "sum_primes"), ("slepe", "sleep")]
        {
            let expected = format!("no workload is called {name:?}; did you mean {meant:?}? {there_are}");
            assert_eq!(message(&WorkloadSpec::named(name)), expected);
        }
        for name in ["", "quicksilver", "⚙"] {
            let expected = format!("no workload is called {name:?}; {there_are}");
            assert_eq!(message(&WorkloadSpec::named(name)), expected);
        }
    }

    #[test]
    fn a_parameter_of_another_workload_is_an_error() {
        let spec = WorkloadSpec { seed: Some(1), ..WorkloadSpec::named("cube") };
        assert_eq!(message(&spec), "the workload \"cube\" has no parameter \"seed\"; it has none");
        let spec = WorkloadSpec { seed: Some(1), ..WorkloadSpec::named("mandelbrot") };
        let expected = "the workload \"mandelbrot\" has no parameter \"seed\"; it has: tiles, size, iterations";
        assert_eq!(message(&spec), expected);
    }

    #[test]
    fn a_parameter_has_a_range() {
        let with_tiles = |tiles| WorkloadSpec { tiles: Some(tiles), ..WorkloadSpec::named("mandelbrot") };
        assert_eq!(with_tiles(1).check(), Ok(()));
        assert_eq!(with_tiles(64).check(), Ok(()));
        for value in [0, 65] {
            let (workload, parameter, min, max) = ("mandelbrot", "tiles", 1, 64);
            let error = WorkloadError::OutOfRange { workload, parameter, value, min, max };
            assert_eq!(with_tiles(value).check(), Err(error));
        }
        let expected =
            "the parameter \"tiles\" of the workload \"mandelbrot\" is 65, expected a whole number from 1 to 64";
        assert_eq!(message(&with_tiles(65)), expected);
    }
}
