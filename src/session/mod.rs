//! The window without pixels: the commands of the user ([`Command`]) and the state that the window draws.
//!
//! Each part owns its state: the open job, the presets, the shown run, the history, detached runs, races and messages. Only
//! commands change it; the window reads it. `handle` takes a command, `poll` receives what threads have sent; neither waits.
//! Nothing here depends on a window.

mod background;
mod command;
pub mod end_command;
mod engines;
mod history;
mod job_editor;
mod machine;
mod notices;
mod options;
mod own_job;
mod page;
mod prediction;
mod presets;
mod queue;
pub mod race;
mod risk;
mod run;
mod scale;
mod settings;
#[cfg(test)]
mod tests;
mod when_done;

use std::sync::Arc;

use fanlane_core::engine::{Engine, OutputLevel, RunCommand, Sweep};
use fanlane_core::event::{AttemptRecord, StreamName};
use fanlane_core::job::{Job, Mode};
use fanlane_core::model::search::Needle;

pub use command::{Command, HistoryCommand, PresetCommand, RaceCommand};
pub use engines::EngineList;
pub use history::{ChangeKind, PastRun, PastRunUse, RunComparison, RunList, TaskChange, TaskEnd};
pub use job_editor::{
    Beside, ColumnsDraft, DependenciesDraft, EnvironmentDraft, Expanded, FieldError, InputDraft, InputKind, JobDraft,
    JobEditor, OrderDraft, Origin, ParameterDraft, Preview, PythonFunctions, expand, task_inputs, task_text,
};
pub use machine::Machine;
#[cfg(feature = "gui")]
pub(crate) use notices::sentence;
pub use notices::{Notice, Notices, Severity, Topic};
pub use options::SessionOptions;
pub use own_job::{Dropped, other_program};
pub use page::Page;
pub use presets::{Preset, PresetId, PresetList, SAVED_GROUP};
pub use queue::{QueueCommand, QueueState, RunWay};
pub use risk::AtRisk;
pub use run::{
    COLUMN_EXAMPLES, CurrentRun, DetachedList, EditorPrograms, FailureCauses, Find, FoundMatches, MAX_LISTED_REST,
    MAX_QUEUED, RowOrder, RowQuery, SearchScope, ShownRun, SortKey,
};
pub use scale::Scale;
pub use settings::{Messages, MotionChoice, ThemeChoice, remembered_size};
pub use when_done::{DoneAction, DoneRun, OtherWork};

/// Called from other threads when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The window without pixels.
pub struct Session {
    /// The open job.
    pub editor: job_editor::JobEditor,
    /// The presets.
    pub presets: PresetList,
    /// The shown run.
    pub run: ShownRun,
    /// The runs of the history.
    pub history: RunList,
    /// The detached runs.
    pub detached: DetachedList,
    /// The engines that can be chosen.
    pub engines: EngineList,
    /// The queue of jobs.
    pub queue: QueueState,
    /// The races.
    pub race: race::RaceState,
    /// The messages.
    pub notices: Notices,
    page: Page,
    /// Run was pressed while the inputs were being read; the job runs in this way when they have been.
    run_wanted: Option<RunWay>,
    machine: Machine,
    engine: Arc<dyn Engine>,
    wake: Wake,
    sweep: Option<Sweep>,
    opened: run::OpenedOutputs,
    editor_programs: EditorPrograms,
    settings: settings::Settings,
    when_done: when_done::WhenDone,
}

impl Session {
    /// A session that opens on the job file of the options, or on the first built-in example.
    pub fn new(options: SessionOptions, wake: Wake) -> Self {
        let (presets, read) = PresetList::new(options.presets);
        let sweep = options.sweeps.then(|| {
            let wake = Arc::clone(&wake);
            Sweep::begin(move || wake())
        });
        let machine = options.machine;
        let queue = QueueState::new(options.history.as_deref(), options.detached.as_ref(), &wake);
        let mut session = Self {
            queue,
            engines: EngineList::new(options.engines),
            editor: JobEditor::new(options.folder, options.history.clone(), machine, Arc::clone(&wake)),
            presets,
            run: ShownRun::default(),
            history: RunList::new(options.history),
            detached: DetachedList::new(options.detached, options.job.is_none() && options.watched.is_none()),
            race: race::RaceState::new(
                machine.logical_cores,
                options.races,
                options.settings.as_ref().map(|file| file.with_file_name("forecasts.json")),
            ),
            notices: Notices::default(),
            page: Page::JOB,
            run_wanted: None,
            machine,
            engine: options.engine,
            wake,
            sweep,
            opened: run::OpenedOutputs::default(),
            editor_programs: options.editor_programs,
            settings: settings::Settings::open(options.settings),
            when_done: when_done::WhenDone::default(),
        };
        if let Err(error) = read {
            session.notices.show(Notice::error(format!("The saved presets cannot be read: {error}")));
        }
        if let Some(file) = options.job {
            session.open_example();
            session.handle(Command::OpenJob(file));
        } else if !session.resume_window() {
            session.open_example();
        }
        if let Some(folder) = options.watched {
            session.watch(folder);
        }
        session.refresh_history();
        // What is open at the start is no change of the user's.
        session.editor.forget_changes();
        session
    }

    /// Opens the first example. It is no choice of the user's, so it is not remembered: the start writes nothing.
    fn open_example(&mut self) {
        let first = self.presets.built_in().first();
        if let Some((id, job)) = first.and_then(|first| Some((first.id.clone(), first.job.clone().ok()?))) {
            self.editor.open(&job, Origin::Preset(id));
        }
    }

    /// Carries out a command.
    pub fn handle(&mut self, command: impl Into<Command>) {
        match command.into() {
            Command::Show(page) => {
                self.page = page;
                if page == Page::RUNS {
                    self.refresh_history();
                }
            }
            Command::Edit(draft) => {
                self.job_changes();
                self.notices.remove_undo_of_edit();
                if *draft != *self.editor.draft() {
                    self.editor.keep_before_edit();
                }
                self.editor.edit(*draft);
            }
            Command::ListFunctions => self.editor.list_functions(),
            Command::New => self.new_job(),
            Command::Import(line) => self.import_line(&line),
            Command::TakeFiles(files) => self.take_files(&files),
            Command::UndoEdit => self.undo_edit(),
            Command::RedoEdit => self.redo_edit(),
            Command::OpenJob(file) => match Job::load(&file) {
                Ok(job) => {
                    self.job_changes();
                    self.notices.succeeded(Topic::OpenJob);
                    self.open_job(&job, Origin::File(file));
                    self.page = Page::JOB;
                }
                Err(error) => {
                    let text = format!("The job was not opened. {error}");
                    self.notices.show(Notice::error(text).about(Topic::OpenJob));
                }
            },
            Command::SetWorkers(workers) => self.set_workers(workers),
            Command::SetJobWorkers(workers) => self.set_job_workers(workers),
            Command::SetMode(mode) => {
                if self.editor.mode() != mode {
                    self.edit(|draft| draft.mode = mode);
                }
            }
            Command::ListEngines => self.list_engines(),
            Command::SetEngine(engine) => self.choose_engine(engine),
            Command::Run => self.run(RunWay::Shown),
            Command::RunBeside => self.run(RunWay::Beside),
            Command::RunAfter => self.run(RunWay::After),
            Command::Pause => self.run.command(RunCommand::Pause),
            Command::Resume => self.run.command(RunCommand::Resume),
            Command::Stop => self.run.command(RunCommand::Stop),
            Command::StopNow => self.run.command(RunCommand::StopNow),
            Command::CancelTask(task) => self.run.command(RunCommand::Cancel(task)),
            Command::LocateTask(task) => {
                self.run.select(Some(task));
                self.run.command(RunCommand::Locate(task));
            }
            Command::RestartTask(task) => self.run.command(RunCommand::Restart(task)),
            Command::SkipTask(task) => self.run.command(RunCommand::Skip(task)),
            Command::RaiseTask(task) => self.run.command(RunCommand::Raise(task)),
            Command::SetPriority(task, priority) => self.run.command(RunCommand::SetPriority { task, priority }),
            Command::SetBreakpoint(task, is_set) => self.run.command(RunCommand::SetBreakpoint { task, is_set }),
            Command::EndWithWindow(wanted) => self.run.end_with_window(wanted),
            Command::WatchRun(id) => self.watch_run(id),
            Command::SetQuery(query) => self.run.set_query(query),
            Command::SelectTask(task) => self.run.select(task),
            Command::RerunTask(task) => self.rerun(vec![task]),
            Command::RerunCause(cause) => self.rerun(self.run.tasks_of_cause(cause)),
            Command::RerunFailed => self.rerun(self.run.failed_tasks()),
            Command::Back => self.back(),
            Command::OpenOutput { task, attempt, stream } => self.open_output(task, attempt, stream),
            Command::Preset(command) => self.handle_preset(command),
            Command::Race(command) => self.handle_race(command),
            Command::History(command) => self.handle_history(command),
            Command::Queue(command) => self.handle_queue(command),
            Command::SetTheme(theme) => self.set_theme(theme),
            Command::SetScale(scale) => self.set_scale(scale),
            Command::SetMotion(motion) => self.set_motion(motion),
            Command::SetMessages(messages) => self.set_messages(messages),
            Command::WhenDone(action) => self.set_done_action(action),
            Command::DismissNotice(index) => self.notices.dismiss(index),
        }
    }

    /// Changes the text of the open job, as [`Command::Edit`] does.
    pub fn edit(&mut self, change: impl FnOnce(&mut JobDraft)) {
        let mut draft = self.editor.draft().clone();
        change(&mut draft);
        self.handle(Command::Edit(Box::new(draft)));
    }

    /// Receives what threads have sent. Called before each frame; never waits.
    pub fn poll(&mut self) {
        if self.editor.poll()
            && let Some(way) = self.run_wanted.take()
        {
            self.start_previewed(way);
        }
        self.notices.expire();
        self.refresh_race_work();
        self.poll_when_done();
        if let Err(error) = self.race.refresh_forecast(self.machine.slider_end()) {
            let text = format!("What the race says of the workers is not remembered: it cannot be written: {error}.");
            self.notices.show(Notice::error(text).about(Topic::Settings));
        }
        self.poll_history();
        self.poll_detached();
        self.poll_queue();
        self.poll_opened();
        if let Some(ended) = self.sweep.take_if(|sweep| sweep.is_over()).and_then(Sweep::finish) {
            self.notices.show(Notice::info(format!("{ended}.")));
        }
        let (level, follows) = match self.page {
            Page::LIVE => (OutputLevel::LatestLines, None),
            Page::RESULTS => (OutputLevel::Nothing, self.run.selected()),
            _ => (OutputLevel::Nothing, None),
        };
        self.run.want_output(level, follows);
        self.run.poll(self.page == Page::RESULTS, &self.wake);
    }

    /// The open job is about to change: a pending run and messages about it are outdated.
    fn job_changes(&mut self) {
        self.run_wanted = None;
        self.race.set_subject(None);
        self.notices.succeeded(Topic::Job);
    }

    /// The number of workers that [`Command::SetWorkers`] changes: of the run while one is under way, otherwise of the open
    /// job.
    pub fn workers(&self) -> u32 {
        self.run.workers_under_way(self.machine).unwrap_or_else(|| self.editor.workers())
    }

    /// How the run under way is run, or else the open job.
    pub fn mode(&self) -> Mode {
        self.run.under_way().map_or_else(|| self.editor.mode(), |run| run.job.mode)
    }

    /// Why [`Command::SetWorkers`] would change nothing.
    pub fn workers_obstacle(&self) -> Option<&'static str> {
        let is_fixed = self.run.under_way().is_some_and(|run| !run.allows(RunCommand::SetWorkers(1)));
        match self.mode() {
            Mode::One => Some("Mode one has a single worker"),
            _ if is_fixed => Some("The engine of this run cannot change its number of workers"),
            _ => None,
        }
    }

    /// Begins to look for a text in what an attempt of the shown run printed; `None` without a run.
    pub fn find(&self, record: &AttemptRecord, stream: StreamName, needle: Needle) -> Option<Find> {
        self.run.current().map(|run| Find::begin(run, record, stream, needle, &self.wake))
    }

    /// The shown run was started from the open job as it is named now.
    pub fn is_of_open_job(&self) -> bool {
        self.run.opening() == Some(self.editor.opening())
    }

    /// The shown page.
    pub const fn page(&self) -> Page {
        self.page
    }

    /// The machine.
    pub const fn machine(&self) -> Machine {
        self.machine
    }

    /// Processes left over from killed runs are still being searched for.
    pub const fn is_sweeping(&self) -> bool {
        self.sweep.is_some()
    }

    /// A run is under way.
    pub fn is_running(&self) -> bool {
        self.run.is_under_way()
    }

    /// A race is under way.
    pub fn is_racing(&self) -> bool {
        self.race.is_under_way()
    }

    /// A run or a race is under way.
    pub fn is_busy(&self) -> bool {
        self.is_running() || self.is_racing()
    }

    /// Ends the run and the race of this process and waits for them; a detached run continues.
    pub fn shutdown(&mut self) {
        self.run_wanted = None;
        self.run.end();
        self.race.end();
        self.queue.finish(&self.wake);
    }
}
