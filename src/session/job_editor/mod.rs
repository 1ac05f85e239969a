//! The open job while it is edited: the typed text, where it came from, and the preview of its tasks.

mod draft;
mod expand;
mod input_draft;
mod preview;
mod python_functions;
mod undo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::presets::PresetId;
use super::{Machine, Wake};
use fanlane_core::job::{Job, Mode, TaskKind, field};

use python_functions::FunctionList;

pub use draft::{DependenciesDraft, EnvironmentDraft, FieldError, JobDraft, OrderDraft, ParameterDraft};
pub use expand::{Beside, Expanded, expand, task_inputs, task_text};
pub use input_draft::{ColumnsDraft, InputDraft, InputKind};
pub use preview::Preview;
pub use python_functions::PythonFunctions;

/// The name of a job that has none, nor a command.
const UNTITLED: &str = "Untitled";

/// Where the open job came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A preset.
    Preset(PresetId),
    /// A job file.
    File(PathBuf),
}

/// The open job.
pub struct JobEditor {
    draft: JobDraft,
    /// Counts the changes of `draft`, so that a copy of it can be told to be outdated.
    revision: u64,
    opened: JobDraft,
    /// Counts the jobs that were opened.
    opening: u64,
    origin: Option<Origin>,
    folder: PathBuf,
    launch_folder: PathBuf,
    preview: Preview,
    functions: FunctionList,
    changes: undo::Changes,
    machine: Machine,
    wake: Wake,
}

impl JobEditor {
    /// No job yet. Relative paths of presets start in `folder`; an order by duration is read from `history`.
    pub(super) fn new(folder: PathBuf, history: Option<PathBuf>, machine: Machine, wake: Wake) -> Self {
        Self {
            draft: JobDraft::default(),
            revision: 0,
            opened: JobDraft::default(),
            opening: 0,
            origin: None,
            folder: folder.clone(),
            launch_folder: folder,
            preview: Preview::new(history),
            functions: FunctionList::default(),
            changes: undo::Changes::default(),
            machine,
            wake,
        }
    }

    /// The open job as it is typed.
    pub const fn draft(&self) -> &JobDraft {
        &self.draft
    }

    /// Differs from its value before each change of the draft.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What the open job expands to, and what is wrong with it.
    pub const fn preview(&self) -> &Preview {
        &self.preview
    }

    /// The functions of the Python file that the open job names.
    pub const fn python_functions(&self) -> &PythonFunctions {
        &self.functions.known
    }

    /// Begins to list these.
    pub(super) fn list_functions(&mut self) {
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let working_dir = folder.join(self.draft.text(&field::WORKING_DIR));
        self.functions.ask(&self.draft.python, working_dir, &self.wake);
    }

    /// Where the open job came from.
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The saved preset that the open job came from: the one that [`PresetCommand::Save`](super::PresetCommand::Save)
    /// overwrites.
    pub const fn saved_origin(&self) -> Option<&PresetId> {
        match &self.origin {
            Some(Origin::Preset(id @ PresetId::Saved(_))) => Some(id),
            _ => None,
        }
    }

    /// The name of the next run, empty for its command line: an edited example no longer goes by the example's name.
    pub fn run_name(&self) -> String {
        let is_example = matches!(self.origin, Some(Origin::Preset(PresetId::BuiltIn(_))));
        let (draft, opened) = (&self.draft, &self.opened);
        if !is_example || draft.name != opened.name || !self.has_unsaved_work() {
            return draft.name.clone();
        }
        let task = |draft: &JobDraft| (draft.kind, draft.command.clone(), draft.workload.clone(), draft.python.clone());
        if task(draft) == task(opened) { format!("{} (edited)", draft.name) } else { String::new() }
    }

    /// The name that the open job is shown under: that of its next run, or its command line.
    pub fn shown_name(&self) -> String {
        let name = self.run_name();
        if !name.is_empty() {
            return name;
        }
        let command = match self.draft.kind {
            TaskKind::Command => self.draft.command.trim(),
            TaskKind::Workload => &self.draft.workload.name,
            TaskKind::Python => &self.draft.python.function,
        };
        if command.is_empty() { UNTITLED.to_owned() } else { command.lines().next().unwrap_or_default().to_owned() }
    }

    /// The open job differs from what it was opened or saved as.
    pub fn is_edited(&self) -> bool {
        self.draft != self.opened
    }

    /// It differs in more than the mode, the number of workers and the values of its parameters, which are tried out rather
    /// than written.
    pub fn has_unsaved_work(&self) -> bool {
        let mut draft = self.draft.clone();
        (draft.mode, draft.workers) = (self.opened.mode, self.opened.workers);
        draft.values.clone_from(&self.opened.values);
        draft != self.opened
    }

    /// The number of jobs opened so far, which tells whether another was opened since.
    pub const fn opening(&self) -> u64 {
        self.opening
    }

    /// Where relative paths of the open job start.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The pool's size for the next run.
    pub fn workers(&self) -> u32 {
        let wanted = self.draft.workers.unwrap_or(self.machine.logical_cores);
        if self.mode() == Mode::One { 1 } else { wanted }
    }

    /// How the next run is run.
    pub const fn mode(&self) -> Mode {
        self.draft.mode
    }

    /// Opens an empty job; what was kept for an undo stays.
    pub(super) fn open_new(&mut self) {
        self.folder.clone_from(&self.launch_folder);
        self.origin = None;
        self.opened = JobDraft::default();
        self.opening += 1;
        self.changes.begin_job();
        self.edit(JobDraft::default());
    }

    /// Opens a job that no file has, as an edit of an empty one. It can be undone.
    pub(super) fn import(&mut self, job: &Job) {
        self.keep_for_undo();
        self.open_new();
        self.edit(JobDraft::from_job(job));
    }

    /// An example is open, and nothing of it was changed.
    pub(super) fn is_untouched_example(&self) -> bool {
        matches!(self.origin, Some(Origin::Preset(PresetId::BuiltIn(_)))) && !self.has_unsaved_work()
    }

    /// Opens a job in place of the one that is open.
    pub(super) fn open(&mut self, job: &Job, origin: Origin) {
        match &origin {
            Origin::Preset(_) => self.folder.clone_from(&self.launch_folder),
            Origin::File(file) => {
                if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    folder.clone_into(&mut self.folder);
                }
            }
        }
        self.origin = Some(origin);
        self.opened = JobDraft::from_job(job);
        self.opening += 1;
        self.changes.begin_job();
        self.edit(self.opened.clone());
    }

    /// Chooses values that were chosen when the job was open before, where its parameters still take them.
    pub(super) fn recall(&mut self, values: &BTreeMap<String, String>) {
        let Ok(job) = self.draft.to_job() else { return };
        let known = job.parameters.iter().filter_map(|parameter| {
            let value = values.get(&parameter.name)?;
            parameter.check(value).is_ok().then(|| (parameter.name.clone(), value.clone()))
        });
        let mut draft = self.draft.clone();
        draft.values.extend(known);
        self.opened.values.clone_from(&draft.values);
        self.edit(draft);
    }

    /// Replaces the draft; the preview is made again.
    pub(super) fn edit(&mut self, draft: JobDraft) {
        self.functions.keep_for(&draft.python);
        self.draft = draft;
        self.revision += 1;
        self.refresh();
    }

    /// Reads the inputs again: files may have changed.
    pub(super) fn refresh(&mut self) {
        let name = self.run_name();
        self.preview.refresh(&self.draft, name, &self.folder, self.machine, &self.wake);
    }

    /// Takes in what threads brought; true when the expansion is known anew.
    pub(super) fn poll(&mut self) -> bool {
        self.functions.poll();
        self.preview.poll(&self.folder, &self.wake)
    }

    /// The open job as it is saved as a preset. A job from a file looks its relative paths up beside that file, and a new one
    /// where the program was started; as a preset it must say so.
    pub(super) fn to_preset(&self) -> Result<Job, Vec<FieldError>> {
        let job = self.draft.to_job()?;
        // A preset has the defaults; what was chosen is remembered apart.
        let job = Job { values: BTreeMap::new(), ..job };
        // After a save an undo leads back to the job of a file, whose folder is still that of the file.
        let is_elsewhere = matches!(self.origin, Some(Origin::File(_))) || self.folder != self.launch_folder;
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        Ok(if is_elsewhere || job.has_relative_inputs() { job.anchored(&folder) } else { job })
    }

    /// The open job was saved as preset `id`, which holds `job` now.
    pub(super) fn saved(&mut self, id: PresetId, job: Option<&Job>) {
        let was = self.draft.name.clone();
        if let Some(job) = job {
            let mut draft = JobDraft::from_job(job);
            draft.values = std::mem::take(&mut self.draft.values);
            self.edit(draft);
        }
        self.opened = self.draft.clone();
        self.origin = Some(Origin::Preset(id));
        self.note_origin(&was);
    }

    /// The preset that the open job came from was renamed, or moved.
    pub(super) fn preset_renamed(&mut self, id: PresetId, name: String) {
        let was = std::mem::replace(&mut self.draft.name, name.clone());
        self.revision += 1;
        self.opened.name = name;
        self.origin = Some(Origin::Preset(id));
        self.note_origin(&was);
    }

    /// The preset that the open job came from is gone (`None`), or back. The job stays open.
    pub(super) fn set_preset(&mut self, id: Option<PresetId>) {
        self.origin = id.map(Origin::Preset);
    }
}
