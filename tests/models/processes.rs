//! Processes of a model: each is a thread of loom's with a number. One that is mortal dies before its step number so
//! and so, in the middle of whatever it does: from then on nothing that it does has an effect, the mutexes that it holds
//! go to the next, sockets are closed, and timeouts are over. A step is what others can notice: a store, a mutex taken or given back, a ring.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use loom::thread::JoinHandle;

use crate::mp::futex::Sleepers;
use crate::mp::memory::Memory;
use crate::mp::robust::Turns;
use crate::mp::socket::Stream;
use crate::mp::spin_wait::Patience;

/// What is known of the execution that goes on. Loom runs all threads of a model on one of the system's.
#[derive(Default)]
struct World {
    mortals: HashMap<u32, Mortal>,
    sleepers: Vec<Arc<Sleepers>>,
    memories: Vec<Arc<Memory>>,
    streams: Vec<Arc<Stream>>,
    patience: Option<Arc<Patience>>,
    time_passed: Duration,
}

#[derive(Default)]
struct Mortal {
    /// Of all that it may do.
    steps: u32,
    steps_left: u32,
    is_dead: bool,
    holds: Vec<Arc<Turns>>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

loom::thread_local! {
    static NUMBER: Cell<u32> = Cell::new(FIRST);
}

/// The number of the process that sets up a model and looks at what came of it.
const FIRST: u32 = 1;

/// What the unwinding of one who dies carries.
struct Died;

fn world<R>(look: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(look)
}

/// Goes through the orders in which the steps of a model's processes can happen: all in which no more than
/// `most_preemptions` times a process is made to wait that could go on. Gives how many there were.
pub fn explore(most_preemptions: usize, model: impl Fn() + Send + Sync + 'static) -> usize {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(most_preemptions);
    builder.max_branches = 20_000;
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&executions);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        world(|world| *world = World::default());
        model();
    });
    world(|world| *world = World::default());
    executions.load(Ordering::Relaxed)
}

/// The same for each step at which a process of the model can die; the model is told which, for [`mortal`]. It ends with
/// the first number of steps that nobody reached.
pub fn explore_deaths(most_preemptions: usize, model: impl Fn(u32) + Send + Sync + 'static) -> usize {
    let model = Arc::new(model);
    let mut executions = 0;
    for steps in 0.. {
        let model = Arc::clone(&model);
        let somebody_died = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&somebody_died);
        executions += explore(most_preemptions, move || {
            model(steps);
            let died = world(|world| world.mortals.values().any(|mortal| mortal.is_dead && mortal.steps == steps));
            told.fetch_or(died, Ordering::Relaxed);
        });
        if !somebody_died.load(Ordering::Relaxed) {
            assert!(steps > 0, "somebody is to die");
            break;
        }
    }
    executions
}

/// A process that lives until its work is done.
pub fn process<R: 'static>(number: u32, work: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    loom::thread::spawn(move || {
        NUMBER.with(|own| own.set(number));
        work()
    })
}

/// A process that dies before its step number `steps`. Joined, it gives what came of its work, `None` where it died.
pub fn mortal<R: 'static>(number: u32, steps: u32, work: impl FnOnce() -> R + 'static) -> JoinHandle<Option<R>> {
    world(|world| world.mortals.insert(number, Mortal { steps, steps_left: steps, ..Mortal::default() }));
    process(number, move || match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => {
            // Whoever is done cannot die of it any more.
            world(|world| world.mortals.get_mut(&number).expect("it is known").steps_left = u32::MAX);
            Some(result)
        }
        Err(reason) if reason.is::<Died>() => None,
        Err(reason) => resume_unwind(reason),
    })
}

/// To be called before each step. Says whether the step has an effect; does not return for one whose time has come.
pub fn step() -> bool {
    let number = own();
    enum Fate {
        Lives,
        IsDead,
        Dies(Vec<Arc<Turns>>, Vec<Arc<Sleepers>>, Vec<Arc<Stream>>),
    }
    let fate = world(|world| match world.mortals.get_mut(&number) {
        None => Fate::Lives,
        Some(mortal) if mortal.is_dead => Fate::IsDead,
        Some(mortal) if mortal.steps_left > 0 => {
            mortal.steps_left -= 1;
            Fate::Lives
        }
        Some(mortal) => {
            mortal.is_dead = true;
            Fate::Dies(std::mem::take(&mut mortal.holds), world.sleepers.clone(), world.streams.clone())
        }
    });
    match fate {
        Fate::Lives => true,
        Fate::IsDead => false,
        Fate::Dies(holds, sleepers, streams) => {
            holds.iter().for_each(|turns| turns.abandon());
            sleepers.iter().for_each(|sleepers| sleepers.end_timeouts());
            streams.iter().for_each(|stream| stream.close());
            resume_unwind(Box::new(Died));
        }
    }
}

/// The number of the process that asks.
pub fn own() -> u32 {
    NUMBER.with(Cell::get)
}

/// Whether the one who asks has died: then it sees nothing any more.
pub fn is_dead() -> bool {
    !is_alive(own())
}

pub fn is_alive(number: u32) -> bool {
    world(|world| world.mortals.get(&number).is_none_or(|mortal| !mortal.is_dead))
}

pub fn holds(turns: &Arc<Turns>) {
    let number = own();
    world(|world| {
        if let Some(mortal) = world.mortals.get_mut(&number) {
            mortal.holds.push(Arc::clone(turns));
        }
    });
}

pub fn holds_no_more(turns: &Arc<Turns>) {
    let number = own();
    world(|world| {
        if let Some(mortal) = world.mortals.get_mut(&number) {
            mortal.holds.retain(|held| !Arc::ptr_eq(held, turns));
        }
    });
}

pub fn add_sleepers(sleepers: &Arc<Sleepers>) {
    world(|world| world.sleepers.push(Arc::clone(sleepers)));
}

pub fn add_memory(memory: &Arc<Memory>) {
    world(|world| world.memories.push(Arc::clone(memory)));
}

pub fn find_memory(is_it: impl Fn(&Memory) -> bool) -> Option<Arc<Memory>> {
    world(|world| world.memories.iter().find(|memory| is_it(memory)).cloned())
}

pub fn add_stream(stream: &Arc<Stream>) {
    world(|world| world.streams.push(Arc::clone(stream)));
}

pub fn find_stream(is_it: impl Fn(&Stream) -> bool) -> Option<Arc<Stream>> {
    world(|world| world.streams.iter().find(|stream| is_it(stream)).cloned())
}

pub fn set_patience(patience: &Arc<Patience>) {
    world(|world| world.patience = Some(Arc::clone(patience)));
}

pub fn patience() -> Option<Arc<Patience>> {
    world(|world| world.patience.clone())
}

pub fn time_passed() -> Duration {
    world(|world| world.time_passed)
}

pub fn let_time_pass(time: Duration) {
    world(|world| world.time_passed += time);
}
