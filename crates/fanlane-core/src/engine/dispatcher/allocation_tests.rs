//! Tasks of different sizes, batches that grow, orders by values and want of memory, in simulated time.

use std::sync::Arc;

use proptest::prelude::*;

use super::supervision::HEARTBEAT_NS;
use super::tests::{SECOND, Simulation, plan};
use super::*;
use crate::engine::RunCommand;
use crate::event::RunEvent;
use crate::job::Control;
use crate::job::order::TaskOrder;
use crate::job::resource_request::TaskRequests;

/// Tasks with the places and GPUs that each takes, in a pool of `workers` with `gpus` GPUs, and all workers there.
fn sized(tasks: &[[u32; 2]], workers: u32, gpus: u32) -> Simulation {
    let needs = Some(Arc::new(TaskRequests::of_places_and_gpus(gpus, tasks)));
    Simulation::with_workers(DispatchPlan { needs, ..plan(tasks.len() as u64, workers) })
}

/// The tasks at work, smallest first.
fn at_work(simulation: &Simulation) -> Vec<u64> {
    let mut tasks: Vec<u64> = simulation.here.values().filter_map(|tasks| Some(tasks.first()?.0.0)).collect();
    tasks.sort_unstable();
    tasks
}

/// A batch of which this number of tasks is there by now, and further ones may come; its only worker is there.
fn growing(tasks: u64, control: Control) -> Simulation {
    let mut simulation = Simulation::new(DispatchPlan { complete: false, control, ..plan(0, 1) });
    simulation.put(grown(tasks, false));
    simulation.arrive();
    simulation
}

const fn grown(tasks: u64, complete: bool) -> Input {
    Input::Grown { tasks, complete, fault: None }
}

fn finish_task(simulation: &mut Simulation, task: u64) {
    let busy = simulation.here.values().filter(|tasks| !tasks.is_empty());
    let which = busy.clone().position(|tasks| tasks[0].0 == TaskId(task)).expect("it is at work");
    simulation.finish(which, Outcome::Done);
}

fn shares(simulation: &Simulation) -> Vec<(u64, String)> {
    let given = simulation.effects.iter().filter_map(|effect| match effect {
        Effect::RunWith { tasks, shares, .. } => Some((tasks[0].0.0, shares.join(";"))),
        _ => None,
    });
    given.collect()
}

#[test]
fn tasks_begin_as_long_as_they_fit_and_the_first_that_does_not_is_kept_room_for() {
    // Places: 2 2 3 1 1 1 in a pool of 4.
    let mut simulation = sized(&[[2, 0], [2, 0], [3, 0], [1, 0], [1, 0], [1, 0]], 4, 0);
    assert_eq!(at_work(&simulation), [0, 1]);
    finish_task(&mut simulation, 0);
    assert_eq!(at_work(&simulation), [1], "two places are free, and the third is waited for");
    finish_task(&mut simulation, 1);
    assert_eq!(at_work(&simulation), [2, 3]);
    finish_task(&mut simulation, 3);
    assert_eq!(at_work(&simulation), [2, 4]);
    simulation.run_out();
    assert_eq!(simulation.dispatcher.summary().counts.done, 6);
}

#[test]
fn what_waits_for_a_gpu_does_not_hold_up_those_that_need_none() {
    let mut simulation = sized(&[[1, 2], [1, 2], [1, 0], [1, 1], [1, 0]], 4, 2);
    assert_eq!(at_work(&simulation), [0, 2, 4], "the fourth would take what the second waits for");
    finish_task(&mut simulation, 2);
    assert_eq!(at_work(&simulation), [0, 4]);
    finish_task(&mut simulation, 0);
    assert_eq!(at_work(&simulation), [1, 4]);
    assert_eq!(shares(&simulation), [(1, "0,1".to_owned())]);
    finish_task(&mut simulation, 1);
    assert_eq!(shares(&simulation), [(3, "0".to_owned())]);
}

#[test]
fn short_tasks_that_take_the_same_follow_each_other_at_one_worker() {
    let mut simulation = sized(&[[1, 1]; 40], 2, 1);
    assert_eq!(at_work(&simulation), [0], "there is one GPU");
    finish_task(&mut simulation, 0);
    let (&worker, ahead) = simulation.here.iter().find(|(_, tasks)| !tasks.is_empty()).expect("one is at work");
    assert!(ahead.len() > 1, "{ahead:?}");
    assert!(ahead.iter().all(|(task, _)| simulation.shares[task] == ["0"]), "{:?}", simulation.shares);
    assert!(simulation.dispatcher.workers[&worker].in_flight.len() == ahead.len());
    // What was not begun has had no attempt when the worker dies, and the GPU is free again.
    simulation.die(usize::from(worker == WorkerId(2)));
    assert_eq!(simulation.attempts.values().sum::<u32>(), 1);
    simulation.run_out();
    assert_eq!(simulation.dispatcher.summary().counts.done, 40);
}

#[test]
fn nothing_is_handed_ahead_of_what_waits_for_the_same() {
    // The second waits for both GPUs: the first has one of them, and none goes on with that.
    let sizes: Vec<[u32; 2]> = [[1, 0], [1, 1], [1, 2]].into_iter().chain([[1, 1]; 20]).chain([[1, 0]; 20]).collect();
    let mut simulation = sized(&sizes, 4, 2);
    assert_eq!(at_work(&simulation), [0, 1, 23]);
    finish_task(&mut simulation, 0);
    let held = |simulation: &Simulation| {
        let tasks = simulation.here.values().flatten().map(|(task, _)| sizes[task.0 as usize][1]);
        tasks.filter(|gpus| *gpus == 1).count()
    };
    assert_eq!(held(&simulation), 1);
    assert!(simulation.here.values().any(|tasks| tasks.len() > 1), "those without a GPU hold up none");
    finish_task(&mut simulation, 1);
    assert!(at_work(&simulation).contains(&2), "{:?}", simulation.here);
    simulation.run_out();
    assert_eq!(simulation.dispatcher.summary().counts.done, 43);
}

#[test]
fn what_was_handed_ahead_is_taken_back_for_an_idle_worker_only_where_it_fits_beside() {
    for (gpus, at_once) in [(1, 1), (2, 2)] {
        let needs = Some(Arc::new(TaskRequests::of_places_and_gpus(gpus, &[[1, 1]; 3])));
        let mut simulation = Simulation::new(DispatchPlan { needs, ..plan(3, 2) });
        simulation.arrive();
        finish_task(&mut simulation, 0);
        assert_eq!(simulation.here[&WorkerId(1)].len(), 2);
        while !simulation.coming.is_empty() {
            simulation.arrive();
        }
        assert_eq!(at_work(&simulation).len(), at_once, "{gpus}");
        simulation.run_out();
        assert_eq!(simulation.dispatcher.summary().counts.done, 3);
    }
}

#[test]
fn each_attempt_is_told_what_is_its_own_also_after_a_crash() {
    let simulation = &mut sized(&[[1, 1], [1, 2], [1, 1]], 3, 4);
    assert_eq!(at_work(simulation), [0, 1, 2]);
    simulation.die(1);
    simulation.tick(10);
    simulation.arrive();
    assert_eq!(shares(simulation), [(1, "1,2".to_owned())]);
    finish_task(simulation, 0);
    finish_task(simulation, 2);
    finish_task(simulation, 1);
    assert_eq!(simulation.ended[&TaskId(1)], (2, Outcome::Done));
}

#[test]
fn a_pool_that_is_too_small_for_a_task_says_so_and_does_the_others() {
    let mut simulation = sized(&[[1, 0], [3, 0], [1, 0]], 3, 0);
    simulation.put(Input::Command(RunCommand::SetWorkers(2)));
    for task in [0, 2] {
        finish_task(&mut simulation, task);
        simulation.close_retired();
    }
    let reason = simulation.dispatcher.held.clone().expect("a reason");
    assert_eq!(reason, "task 2 waits: it takes 3 places, the pool has 2; make the pool larger");
    simulation.put(Input::Command(RunCommand::SetWorkers(3)));
    assert!(simulation.emitted_held(None));
    simulation.arrive();
    assert_eq!(at_work(&simulation), [1]);
    let control = Control { slots: Some(crate::job::control::ResourceRequest::Count(4)), ..Control::default() };
    let same = Simulation::new(DispatchPlan { control, ..plan(3, 2) });
    assert!(same.emitted_held(Some("each task takes 4 places, the pool has 2; make the pool larger")));
}

#[test]
fn starts_of_sized_tasks_are_kept_apart_too() {
    let needs = Some(Arc::new(TaskRequests::of_places_and_gpus(0, &[[1, 0], [2, 0], [1, 0]])));
    let control = Control { delay_secs: Some(1.0), ..Control::default() };
    let mut simulation = Simulation::with_workers(DispatchPlan { needs, control, ..plan(3, 2) });
    assert_eq!(at_work(&simulation), [0]);
    assert_eq!(simulation.dispatcher.next_wake_ns(), Some(HEARTBEAT_NS), "the next does not fit yet");
    finish_task(&mut simulation, 0);
    assert_eq!((at_work(&simulation), simulation.dispatcher.next_wake_ns()), (vec![], Some(SECOND)));
    simulation.tick(1);
    assert_eq!(at_work(&simulation), [1]);
}

#[test]
fn sized_tasks_that_wait_are_cancelled_like_others() {
    let mut simulation = sized(&[[2, 0], [2, 0], [1, 0], [2, 0]], 2, 0);
    simulation.put(Input::Command(RunCommand::Cancel(TaskId(1))));
    simulation.put(Input::Command(RunCommand::Cancel(TaskId(77))));
    assert_eq!(simulation.ended[&TaskId(1)], (0, Outcome::Cancelled));
    simulation.put(Input::Command(RunCommand::Stop));
    assert_eq!(simulation.dispatcher.summary().counts.cancelled, 4);
}

#[test]
fn a_retry_with_a_higher_rank_goes_before_what_was_not_begun() {
    let order = TaskOrder::largest_first(&[1, 9, 5, 9]);
    let mut simulation = Simulation::with_workers(DispatchPlan { order, retries: 1, ..plan(4, 1) });
    let mut begun = Vec::new();
    for outcome in [Outcome::Exited { code: 1 }, Outcome::Done, Outcome::Done, Outcome::Done, Outcome::Done] {
        begun.push(simulation.here[&WorkerId(1)][0].0.0);
        // One at a time: what was handed out ahead does not come back for it.
        simulation.now_ns += SECOND;
        simulation.finish(0, outcome);
    }
    assert_eq!(begun[0], 1);
    assert!(begun.iter().rposition(|task| *task == 1) < begun.iter().position(|task| *task == 2), "{begun:?}");
    assert_eq!(begun.last(), Some(&0));
}

#[test]
fn a_batch_that_grows_begins_with_its_first_task_and_ends_when_it_is_complete() {
    let mut simulation = Simulation::new(DispatchPlan { complete: false, ..plan(0, 2) });
    assert!(simulation.coming.is_empty() && !simulation.dispatcher.is_over());
    simulation.put(grown(1, false));
    assert!(simulation.emitted(|kind| *kind == EventKind::Run(RunEvent::BatchGrew { tasks: 1, complete: false })));
    simulation.arrive();
    assert_eq!(at_work(&simulation), [0]);
    finish_task(&mut simulation, 0);
    assert!(simulation.retired.is_empty(), "the worker waits for further tasks");
    simulation.put(grown(4, false));
    assert!(at_work(&simulation).contains(&1));
    simulation.put(grown(4, true));
    assert!(!simulation.dispatcher.is_over());
    simulation.run_out();
    assert_eq!(simulation.dispatcher.summary().counts.done, 4);

    let mut empty = Simulation::new(DispatchPlan { complete: false, ..plan(0, 2) });
    empty.put(grown(0, true));
    assert!(empty.dispatcher.is_over());
}

#[test]
fn a_stop_ends_a_batch_that_is_not_complete_at_once() {
    let mut simulation = growing(1, Control::default());
    finish_task(&mut simulation, 0);
    simulation.put(Input::Command(RunCommand::Stop));
    simulation.close_retired();
    assert!(simulation.dispatcher.is_over());
    simulation.put(grown(9, true));
    assert_eq!(simulation.effects, [], "what comes later is dropped");
}

#[test]
fn inputs_that_break_off_end_the_run_with_what_it_has_begun() {
    let mut simulation = growing(3, Control::default());
    let fault = Some("input 1: standard input, line 4: a NUL byte".to_owned());
    simulation.put(Input::Grown { tasks: 3, complete: true, fault });
    assert!(
        simulation.emitted(
            |kind| matches!(kind, EventKind::Run(RunEvent::InputsBroke { reason }) if reason.contains("line 4"))
        )
    );
    finish_task(&mut simulation, 0);
    simulation.close_retired();
    assert!(simulation.dispatcher.is_over());
    let summary = simulation.dispatcher.summary();
    assert_eq!((summary.counts.done, summary.counts.cancelled, summary.stopped), (1, 2, true));
}

#[test]
fn a_share_of_a_growing_batch_is_known_when_it_is_complete() {
    let control = Control { halt: Some("now,fail=50%".parse().unwrap()), ..Control::default() };
    let mut simulation = growing(4, control);
    for _ in 0..3 {
        simulation.finish(0, Outcome::Exited { code: 1 });
    }
    assert!(!simulation.dispatcher.stopping);
    simulation.put(grown(6, true));
    assert!(simulation.dispatcher.stopping);
}

/// Announces the task that each worker is at.
fn announce(simulation: &mut Simulation) {
    let at: Vec<_> = simulation.here.iter().filter_map(|(worker, tasks)| Some((*worker, *tasks.first()?))).collect();
    for (worker, (task, attempt)) in at {
        simulation.now_ns += 1;
        let start_ns = simulation.now_ns;
        simulation.put(Input::Started { worker, task, attempt, start_ns, pid: None });
    }
}

#[test]
fn want_of_memory_ends_the_youngest_and_puts_it_back_without_a_failure() {
    let mut simulation = Simulation::with_workers(plan(3, 3));
    announce(&mut simulation);
    simulation.put(Input::Admission(Some("8192 MiB free; 5 MiB are".to_owned())));
    simulation.put(Input::MemoryLow);
    assert_eq!(at_work(&simulation), [0, 1]);
    assert!(
        simulation
            .emitted(|kind| matches!(kind, EventKind::Task(TaskEvent::Retried(record)) if record.task == TaskId(2)))
    );
    simulation.put(Input::MemoryLow);
    assert_eq!(at_work(&simulation), [0]);
    simulation.put(Input::MemoryLow);
    assert_eq!(at_work(&simulation), [0], "the last one goes on");
    simulation.put(Input::Admission(None));
    simulation.run_out();
    assert_eq!(simulation.ended[&TaskId(2)], (2, Outcome::Done));
    assert_eq!(simulation.dispatcher.summary().counts.done, 3, "no try was used up");
}

#[test]
fn a_task_that_ends_before_it_is_ended_for_want_of_memory_has_ended() {
    for wanted_gone in [false, true] {
        let mut dispatcher = Dispatcher::new(plan(2, 2));
        let mut said = Vec::new();
        dispatcher.handle(0, Input::Tick, &mut said);
        for worker in [WorkerId(1), WorkerId(2)] {
            dispatcher.handle(1, Input::WorkerReady { worker, pid: 1 }, &mut said);
            let task = TaskId(u64::from(worker.0) - 1);
            let started = Input::Started { worker, task, attempt: 1, start_ns: u64::from(worker.0), pid: None };
            dispatcher.handle(2, started, &mut said);
        }
        said.clear();
        dispatcher.handle(3, Input::MemoryLow, &mut said);
        let (worker, task) = (WorkerId(2), TaskId(1));
        assert_eq!(said.last(), Some(&Effect::Cancel { worker, task }));
        let outcome = if wanted_gone {
            dispatcher.handle(4, Input::Command(RunCommand::Cancel(task)), &mut said);
            Outcome::Cancelled
        } else {
            Outcome::Done
        };
        let record = super::tests::record(worker, task, 1, outcome.clone());
        dispatcher.handle(5, Input::Finished { worker, records: vec![record] }, &mut said);
        assert_eq!(dispatcher.counts.of(outcome.class()), 1);
        assert!(dispatcher.set_aside.is_empty());
    }
}

proptest! {
    /// Inputs in any order: nothing is taken twice, no task waits for ever, and all end.
    #[test]
    fn sized_tasks_never_take_more_than_there_is(
        sizes in proptest::collection::vec((1_u32..5, 0_u32..4), 1..40),
        moves in proptest::collection::vec((0_u8..7, 0_usize..8), 0..120),
    ) {
        let sizes: Vec<[u32; 2]> = sizes.into_iter().map(|(places, gpus)| [places, gpus]).collect();
        let needs = Some(Arc::new(TaskRequests::of_places_and_gpus(3, &sizes)));
        let mut simulation = Simulation::new(DispatchPlan { needs, retries: 1, ..plan(sizes.len() as u64, 4) });
        let check = |simulation: &Simulation| {
            let at_work = at_work(simulation);
            let taken = |of: usize| at_work.iter().map(|task| sizes[*task as usize][of]).sum::<u32>();
            assert!(taken(0) <= 4 && taken(1) <= 3, "{at_work:?}");
            // Each has as many GPUs as it takes, and none that another has.
            let mut numbers: Vec<&str> = Vec::new();
            for task in at_work {
                let own = simulation.shares[&TaskId(task)][0].split(',').filter(|number| !number.is_empty());
                let before = numbers.len();
                numbers.extend(own);
                assert_eq!(numbers.len() - before, sizes[task as usize][1] as usize);
            }
            numbers.sort_unstable();
            assert!(numbers.windows(2).all(|two| two[0] != two[1]), "{numbers:?}");
        };
        for (what, which) in moves {
            match what {
                0 => simulation.arrive(),
                1 => simulation.finish(which, Outcome::Done),
                2 => simulation.finish(which, Outcome::Exited { code: 1 }),
                3 => simulation.die(which),
                4 => simulation.put(Input::MemoryLow),
                5 => simulation.put(Input::Command(RunCommand::Cancel(TaskId(which as u64)))),
                _ => announce(&mut simulation),
            }
            check(&simulation);
            simulation.close_retired();
        }
        for _ in 0..10_000 {
            if simulation.dispatcher.is_over() {
                break;
            }
            simulation.tick(10);
            simulation.arrive();
            simulation.finish(0, Outcome::Done);
            check(&simulation);
            simulation.close_retired();
        }
        prop_assert!(simulation.dispatcher.is_over(), "{:#?}", simulation.dispatcher);
    }
}
