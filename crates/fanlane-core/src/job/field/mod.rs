//! The table of a job's fields: one row for each, with everything that the job file's reader, the command line, the window
//! and `docs/job-fields.md` say about it. A new field is one field of [`Job`] (or of [`Control`](super::Control)) and one
//! row here, in the group that says where on the page Job it stands; a test fails while the row is missing.
//!
//! - A field is named by its row, such as [`TIMEOUT_SECS`], and looked up in a file by its [`key`](Field::key).
//! - A flag of `fanlane run` takes its text from the row: `#[arg(long, help = field::DELAY_SECS.help)]`.
//! - The window draws the rows of a group one below the other: a label, a text as [`Field::get`] writes it, the help, and
//!   the [`FieldProblem`] of the field. Only a field that is more than a line of text has code of its own there. Rows
//!   compare by their keys.
//! - What a value has to fulfil is checked here, and nowhere else.
//!
//! The typed value of a field is the field of the job; [`Field::get`] and [`Field::set`] are its text.

mod command;
mod control;
#[cfg(test)]
mod reference;
mod remote_files;
mod run;
mod text;
mod work;

use std::fmt;

use super::{Job, MAX_WORKERS};
pub use command::*;
pub use control::*;
pub use remote_files::*;
pub use run::*;
pub use work::*;

/// A field of a job.
pub struct Field {
    /// Where a job file has it: the names from the outermost field to it, such as `control.limits.cpu_secs`.
    pub key: &'static str,
    /// What it is called beside its value: one to three words.
    pub label: &'static str,
    /// What it means, in a sentence or two, with its unit and its default.
    pub help: &'static str,
    /// The flag of `fanlane run` that sets it; empty where it has none.
    pub flag: &'static str,
    /// A value as text.
    pub example: &'static str,
    /// Which values there are, with their unit: `1 to 1024`. Commands, keys and the like stand in backquotes.
    pub values: &'static str,
    get: fn(&Job) -> String,
    set: fn(&mut Job, &str) -> Result<(), String>,
    check: fn(&Job, u32) -> Option<String>,
}

/// A value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field that holds it.
    pub field: &'static Field,
    /// What is wrong and what is expected, to stand behind the field's name.
    pub message: String,
}

impl Field {
    /// The value as text, such as `90`, `500M` or `now,fail=1`; a list or a map as a job file has it. Empty: not given, or
    /// a count of 0 that means the same.
    pub fn get(&self, job: &Job) -> String {
        (self.get)(job)
    }

    /// Reads the value from a text as [`Field::get`] writes it; texts are also read with their units (`90s`, `500M`).
    /// Whether the value can be used is for [`Field::check`] to say.
    ///
    /// # Errors
    /// When the text has no such value; the job is as it was.
    pub fn set(&'static self, job: &mut Job, text: &str) -> Result<(), FieldProblem> {
        (self.set)(job, text).map_err(|message| FieldProblem { field: self, message: format!("{text:?}: {message}") })
    }

    /// What is wrong with the value in a pool of `workers`.
    pub fn check(&'static self, job: &Job, workers: u32) -> Option<FieldProblem> {
        (self.check)(job, workers).map(|message| FieldProblem { field: self, message })
    }

    /// The field's own name, without the fields that it lies in.
    pub fn name(&self) -> &'static str {
        self.key.rsplit('.').next().unwrap_or(self.key)
    }
}

/// Fields are the same when they stand at the same place of a job file.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Field {}

impl std::hash::Hash for Field {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field.key, self.message)
    }
}

/// Fields that belong together: a part of the page Job, and of the reference.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldGroup {
    /// The title of the part.
    pub title: &'static str,
    /// The fields, in the order in which they are listed.
    pub fields: &'static [&'static Field],
    /// They are about the process of a task, and mean nothing for a kind of task without one.
    pub about_processes: bool,
}

/// All groups, in the order of the page Job.
pub static GROUPS: [&FieldGroup; 9] = [
    &WORK_GROUP,
    &PARAMETER_GROUP,
    &OPTION_GROUP,
    &CONTROL_GROUP,
    &LIMIT_GROUP,
    &COMMAND_GROUP,
    &REMOTE_FILES_GROUP,
    &SHARED_GROUP,
    &ORDER_GROUP,
];

/// All fields, group by group.
pub fn fields() -> impl Iterator<Item = &'static Field> {
    GROUPS.into_iter().flat_map(|group| group.fields).copied()
}

/// The field with this key.
pub fn by_key(key: &str) -> Option<&'static Field> {
    fields().find(|field| field.key == key)
}

impl Job {
    /// Everything that is wrong with the job's values, at most one problem for each field; empty if it can be run.
    ///
    /// Nothing outside the job is looked at: whether its files are there shows when its
    /// [`Batch`](crate::job::Batch) is opened.
    pub fn check(&self) -> Vec<FieldProblem> {
        self.check_in_pool(self.workers.unwrap_or(MAX_WORKERS))
    }

    /// As [`Job::check`], for a pool whose size is known to be `workers`.
    pub fn check_in_pool(&self, workers: u32) -> Vec<FieldProblem> {
        fields().filter_map(|field| field.check(self, workers)).collect()
    }
}

/// Declares a group of fields, each as a row by its own name.
///
/// `GROUP: "title", about_processes, NAME { key: .., .. check: .., }`; `check` may be left out.
macro_rules! field_rows {
    ($group:ident: $title:literal, about_processes: $about_processes:literal, $($name:ident {
        key: $key:literal,
        label: $label:literal,
        help: $help:expr,
        flag: $flag:literal,
        example: $example:literal,
        values: $values:literal,
        get: $get:expr,
        set: $set:expr,
        $(check: $check:expr,)?
    })*) => {
        $(
            #[doc = concat!("The field `", $key, "`.")]
            pub static $name: $crate::job::field::Field = $crate::job::field::Field {
                key: $key,
                label: $label,
                help: $help,
                flag: $flag,
                example: $example,
                values: $values,
                get: $get,
                set: $set,
                check: field_rows!(@check $($check)?),
            };
        )*
        #[doc = concat!("The group '", $title, "'.")]
        pub static $group: $crate::job::field::FieldGroup = $crate::job::field::FieldGroup {
            title: $title,
            fields: &[$(&$name),*],
            about_processes: $about_processes,
        };
    };
    (@check $check:expr) => { $check };
    (@check) => { |_, _| None };
}
use field_rows;

#[cfg(test)]
mod tests;
