use super::laws::{Amdahl, FITTING, SizeTime};
use super::*;
use crate::event::{
    AttemptRecord, Event, EventKind, LaneId, Outcome, OutcomeCounts, RunEvent, RunHeader, Summary, TaskEvent, TaskId,
    WorkerEvent, WorkerId,
};
use crate::job::dependencies::Dependencies;
use crate::job::{Job, Mode};

const MS: u64 = 1_000_000;

/// A record: task, worker, start and length in milliseconds.
type Row = (u64, u32, u64, u64);

fn record(&(task, worker, start_ms, wall_ms): &Row, attempt: u32, outcome: Outcome) -> AttemptRecord {
    AttemptRecord {
        start_ns: start_ms * MS,
        wall_ns: wall_ms * MS,
        cpu_ns: wall_ms * MS,
        ..AttemptRecord::new(TaskId(task), attempt, WorkerId(worker), outcome)
    }
}

/// Events of a run whose workers are ready at these milliseconds; the engine receives each end a millisecond later.
fn events(mode: Mode, ready_ms: &[u64], rows: &[Row]) -> Vec<Event> {
    let header = RunHeader {
        name: String::new(),
        mode,
        workers: ready_ms.len() as u32,
        tasks: rows.len() as u64,
        started_unix_ms: 0,
    };
    let mut events = vec![Event { at_ns: 0, kind: EventKind::Run(RunEvent::Started(header)) }];
    for (lane, ready_ms) in ready_ms.iter().enumerate() {
        let worker = WorkerId(lane as u32 + 1);
        let kind = EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(lane as u32), pid: 1 });
        events.push(Event { at_ns: ready_ms * MS, kind });
    }
    let mut rows: Vec<Row> = rows.to_vec();
    rows.sort_by_key(|row| row.2 + row.3);
    for row in &rows {
        let kind = EventKind::Task(TaskEvent::Finished(vec![record(row, 1, Outcome::Done)]));
        events.push(Event { at_ns: (row.2 + row.3 + 1) * MS, kind });
    }
    let end_ms = rows.iter().map(|row| row.2 + row.3).max().unwrap_or(0);
    let summary = Summary {
        counts: OutcomeCounts::default(),
        wall_ns: end_ms * MS,
        cpu_ns: 0,
        retries: 0,
        workers: 1,
        mode,
        stopped: false,
    };
    events.push(Event { at_ns: (end_ms + 4) * MS, kind: EventKind::Run(RunEvent::Finished(summary)) });
    events
}

fn trace(ready_ms: &[u64], rows: &[Row]) -> Trace {
    let mut trace = Trace::default();
    for event in events(Mode::Pool, ready_ms, rows) {
        trace.apply(&event);
    }
    trace
}

fn header(contenders: Vec<Contender>, tasks: u64) -> RaceHeader {
    let evidence = Evidence { logical_cores: 64, physical_cores: 64, ..Evidence::default() };
    let case = Case::new(Job::default(), tasks, &Dependencies::new());
    RaceHeader { name: "race".to_owned(), cases: vec![case], contenders, rules: Rules::default(), evidence }
}

/// A race whose contenders' runs are given as (workers ready, rows), one list of runs for each.
fn race(contenders: Vec<Contender>, runs: &[Vec<(Vec<u64>, Vec<Row>)>], usage: Usage) -> RaceModel {
    let tasks = runs[0][0].1.len() as u64;
    let mut model = RaceModel::default();
    model.apply(RaceEvent::Begun(Box::new(header(contenders.clone(), tasks))));
    for block in 0..runs[0].len() {
        for (contender, of_it) in runs.iter().enumerate() {
            let turn = Turn { block: block as u32, contender, warm_up: false };
            model.apply(RaceEvent::TurnBegun(turn));
            let (ready_ms, rows) = &of_it[block];
            for event in events(contenders[contender].mode, ready_ms, rows) {
                model.apply(RaceEvent::Run(event));
            }
            model.apply(RaceEvent::TurnEnded(usage));
        }
    }
    model.apply(RaceEvent::Ended(RaceEnd::Enough));
    model
}

/// One worker doing equal tasks one after the other, each `wall_ms` long, beginning at `ready_ms`.
fn in_a_row(tasks: u64, ready_ms: u64, wall_ms: u64) -> (Vec<u64>, Vec<Row>) {
    (vec![ready_ms], (0..tasks).map(|task| (task, 1, ready_ms + task * wall_ms, wall_ms)).collect())
}

#[test]
fn every_nanosecond_of_every_lane_is_counted_once() {
    // Lane 1: ready at 10, tasks at 12–52 and 60–100. Lane 2: ready at 20, a task at 25–45, then idle.
    let trace = trace(&[10, 20], &[(0, 1, 12, 40), (1, 2, 25, 20), (2, 1, 60, 40)]);
    let time = LaneTime::of(&trace, &Dependencies::new());
    let ms = |ms: u64| ms * MS;
    let expected = LaneTime {
        lanes: 2,
        start_up_ns: ms(10 + 20),
        hand_over_ns: ms(2 + 8 + 5),
        // Lane 2 is free from 45 on, and the last task begins at 60.
        waiting_ns: ms(15),
        tail_ns: ms(40),
        busy_ns: ms(100),
        repeated_ns: 0,
    };
    assert_eq!(time, expected);
    assert_eq!(time.total_ns(), 2 * trace.wall_ns);
}

#[test]
fn waiting_for_another_task_is_no_hand_over() {
    // Task 2 needs task 1, whose end the engine receives at 51; lane 1 is known to be free at 31.
    let trace = trace(&[0, 0], &[(0, 1, 0, 30), (1, 2, 0, 50), (2, 1, 53, 10)]);
    let needs = Dependencies::from([(TaskId(2), vec![TaskId(1)])]);
    let time = LaneTime::of(&trace, &needs);
    assert_eq!((time.waiting_ns, time.hand_over_ns), (20 * MS + 3 * MS, 3 * MS));
    assert_eq!(time.total_ns(), 2 * trace.wall_ns);
}

#[test]
fn the_waterfall_leads_from_the_ideal_to_what_was_measured() {
    let one = vec![in_a_row(4, 5, 100), in_a_row(4, 7, 102)];
    // Two lanes, tasks a tenth slower, the last one alone.
    let two = |ready: u64| {
        let rows = vec![(0, 1, ready, 110), (1, 2, ready + 2, 112), (2, 1, ready + 115, 108), (3, 2, ready + 120, 140)];
        (vec![ready, ready + 1], rows)
    };
    let contenders = vec![Contender::new(Mode::One, 1), Contender::new(Mode::Pool, 2)];
    let model = race(contenders, &[one, vec![two(6), two(9)]], Usage::default());
    for place in 0..2 {
        let fall = model.waterfall(place).expect("both have run");
        assert!((fall.sum_secs() / fall.measured_secs - 1.0).abs() < 0.02, "{fall:?}");
        assert!((fall.sum_secs() - fall.measured_secs).abs() < 1e-9, "to the nanosecond, in fact: {fall:?}");
        assert_eq!(fall.baseline, 0);
    }
    let fall = model.waterfall(1).expect("it has run");
    assert!((fall.ideal_secs - 0.404 / 2.0).abs() < 1e-9);
    let slow_down = fall.parts.iter().find(|part| part.name == "slow-down per task").expect("a part");
    assert!((slow_down.secs - (0.470 - 0.404) / 2.0).abs() < 1e-9, "{slow_down:?}");
    assert_eq!(model.waterfall(2), None);
}

#[test]
fn attempts_that_were_followed_by_another_are_a_loss_of_their_own() {
    let mut trace = Trace::default();
    let rows = [(0, 1, 40, 50)];
    for event in events(Mode::Pool, &[10], &rows) {
        if matches!(event.kind, EventKind::Task(TaskEvent::Finished(_))) {
            let failed = record(&(0, 1, 12, 20), 1, Outcome::Exited { code: 1 });
            trace.apply(&Event { at_ns: 33 * MS, kind: EventKind::Task(TaskEvent::Retried(failed)) });
        }
        trace.apply(&event);
    }
    let time = LaneTime::of(&trace, &Dependencies::new());
    assert_eq!((time.repeated_ns, time.busy_ns, time.total_ns()), (20 * MS, 50 * MS, trace.wall_ns));
}

#[test]
fn a_known_serial_fraction_is_found_with_its_error() {
    // 200 ms of serial work, then 800 ms shared by all, with a start-up of 1 ms: a fraction of about a fifth.
    let sizes = [1_u64, 2, 4, 8];
    let run = |workers: u64, late_ms: u64| {
        let ready: Vec<u64> = vec![1; workers as usize];
        let mut rows: Vec<Row> = vec![(0, 1, 1, 200 + late_ms)];
        rows.extend((0..workers).map(|lane| (1 + lane, lane as u32 + 1, 202 + late_ms, 800 / workers)));
        (ready, rows)
    };
    let runs: Vec<Vec<_>> = sizes.iter().map(|workers| [0, 2, 4].map(|late| run(*workers, late)).into()).collect();
    let contenders = sizes.iter().map(|workers| Contender::new(Mode::Pool, *workers as u32)).collect();
    let model = race(contenders, &runs, Usage::default());
    let sizes: Vec<SizeTime> = model.scaling_sizes().iter().map(SizeTime::of).collect();
    let law = Amdahl::fit(&sizes).expect("four sizes");
    let truth = 0.2;
    assert!((law.serial_fraction - truth).abs() < law.half_width + 0.005, "{law:?}");
    assert!(law.half_width < 0.02 && law.residual < FITTING, "{law:?}");
}

#[test]
fn the_verdict_says_how_much_faster_and_where_more_does_not_help() {
    let contenders = Contender::sweep(&[Mode::One, Mode::Pool], &[1, 2, 4]);
    let run = |scale: u64| [100, 101, 99].map(|wall| in_a_row(4, 2, wall * scale / 100)).to_vec();
    let model = race(contenders, &[run(400), run(404), run(200), run(199)], Usage::default());
    let verdict = model.verdict();
    assert!(verdict.sentence.starts_with("The pool of 4 was 2.0"), "{}", verdict.sentence);
    assert!(verdict.sentence.ends_with(" times faster than one process; more than 2 workers will not help."));
    assert!(verdict.sentence.contains('±') && verdict.doubts.is_empty(), "{verdict:?}");
}

#[test]
fn a_difference_that_may_be_chance_is_called_so() {
    let contenders = Contender::sweep(&[Mode::One, Mode::Pool], &[2]);
    let run = |walls: [u64; 3]| walls.map(|wall| in_a_row(4, 2, wall)).to_vec();
    let model = race(contenders.clone(), &[run([100, 140, 90]), run([105, 95, 120])], Usage::default());
    let sentence = model.verdict().sentence;
    assert!(sentence.starts_with("The pool of 2 is not significantly faster or slower than one process"), "{sentence}");
    let model = race(contenders, &[run([100, 101, 99]), run([201, 199, 200])], Usage::default());
    let sentence = model.verdict().sentence;
    assert!(sentence.starts_with("One process was 2.0") && sentence.contains("than the pool of 2"), "{sentence}");
}

#[test]
fn a_busy_machine_an_outlier_and_tasks_that_failed_are_said() {
    let contenders = Contender::sweep(&[Mode::One, Mode::Pool], &[2]);
    let usage = Usage { cpu: CpuTicks { total: 200, own: 90, other: 70 }, peak_memory_bytes: None };
    let quiet: Vec<_> = [100, 101, 99, 102, 98, 100].map(|wall| in_a_row(3, 2, wall)).into();
    let mut disturbed = quiet.clone();
    disturbed[4] = in_a_row(3, 2, 900);
    let model = race(contenders, &[quiet, disturbed], usage);
    let doubts = model.verdict().doubts;
    assert!(doubts[0].starts_with("Other programs used 35 % of the CPU during this race"), "{doubts:?}");
    assert!(doubts[1].starts_with("1 of 6 runs of pool of 2 took far longer or shorter"), "{doubts:?}");
    assert_eq!(doubts.len(), 2);
}

#[test]
fn the_kept_trace_is_the_run_nearest_the_median_and_a_warm_up_counts_for_nothing() {
    let contenders = vec![Contender::new(Mode::One, 1)];
    let model = race(contenders, &[[90, 300, 100, 104].map(|wall| in_a_row(2, 1, wall)).into()], Usage::default());
    assert_eq!(model.traces[0].as_ref().map(|trace| trace.wall_ns), Some(201 * MS));
    let mut warm = RaceModel::default();
    warm.apply(RaceEvent::Begun(Box::new(header(vec![Contender::new(Mode::One, 1)], 2))));
    warm.apply(RaceEvent::TurnBegun(Turn { block: 0, contender: 0, warm_up: true }));
    let (ready, rows) = in_a_row(2, 1, 50);
    for event in events(Mode::One, &ready, &rows) {
        warm.apply(RaceEvent::Run(event));
    }
    assert_eq!(warm.current.as_ref().map(|current| current.curve.len()), Some(2), "seen live");
    warm.apply(RaceEvent::TurnEnded(Usage::default()));
    assert_eq!((warm.runs.len(), warm.time(0), warm.traces[0].clone()), (1, None, None));
    assert_eq!(warm.runs[0].curve, [(51 * MS, 1), (101 * MS, 2)]);
}

#[test]
fn a_run_that_was_broken_off_does_not_count() {
    let mut model = RaceModel::default();
    model.apply(RaceEvent::Begun(Box::new(header(vec![Contender::new(Mode::One, 1)], 2))));
    model.apply(RaceEvent::TurnBegun(Turn { block: 0, contender: 0, warm_up: false }));
    let (ready, rows) = in_a_row(2, 1, 50);
    for event in events(Mode::One, &ready, &rows).into_iter().take(3) {
        model.apply(RaceEvent::Run(event));
    }
    model.apply(RaceEvent::TurnEnded(Usage::default()));
    model.apply(RaceEvent::Ended(RaceEnd::Stopped));
    assert!(model.runs.is_empty() && !model.is_under_way());
    assert!(model.verdict().sentence.starts_with("Stopped early: nothing can be compared"));
}
