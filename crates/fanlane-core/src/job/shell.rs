//! The shell that runs the command lines of a job: which one, how values are quoted for it, and when it can be spared.
//!
//! A job says its shell by name, so that a saved job means the same wherever it is run: without one it is `/bin/sh`. The
//! command line asks for the shell of its caller, as GNU parallel does, and puts its name into the job; which one that is, is
//! found outside.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The program that runs command lines unless another is named.
pub const SH: &str = "/bin/sh";

/// The shell that runs the command lines of a job. In files `true`, `false` or a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shell {
    /// [`SH`].
    #[default]
    Sh,
    /// None: the command line is split into words once, and its program is started directly.
    None,
    /// The program of this name or path; one of those that are known, whose quoting is.
    Named(String),
}

/// How a value is written so that a shell reads it as one literal word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quoting {
    /// `sh` and its kin.
    #[default]
    Posix,
    /// `fish`, in whose quotes a backslash has a meaning.
    Fish,
    /// `csh` and `tcsh`, in whose quotes `!` and a line end have one.
    Csh,
}

/// What is known of a shell.
struct Known {
    names: &'static [&'static str],
    quoting: Quoting,
    /// It does with a simple command line what starting the program does: it reads no file of the user's first, and has no
    /// commands of its own but those that are known.
    is_spared: bool,
}

static KNOWN: [Known; 5] = [
    Known { names: &["sh", "dash", "ash", "posh"], quoting: Quoting::Posix, is_spared: true },
    Known { names: &["bash"], quoting: Quoting::Posix, is_spared: true },
    Known {
        names: &["zsh", "ksh", "ksh93", "mksh", "lksh", "pdksh", "oksh", "yash", "rbash", "rzsh"],
        quoting: Quoting::Posix,
        is_spared: false,
    },
    Known { names: &["fish"], quoting: Quoting::Fish, is_spared: false },
    Known { names: &["csh", "tcsh", "bsd-csh"], quoting: Quoting::Csh, is_spared: false },
];

/// A shell that is not known: how a value is quoted for it is not, either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no shell whose quoting is known; name one of {names}", names = names())]
pub struct UnknownShell(String);

fn names() -> String {
    let names: Vec<&str> = KNOWN.iter().flat_map(|known| known.names).copied().collect();
    names.join(", ")
}

fn known(program: &str) -> Option<&'static Known> {
    let name = program.rsplit('/').next().unwrap_or_default();
    KNOWN.iter().find(|known| known.names.contains(&name))
}

impl Shell {
    /// Whether there is one.
    pub fn is_used(&self) -> bool {
        *self != Self::None
    }

    /// The program to be started; `None` without a shell.
    pub fn program(&self) -> Option<&str> {
        match self {
            Self::Sh => Some(SH),
            Self::None => None,
            Self::Named(program) => Some(program),
        }
    }

    /// How values are quoted for it.
    pub fn quoting(&self) -> Quoting {
        self.program().and_then(known).map_or_else(Quoting::default, |known| known.quoting)
    }

    /// Whether a simple command line can do without it: see [`Known`]. `bash` reads a file first where `BASH_ENV` names one.
    pub fn is_spared(&self, variable: impl Fn(&str) -> bool) -> bool {
        let is_bash = self.program().is_some_and(|program| program.rsplit('/').next() == Some("bash"));
        self.program().and_then(known).is_some_and(|known| known.is_spared) && !(is_bash && variable("BASH_ENV"))
    }

    /// The shell of this name or path.
    ///
    /// # Errors
    /// [`UnknownShell`].
    pub fn named(program: &OsStr) -> Result<Self, UnknownShell> {
        let unknown = || UnknownShell(program.display().to_string());
        let text = program.to_str().ok_or_else(unknown)?;
        known(text).ok_or_else(unknown)?;
        Ok(if text == "sh" || text == SH { Self::Sh } else { Self::Named(text.to_owned()) })
    }

    /// Why it cannot be used, if that is so.
    pub(super) fn problem(&self) -> Option<String> {
        let Self::Named(program) = self else { return None };
        Self::named(program.as_ref()).err().map(|unknown| unknown.to_string())
    }
}

impl FromStr for Shell {
    type Err = UnknownShell;

    /// `false` is none, an empty text and `true` are [`SH`], any other text is a name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" | "true" => Ok(Self::Sh),
            "false" => Ok(Self::None),
            name => Self::named(name.as_ref()),
        }
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sh => "",
            Self::None => "false",
            Self::Named(name) => name,
        })
    }
}

impl Serialize for Shell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => serializer.serialize_str(name),
            Self::Sh | Self::None => serializer.serialize_bool(self.is_used()),
        }
    }
}

impl<'de> Deserialize<'de> for Shell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShellVisitor;
        impl Visitor<'_> for ShellVisitor {
            type Value = Shell;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or the name of a shell, such as \"bash\"")
            }
            fn visit_bool<E: Error>(self, used: bool) -> Result<Shell, E> {
                Ok(if used { Shell::Sh } else { Shell::None })
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Shell, E> {
                // One that is not known is told with the job's other problems.
                Ok(Shell::named(name.as_ref()).unwrap_or_else(|_| Shell::Named(name.to_owned())))
            }
        }
        deserializer.deserialize_any(ShellVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_its_name_wherever_it_lies() {
        for (name, shell) in [
            ("sh", Shell::Sh),
            ("/bin/sh", Shell::Sh),
            ("bash", Shell::Named("bash".to_owned())),
            ("/opt/bin/zsh", Shell::Named("/opt/bin/zsh".to_owned())),
        ] {
            assert_eq!(Shell::named(name.as_ref()), Ok(shell));
        }
        for name in ["nologin", "nu", "", "/bin/", "bash -e", "basher"] {
            let error = Shell::named(name.as_ref()).expect_err(name).to_string();
            assert!(error.contains("no shell whose quoting is known") && error.contains("bash"), "{error}");
        }
        assert_eq!(Shell::Named("tcsh".to_owned()).quoting(), Quoting::Csh);
        assert_eq!(Shell::Named("/usr/bin/fish".to_owned()).quoting(), Quoting::Fish);
    }

    #[test]
    fn a_shell_that_reads_the_files_of_its_user_is_not_spared() {
        let spared =
            |name: &str, has: &[&str]| Shell::Named(name.to_owned()).is_spared(|variable| has.contains(&variable));
        assert!(spared("bash", &[]) && spared("/bin/dash", &["BASH_ENV"]));
        assert!(
            !spared("/bin/bash", &["BASH_ENV"]) && !spared("zsh", &[]) && !spared("fish", &[]) && !spared("tcsh", &[])
        );
        assert!(Shell::Sh.is_spared(|_| true) && !Shell::None.is_spared(|_| false));
    }
}
