//! From a job with parameters to one with their values: fields with plain texts get them here; templates get them as they
//! are read, see [`Template::filled`](crate::job::Template::filled), so that each is quoted for its reader.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::kind::Inserted;
use super::{ParameterError, ParameterKind, SETTABLE, is_name, problem_of_values};
use crate::job::field::{Field, INPUTS, VALUES, WORKING_DIR};
use crate::job::{Input, Job};

/// What stands before the name of a parameter in braces.
pub(in crate::job) const SIGN: char = '@';

/// The values of a job's parameters, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterValues(BTreeMap<String, Inserted>);

/// What a plain text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Plain,
    /// What a path holds is no wildcard in it.
    Pattern,
    /// A value that is an absolute path stands for all of it, as where paths are joined.
    Path,
}

/// A value that cannot be used, and the field of the job that it was found in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct FillError {
    /// The field.
    pub field: &'static Field,
    /// What is wrong.
    #[source]
    pub error: Box<ParameterError>,
}

impl From<ParameterError> for FillError {
    fn from(error: ParameterError) -> Self {
        Self { field: &VALUES, error: Box::new(error) }
    }
}

impl ParameterValues {
    /// Those of a job.
    ///
    /// # Errors
    /// When one is missing, or is none that its parameter takes.
    pub fn of(job: &Job) -> Result<Self, ParameterError> {
        if let Some(error) = problem_of_values(&job.parameters, &job.values) {
            return Err(error);
        }
        let values = job.parameters.iter().map(|parameter| {
            let value = parameter.inserted(parameter.value(&job.values))?;
            Ok((parameter.name.clone(), value))
        });
        values.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the job has no parameters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::job) fn get(&self, name: &str) -> Option<&Inserted> {
        self.0.get(name)
    }

    pub(in crate::job) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A plain text with the values in it.
    fn text(&self, text: &str, kind: TextKind) -> Result<String, ParameterError> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("{@") {
            let (before, braced) = rest.split_at(start);
            filled += before;
            let name = braced[2..].split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
            let Some(name) = name else {
                filled += "{@";
                rest = &braced[2..];
                continue;
            };
            match self.get(name) {
                Some(Inserted::Path(path)) if kind == TextKind::Pattern => filled += &glob::Pattern::escape(path),
                Some(value) if kind == TextKind::Path && value.text().starts_with('/') && filled.ends_with('/') => {
                    value.text().clone_into(&mut filled);
                }
                Some(value) => filled += value.text(),
                None => return Err(ParameterError::unknown(name, self.names())),
            }
            rest = &braced[name.len() + 3..];
        }
        Ok(filled + rest)
    }

    fn path(&self, path: &Path) -> Result<PathBuf, ParameterError> {
        // A path that is no text holds no parameter.
        path.to_str().map_or_else(|| Ok(path.to_owned()), |text| self.text(text, TextKind::Path).map(PathBuf::from))
    }

    fn input(&self, input: &Input) -> Result<Input, ParameterError> {
        let text = |text: &String| self.text(text, TextKind::Plain);
        Ok(match input.clone() {
            Input::List(values) => Input::List(values.iter().map(text).collect::<Result<_, _>>()?),
            Input::Numbers(first, last) => Input::Numbers(text(&first)?, text(&last)?),
            Input::Lines(path) => Input::Lines(self.path(&path)?),
            Input::Glob(pattern) => Input::Glob(self.text(&pattern, TextKind::Pattern)?),
            Input::Csv(path) => Input::Csv(self.path(&path)?),
            Input::Json(path) => Input::Json(self.path(&path)?),
            Input::Table { file: Some(file), format, separator, encoding } => {
                Input::Table { file: Some(self.path(&file)?), format, separator, encoding }
            }
            Input::Records { file: Some(file), separator, encoding, skip, until } => {
                Input::Records { file: Some(self.path(&file)?), separator, encoding, skip, until }
            }
            Input::Columns { from, separator, header, trim } => {
                Input::Columns { from: Box::new(self.input(&from)?), separator, header, trim }
            }
            Input::Linked(inputs) => {
                Input::Linked(inputs.iter().map(|input| self.input(input)).collect::<Result<_, _>>()?)
            }
            other => other,
        })
    }
}

/// The job with the values of its parameters in its inputs, its working folder, and the fields that they set. Its templates
/// still hold `{@name}`; the values are for these.
pub(in crate::job) fn fill(job: &Job) -> Result<(Cow<'_, Job>, ParameterValues), FillError> {
    let values = ParameterValues::of(job)?;
    if values.is_empty() {
        return Ok((Cow::Borrowed(job), values));
    }
    let mut filled = job.clone();
    let inputs = job.inputs.iter().map(|input| values.input(input)).collect::<Result<_, _>>();
    filled.inputs = inputs.map_err(|error| FillError { field: &INPUTS, error: Box::new(error) })?;
    let folder = job.working_dir.as_deref().map(|folder| values.path(folder)).transpose();
    filled.working_dir = folder.map_err(|error| FillError { field: &WORKING_DIR, error: Box::new(error) })?;
    for parameter in &job.parameters {
        let Some(field) = SETTABLE.into_iter().find(|field| field.key == parameter.sets) else { continue };
        let value = values.get(&parameter.name).map_or("", Inserted::text);
        if value.is_empty() || field.get(job) != field.get(&Job::default()) {
            continue;
        }
        let refused = |reason: String| ParameterError::Field {
            name: parameter.name.clone(),
            field: field.key,
            value: value.to_owned(),
            reason,
        };
        field.set(&mut filled, value).map_err(|problem| refused(problem.message))?;
        if let Some(problem) = field.check(&filled, u32::MAX) {
            return Err(refused(problem.message).into());
        }
    }
    Ok((Cow::Owned(filled), values))
}

/// Whether the files and folders that parameters name are there, below `working_dir`; those that name this folder itself have led
/// to it already.
pub(in crate::job) fn check_paths(job: &Job, working_dir: &Path) -> Result<(), ParameterError> {
    let of_folder = job.working_dir.as_deref().and_then(Path::to_str).unwrap_or_default();
    job.parameters.iter().try_for_each(|parameter| {
        if of_folder.contains(&format!("{{{SIGN}{}}}", parameter.name)) {
            return Ok(());
        }
        let value = parameter.value(&job.values);
        let path = working_dir.join(value);
        let (is_there, expected) = match parameter.kind {
            ParameterKind::File => (path.exists() && !path.is_dir(), "file"),
            ParameterKind::Folder => (path.is_dir(), "folder"),
            _ => return Ok(()),
        };
        if is_there || value.is_empty() {
            return Ok(());
        }
        Err(ParameterError::NotThere { name: parameter.name.clone(), value: value.to_owned(), path, expected })
    })
}
