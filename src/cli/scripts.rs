//! `fanlane completions` and `fanlane man`: scripts for shells and manual pages, made from the definitions of `--help`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

use super::exit_status::Status;
use super::help;
use super::output_file;
use super::subcommand::Subcommand;
use super::terminal::{print, remark};

/// The arguments of `fanlane completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Where the script goes:
  bash  fanlane completions bash > ~/.local/share/bash-completion/completions/fanlane
  zsh   fanlane completions zsh > ~/.zfunc/_fanlane, with ~/.zfunc in fpath
  fish  fanlane completions fish > ~/.config/fish/completions/fanlane.fish")]
pub struct CompletionsArgs {
    /// The shell that the script is for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// The arguments of `fanlane man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command to this folder [default: print the page of the program]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Subcommand for CompletionsArgs {
    fn perform(self) -> Result<Status> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut help::commands(), "fanlane", &mut script);
        print(|out| out.write_all(&script))
    }
}

impl Subcommand for ManArgs {
    fn perform(self) -> Result<Status> {
        let mut whole = help::commands();
        whole.build();
        let Some(folder) = self.folder else {
            let page = page(&whole)?;
            return print(|out| out.write_all(&page));
        };
        std::fs::create_dir_all(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let pages = write_pages(&whole, &folder)?;
        remark(&format!("{pages} pages written to {}; read one with man -l", folder.display()));
        Ok(Status::AllDone)
    }
}

/// Writes the page of a command and those of its own commands; how many there are.
fn write_pages(command: &Command, folder: &Path) -> Result<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let page = page(command)?;
    output_file::write(&folder.join(format!("{name}.1")), true, |file| file.write_all(&page))?;
    let further = command.get_subcommands().filter(|command| command.get_name() != "help");
    further.map(|command| write_pages(command, folder)).try_fold(1, |sum, pages| Ok(sum + pages?))
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).manual("Fanlane").render(&mut page)?;
    // Its tables and examples are lines of their own.
    let text = String::from_utf8(page).context("the page is text")?;
    Ok(text.replace("\n.SH EXTRA\n", "\n.SH EXTRA\n.nf\n").into_bytes())
}
