//! The Python function of a batch, looked at before anything is recorded or run.

use anyhow::Result;

use fanlane_core::engine::python::PythonCall;
use fanlane_core::job::{Batch, TaskTemplate};

/// Has an interpreter look at the Python function of the batch, if it calls one.
///
/// # Errors
/// When it cannot be called so, as far as can be known.
pub fn find(batch: &Batch) -> Result<Option<PythonCall>> {
    match &batch.job().task {
        TaskTemplate::Python(spec) => Ok(Some(PythonCall::prepare(spec, batch)?)),
        TaskTemplate::Command(_) | TaskTemplate::Workload(_) => Ok(None),
    }
}
