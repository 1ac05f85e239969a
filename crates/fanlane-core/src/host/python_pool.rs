//! The host process of a Python script's pool. The script starts it, with a socket as its standard input, and asks it for
//! calls while it runs: each is a task, and the rows of the batch are what a person reads of them. What the calls are made of
//! and what they return goes between script and interpreters directly. `docs/design/python-package.md` says how, and why.

mod control;
mod reports;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{PidfdFlags, getppid, pidfd_open, setsid};
use serde::Deserialize;

use super::folder::{HostFolder, runtime_folder};
use super::hosting::{self, Hosting};
use super::order::DetachedOrder;
use super::role::EXIT_REFUSED;
use crate::engine::EngineChoice;
use crate::engine::python::{PythonCall, ScriptInterpreter, ScriptLink};
use crate::job::{Batch, Input, Job, MAX_WORKERS, Mode, PythonSpec, TaskTemplate};
use crate::model::Earlier;
use crate::store::history;
use fanlane_mp::Function;
use fanlane_os::descriptors;

use control::{Control, Feeding};
use reports::Reports;

/// The name of this role.
const PYTHON_POOL_ROLE: &str = "python-pool";

/// What a script says of its pool, first of all.
#[derive(Debug, Deserialize)]
struct PoolSetup {
    /// The pool's name; `None`: that of the script.
    name: Option<String>,
    /// The script, as it is shown.
    script: String,
    workers: u32,
    mode: Mode,
    max_calls: Option<u32>,
    timeout_s: Option<f64>,
    retries: u32,
    /// Whether the history records the run.
    history: bool,
    #[serde(flatten)]
    interpreter: ScriptInterpreter,
    #[serde(flatten)]
    link: ScriptLink,
}

/// The role of the host of a Python script's pool, for [`mp::init`](fanlane_mp::init).
pub fn python_pool_role() -> Function {
    Function::service(PYTHON_POOL_ROLE, serve)
}

fn serve(control: UnixStream) -> i32 {
    let _ = setsid();
    descriptors::close_inherited(&control);
    let script = getppid().and_then(|parent| pidfd_open(parent, PidfdFlags::empty()).ok());
    let mut control = Control::new(control, script);
    match begin(&mut control) {
        Ok((hosting, feeding)) => {
            hosting.run_to_end(&mut Reports::new(control, feeding));
            0
        }
        Err(words) => {
            // The script may have ended, and then needs no answer.
            let _ = control.send(b'F', words.as_bytes());
            EXIT_REFUSED
        }
    }
}

fn begin(control: &mut Control) -> Result<(Hosting, Feeding), String> {
    let setup = control.setup()?;
    let setup: PoolSetup =
        serde_json::from_slice(&setup).map_err(|error| format!("the package sends no setup of a pool: {error}"))?;
    let folder = std::env::current_dir().map_err(|error| format!("the current folder cannot be used: {error}"))?;
    let PoolSetup { name, script, workers, mode, max_calls, timeout_s, retries, history, interpreter, link } = setup;
    if !(1..=MAX_WORKERS).contains(&workers) {
        return Err(format!("a pool has 1 to {MAX_WORKERS} workers, not {workers}"));
    }
    let spec = PythonSpec { script: Some(script), max_calls, ..PythonSpec::default() };
    let job = Job {
        name: name.unwrap_or_default(),
        task: TaskTemplate::Python(spec.clone()),
        inputs: vec![Input::Stdin],
        mode,
        workers: Some(workers),
        timeout_secs: timeout_s,
        retries,
        ..Job::default()
    };
    if let Some(problem) = job.check().first() {
        return Err(problem.to_string());
    }
    let (batch, feed) = Batch::without_rows(&job, folder.clone()).map_err(|error| error.to_string())?;
    let python = PythonCall::of_script(&spec, batch.working_dir(), interpreter, link);
    let order = DetachedOrder {
        batch: Arc::new(batch),
        folder,
        engine: EngineChoice::Local,
        mode,
        workers,
        history: history_folder(history),
        continues: None,
        earlier: Earlier::default(),
        breakpoints: Vec::new(),
        window: false,
        stops_with_starter: true,
    };
    let runtime = runtime_folder(None).map_err(|error| error.to_string())?;
    let (host_folder, log) = HostFolder::make(&runtime).map_err(|error| error.to_string())?;
    // Its lock says that the run lives, for as long as a process of it has it open.
    rustix::stdio::dup2_stderr(&log).map_err(|error| format!("the log of the run cannot be used: {error}"))?;
    drop(log);
    let begun = hosting::begin(order, None, host_folder.clone(), Some(python));
    match begun {
        Ok(hosting) => Ok((hosting, Feeding::new(feed))),
        Err(refusal) => {
            host_folder.remove();
            Err(refusal.words)
        }
    }
}

/// The folder of the history; `None`: the run is not recorded, by wish or because there is no place for it.
fn history_folder(is_wanted: bool) -> Option<PathBuf> {
    if is_wanted && !history::is_switched_off() { history::default_folder().ok() } else { None }
}
