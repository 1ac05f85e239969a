//! What the window remembers of itself from one start to the next, in one small file.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::notices::{Notice, Topic};
use super::presets::PresetId;
use super::scale::Scale;
use super::{Command, Origin, Page, PresetCommand, Session};
use fanlane_core::job::Job;

/// Maximum number of job files that are remembered.
const MAX_FILES: usize = 6;
/// Maximum number of jobs whose values are remembered.
const MAX_FORMS: usize = 50;
/// The pages that have something to show before anything was run.
const PAGES: [Page; 3] = [Page::JOB, Page::RACE, Page::RUNS];

/// Which theme the window has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// That of the desktop.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl ThemeChoice {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// How much moves in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MotionChoice {
    /// As much as the desktop wants.
    #[default]
    System,
    /// Parts slide and fade, the text cursor blinks, and a run is redrawn many times a second.
    Full,
    /// Nothing of that, and a run is redrawn twice a second.
    Reduced,
}

impl MotionChoice {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::System, Self::Full, Self::Reduced];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Full => "Full",
            Self::Reduced => "Reduced",
        }
    }
}

/// What the desktop shows when a run is done while the window is not in focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    /// A message.
    pub shown: bool,
    /// With a sound.
    pub sound: bool,
}

impl Default for Messages {
    fn default() -> Self {
        Self { shown: true, sound: false }
    }
}

/// A job as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptJob {
    /// A built-in example, by its slug.
    Example(String),
    /// A saved job, by its slug.
    Saved(String),
    /// A job file.
    File(PathBuf),
}

impl KeptJob {
    fn of(origin: &Origin) -> Self {
        match origin {
            Origin::Preset(PresetId::BuiltIn(slug)) => Self::Example(slug.as_str().to_owned()),
            Origin::Preset(PresetId::Saved(slug)) => Self::Saved(slug.as_str().to_owned()),
            Origin::File(file) => Self::File(std::path::absolute(file).unwrap_or_else(|_| file.clone())),
        }
    }
}

/// The settings of the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    theme: ThemeChoice,
    scale: Scale,
    motion: MotionChoice,
    messages: Messages,
    /// Width and height in points of the usual size.
    size: Option<[f32; 2]>,
    page: Option<String>,
    job: Option<KeptJob>,
    /// Job files, the one that was opened last first.
    files: Vec<PathBuf>,
    /// The values that were chosen for the parameters of jobs, those of the job that was open last first.
    values: Vec<(KeptJob, BTreeMap<String, String>)>,
}

/// The settings with their file.
pub(super) struct Settings {
    file: Option<PathBuf>,
    kept: Kept,
}

/// The size that the window had when it was closed, in points of the usual size, as the settings in `file` have it.
pub fn remembered_size(file: &Path) -> Option<[f32; 2]> {
    Settings::open(Some(file.to_owned())).kept.size
}

impl Settings {
    /// Those of a file; the defaults where there is none or it cannot be read.
    pub(super) fn open(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let kept = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, kept }
    }

    fn save(&self) -> std::io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| write_json(file, &self.kept))
    }

    /// Notes where the open job came from.
    fn note(&mut self, origin: Option<&Origin>) {
        self.kept.job = origin.map(KeptJob::of);
        if let Some(KeptJob::File(file)) = self.kept.job.clone() {
            self.kept.files.retain(|other| *other != file);
            self.kept.files.insert(0, file);
            self.kept.files.truncate(MAX_FILES);
        }
    }
}

/// Replaces a file as a whole, or leaves it as it is. Only the user can read it, in contrast to what is saved on demand: the command
/// lines and values of jobs may hold secrets.
pub(super) fn write_json(file: &Path, value: &impl Serialize) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut new, value)?;
    new.flush()?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

impl Session {
    /// The theme of the window.
    pub const fn theme(&self) -> ThemeChoice {
        self.settings.kept.theme
    }

    /// The size of everything in the window.
    pub const fn scale(&self) -> Scale {
        self.settings.kept.scale
    }

    /// How much moves in the window.
    pub const fn motion(&self) -> MotionChoice {
        self.settings.kept.motion
    }

    /// What the desktop shows when a run is done.
    pub const fn messages(&self) -> Messages {
        self.settings.kept.messages
    }

    /// The job files that were opened last, the newest first.
    pub fn recent_files(&self) -> &[PathBuf] {
        &self.settings.kept.files
    }

    pub(super) fn set_theme(&mut self, theme: ThemeChoice) {
        self.settings.kept.theme = theme;
        self.save_choice("The theme");
    }

    pub(super) fn set_scale(&mut self, scale: Scale) {
        self.settings.kept.scale = scale;
        self.save_choice("The size");
    }

    pub(super) fn set_motion(&mut self, motion: MotionChoice) {
        self.settings.kept.motion = motion;
        self.save_choice("The choice of motion");
    }

    pub(super) fn set_messages(&mut self, messages: Messages) {
        self.settings.kept.messages = messages;
        self.save_choice("The choice of messages");
    }

    fn save_choice(&mut self, what: &str) {
        match self.settings.save() {
            Ok(()) => self.notices.succeeded(Topic::Settings),
            Err(error) => {
                let text = format!("{what} is not remembered: the settings cannot be written: {error}.");
                self.notices.show(Notice::error(text).about(Topic::Settings));
            }
        }
    }

    /// Remembers the open job. A failure is told with what is chosen by hand, not here.
    pub(super) fn remember_job(&mut self) {
        let before = self.settings.kept.clone();
        self.settings.note(self.editor.origin());
        if self.settings.kept != before {
            drop(self.settings.save());
        }
    }

    /// Opens a job, with the values that were chosen when it was open before.
    pub(super) fn open_job(&mut self, job: &Job, origin: Origin) {
        self.remember_values();
        let of = KeptJob::of(&origin);
        self.editor.keep_for_undo();
        self.editor.open(job, origin);
        if let Some((_, values)) = self.settings.kept.values.iter().find(|(kept, _)| *kept == of) {
            self.editor.recall(values);
        }
        self.remember_job();
    }

    /// Remembers the values that are chosen for the parameters of the open job. A failure is told as in `remember_job`.
    pub(super) fn remember_values(&mut self) {
        let Some(of) = self.editor.origin().map(KeptJob::of) else { return };
        let chosen = &self.editor.draft().values;
        let kept = &mut self.settings.kept.values;
        let known = kept.iter().position(|(job, _)| *job == of);
        if known.map_or_else(|| chosen.is_empty(), |place| kept[place].1 == *chosen) {
            return;
        }
        known.map(|place| kept.remove(place));
        kept.insert(0, (of, chosen.clone()));
        kept.truncate(MAX_FORMS);
        drop(self.settings.save());
    }

    /// Remembers the page and the size of the window, in points of the usual size.
    pub fn remember_window(&mut self, size: Option<[f32; 2]>) {
        self.remember_values();
        let before = self.settings.kept.clone();
        self.settings.kept.page = Some(self.page.title().to_owned());
        self.settings.kept.size = size.or(before.size);
        if self.settings.kept != before {
            drop(self.settings.save());
        }
    }

    /// Opens the job and the page of the last time; false where that job is gone.
    pub(super) fn resume_window(&mut self) -> bool {
        let kept = self.settings.kept.clone();
        let id = |slug: &str, presets: &[super::Preset]| {
            let has_slug =
                |id: &PresetId| matches!(id, PresetId::BuiltIn(own) | PresetId::Saved(own) if own.as_str() == slug);
            presets.iter().find(|preset| has_slug(&preset.id) && preset.job.is_ok()).map(|preset| preset.id.clone())
        };
        let command = match kept.job {
            Some(KeptJob::Example(slug)) => {
                id(&slug, self.presets.built_in()).map(PresetCommand::Open).map(Command::from)
            }
            Some(KeptJob::Saved(slug)) => id(&slug, self.presets.saved()).map(PresetCommand::Open).map(Command::from),
            Some(KeptJob::File(file)) => file.is_file().then_some(Command::OpenJob(file)),
            None => None,
        };
        let Some(command) = command else { return false };
        self.handle(command);
        if self.editor.origin().is_none() {
            // Its file cannot be read any more.
            self.notices.succeeded(Topic::OpenJob);
            return false;
        }
        if let Some(page) = PAGES.into_iter().find(|page| kept.page.as_deref() == Some(page.title())) {
            // The list of runs is read at every start.
            self.page = page;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_remembered_and_a_damaged_file_is_as_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("fanlane").join("window.json");
        let mut settings = Settings::open(Some(file.clone()));
        assert_eq!(settings.kept.theme, ThemeChoice::System);
        settings.kept.theme = ThemeChoice::Light;
        settings.kept.size = Some([1024.0, 640.0]);
        settings.kept.scale = Scale::from(150);
        settings.kept.motion = MotionChoice::Reduced;
        settings.save().expect("written");
        let again = Settings::open(Some(file.clone())).kept;
        assert_eq!((again.theme, again.motion), (ThemeChoice::Light, MotionChoice::Reduced));
        assert_eq!(again.scale.factor(), 1.5);
        assert_eq!(remembered_size(&file), Some([1024.0, 640.0]));
        std::fs::write(&file, "{\"theme\": \"dar").expect("written");
        assert_eq!(Settings::open(Some(file)).kept.theme, ThemeChoice::System);
    }

    #[test]
    fn few_files_are_remembered_each_once_the_newest_first() {
        let mut settings = Settings::open(None);
        for number in [1, 2, 3, 4, 5, 6, 7, 3] {
            settings.note(Some(&Origin::File(format!("/jobs/{number}.ron").into())));
        }
        let names: Vec<String> = settings.kept.files.iter().map(|file| file.display().to_string()).collect();
        assert_eq!(names, [3, 7, 6, 5, 4, 2].map(|number| format!("/jobs/{number}.ron")));
    }
}
