//! Workers that are silent, hung, or die too often, in simulated time.

use super::supervision::{HEARTBEAT_NS, START_TIMEOUT_NS};
use super::tests::{SECOND, Simulation, plan};
use super::*;
use crate::engine::RunCommand;
use crate::event::DispatchEvent;
use crate::job::Control;
use crate::job::Order;
use crate::job::order::TaskOrder;
use crate::job::retry_wait::RetryWait;

/// A worker that does nothing any more, and what it was at.
fn stopped() -> (Simulation, WorkerId) {
    (Simulation::with_workers(plan(2, 1)), WorkerId(1))
}

/// The effects of a tick that is not answered.
fn tick_unanswered(simulation: &mut Simulation) -> Vec<Effect> {
    simulation.now_ns += HEARTBEAT_NS;
    let mut effects = Vec::new();
    simulation.dispatcher.handle(simulation.now_ns, Input::Tick, &mut effects);
    effects
}

#[test]
fn a_worker_that_does_not_answer_is_killed_and_its_attempt_is_hung() {
    let (mut simulation, worker) = stopped();
    assert_eq!(tick_unanswered(&mut simulation), [Effect::Ping { worker }]);
    let asked_ns = simulation.now_ns;
    assert_eq!(tick_unanswered(&mut simulation), []);
    assert_eq!(tick_unanswered(&mut simulation), [Effect::Kill { worker }]);
    assert!(simulation.now_ns - asked_ns >= simulation.dispatcher.supervision.timeout_of_silence_ns());
    simulation.here.clear();
    simulation.put(Input::WorkerEnded { worker, end: ProcessEnd::Died("killed by SIGKILL".to_owned()) });
    let hung = |kind: &EventKind| {
        matches!(kind, EventKind::Task(TaskEvent::Retried(record))
            if matches!(&record.outcome, Outcome::Lost(how) if how.contains("hung")))
    };
    assert!(simulation.emitted(hung), "{:?}", simulation.effects);
    simulation.run_out();
    assert!(simulation.ended.values().all(|(_, outcome)| *outcome == Outcome::Done));
}

#[test]
fn a_worker_that_answers_or_brings_results_is_left_alone() {
    let (mut simulation, worker) = stopped();
    for _ in 0..10 {
        assert_eq!(tick_unanswered(&mut simulation), [Effect::Ping { worker }]);
        simulation.put(Input::Alive { worker });
    }
    let (mut simulation, worker) = stopped();
    simulation.now_ns += HEARTBEAT_NS - SECOND;
    simulation.put(Input::Started { worker, task: TaskId(0), attempt: 1, start_ns: 0, pid: None });
    simulation.now_ns -= HEARTBEAT_NS - SECOND;
    assert_eq!(tick_unanswered(&mut simulation), [], "it was heard of a second ago");
}

#[test]
fn an_idle_worker_is_not_asked() {
    let mut simulation = Simulation::new(plan(1, 2));
    simulation.put(Input::Command(RunCommand::Pause));
    simulation.arrive();
    assert_eq!(simulation.in_flight(1), 0);
    for _ in 0..5 {
        assert_eq!(tick_unanswered(&mut simulation), []);
    }
}

#[test]
fn silence_of_a_lane_that_was_not_read_means_nothing() {
    let (mut simulation, worker) = stopped();
    assert_eq!(tick_unanswered(&mut simulation), [Effect::Ping { worker }]);
    for _ in 0..5 {
        simulation.now_ns += HEARTBEAT_NS;
        simulation.put(Input::Unread { workers: vec![worker] });
        simulation.now_ns -= HEARTBEAT_NS;
        assert_eq!(tick_unanswered(&mut simulation), []);
    }
}

#[test]
fn after_a_stop_of_the_engine_itself_all_workers_are_asked_anew() {
    let (mut simulation, worker) = stopped();
    assert_eq!(tick_unanswered(&mut simulation), [Effect::Ping { worker }]);
    // The machine was asleep for an hour, or Ctrl-Z was pressed.
    simulation.now_ns += 3600 * SECOND;
    assert_eq!(tick_unanswered(&mut simulation), []);
    assert_eq!(tick_unanswered(&mut simulation), [Effect::Ping { worker }]);
}

#[test]
fn a_worker_that_never_gets_ready_or_never_leaves_is_killed() {
    let mut simulation = Simulation::new(plan(1, 1));
    let worker = WorkerId(1);
    let mut effects = Vec::new();
    while effects.is_empty() {
        assert!(simulation.now_ns < 2 * START_TIMEOUT_NS, "it is waited for without end");
        effects = tick_unanswered(&mut simulation);
    }
    assert_eq!(effects, [Effect::Kill { worker }]);

    let (mut simulation, worker) = stopped();
    simulation.put(Input::Command(RunCommand::SetWorkers(0)));
    simulation.finish(0, Outcome::Done);
    let asked = tick_unanswered(&mut simulation);
    assert_eq!(asked, [Effect::Ping { worker }], "it is to leave and is silent");
}

#[test]
fn workers_that_die_in_a_row_are_started_again_at_a_bounded_rate() {
    let mut simulation = Simulation::new(plan(1_000_000, 2));
    let mut deaths = 0;
    while simulation.now_ns < 60 * SECOND {
        simulation.arrive();
        simulation.finish(0, Outcome::Done);
        if !simulation.here.is_empty() {
            simulation.die(0);
            deaths += 1;
        } else if simulation.coming.is_empty() {
            simulation.now_ns = simulation.dispatcher.next_wake_ns().expect("a later start");
            simulation.put(Input::Tick);
        }
        assert!(deaths < 1000, "{deaths} deaths by {} ns", simulation.now_ns);
    }
    // 28 within any ten seconds, and what was on its way.
    assert!((28..28 * 7 + 7).contains(&deaths), "{deaths} deaths in a minute");
}

#[test]
fn a_shortage_holds_the_queue_with_its_reason_and_costs_no_attempt() {
    let (mut simulation, worker) = stopped();
    let reason = Some("Too many open files".to_owned());
    simulation.put(Input::Exhausted { worker, reason });
    let reason = "the system cannot start commands now and is tried again: Too many open files";
    assert!(simulation.emitted_held(Some(reason)));
    simulation.put(Input::Exhausted { worker, reason: None });
    assert!(simulation.emitted_held(None));
    simulation.run_out();
    assert!(simulation.attempts.is_empty());
}

/// The number of tasks that each effect ends by a record, and those that end without one.
fn ended_by(effects: &[Effect]) -> (Vec<usize>, u64) {
    let mut pieces = Vec::new();
    let mut rest = 0;
    for effect in effects {
        match effect {
            Effect::Emit(EventKind::Task(TaskEvent::Finished(records))) => pieces.push(records.len()),
            Effect::Emit(EventKind::Task(TaskEvent::RestCancelled { tasks })) => rest += tasks,
            _ => {}
        }
    }
    (pieces, rest)
}

#[test]
fn a_stop_of_a_million_million_tasks_costs_one_event() {
    const TASKS: u64 = 1_000_000_000_000;
    for order in [TaskOrder::default(), TaskOrder::new(&Order::Shuffled { seed: 7 }, TASKS)] {
        let mut dispatcher = Dispatcher::new(DispatchPlan { order, ..plan(TASKS, 1) });
        let mut effects = Vec::new();
        dispatcher.handle(0, Input::Command(RunCommand::Stop), &mut effects);
        assert_eq!(ended_by(&effects), (Vec::new(), TASKS));
        assert!(!dispatcher.has_more_to_cancel() && dispatcher.is_over());
        assert_eq!(dispatcher.summary().counts.cancelled, TASKS);
    }
}

#[test]
fn a_stop_of_many_retries_comes_in_pieces() {
    // Failed once, and waiting for their next try: each has a record of its own.
    const TASKS: usize = 100_000;
    let control = Control { retry_wait: Some(RetryWait::Fixed { secs: 1e6 }), ..Control::default() };
    let mut dispatcher = Dispatcher::new(DispatchPlan { retries: 1, control, ..plan(TASKS as u64, 1) });
    let (worker, mut effects, mut failed) = (WorkerId(1), Vec::new(), 0);
    dispatcher.handle(0, Input::Tick, &mut effects);
    dispatcher.handle(0, Input::WorkerReady { worker, pid: 1 }, &mut effects);
    while failed < TASKS {
        let records: Vec<AttemptRecord> = effects
            .drain(..)
            .filter_map(|effect| if let Effect::Run { tasks, .. } = effect { Some(tasks) } else { None })
            .flatten()
            .map(|(task, attempt)| super::tests::record(worker, task, attempt, Outcome::Exited { code: 1 }))
            .collect();
        assert!(!records.is_empty(), "{failed} of {TASKS} were handed out");
        failed += records.len();
        dispatcher.handle(0, Input::Finished { worker, records }, &mut effects);
    }
    let (mut ended, mut input) = (0, Input::Command(RunCommand::Stop));
    loop {
        effects.clear();
        dispatcher.handle(0, input, &mut effects);
        let (pieces, rest) = ended_by(&effects);
        assert!(pieces.iter().all(|piece| *piece <= 4096) && rest == 0, "{pieces:?}");
        ended += pieces.iter().sum::<usize>();
        if !dispatcher.has_more_to_cancel() {
            break;
        }
        input = Input::CancelMore;
    }
    assert_eq!(ended, TASKS);
}

fn failed(simulation: &mut Simulation, cause: StartCause) {
    let worker = simulation.coming.remove(0);
    simulation.put(Input::WorkerFailed { worker, reason: "why".to_owned(), cause });
}

/// Whether the run has ended because no worker can be started.
fn gave_up(simulation: &Simulation) -> bool {
    let is_it = |effect: &Effect| matches!(effect, Effect::Emit(EventKind::Dispatch(DispatchEvent::GaveUp { .. })));
    simulation.effects.iter().any(is_it)
}

#[test]
fn a_start_that_cannot_succeed_ends_the_run_and_one_that_may_is_tried_again() {
    for (cause, tries) in [(StartCause::Lasts, Some(1)), (StartCause::Unknown, Some(3)), (StartCause::Passes, None)] {
        let mut simulation = Simulation::new(plan(3, 1));
        for number in 1..=20 {
            failed(&mut simulation, cause);
            assert_eq!(gave_up(&simulation), tries == Some(number), "{cause:?}, try {number}");
            if tries == Some(number) {
                break;
            }
            simulation.now_ns = simulation.dispatcher.next_wake_ns().expect("a later try");
            simulation.put(Input::Tick);
        }
        assert_eq!(simulation.dispatcher.is_over(), tries.is_some(), "{cause:?}");
    }
    // Others may get ready, and were.
    let mut simulation = Simulation::new(plan(3, 2));
    failed(&mut simulation, StartCause::Lasts);
    assert!(!gave_up(&simulation), "one more is being started");
    simulation.arrive();
    simulation.run_out();
}

#[test]
fn a_pool_that_had_workers_waits_a_minute_for_one_before_the_run_ends() {
    let mut simulation = Simulation::with_workers(plan(3, 1));
    simulation.here.clear();
    simulation.put(Input::WorkerEnded { worker: WorkerId(1), end: ProcessEnd::Died("killed".to_owned()) });
    let begun_ns = simulation.now_ns;
    while !gave_up(&simulation) {
        assert!(simulation.now_ns - begun_ns < 70_000_000_000, "it waits without end");
        if simulation.coming.is_empty() {
            simulation.now_ns = simulation.dispatcher.next_wake_ns().expect("a later try");
            simulation.put(Input::Tick);
        } else {
            failed(&mut simulation, StartCause::Lasts);
        }
    }
    assert!(simulation.now_ns - begun_ns >= 60_000_000_000);
    assert!(simulation.dispatcher.is_over());
}

#[test]
fn an_attempt_that_memory_ran_out_for_is_not_tried_again() {
    let mut simulation = Simulation::with_workers(DispatchPlan { retries: 5, ..plan(1, 1) });
    let (task, attempt) = simulation.here[&WorkerId(1)][0];
    simulation.here.clear();
    let outcome = Outcome::Signalled { signal: libc::SIGKILL };
    let record =
        AttemptRecord { memory_kill: true, ..super::tests::record(WorkerId(1), task, attempt, outcome.clone()) };
    simulation.here.insert(WorkerId(1), Vec::new());
    simulation.put(Input::Finished { worker: WorkerId(1), records: vec![record] });
    assert_eq!(simulation.ended[&task], (1, outcome));
}
