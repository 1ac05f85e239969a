//! What a job's control asks for, in simulated time.

use super::supervision::HEARTBEAT_NS;
use super::tests::{SECOND, Simulation, plan};
use super::*;
use crate::engine::RunCommand;
use crate::event::DispatchEvent;
use crate::job::Control;
use crate::job::control::{ResourceRequest, RetryWait};
use crate::job::dependencies::Dependencies;
use crate::job::order::{Order, TaskOrder};
use crate::job::resource_request::TaskRequests;
use std::sync::Arc;

const MILLISECOND: u64 = 1_000_000;

fn controlled(tasks: u64, workers: u32, control: Control) -> Simulation {
    Simulation::with_workers(DispatchPlan { control, ..plan(tasks, workers) })
}

fn halting(halt: &str) -> Control {
    Control { halt: Some(halt.parse().unwrap()), ..Control::default() }
}

fn counts(simulation: &Simulation) -> OutcomeCounts {
    simulation.dispatcher.summary().counts
}

#[test]
fn a_halt_now_ends_what_runs_and_a_halt_soon_lets_it_finish() {
    let mut now = controlled(20, 2, halting("now,fail=1"));
    now.finish(0, Outcome::Done);
    now.finish(0, Outcome::Exited { code: 1 });
    assert_eq!((counts(&now).done, counts(&now).failed, counts(&now).cancelled), (1, 1, 18));
    let halt = "now,fail=1".to_owned();
    assert!(now.emitted(|kind| *kind == EventKind::Dispatch(DispatchEvent::HaltReached { halt: halt.clone() })));

    let mut soon = controlled(20, 2, halting("soon,fail=1"));
    soon.finish(0, Outcome::Done);
    soon.finish(0, Outcome::Exited { code: 1 });
    assert_eq!(
        (counts(&soon).done, counts(&soon).failed, counts(&soon).cancelled),
        (1, 1, 17),
        "nothing was handed out ahead"
    );
    soon.finish(0, Outcome::Done);
    assert_eq!(counts(&soon).done, 2);
    soon.close_retired();
    assert!(soon.dispatcher.is_over());
}

#[test]
fn a_retried_failure_does_not_count_towards_a_halt() {
    let mut simulation = Simulation::new(DispatchPlan { retries: 1, control: halting("now,fail=1"), ..plan(3, 1) });
    simulation.arrive();
    simulation.finish(0, Outcome::Exited { code: 1 });
    assert_eq!(counts(&simulation).total(), 0);
    simulation.run_out();
    assert_eq!(counts(&simulation).done, 3);
}

#[test]
fn starts_are_kept_apart_by_the_delay() {
    let control = Control { delay_secs: Some(0.5), ..Control::default() };
    let mut simulation = controlled(3, 2, control);
    assert_eq!((simulation.in_flight(1), simulation.in_flight(2)), (1, 0));
    let due_ns = simulation.dispatcher.next_wake_ns().unwrap();
    assert_eq!(due_ns, SECOND / 2);
    simulation.now_ns = due_ns - 1;
    simulation.put(Input::Tick);
    assert_eq!(simulation.in_flight(2), 0);
    simulation.now_ns = due_ns;
    simulation.put(Input::Tick);
    assert_eq!(simulation.in_flight(2), 1);
    // No worker is idle, so nothing is due.
    assert_eq!(simulation.dispatcher.next_wake_ns(), Some(HEARTBEAT_NS), "nothing but a check of the workers");
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.in_flight(1), 0);
    assert_eq!(simulation.dispatcher.next_wake_ns(), Some(SECOND));
}

#[test]
fn a_retry_waits_its_time_while_others_go_on() {
    let wait = RetryWait::Exponential { first_secs: 1.0, most_secs: 60.0 };
    let control = Control { retry_wait: Some(wait), ..Control::default() };
    let mut simulation = Simulation::new(DispatchPlan { retries: 2, control, ..plan(2, 1) });
    simulation.arrive();
    simulation.finish(0, Outcome::Exited { code: 1 });
    assert_eq!(simulation.here[&WorkerId(1)], [(TaskId(1), 1)]);
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.in_flight(1), 0);
    let due_ns = simulation.dispatcher.next_wake_ns().unwrap();
    assert_eq!(due_ns, SECOND + MILLISECOND);
    simulation.now_ns = due_ns;
    simulation.put(Input::Tick);
    simulation.finish(0, Outcome::Exited { code: 1 });
    assert_eq!(simulation.dispatcher.next_wake_ns(), Some(simulation.now_ns + 2 * SECOND));
    simulation.run_out();
    assert_eq!(simulation.ended[&TaskId(0)], (3, Outcome::Done));
}

#[test]
fn a_closed_admission_starts_nothing_and_says_why() {
    let mut simulation = controlled(5, 1, Control::default());
    let need = Some("8192 MiB free; 5 MiB are".to_owned());
    simulation.put(Input::Admission(need.clone()));
    assert!(simulation.emitted_held(Some("4 tasks need 8192 MiB free; 5 MiB are")));
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.in_flight(1), 0);
    simulation.put(Input::Admission(need));
    assert_eq!(simulation.effects, [], "the same is not said again");
    simulation.put(Input::Admission(None));
    assert!(simulation.in_flight(1) > 0);
}

#[test]
fn a_timeout_follows_the_median_of_those_done() {
    let control = Control { timeout_percent: Some(200.0), ..Control::default() };
    let mut simulation = controlled(10, 1, control);
    simulation.finish(0, Outcome::Done);
    simulation.finish(0, Outcome::Exited { code: 1 });
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.timeout_ns, None);
    simulation.finish(0, Outcome::Done);
    assert_eq!(simulation.timeout_ns, Some(20 * MILLISECOND));
    simulation.timeout_ns = None;
    simulation.die(0);
    simulation.tick(1);
    simulation.arrive();
    assert_eq!(simulation.timeout_ns, Some(20 * MILLISECOND), "a new worker is told as well");
}

#[test]
fn slots_and_resources_say_how_many_workers_there_are() {
    let needs = |resources: u32, need: u32| Control {
        resources: [("gpu".to_owned(), resources)].into(),
        needs: [("gpu".to_owned(), ResourceRequest::Count(need))].into(),
        ..Control::default()
    };
    for (control, workers) in [
        (Control { slots: Some(ResourceRequest::Count(2)), ..Control::default() }, 4),
        (Control { slots: Some(ResourceRequest::Count(3)), ..Control::default() }, 2),
        (needs(3, 1), 3),
        (needs(5, 2), 2),
    ] {
        let simulation = Simulation::new(DispatchPlan { control, ..plan(100, 8) });
        assert_eq!(simulation.coming.len(), workers);
    }
}

#[test]
fn tasks_wait_for_those_that_they_need() {
    // 2 needs 0 and 1; 3 needs 2; 4 needs none.
    let dependencies: Dependencies =
        [(TaskId(2), vec![TaskId(0), TaskId(1)]), (TaskId(3), vec![TaskId(2)])].into_iter().collect();
    let mut simulation = Simulation::with_workers(DispatchPlan { dependencies: dependencies.clone(), ..plan(5, 3) });
    let has =
        |simulation: &Simulation| -> Vec<u64> { simulation.here.values().flatten().map(|(task, _)| task.0).collect() };
    assert_eq!(has(&simulation), [0, 1, 4]);
    simulation.finish(0, Outcome::Done);
    assert_eq!(has(&simulation), [1, 4]);
    simulation.finish(0, Outcome::Done);
    assert_eq!(has(&simulation), [2, 4]);
    simulation.run_out();
    assert_eq!(counts(&simulation).done, 5);

    let mut failing = Simulation::with_workers(DispatchPlan { dependencies, ..plan(5, 3) });
    failing.finish(0, Outcome::Exited { code: 1 });
    assert_eq!(failing.ended[&TaskId(2)].1, Outcome::Cancelled);
    assert_eq!(failing.ended[&TaskId(3)].1, Outcome::Cancelled);
    failing.run_out();
    assert_eq!((counts(&failing).done, counts(&failing).failed, counts(&failing).cancelled), (2, 1, 2));
}

#[test]
fn tasks_are_handed_out_in_the_order_that_was_given() {
    let order = TaskOrder::new(&Order::Shuffled { seed: 1 }, 4);
    let wanted: Vec<u64> = (0..4).map(|place| order.task_at(place).0).filter(|task| *task != 0).collect();
    assert_ne!(wanted, [1, 2, 3]);
    let mut simulation = Simulation::with_workers(DispatchPlan { order, ..plan(4, 1) });
    let mut begun = Vec::new();
    simulation.put(Input::Command(RunCommand::Cancel(TaskId(0))));
    while let Some((task, _)) = simulation.here[&WorkerId(1)].first().copied() {
        begun.push(task.0);
        simulation.finish(0, Outcome::Done);
    }
    assert_eq!(begun, wanted);
    assert_eq!(simulation.ended[&TaskId(0)].1, Outcome::Cancelled);
}

#[test]
fn tasks_that_one_has_held_up_begin_in_the_order_of_the_batch() {
    for order in [Order::AsGiven, Order::Shuffled { seed: 1 }] {
        let order = TaskOrder::new(&order, 40);
        let first = order.task_at(0);
        let wanted: Vec<u64> = (0..40).map(|place| order.task_at(place).0).collect();
        let dependencies: Dependencies =
            (0..40).map(TaskId).filter(|task| *task != first).map(|task| (task, vec![first])).collect();
        let mut simulation = Simulation::with_workers(DispatchPlan { order, dependencies, ..plan(40, 1) });
        let mut begun = Vec::new();
        while let Some((task, _)) = simulation.here[&WorkerId(1)].first().copied() {
            begun.push(task.0);
            simulation.finish(0, Outcome::Done);
        }
        assert_eq!(begun, wanted);
    }
}

#[test]
fn a_fixed_chunk_goes_out_whole_and_stays_where_it_went() {
    let chunk = std::num::NonZeroU32::new(4);
    let mut simulation = Simulation::with_workers(DispatchPlan { chunk, ..plan(10, 2) });
    assert_eq!((simulation.in_flight(1), simulation.in_flight(2)), (4, 4));
    for _ in 0..4 {
        simulation.finish(1, Outcome::Done);
    }
    assert_eq!(
        (simulation.in_flight(1), simulation.in_flight(2)),
        (4, 2),
        "the rest goes to the worker that is through"
    );
    simulation.finish(1, Outcome::Done);
    simulation.finish(1, Outcome::Done);
    assert!(!simulation.effects.iter().any(|effect| matches!(effect, Effect::TakeBack { .. })));
    simulation.run_out();
    assert_eq!(counts(&simulation).done, 10);
}

#[test]
fn a_restarted_task_ends_its_attempt_and_begins_again_without_a_failure() {
    let mut simulation = Simulation::new(plan(3, 1));
    simulation.arrive();
    simulation.put(Input::Command(RunCommand::Restart(TaskId(0))));
    let cancel = Effect::Cancel { worker: WorkerId(1), task: TaskId(0) };
    assert!(simulation.effects.contains(&cancel), "{:?}", simulation.effects);
    assert!(!simulation.ended.contains_key(&TaskId(0)));
    assert_eq!(simulation.here[&WorkerId(1)].first(), Some(&(TaskId(0), 2)), "before those that never began");
    simulation.run_out();
    assert_eq!(simulation.ended[&TaskId(0)], (2, Outcome::Done));
    simulation.put(Input::Command(RunCommand::Restart(TaskId(0))));
    assert_eq!(simulation.effects, [], "it has ended");
}

#[test]
fn a_raised_task_begins_next_also_where_tasks_take_resources() {
    let needs = TaskRequests::of_places_and_gpus(4, &[[1, 1]; 6]);
    for needs in [None, Some(Arc::new(needs))] {
        let mut simulation = Simulation::new(DispatchPlan { needs, ..plan(6, 1) });
        simulation.arrive();
        for task in [3, 5] {
            simulation.put(Input::Command(RunCommand::Raise(TaskId(task))));
        }
        let mut order = Vec::new();
        while let Some((task, _)) = simulation.here[&WorkerId(1)].first().copied() {
            order.push(task.0);
            simulation.finish(0, Outcome::Done);
            if order.len() == 6 {
                break;
            }
        }
        assert_eq!(order, [0, 5, 3, 1, 2, 4]);
    }
}

#[test]
fn a_task_that_is_raised_twice_takes_no_other_task_s_place() {
    let needs = TaskRequests::of_places_and_gpus(4, &[[1, 1]; 6]);
    for needs in [None, Some(Arc::new(needs))] {
        let mut simulation = Simulation::new(DispatchPlan { needs, ..plan(6, 1) });
        simulation.arrive();
        for task in [3, 5, 3, 4] {
            simulation.put(Input::Command(RunCommand::Raise(TaskId(task))));
        }
        simulation.run_out();
        assert_eq!(simulation.ended.len(), 6, "every task ends: {:?}", simulation.ended);
    }
}

#[test]
fn those_that_wait_for_a_skipped_task_go_on_whether_it_was_queued_or_running() {
    for running in [true, false] {
        let dependencies = [(TaskId(2), vec![TaskId(0), TaskId(1)])].into();
        let mut simulation = Simulation::new(DispatchPlan { dependencies, ..plan(3, 1) });
        simulation.arrive();
        let skipped = TaskId(u64::from(!running));
        simulation.put(Input::Command(RunCommand::Skip(skipped)));
        simulation.run_out();
        assert_eq!(simulation.ended[&skipped].1, Outcome::Cancelled, "running: {running}");
        assert_eq!(simulation.ended[&TaskId(2)].1, Outcome::Done, "running: {running}");
    }
}

/// The order in which one worker begins what is left, resuming wherever the run pauses; 99 stands for each pause.
fn order_of(simulation: &mut Simulation) -> Vec<u64> {
    const PAUSE: u64 = 99;
    let mut order = Vec::new();
    for _ in 0..40 {
        match simulation.here.get(&WorkerId(1)).and_then(|tasks| tasks.first()).copied() {
            Some((task, _)) => {
                order.push(task.0);
                simulation.finish(0, Outcome::Done);
            }
            None if simulation.dispatcher.paused => {
                order.push(PAUSE);
                simulation.put(Input::Command(RunCommand::Resume));
            }
            None => break,
        }
    }
    order
}

const NONE: fn() -> Option<Arc<TaskRequests>> = || None;
const GPUS: fn() -> Option<Arc<TaskRequests>> = || Some(Arc::new(TaskRequests::of_places_and_gpus(4, &[[1, 1]; 6])));

#[test]
fn higher_priorities_begin_first_and_within_one_the_batch_decides() {
    let prioritise = |task, priority| RunCommand::SetPriority { task: TaskId(task), priority };
    let cases: [(&str, &[RunCommand], [u64; 6]); 7] = [
        ("none", &[], [0, 1, 2, 3, 4, 5]),
        ("one higher", &[prioritise(4, 1)], [0, 4, 1, 2, 3, 5]),
        ("two alike, whichever was set first", &[prioritise(5, 2), prioritise(3, 2)], [0, 3, 5, 1, 2, 4]),
        ("one lower", &[prioritise(1, -7)], [0, 2, 3, 4, 5, 1]),
        ("taken back", &[prioritise(4, 9), prioritise(1, -9), prioritise(4, 0), prioritise(1, 0)], [0, 1, 2, 3, 4, 5]),
        ("raised above all", &[prioritise(5, i32::MAX), RunCommand::Raise(TaskId(2))], [0, 2, 5, 1, 3, 4]),
        ("raised, then a number", &[RunCommand::Raise(TaskId(2)), prioritise(2, -1)], [0, 1, 3, 4, 5, 2]),
    ];
    for needs in [NONE, GPUS] {
        for (what, commands, expected) in &cases {
            let mut simulation = Simulation::new(DispatchPlan { needs: needs(), ..plan(6, 1) });
            simulation.arrive();
            commands.iter().for_each(|command| simulation.put(Input::Command(*command)));
            assert_eq!(order_of(&mut simulation), expected, "{what}");
        }
    }
}

#[test]
fn a_task_that_fails_keeps_its_priority_and_one_that_has_ended_takes_none() {
    let mut simulation = Simulation::new(DispatchPlan { retries: 1, ..plan(4, 1) });
    simulation.arrive();
    simulation.put(Input::Command(RunCommand::SetPriority { task: TaskId(0), priority: -1 }));
    simulation.finish(0, Outcome::Exited { code: 1 });
    assert_eq!(order_of(&mut simulation), [1, 2, 3, 0]);
    simulation.put(Input::Command(RunCommand::SetPriority { task: TaskId(1), priority: 5 }));
    simulation.put(Input::Command(RunCommand::SetBreakpoint { task: TaskId(1), is_set: true }));
    simulation.put(Input::Command(RunCommand::SetPriority { task: TaskId(9), priority: 5 }));
    assert_eq!(simulation.effects, [], "ended, or not in the batch");
}

#[test]
fn the_run_pauses_before_a_task_with_a_breakpoint_and_goes_on_with_it() {
    type Case<'a> = (&'a str, &'a [u64], &'a [RunCommand], &'a [u64]);
    let cases: [Case<'_>; 5] = [
        ("before one", &[2], &[], &[0, 1, 99, 2, 3, 4, 5]),
        ("before two", &[3, 1], &[], &[0, 99, 1, 2, 99, 3, 4, 5]),
        ("taken back", &[3], &[RunCommand::SetBreakpoint { task: TaskId(3), is_set: false }], &[0, 1, 2, 3, 4, 5]),
        ("cancelled", &[3], &[RunCommand::Cancel(TaskId(3))], &[0, 1, 2, 4, 5]),
        ("raised", &[4], &[RunCommand::Raise(TaskId(4))], &[0, 99, 4, 1, 2, 3, 5]),
    ];
    for needs in [NONE, GPUS] {
        for (what, breakpoints, commands, expected) in &cases {
            let mut simulation = Simulation::new(DispatchPlan { needs: needs(), ..plan(6, 1) });
            simulation.arrive();
            for task in *breakpoints {
                simulation.put(Input::Command(RunCommand::SetBreakpoint { task: TaskId(*task), is_set: true }));
            }
            commands.iter().for_each(|command| simulation.put(Input::Command(*command)));
            assert_eq!(order_of(&mut simulation), *expected, "{what}");
        }
    }
}

#[test]
fn a_breakpoint_from_the_start_holds_also_the_first_task_and_one_that_waits_for_another() {
    let dependencies = [(TaskId(1), vec![TaskId(3)])].into();
    let breakpoints = vec![TaskId(0), TaskId(1)];
    let mut simulation = Simulation::new(DispatchPlan { dependencies, breakpoints, ..plan(4, 1) });
    simulation.arrive();
    assert_eq!(order_of(&mut simulation), [99, 0, 2, 3, 99, 1]);
}

#[test]
fn a_worker_begins_what_it_has_ahead_of_a_breakpoint_and_nothing_behind_it() {
    for (stop, expected) in [(3, [2, 99, 3, 4]), (4, [2, 3, 99, 4]), (6, [2, 3, 4, 5])] {
        let mut simulation = Simulation::new(plan(20, 1));
        simulation.arrive();
        // Short tasks are handed out two at a time.
        simulation.finish(0, Outcome::Done);
        simulation.finish(0, Outcome::Done);
        assert_eq!(simulation.in_flight(1), 2);
        simulation.put(Input::Command(RunCommand::SetBreakpoint { task: TaskId(stop), is_set: true }));
        let order = order_of(&mut simulation);
        assert_eq!(order[..4], expected, "{order:?}");
        assert_eq!(order.len(), 18 + 1, "{order:?}");
    }
}
