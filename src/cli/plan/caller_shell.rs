//! The shell that calls this program, whose command lines are those of the user: the one that GNU parallel takes.

use anyhow::{Context, Result};

use fanlane_core::job::Shell;
use fanlane_os::process_tree;

/// The shell of this variable, as in GNU parallel, comes first.
const CHOSEN: &str = "PARALLEL_SHELL";

/// The shell for a command that the user typed: that of `PARALLEL_SHELL`; else the nearest process above this one that is a
/// shell; else that of `SHELL`; else `/bin/sh`.
///
/// # Errors
/// When `PARALLEL_SHELL` names what is no known shell.
pub fn of_caller() -> Result<Shell> {
    if let Some(chosen) = std::env::var_os(CHOSEN).filter(|chosen| !chosen.is_empty()) {
        return Shell::named(&chosen).with_context(|| format!("{CHOSEN} cannot be used"));
    }
    let above = process_tree::ancestors(std::process::id()).find_map(|pid| {
        let name = process_tree::called_as(pid)?;
        // A shell of a login is called `-bash`.
        let name = name.to_str()?.trim_start_matches('-').to_owned();
        Shell::named(name.rsplit('/').next()?.as_ref()).ok()
    });
    let of_user = || Shell::named(&std::env::var_os("SHELL")?).ok();
    Ok(above.or_else(of_user).unwrap_or_default())
}
