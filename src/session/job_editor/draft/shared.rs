//! The objects that tasks share, as typed: one a line, and the memory that they may take.

use std::collections::BTreeMap;

use fanlane_core::job::amount::size_text;
use fanlane_core::job::{Job, SharedSpec};

use super::typed::Typed;
use super::{Field, FieldError};

/// The objects that tasks share, as they are typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedDraft {
    /// Objects, one a line: `seen = Set`.
    pub objects: String,
    /// The memory that they may take together: `500M`; empty: as much as is usual.
    pub memory: String,
}

impl SharedDraft {
    pub(super) fn from_job(job: &Job) -> Self {
        Self {
            objects: job.shared.iter().map(|(name, spec)| format!("{name} = {spec}\n")).collect(),
            memory: job.shared_bytes.map_or_else(String::new, size_text),
        }
    }

    /// How many objects there are, and the limit if there is one.
    pub fn filled(&self) -> usize {
        self.objects.lines().chain([&*self.memory]).filter(|line| !line.trim().is_empty()).count()
    }

    /// Puts what the fields say into the job.
    pub(super) fn merge_into(&self, job: &mut Job, opened: &Job, errors: &mut Vec<FieldError>) {
        let memory = Typed::size(Field::SharedMemory, &self.memory, opened.shared_bytes.as_ref());
        job.shared_bytes = memory.read_size(errors);
        if self.objects == Self::from_job(opened).objects {
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
