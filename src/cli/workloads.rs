//! `fanlane workloads`: what a job file can call without any other program.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;

use super::exit_status::Status;
use super::subcommand::Subcommand;
use super::terminal;
use fanlane_core::job::workload::{ArgumentInfo, Workload};

/// The arguments of `fanlane workloads`.
#[derive(Debug, Args)]
pub struct WorkloadsArgs {}

impl Subcommand for WorkloadsArgs {
    fn perform(self) -> Result<Status> {
        terminal::print(|out| write_list(out))
    }
}

/// Writes each workload with its argument and its parameters.
fn write_list(out: &mut dyn Write) -> io::Result<()> {
    let width = Workload::ALL.iter().map(|info| info.name.len()).max().unwrap_or(0);
    for info in Workload::ALL {
        writeln!(out, "{:width$}  {}", info.name, info.about)?;
        let ArgumentInfo { meaning, unit, kind } = info.argument;
        let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
        writeln!(out, "{:width$}  argument: {meaning}{unit}, {kind}, for example {}", "", info.example)?;
        for parameter in info.parameters {
            let (name, about) = (parameter.name, parameter.about);
            let (min, max, default) = (parameter.min, parameter.max, parameter.default);
            writeln!(out, "{:width$}  {name}: {about} ({min} to {max}, default {default})", "")?;
        }
    }
    out.flush()
}
