//! Files of tasks that run on other hosts: what is brought there before a task, what is brought back after it, and where it runs.
//! The names and the meaning are those of GNU parallel.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The folder that stands for one of its own for each task.
pub const OWN_FOLDER: &str = "...";

/// The files of a job's tasks on other hosts. On this machine they mean nothing: the files are here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteFiles {
    /// Templates of the files that a task is brought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transfer: Vec<String>,
    /// Templates of the files that are brought back when a task is done.
    #[serde(rename = "return", skip_serializing_if = "Vec::is_empty")]
    pub returned: Vec<String>,
    /// What was brought there is removed after the task, and what was brought back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cleanup: bool,
    /// The files that each host is brought before its first task.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<String>,
    /// A template of the folder there that a task runs in and that names of files are relative to; `None`: the home folder;
    /// [`OWN_FOLDER`]: one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
}

impl RemoteFiles {
    /// Whether nothing is asked for.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a task has to be told something of it.
    pub fn concerns_tasks(&self) -> bool {
        !self.transfer.is_empty() || !self.returned.is_empty() || self.workdir.is_some()
    }

    /// The folder of the base files; `None`: the home folder, also where each task has a folder of its own.
    pub fn base_folder(&self) -> Option<&str> {
        self.workdir.as_deref().filter(|folder| *folder != OWN_FOLDER && !folder.contains('{'))
    }
}

/// The files of one task, with the names as its templates make them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFiles {
    /// The folder there that it runs in; `None`: the home folder.
    pub workdir: Option<ByteBuf>,
    /// The folder is for this task alone.
    pub owns_workdir: bool,
    /// What is brought there before it.
    pub transfer: Vec<ByteBuf>,
    /// What is brought back after it.
    pub returned: Vec<ByteBuf>,
    /// What is removed there after it.
    pub removed: Vec<ByteBuf>,
}

/// Where a file is there by its name, below the folder that a task runs in: a name with `/./` in it is relative from there on, and an
/// absolute one is the same here and there.
pub fn path_there(workdir: &Path, name: &[u8]) -> PathBuf {
    let name: Cow<'_, [u8]> = match name.windows(3).position(|part| part == b"/./") {
        Some(place) => Cow::Borrowed(&name[place + 3..]),
        None if name.starts_with(b"/") => return path_of(name),
        None => Cow::Borrowed(name),
    };
    let mut relative = &*name;
    while let Some(rest) = relative.strip_prefix(b"./").or_else(|| relative.strip_prefix(b"/")) {
        relative = rest;
    }
    workdir.join(path_of(relative))
}

/// A path of these bytes.
pub fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_folder_as_the_manual_of_parallel_says() {
        for (name, there) in [
            ("/tmp/foo/bar", "/tmp/foo/bar"),
            ("tmp/foo/bar", "/home/user/tmp/foo/bar"),
            ("/tmp/./foo/bar", "/home/user/foo/bar"),
            ("tmp/./foo/bar", "/home/user/foo/bar"),
            ("./bar", "/home/user/bar"),
            ("-x y\n'", "/home/user/-x y\n'"),
        ] {
            assert_eq!(path_there(Path::new("/home/user"), name.as_bytes()), Path::new(there), "{name}");
        }
    }
}
