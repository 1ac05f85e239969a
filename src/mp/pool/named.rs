//! Calls of functions by their names, with plain values: for those who have the name alone, such as the clients of a
//! manager's pool.

use crate::mp::entry;
use crate::mp::error::TaskError;
use crate::mp::function::Function;
use crate::mp::manager::Datum;

/// Where these functions are, which nobody means by a name.
pub(crate) const MODULE: &str = module_path!();

/// Calls the function of that name with these arguments, in a worker.
pub(crate) fn call_named(name: String, arguments: Vec<Datum>) -> Result<Datum, String> {
    entry::function_called(&name)?.run_plain(arguments).map_err(|error| match error {
        TaskError::Value(reason) => format!("{name}: {reason}"),
        other => other.to_string(),
    })
}

/// The same as an initializer, whose result nobody wants.
pub(crate) fn begin_named(name: String, arguments: Vec<Datum>) -> Result<(), String> {
    call_named(name, arguments).map(drop)
}

/// What every program knows.
pub(crate) fn functions() -> [Function; 2] {
    [crate::mp::function!(call_named), crate::mp::function!(begin_named)]
}
