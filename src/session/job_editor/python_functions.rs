//! The functions of the Python file that the open job names, listed when they are asked for: an interpreter of the job's own
//! surroundings is never started by merely opening it.

use std::path::PathBuf;

use crossbeam_channel::Receiver;

use crate::session::Wake;
use crate::session::background::{on_a_thread, taken};
use fanlane_core::engine::python::{FunctionInfo, PythonError, list_functions};
use fanlane_core::job::PythonSpec;

/// What is known of the functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PythonFunctions {
    /// They were not asked for.
    #[default]
    Unasked,
    /// An interpreter is reading their source.
    Reading,
    /// What it found.
    Known {
        /// The interpreter, in a line.
        interpreter: String,
        /// The public functions, in the order of the source.
        functions: Vec<FunctionInfo>,
    },
    /// Why there are none.
    Unusable(String),
}

/// The list while it is read.
#[derive(Default)]
pub(super) struct FunctionList {
    pub(super) known: PythonFunctions,
    reading: Option<Receiver<PythonFunctions>>,
    /// What the list is of: file, module and interpreter.
    of: PythonSpec,
}

impl FunctionList {
    /// Begins to read the functions that `spec` may mean in this working folder.
    pub(super) fn ask(&mut self, spec: &PythonSpec, working_dir: PathBuf, wake: &Wake) {
        self.of = place(spec);
        let asked = self.of.clone();
        self.reading = on_a_thread(wake, move || read(list_functions(&asked, &working_dir)));
        self.known = match self.reading {
            Some(_) => PythonFunctions::Reading,
            None => PythonFunctions::Unusable("they cannot be read: no thread can be started".to_owned()),
        };
    }

    /// Forgets a list of another file.
    pub(super) fn keep_for(&mut self, spec: &PythonSpec) {
        if self.of != place(spec) {
            *self = Self::default();
        }
    }

    /// Takes in what was read.
    pub(super) fn poll(&mut self) {
        if let Some(read) = taken(&mut self.reading) {
            self.known = read.unwrap_or_default();
        }
    }
}

fn place(spec: &PythonSpec) -> PythonSpec {
    let PythonSpec { file, module, interpreter, .. } = spec.clone();
    PythonSpec { file, module, interpreter, ..PythonSpec::default() }
}

fn read(listed: Result<(String, Vec<FunctionInfo>), PythonError>) -> PythonFunctions {
    match listed {
        Ok((interpreter, functions)) => PythonFunctions::Known { interpreter, functions },
        Err(error) => PythonFunctions::Unusable(error.to_string()),
    }
}
