//! A job log, GNU parallel's or ours, as a job that runs its commands again.

use super::{ImportError, Imported, job, note};
use crate::job::Input;

/// Makes a job of a job log: its commands, in the order of their numbers.
///
/// # Errors
/// [`ImportError::LogLine`] for a line of another form.
pub fn import_joblog(log: &str) -> Result<Imported, ImportError> {
    let mut lines = log.split_terminator('\n').enumerate();
    if !lines.next().is_some_and(|(_, header)| header.starts_with("Seq\tHost\t")) {
        return Err(ImportError::LogLine { line: 1, reason: "the first line of a job log begins with Seq and Host" });
    }
    let mut commands: Vec<(u64, String)> = Vec::new();
    let mut failed = 0;
    let mut hosts: Vec<&str> = Vec::new();
    for (index, line) in lines {
        let wrong = |reason| ImportError::LogLine { line: index + 1, reason };
        let fields: Vec<&str> = line.splitn(9, '\t').collect();
        let [seq, host, _, _, _, _, exit_value, signal, command] = *fields else {
            return Err(wrong("it has fewer than nine columns"));
        };
        let seq = seq.parse().map_err(|_| wrong("its first column is not a number"))?;
        failed += u64::from((exit_value, signal) != ("0", "0"));
        if host != ":" && !hosts.contains(&host) {
            hosts.push(host);
        }
        commands.push((seq, command.replace('\0', "\n")));
    }
    commands.sort_by_key(|(seq, _)| *seq);
    let repeated = commands.len();
    commands.dedup_by(|later, earlier| later == earlier);
    let mut notes = Vec::new();
    if commands.len() < repeated {
        let count = repeated - commands.len();
        note(&mut notes, "repeated lines", format!("{count} of them are of commands that the log has already"));
    }
    if failed > 0 {
        note(
            &mut notes,
            "Exitval, Signal",
            format!("{failed} lines are of tasks that failed; the job runs all of them again"),
        );
    }
    for host in hosts {
        note(&mut notes, format!("Host {host}"), "all tasks run on this machine");
    }
    let inputs = vec![Input::List(commands.into_iter().map(|(_, command)| command).collect())];
    // What a template begins with is not quoted: each input is a command line of the shell.
    Ok(Imported { job: job("{}".to_owned(), inputs)?, notes })
}
