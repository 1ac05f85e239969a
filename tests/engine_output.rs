//! What running tasks print is seen while they run, by those who ask for it, and costs a bounded amount.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fanlane_core::engine::{OutputLevel, RunCommand};
use fanlane_core::event::{Event, EventKind, Printed, SampleEvent, StreamName, TaskEvent, TaskId};
use fanlane_core::job::Mode;
use fanlane_core::model::RunModel;
use support::{TestRun, alone, job, start_in, wait_until};

/// Prints a line on each stream, and waits until it is let go.
const GATED: &str =
    "echo out {}; echo err {} >&2; echo > printed-{}; until [ -e go-{} ]; do sleep 0.01; done; echo end";

fn commands(line: &str, tasks: u32) -> fanlane_core::job::Job {
    job(&format!("Job(version: 1, task: Command({line:?}), inputs: [Range(1, {tasks})])"))
}

fn wait_for_file(folder: &Path, name: &str) {
    wait_until(name, || folder.join(name).exists());
}

fn printed(event: &Event) -> Option<&Printed> {
    match &event.kind {
        EventKind::Sample(SampleEvent::Printed(printed)) => Some(printed),
        _ => None,
    }
}

/// Waits until this text of a task and stream has come.
fn wait_for_text(run: &mut TestRun, task: u64, stream: StreamName, text: &str) {
    let is_it = |kind: &EventKind| match kind {
        EventKind::Sample(SampleEvent::Printed(printed)) => {
            (printed.task, printed.stream, &*printed.bytes) == (TaskId(task), stream, text.as_bytes())
        }
        _ => false,
    };
    run.wait_for(text, is_it);
}

#[test]
fn a_task_that_already_runs_is_followed_with_what_it_printed_before() {
    let _alone = alone();
    for mode in [Mode::Pool, Mode::Threads] {
        let folder = tempfile::tempdir().unwrap();
        let mut run = start_in(&commands(GATED, 2), folder.path(), mode, 2);
        for name in ["printed-1", "printed-2"] {
            wait_for_file(folder.path(), name);
        }
        // A second one who looks gets it, too.
        for _ in 0..2 {
            run.command(RunCommand::Follow(TaskId(1)));
            wait_for_text(&mut run, 1, StreamName::Stdout, "out 2\n");
            wait_for_text(&mut run, 1, StreamName::Stderr, "err 2\n");
        }
        run.command(RunCommand::Unfollow(TaskId(1)));
        for name in ["go-1", "go-2"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let finished = run.finish();
        assert_eq!(finished.summary.counts.done, 2);
        assert!(finished.seen.iter().filter_map(printed).all(|printed| printed.task == TaskId(1)), "in mode {mode}");
    }
}

#[test]
fn the_latest_line_of_each_lane_is_told_and_the_model_shows_it_until_the_task_has_ended() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let line = "echo one; printf '10 %%\\r20 %%\\r30 %%'; echo > printed-{}; until [ -e go-{} ]; do sleep 0.01; done";
    let mut run = start_in(&commands(line, 3), folder.path(), Mode::Pool, 2);
    run.command(RunCommand::Watch(OutputLevel::LatestLines));
    let mut model = RunModel::default();
    let mut taken = 0;
    let lines = |run: &TestRun, model: &mut RunModel, taken: &mut usize| {
        run.seen[*taken..].iter().for_each(|event| model.apply(event));
        *taken = run.seen.len();
        let lines = model.lanes.lanes().iter().filter_map(|lane| lane.latest_line());
        lines.filter(|line| &*line.text == "30 %").map(|line| line.task.0).collect::<Vec<_>>()
    };
    while lines(&run, &mut model, &mut taken).len() < 2 {
        run.wait_for("an event", |_| true);
    }
    // The lane's next task, which begins later, is told of as well.
    fs::write(folder.path().join("go-1"), "").unwrap();
    while !lines(&run, &mut model, &mut taken).contains(&2) {
        run.wait_for("an event", |_| true);
    }
    assert!(!lines(&run, &mut model, &mut taken).contains(&0));
    for name in ["go-2", "go-3"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let finished = run.finish();
    assert_eq!(finished.stdout(2), "one\n10 %\r20 %\r30 %");
}

#[test]
fn nothing_is_told_unless_it_is_asked_for() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_in(&commands(GATED, 2), folder.path(), Mode::Pool, 2);
    let started = |kind: &EventKind| matches!(kind, EventKind::Task(TaskEvent::Started { .. }));
    run.wait_for("a task", started);
    run.command(RunCommand::Watch(OutputLevel::Stream));
    run.wait_for("its output", |kind| matches!(kind, EventKind::Sample(SampleEvent::Printed(_))));
    run.command(RunCommand::Watch(OutputLevel::Nothing));
    let seen = run.seen.len();
    for name in ["go-1", "go-2"] {
        wait_for_file(folder.path(), &name.replace("go", "printed"));
        fs::write(folder.path().join(name), "").unwrap();
    }
    let finished = run.finish();
    // Those that were on their way.
    let after = finished.seen[seen..].iter().filter_map(printed).filter(|printed| printed.offset > 0).count();
    assert_eq!(after, 0);
}

/// What was told of each task and stream, and whether it came without a gap.
fn told(seen: &[Event]) -> BTreeMap<(u64, &'static str), (u64, bool)> {
    let mut told = BTreeMap::new();
    for printed in seen.iter().filter_map(printed) {
        let (end, whole) = told.entry((printed.task.0, printed.stream.name())).or_insert((0, true));
        *whole &= printed.offset <= *end;
        *end = printed.end();
    }
    told
}

#[test]
fn a_task_that_floods_is_told_of_at_a_bounded_rate_and_is_not_held_up() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let line = "yes {} | head -c 100000000; until [ -e go-{} ]; do sleep 0.01; done";
    let mut run = start_in(&commands(line, 2), folder.path(), Mode::Pool, 2);
    run.command(RunCommand::Watch(OutputLevel::Stream));
    // The newest is told in the end, whatever was skipped.
    for _ in 0..2 {
        let is_end = |kind: &EventKind| match kind {
            EventKind::Sample(SampleEvent::Printed(printed)) => printed.end() == 100_000_000,
            _ => false,
        };
        run.wait_for("the end of a flood", is_end);
    }
    for name in ["go-1", "go-2"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let finished = run.finish();
    let pieces = finished.seen.iter().filter_map(printed);
    let (count, bytes) = pieces.fold((0, 0), |(count, bytes), printed| (count + 1, bytes + printed.bytes.len()));
    assert!(count < 1000 && bytes < 50_000_000, "{bytes} bytes in {count} pieces");
    assert!(told(&finished.seen).values().all(|(end, whole)| *end == 100_000_000 && !whole));
    assert_eq!(finished.summary.counts.done, 2);
}

#[test]
fn every_byte_is_told_or_in_the_record_where_every_byte_is_wanted() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let line = "seq {}00000; seq {}0 >&2; exec sh -c 'sleep 0.03; seq {}0000'";
    let mut run = start_in(&commands(line, 8), folder.path(), Mode::Pool, 2);
    run.command(RunCommand::Watch(OutputLevel::Everything));
    run.wait_for_ended(8);
    let finished = run.finish();
    let mut texts: BTreeMap<(u64, &str), Vec<u8>> = BTreeMap::new();
    for printed in finished.seen.iter().filter_map(printed) {
        let text = texts.entry((printed.task.0, printed.stream.name())).or_default();
        let (skipped, new) = printed.after(text.len() as u64);
        assert_eq!(skipped, 0);
        text.extend_from_slice(new);
    }
    for record in &finished.records {
        let number = record.task.number();
        let seq = |to: u64| (1..=to).map(|line| format!("{line}\n")).collect::<String>();
        let expected = [seq(number * 100_000) + &seq(number * 10_000), seq(number * 10)];
        for (stream, expected) in StreamName::BOTH.into_iter().zip(expected) {
            let kept = record.output.as_ref().unwrap().stream(stream);
            let mut text = texts.remove(&(record.task.0, stream.name())).unwrap_or_default();
            if kept.dropped_bytes == 0 {
                text.extend_from_slice(&kept.head[text.len()..]);
            }
            assert!(text == expected.as_bytes(), "{} bytes of {} of task {number}", text.len(), stream.name());
        }
    }
}
