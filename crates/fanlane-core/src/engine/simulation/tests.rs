use super::*;
use crate::event::TaskId;

const MS: u64 = 1_000_000;

fn busy(ms: u64) -> SimulatedTask {
    SimulatedTask { wall_ns: ms * MS, cpu_ns: ms * MS }
}

fn asleep(ms: u64) -> SimulatedTask {
    SimulatedTask { wall_ns: ms * MS, cpu_ns: 0 }
}

fn plan(tasks: usize, workers: u32) -> SimulatedPlan {
    SimulatedPlan {
        mode: Mode::Pool,
        workers,
        chunk: None,
        order: (0..tasks as u32).collect(),
        after: Dependencies::new(),
        control: Control::default(),
    }
}

#[track_caller]
fn assert_whole(run: &SimulatedRun, tasks: usize) {
    let mut seen: Vec<u32> = run.spans.iter().map(|span| span.task).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..tasks as u32).collect::<Vec<_>>(), "every task once");
    let mut by_lane: Vec<SimulatedSpan> = run.spans.clone();
    by_lane.sort_by_key(|span| (span.lane, span.start_ns));
    for pair in by_lane.windows(2).filter(|pair| pair[0].lane == pair[1].lane) {
        assert!(pair[0].start_ns + pair[0].wall_ns <= pair[1].start_ns, "a lane does one at a time: {pair:?}");
    }
}

#[test]
fn equal_tasks_are_shared_out_and_the_cores_are_the_limit() {
    let tasks = vec![busy(20); 24];
    let machine = SimulatedMachine::ideal(4);
    for (workers, wall_ms) in [(1, 480), (2, 240), (4, 120), (8, 120), (24, 120)] {
        let run = simulate(&tasks, &plan(24, workers), &machine);
        assert_whole(&run, 24);
        assert!(run.wall_ns.abs_diff(wall_ms * MS) < MS / 10, "{workers} workers: {} ns", run.wall_ns);
    }
}

#[test]
fn who_waits_needs_no_core() {
    let run = simulate(&[asleep(100); 8], &plan(8, 8), &SimulatedMachine::ideal(1));
    assert_eq!(run.wall_ns, 100 * MS);
}

#[test]
fn a_measured_slow_down_is_heeded_and_the_rest_is_shared_evenly() {
    let machine = SimulatedMachine { slow_down: vec![(2.0, 1.5)], ..SimulatedMachine::ideal(2) };
    assert_eq!([0.5, 1.0, 1.5, 2.0, 4.0].map(|wanted| machine.slow_down_at(wanted)), [1.0, 1.0, 1.25, 1.5, 3.0]);
    let run = simulate(&[busy(20); 8], &plan(8, 2), &machine);
    assert!(run.wall_ns.abs_diff(4 * 30 * MS) < MS / 10, "{}", run.wall_ns);
    let ideal = SimulatedMachine::ideal(4);
    assert_eq!([4.0, 8.0].map(|wanted| ideal.slow_down_at(wanted)), [1.0, 2.0]);
}

#[test]
fn starting_and_handing_over_cost_what_they_cost() {
    let machine =
        SimulatedMachine { first_worker_ns: 5 * MS, return_ns: MS, hand_out_ns: 2 * MS, ..SimulatedMachine::ideal(4) };
    // A task of 30 ms is handed out alone, so each costs the way to and fro; the last one's way back is not waited for.
    let run = simulate(&[asleep(30); 4], &plan(4, 1), &machine);
    assert_eq!(run.wall_ns, (5 + 4 * 30 + 4 * 2 + 3) * MS);
}

#[test]
fn a_chunk_stays_with_its_worker_and_one_long_task_holds_it_up() {
    let mut tasks = vec![asleep(30); 8];
    tasks[0] = asleep(300);
    let machine = SimulatedMachine::ideal(2);
    let chunk = NonZeroU32::new(4);
    let chunked = simulate(&tasks, &SimulatedPlan { chunk, ..plan(8, 2) }, &machine);
    assert_eq!(chunked.wall_ns, (300 + 3 * 30) * MS);
    let free = simulate(&tasks, &plan(8, 2), &machine);
    assert_eq!(free.wall_ns, 300 * MS);
}

#[test]
fn the_longest_first_ends_sooner_than_the_longest_last() {
    let tasks: Vec<SimulatedTask> = [10, 10, 10, 10, 10, 10, 60].map(asleep).into();
    let machine = SimulatedMachine::ideal(4);
    let as_given = simulate(&tasks, &plan(7, 2), &machine);
    let order = vec![6, 0, 1, 2, 3, 4, 5];
    let longest_first = simulate(&tasks, &SimulatedPlan { order, ..plan(7, 2) }, &machine);
    assert_whole(&longest_first, 7);
    assert!(as_given.wall_ns >= 90 * MS && longest_first.wall_ns < 62 * MS, "{as_given:?} {longest_first:?}");
}

#[test]
fn tasks_wait_for_those_that_they_need_in_any_order() {
    let tasks = vec![asleep(50); 5];
    let after: Dependencies = (1..5).map(|task| (TaskId(task), vec![TaskId(0)])).collect();
    for order in [vec![0, 1, 2, 3, 4], vec![4, 3, 2, 1, 0]] {
        let run =
            simulate(&tasks, &SimulatedPlan { after: after.clone(), order, ..plan(5, 4) }, &SimulatedMachine::ideal(4));
        assert_whole(&run, 5);
        assert_eq!(run.wall_ns, 100 * MS);
    }
}

#[test]
fn many_tiny_tasks_come_to_an_end() {
    let tasks = vec![SimulatedTask { wall_ns: 700, cpu_ns: 700 }; 20_000];
    let machine = SimulatedMachine { return_ns: 30_000, hand_out_ns: 30_000, ..SimulatedMachine::ideal(2) };
    for workers in [1, 2, 7] {
        assert_whole(&simulate(&tasks, &plan(20_000, workers), &machine), 20_000);
    }
    assert_eq!(simulate(&[], &plan(0, 3), &machine), SimulatedRun::default());
}
