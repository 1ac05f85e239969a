//! The objects that tasks share, as typed: one a line.

use std::collections::BTreeMap;

use crate::job::{Job, SharedSpec};

use super::{Field, FieldError};

/// The objects that tasks share, as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedDraft {
    /// Objects, one a line: `seen = Set`.
    pub objects: String,
}

impl SharedDraft {
    pub(super) fn from_job(job: &Job) -> Self {
        Self { objects: job.shared.iter().map(|(name, spec)| format!("{name} = {spec}\n")).collect() }
    }

    /// How many objects there are.
    pub fn filled(&self) -> usize {
        self.objects.lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// Puts what the field says into the job.
    pub(super) fn lay_over(&self, job: &mut Job, opened: &Job, errors: &mut Vec<FieldError>) {
        if *self == Self::from_job(opened) {
            job.shared = opened.shared.clone();
            return;
        }
        let mut found = BTreeMap::new();
        for line in self.objects.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let message = match line.split_once('=') {
                None => format!("{line:?} has no kind: type NAME = KIND, such as seen = Set or count = Value(0)."),
                Some((name, kind)) => match kind.trim().parse::<SharedSpec>() {
                    Err(message) => super::sentence(&message),
                    Ok(spec) => match found.insert(name.trim().to_owned(), spec) {
                        None => continue,
                        Some(_) => format!("{:?} is there twice: remove one of the two.", name.trim()),
                    },
                },
            };
            errors.push(FieldError { field: Field::Shared, message });
        }
        job.shared = found;
    }
}
