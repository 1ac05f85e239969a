//! What runs the batches that the window starts: this machine, or a place that a profile describes. Races and jobs of the queue
//! run on this machine.

use std::ffi::OsStr;

use fanlane_core::engine::{Demand, EngineChoice};
use fanlane_core::job::Mode;
use fanlane_core::store::engine_profiles::{EngineOffer, EngineProfiles};
use fanlane_os::search_path::find_program;

use super::{Notice, Session, Topic};

/// The engines that can be chosen, and the one that is.
#[derive(Default)]
pub struct EngineList {
    profiles: Option<EngineProfiles>,
    offers: Vec<EngineOffer>,
    fault: Option<String>,
    chosen: EngineChoice,
}

impl EngineList {
    /// Those of a folder of profiles; without one there is this machine alone.
    pub(super) fn new(profiles: Option<EngineProfiles>) -> Self {
        let mut list = Self { profiles, ..Self::default() };
        list.read();
        list
    }

    /// The engines, this machine first; none where this machine is the only one.
    pub fn offers(&self) -> &[EngineOffer] {
        if self.offers.len() > 1 { &self.offers } else { &[] }
    }

    /// Why the profiles cannot be listed.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The engine of the next run.
    pub const fn chosen(&self) -> &EngineChoice {
        &self.chosen
    }

    /// Reads the profiles, which may have been changed by hand. A choice that is gone becomes this machine.
    fn read(&mut self) {
        let Some(profiles) = &self.profiles else { return };
        match profiles.offers() {
            Ok(offers) => (self.offers, self.fault) = (offers, None),
            Err(error) => self.fault = Some(error.to_string()),
        }
        if find_program(OsStr::new("sbatch")).is_none() {
            self.offers.retain(|offer| offer.words != "slurm");
        }
        let words = self.chosen.words();
        let same = self.offers.iter().find(|offer| offer.words == words).and_then(|offer| offer.choice.clone());
        self.chosen = same.unwrap_or_default();
    }
}

impl Session {
    /// Why an engine cannot run the open job as it stands; `None`: as far as is known, it can.
    pub fn engine_obstacle(&self, engine: &EngineChoice) -> Option<String> {
        if *engine == EngineChoice::Local {
            return None;
        }
        if !self.detached.can_start() {
            return Some("Only detached runs can take place elsewhere, and this window starts none".to_owned());
        }
        let expanded = self.editor.preview().expanded()?;
        engine.obstacle(&expanded.batch, self.editor.mode())
    }

    /// Why the chosen engine has no such mode; `None`: it has it.
    pub fn mode_obstacle(&self, mode: Mode) -> Option<String> {
        let chosen = &self.engines.chosen;
        let reason = (mode == Mode::Threads).then(|| chosen.reason_against(Demand::Threads)).flatten()?;
        Some(format!("The engine {} has no mode {mode}: {reason}", chosen.words()))
    }

    pub(super) fn list_engines(&mut self) {
        self.engines.read();
        if let Some(fault) = &self.engines.fault {
            self.notices.show(Notice::error(format!("The engines cannot be listed: {fault}.")).about(Topic::Job));
        }
    }

    pub(super) fn choose_engine(&mut self, engine: EngineChoice) {
        self.engines.chosen = engine;
        self.notices.succeeded(Topic::Job);
    }
}
