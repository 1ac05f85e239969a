//! The race that the window shows: running, ended, or opened from a file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::Receiver;

use crate::session::Wake;
use fanlane_core::engine::event_pump;
use fanlane_core::model::race::{RaceEvent, RaceModel};

use super::runner::{Race, RaceEngine};
use super::{RacePlan, TimeLeft, WhatIf};

/// A race with its threads.
pub struct CurrentRace {
    /// Tells this race from the other races of the session.
    pub serial: u64,
    /// Where it is saved.
    pub file: Option<PathBuf>,
    model: Arc<Mutex<RaceModel>>,
    started: Instant,
    /// Its last event was received. Outside of the model, so that it can be read while the model is drawn.
    over: Arc<AtomicBool>,
    race: Option<Race>,
    drain: Option<JoinHandle<()>>,
}

impl CurrentRace {
    /// Starts a race.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(in crate::session) fn start(
        serial: u64,
        plan: RacePlan,
        engine: RaceEngine,
        wake: Wake,
    ) -> std::io::Result<Self> {
        let model = Arc::new(Mutex::new(RaceModel::default()));
        let (sender, receiver) = event_pump::channel();
        let over = Arc::new(AtomicBool::new(false));
        let (filled, ended) = (Arc::clone(&model), Arc::clone(&over));
        let drain = std::thread::Builder::new()
            .name("race-model".to_owned())
            .spawn(move || drain(&receiver, &filled, &ended, &wake))?;
        let race = Race::start(plan, engine, sender)?;
        Ok(Self { serial, file: None, model, started: Instant::now(), over, race: Some(race), drain: Some(drain) })
    }

    /// A race that is over.
    pub(in crate::session) fn recorded(serial: u64, model: RaceModel, file: Option<PathBuf>) -> Self {
        let (model, over) = (Arc::new(Mutex::new(model)), Arc::new(AtomicBool::new(true)));
        Self { serial, file, model, started: Instant::now(), over, race: None, drain: None }
    }

    /// The model of the race. The lock is held for no longer than a frame: events wait meanwhile.
    pub fn model(&self) -> MutexGuard<'_, RaceModel> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much time it takes further; `None` before that is known, and after its end.
    pub fn time_left(&self) -> Option<TimeLeft> {
        TimeLeft::of(&self.model(), self.started.elapsed().as_secs_f64())
    }

    /// Its tasks for a replay; `None` if they cannot be replayed (yet).
    pub fn what_if(&self) -> Option<WhatIf> {
        WhatIf::of(&self.model()).ok()
    }

    /// It has not ended.
    pub fn is_under_way(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }

    /// It has ended with measurements that no file has.
    pub fn is_unsaved(&self) -> bool {
        !self.is_under_way() && self.file.is_none() && !self.model().runs.is_empty()
    }

    /// Stops it: finished runs count, the current one does not.
    pub(in crate::session) fn stop(&self) {
        if let Some(race) = &self.race {
            race.stop();
        }
    }

    /// Stops it if it is running, and waits for its end.
    pub(in crate::session) fn end(&mut self) {
        if let Some(race) = self.race.take() {
            if self.is_under_way() {
                race.stop();
            }
            race.join();
        }
        if let Some(drain) = self.drain.take() {
            // A panic of the thread was printed by it.
            drop(drain.join());
        }
    }
}

impl Drop for CurrentRace {
    fn drop(&mut self) {
        self.end();
    }
}

fn drain(events: &Receiver<RaceEvent>, model: &Mutex<RaceModel>, over: &AtomicBool, wake: &Wake) {
    let next = |batch: &mut Vec<RaceEvent>| {
        let goes_on = event_pump::receive(events, batch);
        if !goes_on {
            // Also if it was interrupted.
            over.store(true, Ordering::Release);
        }
        goes_on
    };
    event_pump::pump(next, model, RaceModel::apply, || wake());
}
