//! What the window remembers of itself from one start to the next, in one small file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Session;
use super::notices::Notice;

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

/// The settings of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    theme: ThemeChoice,
}

/// The settings with their file.
pub(super) struct Settings {
    file: Option<PathBuf>,
    kept: Kept,
}

impl Settings {
    /// Those of a file; the defaults where there is none or it cannot be read.
    pub(super) fn open(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let kept = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, kept }
    }

    fn save(&self) -> std::io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut new, &self.kept)?;
        new.flush()?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    }
}

impl Session {
    /// The theme of the window.
    pub const fn theme(&self) -> ThemeChoice {
        self.settings.kept.theme
    }

    pub(super) fn set_theme(&mut self, theme: ThemeChoice) {
        self.settings.kept.theme = theme;
        if let Err(error) = self.settings.save() {
            let text = format!("The theme is not remembered: the settings cannot be written: {error}.");
            self.notices.show(Notice::error(text));
        }
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
        settings.save().expect("written");
        assert_eq!(Settings::open(Some(file.clone())).kept.theme, ThemeChoice::Light);
        std::fs::write(&file, "{\"theme\": \"dar").expect("written");
        assert_eq!(Settings::open(Some(file)).kept.theme, ThemeChoice::System);
    }
}
