//! The app without pixels: what a person can ask for ([`Command`]), and the state that the window draws.
//!
//! `handle` takes what is asked, `poll` takes what threads brought; neither waits. Nothing here knows a window.

mod command;
mod current_run;
mod draft;
mod expand;
mod hosted;
mod input_draft;
mod machine;
mod notice;
mod options;
mod past_run;
mod presets;
mod preview;
pub mod race;
mod racing;
mod row_order;
mod running;
mod runs;
mod saving;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::{Engine, Sweep};
use crate::event::TaskId;
use crate::job::{Job, Mode};
use crate::model::RunModel;
use hosted::Background;

pub use command::{Action, Command, Key, Page, Shortcut};
pub use current_run::{CurrentRun, Wake};
pub use draft::{
    CommandEnvironmentDraft, Field, FieldError, JobDraft, LimitsDraft, OrderDraft, SharedDraft, SteeringDraft,
};
pub use expand::{Beside, Expanded, expand, task_text};
pub use input_draft::{ColumnsDraft, InputDraft, InputKind};
pub use machine::Machine;
pub use notice::{Notice, Severity};
pub use options::SessionOptions;
pub use past_run::PastRun;
pub use presets::{Preset, PresetId, PresetList, SAVED_GROUP};
pub use preview::Preview;
pub use racing::RaceDesk;
pub use row_order::{RowOrder, RowQuery, SortKey};
pub use runs::{PastRunUse, RunList};

/// Where the open job came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A preset.
    Preset(PresetId),
    /// A job file.
    File(PathBuf),
}

/// The app without pixels.
pub struct Session {
    /// The presets.
    pub presets: PresetList,
    /// The open job as it is edited. Whoever changes it calls [`Session::draft_changed`].
    pub draft: JobDraft,
    /// The page that is shown.
    pub page: Page,
    /// Which results are shown, in which order. Taken in by the next [`Session::poll`].
    pub query: RowQuery,
    /// The machine that runs go on.
    pub machine: Machine,
    /// What the page Race shows and remembers.
    pub race: RaceDesk,
    opened: JobDraft,
    origin: Option<Origin>,
    folder: PathBuf,
    launch_folder: PathBuf,
    preview: Preview,
    run: Option<CurrentRun>,
    serials: u64,
    runs: RunList,
    background: Background,
    run_wanted: bool,
    selected: Option<TaskId>,
    rows: RowOrder,
    notices: Vec<Notice>,
    engine: Arc<dyn Engine>,
    wake: Wake,
    sweep: Option<Sweep>,
}

impl Session {
    /// A session that opens on the job file of the options, or on the first built-in example.
    pub fn new(options: SessionOptions, wake: Wake) -> Self {
        let (presets, read) = PresetList::new(options.presets);
        let sweep = options.sweeps.then(|| {
            let wake = Arc::clone(&wake);
            Sweep::begin(move || wake())
        });
        let mut session = Self {
            presets,
            draft: JobDraft::default(),
            page: Page::Job,
            query: RowQuery::default(),
            machine: options.machine,
            race: RaceDesk::new(options.machine.logical_cores, options.races),
            opened: JobDraft::default(),
            origin: None,
            folder: options.folder.clone(),
            launch_folder: options.folder,
            preview: Preview::new(options.history.clone()),
            run: None,
            serials: 0,
            runs: RunList::new(options.history),
            background: Background::new(options.hosts, options.job.is_none()),
            run_wanted: false,
            selected: None,
            rows: RowOrder::default(),
            notices: Vec::new(),
            engine: options.engine,
            wake,
            sweep,
        };
        if let Err(error) = read {
            session.tell(Notice::error(format!("The saved presets cannot be read: {error}")));
        }
        if let Some(first) = session.presets.built_in().first().map(|preset| preset.id.clone()) {
            session.handle(Command::SelectPreset(first));
        }
        if let Some(file) = options.job {
            session.handle(Command::OpenJob(file));
        }
        session.look_for_hosts();
        session
    }

    /// Shows a run of which everything is known already, as if it had been run from `job`.
    pub fn show_recorded(&mut self, job: Job, model: RunModel) -> Result<(), FieldError> {
        let expanded = expand(&job, &self.folder, None)?;
        let serial = self.next_serial();
        self.show_run(CurrentRun::recorded(serial, job, Arc::clone(&expanded.batch), model));
        Ok(())
    }

    /// Does what is asked.
    pub fn handle(&mut self, command: Command) {
        match command {
            Command::Run => self.run(),
            Command::Pause => self.command_run(crate::engine::RunCommand::Pause),
            Command::Resume => self.command_run(crate::engine::RunCommand::Resume),
            Command::Stop => self.command_run(crate::engine::RunCommand::Stop),
            Command::StopNow => self.command_run(crate::engine::RunCommand::StopNow),
            Command::CancelTask(task) => self.command_run(crate::engine::RunCommand::Cancel(task)),
            Command::SetWorkers(workers) => self.set_workers(workers),
            Command::SetMode(mode) => self.set_mode(mode),
            Command::Show(page) => {
                self.page = page;
                if page == Page::Runs {
                    self.refresh_runs();
                }
            }
            Command::SelectRun(id) => self.select_run(id),
            Command::OpenRun(id, then) => self.open_run(id, then),
            Command::WatchRun(id) => self.watch_run(id),
            Command::EndWithWindow(wanted) => self.end_with_window(wanted),
            Command::RemoveRun(id) => self.remove_run(id),
            Command::OpenJob(file) => self.open_file(&file),
            Command::SelectPreset(id) => self.select_preset(id),
            Command::SavePreset => self.save_preset(),
            Command::SavePresetAs(name) => self.save_preset_as(&name),
            Command::RenamePreset(id, name) => self.rename_preset(&id, &name),
            Command::DuplicatePreset(id) => self.duplicate_preset(&id),
            Command::DeletePreset(id) => self.delete_preset(&id),
            Command::UndoDelete => self.undo_delete(),
            Command::StartRace => self.start_race(),
            Command::StartPep371 => self.start_pep371(),
            Command::StopRace => self.stop_race(),
            Command::SaveRace => self.save_race(),
            Command::OpenRace(file) => self.open_race(file),
            Command::RemoveRace(file) => self.remove_race(&file),
            Command::LayBeside(file) => self.lay_beside(file),
            Command::SelectTask(task) => self.selected = task,
            Command::RerunTask(task) => self.rerun(&[task]),
            Command::RerunFailed => self.rerun(&self.failed_tasks()),
            Command::DismissNotice(place) => {
                if place < self.notices.len() {
                    self.notices.remove(place);
                }
            }
        }
    }

    /// Takes in what threads brought. Called before each frame; never waits.
    pub fn poll(&mut self) {
        if self.preview.poll(&self.folder, &self.wake) && std::mem::take(&mut self.run_wanted) {
            self.start_previewed();
        }
        self.refresh_forecast();
        self.poll_runs();
        self.poll_hosts();
        if let Some(ended) = self.sweep.take_if(|sweep| sweep.is_over()).and_then(Sweep::finish) {
            self.tell(Notice::info(format!("{ended}.")));
        }
        if let Some(run) = &self.run {
            self.rows.update(&self.query, &run.shared_model(), &run.batch, &self.wake);
        }
    }

    /// Shows a message. It takes the place of the news before it; errors and what can be undone stay.
    fn tell(&mut self, notice: Notice) {
        let undoable = notice.undo_delete.is_some();
        self.notices.retain(|before| match before.severity {
            Severity::Error => before.text != notice.text,
            Severity::Info => before.undo_delete.is_some() && !undoable,
        });
        self.notices.push(notice);
    }

    /// What runs that were killed have left is still being looked for.
    pub const fn is_sweeping(&self) -> bool {
        self.sweep.is_some()
    }

    /// The open job was edited: it is checked and expanded anew.
    pub fn draft_changed(&mut self) {
        self.run_wanted = false;
        self.notices.retain(|notice| !notice.about_job);
        self.preview.refresh(&self.draft, &self.folder, self.machine, &self.wake);
    }

    /// What the open job expands to, and what is wrong with it.
    pub const fn preview(&self) -> &Preview {
        &self.preview
    }

    /// Where the open job came from.
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The open job differs from what it was opened or saved as.
    pub fn is_edited(&self) -> bool {
        self.draft != self.opened
    }

    /// Where relative paths of the open job start.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run that is shown.
    pub const fn run_shown(&self) -> Option<&CurrentRun> {
        self.run.as_ref()
    }

    /// The results to show.
    pub const fn rows(&self) -> &RowOrder {
        &self.rows
    }

    /// The tasks of the shown run that are being done and match what the table is filtered by, by their numbers: they
    /// stand above [`Session::rows`].
    pub fn running_rows(&self) -> Vec<TaskId> {
        self.run_shown().map_or_else(Vec::new, |run| row_order::running(&self.query, &run.model(), &run.batch))
    }

    /// The task whose details are shown.
    pub const fn selected(&self) -> Option<TaskId> {
        self.selected
    }

    /// What there is to tell.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The pool's size that the next run starts with, or that the run under way has.
    pub fn workers(&self) -> u32 {
        let wanted = self.draft.workers.unwrap_or(self.machine.logical_cores);
        if self.mode() == Mode::One { 1 } else { wanted }
    }

    /// How the next run is run, or how the run under way is.
    pub const fn mode(&self) -> Mode {
        self.draft.mode
    }

    /// Ends what goes on in this process and waits until nothing of it is left; a run in a process of its own goes on.
    pub fn shutdown(&mut self) {
        self.run_wanted = false;
        if let Some(run) = &mut self.run {
            run.end();
        }
        if let Some(race) = &mut self.race.shown {
            race.end();
        }
    }
}
