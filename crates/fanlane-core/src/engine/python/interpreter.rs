//! Which Python interpreter a job uses: the one that it names, or the one that its author would expect.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::PythonError;
use crate::job::PythonSpec;
use fanlane_os::search_path::{find_program_in, is_program};

/// A Python interpreter, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its path.
    pub path: PathBuf,
    /// Where it was named or found, in a few words.
    pub origin: String,
}

impl Interpreter {
    /// The interpreter that the job names; else that of the active virtual environment, of the active conda environment, of a
    /// folder `.venv` beside the function's file or above it, or the first `python3` on `PATH`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(spec: &PythonSpec, working_dir: &Path) -> Result<Self, PythonError> {
        find_in(spec, working_dir, &|name| env::var_os(name).filter(|value| !value.is_empty()))
    }
}

fn find_in(
    spec: &PythonSpec,
    working_dir: &Path,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Interpreter, PythonError> {
    let found = |name: &str| find_program_in(OsStr::new(name), &variable("PATH").unwrap_or_default(), working_dir);
    if let Some(name) = &spec.interpreter {
        return match found(name) {
            Some(path) => Ok(Interpreter { path, origin: "named by the job".to_owned() }),
            None => Err(PythonError(format!(
                "there is no interpreter {name}; check its path, or leave it out for the one that is found"
            ))),
        };
    }
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(folder) = variable(name).map(PathBuf::from) {
            let path = folder.join("bin/python");
            if is_program(&path) {
                return Ok(Interpreter { path, origin: format!("active by {name}") });
            }
        }
    }
    let project = variable("UV_PROJECT_ENVIRONMENT").map_or_else(|| ".venv".into(), PathBuf::from);
    let file = spec.file.as_ref().map(|file| working_dir.join(file));
    let start = file.as_deref().and_then(Path::parent).unwrap_or(working_dir);
    for folder in start.ancestors() {
        let environment = folder.join(&project);
        let path = environment.join("bin/python");
        if is_program(&path) {
            return Ok(Interpreter { path, origin: format!("of {}", environment.display()) });
        }
    }
    ["python3", "python"]
        .into_iter()
        .find_map(found)
        .map(|path| Interpreter { path, origin: "on PATH".to_owned() })
        .ok_or_else(|| {
            PythonError(
                "there is no Python interpreter: no environment is active, no folder .venv is beside the function or above it, \
                 and PATH has no python3; install Python 3.9 or newer, or name one with --interpreter"
                    .to_owned(),
            )
        })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_interpreter_is_the_one_that_is_expected() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in [
            "named/python",
            "active/bin/python",
            "conda/bin/python",
            "project/.venv/bin/python",
            "uv/bin/python",
            "usr/python3",
        ] {
            fs::create_dir_all(at(path).parent().expect("a folder")).expect("made");
            fs::write(at(path), "").expect("written");
            fs::set_permissions(at(path), fs::Permissions::from_mode(0o755)).expect("set");
        }
        fs::create_dir_all(at("project/src")).expect("made");
        let found = |interpreter: Option<&str>, file: &str, variables: &[(&str, &str)]| {
            let spec = PythonSpec {
                file: Some(file.to_owned()),
                interpreter: interpreter.map(str::to_owned),
                ..PythonSpec::default()
            };
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, path)| at(path).into_os_string())
            };
            find_in(&spec, folder.path(), &variable).map(|found| {
                found.path.strip_prefix(folder.path()).expect("below it").to_str().expect("text").to_owned()
            })
        };
        let all = [("VIRTUAL_ENV", "active"), ("CONDA_PREFIX", "conda"), ("PATH", "usr")];
        assert_eq!(found(Some("named/python"), "project/src/a.py", &all).as_deref(), Ok("named/python"));
        assert_eq!(found(Some("python3"), "a.py", &all).as_deref(), Ok("usr/python3"));
        assert_eq!(found(None, "project/src/a.py", &all).as_deref(), Ok("active/bin/python"));
        assert_eq!(found(None, "project/src/a.py", &all[1..]).as_deref(), Ok("conda/bin/python"));
        assert_eq!(found(None, "project/src/a.py", &all[2..]).as_deref(), Ok("project/.venv/bin/python"));
        let uv = [("UV_PROJECT_ENVIRONMENT", "uv"), ("PATH", "usr")];
        assert_eq!(found(None, "project/src/a.py", &uv).as_deref(), Ok("uv/bin/python"));
        assert_eq!(found(None, "a.py", &all[2..]).as_deref(), Ok("usr/python3"));
        assert!(found(Some("named/pypy"), "a.py", &all).is_err_and(|error| error.to_string().contains("named/pypy")));
        assert!(found(None, "a.py", &[]).is_err_and(|error| error.to_string().contains("--interpreter")));
    }
}
