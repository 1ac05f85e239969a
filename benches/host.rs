//! What it costs that the window's runs have a process of their own: the same session with and without one, in turns, both
//! recorded in a history. Quote the ratios.
//!
//! `cargo bench --bench host` prints all; `-- ROUNDS` sets how many rounds the medians are taken from.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanlane::session::{Command, JobDraft, Page, Session, SessionOptions};
use fanlane_core::engine::{self, LocalEngine};
use fanlane_core::host::{self, DetachedRuns};
use fanlane_core::job::Job;
use fanlane_mp as mp;

/// How often the session is asked, as a window asks it before each frame.
const FRAME: Duration = Duration::from_millis(1);

fn main() {
    mp::init([engine::worker_role(), host::host_role()]);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5);
    let jobs = [
        ("1 command", 1_u64, r#"task: Command("/bin/true {}"), inputs: [Range(1, 1)]"#),
        ("10,000 commands", 10_000, r#"task: Command("/bin/true {}"), inputs: [Range(1, 10000)]"#),
        ("1,000,000 calls", 1_000_000, r#"task: Workload(name: "cube"), inputs: [Range(1, 1000000)]"#),
    ];
    for (name, tasks, job) in jobs {
        let job = Job::parse(&format!("Job(version: 1, workers: 2, {job})")).expect("the job is well formed");
        let mut turns = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (is_hosted, turns) in turns.iter_mut().enumerate() {
                turns.push(turn(&job, tasks, is_hosted == 1, Page::JOB));
            }
        }
        say(&format!("{name}:"));
        for (words, turns) in ["in the window's process", "in a process of its own"].into_iter().zip(&turns) {
            let of = |what: fn(&Turn) -> f64| median(turns.iter().map(what).collect());
            say(&format!(
                "  {words:<24} begun after {:>7.1} ms, ended after {:>9.1} ms; peak of the host {:>6.1} MiB",
                of(|turn| turn.begun.as_secs_f64() * 1e3),
                of(|turn| turn.ended.as_secs_f64() * 1e3),
                of(|turn| turn.host_peak_kib as f64 / 1024.0),
            ));
        }
        let ratios = turns[0].iter().zip(&turns[1]);
        let ratio =
            median(ratios.map(|(first, second)| second.ended.as_secs_f64() / first.ended.as_secs_f64()).collect());
        say(&format!("  with a process of its own it takes {ratio:.3} times as long"));
    }
    latest_lines(rounds);
}

/// What the latest lines cost that the page Live asks for, in turns with a page that asks for nothing.
fn latest_lines(rounds: usize) {
    let jobs = [
        ("10,000 commands", 10_000_u64, "/bin/true {}"),
        ("200 commands that print 1,000 lines each", 200, "seq 1000; : {}"),
    ];
    for (name, tasks, command) in jobs {
        let job = format!("Job(version: 1, workers: 2, task: Command({command:?}), inputs: [Range(1, {tasks})])");
        let job = Job::parse(&job).expect("the job is well formed");
        let mut secs = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (secs, page) in secs.iter_mut().zip([Page::JOB, Page::LIVE]) {
                secs.push(turn(&job, tasks, true, page).ended.as_secs_f64());
            }
        }
        let ratio = median(secs[0].iter().zip(&secs[1]).map(|(none, lines)| lines / none).collect());
        let [none, lines] = secs.map(|secs| median(secs) * 1e3);
        say(&format!(
            "{name}: {none:.1} ms where no output is shown, {lines:.1} ms with latest lines: {ratio:.3} times"
        ));
    }
}

/// One run, as the window waits for it.
struct Turn {
    begun: Duration,
    ended: Duration,
    host_peak_kib: u64,
}

fn turn(job: &Job, tasks: u64, is_hosted: bool, page: Page) -> Turn {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new("/proc/self/exe");
    let hosts = DetachedRuns::in_folder(program.to_owned(), folder.path().join("runtime"));
    let options = SessionOptions {
        history: Some(folder.path().join("history")),
        detached: is_hosted.then(|| hosts.clone()),
        folder: folder.path().to_owned(),
        ..SessionOptions::in_memory(Arc::new(LocalEngine::new(program)))
    };
    let mut session = Session::new(options, Arc::new(|| {}));
    session.edit(|draft| *draft = JobDraft::from_job(job));
    until(&mut session, |session| session.run_obstacle().is_none());
    let start = Instant::now();
    session.handle(Command::Run);
    session.handle(Command::Show(page));
    until(&mut session, |session| session.run.current().is_some_and(|run| run.model().header.is_some()));
    let begun = start.elapsed();
    until(&mut session, |session| session.run.current().is_some_and(|run| run.model().is_finished()));
    let ended = start.elapsed();
    let done = session.run.current().map_or(0, |run| run.model().progress.counts.done);
    assert_eq!(done, tasks, "every task is done");
    let peak = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:").map(str::to_owned));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    };
    let host_peak_kib = if is_hosted { host_below().map_or(0, peak) } else { 0 };
    until(&mut session, |session| !session.is_running());
    session.shutdown();
    Turn { begun, ended, host_peak_kib }
}

/// The host that this process has started.
fn host_below() -> Option<u32> {
    fanlane_os::process_tree::children(std::process::id()).into_iter().find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.ends_with(b"--fanlane-worker\0host\0")
    })
}

fn until(session: &mut Session, is_so: impl Fn(&Session) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        session.poll();
        if is_so(session) {
            return;
        }
        assert!(Instant::now() < deadline, "{:?}", session.notices.all());
        std::thread::sleep(FRAME);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}
