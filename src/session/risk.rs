//! What a person would lose by closing the window, and by a command: it is asked about before it happens.
//!
//! A finished race that was not saved is lost only with the window: [`RaceState`](super::race::RaceState) keeps it until then.

use super::{Command, PresetCommand, Session};

/// Something that ends or is lost when the window is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtRisk {
    /// The run under way.
    Run,
    /// The race under way.
    Race,
    /// A finished race that is not saved; the name of its job.
    UnsavedRace(String),
    /// Changes of the open job that are not saved; its name.
    Edits(String),
}

impl Session {
    /// What ends or is lost when the window is closed now.
    pub fn at_risk(&self) -> Vec<AtRisk> {
        let mut risks = Vec::new();
        if self.is_racing() {
            risks.push(AtRisk::Race);
        }
        if self.is_running() {
            risks.push(AtRisk::Run);
        }
        risks.extend(self.race.unsaved_names().into_iter().map(AtRisk::UnsavedRace));
        if self.editor.has_unsaved_work() {
            let name = match self.editor.draft().name.as_str() {
                "" => "The open job",
                name => name,
            };
            risks.push(AtRisk::Edits(name.to_owned()));
        }
        risks
    }

    /// The command would replace an edited job by another.
    pub fn discards_edits(&self, command: &Command) -> bool {
        let opens_a_job =
            matches!(command, Command::New | Command::OpenJob(_) | Command::Preset(PresetCommand::Open(_)));
        opens_a_job && self.editor.is_edited()
    }
}
