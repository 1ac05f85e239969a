//! The descendants of a process, read from `/proc`, and ways to end them without ever signalling another process.
//!
//! A signal goes through a pidfd that was opened before the process was examined again, so a pid that was reused in
//! between is noticed.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

/// States of a process in `/proc/PID/stat`.
const STOPPED: char = 'T';
const TRACED: char = 't';
const ZOMBIE: char = 'Z';
const DEAD: char = 'X';

/// The children of `pid` that `thread`, one of its threads, started or adopted.
fn children_of_thread(pid: u32, thread: u32) -> Vec<u32> {
    fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"))
        .map(|text| text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect())
        .unwrap_or_default()
}

/// Orphaned processes that this process, a child subreaper, has adopted: they are listed under its main thread, which starts
/// no processes itself.
pub fn adopted_children() -> Vec<u32> {
    let me = std::process::id();
    children_of_thread(me, me)
}

/// The processes above `pid`: its parent, whose parent, and so on.
pub fn ancestors(pid: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(parent_of(pid), |pid| parent_of(*pid)).take_while(|pid| *pid > 0)
}

/// The name by which a process was called: the first word of its command line.
pub fn called_as(pid: u32) -> Option<OsString> {
    let words = command_line(pid);
    let name = words.split(|byte| *byte == 0).next().filter(|name| !name.is_empty())?;
    Some(OsString::from_vec(name.to_vec()))
}

/// The children of all threads of `pid`.
pub fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .flat_map(|thread| children_of_thread(pid, thread))
        .collect()
}

/// Number of threads of this process; 1 where the system does not tell.
pub fn own_threads() -> u64 {
    fs::read_dir("/proc/self/task").map_or(1, |threads| threads.count() as u64)
}

/// All descendants of `pid`, parents before their children.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut seen: HashSet<u32> = found.iter().copied().collect();
    let mut next = 0;
    while next < found.len() {
        for child in children(found[next]) {
            if seen.insert(child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

/// A process that was stopped, with the time of its start, which tells it from later ones of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    pid: u32,
    start_ticks: u64,
}

/// Stops all descendants of `pid`, and those that they start meanwhile. Returns those that ran until then; `all`: also those that
/// were stopped already.
pub fn stop_below(pid: u32, all: bool) -> Vec<Stopped> {
    const MAX_ROUNDS: usize = 50;
    let mut stopped: Vec<Stopped> = Vec::new();
    let mut seen: HashSet<(u32, u64)> = HashSet::new();
    for _ in 0..MAX_ROUNDS {
        let mut is_new = false;
        for pid in descendants(pid) {
            let Some((state, start_ticks)) = state_and_start(pid) else { continue };
            if !seen.insert((pid, start_ticks)) {
                continue;
            }
            is_new = true;
            let is_running = !matches!(state, STOPPED | TRACED | ZOMBIE | DEAD)
                && signal_if(pid, Signal::STOP, || self::start_ticks(pid) == Some(start_ticks));
            if is_running || (all && state == STOPPED) {
                stopped.push(Stopped { pid, start_ticks });
            }
        }
        if !is_new {
            break;
        }
    }
    stopped
}

/// Lets processes go on that [`stop_below`] has returned.
pub fn let_go_on(stopped: &[Stopped]) {
    for &Stopped { pid, start_ticks } in stopped {
        signal_if(pid, Signal::CONT, || self::start_ticks(pid) == Some(start_ticks));
    }
}

/// The first process that a signal has stopped, of `pid` and its descendants.
pub fn first_stopped(pid: u32) -> Option<u32> {
    let is_stopped = |pid: &u32| state_and_start(*pid).is_some_and(|(state, _)| state == STOPPED);
    Some(pid).filter(is_stopped).or_else(|| descendants(pid).into_iter().find(is_stopped))
}

/// All processes of the machine.
pub fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// All other processes whose environment contained `NAME=value` when they were started.
pub fn marked(name: &str, value: &str) -> Vec<u32> {
    let marker = format!("{name}={value}");
    let me = std::process::id();
    all().filter(|&pid| pid != me && carries(pid, marker.as_bytes())).collect()
}

/// Kills every other process that carries the marker `NAME=value`, and those that they start meanwhile.
pub fn end_marked(name: &str, value: &str) {
    const MAX_ROUNDS: usize = 50;
    const ROUND_INTERVAL: Duration = Duration::from_millis(2);
    let mut empty_rounds = 0;
    for _ in 0..MAX_ROUNDS {
        let left = marked(name, value);
        if left.is_empty() {
            // During `execve` a process shows no environment: look again.
            empty_rounds += 1;
            if empty_rounds == 3 {
                return;
            }
            std::thread::sleep(ROUND_INTERVAL);
        }
        for pid in left {
            // During `execve` the signal is not sent: the next round finds the process again.
            if signal_marked(pid, name, value, Signal::KILL) || has_ended(pid) {
                reap_adopted(pid);
            }
        }
    }
}

/// Reaps `pid` if it is a child of this process; waits for its end then. Only for a process that was killed and that no
/// other code waits for.
pub fn reap_adopted(pid: u32) {
    if parent_of(pid) == Some(std::process::id())
        && let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
    {
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
    }
}

/// Sends `signal` to `pid` if that process carries the marker `NAME=value`. Gives whether it was sent.
pub fn signal_marked(pid: u32, name: &str, value: &str, signal: Signal) -> bool {
    let marker = format!("{name}={value}");
    signal_if(pid, signal, || carries(pid, marker.as_bytes()))
}

/// Sends `signal` to `pid` if `parent` is its parent. Gives whether it was sent.
pub fn signal_child_of(pid: u32, parent: u32, signal: Signal) -> bool {
    signal_if(pid, signal, || parent_of(pid) == Some(parent))
}

fn signal_if(pid: u32, signal: Signal, is_it: impl FnOnce() -> bool) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    is_it() && pidfd_send_signal(handle, signal).is_ok()
}

fn carries(pid: u32, marker: &[u8]) -> bool {
    of_process(pid, "environ").is_ok_and(|all| all.split(|&byte| byte == 0).any(|one| one == marker))
}

/// Reads `/proc/PID/NAME`. The size is not known beforehand and each read costs a system call, so the buffer is large from the
/// start.
fn of_process(pid: u32, name: &str) -> io::Result<Vec<u8>> {
    const USUAL_BYTES: usize = 8 << 10;
    let mut all = Vec::with_capacity(USUAL_BYTES);
    // Reading from a `File` would query its size first.
    fs::File::open(format!("/proc/{pid}/{name}"))?.take(u64::MAX).read_to_end(&mut all)?;
    Ok(all)
}

/// The parent of `pid`; `None` if there is no such process.
pub fn parent_of(pid: u32) -> Option<u32> {
    stat_field(pid, 1)?.parse().ok()
}

/// When `pid` was started, in clock ticks since the start of the machine; no two processes with the same pid share it.
pub fn start_ticks(pid: u32) -> Option<u64> {
    stat_field(pid, 19)?.parse().ok()
}

/// The value of the variable `name` when `pid` executed its program; `None` if it cannot be read.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = of_process(pid, "environ").ok()?;
    let value = |one: &[u8]| one.strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
    String::from_utf8(environment.split(|&byte| byte == 0).find_map(value)?).ok()
}

/// The prefix of the markers of processes that this process starts: its pid and start time.
pub fn own_mark() -> String {
    let me = std::process::id();
    format!("{me}.{}", start_ticks(me).unwrap_or_default())
}

/// Whether `pid` has ended and waits to be reaped.
pub fn has_ended(pid: u32) -> bool {
    stat_field(pid, 0).is_some_and(|state| state == "Z")
}

/// As [`start_ticks`], for a process that has not ended: `None` also for one that waits to be reaped.
pub fn live_start_ticks(pid: u32) -> Option<u64> {
    let (state, start_ticks) = state_and_start(pid)?;
    (!matches!(state, ZOMBIE | DEAD)).then_some(start_ticks)
}

/// The state of a process, as the letter in `/proc/PID/stat`.
pub fn state(pid: u32) -> Option<char> {
    state_and_start(pid).map(|(state, _)| state)
}

/// The state of a process, and when it was started.
fn state_and_start(pid: u32) -> Option<(char, u64)> {
    const STATE: usize = 0;
    const START: usize = 19;
    let stat = stat_line(pid)?;
    let mut fields = stat.split_ascii_whitespace().skip(STATE);
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(START - STATE - 1)?.parse().ok()?))
}

/// CPU time of a process and of the children that it has waited for, in ticks.
pub fn cpu_ticks(pid: u32) -> Option<u64> {
    const USER: usize = 11;
    stat_line(pid)?.split_ascii_whitespace().skip(USER).take(4).map(|field| field.parse::<u64>().ok()).sum()
}

/// Memory of a process that is in RAM, in bytes.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = of_process(pid, "statm").ok()?;
    let pages: u64 = std::str::from_utf8(&statm).ok()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The command line of a process, each word followed by NUL; empty where it is not known.
pub fn command_line(pid: u32) -> Vec<u8> {
    of_process(pid, "cmdline").unwrap_or_default()
}

/// The namespace of process numbers that a process is in; `None` where that is not known.
pub fn pid_namespace(pid: u32) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/ns/pid")).ok().map(|namespace| namespace.ino())
}

/// The pids of all processes of a user.
pub fn of_user(uid: u32) -> Vec<u32> {
    let is_theirs = |pid: &u32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|process| process.uid() == uid);
    all().filter(is_theirs).collect()
}

/// A field of `/proc/PID/stat`, counted from the one after the name.
fn stat_field(pid: u32, place: usize) -> Option<String> {
    stat_line(pid)?.split_ascii_whitespace().nth(place).map(str::to_owned)
}

/// The fields after the name in `/proc/PID/stat`.
fn stat_line(pid: u32) -> Option<String> {
    let stat = of_process(pid, "stat").ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name in parentheses may contain anything, so the fields are counted from its end.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// Ends the processes of a test, also when it fails.
    struct Family(std::process::Child);

    impl Drop for Family {
        fn drop(&mut self) {
            for pid in descendants(self.0.id()) {
                signal_if(pid, Signal::KILL, || true);
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn what_ran_below_a_process_is_stopped_and_goes_on_and_what_was_stopped_before_stays_so() {
        let child = Command::new("/bin/sh")
            .args(["-c", "sleep 1000 & echo $!; sleep 1000 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Family(child);
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let [first, second] = std::array::from_fn(|_| lines.next().unwrap().unwrap().parse::<u32>().unwrap());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let wait_for = |pid, stopped: bool| {
            while (state_and_start(pid).unwrap().0 == STOPPED) != stopped {
                assert!(std::time::Instant::now() < deadline, "{pid} {stopped}");
                std::thread::yield_now();
            }
        };
        assert_eq!(first_stopped(child.0.id()), None);
        signal_if(first, Signal::STOP, || true);
        wait_for(first, true);
        assert_eq!(first_stopped(child.0.id()), Some(first));
        let stopped = stop_below(child.0.id(), false);
        assert_eq!(stopped.iter().map(|one| one.pid).collect::<Vec<_>>(), [second]);
        wait_for(second, true);
        let_go_on(&stopped);
        wait_for(second, false);
        wait_for(first, true);
        let_go_on(&stop_below(child.0.id(), true));
        wait_for(first, false);
        wait_for(second, false);
    }

    #[test]
    fn a_process_that_starts_another_program_just_now_is_not_waited_for_before_it_was_killed() {
        // During `execve` a process shows no environment, and these do hardly anything else.
        let start = || {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "exec /bin/sh -c \"$0\" \"$0\"", "exec /bin/sh -c \"$0\" \"$0\""]);
            Family(command.env("FANLANE_TEST_STARTING", std::process::id().to_string()).spawn().unwrap())
        };
        let _children: Vec<Family> = (0..24).map(|_| start()).collect();
        let (ended, is_ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            end_marked("FANLANE_TEST_STARTING", &std::process::id().to_string());
            let _ = ended.send(());
        });
        is_ended.recv_timeout(Duration::from_secs(60)).expect("it waits for a process that was not killed");
    }

    #[test]
    fn a_grandchild_is_found_and_ended_by_its_marker() {
        // Another run of this test may be in progress on the machine.
        let mark = std::process::id().to_string();
        let child = Command::new("/bin/sh")
            .args(["-c", "sleep 1000 & echo $!; wait"])
            .env("FANLANE_TEST_MARK", &mark)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Family(child);
        let mut line = String::new();
        BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let grandchild: u32 = line.trim().parse().unwrap();
        assert_eq!(descendants(child.0.id()), [grandchild]);
        assert_eq!(parent_of(grandchild), Some(child.0.id()));
        let mut both = vec![child.0.id(), grandchild];
        both.sort_unstable();
        // During `execve` a process shows no environment.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let found = || {
            let mut found = marked("FANLANE_TEST_MARK", &mark);
            found.sort_unstable();
            found
        };
        while found() != both {
            assert!(std::time::Instant::now() < deadline, "{:?} instead of {both:?}", found());
            std::thread::yield_now();
        }
        assert!(!signal_marked(grandchild, "FANLANE_TEST_MARK", "other", Signal::KILL));
        assert!(!signal_child_of(grandchild, std::process::id(), Signal::KILL));
        assert!(signal_marked(grandchild, "FANLANE_TEST_MARK", &mark, Signal::KILL));
        assert!(child.0.wait().is_ok());
        assert!(marked("FANLANE_TEST_MARK", &mark).is_empty());
    }
}
