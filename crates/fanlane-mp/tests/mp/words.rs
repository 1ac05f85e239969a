//! What the library says: errors as they come about, each with what it is about and what to do, and what `Debug` shows.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fanlane_mp::{
    self as mp, Array, Barrier, BarrierError, Connection, Error, Event, JoinError, LockError, NetworkError, Pool,
    PoolError, Process, ProcessStateError, Queue, RawArray, RawValue, RecvError, SendError, ShareableList,
    SharedMemory, SharedMemoryError, SimpleQueue, SpawnError, SystemError, TaskError, ThreadPool, Value, function,
    one_way_pipe, pipe,
};

use crate::functions::{cube, nothing, own_executable, show_bytes, sleep_for_ever};
use crate::{DEADLINE, Test};

pub const TESTS: &[Test] = &[
    ("words::errors_say_what_happened_and_what_to_do", errors_say_what_happened_and_what_to_do),
    ("words::errors_of_families_convert_into_one", errors_of_families_convert_into_one),
    ("words::errors_of_tasks_say_why_there_is_no_result", errors_of_tasks_say_why_there_is_no_result),
    ("words::what_debug_shows", what_debug_shows),
    ("words::processes_are_started_from_the_executable_that_was_set", processes_are_started_from_what_was_set),
    ("words::what_is_not_a_shared_thing_is_refused", what_is_not_a_shared_thing_is_refused),
    ("words::what_cannot_be_meant_panics_with_words", what_cannot_be_meant_panics_with_words),
    ("words::an_initializer_that_cannot_be_called_is_told", an_initializer_that_cannot_be_called_is_told),
];

/// A value that serde cannot write.
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it has no form"))
    }
}

fn errors_say_what_happened_and_what_to_do() {
    fn unknown() {}
    let (here, there) = pipe().unwrap();
    let (receiver, sender) = one_way_pipe().unwrap();
    let queue: Queue<u8> = Queue::bounded(1).unwrap();
    let not_started = Process::new(nothing, ()).unwrap();
    let memory = SharedMemory::create(None, 8).unwrap();
    let mut cases: Vec<(Error, &str)> = vec![
        (Process::new(unknown, ()).unwrap_err().into(), "add function!("),
        (not_started.join().unwrap_err().into(), "was not started: call start first"),
        (not_started.terminate().unwrap_err().into(), "was not started: call start first"),
        (not_started.sentinel().unwrap_err().into(), "was not started: call start first"),
        (here.send(&Unwritable).unwrap_err().into(), "this value cannot be sent to another process: "),
        (queue.get_nowait().unwrap_err().into(), "the queue is empty"),
        (queue.get_timeout(Duration::from_millis(1)).unwrap_err().into(), "the time is over"),
        (receiver.send(&1).unwrap_err().into(), "this end of a one-way pipe can only receive"),
        (sender.recv::<u8>().unwrap_err().into(), "this end of a one-way pipe can only send"),
        (sender.poll(None).unwrap_err().into(), "this end of a one-way pipe can only send"),
        (queue.task_done().unwrap_err().into(), "task_done was called more often"),
        (SharedMemory::create(Some(memory.name()), 8).unwrap_err().into(), "this name is taken"),
        (SharedMemory::open("missing").unwrap_err().into(), "shared memory named missing: no process has it"),
        (Pool::builder().workers(0).build().unwrap_err().into(), "a pool has at least one worker"),
    ];
    there.send(&5_u8).unwrap();
    let decode = here.recv::<String>().unwrap_err();
    assert!(matches!(decode, RecvError::Decode(_)));
    cases.push((decode.into(), "is not the value that is expected here"));
    there.send_bytes(b"longer").unwrap();
    cases.push((
        here.recv_bytes_into(&mut [0; 3]).unwrap_err().into(),
        "a message of 6 bytes is longer than the buffer",
    ));
    queue.put(&1).unwrap();
    cases.push((queue.put_nowait(&2).unwrap_err().into(), "the queue is full"));
    cases.push((queue.put_timeout(&2, Duration::from_millis(1)).unwrap_err().into(), "the time is over"));
    queue.close();
    cases.push((queue.put(&2).unwrap_err().into(), "the other end is closed"));
    drop(there);
    cases.push((here.send(&1).unwrap_err().into(), "the other end is closed"));
    mp::set_executable("/no/such/executable");
    let start = Process::spawn(nothing, ()).unwrap_err();
    mp::set_executable("/proc/self/exe");
    assert!(matches!(&start, SpawnError::Start { name, .. } if name.starts_with("Process-")));
    cases.push((start.into(), "could not be started: "));
    for (error, words) in cases {
        let said = error.to_string();
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(format!("{error:?}"), said, "as a main that returns it prints it");
    }
}

fn errors_of_families_convert_into_one() {
    let no_memory = || match RawArray::<u8>::zeroed(usize::MAX).unwrap_err() {
        SharedMemoryError::System(error) => error,
        other => panic!("{other}"),
    };
    let system: SystemError = no_memory();
    assert_eq!(
        (system.what, system.source.kind()),
        ("no shared memory for an array can be had", ErrorKind::OutOfMemory)
    );
    assert!(std::error::Error::source(&system).is_some());
    let not_started: ProcessStateError = Process::new(nothing, ()).unwrap().join().unwrap_err();
    type IsIt = fn(&Error) -> bool;
    let cases: [(Error, IsIt); 14] = [
        (system.into(), |error| matches!(error, Error::System(_))),
        (SendError::from(no_memory()).into(), |error| matches!(error, Error::Send(SendError::System(_)))),
        (RecvError::from(no_memory()).into(), |error| matches!(error, Error::Recv(RecvError::System(_)))),
        (NetworkError::from(no_memory()).into(), |error| matches!(error, Error::Network(NetworkError::System(_)))),
        (SpawnError::from(SendError::Closed).into(), |error| matches!(error, Error::Spawn(SpawnError::Arguments(_)))),
        (not_started.into(), |error| matches!(error, Error::ProcessState(_))),
        (JoinError::Exited(3).into(), |error| matches!(error, Error::Join(JoinError::Exited(3)))),
        (LockError::OwnerDied { pid: 7 }.into(), |error| matches!(error, Error::Lock(LockError::OwnerDied { pid: 7 }))),
        (Barrier::new(0).unwrap_err().into(), |error| matches!(error, Error::Barrier(BarrierError::Parties(0)))),
        (BarrierError::TooManyArrived.into(), |error| {
            matches!(error, Error::Barrier(BarrierError::TooManyArrived))
                && error.to_string().contains("than it is for")
        }),
        (BarrierError::from(SharedMemoryError::from(no_memory())).into(), |error| {
            matches!(error, Error::Barrier(BarrierError::SharedMemory(_)))
        }),
        (SharedMemory::create(None, 0).unwrap_err().into(), |error| {
            matches!(error, Error::SharedMemory(SharedMemoryError::DoesNotFit(_)))
        }),
        (
            SharedMemory::open("missing").unwrap_err().into(),
            |error| matches!(error, Error::SharedMemory(SharedMemoryError::Name { name, .. }) if name == "missing"),
        ),
        (SharedMemoryError::Damaged.into(), |error| {
            matches!(error, Error::SharedMemory(SharedMemoryError::Damaged)) && error.to_string().contains("damaged")
        }),
    ];
    for (error, is_it) in cases {
        assert!(is_it(&error), "{error}");
    }
}

fn errors_of_tasks_say_why_there_is_no_result() {
    let words = |error: TaskError| error.to_string();
    assert_eq!(words(TaskError::Panicked("3 is odd".into())), "the task panicked: 3 is odd");
    let died = TaskError::WorkerDied { pid: 7, how: "exit code 3".into() };
    assert_eq!(words(died.clone()), "the worker 7 ended during the task: exit code 3");
    assert!(words(TaskError::Cancelled).contains("cancelled"));
    assert!(words(TaskError::Terminated).contains("terminated before the task was done"));
    assert!(words(TaskError::PoolClosed).contains("make another for further tasks"));
    assert_eq!(words(TaskError::PoolFailed("no licence".into())), "the pool stopped: no licence");
    assert!(words(TaskError::Value("odd".into())).ends_with("between processes: odd"));
    assert!(words(TaskError::NotRegistered("a::b".into())).contains("add function!(a::b)"));
    // It can be sent itself, and is an error like the others.
    let (here, there) = pipe().unwrap();
    here.send(&died).unwrap();
    assert_eq!(there.recv::<TaskError>().unwrap(), died);
    assert_eq!(Error::from(died.clone()).to_string(), died.to_string());
}

/// It says what it is and how large, and none of what is inside.
fn what_debug_shows() {
    let pool = Pool::new(2).unwrap();
    let threads = ThreadPool::new(3).unwrap();
    let queue = Queue::unbounded().unwrap();
    queue.put(&1).unwrap();
    let simple: SimpleQueue<u8> = SimpleQueue::new().unwrap();
    let result = pool.apply_async(cube, (2,)).unwrap();
    result.wait();
    for (shown, expected) in [
        (format!("{pool:?}"), "Pool { size: 2, .. }"),
        (format!("{threads:?}"), "ThreadPool { size: 3, .. }"),
        (format!("{:?}", Pool::builder().workers(4)), "PoolBuilder { workers: 4, .. }"),
        (format!("{:?}", ThreadPool::builder().workers(5)), "ThreadPoolBuilder { workers: 5, .. }"),
        (format!("{result:?}"), "AsyncResult { successful: Some(true) }"),
        (format!("{:?}", pool.imap(cube, [1])), "Imap { submitted: 0, .. }"),
        (format!("{:?}", threads.imap(cube, [1])), "ThreadImap { submitted: 0, .. }"),
        (format!("{queue:?}"), "Queue { qsize: 1, .. }"),
        (format!("{:?}", simple.clone()), "SimpleQueue(Queue { qsize: 0, .. })"),
        (format!("{:?}", RawArray::new(&[1_u8, 2]).unwrap()), "RawArray { len: 2, .. }"),
        (format!("{:?}", Array::new(&[1_u8, 2, 3]).unwrap()), "RawArray { len: 3, .. }"),
        (format!("{:?}", Value::new(1_u8).unwrap()), "Value"),
        (format!("{:?}", RawValue::new(1_u8).unwrap()), "RawValue"),
        // In a worker: the writer of such bytes keeps the memory for the next.
        (pool.apply(show_bytes, ()).unwrap(), "SharedBytes { len: 3, .. }, equal: true"),
        (format!("{:?}", function!(nothing)), "Function(\"mp::functions::nothing\")"),
    ] {
        assert_eq!(shown, expected);
    }
}

fn processes_are_started_from_what_was_set() {
    let own = std::env::current_exe().unwrap();
    let folder = tempfile::tempdir_in(own.parent().unwrap()).unwrap();
    let other = folder.path().join("other");
    std::fs::hard_link(&own, &other).unwrap();
    let started_from = || {
        let (here, there) = pipe().unwrap();
        let process = Process::spawn(own_executable, (there,)).unwrap();
        let path: std::path::PathBuf = here.recv().unwrap();
        assert_eq!(process.join().unwrap(), 0);
        path
    };
    mp::set_executable(&other);
    let from = started_from();
    mp::set_executable("/proc/self/exe");
    assert_eq!((from, started_from()), (other, own));
}

fn what_is_not_a_shared_thing_is_refused() {
    let (here, there) = pipe().unwrap();
    // Each of these arrives as the descriptor of something else.
    let not_of_its_kind = |error: RecvError| assert!(matches!(error, RecvError::Decode(_)), "{error}");
    here.send(&Event::new().unwrap()).unwrap();
    not_of_its_kind(there.recv::<mp::Lock>().unwrap_err());
    here.send(&RawArray::new(&[1_u8]).unwrap()).unwrap();
    not_of_its_kind(there.recv::<Queue<u8>>().unwrap_err());
    here.send(&Event::new().unwrap()).unwrap();
    not_of_its_kind(there.recv::<RawArray<u8>>().unwrap_err());
    here.send(&RawArray::new(&[1_u8]).unwrap()).unwrap();
    not_of_its_kind(there.recv::<RawArray<u32>>().unwrap_err());
    here.send(&Event::new().unwrap()).unwrap();
    not_of_its_kind(there.recv::<ShareableList>().unwrap_err());
    let (socket, _end) = pipe().unwrap();
    here.send(&(&socket, 5_u64)).unwrap();
    assert!(there.recv::<(Connection, u64)>().is_ok());
    // A number where there is no descriptor at all.
    here.send(&3_u8).unwrap();
    not_of_its_kind(there.recv::<Event>().unwrap_err());
    // Without a connection a shared thing cannot travel: no process would hold it while it is in a queue.
    let queue: Queue<Event> = Queue::unbounded().unwrap();
    let error = queue.put(&Event::new().unwrap()).unwrap_err();
    assert!(matches!(error, SendError::Encode(_)), "{error}");
}

fn what_cannot_be_meant_panics_with_words() {
    let raw = RawArray::new(&[1_u16, 2]).unwrap();
    let array = Array::new(&[1_u16, 2]).unwrap();
    let memory = SharedMemory::create(None, 8).unwrap();
    let cases: [(&dyn Fn(), &str); 10] = [
        (&|| mp::init([]), "fanlane_mp::init was called twice"),
        (&|| mp::init([function!(cube), function!(cube)]), "two functions named mp::functions::cube were given"),
        (&|| assert_eq!(raw.get(2), 0), "2 is inside an array of 2"),
        (&|| raw.set(2, 0), "2 is inside an array of 2"),
        (&|| raw.read(1, &mut [0; 2]), "1 is inside an array of 2"),
        (&|| raw.write(usize::MAX, &[0; 2]), "is inside an array of 2"),
        (&|| drop(array.get(2)), "2 is inside an array of 2"),
        (&|| drop(array.set(2, 0)), "2 is inside an array of 2"),
        (&|| memory.read(7, &mut [0; 2]), "inside the shared memory"),
        (&|| memory.write(usize::MAX, &[0; 2]), "inside the shared memory"),
    ];
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcomes = cases.map(|(case, words)| (catch_unwind(AssertUnwindSafe(case)), words));
    std::panic::set_hook(hook);
    for (outcome, words) in outcomes {
        let panic = outcome.expect_err(words);
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        assert!(said.contains(words), "{words}: {said}");
    }
    // Nothing was changed, and the lock is free.
    assert_eq!((raw.to_vec(), array.to_vec().unwrap()), (vec![1, 2], vec![1, 2]));
}

fn an_initializer_that_cannot_be_called_is_told() {
    fn unknown() {}
    let error = Pool::builder().initializer(unknown, ()).build().unwrap_err();
    assert!(matches!(error, PoolError::Spawn(SpawnError::NotRegistered(_))), "{error}");
    let error = Process::new(sleep_for_ever, ()).unwrap().close();
    assert!(error.is_ok(), "one that was not started has nothing to close");
    let pool = ThreadPool::new(1).unwrap();
    assert!(pool.apply_async(nothing, ()).unwrap().get_timeout(DEADLINE).is_ok());
}
