//! Whether the machine has room for another task: free memory, load, swapping, and a command that says so; checked once a second.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use sysinfo::{MemoryRefreshKind, System};

use crate::job::Control;

/// How often the machine is checked.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long a check waits for the command that limits starts; what it says later counts at the next check.
const COMMAND_PATIENCE: Duration = Duration::from_millis(100);

/// Checks the machine for a job that needs free memory, or limits starts in another way.
pub struct Admission {
    memfree_bytes: Option<u64>,
    load_limit: Option<f64>,
    /// Pages that were swapped in and out until the last check.
    swapped: Option<(u64, u64)>,
    no_swap: bool,
    command: Option<LimitCommand>,
    system: System,
    /// At the last check, in bytes.
    free_bytes: u64,
}

impl Admission {
    /// `None` for a job that limits nothing. Its command runs in `folder`.
    pub fn of(control: &Control, folder: &Path) -> Option<Self> {
        let command = control.limit_command.as_ref().map(|line| LimitCommand::new(line, folder));
        let asks =
            control.memfree_bytes.is_some() || control.load_limit.is_some() || control.no_swap || command.is_some();
        let system = asks.then(System::new)?.ok()?;
        Some(Self {
            memfree_bytes: control.memfree_bytes,
            load_limit: control.load_limit,
            swapped: None,
            no_swap: control.no_swap,
            command,
            system,
            free_bytes: u64::MAX,
        })
    }

    /// What another task needs before it starts, and what there is now; `None` if that is enough.
    pub fn look(&mut self) -> Option<String> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let free_bytes = self.system.available_memory();
        let running = fanlane_os::machine::runnable_processes();
        self.free_bytes = free_bytes;
        let swapped = self.no_swap.then(fanlane_os::machine::swapped_pages).flatten();
        let before = std::mem::replace(&mut self.swapped, swapped);
        let command = self.command.as_mut().and_then(LimitCommand::look);
        reason(self.memfree_bytes, free_bytes, self.load_limit, running)
            .or_else(|| before.zip(swapped).and_then(|(before, now)| swapping(before, now)))
            .or(command)
    }

    /// Whether a limit was far exceeded at the last check, so that running tasks make room: less than half of the memory that
    /// must be free was free, or the command says so.
    pub fn is_far_over(&self) -> bool {
        let memory_is_low = self.memfree_bytes.is_some_and(|wanted| self.free_bytes < wanted / 2);
        memory_is_low || self.command.as_ref().is_some_and(|command| command.answer == Some(FAR_OVER))
    }
}

/// Swapping in one direction alone is no sign of too little memory.
fn swapping(before: (u64, u64), now: (u64, u64)) -> Option<String> {
    (now.0 > before.0 && now.1 > before.1).then(|| "a machine that does not swap; it does".to_owned())
}

/// The exit status of a command by which the youngest task is to end.
const FAR_OVER: i32 = 2;

/// A command whose exit status says whether a task may start.
struct LimitCommand {
    line: String,
    folder: PathBuf,
    running: Option<Child>,
    /// Its last exit status; -1 where a signal has ended it.
    answer: Option<i32>,
    /// Why it could not be started.
    fault: Option<String>,
}

impl LimitCommand {
    fn new(line: &str, folder: &Path) -> Self {
        Self { line: line.to_owned(), folder: folder.to_owned(), running: None, answer: None, fault: None }
    }

    /// Runs it, unless it still runs, and says what a start needs; `None`: nothing.
    fn look(&mut self) -> Option<String> {
        self.run();
        let line = &self.line;
        match (&self.fault, self.answer) {
            (Some(fault), _) => Some(format!("the command {line}, which cannot be started: {fault}")),
            (None, Some(0)) => None,
            (None, Some(code)) => Some(format!("an exit status of 0 of {line}; it is {code}")),
            (None, None) => Some(format!("an answer of {line}; it still runs")),
        }
    }

    fn run(&mut self) {
        if self.running.is_none() {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(&self.line).current_dir(&self.folder).process_group(0);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            match command.spawn() {
                Ok(child) => (self.running, self.fault) = (Some(child), None),
                Err(error) => self.fault = Some(error.to_string()),
            }
        }
        let Some(child) = &mut self.running else { return };
        if let Ok(handle) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
            let patience = Timespec::try_from(COMMAND_PATIENCE).expect("it is short");
            // What ends early is seen here, everything else at the next check.
            let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience));
        }
        if let Ok(Some(status)) = child.try_wait() {
            self.answer = Some(status.code().unwrap_or(-1));
            self.running = None;
        }
    }
}

impl Drop for LimitCommand {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            // Its group is its own, with all that it has started.
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        }
    }
}

fn reason(memfree: Option<u64>, free: u64, load_limit: Option<f64>, running: Option<u64>) -> Option<String> {
    const MIB: u64 = 1 << 20;
    if let Some(wanted) = memfree.filter(|wanted| free < *wanted) {
        return Some(format!("{} MiB free; {} MiB are", wanted.div_ceil(MIB), free / MIB));
    }
    let (limit, running) = load_limit.zip(running)?;
    (running as f64 > limit).then(|| format!("a load of at most {limit}; it is {running}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_what_is_missing() {
        let mib = 1 << 20;
        assert_eq!(reason(None, 0, None, None), None);
        assert_eq!(reason(Some(5 * mib), 5 * mib, Some(2.0), Some(2)), None);
        let memory = reason(Some(8192 * mib), 5 * mib, None, None).unwrap();
        assert_eq!(memory, "8192 MiB free; 5 MiB are");
        let load = reason(None, 0, Some(1.5), Some(2)).unwrap();
        assert_eq!(load, "a load of at most 1.5; it is 2");
    }

    #[test]
    fn a_machine_never_has_all_that_memory_free() {
        let control = Control { memfree_bytes: Some(u64::MAX), ..Control::default() };
        let mut admission = Admission::of(&control, Path::new("/")).unwrap();
        assert!(!admission.is_far_over() && admission.look().is_some() && admission.is_far_over());
        assert!(Admission::of(&Control::default(), Path::new("/")).is_none());
    }

    /// What is said once the command has answered.
    fn said(line: &str) -> (Option<String>, bool) {
        let control = Control { limit_command: Some(line.to_owned()), ..Control::default() };
        let mut admission = Admission::of(&control, Path::new("/")).unwrap();
        loop {
            let reason = admission.look();
            if admission.command.as_ref().is_some_and(|command| command.answer.is_some()) {
                return (reason, admission.is_far_over());
            }
        }
    }

    #[test]
    fn a_command_says_whether_a_task_may_start() {
        assert_eq!(said("exit 0"), (None, false));
        assert_eq!(
            said("test -e missing"),
            (Some("an exit status of 0 of test -e missing; it is 1".to_owned()), false)
        );
        assert_eq!(said("exit 2"), (Some("an exit status of 0 of exit 2; it is 2".to_owned()), true));
    }

    #[test]
    fn a_command_without_an_answer_lets_nothing_start_and_ends_with_the_run() {
        let mut command = LimitCommand::new("sleep 1000", Path::new("/"));
        assert_eq!(command.look().as_deref(), Some("an answer of sleep 1000; it still runs"));
        let child = Pid::from_child(command.running.as_ref().expect("it runs"));
        drop(command);
        assert!(rustix::process::test_kill_process(child).is_err(), "it has ended");
    }

    #[test]
    fn a_machine_swaps_where_it_does_so_in_both_directions() {
        assert_eq!(swapping((5, 5), (5, 9)), None);
        assert_eq!(swapping((5, 5), (9, 5)), None);
        assert!(swapping((5, 5), (6, 6)).is_some());
    }
}
