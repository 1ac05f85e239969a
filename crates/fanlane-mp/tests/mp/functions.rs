//! What the processes of these tests do.

use fanlane_mp::manager::Key;
use fanlane_mp::{
    self as mp, Array, Barrier, BoundedSemaphore, Condition, Connection, Event, Function, Lock, Mutex, Process, Queue,
    RLock, Semaphore, ShareableList, SharedBytes, SharedMemory, Value, function,
};

use crate::pool_gathering::{count_and_wait_if_zero, set_scene, take_any_time};

pub fn all() -> Vec<Function> {
    vec![
        function!(nothing),
        function!(exit_with),
        function!(panics),
        function!(fails),
        function!(say_name),
        function!(own_executable),
        function!(sleep_for_ever),
        function!(start_and_wait),
        function!(run_command_for_ever),
        function!(parent_that_dies),
        function!(echo),
        function!(pass_on),
        function!(connect_and_answer),
        function!(take_and_answer),
        function!(put_for_ever),
        function!(get_for_ever),
        function!(hold_lock),
        function!(hold_rlock),
        function!(hold_mutex),
        function!(hold_semaphore),
        function!(hold_bounded),
        function!(wait_at_barrier),
        function!(wait_for_condition),
        function!(set_event),
        function!(cube),
        function!(power),
        function!(odd_panics),
        function!(half),
        function!(uses_standard_descriptors),
        function!(own_pid),
        function!(kill_self_if),
        function!(kill_self_once),
        function!(wait_for_event_in_global),
        function!(set_global_event),
        function!(failing_initializer),
        function!(dying_initializer),
        function!(bytes_of),
        function!(unreadable),
        function!(spawn_and_sleep),
        function!(count_up),
        function!(own_a_name),
        function!(write_by_name),
        function!(change_list),
        function!(shared_bytes),
        function!(show_bytes),
        function!(wait_for_file),
        function!(note_and_wait),
        function!(set_scene),
        function!(count_and_wait_if_zero),
        function!(take_any_time),
    ]
}

pub fn nothing() {}

pub fn exit_with(code: i32) {
    std::process::exit(code);
}

pub fn panics() {
    std::panic::set_hook(Box::new(|_| {}));
    panic!("expected");
}

pub fn fails() -> Result<(), String> {
    Err("this failure is part of a test".to_owned())
}

pub fn say_name(to: Connection) -> Result<(), mp::Error> {
    let current = mp::current_process();
    Ok(to.send(&(current.name, current.is_daemon, current.parent_pid, std::process::id()))?)
}

pub fn own_executable(to: Connection) -> Result<(), mp::Error> {
    Ok(to.send(&std::env::current_exe().map_err(|error| error.to_string()).unwrap())?)
}

pub fn sleep_for_ever() {
    loop {
        std::thread::park();
    }
}

/// Starts one that sleeps for ever, tells its number, and sleeps as well.
pub fn start_and_wait(to: Connection) -> Result<(), mp::Error> {
    let child = Process::spawn(sleep_for_ever, ())?;
    to.send(&child.pid())?;
    sleep_for_ever();
    Ok(())
}

/// The same with a command.
pub fn run_command_for_ever(to: Connection) -> Result<(), mp::Error> {
    let child = std::process::Command::new("/bin/sleep").arg("1000").spawn().map_err(|error| error.to_string());
    to.send(&child.map(|child| child.id()))?;
    sleep_for_ever();
    Ok(())
}

/// Starts one whose number it tells, and is killed then.
pub fn parent_that_dies(to: Connection) -> Result<(), mp::Error> {
    let child = Process::spawn(sleep_for_ever, ())?;
    to.send(&child.pid())?;
    kill_self();
    Ok(())
}

pub fn kill_self() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    sleep_for_ever();
}

pub fn echo(connection: Connection) {
    while let Ok(bytes) = connection.recv_bytes() {
        connection.send_bytes(&bytes).unwrap();
    }
}

/// Receives a connection through a connection, and speaks on it.
pub fn pass_on(connection: Connection) -> Result<(), mp::Error> {
    let passed: Connection = connection.recv()?;
    Ok(passed.send(&"hello from far away")?)
}

/// Says what the numbers add up to that it is sent, and goes when it is told to.
pub fn connect_and_answer(address: String, key: String) -> Result<(), mp::Error> {
    let key = Key::from_text(&key).unwrap();
    let there = Connection::connect(&address.parse().unwrap(), &key, std::time::Duration::from_secs(60))?;
    let numbers: Vec<u64> = there.recv()?;
    there.send(&numbers.iter().sum::<u64>())?;
    there.recv_bytes()?;
    Ok(())
}

pub fn take_and_answer(questions: Queue<u64>, answers: Queue<u64>) {
    while let Ok(question) = questions.get() {
        answers.put(&(question * question)).unwrap();
        questions.task_done().unwrap();
    }
}

pub fn put_for_ever(queue: Queue<Vec<u8>>) {
    for size in 0.. {
        queue.put(&vec![7; size % 3_000]).unwrap();
    }
}

pub fn get_for_ever(queue: Queue<Vec<u8>>) {
    while queue.get().is_ok() {}
}

pub fn hold_lock(lock: Lock, to: Connection) -> Result<(), mp::Error> {
    let _guard = lock.acquire().unwrap();
    to.send(&())?;
    sleep_for_ever();
    Ok(())
}

pub fn hold_mutex(pair: Mutex<[u64; 2]>, to: Connection) -> Result<(), mp::Error> {
    let mut guard = pair.lock()?;
    *guard = [7, 8];
    to.send(&())?;
    sleep_for_ever();
    Ok(())
}

pub fn hold_rlock(lock: RLock, to: Connection) -> Result<(), mp::Error> {
    let _guard = lock.acquire().unwrap();
    let _again = lock.acquire().unwrap();
    to.send(&())?;
    sleep_for_ever();
    Ok(())
}

pub fn hold_semaphore(semaphore: Semaphore, to: Connection) -> Result<(), mp::Error> {
    let _permit = semaphore.acquire().unwrap();
    let _another = semaphore.acquire().unwrap();
    to.send(&())?;
    sleep_for_ever();
    Ok(())
}

pub fn hold_bounded(semaphore: BoundedSemaphore, to: Connection) -> Result<(), mp::Error> {
    let permit = semaphore.acquire().unwrap();
    to.send(&())?;
    let () = to.recv()?;
    drop(permit);
    Ok(())
}

pub fn wait_at_barrier(barrier: Barrier, to: Connection) -> Result<(), mp::Error> {
    to.send(&())?;
    let met = barrier.wait().map_err(|error| error.to_string());
    Ok(to.send(&met)?)
}

pub fn wait_for_condition(condition: Condition, to: Connection) -> Result<(), mp::Error> {
    let mut guard = condition.acquire().unwrap();
    to.send(&())?;
    guard.wait()?;
    Ok(to.send(&())?)
}

pub fn set_event(event: Event) {
    event.set();
}

pub fn cube(x: i64) -> i64 {
    x * x * x
}

pub fn power(x: i64, y: u32) -> i64 {
    x.pow(y)
}

pub fn odd_panics(x: u32) -> u32 {
    std::panic::set_hook(Box::new(|_| {}));
    assert!(x.is_multiple_of(2), "{x} is odd");
    x / 2
}

pub fn half(x: u32) -> Result<u32, String> {
    if x.is_multiple_of(2) { Ok(x / 2) } else { Err(format!("{x} is odd")) }
}

/// Writes to the descriptors 1 and 2 past all buffers, as a C library would, and reads all of 0.
pub fn uses_standard_descriptors(x: u32) -> (u32, usize) {
    let garbage = [b"\0\0\0\x02\xff\xff".as_slice(), &[b'x'; 9], b"\n"].concat();
    // The process that closed them reads nothing; the test is about the result.
    let _ = rustix::io::write(rustix::stdio::stdout(), &garbage);
    let _ = rustix::io::write(rustix::stdio::stderr(), &garbage);
    let mut read = [0; 64];
    (x, rustix::io::read(rustix::stdio::stdin(), &mut read).unwrap_or(0))
}

pub fn own_pid(_: u32) -> u32 {
    std::process::id()
}

pub fn kill_self_if(is_meant: bool) -> bool {
    if is_meant {
        kill_self();
    }
    is_meant
}

/// Kills its worker the first time: the file is then there.
pub fn kill_self_once(mark: std::path::PathBuf) -> u32 {
    if std::fs::File::create_new(mark).is_ok() {
        kill_self();
    }
    7
}

static EVENT: std::sync::OnceLock<(Event, Event)> = std::sync::OnceLock::new();

/// An initializer.
pub fn set_global_event(arrived: Event, go_on: Event) {
    assert!(EVENT.set((arrived, go_on)).is_ok());
}

pub fn wait_for_event_in_global(number: u32) -> u32 {
    let (arrived, go_on) = EVENT.get().unwrap();
    if number == 0 {
        arrived.set();
        go_on.wait();
    }
    number
}

pub fn failing_initializer() -> Result<(), String> {
    Err("no licence".to_owned())
}

pub fn dying_initializer() {
    std::process::exit(7);
}

pub fn bytes_of(len: usize) -> Vec<u8> {
    vec![9; len]
}

/// A value that is written in one way and read in another.
#[derive(Debug)]
pub struct Unreadable;

impl serde::Serialize for Unreadable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> serde::Deserialize<'de> for Unreadable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("not meant to be read"))
    }
}

pub fn unreadable() -> Unreadable {
    Unreadable
}

/// Leaves a command behind that sleeps; gives its number.
pub fn spawn_and_sleep(mark: std::path::PathBuf) {
    let mut child = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
    let beside = mark.with_extension("new");
    std::fs::write(&beside, child.id().to_string()).unwrap();
    std::fs::rename(beside, mark).unwrap();
    child.wait().unwrap();
}

pub fn count_up(value: Value<u64>, array: Array<u32>) -> Result<(), mp::Error> {
    for _ in 0..1_000 {
        value.update(|number| *number += 1)?;
        let _guard = array.get_lock().acquire()?;
        array.set(1, array.get(1)? + 1)?;
    }
    Ok(())
}

pub fn own_a_name(to: Connection) -> Result<(), mp::Error> {
    let memory = SharedMemory::create(None, 100)?;
    to.send(&memory.name())?;
    sleep_for_ever();
    Ok(())
}

pub fn write_by_name(name: String, passed: SharedMemory) -> Result<(), mp::Error> {
    SharedMemory::open(&name)?.write(3, b"by name");
    passed.write(20, b"passed");
    Ok(())
}

pub fn change_list(list: ShareableList) -> Result<(), mp::Error> {
    Ok(list.set(1, "changed")?)
}

pub fn shared_bytes(fill: u8) -> SharedBytes {
    SharedBytes::build(300_000, |bytes| bytes.fill(fill)).unwrap()
}

pub fn show_bytes() -> String {
    let [one, other] = [(); 2].map(|()| SharedBytes::copy_of(b"abc").unwrap());
    format!("{one:?}, equal: {}", one == other && one != SharedBytes::copy_of(b"abd").unwrap())
}

/// Waits until that file is there.
pub fn wait_for_file(path: std::path::PathBuf, number: u32) -> u32 {
    while !path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    number
}

/// Leaves a note that it has begun, and waits until that file is there.
pub fn note_and_wait(notes: std::path::PathBuf, gate: std::path::PathBuf, number: u32) -> u32 {
    std::fs::write(notes.join(number.to_string()), "").unwrap();
    wait_for_file(gate, number)
}
