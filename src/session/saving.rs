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
            Err(error) => self.tell(Notice::error(format!("The job was not opened. {error}"))),
        }
    }

    pub(super) fn select_preset(&mut self, id: PresetId) {
        match self.presets.get(&id).map(|preset| preset.job.clone()) {
            Some(Ok(job)) => {
                self.folder.clone_from(&self.launch_folder);
                self.open(&job, Origin::Preset(id));
            }
            Some(Err(error)) => {
                let name = self.presets.name(&id);
                self.tell(Notice::error(format!("{name} was not opened. {error}")));
            }
            None => self.tell(Notice::error("This preset is gone; it may have been deleted elsewhere.")),
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
        self.save(|session, job| session.presets.overwrite(&id, job));
    }

    pub(super) fn save_preset_as(&mut self, name: &str) {
        self.save(|session, job| session.presets.save_new(name, job));
    }

    fn save(&mut self, write: impl FnOnce(&mut Self, &Job) -> Result<PresetId, String>) {
        let job = match self.draft.to_job() {
            Ok(job) => job,
            Err(errors) => {
                let first = errors.first().map_or("", |error| error.message.as_str());
                return self.tell(Notice::mistake(format!("The job was not saved, it has a mistake. {first}")));
            }
        };
        match write(self, &self.at_home(job)) {
            Ok(id) => {
                if let Some(Ok(job)) = self.presets.get(&id).map(|preset| preset.job.clone()) {
                    self.draft = JobDraft::from_job(&job);
                    self.draft_changed();
                }
                self.opened = self.draft.clone();
                self.tell(Notice::info(format!("Saved {:?}.", self.presets.name(&id))));
                self.origin = Some(Origin::Preset(id));
            }
            Err(error) => self.tell(Notice::error(format!("The job was not saved. {error}"))),
        }
    }

    /// A job from a file looks its relative paths up beside that file; as a preset it must say so.
    fn at_home(&self, job: Job) -> Job {
        let from_file = matches!(self.origin, Some(Origin::File(_)));
        let working_dir = match job.working_dir {
            None if from_file => Some(self.folder.clone()),
            Some(relative) if from_file => Some(self.folder.join(relative)),
            as_it_is => as_it_is,
        };
        Job { working_dir, ..job }
    }

    pub(super) fn rename_preset(&mut self, id: &PresetId, name: &str) {
        match self.presets.rename(id, name) {
            Ok(renamed) => {
                if self.origin == Some(Origin::Preset(id.clone())) {
                    let name = self.presets.name(&renamed).to_owned();
                    self.draft.name.clone_from(&name);
                    self.opened.name = name;
                    self.origin = Some(Origin::Preset(renamed));
                }
            }
            Err(error) => self.tell(Notice::error(format!("{:?} was not renamed. {error}", self.presets.name(id)))),
        }
    }

    pub(super) fn duplicate_preset(&mut self, id: &PresetId) {
        match self.presets.duplicate(id) {
            Ok(copy) => self.tell(Notice::info(format!("Saved a copy as {:?}.", self.presets.name(&copy)))),
            Err(error) => self.tell(Notice::error(format!("{:?} was not copied. {error}", self.presets.name(id)))),
        }
    }

    pub(super) fn delete_preset(&mut self, id: &PresetId) {
        let name = self.presets.name(id).to_owned();
        match self.presets.delete(id) {
            Ok(()) => {
                if self.origin == Some(Origin::Preset(id.clone())) {
                    // The job stays open and can be saved anew.
                    self.origin = None;
                }
                let undo_delete = Some(id.clone());
                self.tell(Notice { undo_delete, ..Notice::info(format!("Deleted {name:?}.")) });
            }
            Err(error) => self.tell(Notice::error(format!("{name:?} was not deleted. {error}"))),
        }
    }

    pub(super) fn undo_delete(&mut self) {
        match self.presets.restore() {
            Ok(name) => {
                // The list gives back the newest first, so the newest offer is the one that was taken.
                if let Some(place) = self.notices.iter().rposition(|notice| notice.undo_delete.is_some()) {
                    self.notices.remove(place);
                }
                if self.origin.is_none() && self.draft.name == name {
                    // The job that lost its preset is still open: saving writes there again.
                    let back = self.presets.saved().iter().find(|preset| preset.name == name);
                    self.origin = back.map(|preset| Origin::Preset(preset.id.clone()));
                }
                self.tell(Notice::info(format!("{name:?} is back.")));
            }
            Err(error) => self.tell(Notice::error(format!("The preset was not brought back. {error}"))),
        }
    }
}
