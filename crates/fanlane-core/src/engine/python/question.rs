//! What an interpreter says of itself and of a function, without running the function's module.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::interpreter::Interpreter;
use super::{PythonError, embedded, path_into};
use crate::event::InterpreterFacts;
use crate::job::PythonSpec;
use fanlane_os::question::{Answer, ask};

/// The program that looks at the function.
const CHECK_PROGRAM: &str = include_str!("check.py");
/// How long an interpreter may take to start, to import the parent packages of a module, and to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A function as its source describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FunctionInfo {
    /// Its name.
    pub name: String,
    /// Its name with its arguments: `cube(n, *, size=3)`.
    pub signature: String,
    /// The first line of its documentation; may be empty.
    pub doc: String,
}

/// What an interpreter answers.
#[derive(Deserialize)]
struct Said {
    version: String,
    /// Its own path, where it was found by a program that starts it; empty where that is no text.
    executable: PathBuf,
    has_gil: bool,
    environment: String,
    functions: Vec<FunctionInfo>,
    error: Option<String>,
}

/// What is asked of the interpreter.
pub(super) struct Question<'a> {
    pub spec: &'a PythonSpec,
    pub working_dir: &'a Path,
    /// Number of values of a call; `None`: it differs.
    pub count: Option<usize>,
    pub names: Option<&'a [Option<String>]>,
    /// Only the functions are listed.
    pub lists_only: bool,
}

impl Question<'_> {
    /// The interpreter, and the public functions of the file or module in the order of its source.
    pub fn ask(&self, interpreter: Interpreter) -> Result<(InterpreterFacts, Vec<FunctionInfo>), PythonError> {
        self.ask_within(interpreter, ANSWER_TIMEOUT)
    }

    fn ask_within(
        &self,
        Interpreter { path, origin }: Interpreter,
        timeout: Duration,
    ) -> Result<(InterpreterFacts, Vec<FunctionInfo>), PythonError> {
        let unusable = |reason: &str| {
            let advice = "name a Python of 3.9 or newer with --interpreter";
            PythonError(format!("{} ({origin}) cannot be used: {reason}; {advice}", path.display()))
        };
        let mut command = Command::new(&path);
        command.args(["-c", CHECK_PROGRAM]).current_dir(self.working_dir);
        let Answer { status, stdout, stderr } =
            ask(&mut command, &self.text(), timeout).map_err(|error| unusable(&error.to_string()))?;
        if status.is_none() {
            return Err(self.late(&path, timeout));
        }
        let Ok(said) = serde_json::from_slice::<Said>(&stdout) else {
            let words = String::from_utf8_lossy(&stderr);
            let last = words.lines().rev().find(|line| !line.trim().is_empty());
            return Err(unusable(last.unwrap_or("it does not answer as a Python does").trim()));
        };
        let Said { version, executable, has_gil, environment, functions, error } = said;
        if let Some(error) = error {
            return Err(PythonError(error));
        }
        let path = if executable.is_absolute() { executable } else { path };
        Ok((InterpreterFacts { path, version, has_gil, environment, origin }, functions))
    }

    /// Why nothing was answered in time.
    fn late(&self, path: &Path, timeout: Duration) -> PythonError {
        let (path, secs) = (path.display(), timeout.as_secs_f64());
        let parent = self.spec.module.as_deref().and_then(|module| module.rsplit_once('.')).map(|(parent, _)| parent);
        PythonError(match parent {
            Some(parent) => format!(
                "{path} has not found the module {} within {secs} s: importing the package {parent} takes that long; see what \
                 it does when it is imported, or name the file of the function in place of its module",
                self.spec.module.as_deref().unwrap_or_default()
            ),
            None => format!(
                "{path} has not answered within {secs} s; see what it does when it starts (sitecustomize, .pth files), whether \
                 its disk answers, or name another with --interpreter"
            ),
        })
    }

    fn text(&self) -> Vec<u8> {
        let mut out = b"{\"file\":".to_vec();
        path_into(self.spec.file.as_ref().map(|file| self.working_dir.join(file)).as_deref(), &mut out);
        let function = if self.lists_only { "" } else { &self.spec.function };
        let initializer = if self.lists_only { None } else { self.spec.initializer.as_ref() };
        let rest = serde_json::json!({
            "module": self.spec.module,
            "source": self.spec.module.as_deref().and_then(embedded::source),
            "function": function,
            "initializer": initializer,
            "count": self.count,
            "names": self.names,
        });
        out.push(b',');
        out.extend_from_slice(&rest.to_string().as_bytes()[1..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder in which the package `hangs` never is imported, and the interpreter of `.venv` never starts.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--without-pip", ".venv"]).current_dir(folder.path());
        assert!(venv.status().expect("python3 is there").success());
        let libraries = fs::read_dir(folder.path().join(".venv/lib")).expect("it was made");
        let site = libraries.map(|version| version.expect("readable").path().join("site-packages"));
        for package in site.chain([folder.path().to_owned()]) {
            fs::write(package.join("sitecustomize.py"), "import time\ntime.sleep(600)\n").expect("written");
        }
        fs::create_dir(folder.path().join("hangs")).expect("made");
        fs::write(folder.path().join("hangs/__init__.py"), "import sitecustomize\n").expect("written");
        fs::write(folder.path().join("hangs/mod.py"), "def f(x): pass\n").expect("written");
        folder
    }

    /// The functions that are told within so many milliseconds.
    fn asked(folder: &Path, interpreter: &str, place: &str, timeout_ms: u64) -> Result<Vec<String>, String> {
        let spec: PythonSpec = place.parse().expect("a place");
        let spec = PythonSpec { interpreter: Some(interpreter.to_owned()), ..spec };
        let found = Interpreter::find(&spec, folder).map_err(|error| error.to_string())?;
        let question = Question { spec: &spec, working_dir: folder, count: Some(1), names: None, lists_only: false };
        let told = question.ask_within(found, Duration::from_millis(timeout_ms)).map_err(|error| error.to_string())?;
        Ok(told.1.into_iter().map(|function| function.signature).collect())
    }

    #[test]
    fn an_interpreter_that_does_not_answer_is_not_waited_for_and_the_reason_is_told() {
        let folder = folder();
        let told = asked(folder.path(), "python3", "hangs.mod:f", 1000).expect_err("it hangs");
        assert!(
            told.contains("the module hangs.mod within 1 s: importing the package hangs takes that long"),
            "{told}"
        );
        let told = asked(folder.path(), ".venv/bin/python", "hangs/mod.py:f", 200).expect_err("it never starts");
        assert!(told.contains("has not answered within 0.2 s") && told.contains("--interpreter"), "{told}");
        assert_eq!(asked(folder.path(), "python3", "hangs/mod.py:f", 60_000), Ok(vec!["f(x)".to_owned()]));
    }

    #[test]
    fn functions_that_lie_in_the_program_need_no_file() {
        let names = asked(Path::new("/"), "python3", "fanlane.pep371:http_get", 60_000).expect("they are there");
        let expected = [
            "nothing(number)",
            "fibonacci(index)",
            "sum_primes(bound)",
            "file_io(rounds)",
            "http_get(pages)",
            "queue_traffic(items)",
        ];
        assert_eq!(names, expected);
        let told = asked(Path::new("/"), "python3", "fanlane.pep371:primes", 60_000).expect_err("there is none");
        assert!(told.contains("the module fanlane.pep371 has no function primes; did you mean"), "{told}");
    }
}
