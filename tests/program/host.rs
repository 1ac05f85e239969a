//! Detached runs, watched over real sockets: watchers connect, leave, stall, are killed or belong to another user, and
//! the run is not affected.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fanlane_core::engine::{EngineChoice, RunCommand};
use fanlane_core::event::{
    DispatchEvent, Event, EventKind, RunEvent, SampleEvent, SharedEvent, TaskEvent, TaskId, WorkerEvent,
};
use fanlane_core::host::{DetachedError, DetachedInfo, DetachedOrder, DetachedRun, DetachedRuns, DetachedUpdate};
use fanlane_core::job::{Batch, Input, Job, TaskTemplate};
use fanlane_core::model::Earlier;
use fanlane_core::store::history::{History, RunState};
use fanlane_os::process_tree;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::processes::{is_gone, wait_until};
use super::start::DEADLINE;

/// A folder for tasks, sockets and a history; when it is dropped, nothing may be left of its runs.
struct Scene {
    home: TempDir,
    hosts: DetachedRuns,
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let hosts = DetachedRuns::in_folder(env!("CARGO_BIN_EXE_fanlane").into(), home.path().join("runtime"));
        Self { home, hosts }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn order(&self, command: &str, tasks: i64) -> DetachedOrder {
        let job = Job {
            task: TaskTemplate::Command(command.to_owned()),
            inputs: vec![Input::Range(1, tasks)],
            ..Job::default()
        };
        let batch = Batch::open(&job, self.home.path(), &mut std::io::empty()).unwrap();
        DetachedOrder {
            batch: Arc::new(batch),
            folder: self.home.path().to_owned(),
            engine: EngineChoice::Local,
            mode: job.mode,
            workers: 2,
            history: Some(self.file("history")),
            continues: None,
            earlier: Earlier::default(),
            breakpoints: Vec::new(),
            window: false,
            stops_with_starter: false,
        }
    }

    /// Starts a run whose first task has begun; also its host and all processes below that.
    fn begun(&self, order: &DetachedOrder) -> (DetachedRun, u32, Vec<u32>) {
        let starter = self.hosts.start(order).unwrap();
        wait_until("the first task", || self.file("begun-1").exists());
        let pid = starter.info.pid;
        (starter, pid, process_tree::descendants(pid))
    }

    /// Its only run, as a later watcher finds it.
    fn found(&self) -> (DetachedInfo, PathBuf) {
        let until = Instant::now() + DEADLINE;
        loop {
            if let [found] = &*self.hosts.list() {
                return found.clone();
            }
            assert!(Instant::now() < until, "waited in vain for the host");
        }
    }

    fn watch(&self) -> DetachedRun {
        self.hosts.watch(self.found().1).unwrap()
    }

    fn state_of(&self, run: i64) -> RunState {
        History::existing(&self.file("history")).unwrap().unwrap().run(run).unwrap().state
    }

    /// Checks that nothing of the host is left: no process, no socket, no folder.
    fn ends_cleanly(&self, pid: u32, below: &[u32]) {
        for pid in below.iter().chain([&pid]) {
            wait_until("the end of the host and all below it", || is_gone(*pid));
        }
        wait_until("the end of its folder", || fs::read_dir(self.file("runtime")).unwrap().next().is_none());
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for (info, _) in self.hosts.list() {
            // Only where a test has failed.
            let _ = kill_process(Pid::from_raw(info.pid.try_into().unwrap()).unwrap(), Signal::KILL);
        }
    }
}

fn until(watching: &mut DetachedRun, what: impl Fn(&EventKind) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(update) = watching.next_update().unwrap() {
        let DetachedUpdate::Event(event) = update else { continue };
        let is_it = what(&event.kind);
        events.push(event);
        if is_it {
            return events;
        }
    }
    panic!("the run ended before that: {events:?}");
}

/// Receives all updates to the last; returns how often each task has ended.
fn ends(watching: &mut DetachedRun) -> BTreeMap<TaskId, usize> {
    let mut ends = BTreeMap::new();
    while let Some(update) = watching.next_update().unwrap() {
        if let DetachedUpdate::Event(Event { kind: EventKind::Task(TaskEvent::Finished(records)), .. }) = update {
            records.iter().for_each(|record| *ends.entry(record.task).or_default() += 1);
        }
    }
    ends
}

fn once_each(tasks: u64) -> BTreeMap<TaskId, usize> {
    (0..tasks).map(|task| (TaskId(task), 1)).collect()
}

const GATED: &str = "touch begun-{}; until [ -e gate ]; do sleep 0.01; done";

#[test]
fn a_run_goes_on_without_its_starter_and_the_next_watcher_sees_each_record_once() {
    let scene = Scene::new();
    let (mut starter, pid, below) = scene.begun(&scene.order(GATED, 20));
    until(&mut starter, |kind| matches!(kind, EventKind::Worker(WorkerEvent::Started { .. })));
    drop(starter);
    let mut next = scene.watch();
    assert_eq!(next.batch().unwrap().len(), 20);
    fs::write(scene.file("gate"), "").unwrap();
    assert_eq!(ends(&mut next), once_each(20));
    assert_eq!(next.info.run, Some(1));
    drop(next);
    scene.ends_cleanly(pid, &below);
    assert_eq!(scene.state_of(1), RunState::Finished);
}

#[test]
fn a_run_stops_with_its_starter_where_that_was_asked_for() {
    for is_told_later in [false, true] {
        let scene = Scene::new();
        let order = DetachedOrder { stops_with_starter: !is_told_later, ..scene.order(GATED, 20) };
        let (starter, pid, below) = scene.begun(&order);
        if is_told_later {
            starter.handle().stop_on_disconnect(true);
            // Messages of one connection stay in order, so this one is received after it.
            let mut starter = starter;
            starter.handle().command(RunCommand::Pause);
            until(&mut starter, |kind| matches!(kind, EventKind::Dispatch(DispatchEvent::Paused)));
            drop(starter);
        } else {
            drop(starter);
        }
        scene.ends_cleanly(pid, &below);
        assert_eq!(scene.state_of(1), RunState::Stopped);
    }
}

#[test]
fn a_run_that_is_not_recorded_stops_with_its_starter() {
    let scene = Scene::new();
    let (starter, pid, below) = scene.begun(&DetachedOrder { history: None, ..scene.order(GATED, 3) });
    assert!(!starter.info.recorded);
    drop(starter);
    scene.ends_cleanly(pid, &below);
}

#[test]
fn two_watchers_see_the_same_and_both_command() {
    let scene = Scene::new();
    let mut one = scene.hosts.start(&scene.order(GATED, 6)).unwrap();
    let mut other = scene.watch();
    wait_until("the first task", || scene.file("begun-1").exists());
    one.handle().command(RunCommand::Pause);
    let is_sample = |event: &Event| {
        matches!(
            event.kind,
            EventKind::Sample(SampleEvent::Machine(_) | SampleEvent::Workers(_))
                | EventKind::Shared(SharedEvent::Sampled(_))
        )
    };
    for watching in [&mut one, &mut other] {
        let events = until(watching, |kind| matches!(kind, EventKind::Dispatch(DispatchEvent::Paused)));
        assert!(matches!(events[0].kind, EventKind::Run(RunEvent::Started(_))));
    }
    other.handle().command(RunCommand::Resume);
    other.handle().command(RunCommand::SetWorkers(1));
    fs::write(scene.file("gate"), "").unwrap();
    let seen = [&mut one, &mut other].map(|watching| {
        let events = until(watching, |kind| matches!(kind, EventKind::Run(RunEvent::Finished(_))));
        events.into_iter().filter(|event| !is_sample(event)).collect::<Vec<_>>()
    });
    assert!(
        seen[0]
            .iter()
            .any(|event| matches!(event.kind, EventKind::Dispatch(DispatchEvent::PoolResized { workers: 1 })))
    );
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_watcher_that_does_not_read_delays_nothing_and_costs_no_memory() {
    const TASKS: u64 = 120;
    let scene = Scene::new();
    let mut stalled =
        scene.hosts.start(&scene.order(": {}; head -c 1000000 /dev/zero | tr '\\0' x", TASKS as i64)).unwrap();
    let mut other = scene.watch();
    let pid = other.info.pid;
    let all_done = |kind: &EventKind| match kind {
        EventKind::Run(RunEvent::Finished(summary)) => summary.counts.done == TASKS,
        _ => false,
    };
    until(&mut other, all_done);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap_or_else(|| panic!("the host has ended: {status}; {:?}", stalled.next_update()));
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 100 << 10, "the host took {peak_kib} KiB while 120 MB were waiting");
    drop(other);
    // It has missed nothing.
    assert_eq!(ends(&mut stalled), once_each(TASKS));
    drop(stalled);
    scene.ends_cleanly(pid, &[]);
}

#[test]
fn a_host_that_is_killed_takes_all_below_it_along_and_leaves_what_the_next_look_removes() {
    let scene = Scene::new();
    let mut starter =
        scene.hosts.start(&scene.order("trap '' TERM; setsid sleep 1000 & touch begun-{}; wait", 4)).unwrap();
    wait_until("two tasks", || scene.file("begun-1").exists() && scene.file("begun-2").exists());
    let pid = starter.info.pid;
    let below = process_tree::descendants(pid);
    assert!(below.len() >= 4, "workers, commands and what these started: {below:?}");
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    let lost = loop {
        match starter.next_update() {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert!(matches!(lost, Err(DetachedError::Lost(_))), "{lost:?}");
    for pid in &below {
        wait_until("the end of all below the host", || is_gone(*pid));
    }
    wait_until("the look that removes what is left", || {
        scene.hosts.list().is_empty() && fs::read_dir(scene.file("runtime")).unwrap().next().is_none()
    });
}

#[test]
fn nothing_that_a_stranger_says_harms_the_run_or_other_watchers() {
    let scene = Scene::new();
    let mut starter = scene.hosts.start(&scene.order(GATED, 2)).unwrap();
    let (info, folder) = scene.found();
    let connect = || UnixStream::connect(folder.join("socket")).unwrap();
    let mut greeting = [0_u8; 16];
    connect().read_exact(&mut greeting).unwrap();
    assert_eq!(greeting[..12], *b"fanlane-host");
    let garbage = [0xff_u8; 64];
    let too_large = [&greeting[..], &u32::MAX.to_le_bytes(), &[0; 64]].concat();
    let other_build = [&b"fanlane-host"[..], &99_u32.to_le_bytes(), &[1, 0, 0, 0, 0]].concat();
    let cut_off = [&greeting[..], &[9, 0, 0, 0, 1]].concat();
    // Clients that send nothing or only a part, and many of them.
    let mut silent: Vec<UnixStream> = (0..40).map(|_| connect()).collect();
    for bytes in [&garbage[..], &too_large, &other_build, &cut_off, &b"GET / HTTP/1.1\r\n\r\n"[..]] {
        let mut client = connect();
        let _ = client.write_all(bytes);
        silent.push(client);
    }
    for mut client in silent {
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut heard = Vec::new();
        // A connection that is closed with unread data is reset.
        let _ = client.read_to_end(&mut heard);
        assert!(heard.is_empty() || heard == greeting, "only the handshake is sent: {heard:?}");
    }
    wait_until("room for another watcher", || scene.hosts.watch(folder.clone()).is_ok());
    let mode = |name: &str| fs::symlink_metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("socket"), mode("log"), mode("")), (0o600, 0o600, 0o700));
    fs::write(scene.file("gate"), "").unwrap();
    assert_eq!(ends(&mut starter), once_each(2));
    drop(starter);
    scene.ends_cleanly(info.pid, &[]);
}

#[test]
fn another_user_is_not_let_in_even_where_the_folder_is_open_to_all() {
    if !rustix::process::geteuid().is_root() {
        // Only root can act as two users; CI runs as root.
        let _ = writeln!(std::io::stderr(), "SKIPPED: only root can try this");
        return;
    }
    let scene = Scene::new();
    let starter = scene.hosts.start(&scene.order(GATED, 2)).unwrap();
    let (_, folder) = scene.found();
    let open = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for path in [scene.home.path(), &scene.file("runtime"), &folder] {
        open(path, 0o755);
    }
    open(&folder.join("socket"), 0o666);
    let socket = folder.join("socket");
    let heard = std::thread::spawn(move || {
        // For this thread only; the C library would change all threads.
        let other = rustix::process::Uid::from_raw(65534);
        rustix::thread::set_thread_res_uid(other, other, other).unwrap();
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = stream.write_all(b"fanlane-host");
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        heard
    });
    assert_eq!(heard.join().unwrap(), b"", "not even a greeting");
    // A host whose folder others can enter is not trusted either.
    assert!(matches!(scene.hosts.watch(folder.clone()), Err(DetachedError::Folder { .. })));
    for path in [folder.as_path(), &scene.file("runtime"), scene.home.path()] {
        open(path, 0o700);
    }
    starter.handle().command(RunCommand::StopNow);
    drop(starter);
    wait_until("the end", || scene.hosts.list().is_empty());
}

#[test]
fn what_cannot_be_started_is_told_and_leaves_nothing() {
    let scene = Scene::new();
    let order = scene.order("true", 1);
    let missing = DetachedRuns::in_folder("/no/such/program".into(), scene.file("runtime"));
    assert!(matches!(missing.start(&order), Err(DetachedError::System { .. })));
    let other = DetachedRuns::in_folder("/bin/false".into(), scene.file("runtime"));
    assert!(matches!(other.start(&order), Err(DetachedError::Lost(_))));
    wait_until("nothing", || {
        scene.hosts.list();
        fs::read_dir(scene.file("runtime")).unwrap().next().is_none()
    });
}
