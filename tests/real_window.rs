//! The built program on a real display: its window opens, a click starts a batch, and what it shows is what was run.
//!
//! What was run is read from a record that the tasks themselves write; what is shown, from the window's title.
#![cfg(feature = "gui")]

#[path = "support/real_display.rs"]
#[expect(dead_code, reason = "a bench uses the other parts")]
mod real_display;
#[path = "support/screen_reader.rs"]
mod screen_reader;

use std::path::{Path, PathBuf};
use std::process::Command;

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use fanlane::session::{Machine, SessionOptions};
use fanlane::ui::FanlaneApp;
use fanlane_core::engine::LocalEngine;
use real_display::{Guarded, RealDisplay, Window, wait_for};
use screen_reader::{Part, ScreenReader};
use tempfile::TempDir;

#[test]
fn a_batch_started_by_a_click_is_shown_as_it_was_run() {
    let Some(display) = RealDisplay::start() else { return };
    let scene = Scene::new("case {} in 7|19) exit 3;; esac; echo {} >> record");
    let mut program = scene.open(&display);
    let window = display.window_of(&mut program);
    wait_for("the job's name in the title", || expect(&window, "Twenty-four – Fanlane"));

    let run = scene.place_of("Run", window.size());
    window.click(run.x, run.y);
    let shown = wait_for("the end of the run in the title", || {
        let title = window.title();
        if title.contains("finished") { Ok(title) } else { Err(title) }
    });

    let written = scene.record();
    let expected: Vec<usize> = (1..=24).filter(|number| ![7, 19].contains(number)).collect();
    assert_eq!(written, expected, "each task ran once, and two of them failed");
    let (done, failed) = (written.len(), 24 - written.len());
    assert_eq!(shown, format!("{done} of 24 done, {failed} failed, finished – Twenty-four – Fanlane"));

    drop(program);
    wait_for("the end of every process of the program", || scene.nothing_runs());
}

#[test]
fn keys_start_pause_and_resume_a_batch() {
    let Some(display) = RealDisplay::start() else { return };
    let scene = Scene::new("touch begun-{}; until [ -e gate ]; do sleep 0.02; done; echo {} >> record");
    let mut program = scene.open(&display);
    let window = display.window_of(&mut program);
    wait_for("the job's name in the title", || expect(&window, "Twenty-four – Fanlane"));

    window.press("ctrl+Return");
    let has_begun = |task: u32| scene.folder().join(format!("begun-{task}")).exists();
    wait_for("two tasks", || if has_begun(1) && has_begun(2) { Ok(()) } else { Err(window.title()) });
    window.press("space");
    wait_for("the pause", || expect(&window, "0 of 24 done, paused – Twenty-four – Fanlane"));
    assert!(scene.record().is_empty(), "no task has ended");

    // What had begun goes on to its end; nothing else begins.
    std::fs::write(scene.folder().join("gate"), "").expect("the gate opens");
    wait_for("the end of the two tasks that had begun", || {
        expect(&window, "2 of 24 done, paused – Twenty-four – Fanlane")
    });
    assert_eq!(scene.record().len(), 2);

    window.press("space");
    wait_for("the end of the run", || expect(&window, "24 of 24 done, finished – Twenty-four – Fanlane"));
    assert_eq!(scene.record(), (1..=24).collect::<Vec<_>>());

    drop(program);
    wait_for("the end of every process of the program", || scene.nothing_runs());
}

#[test]
fn the_keyboard_alone_goes_from_a_new_job_over_a_failure_to_a_race() {
    let Some(mut display) = RealDisplay::start_managed() else { return };
    let scene = Scene::new("true");
    let Some(reader) = ScreenReader::start(&mut display, scene.folder()) else { return };
    let script = "echo $1 >> begun\nuntil [ -e gate ]; do sleep 0.02; done\n[ $1 != 2 ] || [ -e mended ] || { echo not mended >&2; exit 3; }\n";
    let there = |name: &str| scene.folder().join(name);
    std::fs::write(there("task.sh"), script).expect("written");
    let mut program =
        display.open(Command::new(env!("CARGO_BIN_EXE_fanlane")).current_dir(scene.folder()), scene.folder());
    let window = display.window_of(&mut program);
    let title = |words: &str| {
        wait_for(words, || {
            let shown = window.title();
            if shown.contains(words) { Ok(()) } else { Err(shown) }
        });
    };
    let begun = || std::fs::read_to_string(there("begun")).unwrap_or_default().lines().count();
    title("First look – Fanlane");
    window.press("ctrl+n");
    title("Untitled – Fanlane");
    window.type_text("sh task.sh {}");
    title("sh task.sh {} – Fanlane");
    // From the command to the button that adds ten numbers.
    window.press("Tab");
    window.press("Return");
    window.press("ctrl+Return");
    title("0 of 10 done");
    let workers = Machine::this().logical_cores as usize;
    let at_first = workers.min(10);
    wait_for("the first tasks", || if begun() == at_first { Ok(()) } else { Err(begun().to_string()) });
    window.press("F6");
    window.press("space");
    title("paused");
    // Behind Pause and Stop.
    window.press("Tab");
    window.press("Tab");
    window.press("Right");
    window.press("F6");
    window.press("space");
    let more = (workers + 1).min(10);
    wait_for("one more worker", || if begun() >= more { Ok(()) } else { Err(begun().to_string()) });
    std::fs::write(there("gate"), "").expect("written");
    title("9 of 10 done, 1 failed, finished");
    window.press("ctrl+3");
    window.press("Down");
    reader.find("label", "It succeeded");
    window.press("Down");
    reader.find("label", "It exited with code 3");
    std::fs::write(there("mended"), "").expect("written");
    window.press("ctrl+p");
    window.type_text("rerun failed");
    window.press("Return");
    title("10 of 10 done, finished");
    assert_eq!(begun(), 11, "only the one that had failed ran again");
    window.press("ctrl+s");
    window.type_text("Own job");
    window.press("Return");
    wait_for("the saved job", || {
        let file = there("config/fanlane/presets/own-job.ron");
        if file.exists() { Ok(()) } else { Err(format!("no {}", file.display())) }
    });
    window.press("ctrl+p");
    window.type_text("race the job");
    window.press("Return");
    title("Race of ");
    window.press("Escape");
    // From the answer that changes nothing to the one before it.
    window.press("shift+Tab");
    window.press("Return");
    title("10 of 10 done, finished");
    window.press("ctrl+p");
    window.type_text("save the race");
    window.press("Return");
    window.press("ctrl+q");
    drop(reader);
    wait_for("the end of every process of the program", || scene.nothing_runs());
}

#[test]
fn a_window_that_is_killed_leaves_its_batch_running_and_the_next_window_shows_it() {
    let Some(display) = RealDisplay::start() else { return };
    let scene = Scene::new("touch begun; until [ -e gate ]; do sleep 0.02; done; echo {} >> record");
    let mut program = scene.open(&display);
    let window = display.window_of(&mut program);
    wait_for("the job's name in the title", || expect(&window, "Twenty-four – Fanlane"));
    window.press("ctrl+Return");
    wait_for("the first task", || if scene.folder().join("begun").exists() { Ok(()) } else { Err(window.title()) });
    program.0.kill().expect("it is killed");
    drop(program);

    let mut next = display.open(&mut Command::new(env!("CARGO_BIN_EXE_fanlane")), scene.folder());
    let window = display.window_of(&mut next);
    wait_for("the batch in the next window", || expect(&window, "0 of 24 done – Twenty-four – Fanlane"));
    std::fs::write(scene.folder().join("gate"), "").expect("the gate opens");
    wait_for("the end of the run", || expect(&window, "24 of 24 done, finished – Twenty-four – Fanlane"));
    assert_eq!(scene.record(), (1..=24).collect::<Vec<_>>(), "each task ran once");
    drop(next);
    wait_for("the end of every process of the program", || scene.nothing_runs());
}

#[test]
fn a_screen_reader_reads_every_page_and_does_what_its_parts_offer() {
    let Some(mut display) = RealDisplay::start() else { return };
    let scene = Scene::new("case {} in 7|19) echo no seven >&2; exit 3;; esac");
    let Some(reader) = ScreenReader::start(&mut display, scene.folder()) else { return };
    let mut program = scene.open(&display);
    let window = display.window_of(&mut program);
    wait_for("the job's name in the title", || expect(&window, "Twenty-four – Fanlane"));
    assert_eq!(reader.find("frame", "").name, "Twenty-four – Fanlane", "the window has its title");

    reader.write("Name", "Renamed");
    wait_for("the written name", || expect(&window, "Renamed – Fanlane"));
    reader.set_value("slider", "Workers", 1.0);
    wait_for("the number beside the slider", || {
        let workers = reader.find("spin button", "Number of workers").value;
        if workers == Some(1.0) { Ok(()) } else { Err(format!("{workers:?}")) }
    });
    let job = [("combo box", "Kind of input 1", "Range"), ("table", "Table of what will run", "24 rows, 2 columns")];
    assert_readable(&reader, "Job", &job);

    reader.click("push button", "Run");
    wait_for("the end of the run", || expect(&window, "22 of 24 done, 2 failed, finished – Renamed – Fanlane"));
    let live = [
        ("table row", "Lane 1", "Busy"),
        ("panel", "Timeline of the lanes", "24 attempts"),
        ("image", "Overview of the run", "2 failed tasks"),
        ("image", "Queued and ended tasks over time", "24 ended"),
        ("progress bar", "Progress", "22 done, 2 failed"),
    ];
    assert_readable(&reader, "Live", &live);
    assert_readable(
        &reader,
        "Results",
        &[
            ("table", "Table of tasks", "24 rows, 9 columns"),
            ("push button", "Task 7", "Failed: case 7 in"),
            ("push button", "Task 8", "Done"),
        ],
    );
    reader.click("push button", "Task 7");
    reader.find("label", "no seven");
    assert_readable(&reader, "Shared", &[]);
    assert_readable(&reader, "Race", &[]);
    assert_readable(&reader, "Runs", &[("table", "Table of runs", "1 row,"), ("push button", "Run 1", "Renamed")]);

    drop(program);
    drop(reader);
    wait_for("the end of every process of the program and of the reader", || scene.nothing_runs());
}

/// Shows a page by its tab: everything that the keyboard can reach has a name and does something, every picture is told in words,
/// and each of `told` (role, name, words) is among the parts with these words.
fn assert_readable(reader: &ScreenReader, page: &str, told: &[(&str, &str, &str)]) {
    reader.click("toggle button", &format!("Page {page}"));
    reader.find("panel", &format!("Contents of the page {page}"));
    for (role, name, words) in told {
        wait_for(&format!("{words:?} of the {role} {name:?}"), || {
            let part = reader.find(role, name);
            if part.description.contains(words) { Ok(()) } else { Err(format!("{part:?}")) }
        });
    }
    let faults = |part: &Part| match part.role {
        "unknown" | "invalid" => Some("no role"),
        _ if part.is_focusable && part.name.trim().is_empty() => Some("no name"),
        "label" if part.name.trim().is_empty() => Some("no text"),
        "scroll bar" | "frame" if part.name.is_empty() => Some("no name"),
        "image" | "combo box" | "progress bar" | "table row" if part.description.is_empty() => Some("no words"),
        "slider" | "spin button" if part.value.is_none() => Some("no value"),
        "entry" if part.text.is_none() => Some("no text"),
        "push button" | "toggle button" | "check box" | "combo box" if !part.has_action => Some("no action"),
        _ if part.name == part.description && !part.name.is_empty() => Some("said twice"),
        _ => None,
    };
    let faults: Vec<_> = reader.parts().into_iter().filter_map(|part| Some((faults(&part)?, part))).collect();
    assert!(faults.is_empty(), "page {page}: {faults:#?}");
}

/// A new home folder with a job of 24 tasks for two workers.
struct Scene {
    home: TempDir,
}

impl Scene {
    fn new(command: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary home");
        let job = format!(
            "Job(version: 1, name: \"Twenty-four\", workers: 2, task: Command({command:?}), inputs: [Range(1, 24)])"
        );
        std::fs::write(home.path().join("job.ron"), job).expect("the job file is written");
        Self { home }
    }

    fn folder(&self) -> &Path {
        self.home.path()
    }

    fn job(&self) -> PathBuf {
        self.folder().join("job.ron")
    }

    fn open(&self, display: &RealDisplay) -> Guarded {
        display.open(Command::new(env!("CARGO_BIN_EXE_fanlane")).arg(self.job()), self.folder())
    }

    /// The inputs of the tasks that came to their end, sorted.
    fn record(&self) -> Vec<usize> {
        let text = std::fs::read_to_string(self.folder().join("record")).unwrap_or_default();
        let mut numbers: Vec<usize> = text.lines().map(|line| line.parse().expect("a number a line")).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The middle of what is called `name` in a window of `size` that shows this job: the same code lays it out here.
    fn place_of(&self, name: &str, size: [f32; 2]) -> egui::Pos2 {
        let mut options =
            SessionOptions::in_memory(std::sync::Arc::new(LocalEngine::new(env!("CARGO_BIN_EXE_fanlane"))));
        options.job = Some(self.job());
        options.machine = Machine::this();
        let mut twin =
            Harness::builder().with_size(size).build_eframe(|creation| FanlaneApp::new(&creation.egui_ctx, options));
        twin.run_steps(4);
        twin.get_by_label(name).rect().center()
    }

    /// Whether no process lives in this home any more.
    fn nothing_runs(&self) -> Result<(), String> {
        let home = format!("HOME={}", self.folder().display());
        for process in std::fs::read_dir("/proc").expect("processes can be listed") {
            let folder = process.expect("processes can be listed").path();
            // Other people's processes cannot be read, and others end meanwhile.
            let variables = std::fs::read(folder.join("environ")).unwrap_or_default();
            if variables.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes()) {
                return Err(format!("{} is still there", folder.display()));
            }
        }
        Ok(())
    }
}

fn expect(window: &Window<'_>, title: &str) -> Result<(), String> {
    let shown = window.title();
    if shown == title { Ok(()) } else { Err(format!("it says {shown:?} instead of {title:?}")) }
}
