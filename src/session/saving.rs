//! Opening and saving: job files and presets. A job that cannot be read leaves the open one as it is.

use std::path::Path;

use crate::job::Job;

use super::notice::Notice;
use super::presets::PresetId;
use super::{JobDraft, Origin, Page, Session};

impl Session {
    fn open(&mut self, job: &Job, origin: Origin) {
        self.draft = JobDraft::from_job(job);
        self.opened = self.draft.clone();
        self.origin = Some(origin);
        self.page = Page::Job;
        self.draft_changed();
    }

    pub(super) fn open_file(&mut self, file: &Path) {
        match Job::load(file) {
            Ok(job) => {
                if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    folder.clone_into(&mut self.folder);
                }
                self.open(&job, Origin::File(file.to_owned()));
            }
            Err(error) => self.notices.push(Notice::error(format!("{} was not opened: {error}", file.display()))),
        }
    }

    pub(super) fn select_preset(&mut self, id: PresetId) {
        match self.presets.get(&id).map(|preset| preset.job.clone()) {
            Some(Ok(job)) => self.open(&job, Origin::Preset(id)),
            Some(Err(error)) => self.notices.push(Notice::error(format!("{} was not opened: {error}", id.name()))),
            None => self.notices.push(Notice::error(format!("There is no preset {:?} any more.", id.name()))),
        }
    }

    /// The saved preset that the open job came from: what [`super::Command::SavePreset`] writes over.
    pub fn saved_origin(&self) -> Option<&PresetId> {
        match &self.origin {
            Some(Origin::Preset(id @ PresetId::Saved(_))) => Some(id),
            _ => None,
        }
    }

    pub(super) fn save_preset(&mut self) {
        let Some(id) = self.saved_origin().cloned() else {
            let name = self.draft.name.clone();
            return self.save_preset_as(&name);
        };
        self.save(|session, job| session.presets.save(id.name(), job));
    }

    pub(super) fn save_preset_as(&mut self, name: &str) {
        self.save(|session, job| session.presets.save_new(name, job));
    }

    fn save(&mut self, write: impl FnOnce(&mut Self, &Job) -> Result<PresetId, String>) {
        let job = match self.draft.to_job() {
            Ok(job) => job,
            Err(errors) => {
                let first = errors.first().map_or("", |error| error.message.as_str());
                return self.notices.push(Notice::error(format!("The job was not saved, it has a mistake: {first}")));
            }
        };
        match write(self, &job) {
            Ok(id) => {
                id.name().clone_into(&mut self.draft.name);
                self.opened = self.draft.clone();
                self.notices.push(Notice::info(format!("Saved {:?}.", id.name())));
                self.origin = Some(Origin::Preset(id));
            }
            Err(error) => self.notices.push(Notice::error(format!("The job was not saved: {error}"))),
        }
    }

    pub(super) fn rename_preset(&mut self, id: &PresetId, name: &str) {
        match self.presets.rename(id, name) {
            Ok(renamed) => {
                if self.origin == Some(Origin::Preset(id.clone())) {
                    renamed.name().clone_into(&mut self.draft.name);
                    renamed.name().clone_into(&mut self.opened.name);
                    self.origin = Some(Origin::Preset(renamed));
                }
            }
            Err(error) => self.notices.push(Notice::error(format!("{:?} was not renamed: {error}", id.name()))),
        }
    }

    pub(super) fn duplicate_preset(&mut self, id: &PresetId) {
        match self.presets.duplicate(id) {
            Ok(copy) => self.notices.push(Notice::info(format!("Saved a copy as {:?}.", copy.name()))),
            Err(error) => self.notices.push(Notice::error(format!("{:?} was not copied: {error}", id.name()))),
        }
    }

    pub(super) fn delete_preset(&mut self, id: &PresetId) {
        match self.presets.delete(id) {
            Ok(()) => {
                if self.origin == Some(Origin::Preset(id.clone())) {
                    // The job stays open and can be saved anew.
                    self.origin = None;
                }
                let undo_delete = Some(id.clone());
                self.notices.push(Notice { undo_delete, ..Notice::info(format!("Deleted {:?}.", id.name())) });
            }
            Err(error) => self.notices.push(Notice::error(format!("{:?} was not deleted: {error}", id.name()))),
        }
    }

    pub(super) fn undo_delete(&mut self) {
        match self.presets.restore() {
            Ok(id) => {
                // The shelf gives back the newest first, so the newest offer is the one that was taken.
                if let Some(place) = self.notices.iter().rposition(|notice| notice.undo_delete.is_some()) {
                    self.notices.remove(place);
                }
                self.notices.push(Notice::info(format!("{:?} is back.", id.name())));
            }
            Err(error) => self.notices.push(Notice::error(format!("The preset was not brought back: {error}"))),
        }
    }
}
