//! Processes of a model: each is a thread of loom with a number. A mortal process dies before a given step: from then on
//! nothing that it does has an effect, its mutexes pass to the next owner, its sockets are closed, and timeouts expire. A step
//! is an action that other processes can observe: a store, a mutex locked or unlocked, a wake-up.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use loom::thread::JoinHandle;

use crate::futex::Sleepers;
use crate::robust::MutexState;
use crate::shared_memory::Memory;
use crate::socket::Stream;
use crate::spin_wait::SpinDeadline;

/// The state of the present execution. Loom runs all threads of a model on one thread of the system.
#[derive(Default)]
struct World {
    mortals: HashMap<u32, Mortal>,
    sleepers: Vec<Arc<Sleepers>>,
    memories: Vec<Arc<Memory>>,
    streams: Vec<Arc<Stream>>,
    spin_deadline: Option<Arc<SpinDeadline>>,
    time_passed: Duration,
}

#[derive(Default)]
struct Mortal {
    /// The number of steps before its death.
    steps: u32,
    steps_left: u32,
    is_dead: bool,
    holds: Vec<Arc<MutexState>>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

loom::thread_local! {
    static NUMBER: Cell<u32> = Cell::new(FIRST);
}

/// The number of the process that sets up a model and checks its result.
const FIRST: u32 = 1;

/// The panic payload of a death.
struct Died;

fn world<R>(look: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(look)
}

/// Runs all orders of the steps of a model's processes with at most `max_preemptions` preemptions. Gives their
/// number.
pub fn explore(max_preemptions: usize, model: impl Fn() + Send + Sync + 'static) -> usize {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(max_preemptions);
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

/// As [`explore`], for each step before which a process of the model can die; the model gets the step, for [`mortal`]. It
/// ends with the first step that no process reaches.
pub fn explore_deaths(max_preemptions: usize, model: impl Fn(u32) + Send + Sync + 'static) -> usize {
    let model = Arc::new(model);
    let mut executions = 0;
    for steps in 0.. {
        let model = Arc::clone(&model);
        let had_death = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&had_death);
        executions += explore(max_preemptions, move || {
            model(steps);
            let died = world(|world| world.mortals.values().any(|mortal| mortal.is_dead && mortal.steps == steps));
            told.fetch_or(died, Ordering::Relaxed);
        });
        if !had_death.load(Ordering::Relaxed) {
            assert!(steps > 0, "a process has to die");
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

/// A process that dies before its step number `steps`. Joined, it gives the result of its work, `None` after a death.
pub fn mortal<R: 'static>(number: u32, steps: u32, work: impl FnOnce() -> R + 'static) -> JoinHandle<Option<R>> {
    world(|world| world.mortals.insert(number, Mortal { steps, steps_left: steps, ..Mortal::default() }));
    process(number, move || match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => {
            // A process that is done does not die any more.
            world(|world| world.mortals.get_mut(&number).expect("it is known").steps_left = u32::MAX);
            Some(result)
        }
        Err(reason) if reason.is::<Died>() => None,
        Err(reason) => resume_unwind(reason),
    })
}

/// To be called before each step. Gives whether the step has an effect; does not return when the process dies.
pub fn step() -> bool {
    let number = own();
    enum Fate {
        Lives,
        IsDead,
        Dies(Vec<Arc<MutexState>>, Vec<Arc<Sleepers>>, Vec<Arc<Stream>>),
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

/// The number of the calling process.
pub fn own() -> u32 {
    NUMBER.with(Cell::get)
}

/// Whether the calling process has died, after which it observes nothing.
pub fn is_dead() -> bool {
    !is_alive(own())
}

pub fn is_alive(number: u32) -> bool {
    world(|world| world.mortals.get(&number).is_none_or(|mortal| !mortal.is_dead))
}

pub fn holds(turns: &Arc<MutexState>) {
    let number = own();
    world(|world| {
        if let Some(mortal) = world.mortals.get_mut(&number) {
            mortal.holds.push(Arc::clone(turns));
        }
    });
}

pub fn holds_no_more(turns: &Arc<MutexState>) {
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

pub fn set_spin_deadline(spin_deadline: &Arc<SpinDeadline>) {
    world(|world| world.spin_deadline = Some(Arc::clone(spin_deadline)));
}

pub fn spin_deadline() -> Option<Arc<SpinDeadline>> {
    world(|world| world.spin_deadline.clone())
}

pub fn time_passed() -> Duration {
    world(|world| world.time_passed)
}

pub fn let_time_pass(time: Duration) {
    world(|world| world.time_passed += time);
}
