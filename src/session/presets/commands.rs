//! Opening and saving presets. A preset that cannot be read leaves the open job as it is.

use super::PresetId;
use crate::session::notices::{Notice, Topic};
use crate::session::{Origin, Page, PresetCommand, Session};
use fanlane_core::job::Job;
use fanlane_core::job::quote::quote;

impl Session {
    pub(in crate::session) fn handle_preset(&mut self, command: PresetCommand) {
        match command {
            PresetCommand::Open(id) => self.open_preset(id),
            PresetCommand::Save => match self.editor.saved_origin().cloned() {
                Some(id) => self.save(|session, job| session.presets.overwrite(&id, job)),
                None => {
                    let name = self.editor.draft().name.clone();
                    self.save(|session, job| session.presets.save_new(&name, job));
                }
            },
            PresetCommand::SaveAs(name) => self.save(|session, job| session.presets.save_new(&name, job)),
            PresetCommand::Rename(id, name) => self.rename_preset(&id, &name),
            PresetCommand::Duplicate(id) => self.duplicate_preset(&id),
            PresetCommand::Delete(id) => self.delete_preset(id),
            PresetCommand::UndoDelete => self.undo_delete(),
        }
    }

    fn open_preset(&mut self, id: PresetId) {
        match self.presets.get(&id).map(|preset| preset.job.clone()) {
            Some(Ok(job)) => {
                self.job_changes();
                self.notices.succeeded(Topic::OpenJob);
                self.open_job(&job, Origin::Preset(id));
                self.page = Page::JOB;
            }
            Some(Err(error)) => {
                let name = self.presets.name(&id);
                self.notices.show(Notice::error(format!("{name} was not opened. {error}")).about(Topic::OpenJob));
            }
            None => {
                let text = "This preset is gone; it may have been deleted elsewhere.";
                self.notices.show(Notice::error(text).about(Topic::OpenJob));
            }
        }
    }

    fn save(&mut self, write: impl FnOnce(&mut Self, &Job) -> Result<PresetId, String>) {
        let job = match self.editor.to_preset() {
            Ok(job) => job,
            Err(errors) => {
                let first = errors.first().map_or("", |error| error.message.as_str());
                let text = format!("The job was not saved because it has a mistake. {first}");
                return self.notices.show(Notice::mistake(text));
            }
        };
        match write(self, &job) {
            Ok(id) => {
                self.job_changes();
                let saved = self.presets.get(&id).and_then(|preset| preset.job.as_ref().ok());
                self.editor.saved(id.clone(), saved);
                self.remember_job();
                let name = self.presets.name(&id);
                let word = quote(name.as_bytes().into());
                let text = format!("Saved {name:?}. In a terminal, fanlane run --preset {word} runs it.");
                self.notices.show(Notice::info(text).about(Topic::Presets));
            }
            Err(error) => {
                self.notices.show(Notice::error(format!("The job was not saved. {error}")).about(Topic::Presets))
            }
        }
    }

    fn rename_preset(&mut self, id: &PresetId, name: &str) {
        match self.presets.rename(id, name) {
            Ok(renamed) => {
                self.notices.succeeded(Topic::Presets);
                if self.editor.saved_origin() == Some(id) {
                    let name = self.presets.name(&renamed).to_owned();
                    self.editor.preset_renamed(renamed.clone(), name);
                }
                self.editor.preset_moved(id, Some(&renamed));
            }
            Err(error) => {
                let name = self.presets.name(id);
                self.notices.show(Notice::error(format!("{name:?} was not renamed. {error}")).about(Topic::Presets));
            }
        }
    }

    fn duplicate_preset(&mut self, id: &PresetId) {
        let notice = match self.presets.duplicate(id) {
            Ok(copy) => Notice::info(format!("Saved a copy as {:?}.", self.presets.name(&copy))),
            Err(error) => Notice::error(format!("{:?} was not copied. {error}", self.presets.name(id))),
        };
        self.notices.show(notice.about(Topic::Presets));
    }

    fn delete_preset(&mut self, id: PresetId) {
        let name = self.presets.name(&id).to_owned();
        let notice = match self.presets.delete(&id) {
            Ok(()) => {
                if self.editor.saved_origin() == Some(&id) {
                    // The job stays open and can be saved anew.
                    self.editor.set_preset(None);
                }
                self.editor.preset_moved(&id, None);
                Notice { undo_delete: Some(id), ..Notice::info(format!("Deleted {name:?}.")) }
            }
            Err(error) => Notice::error(format!("{name:?} was not deleted. {error}")),
        };
        self.notices.show(notice.about(Topic::Presets));
    }

    fn undo_delete(&mut self) {
        match self.presets.restore() {
            Ok(name) => {
                self.notices.remove_undo();
                if self.editor.origin().is_none() && self.editor.draft().name == name {
                    // The job of the deleted preset is still open: it is that preset's again.
                    let restored = self.presets.saved().iter().find(|preset| preset.name == name);
                    self.editor.set_preset(restored.map(|preset| preset.id.clone()));
                }
                self.notices.show(Notice::info(format!("Restored {name:?}.")));
            }
            Err(error) => self.notices.show(Notice::error(format!("The preset was not restored. {error}"))),
        }
    }
}
