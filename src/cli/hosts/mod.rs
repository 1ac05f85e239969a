//! `fanlane hosts`: what the hosts of a run are, asked as a run would ask them.

use std::io::{self, Write};

use anyhow::Result;
use clap::{Args, Subcommand as ClapSubcommand};

use super::columns::{self, Side};
use super::exit_status::Status;
use super::report::printable;
use super::run::ssh_args::SshArgs;
use super::subcommand::Subcommand;
use super::terminal::print;
use super::worker_count::{self, WorkerCount};
use fanlane_core::engine::ssh::HostFacts;
use fanlane_core::engine::ssh::check::{CheckedHost, check_hosts};
use fanlane_core::model::format::bytes;
use serde::Serialize;

/// The arguments of `fanlane hosts`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Exit status: 0 all hosts can run tasks   1 some cannot   2 none was asked

Examples:
  fanlane hosts check -S 4/ada,grace
  fanlane hosts check --slf hosts.txt --json"
)]
pub struct HostsArgs {
    /// What is done.
    #[command(subcommand)]
    action: HostsAction,
}

/// What is done with hosts.
#[derive(Debug, ClapSubcommand)]
enum HostsAction {
    /// Ask all hosts at once whether they can run tasks, and for their cores, memory, disk, shell and search path
    Check(CheckArgs),
}

/// The arguments of `fanlane hosts check`.
#[derive(Debug, Args)]
struct CheckArgs {
    /// The hosts.
    #[command(flatten)]
    hosts: SshArgs,
    /// How many tasks a host runs at a time, by its slots or its cores, as fanlane run takes it
    #[arg(short = 'j', long, value_name = "N", allow_hyphen_values = true, value_parser = worker_count::parse)]
    workers: Option<WorkerCount>,
    /// Print an object for each host, one a line
    #[arg(long)]
    json: bool,
}

impl Subcommand for HostsArgs {
    fn perform(self) -> Result<Status> {
        let HostsAction::Check(args) = self.action;
        let found = check_hosts(&args.hosts.target(args.workers, &[])?)?;
        print(|out| if args.json { write_json(&found, out) } else { write_table(&found, out) })?;
        let is_usable = found.iter().all(|host| host.facts.is_ok());
        Ok(if is_usable { Status::AllDone } else { Status::SomeFailed })
    }
}

/// A host as JSON has it.
#[derive(Serialize)]
struct HostLine<'a> {
    host: &'a str,
    usable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    slots: Option<u32>,
    took_secs: f64,
    #[serde(flatten)]
    facts: Option<&'a HostFacts>,
}

fn write_json(found: &[CheckedHost], out: &mut dyn Write) -> io::Result<()> {
    for CheckedHost { host, slots, took, facts } in found {
        let line = HostLine {
            host,
            usable: facts.is_ok(),
            reason: facts.as_ref().err().map(String::as_str),
            slots: *slots,
            took_secs: took.as_secs_f64(),
            facts: facts.as_ref().ok(),
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}

fn write_table(found: &[CheckedHost], out: &mut dyn Write) -> io::Result<()> {
    let heading = ["host", "slots", "cores", "memory", "free disk", "load", "system", "shell"].map(str::to_owned);
    let rows: Vec<[String; 8]> = std::iter::once(heading).chain(found.iter().filter_map(row)).collect();
    if rows.len() > 1 {
        let numbers = [Side::Right; 5];
        let sides = [Side::Left, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], Side::Left, Side::Left];
        columns::write(&rows, sides, out)?;
    }
    for CheckedHost { host, facts, .. } in found {
        let name = printable(host, usize::MAX);
        match facts {
            Ok(facts) => writeln!(out, "{name}: PATH={}", printable(&facts.path, usize::MAX))?,
            Err(reason) => writeln!(out, "{name}: cannot run tasks: {}", printable(reason, usize::MAX))?,
        }
    }
    Ok(())
}

fn row(found: &CheckedHost) -> Option<[String; 8]> {
    let facts = found.facts.as_ref().ok()?;
    let size = |size: Option<u64>| size.map_or_else(|| "?".to_owned(), bytes);
    let text = |text: &str| printable(text, usize::MAX);
    Some([
        text(&found.host),
        found.slots.map_or_else(|| "?".to_owned(), |slots| slots.to_string()),
        facts.cores.to_string(),
        size(facts.memory_bytes),
        size(facts.free_disk_bytes),
        facts.load.clone().unwrap_or_else(|| "?".to_owned()),
        text(&format!("{} {}", facts.system, facts.architecture)),
        text(&facts.shell),
    ])
}
