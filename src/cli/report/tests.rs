//! The report as a whole: events in, two streams out.

use super::tag::Colouring;
use super::test_records::{NamedTasks, ended, printed};
use super::test_sink::Watched;
use super::*;
use fanlane_core::event::{AttemptRecord, DispatchEvent, RunEvent, TaskEvent, WorkerEvent};
use fanlane_core::event::{LaneId, Outcome, OutcomeCounts, RunHeader, Summary, WorkerId};
use fanlane_core::job::Mode;

const TEXT: Style = Style {
    format: Format::Text,
    grouping: Grouping::Group,
    keep_order: false,
    quiet: false,
    colouring: Colouring::Never,
    as_files: false,
};

fn header(tasks: u64) -> EventKind {
    let name = "a batch".to_owned();
    EventKind::Run(RunEvent::Started(RunHeader { name, mode: Mode::Pool, workers: 2, tasks, started_unix_ms: 0 }))
}

fn end(counts: OutcomeCounts) -> EventKind {
    EventKind::Run(RunEvent::Finished(Summary {
        counts,
        wall_ns: 2_000_000_000,
        cpu_ns: 0,
        retries: 0,
        workers: 2,
        mode: Mode::Pool,
        stopped: false,
    }))
}

/// Three tasks that end in the order 2, 3, 1; the third fails.
fn three_tasks() -> Vec<EventKind> {
    let failed = AttemptRecord { outcome: Outcome::Exited { code: 1 }, ..printed(2, "three\n", "oh\n") };
    vec![
        header(3),
        EventKind::Worker(WorkerEvent::Started { worker: WorkerId(1), lane: LaneId(0), pid: 4242 }),
        EventKind::Task(TaskEvent::Finished(vec![printed(1, "two\n", ""), failed])),
        EventKind::Task(TaskEvent::Finished(vec![printed(0, "one\n", "")])),
        end(OutcomeCounts { done: 2, failed: 1, ..OutcomeCounts::default() }),
    ]
}

/// Standard output and standard error of a report on these events.
fn report(style: Style, kinds: Vec<EventKind>) -> (String, String) {
    let (out, err) = (Watched::default(), Watched::default());
    let streams = Streams::new(Box::new(out.clone()), Box::new(err.clone()), Bar::Hidden);
    let (sender, events) = crossbeam_channel::unbounded();
    for kind in kinds {
        sender.send(Event { at_ns: 0, kind }).expect("the receiver is there");
    }
    drop(sender);
    Report::new(style, &NamedTasks, streams).follow(&events).expect("written");
    (out.text(), err.text())
}

#[test]
fn tasks_are_printed_as_they_end_and_summed_up() {
    let (out, err) = report(TEXT, three_tasks());
    assert_eq!(out, "two\nthree\none\n");
    assert_eq!(
        err,
        "oh\ntask 3 failed: exit code 1: command 3\n2 done, 1 failed in 2.00 s (1.50 tasks/s), pool of 2\n"
    );
}

#[test]
fn in_order_of_the_inputs_if_that_is_wanted() {
    let (out, _) = report(Style { keep_order: true, ..TEXT }, three_tasks());
    assert_eq!(out, "one\ntwo\nthree\n");
}

#[test]
fn quiet_keeps_what_went_wrong() {
    let (out, err) = report(Style { quiet: true, ..TEXT }, three_tasks());
    assert_eq!(out, "two\nthree\none\n");
    assert_eq!(err, "oh\ntask 3 failed: exit code 1: command 3\n");
}

#[test]
fn json_has_a_line_for_each_task_and_the_summary_last() {
    for keep_order in [false, true] {
        let (out, err) = report(Style { format: Format::Json, keep_order, quiet: true, ..TEXT }, three_tasks());
        let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let tasks: Vec<_> = lines.iter().filter_map(|line| line["task"].as_u64()).collect();
        assert_eq!(tasks, if keep_order { [1, 2, 3] } else { [2, 3, 1] });
        assert!(lines[..3].iter().all(|line| line["pid"] == 4242));
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3]["summary"]["failed"], 1);
        assert_eq!(err, "", "standard output has it all");
    }
}

#[test]
fn trouble_with_workers_is_told_once() {
    let cannot = || EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason: "no processes left".to_owned() });
    let died = EventKind::Worker(WorkerEvent::Ended {
        worker: WorkerId(3),
        reason: WorkerEnd::Died("was killed by SIGKILL".into()),
    });
    let lost = ended(0, Outcome::Lost("its worker was killed by SIGKILL".into()));
    let (_, err) =
        report(TEXT, vec![header(1), cannot(), cannot(), died, EventKind::Task(TaskEvent::Finished(vec![lost]))]);
    assert_eq!(
        err,
        "no worker can be started; the tasks wait until one can: no processes left\n\
         worker 3 was killed by SIGKILL; another worker replaces it\n\
         task 1 lost: its worker was killed by SIGKILL: command 1\n  \
         Peak memory 1.21 KiB. If it happens again with this task alone, the task ends its worker; else something ended \
         the worker from outside.\n"
    );
}

#[test]
fn an_interrupt_is_answered_once() {
    let kinds = || {
        vec![
            header(1),
            EventKind::Dispatch(DispatchEvent::StopRequested),
            EventKind::Dispatch(DispatchEvent::StopRequested),
        ]
    };
    let (_, err) = report(TEXT, kinds());
    assert_eq!(err, "stopping: running tasks are asked to end; interrupt again to end them at once\n");
    assert_eq!(report(Style { quiet: true, ..TEXT }, kinds()).1, "");
}

#[test]
fn a_run_that_breaks_off_loses_nothing_that_was_finished() {
    let mut kinds = three_tasks();
    kinds.truncate(3);
    let (out, _) = report(Style { keep_order: true, ..TEXT }, kinds);
    assert_eq!(out, "two\nthree\n", "task 1 never came");
}

#[test]
fn a_closed_pipe_ends_the_report() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let err = Watched::default();
    let streams = Streams::new(Box::new(Closed), Box::new(err.clone()), Bar::Hidden);
    let (sender, events) = crossbeam_channel::unbounded();
    let kind = EventKind::Task(TaskEvent::Finished(vec![printed(0, "one\n", "")]));
    sender.send(Event { at_ns: 0, kind }).expect("the receiver is there");
    let mut report = Report::new(TEXT, &NamedTasks, streams);
    let error = report.follow(&events).expect_err("a closed pipe");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    report.abort(None).expect("nothing left to write");
    assert_eq!(err.text(), "");
}
