//! `fanlane show`: one recorded run in full.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::failures;
use super::grep::GrepArgs;
use super::json::object;
use crate::cli::detached;
use crate::cli::exit_status::Status;
use crate::cli::report::Shortfall;
use crate::cli::report::{describe, printable};
use crate::cli::run_name::RunName;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::print;
use fanlane_core::job::Job;
use fanlane_core::job::lossless::Bytes;
use fanlane_core::model::date::local_minute;
use fanlane_core::model::format::{bytes, count, plural};
use fanlane_core::model::sanitize;
use fanlane_core::store::history::RunState;

/// The arguments of `fanlane show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The number of a run, or last
    #[arg(value_name = "RUN")]
    run: RunName,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print the job as a job file, and nothing else
    #[arg(long, conflicts_with = "json")]
    job: bool,
    /// What is looked for in outputs.
    #[command(flatten)]
    search: GrepArgs,
}

impl Subcommand for ShowArgs {
    fn perform(self) -> Result<Status> {
        let (history, run) = self.run.find()?;
        let chain = history.chain(run.id)?;
        if let Some(pattern) = &self.search.grep {
            return self.search.print(pattern, &history, &chain, self.json);
        }
        let job = history.job(run.id)?;
        if self.job {
            let job = job.with_context(|| format!("the job of run {} was too long to be kept", run.id))?;
            return print(|out| out.write_all(job.as_bytes()));
        }
        let flaky = history.flaky(run.id)?;
        if self.json {
            let mut object = object(&run);
            object["job"] = json!(job);
            object["folder"] = json!(Bytes(run.folder.as_os_str().as_bytes().to_vec()));
            object["environment"] = json!(run.environment);
            object["chain"] = chain.runs().iter().map(|run| run.id).collect();
            object["flaky"] = flaky.iter().map(|task| task.number).collect();
            return print(|out| writeln!(out, "{}", sanitize::to_json(&object)?));
        }
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<12} {}", printable(&value, usize::MAX));
        };
        line("run", run.id.to_string());
        line("job", run.name.clone());
        line("state", run.state.name().to_owned());
        line("started", local_minute(run.started_unix_ms));
        line("folder", run.folder.display().to_string());
        let environment = &run.environment;
        line(
            "machine",
            format!(
                "{}, {}, {}, {}",
                environment.host,
                environment.system,
                plural(u64::from(environment.cores), "core"),
                bytes(environment.memory_bytes)
            ),
        );
        line("fanlane", format!("{}, {}", environment.version, if environment.window { "window" } else { "terminal" }));
        if let Some(interpreter) = &environment.interpreter {
            line("interpreter", interpreter.words_in(run.mode));
        }
        if chain.runs().len() > 1 {
            let earlier: Vec<String> = chain.runs().iter().skip(1).map(|run| run.id.to_string()).collect();
            let runs = if earlier.len() == 1 { "run" } else { "runs" };
            line("resumes", format!("{runs} {}", earlier.join(", ")));
            let (done, tasks) = (count(run.batch_done()), count(run.batch_tasks()));
            line("batch", format!("{done} of {tasks} tasks done in {} runs", chain.runs().len()));
        }
        match run.parent {
            None => {}
            Some(0) => line("parent", "a task of a run that is not recorded".to_owned()),
            Some(parent) => line("parent", format!("run {parent}: one of its tasks started this run")),
        }
        line("tasks", count(run.tasks));
        let ended = run.counts;
        match &run.summary {
            Some(summary) => line("result", describe::summary(summary, run.earlier, Shortfall::default())),
            None => line(
                "result",
                format!(
                    "{} done, {} not done at the last record",
                    count(ended.done),
                    count(run.tasks - ended.done.min(run.tasks))
                ),
            ),
        }
        if run.left_out > 0 {
            line("missing", format!("{} that the disk was too slow for", plural(run.left_out, "attempt")));
        }
        for (why, wanted) in [("tried again", true), ("between runs", false)] {
            let numbers: Vec<String> = flaky
                .iter()
                .filter(|task| if wanted { task.when_tried_again } else { task.between_runs })
                .map(|task| task.number.to_string())
                .collect();
            if !numbers.is_empty() {
                let shown = numbers.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
                let more = if numbers.len() > 20 { format!(" and {} more", numbers.len() - 20) } else { String::new() };
                line("flaky", format!("{why}: {} {shown}{more}", if numbers.len() == 1 { "task" } else { "tasks" }));
            }
        }
        if run.state == RunState::Running && detached::list().iter().any(|(info, _)| info.run == Some(run.id)) {
            let id = run.id;
            line("detached", format!("fanlane attach {id}, fanlane stop {id}"));
        }
        let obstacle = history.job(run.id)?.and_then(|text| Job::parse(&text).ok()?.task.obstacle());
        if let Some(obstacle) = obstacle.filter(|_| run.state != RunState::Running) {
            line("again", format!("not from here: {obstacle}"));
        } else if run.state != RunState::Running {
            let id = run.id;
            let has_failed = ended.not_done() > ended.cancelled;
            let has_rest = ended.total() - ended.cancelled < run.tasks;
            // What is left may wait for what has failed.
            let ways = [
                (has_rest, format!("fanlane resume {id}, ")),
                (has_rest && has_failed, format!("fanlane resume {id} --failed, ")),
                (!has_rest && has_failed, format!("fanlane rerun {id} --failed, ")),
            ];
            let ways: String = ways.into_iter().filter_map(|(is_one, way)| is_one.then_some(way)).collect();
            line("again", format!("{ways}fanlane rerun {id}"));
        }
        if ended.not_done() > ended.cancelled {
            text += &failures::failures(&history, run.id)?;
        }
        print(|out| out.write_all(text.as_bytes()))
    }
}
