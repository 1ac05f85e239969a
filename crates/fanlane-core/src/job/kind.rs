//! The kinds of task: one row for each, with the answers to what can be asked about it. What distinguishes a command from
//! a call anywhere in the program is asked here, so that a further kind is one row more and one variant of
//! [`TaskTemplate`], and the compiler names every place that has to know more than the row says.
//!
//! How tasks of a kind are run is the engine's.

use super::TaskTemplate;
use super::shell::Shell;
use super::template::{Template, TemplateError};

/// What is true of all tasks of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindTraits {
    /// The kind's name among the executors of the workers.
    pub name: &'static str,
    /// The kind's name in the window.
    pub label: &'static str,
    /// What a task of it does, as a sentence without its full stop.
    pub help: &'static str,
    /// It is given a command line: for a shell, or split into words. Otherwise it is given the values of its row.
    pub is_command_line: bool,
    /// It is a process of its own, with its own environment, standard input and limits, and can be ended without its worker.
    pub has_own_process: bool,
    /// It ends with an exit code or a signal.
    pub has_exit_code: bool,
    /// It prints: its output is kept.
    pub prints: bool,
    /// It returns a value.
    pub returns_value: bool,
}

/// Declares the kinds: the enum, the list of all and their traits, from one row each.
macro_rules! task_kinds {
    ($($(#[$doc:meta])* $kind:ident { $($field:ident: $value:expr,)* })*) => {
        /// A kind of task.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum TaskKind {
            $($(#[$doc])* $kind,)*
        }

        impl TaskKind {
            /// All kinds, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// What is true of all tasks of this kind.
            pub const fn traits(self) -> &'static KindTraits {
                match self {
                    $(Self::$kind => &KindTraits { $($field: $value),* },)*
                }
            }
        }
    };
}

task_kinds! {
    /// A command line.
    #[default]
    Command {
        name: "command",
        label: "Command",
        help: "A command line for the shell, once for each input",
        is_command_line: true,
        has_own_process: true,
        has_exit_code: true,
        prints: true,
        returns_value: false,
    }
    /// A call of a built-in workload.
    Workload {
        name: "workload",
        label: "Workload",
        help: "A built-in piece of work: for races and for trying things out",
        is_command_line: false,
        has_own_process: false,
        has_exit_code: false,
        prints: false,
        returns_value: true,
    }
    /// A call of a Python function.
    Python {
        name: "python",
        label: "Python function",
        help: "A Python function of a file or a module, called once for each input in interpreters that are kept",
        is_command_line: false,
        has_own_process: true,
        has_exit_code: true,
        prints: true,
        returns_value: true,
    }
}

impl TaskTemplate {
    /// The kind of the tasks.
    pub const fn kind(&self) -> TaskKind {
        match self {
            Self::Command(_) => TaskKind::Command,
            Self::Workload(_) => TaskKind::Workload,
            Self::Python(_) => TaskKind::Python,
        }
    }

    /// The name of what is called with each task's values; `None` where the whole command line differs from task to task.
    pub fn callee(&self) -> Option<&str> {
        match self {
            Self::Command(_) => None,
            Self::Workload(spec) => Some(&spec.name),
            Self::Python(spec) => spec.script.is_none().then_some(&spec.function),
        }
    }

    /// What the tasks do, on one line.
    pub fn title(&self) -> &str {
        match self {
            Self::Command(script) => script.trim().lines().next().unwrap_or_default(),
            Self::Workload(spec) => &spec.name,
            Self::Python(spec) => spec.callee(),
        }
    }

    /// The template of the command line; `None` for a kind that is given the values themselves.
    ///
    /// # Errors
    /// When the template cannot be read.
    pub(super) fn command_line(&self, shell: &Shell) -> Result<Option<Template>, TemplateError> {
        match self {
            Self::Command(line) if shell.is_used() => Template::parse_for(line, shell.quoting()).map(Some),
            Self::Command(line) => Template::parse_words(line).map(Some),
            Self::Workload(_) | Self::Python(_) => Ok(None),
        }
    }

    /// Why it is only to be looked at, and cannot be run: what it is made of was never in the job.
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Self::Command(_) | Self::Workload(_) => None,
            Self::Python(spec) => spec.obstacle(),
        }
    }

    /// Why no task of it can run, if that is so.
    pub(super) fn problem(&self, shell: &Shell) -> Option<String> {
        match self {
            Self::Command(_) => self.command_line(shell).err().map(|error| error.to_string()),
            Self::Workload(spec) => spec.check().err().map(|error| error.to_string()),
            Self::Python(spec) => spec.problem(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{PythonSpec, WorkloadSpec};

    #[test]
    fn each_kind_leaves_a_result_of_its_own() {
        for kind in TaskKind::ALL {
            let traits = kind.traits();
            assert!(traits.prints || traits.returns_value, "{kind:?}");
            assert!(!traits.has_exit_code || traits.has_own_process, "{kind:?}");
            assert!(!traits.is_command_line || traits.has_own_process, "{kind:?}");
        }
    }

    #[test]
    fn a_template_says_its_kind_and_its_title() {
        let command = TaskTemplate::Command("\n echo {}\nls".to_owned());
        let call = TaskTemplate::Workload(WorkloadSpec::named("cube"));
        assert_eq!((command.kind(), command.title(), command.callee()), (TaskKind::Command, "echo {}", None));
        assert_eq!((call.kind(), call.title(), call.callee()), (TaskKind::Workload, "cube", Some("cube")));
        let function = TaskTemplate::Python("model.py:square".parse::<PythonSpec>().expect("a place"));
        assert_eq!(
            (function.kind(), function.title(), function.callee()),
            (TaskKind::Python, "square", Some("square"))
        );
        assert_eq!(TaskKind::default(), TaskKind::Command);
    }
}
