//! Two batches on worker processes: one read as a job file, one built in code. Their events are folded into a model, which
//! is reported at the end; Ctrl-C stops the batch.
//!
//! `cargo run -p fanlane-core --example run_batch` shows the progress on standard error, and prints
//!
//! ```text
//! cubes: 4 of 4 done
//!   1 => 1
//!   2 => 8
//!   3 => 27
//!   4 => 64
//! greetings: 2 of 3 done
//!   Ada => hello Ada
//!   Bob => exit code 3, attempts: 2
//!   Cleo => hello Cleo
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use fanlane_core::engine::{self, Engine, LocalEngine, RunCommand, RunOptions, event_pump};
use fanlane_core::event::{CallValue, EventKind, TaskEvent, TaskId};
use fanlane_core::job::{Batch, Input, Job, TaskTemplate};
use fanlane_core::model::{Autopsy, RunModel, sanitize};
use fanlane_core::{interrupts, mp};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // First of all: in a worker process, which is this program once more, it does not return.
    mp::init([engine::worker_role()]);

    // A job as its file has it.
    let cubes = Job::parse(r#"Job(version: 1, name: "cubes", task: Workload(name: "cube"), inputs: [Range(1, 4)])"#)?;
    // A job by its fields.
    let greetings = Job {
        name: "greetings".to_owned(),
        task: TaskTemplate::Command("test {} != Bob || exit 3; echo hello {}".to_owned()),
        inputs: vec![Input::List(["Ada", "Bob", "Cleo"].map(str::to_owned).into())],
        retries: 1,
        timeout_secs: Some(10.0),
        ..Job::default()
    };
    for job in [cubes, greetings] {
        let batch = Arc::new(Batch::open(&job, Path::new("."), &mut io::empty())?);
        report(&batch, &run(Arc::clone(&batch))?);
    }
    Ok(())
}

/// Runs a batch on two workers, and returns everything that is known of it at its end.
fn run(batch: Arc<Batch>) -> Result<RunModel, Box<dyn Error>> {
    let (sender, events) = event_pump::channel();
    let options = RunOptions::new(batch.job().mode, 2);
    let run = LocalEngine::this_program().start(batch, options, sender)?;

    let mut model = RunModel::default();
    // The first signal lets running tasks end in good order, the second does not.
    let on_signal = |count| run.command(if count == 1 { RunCommand::Stop } else { RunCommand::StopNow });
    interrupts::during(on_signal, || {
        // The channel is closed after the last event.
        for event in &events {
            let has_ended = matches!(event.kind, EventKind::Task(TaskEvent::Finished(_)));
            model.take(event);
            if has_ended {
                let progress = &model.progress;
                eprintln!("{} of {}", progress.counts.total(), progress.tasks);
            }
        }
    })?;
    run.join();
    Ok(model)
}

/// Prints what became of each task.
fn report(batch: &Batch, model: &RunModel) {
    println!("{}: {} of {} done", batch.job().display_name(), model.progress.counts.done, batch.len());
    for task in (0..batch.len()).map(TaskId) {
        let Some(record) = model.records.of(task) else { continue };
        let result = match (Autopsy::of(record), &record.value, &record.output) {
            // A task that fails is data; an error is only what the engine itself could not do.
            (Some(autopsy), ..) => format!("{}, attempts: {}", autopsy.cause, record.attempt),
            (None, Some(CallValue::Int(value)), _) => value.to_string(),
            // Output is bytes; a terminal would act on escape sequences in them.
            (None, _, Some(output)) => sanitize::line(output.stdout.head.trim_ascii_end()),
            (None, value, None) => format!("{value:?}"),
        };
        println!("  {} => {result}", batch.values(task)[0]);
    }
}
