//! Opens an output in the user's editor: writes it to a file with a telling name and hands that to `$VISUAL` or the desktop.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};
use tempfile::TempDir;

use fanlane_core::event::{Captured, StreamName, TaskId};
use fanlane_core::model::{RunModel, format};
use fanlane_core::store::presets::Slug;

use super::current::lock;
use crate::session::background::on_a_thread;
use crate::session::notices::{Notice, Topic};
use crate::session::{Session, Wake};

/// An editor that fails within this time is taken to be one that needs a terminal.
const FAILS_WITHIN: Duration = Duration::from_secs(5);

/// The programs that show a text file.
#[derive(Clone, Debug)]
pub struct EditorPrograms {
    /// `$VISUAL`: a command of the shell, which gets the file as its last argument.
    pub visual: Option<OsString>,
    /// Opens a file with the program that the desktop has for it.
    pub desktop: OsString,
}

impl EditorPrograms {
    /// Those of this user.
    pub fn of_user() -> Self {
        Self { visual: std::env::var_os("VISUAL").filter(|text| !text.is_empty()), desktop: "xdg-open".into() }
    }

    /// Shows the file; returns when that has begun or the program has ended.
    fn open(&self, file: &Path) -> Result<(), String> {
        let mut failures = Vec::new();
        if let Some(visual) = &self.visual {
            let mut script = visual.clone();
            script.push(" \"$1\"");
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(script).arg("sh").arg(file);
            match run(shell) {
                Ok(()) => return Ok(()),
                Err(why) => failures.push(format!("VISUAL ({}) {why}", visual.to_string_lossy())),
            }
        }
        let mut desktop = Command::new(&self.desktop);
        desktop.arg(file);
        match run(desktop) {
            Ok(()) => return Ok(()),
            Err(why) => failures.push(format!("{} {why}", self.desktop.to_string_lossy())),
        }
        Err(format!(
            "No editor could be started: {}. Set VISUAL to an editor with a window of its own; the output is in {}.",
            failures.join("; "),
            file.display()
        ))
    }
}

/// Runs a program to its end. One that has been open for a while was shown, whatever it says in the end.
fn run(mut program: Command) -> Result<(), String> {
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let begun = Instant::now();
    match program.status() {
        Ok(status) if status.success() || begun.elapsed() > FAILS_WITHIN => Ok(()),
        Ok(status) => Err(format!("ended with {status}")),
        Err(error) => Err(format!("cannot be started: {error}")),
    }
}

/// The outputs that were opened. Their files are removed with this.
#[derive(Default)]
pub struct OpenedOutputs {
    folder: Option<TempDir>,
    opening: Vec<Receiver<Result<(), String>>>,
}

/// One output of a run, and the file that it is written to.
struct OpenedOutput {
    model: Arc<Mutex<RunModel>>,
    task: TaskId,
    attempt: u32,
    stream: StreamName,
    file: PathBuf,
}

impl OpenedOutput {
    fn write(&self) -> Result<(), String> {
        let bytes = self.bytes().ok_or("The output is no longer there.")?;
        std::fs::write(&self.file, bytes)
            .map_err(|error| format!("The output could not be written to {}: {error}.", self.file.display()))
    }

    /// All that was kept, as it was printed.
    fn bytes(&self) -> Option<Vec<u8>> {
        let model = lock(&self.model);
        let record = model.attempts(self.task).find(|record| record.attempt == self.attempt)?;
        let output = record.output.as_deref()?;
        let Captured { head, dropped_bytes, tail, .. } = match self.stream {
            StreamName::Stdout => &output.stdout,
            StreamName::Stderr => &output.stderr,
        };
        let mut bytes = head.clone();
        if *dropped_bytes > 0 {
            bytes.extend(format!("\n… {} not kept …\n", format::bytes(*dropped_bytes)).bytes());
            bytes.extend(tail);
        }
        Some(bytes)
    }
}

impl OpenedOutputs {
    fn folder(&mut self) -> std::io::Result<PathBuf> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => tempfile::Builder::new().prefix("fanlane-outputs-").tempdir()?,
        };
        Ok(self.folder.insert(folder).path().to_owned())
    }

    /// What went wrong since the last time.
    fn poll(&mut self) -> Vec<String> {
        let mut errors = Vec::new();
        self.opening.retain(|opening| match opening.try_recv() {
            Err(TryRecvError::Empty) => true,
            Ok(Err(error)) => {
                errors.push(error);
                false
            }
            Ok(Ok(())) | Err(TryRecvError::Disconnected) => false,
        });
        errors
    }
}

impl Session {
    /// Opens a stream of an ended attempt in the user's editor.
    pub(in crate::session) fn open_output(&mut self, task: TaskId, attempt: u32, stream: StreamName) {
        let Some(run) = self.run.current() else { return };
        let name = run.history_id().map_or_else(String::new, |id| format!("run-{id}-"));
        let name = format!("{name}{}", Slug::of(run.job.display_name()));
        let again = if attempt > 1 { format!("-attempt-{attempt}") } else { String::new() };
        let file = format!("{name}-task-{}{again}-{}.txt", run.number(task), stream.name());
        let model = run.shared_model();
        let opened =
            self.opened.folder().map(|folder| OpenedOutput { model, task, attempt, stream, file: folder.join(file) });
        self.notices.succeeded(Topic::Output);
        match opened {
            Ok(opened) => {
                let programs = self.editor_programs.clone();
                let wake: &Wake = &self.wake;
                let opening = on_a_thread(wake, move || opened.write().and_then(|()| programs.open(&opened.file)));
                self.opened.opening.extend(opening);
            }
            Err(error) => {
                let text = format!("The output could not be written to the folder for temporary files: {error}.");
                self.notices.show(Notice::error(text).about(Topic::Output));
            }
        }
    }

    /// Shows what went wrong with the editors.
    pub(in crate::session) fn poll_opened(&mut self) {
        for error in self.opened.poll() {
            self.notices.show(Notice::error(error).about(Topic::Output));
        }
    }
}
