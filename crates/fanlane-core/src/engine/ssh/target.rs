//! Which hosts run a batch, and how they are reached: what the command line and target profiles say.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::login::SshLogin;
use crate::job::{WorkerCount, lossless};

/// Hosts, and how they are reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SshTarget {
    /// Hosts by name.
    pub hosts: Vec<SshLogin>,
    /// Files with a host a line, which are read again while a run goes on.
    pub files: Vec<HostFile>,
    /// The program that logs in, with its options; empty: `ssh`.
    pub ssh: Vec<String>,
    /// How many tasks a host runs at a time, by its slots, or its cores where no number was given for it; `None`: as many.
    pub jobs: Option<WorkerCount>,
    /// Variables that all tasks have there besides those of the login.
    pub environment: Vec<(String, String)>,
}

impl SshTarget {
    /// What is wrong with a value in it, if anything is.
    pub(in crate::engine) fn fault(&self) -> Option<String> {
        if self.hosts.is_empty() && self.files.is_empty() {
            return Some("it names no host; write hosts: [\"4/ada\"]".to_owned());
        }
        let relative = self.files.iter().find(|file| file.0.is_relative())?;
        Some(format!("{} in files is relative; write it as an absolute path", relative.0.display()))
    }
}

/// A file with a host a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostFile(#[serde(with = "lossless::path")] pub PathBuf);
