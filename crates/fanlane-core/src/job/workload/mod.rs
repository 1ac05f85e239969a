//! The built-in workloads: pure functions that a worker process calls with one argument, the task's values joined by
//! a space. They make a known load, for races, for first steps with the program and for its tests.
//!
//! A call ends in a [`CallValue`] or in an `Err` text; it never ends its process, and every argument has a range, so that
//! memory is bounded. How long a call may take is not bounded here: that is the job's timeout.

mod argument;
mod cube;
mod fibonacci;
mod file_io;
mod http_get;
mod make_bytes;
mod mandelbrot;
mod matrix_product;
mod monte_carlo_pi;
mod nothing;
mod queue_traffic;
pub mod random;
pub mod server;
mod sha256;
mod sleep;
mod sort;
mod spec;
mod sum_primes;

use std::net::SocketAddr;

use crate::job::CallValue;

pub use argument::{ArgumentInfo, ArgumentKind};
pub use spec::{WorkloadError, WorkloadSpec};

/// What a call may use besides its argument.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallContext {
    /// The run's loopback server, for the workloads that [need](Workload::needs_server) one.
    pub server: Option<SocketAddr>,
}

/// A workload ready to be called: found, checked, with all its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    info: &'static WorkloadInfo,
    parameters: Parameters,
}

/// What there is to know about a workload without calling it.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadInfo {
    /// The name in job files.
    pub name: &'static str,
    /// One line: what a call does and what its value is.
    pub about: &'static str,
    /// What the argument means, its unit and its range.
    pub argument: ArgumentInfo,
    /// The parameters that this workload has.
    pub parameters: &'static [ParameterInfo],
    /// An argument to try it with; takes well below a second.
    pub example: &'static str,
    /// The value of a call with the example and the default parameters, as text.
    pub example_value: &'static str,
    /// A call needs a running [`server::LoopbackServer`] in its context.
    pub needs_server: bool,
    call: Call,
}

/// What there is to know about a parameter of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// The field in job files.
    pub name: &'static str,
    /// One line: what it changes, with its unit.
    pub about: &'static str,
    /// The smallest value allowed.
    pub min: u64,
    /// The largest value allowed.
    pub max: u64,
    /// The value where the job gives none.
    pub default: u64,
}

type Call = fn(&[u8], &Parameters, &CallContext) -> Result<CallValue, String>;

/// The parameters of a call, each in its range; 0 where the workload does not have it.
#[derive(Clone, Copy, Debug, Default)]
struct Parameters {
    seed: u64,
    iterations: u64,
    tiles: u64,
    size: u64,
}

impl Workload {
    /// All workloads, in the order in which they are listed.
    pub const ALL: &'static [WorkloadInfo] = &[
        cube::INFO,
        sum_primes::INFO,
        fibonacci::INFO,
        monte_carlo_pi::INFO,
        mandelbrot::INFO,
        matrix_product::INFO,
        sort::INFO,
        sha256::INFO,
        file_io::INFO,
        http_get::INFO,
        queue_traffic::INFO,
        sleep::INFO,
        nothing::INFO,
        make_bytes::INFO,
    ];

    /// Finds the workload that `spec` names and fills in its parameters.
    ///
    /// # Errors
    /// An unknown name, a parameter that the workload does not have, or one outside its range.
    pub fn prepare(spec: &WorkloadSpec) -> Result<Self, WorkloadError> {
        let info = spec::find(&spec.name)?;
        let mut parameters = Parameters::default();
        for known in info.parameters {
            *parameters.field_mut(known.name) = known.default;
        }
        for (name, value) in spec.given() {
            let Some(value) = value else { continue };
            let Some(known) = info.parameters.iter().find(|known| known.name == name) else {
                return Err(WorkloadError::UnknownParameter { workload: info.name, parameter: name });
            };
            if !(known.min..=known.max).contains(&value) {
                return Err(WorkloadError::OutOfRange {
                    workload: info.name,
                    parameter: name,
                    value,
                    min: known.min,
                    max: known.max,
                });
            }
            *parameters.field_mut(name) = value;
        }
        Ok(Self { info, parameters })
    }

    /// Calls the workload with the task's values joined by a space.
    ///
    /// # Errors
    /// A text for the user: what went wrong, with what, and what is expected.
    pub fn call(&self, argument: &[u8], context: &CallContext) -> Result<CallValue, String> {
        (self.info.call)(argument, &self.parameters, context)
    }

    /// Whether a call needs [`CallContext::server`].
    pub const fn needs_server(&self) -> bool {
        self.info.needs_server
    }

    /// What there is to know about it.
    pub const fn info(&self) -> &'static WorkloadInfo {
        self.info
    }
}

impl Parameters {
    fn field_mut(&mut self, name: &str) -> &mut u64 {
        match name {
            "seed" => &mut self.seed,
            "iterations" => &mut self.iterations,
            "tiles" => &mut self.tiles,
            "size" => &mut self.size,
            _ => unreachable!("every parameter of a workload is a field of the spec"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::server::LoopbackServer;
    use super::{CallContext, Workload, WorkloadInfo, WorkloadSpec};
    use crate::job::CallValue;

    /// Calls a workload with its default parameters and no server.
    pub(super) fn call_bytes(info: &WorkloadInfo, argument: &[u8]) -> Result<CallValue, String> {
        Workload::prepare(&WorkloadSpec::named(info.name)).unwrap().call(argument, &CallContext::default())
    }

    /// The value of a call that succeeds.
    #[track_caller]
    pub(super) fn call(info: &WorkloadInfo, argument: &str) -> CallValue {
        call_bytes(info, argument.as_bytes()).unwrap()
    }

    /// The error of a call that fails.
    #[track_caller]
    pub(super) fn error(info: &WorkloadInfo, argument: &str) -> String {
        call_bytes(info, argument.as_bytes()).unwrap_err()
    }

    pub(super) fn call_with(spec: &WorkloadSpec, argument: &str) -> Result<CallValue, String> {
        Workload::prepare(spec).unwrap().call(argument.as_bytes(), &CallContext::default())
    }

    fn text_of(value: CallValue) -> String {
        String::from_utf8(value.text().into_owned()).expect("text")
    }

    #[test]
    fn every_example_has_its_check_value() {
        let server = LoopbackServer::start().unwrap();
        for info in Workload::ALL {
            let workload = Workload::prepare(&WorkloadSpec::named(info.name)).unwrap();
            assert_eq!(workload.info().name, info.name);
            let context = CallContext { server: workload.needs_server().then(|| server.address()) };
            let value = workload.call(info.example.as_bytes(), &context).unwrap();
            assert_eq!(text_of(value), info.example_value, "{}", info.name);
        }
    }

    #[test]
    fn the_list_is_whole_and_every_default_in_its_range() {
        let names: Vec<_> = Workload::ALL.iter().map(|info| info.name).collect();
        let expected = [
            "cube",
            "sum_primes",
            "fibonacci",
            "monte_carlo_pi",
            "mandelbrot",
            "matrix_product",
            "sort",
            "sha256",
            "file_io",
            "http_get",
            "queue_traffic",
            "sleep",
            "nothing",
            "make_bytes",
        ];
        assert_eq!(names, expected);
        for info in Workload::ALL {
            for parameter in info.parameters {
                assert!((parameter.min..=parameter.max).contains(&parameter.default), "{}", parameter.name);
            }
        }
    }
}
