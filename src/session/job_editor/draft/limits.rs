//! The fields that limit what a task may take, as typed: the words are those of the command line's flags.

use fanlane_core::job::amount::size_text;
use fanlane_core::job::control::Limits;
use fanlane_core::job::duration;

use super::typed::{Typed, refused};
use super::{Field, FieldError};

/// What a task may take at the most, as it is typed; an empty text is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsDraft {
    /// The memory of each process of a task: `500M`, `4G`.
    pub memory: String,
    /// The CPU time of each process of a task, whole seconds: `90`, `2m`.
    pub cpu: String,
    /// What a task may print: `500M`.
    pub output: String,
}

impl LimitsDraft {
    pub(super) fn from_limits(limits: &Limits) -> Self {
        let text = |value: Option<String>| value.unwrap_or_default();
        Self {
            memory: text(limits.memory_bytes.map(size_text)),
            cpu: text(limits.cpu_secs.map(|secs| secs.to_string())),
            output: text(limits.output_bytes.map(size_text)),
        }
    }

    /// How many of the fields are filled in.
    pub fn filled(&self) -> usize {
        [&self.memory, &self.cpu, &self.output].into_iter().filter(|text| !text.is_empty()).count()
    }

    pub(super) fn to_limits(&self, opened: &Limits, errors: &mut Vec<FieldError>) -> Limits {
        let memory = Typed::size(Field::LimitMemory, &self.memory, opened.memory_bytes.as_ref());
        let cpu = Typed::new(Field::LimitCpu, &self.cpu, opened.cpu_secs.as_ref(), u64::to_string);
        let output = Typed::size(Field::LimitOutput, &self.output, opened.output_bytes.as_ref());
        Limits {
            memory_bytes: memory.read_size(errors),
            cpu_secs: cpu.read(errors, whole_secs),
            output_bytes: output.read_size(errors),
        }
    }
}

/// The system counts CPU time against a limit in whole seconds.
fn whole_secs(typed: &str) -> Result<u64, String> {
    let secs = duration::parse(typed).map_err(|error| refused(typed, &error))?.secs;
    let is_whole = secs.fract() == 0.0 && secs < 1e9;
    is_whole.then_some(secs as u64).ok_or_else(|| refused(typed, "expected whole seconds, for example 90 or 2m"))
}
