//! `fanlane engines`: what can be named with `--engine`.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;

use super::columns::{self, Side};
use super::exit_status::Status;
use super::report::printable;
use super::subcommand::Subcommand;
use super::terminal::print;
use fanlane_core::engine::{EngineChoice, TargetProfile};
use fanlane_core::store::engine_profiles::{EngineProfiles, SavedProfile};

/// The arguments of `fanlane engines`.
#[derive(Debug, Args)]
pub struct EnginesArgs {}

impl Subcommand for EnginesArgs {
    fn perform(self) -> Result<Status> {
        let profiles = EngineProfiles::open_default()?;
        let saved = profiles.list()?;
        print(|out| {
            write_list(&saved, out)?;
            writeln!(out, "profiles: {}", profiles.folder().display())
        })
    }
}

fn write_list(saved: &[SavedProfile], out: &mut dyn Write) -> io::Result<()> {
    let own = [
        ["local".to_owned(), "this machine".to_owned()],
        ["slurm".to_owned(), "the cluster whose sbatch is on the path, with its defaults".to_owned()],
    ];
    let is_default = |saved: &&SavedProfile| saved.name != "slurm" || saved.profile.is_err();
    let rows: Vec<[String; 2]> = own.into_iter().chain(saved.iter().filter(is_default).map(row)).collect();
    columns::write(&rows, [Side::Left; 2], out)
}

fn row(saved: &SavedProfile) -> [String; 2] {
    let (words, about) = match &saved.profile {
        Ok(profile) => {
            let words = EngineChoice::Target { name: saved.name.clone(), profile: Box::new(profile.clone()) }.words();
            (words, describe(profile))
        }
        Err(error) => (saved.name.clone(), format!("(cannot be used: {error})")),
    };
    [printable(&words, usize::MAX), printable(&about, usize::MAX)]
}

fn describe(profile: &TargetProfile) -> String {
    match profile {
        TargetProfile::Slurm(slurm) => {
            let partition = slurm
                .partition
                .as_deref()
                .map_or("the default partition".to_owned(), |partition| format!("partition {partition}"));
            let account = slurm.account.as_deref().map_or_else(String::new, |account| format!(", account {account}"));
            let limit = slurm.time_limit.as_deref().map_or_else(String::new, |limit| format!(", time limit {limit}"));
            format!("Slurm: {partition}{account}{limit}")
        }
        TargetProfile::Ssh(target) => {
            let hosts = target.hosts.iter().map(ToString::to_string);
            let files = target.files.iter().map(|file| format!("those in {}", file.0.display()));
            format!("ssh: {}", hosts.chain(files).collect::<Vec<_>>().join(", "))
        }
        _ => profile.kind().to_owned(),
    }
}
