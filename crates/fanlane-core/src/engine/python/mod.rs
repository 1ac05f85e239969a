//! Python functions as tasks: which interpreter calls one, what can be known of the function before it is called, and what
//! the workers are told about it. The interpreters themselves are kept by the workers.

mod embedded;
mod interpreter;
mod question;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RunOptions;
use crate::event::InterpreterFacts;
use crate::job::python::python_text_into;
use crate::job::{Batch, Mode, PythonSpec, lossless};
use fanlane_os::machine::cores;

use interpreter::Interpreter;
pub use question::FunctionInfo;
use question::Question;

/// The program that keeps an interpreter and calls the function.
const WORKER_PROGRAM: &str = include_str!("worker.py");
/// What it has besides for calls that a script asks for.
const SCRIPT_PROGRAM: &str = include_str!("script_calls.py");
/// A link of this number does not belong to the interpreter of a lane, but tells what it prints.
const OF_TERMINAL: u32 = 1 << 31;
/// How it is begun, behind all definitions.
const BEGIN: &str = "\nmain()\n";

/// A function that cannot be called so, or an interpreter that cannot be used; in words for the author of the job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PythonError(String);

/// A function that can be called, as far as can be known before it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonCall {
    spec: PythonSpec,
    working_dir: PathBuf,
    names: Option<Vec<Option<String>>>,
    /// The interpreter.
    pub facts: InterpreterFacts,
    /// Inputs have values of JSON that the interpreter reads itself.
    has_types: bool,
    /// What it is started with.
    interpreter_args: Vec<String>,
    script: Option<ScriptLink>,
}

/// How interpreters reach the script that their calls come from, and what they get ready for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptLink {
    /// The name of its abstract socket, without the NUL byte in front.
    address: String,
    /// What they show to be let in, as hexadecimal digits.
    key: String,
    /// A JSON text for the program in the interpreter alone, but for what [`ScriptLink::shows_output`] looks at.
    prepare: String,
}

impl ScriptLink {
    /// The name of its abstract socket.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What lets the worker of a lane in, to tell what its calls print.
    pub fn greeting_of_terminal(&self, lane: u32) -> Vec<u8> {
        let digits = |place: usize| u8::from_str_radix(self.key.get(place..place + 2)?, 16).ok();
        let mut greeting: Vec<u8> = (0..self.key.len()).step_by(2).filter_map(digits).collect();
        greeting.extend_from_slice(&(lane | OF_TERMINAL).to_le_bytes());
        greeting
    }

    /// Whether the script shows what its calls print.
    fn shows_output(&self) -> bool {
        serde_json::from_str(&self.prepare).is_ok_and(|asked: serde_json::Value| asked["output"] == true)
    }
}

/// The interpreter of a script, as the script itself knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ScriptInterpreter {
    /// Its path.
    #[serde(with = "lossless::path")]
    interpreter: PathBuf,
    /// What it is started with, such as `-O`.
    interpreter_args: Vec<String>,
    /// Its version, such as `3.12.4`.
    version: String,
    /// One thread at a time runs Python code in it.
    has_gil: bool,
    /// Why it is this one, in a few words.
    origin: String,
}

impl PythonCall {
    /// The calls of a running script, in interpreters like its own.
    pub fn of_script(
        spec: &PythonSpec,
        working_dir: &Path,
        ScriptInterpreter { interpreter, interpreter_args, version, has_gil, origin }: ScriptInterpreter,
        script: ScriptLink,
    ) -> Self {
        let facts = InterpreterFacts { path: interpreter, version, has_gil, environment: String::new(), origin };
        Self {
            spec: spec.clone(),
            working_dir: working_dir.to_owned(),
            names: None,
            facts,
            has_types: false,
            interpreter_args,
            script: Some(script),
        }
    }

    /// Finds the interpreter and has it look at the function.
    ///
    /// # Errors
    /// When there is no interpreter, no file or module, no such function, or one that takes other arguments.
    pub fn prepare(spec: &PythonSpec, batch: &Batch) -> Result<Self, PythonError> {
        let working_dir = batch.working_dir().to_owned();
        let names = batch.keyword_names().map(<[_]>::to_vec);
        let interpreter = Interpreter::find(spec, &working_dir)?;
        let question = Question {
            spec,
            working_dir: &working_dir,
            count: batch.values_per_task(),
            names: names.as_deref(),
            lists_only: false,
        };
        let (facts, _) = question.ask(interpreter)?;
        Ok(Self {
            spec: spec.clone(),
            working_dir,
            names,
            facts,
            has_types: batch.has_types(),
            interpreter_args: Vec::new(),
            script: None,
        })
    }

    /// Whether its calls fetch pages from a server that the run starts.
    pub(super) fn needs_server(&self) -> bool {
        embedded::needs_server(&self.spec)
    }

    /// What the workers have to know; `server`: where calls fetch pages.
    pub(super) fn parameters(&self, options: &RunOptions, server: Option<SocketAddr>) -> PythonParameters {
        let names = self.names.as_ref().map_or(serde_json::Value::Null, |names| serde_json::json!(names));
        let setup = serde_json::json!({
            "module": self.spec.module,
            "function": self.spec.function,
            "initializer": self.spec.initializer,
            "reading": self.spec.values.name(),
            "names": names,
            "has_types": self.has_types,
            "is_shared": options.mode == Mode::Threads,
            "script": self.script,
            "server": server.map(|address| address.to_string()),
        });
        PythonParameters {
            interpreter: self.facts.path.clone(),
            arguments: self.interpreter_args.clone(),
            file: self.spec.file.as_ref().map(|file| self.working_dir.join(file)),
            setup: setup.to_string(),
            serves_script: self.script.is_some(),
            terminal: self.script.clone().filter(ScriptLink::shows_output),
            max_calls: self.spec.max_calls,
            library_threads: library_threads(cores(), options),
        }
    }
}

/// How many threads the numerical libraries of each interpreter use, so that all together use the cores once.
fn library_threads(cores: u32, options: &RunOptions) -> u32 {
    let interpreters = if options.mode == Mode::Pool { options.workers } else { 1 };
    (cores / interpreters.max(1)).max(1)
}

/// What the calls of a Python function need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonParameters {
    /// The interpreter.
    #[serde(with = "lossless::path")]
    pub interpreter: PathBuf,
    /// What it is started with, such as `-O`.
    pub arguments: Vec<String>,
    /// The absolute path of the function's file, if it is in a file.
    #[serde(with = "lossless::path_option")]
    pub file: Option<PathBuf>,
    /// What the program in the interpreter is told, without the file: a JSON object.
    pub setup: String,
    /// The calls come from a running script.
    pub serves_script: bool,
    /// The script, if it shows what its calls print.
    pub terminal: Option<ScriptLink>,
    /// Number of calls after which an interpreter is replaced.
    pub max_calls: Option<u32>,
    /// Number of threads of numerical libraries.
    pub library_threads: u32,
}

impl PythonParameters {
    /// The program for the interpreter.
    pub fn program(&self) -> String {
        let mut parts = vec![WORKER_PROGRAM];
        parts.extend(embedded::DEFINITION);
        parts.extend(self.serves_script.then_some(SCRIPT_PROGRAM));
        parts.push(BEGIN);
        parts.concat()
    }

    /// What the program in the interpreter is told.
    pub fn told(&self, progress: Option<&str>) -> Vec<u8> {
        let mut out = b"{\"file\":".to_vec();
        path_into(self.file.as_deref(), &mut out);
        out.extend_from_slice(b",\"progress\":");
        path_into(progress.map(Path::new), &mut out);
        out.push(b',');
        out.extend_from_slice(&self.setup.as_bytes()[1..]);
        out
    }
}

fn path_into(path: Option<&Path>, out: &mut Vec<u8>) {
    match path {
        Some(path) => python_text_into(path.as_os_str().as_encoded_bytes(), out),
        None => out.extend_from_slice(b"null"),
    }
}

/// The functions of the file or module that a spec names, whether or not it names one of them; before them the interpreter
/// that was asked, in one line.
///
/// # Errors
/// When there is no interpreter, or no file or module that can be read.
pub fn list_functions(spec: &PythonSpec, working_dir: &Path) -> Result<(String, Vec<FunctionInfo>), PythonError> {
    let interpreter = Interpreter::find(spec, working_dir)?;
    let question = Question { spec, working_dir, count: None, names: None, lists_only: true };
    let (facts, functions) = question.ask(interpreter)?;
    Ok((facts.words_in(Mode::Pool), functions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_of_all_interpreters_together_use_the_cores_once() {
        let threads = |mode, workers| library_threads(8, &RunOptions::new(mode, workers));
        assert_eq!((threads(Mode::Pool, 4), threads(Mode::Pool, 16), threads(Mode::Threads, 16)), (2, 1, 8));
    }

    #[test]
    fn a_path_of_any_bytes_is_told_as_python_has_it() {
        use std::os::unix::ffi::OsStringExt;
        let file = std::ffi::OsString::from_vec(b"/a\xff\".py".to_vec());
        let parameters = PythonParameters {
            interpreter: "/usr/bin/python3".into(),
            arguments: Vec::new(),
            file: Some(file.into()),
            setup: "{\"module\":null}".to_owned(),
            serves_script: false,
            terminal: None,
            max_calls: None,
            library_threads: 1,
        };
        let told = String::from_utf8(parameters.told(Some("run"))).expect("JSON is text");
        assert_eq!(told, r#"{"file":"/a\udcff\".py","progress":"run","module":null}"#);
    }
}
