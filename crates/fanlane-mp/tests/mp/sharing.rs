//! What processes share, and what becomes of it when one of them is killed.

use std::time::Duration;

use fanlane_mp::{
    Array, Barrier, BarrierError, BoundedSemaphore, Condition, Event, ListItem, Lock, LockError, Mutex, Pool, Process,
    Queue, RLock, Semaphore, ShareableList, SharedMemory, Value, pipe,
};

use crate::functions::{
    change_list, count_up, get_for_ever, hold_bounded, hold_lock, hold_mutex, hold_rlock, hold_semaphore, own_a_name,
    put_for_ever, set_event, shared_bytes, take_and_answer, wait_at_barrier, wait_for_condition, write_by_name,
};
use crate::{DEADLINE, Test, eventually};

pub const TESTS: &[Test] = &[
    ("sharing::an_object_goes_through_a_queue_to_a_worker", an_object_goes_through_a_queue_to_a_worker),
    ("sharing::producers_that_are_killed_leave_a_queue_whole", producers_that_are_killed_leave_a_queue_whole),
    ("sharing::consumers_that_are_killed_leave_a_queue_whole", consumers_that_are_killed_leave_a_queue_whole),
    ("sharing::a_holder_of_a_lock_that_is_killed_is_reported", a_holder_of_a_lock_that_is_killed_is_reported),
    ("sharing::permits_of_one_that_is_killed_come_back", permits_of_one_that_is_killed_come_back),
    ("sharing::a_bounded_semaphore_is_given_back", a_bounded_semaphore_is_given_back),
    ("sharing::a_barrier_opens_and_breaks", a_barrier_opens_and_breaks),
    ("sharing::a_killed_waiter_swallows_no_notification", a_killed_waiter_swallows_no_notification),
    ("sharing::an_event_is_set_from_another_process", an_event_is_set_from_another_process),
    ("sharing::values_are_changed_by_turns", values_are_changed_by_turns),
    ("sharing::shared_memory_by_name_and_as_argument", shared_memory_by_name_and_as_argument),
    ("sharing::a_name_goes_with_its_owner", a_name_goes_with_its_owner),
    ("sharing::large_results_use_the_same_memory_again", large_results_use_the_same_memory_again),
];

fn an_object_goes_through_a_queue_to_a_worker() {
    let questions = Queue::unbounded().unwrap();
    let answers: Queue<u64> = Queue::bounded(3).unwrap();
    let workers: Vec<_> =
        (0..2).map(|_| Process::spawn(take_and_answer, (questions.clone(), answers.clone())).unwrap()).collect();
    for question in 1..=20_u64 {
        questions.put(&question).unwrap();
    }
    let mut sum = 0;
    for _ in 1..=20 {
        sum += answers.get_timeout(DEADLINE).unwrap();
    }
    assert_eq!(sum, (1..=20).map(|question| question * question).sum::<u64>());
    assert!(questions.join_timeout(DEADLINE));
    questions.close();
    assert!(workers.iter().all(|worker| worker.join().unwrap() == 0));
}

fn producers_that_are_killed_leave_a_queue_whole() {
    let queue: Queue<Vec<u8>> = Queue::bounded(40).unwrap();
    for _ in 0..20 {
        let producer = Process::spawn(put_for_ever, (queue.clone(),)).unwrap();
        for _ in 0..60 {
            let item = queue.get_timeout(DEADLINE).unwrap();
            assert!(item.iter().all(|byte| *byte == 7));
        }
        producer.kill().unwrap();
        producer.join().unwrap();
        let left = queue.qsize();
        assert_eq!(std::iter::from_fn(|| queue.get_nowait().ok()).count(), left);
    }
    queue.put(&vec![1]).unwrap();
    assert_eq!(queue.get().unwrap(), [1]);
}

fn consumers_that_are_killed_leave_a_queue_whole() {
    let queue: Queue<Vec<u8>> = Queue::bounded(40).unwrap();
    for _ in 0..20 {
        let consumer = Process::spawn(get_for_ever, (queue.clone(),)).unwrap();
        for size in 0..100 {
            queue.put_timeout(&vec![7; size * 30], DEADLINE).unwrap();
        }
        consumer.kill().unwrap();
        consumer.join().unwrap();
    }
    let left = queue.qsize();
    assert_eq!(std::iter::from_fn(|| queue.get_nowait().ok()).count(), left);
    queue.put(&vec![1]).unwrap();
    assert_eq!(queue.get().unwrap(), [1]);
}

fn a_holder_of_a_lock_that_is_killed_is_reported() {
    let (here, there) = pipe().unwrap();
    let lock = Lock::new().unwrap();
    let holder = Process::spawn(hold_lock, (lock.clone(), there.clone())).unwrap();
    let () = here.recv().unwrap();
    assert!(lock.try_acquire().unwrap().is_none());
    assert!(lock.acquire_timeout(Duration::from_millis(1)).unwrap().is_none());
    holder.kill().unwrap();
    let died = lock.acquire().unwrap_err();
    assert_eq!(Some(died.pid), holder.pid());
    drop(died.into_guard());
    drop(lock.acquire().unwrap());

    let pair = Mutex::new([1, 2]).unwrap();
    let holder = Process::spawn(hold_mutex, (pair.clone(), there.clone())).unwrap();
    let () = here.recv().unwrap();
    assert!(pair.try_lock().unwrap().is_none());
    holder.kill().unwrap();
    let died = pair.lock().unwrap_err();
    assert_eq!((Some(died.pid), *died.guard), (holder.pid(), [1, 2]), "what it had not finished is not there");
    let mut guard = died.into_guard();
    guard[0] = 5;
    drop(guard);
    assert_eq!(*pair.lock().unwrap(), [5, 2]);

    let lock = RLock::new().unwrap();
    let holder = Process::spawn(hold_rlock, (lock.clone(), there.clone())).unwrap();
    let () = here.recv().unwrap();
    assert!(lock.try_acquire().unwrap().is_none());
    holder.kill().unwrap();
    let died = lock.acquire_timeout(DEADLINE).unwrap_err();
    assert_eq!(Some(died.pid), holder.pid());
    let again = lock.acquire().unwrap();
    drop((again, died.into_guard()));
    drop(lock.acquire().unwrap());
    holder.join().unwrap();
}

fn permits_of_one_that_is_killed_come_back() {
    let (here, there) = pipe().unwrap();
    let semaphore = Semaphore::new(2).unwrap();
    let holder = Process::spawn(hold_semaphore, (semaphore.clone(), there.clone())).unwrap();
    let () = here.recv().unwrap();
    assert_eq!(semaphore.value(), 0);
    holder.kill().unwrap();
    let died = semaphore.acquire().unwrap_err();
    assert_eq!(Some(died.pid), holder.pid());
    assert_eq!(semaphore.value(), 1);
    let _ours = (died.into_guard(), semaphore.acquire().unwrap());
    assert!(semaphore.try_acquire().unwrap().is_none());
}

fn a_bounded_semaphore_is_given_back() {
    let (here, there) = pipe().unwrap();
    let semaphore = BoundedSemaphore::new(1).unwrap();
    let holder = Process::spawn(hold_bounded, (semaphore.clone(), there.clone())).unwrap();
    let () = here.recv().unwrap();
    assert!(semaphore.acquire_timeout(Duration::from_millis(1)).unwrap().is_none());
    here.send(&()).unwrap();
    let permit = semaphore.acquire().unwrap();
    assert!(matches!(semaphore.release(), Ok(())), "it was given back by another process");
    drop(permit);
    assert!(matches!(semaphore.release(), Err(LockError::ReleasedTooOften(_))));
    assert_eq!((semaphore.value(), holder.join().unwrap()), (1, 0));
}

fn a_barrier_opens_and_breaks() {
    let (here, there) = pipe().unwrap();
    let barrier = Barrier::new(3).unwrap();
    let come = |barrier: &Barrier| {
        let process = Process::spawn(wait_at_barrier, (barrier.clone(), there.clone())).unwrap();
        let () = here.recv().unwrap();
        process
    };
    let two = [come(&barrier), come(&barrier)];
    let mut acted = false;
    let place = barrier.wait_with(|| acted = true).unwrap();
    let mut places = vec![place];
    for process in two {
        places.push(here.recv::<Result<usize, String>>().unwrap().unwrap());
        process.join().unwrap();
    }
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2]);
    assert!(barrier.parties() == 3 && barrier.n_waiting() == 0);

    // One that is killed at the barrier breaks it for all.
    let two = [come(&barrier), come(&barrier)];
    eventually("both wait", || barrier.n_waiting() == 2);
    two[0].kill().unwrap();
    let told: Result<usize, String> = here.recv().unwrap();
    assert!(told.unwrap_err().contains("has died"));
    assert!(barrier.is_broken());
    assert!(matches!(barrier.wait(), Err(BarrierError::ParticipantDied { pid }) if Some(pid) == two[0].pid()));
    drop(two);

    barrier.reset();
    assert!(matches!(barrier.wait_timeout(Duration::from_millis(1)), Err(BarrierError::TimedOut)));
    assert!(matches!(barrier.wait(), Err(BarrierError::Broken)));
    barrier.reset();
    let one = come(&barrier);
    eventually("it waits", || barrier.n_waiting() == 1);
    barrier.reset();
    assert!(here.recv::<Result<usize, String>>().unwrap().is_err());
    one.join().unwrap();
    assert!(!barrier.is_broken());
}

fn a_killed_waiter_swallows_no_notification() {
    let condition = Condition::new().unwrap();
    let waiters: Vec<_> = (0..2)
        .map(|_| {
            let (here, there) = pipe().unwrap();
            let process = Process::spawn(wait_for_condition, (condition.clone(), there)).unwrap();
            let () = here.recv().unwrap();
            (process, here)
        })
        .collect();
    // That both wait is certain when the lock can be had.
    let guard = condition.acquire().unwrap();
    waiters[0].0.kill().unwrap();
    waiters[0].0.join().unwrap();
    guard.notify_one();
    drop(guard);
    assert!(waiters[1].1.poll(Some(DEADLINE)).unwrap());
    let () = waiters[1].1.recv().unwrap();
    assert_eq!(waiters[1].0.join().unwrap(), 0);
}

fn an_event_is_set_from_another_process() {
    let event = Event::new().unwrap();
    let process = Process::spawn(set_event, (event.clone(),)).unwrap();
    assert!(event.wait_timeout(DEADLINE) && event.is_set());
    event.clear();
    assert!(!event.is_set());
    process.join().unwrap();
}

fn values_are_changed_by_turns() {
    let value = Value::new(0_u64).unwrap();
    let array = Array::new(&[7_u32, 0, 7]).unwrap();
    let processes: Vec<_> = (0..3).map(|_| Process::spawn(count_up, (value.clone(), array.clone())).unwrap()).collect();
    assert!(processes.iter().all(|process| process.join().unwrap() == 0));
    assert_eq!((value.get().unwrap(), array.to_vec().unwrap()), (3_000, vec![7, 3_000, 7]));
}

fn shared_memory_by_name_and_as_argument() {
    let memory = SharedMemory::create(None, 100).unwrap();
    let list = ShareableList::new([1_i64.into(), "first".into()]).unwrap();
    let name = memory.name().to_owned();
    let again = SharedMemory::open(&name).unwrap();
    assert_eq!(Process::spawn(write_by_name, (name, again)).unwrap().join().unwrap(), 0);
    let mut bytes = [0; 23];
    memory.read(3, &mut bytes);
    assert_eq!((&bytes[..7], &bytes[17..]), (&b"by name"[..], &b"passed"[..]));
    let name = format!("list-of-test-{}", std::process::id());
    let list = list.with_name(&name).unwrap();
    let same = ShareableList::open(&name).unwrap();
    assert_eq!(Process::spawn(change_list, (same,)).unwrap().join().unwrap(), 0);
    assert_eq!(list.get(1).unwrap(), ListItem::Text("changed".to_owned()));
}

fn a_name_goes_with_its_owner() {
    let (here, there) = pipe().unwrap();
    let owner = Process::spawn(own_a_name, (there,)).unwrap();
    let name: String = here.recv().unwrap();
    let open = SharedMemory::open(&name).unwrap();
    owner.kill().unwrap();
    owner.join().unwrap();
    assert!(SharedMemory::open(&name).unwrap_err().to_string().contains("no process has it"));
    // Processes that have it open keep it.
    open.write(0, b"x");
}

fn large_results_use_the_same_memory_again() {
    let pool = Pool::new(1).unwrap();
    let mut places = std::collections::HashSet::new();
    for fill in 0..20 {
        let bytes = pool.apply(shared_bytes, (fill,)).unwrap();
        assert!(bytes.len() == 300_000 && bytes.iter().all(|byte| *byte == fill));
        places.insert(bytes.as_ptr());
    }
    assert!(places.len() <= 2, "{} places for results that follow one another", places.len());
    let kept: Vec<_> = pool.imap(shared_bytes, 0..9).collect::<Result<_, _>>().unwrap();
    assert!((0..9).zip(&kept).all(|(fill, bytes)| bytes.iter().all(|byte| *byte == fill)));
    let last = kept.last().unwrap().clone();
    drop((kept, pool));
    assert!(last.iter().all(|byte| *byte == 8), "bytes that are held stay when their writer is gone");
}
