//! One external command: started in a process group of its own, both streams read until its end, everything that it
//! leaves behind ended, and reaped last of all, so that its number is not given to another process while it is signalled.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::engine::progress::{PROGRESS_VARIABLE, address};
use crate::engine::protocol::{Caps, CommandKind, TaskFrame};
use crate::event::{Outcome, Output, Spill, StreamName, TaskId, spill_name};
use crate::job::TaskKind;
use crate::job::control::environment_of_lane;
use fanlane_os::launch::{Launched, Launcher};
use fanlane_os::lent_terminal::Lender;
use fanlane_os::limit::Limit;
use fanlane_os::memory_kills::MemoryKills;
use fanlane_os::process_tree;
use fanlane_os::reap::{reap, wait_unreaped};

use super::command_line::LineStarter;
use super::executor::{Execution, Executor, ExecutorKind, TaskWatch};
use super::invocation::Invocation;
use super::lane::LaneShared;
use super::launch_gate::LaunchGate;
use super::staging::{FileLink, Staging, send_printed, take_files};
use super::streams::StreamReader;
use super::{WorkerContext, end_tree, launch_error};

/// The variable by which the threads of one process tell apart whose command an orphaned process belongs to.
pub const TASK_MARKER: &str = "FANLANE_TASK";

pub const KIND: ExecutorKind = ExecutorKind { name: TaskKind::Command.traits().name, has_process: true, open };

/// Runs commands one after the other.
struct CommandExecutor {
    kind: CommandKind,
    starter: LineStarter,
    /// Other threads of this process run commands too.
    marked: bool,
    spill_folder: Option<PathBuf>,
    launcher: Launcher,
    reader: StreamReader,
    memory_kills: MemoryKills,
    /// What lends the terminal to commands.
    lender: Option<Lender>,
    context: Arc<WorkerContext>,
}

fn open(lane: &LaneShared) -> io::Result<Box<dyn Executor>> {
    let setup = &lane.context.setup;
    let max_bytes = setup.caps.output_bytes.unwrap_or(u64::MAX);
    let progress = setup.progress.iter().map(|name| (PROGRESS_VARIABLE.to_owned(), address(name, lane.worker)));
    let own = environment_of_lane(&setup.needs, lane.lane.0).into_iter().chain(progress);
    let lender = setup.terminal_of.and_then(Pid::from_raw).map(Lender::of).transpose()?;
    let mut launcher = Launcher::new(own)?;
    if let Some(lender) = &lender {
        launcher.lend(lender.terminal())?;
    }
    limit(&mut launcher, &setup.caps);
    let kind: CommandKind = setup.task.parameters()?;
    Ok(Box::new(CommandExecutor {
        starter: LineStarter::new(&kind),
        kind,
        marked: setup.shared_process,
        spill_folder: setup.spill_folder.clone(),
        launcher,
        reader: StreamReader::new(setup.output_limit_bytes, max_bytes, Arc::clone(&lane.reminder)),
        memory_kills: MemoryKills::watch(),
        lender,
        context: Arc::clone(&lane.context),
    }))
}

/// Sets the limits of what is started; it may have as many files open as this process was allowed at its start.
pub(super) fn limit(launcher: &mut Launcher, caps: &Caps) {
    if let Some(bytes) = caps.memory_bytes {
        launcher.limit(Limit::Memory, bytes, bytes);
    }
    if let Some(secs) = caps.cpu_secs {
        // A second for what the command does on SIGXCPU.
        launcher.limit(Limit::Cpu, secs, secs.saturating_add(1));
    }
    if let Some(count) = caps.descriptors {
        launcher.limit(Limit::Descriptors, count, u64::MAX);
    }
}

impl Executor for CommandExecutor {
    fn execute(&mut self, task: TaskFrame, watch: &dyn TaskWatch) -> Execution {
        let Some(modes) = self.lender.as_ref().map(Lender::modes) else { return self.run(task, watch) };
        let execution = self.run(task, watch);
        if let Some(lender) = self.lender.as_ref().filter(|_| !self.context.clock.is_stopped()) {
            lender.give_back(modes.as_ref());
            if execution.outcome == (Outcome::Signalled { signal: libc::SIGINT }) {
                lender.tell_owner(Signal::INT);
                watch.interrupted();
            }
        }
        execution
    }

    fn refuse(&self, reason: &str) -> Outcome {
        Outcome::CannotStart(reason.into())
    }
}

impl CommandExecutor {
    fn run(&mut self, task: TaskFrame, watch: &dyn TaskWatch) -> Execution {
        let TaskFrame { task, attempt, mut payload } = task;
        let cannot_start = |reason: String| {
            let outcome = watch.ending().unwrap_or_else(|| Outcome::CannotStart(reason.into()));
            Execution { cpu_ns: Some(0), ..Execution::of(outcome) }
        };
        let files = match self.kind.has_files.then(|| take_files(&mut payload)).transpose() {
            Ok(files) => files,
            Err(reason) => return cannot_start(reason),
        };
        let home = Arc::clone(&self.context);
        let link = files.zip(watch.files());
        let staging = link.map(|(files, link)| Staging::new(link, task, files, &home.setup.working_dir));
        if let Some(staging) = &staging
            && let Err(reason) = staging.bring()
        {
            staging.clean_up();
            return cannot_start(reason);
        }
        let execution = self.run_staged((task, attempt, payload), watch);
        match &staging {
            Some(staging) => Execution { outcome: staging.end(execution.outcome), ..execution },
            None => execution,
        }
    }

    /// Runs a command whose files are there.
    fn run_staged(&mut self, (task, attempt, payload): (TaskId, u32, Vec<u8>), watch: &dyn TaskWatch) -> Execution {
        let marker = self.marked.then(|| format!("{}.{}.{attempt}", std::process::id(), task.number()));
        let marker = marker.as_deref();
        let spill = StreamName::BOTH
            .map(|stream| self.spill_folder.as_ref().map(|folder| folder.join(spill_name(task, attempt, stream))));
        let printed = spill.clone();
        let started = Invocation::read(&self.kind, &self.starter, payload).and_then(|invocation| {
            start(&mut self.launcher, &self.context.launches, &invocation, marker, watch)
                .map_err(|error| launch_error::describe(&invocation.words, &error))
        });
        let launched = match started {
            Ok(launched) => launched,
            Err(reason) => {
                let outcome = watch.ending().unwrap_or_else(|| Outcome::CannotStart(reason.into()));
                return Execution { cpu_ns: Some(0), ..Execution::of(outcome) };
            }
        };
        let pid = launched.pid;
        watch.begun(pid);
        let streams = self.reader.read_to_end(launched, spill, watch);
        // Dead, but not reaped: the number is still its own.
        if !streams.is_dead {
            wait_unreaped(pid);
        }
        let ended_by_us = watch.ending();
        let _ = kill_process_group(pid, Signal::KILL);
        let reaped = reap(pid);
        let left_running = end_orphans(marker);
        let mut output = streams.output();
        if let (Some(output), Some(link)) = (&mut output, watch.files()) {
            keep_printed(link, (task, attempt), output, &printed);
        }
        if ended_by_us.is_some() {
            // Its processes were ended with it, which is no news.
            output.iter_mut().for_each(|output| output.leaky = false);
        } else if left_running {
            output.get_or_insert_default().leaky = true;
        }
        let outcome = ended_by_us.unwrap_or_else(|| match outcome_of(reaped.status) {
            Outcome::Done => {
                let spill_folder = self.spill_folder.as_deref();
                output.as_deref().and_then(|output| loss_of(spill_folder, output)).unwrap_or(Outcome::Done)
            }
            failed => failed,
        });
        let is_killed = outcome == Outcome::Signalled { signal: libc::SIGKILL };
        let memory_kill = is_killed && self.memory_kills.any_new();
        Execution {
            output,
            cpu_ns: Some(reaped.cpu_ns()),
            max_rss_bytes: reaped.peak_memory_bytes,
            memory_kill,
            ..Execution::of(outcome)
        }
    }
}

/// What became of a task whose output was wanted whole and could not be kept.
pub(super) fn loss_of(spill_folder: Option<&Path>, output: &Output) -> Option<Outcome> {
    let folder = spill_folder.and_then(Path::parent)?.display();
    StreamName::BOTH.into_iter().find_map(|name| {
        let stream = output.stream(name);
        let Spill::Failed(reason) = &stream.spill else { return None };
        let (bytes, name) = (stream.dropped_bytes, name.name());
        Some(Outcome::OutputLost(format!("{bytes} bytes of its {name} could not be kept in {folder}: {reason}").into()))
    })
}

/// Has the engine keep the whole of long streams, which are in files of this host.
fn keep_printed(
    link: &dyn FileLink,
    (task, attempt): (TaskId, u32),
    output: &mut Output,
    files: &[Option<PathBuf>; 2],
) {
    for (stream, file) in StreamName::BOTH.into_iter().zip(files) {
        let captured = match stream {
            StreamName::Stdout => &mut output.stdout,
            StreamName::Stderr => &mut output.stderr,
        };
        if let (Spill::Kept, Some(file)) = (&captured.spill, file)
            && let Err(reason) = send_printed(link, (task, attempt, stream), file)
        {
            captured.spill = Spill::Failed(reason.into());
        }
    }
}

/// Starts the command; while the system is short of descriptors or processes, waits for some to come back.
pub(super) fn start(
    launcher: &mut Launcher,
    gate: &LaunchGate,
    invocation: &Invocation,
    marker: Option<&str>,
    watch: &dyn TaskWatch,
) -> io::Result<Launched> {
    const MAX_WAIT: Duration = Duration::from_millis(500);
    const MIN_WAIT: Duration = Duration::from_millis(10);
    const TRIES: u32 = 9;
    let mut variables: Vec<(&OsStr, &OsStr)> =
        invocation.variables.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    variables.extend(marker.map(|marker| (TASK_MARKER.as_ref(), marker.as_ref())));
    // Standard input is inherited where there is none: ours is the null device.
    let stdin = invocation.stdin.as_ref().map(AsFd::as_fd);
    let mut launch = || match launcher.launch(&invocation.words, variables.iter().copied(), stdin) {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => match invocation.through_shell() {
            Some(words) => launcher.launch(&words, variables.iter().copied(), stdin),
            None => Err(error),
        },
        other => other,
    };
    let mut wait = MIN_WAIT;
    let mut tries = 0;
    loop {
        tries += 1;
        let launched = {
            let _within = gate.enter();
            launch()
        };
        match launched {
            // Not the task's fault: it waits until the system has some again.
            Err(error) if launch_error::is_exhausted(&error) && watch.exhausted(&error.to_string()) => {}
            Err(error) if launch_error::is_passing(&error) && tries < TRIES => {}
            other => return other,
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(MAX_WAIT);
    }
}

/// Ends what the command left behind outside its process group; as a subreaper this process was given all of it. Says
/// whether anything, in the group or outside, had to be ended.
pub(super) fn end_orphans(marker: Option<&str>) -> bool {
    let any = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if waitid(WaitId::All, any).is_err_and(|error| error == rustix::io::Errno::CHILD) {
        return false;
    }
    let me = std::process::id();
    let mut ended_any = false;
    loop {
        let mut orphans = process_tree::adopted_children();
        if let Some(marker) = marker {
            let of_task = process_tree::marked(TASK_MARKER, marker);
            orphans.retain(|pid| of_task.contains(pid) || process_tree::has_ended(*pid));
        }
        if orphans.is_empty() {
            return ended_any;
        }
        for pid in orphans {
            // A process of another user cannot be ended. One that is gone was reaped by another lane.
            if !end_tree(pid, me) && !process_tree::has_ended(pid) && process_tree::parent_of(pid).is_some() {
                return ended_any;
            }
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let end = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).ok().flatten();
                ended_any |= end.is_some_and(|end| end.terminating_signal() == Some(libc::SIGKILL));
            }
        }
    }
}

pub(super) fn outcome_of(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Done,
        (Some(code), _) => Outcome::Exited { code },
        (None, signal) => Outcome::Signalled { signal: signal.unwrap_or_default() },
    }
}
