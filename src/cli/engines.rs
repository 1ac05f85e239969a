//! `fanlane engines`: what can be named with `--engine`.

use std::io::{self, Write};

use anyhow::Result;
use clap::Args;

use super::columns::{self, Side};
use super::exit_status::Status;
use super::report::printable;
use super::subcommand::Subcommand;
use super::terminal::print;
use fanlane_core::store::engine_profiles::{EngineOffer, EngineProfiles};

/// The arguments of `fanlane engines`.
#[derive(Debug, Args)]
pub struct EnginesArgs {}

impl Subcommand for EnginesArgs {
    fn perform(self) -> Result<Status> {
        let profiles = EngineProfiles::open_default()?;
        let offers = profiles.offers()?;
        print(|out| {
            write_list(&offers, out)?;
            writeln!(out, "profiles: {}", profiles.folder().display())
        })
    }
}

fn write_list(offers: &[EngineOffer], out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; 2]> = offers.iter().map(row).collect();
    columns::write(&rows, [Side::Left; 2], out)
}

fn row(offer: &EngineOffer) -> [String; 2] {
    let about = if offer.choice.is_some() { offer.about.clone() } else { format!("({})", offer.about) };
    [printable(&offer.words, usize::MAX), printable(&about, usize::MAX)]
}
