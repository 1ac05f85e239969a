//! The list of queued jobs, as a table or as JSON.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::json;

use crate::cli::columns::{self, Side};
use crate::cli::exit_status::Status;
use crate::cli::report::printable;
use crate::cli::terminal::{print, remark};
use fanlane_core::model::date::local_minute;
use fanlane_core::model::sanitize;
use fanlane_core::store::queue::{After, JobList, JobQueue, JobState, QueuedJob};
use fanlane_os::clock::unix_ms;

/// Maximum width of a name, in columns.
const MAX_NAME_COLUMNS: usize = 40;

/// Prints the jobs, and says what holds for all of them.
///
/// # Errors
/// When they cannot be read or printed.
pub fn print_jobs(queue: &JobQueue, as_json: bool) -> Result<Status> {
    let list = queue.list()?;
    if as_json {
        return print(|out| writeln!(out, "{}", sanitize::to_json(&object(&list))?));
    }
    if list.jobs.is_empty() {
        remark("the queue is empty; fanlane add puts a job into it");
    }
    if list.paused {
        remark("the queue is paused: no job starts until fanlane queue resume");
    }
    if list.parallel > 1 {
        remark(&format!("jobs of the queue that run at the same time: {}", list.parallel));
    }
    for (name, group) in &list.groups {
        let paused = if group.paused { "; it is paused until fanlane queue resume --group" } else { "" };
        let name = printable(name, usize::MAX);
        remark(&format!("jobs of the group {name} that run at the same time: {}{paused}", group.parallel));
    }
    print(|out| if list.jobs.is_empty() { Ok(()) } else { write_table(&list, out) })
}

fn write_table(list: &JobList, out: &mut dyn Write) -> io::Result<()> {
    let now = unix_ms();
    let mut rows = vec![["JOB", "PLACE", "STATE", "ADDED", "NAME", ""].map(str::to_owned)];
    rows.extend(list.jobs.iter().map(|job| {
        let place = list.place(job.id).map_or_else(|| "-".to_owned(), |place| place.to_string());
        let added = if job.added_unix_ms == 0 { "-".to_owned() } else { local_minute(job.added_unix_ms) };
        let name = printable(job.name(), MAX_NAME_COLUMNS);
        let group = job.group.as_deref().map(|group| format!("group {}", printable(group, usize::MAX)));
        let notes = [group.unwrap_or_default(), printable(&job.note(now), usize::MAX)];
        let notes: Vec<&str> = notes.iter().map(String::as_str).filter(|note| !note.is_empty()).collect();
        [job.id.to_string(), place, job.state_word(now).to_owned(), added, name, notes.join(", ")]
    }));
    columns::write(&rows, [Side::Right, Side::Right, Side::Left, Side::Left, Side::Left, Side::Left], out)
}

fn object(list: &JobList) -> serde_json::Value {
    let now = unix_ms();
    let jobs: Vec<serde_json::Value> = list.jobs.iter().map(|job| job_object(job, list, now)).collect();
    let groups: serde_json::Map<String, serde_json::Value> = list
        .groups
        .iter()
        .map(|(name, group)| (name.clone(), json!({ "parallel": group.parallel, "paused": group.paused })))
        .collect();
    json!({ "paused": list.paused, "parallel": list.parallel, "groups": groups, "jobs": jobs })
}

fn job_object(job: &QueuedJob, list: &JobList, now: u64) -> serde_json::Value {
    let run = if let JobState::Running { run } = job.state { run } else { None };
    let after_jobs = job.after.iter().filter_map(|after| if let After::Job(id) = after { Some(*id) } else { None });
    let after_runs = job.after.iter().filter_map(|after| if let After::Run { run, .. } = after { *run } else { None });
    json!({
        "job": job.id,
        "name": job.name(),
        "command": job.job.task.title(),
        "state": job.state_word(now),
        "place": list.place(job.id),
        "group": job.group,
        "priority": job.priority,
        "note": job.note(now),
        "run": run,
        "at_unix_ms": job.at_unix_ms,
        "after_jobs": after_jobs.collect::<Vec<_>>(),
        "after_runs": after_runs.collect::<Vec<_>>(),
        "added_unix_ms": job.added_unix_ms,
        "folder": job.folder.to_string_lossy(),
    })
}
