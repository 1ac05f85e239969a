//! A pool whose workers have places on hosts that come and go, in simulated time.

use super::tests::{Simulation, plan};
use super::*;
use crate::engine::RunCommand;

fn live(simulation: &Simulation) -> usize {
    simulation.coming.len() + simulation.here.len()
}

fn lose(simulation: &mut Simulation, count: usize) {
    for _ in 0..count {
        let worker = *simulation.here.keys().next().expect("a worker");
        simulation.here.remove(&worker);
        simulation.put(Input::WorkerEnded { worker, end: ProcessEnd::Died("the connection was lost".to_owned()) });
    }
}

fn arrive_all(simulation: &mut Simulation) {
    while !simulation.coming.is_empty() {
        simulation.arrive();
    }
}

#[test]
fn a_host_that_is_lost_is_not_made_up_for_by_the_others_and_comes_back() {
    let mut simulation = Simulation::new(plan(100, 6));
    simulation.put(Input::Places { total: 6, usable: 6 });
    arrive_all(&mut simulation);
    (0..6).for_each(|_| simulation.finish(0, Outcome::Done));
    assert_eq!(live(&simulation), 6);
    simulation.put(Input::Places { total: 6, usable: 4 });
    lose(&mut simulation, 2);
    simulation.tick(60);
    assert_eq!(live(&simulation), 4, "the others have their places and no more");
    simulation.put(Input::Places { total: 6, usable: 6 });
    simulation.tick(1);
    arrive_all(&mut simulation);
    assert_eq!(live(&simulation), 6);
    simulation.run_out();
    assert!(simulation.ended.values().all(|(_, outcome)| *outcome == Outcome::Done));
}

#[test]
fn the_pool_goes_with_the_places_unless_it_was_given_another_size() {
    let mut simulation = Simulation::new(plan(100, 4));
    simulation.put(Input::Places { total: 4, usable: 4 });
    simulation.put(Input::Places { total: 6, usable: 6 });
    arrive_all(&mut simulation);
    assert_eq!((simulation.dispatcher.summary().workers, live(&simulation)), (6, 6));
    simulation.put(Input::Command(RunCommand::SetWorkers(2)));
    simulation.put(Input::Places { total: 8, usable: 8 });
    assert_eq!(simulation.dispatcher.summary().workers, 2);
    // More than there are places for: shared out, also where only half of them can be used.
    simulation.put(Input::Places { total: 8, usable: 4 });
    simulation.put(Input::Command(RunCommand::SetWorkers(16)));
    for _ in 0..4 {
        arrive_all(&mut simulation);
    }
    assert_eq!(live(&simulation), 8);
}

#[test]
fn the_workers_of_a_host_that_is_taken_out_finish_what_they_have_and_no_other_is_retired() {
    let mut simulation = Simulation::new(plan(20, 3));
    simulation.put(Input::Places { total: 3, usable: 3 });
    arrive_all(&mut simulation);
    let worker = WorkerId(1);
    simulation.put(Input::Retire { worker });
    assert!(simulation.effects.contains(&Effect::Retire { worker }));
    simulation.put(Input::Places { total: 2, usable: 2 });
    assert!(!simulation.effects.iter().any(|effect| matches!(effect, Effect::Retire { .. })));
    assert_eq!(simulation.dispatcher.summary().workers, 2);
    simulation.run_out();
    assert!(simulation.ended.values().all(|(_, outcome)| *outcome == Outcome::Done));
}

#[test]
fn without_any_host_one_start_at_a_time_says_what_is_missing() {
    let mut simulation = Simulation::with_workers(plan(3, 3));
    simulation.put(Input::Places { total: 3, usable: 0 });
    lose(&mut simulation, 3);
    simulation.tick(1);
    assert_eq!(simulation.coming.len(), 1);
}
