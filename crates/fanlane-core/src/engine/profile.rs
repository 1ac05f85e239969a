//! Target profiles: where a batch runs that does not run on this machine, and with what. They are plain data, which RON files
//! hold; where these lie is the [`store`](crate::store)'s.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ssh::SshTarget;
use crate::job::lossless;

/// A place other than this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub enum TargetProfile {
    /// A cluster that Slurm manages.
    Slurm(SlurmProfile),
    /// Hosts that are reached through ssh.
    Ssh(SshTarget),
}

/// How batches run on a cluster that Slurm manages. Without any field they run in its default partition, with the limits that
/// the cluster has for jobs that ask for none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmProfile {
    /// The partition; `None`: the cluster's default.
    pub partition: Option<String>,
    /// The account that is charged; `None`: the user's default.
    pub account: Option<String>,
    /// Time limit of one element of the array, as `sbatch --time` takes it: `30`, `1:30:00`, `2-0`; `None`: the partition's.
    pub time_limit: Option<String>,
    /// CPUs of one task, 1 or more.
    pub cpus_per_task: u32,
    /// Memory of one task, as `sbatch --mem` takes it: `2G`; `None`: the partition's.
    pub memory_per_task: Option<String>,
    /// Further options of `sbatch`, each a word of its own.
    pub sbatch_flags: Vec<String>,
    /// An absolute folder that all nodes see, in which each batch has one of its own; `None`: `fanlane-slurm` in the home
    /// folder.
    #[serde(with = "lossless::path_option")]
    pub shared_folder: Option<PathBuf>,
    /// Lines of shell that each element runs before its first task: `module load python`.
    pub setup: Vec<String>,
    /// The Python interpreter on the nodes; `None`: Python functions cannot be called there.
    #[serde(with = "lossless::path_option")]
    pub python: Option<PathBuf>,
    /// Intended time of one element, in seconds, by which the number of its tasks is chosen.
    pub chunk_secs: f64,
    /// How many times an element that was lost, preempted or cancelled by the site is submitted again.
    pub resubmissions: u32,
}

impl Default for SlurmProfile {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            time_limit: None,
            cpus_per_task: 1,
            memory_per_task: None,
            sbatch_flags: Vec::new(),
            shared_folder: None,
            setup: Vec::new(),
            python: None,
            chunk_secs: 45.0,
            resubmissions: 3,
        }
    }
}

/// Options of `sbatch` that Fanlane itself gives, or that would make it lose sight of the elements.
const OWN_FLAGS: [&str; 14] = [
    "--array",
    "-a",
    "--output",
    "-o",
    "--error",
    "-e",
    "--export",
    "--parsable",
    "--wrap",
    "--signal",
    "--requeue",
    "--no-requeue",
    "--open-mode",
    "--wait",
];

impl TargetProfile {
    /// The word for its kind in `--engine`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Slurm(_) => "slurm",
            Self::Ssh(_) => "ssh",
        }
    }

    /// What is wrong with a value in it, if anything is.
    pub fn fault(&self) -> Option<String> {
        match self {
            Self::Slurm(profile) => profile.fault(),
            Self::Ssh(target) => target.fault(),
        }
    }
}

impl SlurmProfile {
    fn fault(&self) -> Option<String> {
        if self.cpus_per_task == 0 {
            return Some("cpus_per_task is 0; a task needs 1 or more".to_owned());
        }
        if !(self.chunk_secs > 0.0 && self.chunk_secs <= 86_400.0) {
            return Some(format!("chunk_secs is {}; it must be above 0 and at most 86400", self.chunk_secs));
        }
        if let Some(folder) = self.shared_folder.as_ref().filter(|folder| !folder.is_absolute()) {
            return Some(format!(
                "shared_folder is {}; write it as an absolute path, which is the same on all nodes",
                folder.display()
            ));
        }
        let texts = [
            ("partition", &self.partition),
            ("account", &self.account),
            ("time_limit", &self.time_limit),
            ("memory_per_task", &self.memory_per_task),
        ];
        if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(|text| !is_word(text))) {
            return Some(format!("{name} must be one word that does not begin with '-'"));
        }
        self.sbatch_flags.iter().find_map(|flag| {
            let name = flag.split('=').next().unwrap_or(flag);
            // A short option may have its value right behind it.
            let is_own = |own: &&str| *own == name || (own.len() == 2 && name.starts_with(*own));
            if !flag.starts_with('-') {
                Some(format!("'{flag}' in sbatch_flags does not begin with '-'; write --name=value as one text"))
            } else if OWN_FLAGS.iter().any(is_own) {
                Some(format!("{name} in sbatch_flags is given by Fanlane itself; remove it"))
            } else {
                None
            }
        })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_mean_nothing_are_named() {
        let slurm = SlurmProfile::default;
        let cases = [
            (slurm(), None),
            (SlurmProfile { cpus_per_task: 0, ..slurm() }, Some("cpus_per_task")),
            (SlurmProfile { chunk_secs: f64::NAN, ..slurm() }, Some("chunk_secs")),
            (SlurmProfile { shared_folder: Some("here".into()), ..slurm() }, Some("shared_folder")),
            (SlurmProfile { partition: Some("--wrap=rm".into()), ..slurm() }, Some("partition")),
            (SlurmProfile { account: Some("two words".into()), ..slurm() }, Some("account")),
            (SlurmProfile { sbatch_flags: vec!["--gres=gpu:1".into(), "-C".into()], ..slurm() }, None),
            (SlurmProfile { sbatch_flags: vec!["gpu".into()], ..slurm() }, Some("'gpu'")),
            (SlurmProfile { sbatch_flags: vec!["--array=1-9".into()], ..slurm() }, Some("--array")),
            (SlurmProfile { sbatch_flags: vec!["-o/tmp/x".into()], ..slurm() }, Some("-o")),
        ];
        for (profile, expected) in cases {
            let fault = TargetProfile::Slurm(profile.clone()).fault();
            assert_eq!(fault.is_some(), expected.is_some(), "{profile:?}: {fault:?}");
            assert!(expected.is_none_or(|word| fault.as_ref().is_some_and(|fault| fault.contains(word))), "{fault:?}");
        }
    }
}
