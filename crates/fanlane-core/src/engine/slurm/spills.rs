//! Whole streams that are too long for records: from the folder of the batch to the one that the run's owner has named, under the
//! names that the run gives them.

use std::fs;
use std::io;
use std::path::Path;

use super::driver::Driver;
use super::folder::ElementLife;
use super::records::ElementFrame;
use crate::event::{AttemptRecord, Spill, StreamName, spill_name};

impl Driver {
    /// Fetches the whole streams of the attempts that a frame tells of.
    pub(super) fn fetch_whole_streams(&self, life: ElementLife, frame: &mut ElementFrame) {
        match frame {
            ElementFrame::Finished(records) => records.iter_mut().for_each(|record| self.fetch(life, record)),
            ElementFrame::Retried(record) => self.fetch(life, record),
            _ => {}
        }
    }

    fn fetch(&self, life: ElementLife, record: &mut AttemptRecord) {
        let Some(output) = &mut record.output else { return };
        for name in StreamName::BOTH {
            let stream = match name {
                StreamName::Stdout => &mut output.stdout,
                StreamName::Stderr => &mut output.stderr,
            };
            if stream.spill != Spill::Kept {
                continue;
            }
            let from = self.requests.folder.spilled(life, record.task, record.attempt, name);
            let attempt = record.attempt + self.coordinator.earlier_attempts(record.task);
            stream.spill = match &self.spill_folder {
                None => Spill::None,
                Some(folder) => match move_into(&from, folder, &spill_name(record.task, attempt, name)) {
                    Ok(()) => Spill::Kept,
                    Err(error) => Spill::Failed(error.to_string().into()),
                },
            };
        }
    }
}

/// Moves a file, also to another file system; the name is that of the whole file or of none.
fn move_into(from: &Path, folder: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let to = folder.join(name);
    if fs::rename(from, &to).is_ok() {
        return Ok(());
    }
    let part = folder.join(format!("{name}.part"));
    let copied = fs::copy(from, &part).and_then(|_| fs::rename(&part, &to));
    if copied.is_err() {
        let _ = fs::remove_file(&part);
    }
    let _ = fs::remove_file(from);
    copied
}
