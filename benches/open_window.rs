//! What an open window costs on a display: `cargo bench --bench open_window`, or with one part, `-- ROUNDS first_frame`, `idle`,
//! `live` or `batch`.
//!
//! The built program on a virtual display (Xvfb, moved by xdotool), drawn by the processor, in turns with a bare window of the
//! same toolkit, with three bare plots, and with the same batch on the command line: quote the ratios.

#![expect(clippy::print_stdout, reason = "a bench's figures are its output")]

mod measuring;
#[path = "../tests/support/real_display.rs"]
#[expect(dead_code, reason = "tests use the other parts")]
mod real_display;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use eframe::egui;
use egui_plot::{Line, Plot, PlotPoints};
use fanlane_os::process_tree;
use real_display::{Guarded, RealDisplay, Window, wait_for};
use tempfile::TempDir;

use measuring::median;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fanlane");
/// Time after which a new window has settled.
const SETTLE: Duration = Duration::from_secs(4);
/// Time for which CPU time is counted.
const COUNTED: Duration = Duration::from_secs(10);
const TICKS_PER_SECOND: f64 = 100.0;
/// Interval of the frames of three bare plots.
const PLOT_INTERVAL: Duration = Duration::from_millis(100);
const POINTS: u32 = 600;
const MEBIBYTE: f64 = (1 << 20) as f64;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("bare") => return open(false),
        Some("plots") => return open(true),
        _ => {}
    }
    let Some(display) = RealDisplay::start() else { return };
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5);
    type Part = (&'static str, fn(&RealDisplay, usize));
    let parts: [Part; 4] = [("first_frame", first_frame), ("idle", idle), ("live", live), ("batch", batch)];
    let chosen = parts.iter().find(|(name, _)| words.iter().any(|word| word == name));
    for (_, measure) in chosen.map_or(&parts[..], std::slice::from_ref) {
        measure(&display, rounds);
    }
}

/// A window of the same size and renderer with a word, or with three plots that are drawn ten times a second.
fn open(plots: bool) {
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size([1280.0, 800.0]),
        renderer: eframe::Renderer::Glow,
        dithering: false,
        ..Default::default()
    };
    let opened = eframe::run_native("bare", native, Box::new(move |_| Ok(Box::new(Bare { plots, frames: 0 }))));
    opened.expect("the display takes a window");
}

struct Bare {
    plots: bool,
    frames: u32,
}

impl eframe::App for Bare {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        egui::CentralPanel::default().show(ui, |ui| {
            if !self.plots {
                ui.label("A bare window");
                return;
            }
            self.frames += 1;
            let height = ui.available_height() / 3.0 - 8.0;
            for name in ["one", "two", "three"] {
                Plot::new(name).height(height).show(ui, |plot| {
                    let from = f64::from(self.frames);
                    let points = (0..POINTS).map(|x| [from + f64::from(x), ((from + f64::from(x)) / 40.0).sin()]);
                    plot.line(Line::new(name, PlotPoints::from_iter(points)));
                });
            }
            ui.ctx().request_repaint_after(PLOT_INTERVAL);
        });
    }
}

fn bare(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the system knows where this program lies"));
    command.arg(role);
    command
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder);
    command
}

/// From the start of the process to the first pixel of its window.
fn first_frame(display: &RealDisplay, rounds: usize) {
    let (mut plain, mut own) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        plain.push(until_drawn(display, &mut |_| bare("bare")));
        own.push(until_drawn(display, &mut program));
    }
    let beyond = own.iter().zip(&plain).map(|(own, plain)| own - plain).collect();
    println!("\nfrom the start to the first frame, medians of {rounds} rounds in turns");
    println!("a bare window         {:>7.0} ms", median(plain));
    println!("Fanlane               {:>7.0} ms, {:.0} ms beyond it", median(own), median(beyond));
}

fn until_drawn(display: &RealDisplay, command: &mut dyn FnMut(&Path) -> Command) -> f64 {
    let home = TempDir::new().expect("a folder");
    display.until_dark();
    let begin = Instant::now();
    let _window = display.open(&mut command(home.path()), home.path());
    display.until_drawn();
    begin.elapsed().as_secs_f64() * 1e3
}

/// CPU time and memory of a window in which nothing happens.
fn idle(display: &RealDisplay, _rounds: usize) {
    let homes = [TempDir::new(), TempDir::new()].map(|home| home.expect("a folder"));
    println!("\nnothing happens for {} s", COUNTED.as_secs());
    for (name, home, mut command) in
        [("a bare window", &homes[0], bare("bare")), ("Fanlane", &homes[1], program(homes[1].path()))]
    {
        let mut window = display.open(&mut command, home.path());
        display.window_of(&mut window);
        std::thread::sleep(SETTLE);
        let share = cpu_share(&window);
        let resident = process_tree::resident_bytes(window.id()).expect("it is there") as f64 / MEBIBYTE;
        println!("{name:<21} {:>7.2} % of a core, {resident:.0} MiB resident", share * 100.0);
    }
}

/// CPU time of the window during a run, beside three plots that are drawn ten times a second.
fn live(display: &RealDisplay, _rounds: usize) {
    println!("\ndrawing for {} s at 1280×800", COUNTED.as_secs());
    let home = TempDir::new().expect("a folder");
    let plots = {
        let mut window = display.open(&mut bare("plots"), home.path());
        display.window_of(&mut window);
        std::thread::sleep(SETTLE);
        cpu_share(&window)
    };
    println!("three bare plots, 10 frames a second {:>7.2} % of a core", plots * 100.0);
    let mut command = program(home.path());
    write_job(home.path(), "sleep 0.1", 2000);
    let mut program = display.open(command.arg("job.ron"), home.path());
    let window = display.window_of(&mut program);
    until_title_has(&window, "batch");
    window.press("ctrl+Return");
    std::thread::sleep(SETTLE);
    let share = cpu_share(&program);
    println!("the page Live during a run           {:>7.2} % of a core, {:.2} times", share * 100.0, share / plots);
}

fn cpu_share(window: &Guarded) -> f64 {
    let ticks = || process_tree::cpu_ticks(window.id()).expect("it runs") as f64;
    let (begin, before) = (Instant::now(), ticks());
    std::thread::sleep(COUNTED);
    (ticks() - before) / TICKS_PER_SECOND / begin.elapsed().as_secs_f64()
}

/// The same batch in the window and on the command line: wall time as the history has it.
fn batch(display: &RealDisplay, rounds: usize) {
    for tasks in [8_000, 30_000] {
        let (mut headless, mut shown) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let home = TempDir::new().expect("a folder");
            write_job(home.path(), "/bin/true x", tasks);
            headless.push({
                let mut run = display.open(program(home.path()).args(["run", "job.ron"]), home.path());
                let ended = run.0.wait().expect("it is a child");
                assert!(ended.success(), "{ended}");
                last_wall(display, home.path())
            });
            let mut open = display.open(program(home.path()).arg("job.ron"), home.path());
            let window = display.window_of(&mut open);
            until_title_has(&window, "batch");
            std::thread::sleep(SETTLE);
            window.press("ctrl+Return");
            // Each question about the window starts a program, which would take its time from the batch.
            std::thread::sleep(Duration::from_secs_f64(1.5 * headless.last().copied().unwrap_or_default()));
            until_title_has(&window, "finished");
            shown.push(last_wall(display, home.path()));
        }
        let ratios = shown.iter().zip(&headless).map(|(shown, headless)| shown / headless).collect();
        println!("\n{tasks} × /bin/true, medians of {rounds} rounds in turns");
        println!("on the command line   {:>7.2} s", median(headless));
        println!("in the open window    {:>7.2} s, {:.3} times", median(shown), median(ratios));
    }
}

fn until_title_has(window: &Window<'_>, word: &str) {
    wait_for(word, || {
        let title = window.title();
        if title.contains(word) { Ok(()) } else { Err(title) }
    });
}

fn write_job(folder: &Path, command: &str, tasks: u64) {
    let job = format!(
        r#"Job(version: 1, name: "batch", task: Command("{command} {{}}"), inputs: [Range(1, {tasks})], workers: 2)"#
    );
    std::fs::write(folder.join("job.ron"), job).expect("the folder takes a file");
}

/// Wall time of the newest run in the history, in seconds.
fn last_wall(display: &RealDisplay, home: &Path) -> f64 {
    wait_for("the run in the history", || {
        let listed = display.output(program(home).args(["history", "--json", "-n", "1"]), home);
        let wall =
            serde_json::from_str::<serde_json::Value>(listed.trim()).ok().and_then(|run| run["wall_secs"].as_f64());
        wall.ok_or(listed)
    })
}
