//! Jobs of one's own: an empty one, one from a pasted command line of GNU parallel or xargs, and dropped files as inputs.

use std::path::{Path, PathBuf};

use super::job_editor::{InputDraft, InputKind, JobEditor};
use super::notices::{Notice, Topic, sentence};
use super::{Page, Session};
use fanlane_core::job::Job;
use fanlane_core::job::import::{ImportError, Imported, Word, import_parallel, import_xargs, shell_words};

/// Ending of job files.
const JOB_ENDING: &str = "ron";

/// The other program whose command line this is; `None` for any other line.
pub fn other_program(line: &str) -> Option<&'static str> {
    let words = shell_words(line.trim()).ok()?;
    let name = |word: &Word| word.text.rsplit('/').next().unwrap_or_default().to_owned();
    let starts =
        words.iter().enumerate().filter(|(at, _)| *at == 0 || (words[at - 1].operator && words[at - 1].text == "|"));
    let mut names = starts.map(|(_, word)| name(word));
    names.find_map(|name| ["parallel", "xargs"].into_iter().find(|known| *known == name))
}

/// What dropped files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// A job file.
    Job(PathBuf),
    /// Inputs of the open job.
    Inputs(Vec<PathBuf>),
}

impl Dropped {
    /// A single job file is opened; anything else becomes inputs. `None` for nothing.
    pub fn of(files: Vec<PathBuf>) -> Option<Self> {
        match &*files {
            [] => None,
            [file] if file.extension().is_some_and(|ending| ending == JOB_ENDING) => Some(Self::Job(file.clone())),
            _ => Some(Self::Inputs(files)),
        }
    }
}

impl Session {
    /// A path as it is typed: `~/` is the home folder, and a relative one begins where the program was started.
    pub fn path_of(&self, typed: &str) -> PathBuf {
        let home = || typed.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
        home().unwrap_or_else(|| PathBuf::from(typed))
    }

    /// Whether a job file can be opened.
    ///
    /// # Errors
    /// Why it cannot, as a sentence.
    pub fn can_open(&self, file: &Path) -> Result<(), String> {
        Job::load(file).map(|_| ()).map_err(|error| format!("The job was not opened. {error}"))
    }

    pub(super) fn new_job(&mut self) {
        self.job_changes();
        self.notices.succeeded(Topic::OpenJob);
        self.remember_values();
        self.editor.keep_for_undo();
        self.editor.open_new();
        self.page = Page::JOB;
    }

    /// Makes a job of a command line of another program; what could not be taken over is told.
    pub(super) fn import_line(&mut self, line: &str) {
        let imported = match import(line) {
            Ok(imported) => imported,
            Err(error) => {
                let text = format!("No job was made of the line. {}", sentence(&error.to_string()));
                return self.notices.show(Notice::error(text).about(Topic::OpenJob));
            }
        };
        self.job_changes();
        self.remember_values();
        self.notices.succeeded(Topic::OpenJob);
        self.editor.import(&imported.job);
        self.page = Page::JOB;
        let text = if imported.notes.is_empty() {
            "The line is a job now, with all of its options.".to_owned()
        } else {
            let remarks = imported.notes.iter().map(|note| format!("\n{}: {}.", note.what, note.meaning));
            format!("The line is a job now, but not all of it could be taken over:{}", remarks.collect::<String>())
        };
        self.notices.show(Notice { undo_edit: true, ..Notice::info(text) }.about(Topic::OpenJob));
    }

    /// Makes dropped files the inputs of the open job.
    pub(super) fn take_files(&mut self, files: &[PathBuf]) {
        let mut names = Vec::with_capacity(files.len());
        for file in files {
            match file.to_str().filter(|name| !name.contains(['\n', '\r'])) {
                Some(name) => names.push(name),
                None => {
                    let text = format!(
                        "No file was added. The name {:?} cannot stand in a list: write the names into a file, each ended by \
                         a NUL byte, and read it as records of a file.",
                        file.file_name().unwrap_or_default()
                    );
                    return self.notices.show(Notice::error(text).about(Topic::Files));
                }
            }
        }
        self.job_changes();
        self.remember_values();
        self.editor.keep_for_undo();
        if self.editor.is_untouched_example() {
            // Files mean nothing to it.
            self.editor.open_new();
        }
        let mut draft = self.editor.draft().clone();
        let is_files = |input: &InputDraft| {
            input.kind == InputKind::List && input.values.lines().all(|line| Path::new(line).is_absolute())
        };
        let files = match files.len() {
            1 => "The file is".to_owned(),
            count => format!("{count} files are"),
        };
        let text = match &mut *draft.inputs {
            [input] if is_files(input) => {
                let end = if input.values.is_empty() || input.values.ends_with('\n') { "" } else { "\n" };
                input.values += &format!("{end}{}", names.join("\n"));
                format!("{files} added to the inputs.")
            }
            inputs => {
                let text = if inputs.is_empty() {
                    format!("{files} the inputs of the job now.")
                } else {
                    format!("{files} the inputs of the job now, in place of the earlier ones.")
                };
                let values = names.join("\n");
                draft.inputs = vec![InputDraft { kind: InputKind::List, values, ..InputDraft::default() }];
                text
            }
        };
        self.editor.edit(draft);
        self.page = Page::JOB;
        self.notices.show(Notice { undo_edit: true, ..Notice::info(text) }.about(Topic::Files));
    }

    /// Chooses a path as the value of a parameter of the open job, if it still has that.
    pub fn set_value(&mut self, parameter: String, path: &Path) {
        let Some(text) = path.to_str() else {
            let text = format!("The path {} is not Unicode, so it cannot be a value.", path.display());
            return self.notices.show(Notice::error(text).about(Topic::Files));
        };
        if self.editor.draft().parameters.iter().any(|one| one.name == parameter) {
            self.edit(|draft| drop(draft.values.insert(parameter, text.to_owned())));
        }
    }

    /// The desktop has no dialog for files.
    pub fn tell_no_dialog(&mut self) {
        let text = "This desktop has no dialog for files: type the path.";
        self.notices.show(Notice::mistake(text).about(Topic::Files));
    }

    /// Takes back the last change of the open job.
    pub(super) fn undo_edit(&mut self) {
        self.step(JobEditor::undo, "undone", "There is nothing to undo: the open job was not changed.");
    }

    /// Makes the change again that was undone last.
    pub(super) fn redo_edit(&mut self) {
        self.step(JobEditor::redo, "made again", "There is nothing to redo: no change of the open job was undone.");
    }

    fn step(&mut self, step: impl FnOnce(&mut JobEditor) -> bool, done: &str, nothing: &str) {
        self.job_changes();
        self.notices.remove_undo_of_edit();
        if !step(&mut self.editor) {
            self.notices.show(Notice::info(nothing));
        } else if self.page != Page::JOB {
            // The change is not seen on another page.
            let name = self.editor.shown_name();
            self.notices.show(Notice::info(format!("The last change of the open job was {done}. It is {name} now.")));
        }
        self.remember_job();
    }
}

fn import(line: &str) -> Result<Imported, ImportError> {
    let words = shell_words(line.trim())?;
    match other_program(line) {
        Some("xargs") => import_xargs(&words),
        _ => import_parallel(&words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_parallel_and_xargs_are_told_from_others() {
        for (line, program) in [
            ("parallel -j4 gzip ::: a b", Some("parallel")),
            (" /usr/bin/parallel echo ::: 1", Some("parallel")),
            ("find . -name '*.c' | xargs -n1 wc", Some("xargs")),
            ("ls | parallel gzip", Some("parallel")),
            ("gzip -k {}", None),
            ("echo parallel", None),
            ("echo 'open", None),
            ("", None),
        ] {
            assert_eq!(other_program(line), program, "{line}");
        }
    }

    #[test]
    fn one_job_file_is_a_job_and_everything_else_is_inputs() {
        let path = PathBuf::from;
        assert_eq!(Dropped::of(Vec::new()), None);
        assert_eq!(Dropped::of(vec![path("/a.ron")]), Some(Dropped::Job(path("/a.ron"))));
        for files in [vec![path("/a.jpg")], vec![path("/a.ron"), path("/b.ron")], vec![path("/a")]] {
            assert_eq!(Dropped::of(files.clone()), Some(Dropped::Inputs(files)));
        }
    }
}
