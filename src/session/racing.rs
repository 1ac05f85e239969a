//! Starting races, stopping, saving and opening them, and laying one beside another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::race::{RaceModel, Rules};
use crate::store::race as saved;

use super::expand::sentence;
use super::notice::Notice;
use super::race::{CurrentRace, Forecast, RaceDraft, RaceEngine, RacePlan};
use super::{Page, Session};

/// What the page Race shows and remembers.
pub struct RaceDesk {
    /// What the next race is to be like.
    pub draft: RaceDraft,
    /// The race that is shown.
    pub(super) shown: Option<CurrentRace>,
    /// A saved race laid beside it, with its file.
    pub(super) beside: Option<(PathBuf, RaceModel)>,
    /// Files of saved races, the newest first.
    pub(super) saved: Vec<PathBuf>,
    /// Where races are saved; `None`: nowhere.
    pub(super) folder: Option<saved::Races>,
    pub(super) races: u64,
    pub(super) forecast: Option<Forecast>,
    /// The race that was asked for a forecast last.
    pub(super) forecast_serial: u64,
}

impl RaceDesk {
    pub(super) fn new(cores: u32, folder: Option<saved::Races>) -> Self {
        let mut desk = Self {
            draft: RaceDraft::usual(cores),
            shown: None,
            beside: None,
            saved: Vec::new(),
            folder,
            races: 0,
            forecast: None,
            forecast_serial: 0,
        };
        desk.look_again();
        desk
    }

    /// Lists what is saved. A folder that cannot be read holds nothing that could be opened; saving says why.
    fn look_again(&mut self) {
        self.saved = self.folder.as_ref().and_then(|folder| folder.list().ok()).unwrap_or_default();
    }

    const fn next_serial(&mut self) -> u64 {
        self.races += 1;
        self.races
    }
}

impl Session {
    /// The race that is shown.
    pub const fn race_shown(&self) -> Option<&CurrentRace> {
        self.race.shown.as_ref()
    }

    /// The race that is laid beside it, and its file.
    pub fn race_beside(&self) -> Option<(&Path, &RaceModel)> {
        self.race.beside.as_ref().map(|(file, race)| (file.as_path(), race))
    }

    /// Files of saved races, the newest first.
    pub fn saved_races(&self) -> &[PathBuf] {
        &self.race.saved
    }

    /// Races can be saved.
    pub const fn can_save_races(&self) -> bool {
        self.race.folder.is_some()
    }

    /// What the race that is shown forecasts of the open job; `None` where it was of another.
    pub fn forecast(&self) -> Option<&Forecast> {
        let forecast = self.race.forecast.as_ref()?;
        self.preview.job().filter(|job| forecast.is_of(job)).map(|_| forecast)
    }

    /// Foretells anew once another race is over.
    pub(super) fn refresh_forecast(&mut self) {
        let Some(race) = self.race.shown.as_ref().filter(|race| !race.is_under_way()) else { return };
        if self.race.forecast_serial != race.serial {
            self.race.forecast_serial = race.serial;
            self.race.forecast = Forecast::of(race.serial, &race.model(), self.machine.slider_end());
        }
    }

    /// A race is under way.
    pub fn is_racing(&self) -> bool {
        self.race.shown.as_ref().is_some_and(CurrentRace::is_under_way)
    }

    /// A run or a race is under way.
    pub fn is_busy(&self) -> bool {
        self.is_running() || self.is_racing()
    }

    /// Why [`super::Command::StartRace`] would do nothing; `None` when it would race the open job.
    pub fn race_obstacle(&self) -> Option<String> {
        if self.is_racing() {
            return Some("A race is under way: stop it or wait for its end.".to_owned());
        }
        self.run_obstacle().or_else(|| {
            let tasks = self.preview.expanded().map_or(0, |expanded| expanded.tasks);
            let wrong = self.race.draft.contenders(tasks).err().or_else(|| self.race.draft.rules(0).err());
            wrong.map(|wrong| sentence(&wrong))
        })
    }

    /// Why the workloads of PEP 371 cannot be raced now.
    pub fn race_obstacle_for_wall(&self) -> Option<String> {
        self.is_busy().then(|| "A run or a race is under way: stop it or wait for its end.".to_owned())
    }

    pub(super) fn start_race(&mut self) {
        if let Some(obstacle) = self.race_obstacle() {
            return self.tell(Notice::mistake(format!("No race was started. {obstacle}")));
        }
        let Some(expanded) = self.preview.expanded() else {
            return self
                .tell(Notice::mistake("No race was started. The inputs are being read: try again in a moment."));
        };
        let batch = Arc::clone(&expanded.batch);
        let wanted = self.race.draft.contenders(batch.len());
        let wanted = wanted.and_then(|contenders| Ok((contenders, self.race.draft.rules(self.any_seed())?)));
        let plan = wanted.and_then(|(contenders, rules)| {
            RacePlan::of_batch(batch, contenders, rules).map_err(|error| error.to_string())
        });
        self.start_planned(plan);
    }

    pub(super) fn start_pep371(&mut self) {
        if self.is_busy() {
            let message = "No race was started. Something is under way: stop it or wait for its end.";
            return self.tell(Notice::error(message));
        }
        let rules = self.race.draft.rules(self.any_seed()).unwrap_or_else(|_| Rules::default());
        self.start_planned(RacePlan::pep371(rules, &std::env::temp_dir()).map_err(|error| error.to_string()));
    }

    /// Another race is mixed in another way; which, is kept with it.
    const fn any_seed(&self) -> u64 {
        self.race.races
    }

    fn start_planned(&mut self, plan: Result<RacePlan, String>) {
        let engine = RaceEngine { engine: Arc::clone(&self.engine), machine: self.machine };
        let serial = self.race.next_serial();
        let started = plan.and_then(|plan| {
            CurrentRace::start(serial, plan, engine, Arc::clone(&self.wake)).map_err(|error| error.to_string())
        });
        match started {
            Ok(race) => {
                self.notices.clear();
                self.race.shown = Some(race);
                self.page = Page::Race;
            }
            Err(error) => self.tell(Notice::error(format!("No race was started. {}", sentence(&error)))),
        }
    }

    pub(super) fn stop_race(&self) {
        if let Some(race) = &self.race.shown {
            race.stop();
        }
    }

    pub(super) fn save_race(&mut self) {
        let (Some(race), Some(folder)) = (&mut self.race.shown, &self.race.folder) else { return };
        if let Some(file) = &race.file {
            let words = format!("This race is saved already, as {}.", file.display());
            return self.tell(Notice::info(words));
        }
        let written = folder.save(&race.model());
        match written {
            Ok(file) => {
                let words = format!("The race was saved as {}.", file.display());
                race.file = Some(file);
                self.race.look_again();
                self.tell(Notice::info(words));
            }
            Err(error) => self.tell(Notice::error(format!("The race was not saved. {}", sentence(&error.to_string())))),
        }
    }

    pub(super) fn open_race(&mut self, file: PathBuf) {
        if self.is_racing() {
            return self.tell(Notice::error("Nothing was opened. A race is under way: stop it or wait for its end."));
        }
        match saved::open(&file) {
            Ok(race) => {
                self.show_race(race, Some(file));
                self.page = Page::Race;
            }
            Err(error) => self.tell(Notice::error(sentence(&error.to_string()))),
        }
    }

    pub(super) fn remove_race(&mut self, file: &Path) {
        let Some(folder) = &self.race.folder else { return };
        let removed = folder.remove(file);
        self.race.look_again();
        match removed {
            Ok(()) => {
                if let Some(race) = &mut self.race.shown {
                    // What is still shown can be saved anew.
                    race.file.take_if(|saved| saved == file);
                }
                self.tell(Notice::info(format!("Deleted {}.", file.display())));
            }
            Err(error) => self.tell(Notice::error(sentence(&error.to_string()))),
        }
    }

    /// Shows a race that is over.
    pub fn show_race(&mut self, race: RaceModel, file: Option<PathBuf>) {
        let serial = self.race.next_serial();
        self.race.shown = Some(CurrentRace::recorded(serial, race, file));
    }

    pub(super) fn lay_beside(&mut self, file: Option<PathBuf>) {
        match file.map(|file| (saved::open(&file), file)) {
            None => self.race.beside = None,
            Some((Ok(race), file)) => self.race.beside = Some((file, race)),
            Some((Err(error), _)) => self.tell(Notice::error(sentence(&error.to_string()))),
        }
    }
}
