//! The races of a session: the settings of the next one, the shown one and the saved ones.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::subject::{KnownWork, RecordedWork};
use super::{CurrentRace, Forecast, RaceDraft, RaceEngine, RacePlan, RaceSubject, Work};
use crate::session::notices::{Notice, Topic, sentence};
use crate::session::settings::write_json;
use crate::session::{Page, RaceCommand, Session, Wake};
use fanlane_core::job::Job;
use fanlane_core::model::race::pep371::WorkSet;
use fanlane_core::model::race::{RaceModel, Rules};
use fanlane_core::store::race as saved;

/// The races of a session.
pub struct RaceState {
    draft: RaceDraft,
    shown: Option<CurrentRace>,
    /// Races of this session that were replaced before they were saved, the oldest first.
    unsaved: Vec<CurrentRace>,
    /// The saved race that the shown one is compared with, and its file.
    comparison: Option<(PathBuf, RaceModel)>,
    /// Files of saved races, the newest first.
    saved: Vec<PathBuf>,
    /// Where races are saved; `None`: nowhere.
    folder: Option<saved::Races>,
    serials: u64,
    /// One for each job that was raced, the newest first.
    forecasts: Vec<Forecast>,
    /// The serial number of the race that the newest forecast was made from.
    forecast_of: u64,
    /// Where the forecasts are kept; `None`: nowhere.
    forecast_file: Option<PathBuf>,
    subject: Option<RaceSubject>,
    known_work: Option<KnownWork>,
    recorded_work: Option<RecordedWork>,
}

/// Maximum size of a forecast, with its job, that is kept for the next start, in bytes.
const MAX_FORECAST_BYTES: usize = 256 << 10;
/// Maximum number of jobs whose forecasts are kept.
const MAX_FORECASTS: usize = 32;

impl RaceState {
    pub(in crate::session) fn new(cores: u32, folder: Option<saved::Races>, forecast_file: Option<PathBuf>) -> Self {
        let mut state = Self {
            draft: RaceDraft::usual(cores),
            shown: None,
            unsaved: Vec::new(),
            comparison: None,
            saved: Vec::new(),
            folder,
            serials: 0,
            forecasts: forecast_file.as_deref().map(kept_forecasts).unwrap_or_default(),
            forecast_file,
            forecast_of: 0,
            subject: None,
            known_work: None,
            recorded_work: None,
        };
        state.list();
        state
    }

    /// The run whose job is raced next; `None`: the open job is.
    pub(super) const fn subject(&self) -> Option<&RaceSubject> {
        self.subject.as_ref()
    }

    pub(in crate::session) fn set_subject(&mut self, subject: Option<RaceSubject>) {
        self.subject = subject;
    }

    pub(super) const fn known_work(&self) -> Option<KnownWork> {
        self.known_work
    }

    pub(super) const fn set_known_work(&mut self, work: KnownWork) {
        self.known_work = Some(work);
    }

    /// What the history tells of a job, if it was asked when it had this number of runs.
    pub(super) fn recorded_work(&self, job: &Job, runs: usize) -> Option<Option<Work>> {
        let (known, had, work) = self.recorded_work.as_ref()?;
        (*had == runs && known == job).then_some(*work)
    }

    pub(super) fn set_recorded_work(&mut self, work: RecordedWork) {
        self.recorded_work = Some(work);
    }

    /// The settings of the next race.
    pub const fn draft(&self) -> &RaceDraft {
        &self.draft
    }

    /// The shown race.
    pub const fn shown(&self) -> Option<&CurrentRace> {
        self.shown.as_ref()
    }

    /// Races of this session that were replaced before they were saved, the oldest first.
    pub fn unsaved(&self) -> &[CurrentRace] {
        &self.unsaved
    }

    /// The names of the jobs of all finished races that are lost with the window.
    pub(in crate::session) fn unsaved_names(&self) -> Vec<String> {
        let shown = self.shown.iter().filter(|race| self.can_save() && race.is_unsaved());
        let name = |race: &CurrentRace| race.model().header.as_ref().map(|header| header.name.clone());
        self.unsaved.iter().chain(shown).filter_map(name).collect()
    }

    /// Shows a race; the one before stays within reach until it is saved.
    fn replace(&mut self, race: CurrentRace) {
        let before = self.shown.replace(race);
        let can_save = self.can_save();
        self.unsaved.extend(before.filter(|race| can_save && race.is_unsaved()));
    }

    fn reopen(&mut self, serial: u64) -> bool {
        let Some(place) = self.unsaved.iter().position(|race| race.serial == serial) else { return false };
        let race = self.unsaved.remove(place);
        self.replace(race);
        true
    }

    /// The saved race that the shown one is compared with, and its file.
    pub fn comparison(&self) -> Option<(&Path, &RaceModel)> {
        self.comparison.as_ref().map(|(file, race)| (file.as_path(), race))
    }

    /// Files of saved races, the newest first.
    pub fn saved(&self) -> &[PathBuf] {
        &self.saved
    }

    /// Races can be saved.
    pub const fn can_save(&self) -> bool {
        self.folder.is_some()
    }

    /// A race is under way.
    pub fn is_under_way(&self) -> bool {
        self.shown.as_ref().is_some_and(CurrentRace::is_under_way)
    }

    /// Lists the saved races; none if the folder cannot be read, which saving reports.
    fn list(&mut self) {
        self.saved = self.folder.as_ref().and_then(|folder| folder.list().ok()).unwrap_or_default();
    }

    const fn next_serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    /// The seed of the order of runs, another for each race; it is saved with the race.
    const fn seed(&self) -> u64 {
        self.serials
    }

    /// The first invalid setting, for a batch of `tasks` tasks.
    fn mistake(&self, tasks: u64) -> Option<String> {
        let mistake = self.draft.contenders(tasks).err().or_else(|| self.draft.rules(0).err());
        mistake.or_else(|| self.draft.parsed_tasks().err())
    }

    fn start(&mut self, plan: RacePlan, engine: RaceEngine, wake: Wake) -> std::io::Result<()> {
        let serial = self.next_serial();
        let race = CurrentRace::start(serial, plan, engine, wake)?;
        self.replace(race);
        Ok(())
    }

    fn stop(&self) {
        if let Some(race) = &self.shown {
            race.stop();
        }
    }

    /// Stops the race if it is running, and waits for its end.
    pub(in crate::session) fn end(&mut self) {
        if let Some(race) = &mut self.shown {
            race.end();
        }
    }

    /// Saves the shown race; returns a message, or `None` without a race or a folder.
    fn save(&mut self) -> Option<Result<String, String>> {
        let (Some(race), Some(folder)) = (&mut self.shown, &self.folder) else { return None };
        if let Some(file) = &race.file {
            return Some(Ok(format!("This race is already saved as {}.", file.display())));
        }
        let written = folder.save(&race.model());
        if let Ok(file) = &written {
            race.file = Some(file.clone());
            self.list();
        }
        Some(match written {
            Ok(file) => Ok(format!("The race was saved as {}.", file.display())),
            Err(error) => Err(error.to_string()),
        })
    }

    fn remove(&mut self, file: &Path) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let removed = folder.remove(file).map_err(|error| error.to_string());
        self.list();
        removed?;
        if let Some(race) = &mut self.shown {
            // The race is still shown and can be saved again.
            race.file.take_if(|saved| saved == file);
        }
        Ok(())
    }

    /// Shows a race that is over.
    fn show(&mut self, race: RaceModel, file: Option<PathBuf>) {
        let serial = self.next_serial();
        self.replace(CurrentRace::recorded(serial, race, file));
    }

    fn compare(&mut self, file: Option<PathBuf>) -> Result<(), String> {
        self.comparison = match file {
            None => None,
            Some(file) => Some((file.clone(), saved::open(&file).map_err(|error| error.to_string())?)),
        };
        Ok(())
    }

    /// Updates the forecasts when another race has ended, and keeps them for the next start.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(in crate::session) fn refresh_forecast(&mut self, max_workers: u32) -> io::Result<()> {
        let Some(race) = self.shown.as_ref().filter(|race| !race.is_under_way()) else { return Ok(()) };
        if self.forecast_of == race.serial {
            return Ok(());
        }
        self.forecast_of = race.serial;
        let Some(forecast) = Forecast::of(&race.model(), max_workers) else { return Ok(()) };
        self.forecasts.retain(|known| !known.is_of_same_job(&forecast));
        self.forecasts.insert(0, forecast);
        self.forecasts.truncate(MAX_FORECASTS);
        self.forecast_file.as_deref().map_or(Ok(()), |file| keep_forecasts(file, &self.forecasts))
    }

    /// The forecast by the last race of a job.
    pub(in crate::session) fn forecast(&self, job: &Job) -> Option<&Forecast> {
        self.forecasts.iter().find(|forecast| forecast.is_of(job))
    }
}

/// The forecasts of earlier starts; none where the file is missing or damaged.
fn kept_forecasts(file: &Path) -> Vec<Forecast> {
    std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Keeps those whose jobs are not too large; the newest come first.
fn keep_forecasts(file: &Path, forecasts: &[Forecast]) -> io::Result<()> {
    let texts = forecasts.iter().map(serde_json::value::to_raw_value).collect::<Result<Vec<_>, _>>()?;
    let kept: Vec<_> = texts.into_iter().filter(|text| text.get().len() <= MAX_FORECAST_BYTES).collect();
    write_json(file, &kept)
}

impl Session {
    /// The forecast for the open job by its last race; `None` if there was none.
    pub fn forecast(&self) -> Option<&Forecast> {
        self.race.forecast(self.editor.preview().job()?)
    }

    /// Why [`RaceCommand::Start`] would do nothing; `None` when it would race the open job.
    pub fn race_obstacle(&self) -> Option<String> {
        if self.is_racing() {
            return Some("A race is under way: stop it or wait for its end.".to_owned());
        }
        let obstacle = match self.race.subject() {
            Some(_) => self.is_running().then(|| "A run is under way: stop it or wait for its end.".to_owned()),
            None => self.start_obstacle(),
        };
        obstacle.or_else(|| {
            let tasks = self.race_batch().map_or(0, |batch| batch.len());
            self.race.mistake(tasks).map(|mistake| sentence(&mistake))
        })
    }

    /// Why the workloads of PEP 371 cannot be raced now.
    pub fn pep371_obstacle(&self) -> Option<String> {
        self.is_busy().then(|| "A run or a race is under way: stop it or wait for its end.".to_owned())
    }

    /// Shows a race that is over.
    pub fn show_race(&mut self, race: RaceModel, file: Option<PathBuf>) {
        self.race.show(race, file);
    }

    pub(in crate::session) fn handle_race(&mut self, command: RaceCommand) {
        let notice = match command {
            RaceCommand::Edit(draft) => {
                self.race.draft = draft;
                None
            }
            RaceCommand::OfRun => {
                self.ask_worth();
                None
            }
            RaceCommand::OfOpenJob => {
                self.race.subject = None;
                None
            }
            RaceCommand::Start => self.start_race(),
            RaceCommand::StartPep371(set) => self.start_pep371(set),
            RaceCommand::Stop => {
                self.race.stop();
                None
            }
            RaceCommand::Save => self.race.save().map(|saved| match saved {
                Ok(text) => Notice::info(text),
                Err(error) => Notice::error(format!("The race was not saved. {}", sentence(&error))),
            }),
            RaceCommand::Open(file) => self.open_race(file),
            RaceCommand::Reopen(serial) => {
                if !self.is_racing() && self.race.reopen(serial) {
                    self.page = Page::RACE;
                }
                None
            }
            RaceCommand::Remove(file) => Some(match self.race.remove(&file) {
                Ok(()) => Notice::info(format!("Deleted {}.", file.display())),
                Err(error) => Notice::error(sentence(&error)),
            }),
            RaceCommand::Compare(file) => self.race.compare(file).err().map(|error| Notice::error(sentence(&error))),
        };
        if let Some(notice) = notice {
            self.notices.show(if notice.topic == Topic::Other { notice.about(Topic::Race) } else { notice });
        }
    }

    fn start_race(&mut self) -> Option<Notice> {
        if let Some(obstacle) = self.race_obstacle() {
            return Some(Notice::mistake(format!("No race was started. {obstacle}")));
        }
        let Some(batch) = self.race_batch() else {
            return Some(Notice::mistake("No race was started. The inputs are being read: try again in a moment."));
        };
        self.start_planned(self.race_plan(&batch, self.race.seed()))
    }

    fn start_pep371(&mut self, set: WorkSet) -> Option<Notice> {
        if self.is_busy() {
            let text = "No race was started. A run or a race is under way: stop it or wait for its end.";
            return Some(Notice::error(text));
        }
        let rules = self.race.draft.rules(self.race.seed()).unwrap_or_else(|_| Rules::default());
        self.start_planned(RacePlan::pep371(set, None, rules, &std::env::temp_dir()).map_err(|error| error.to_string()))
    }

    fn start_planned(&mut self, plan: Result<RacePlan, String>) -> Option<Notice> {
        let engine = RaceEngine { engine: Arc::clone(&self.engine), machine: self.machine };
        let wake = Arc::clone(&self.wake);
        match plan.and_then(|plan| self.race.start(plan, engine, wake).map_err(|error| error.to_string())) {
            Ok(()) => {
                self.notices.clear();
                self.page = Page::RACE;
                None
            }
            Err(error) => Some(Notice::error(format!("No race was started. {}", sentence(&error)))),
        }
    }

    fn open_race(&mut self, file: PathBuf) -> Option<Notice> {
        if self.is_racing() {
            let text = "Nothing was opened. A race is under way: stop it or wait for its end.";
            return Some(Notice::error(text));
        }
        match saved::open(&file) {
            Ok(race) => {
                self.race.show(race, Some(file));
                self.notices.succeeded(Topic::Race);
                self.page = Page::RACE;
                None
            }
            Err(error) => Some(Notice::error(sentence(&error.to_string()))),
        }
    }
}
