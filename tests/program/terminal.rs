//! The program under a real pseudo-terminal: what it draws, what keys do, and that the terminal is given back.

use std::io::Write;

use rustix::process::Signal;
use tempfile::TempDir;

use super::background::Scene;
use super::processes::{signal, wait_until};
use super::pty::{ENTER, Terminal, resize};
use super::start::{command, run_in};

/// What a view sends before it draws everything.
const CLEAR: &str = "\x1b[2J";

const GATED: &str = "echo out-{}; until [ -e gate ]; do sleep 0.01; done";

#[test]
fn a_view_of_a_detached_run_draws_resizes_pauses_and_leaves_the_run_and_the_terminal_as_they_were() {
    let scene = Scene::new();
    let home = &scene.0;
    let started = run_in(&["run", "--background", "-j1", GATED, ":::", "alpha", "beta"], home.path());
    assert_eq!(started.code, Some(0), "{started:?}");
    let mut terminal = Terminal::start(command(&["watch", "1"], home.path()), 100, 24);
    terminal.wait_for("the first lane", 0, |text| text.contains("alpha") && text.contains("out-alpha"));
    assert!(terminal.is_raw());

    resize(&terminal.screen, 50, 12);
    terminal.wait_for("another size", 0, |text| text.matches(CLEAR).count() == 2 && text.contains("\x1b[12;1H"));
    terminal.press("p", "paused");
    terminal.press("p", "running");
    terminal.press("+", "beta");
    terminal.press("s", "Stop the run?");
    terminal.press("\x1b", "not stopped");
    terminal.keys.write_all(b"q").unwrap();
    let (status, rest) = terminal.ended();
    assert_eq!(status, Some(130), "{rest}");
    assert!(rest.contains("run 1 is still running"), "{rest}");

    std::fs::write(home.path().join("gate"), "").unwrap();
    wait_until("its end", || run_in(&["show", "1", "--json"], home.path()).out.contains("\"finished\""));
}

#[test]
fn a_run_with_a_view_is_suspended_and_stopped_and_prints_what_its_tasks_printed_at_its_end() {
    let home = TempDir::new().unwrap();
    let mut terminal = Terminal::shell(home.path());
    terminal.type_keys(&format!("$FANLANE run --watch -j2 '{GATED}' ::: alpha beta\n"));
    terminal.wait_for("both lanes", 0, |text| text.contains("out-alpha") && text.contains("out-beta"));

    // Suspended, the terminal is the shell's; then the view has it again.
    terminal.press("\x1a", "Stopped");
    terminal.press("fg\n", ENTER);
    terminal.wait_for("the view again", 0, |text| text.rsplit(ENTER).next().is_some_and(|text| text.contains("alpha")));

    terminal.press("q", "The run ends with this view");
    terminal.press("s", "stopping");
    terminal.wait_for("the summary", 0, |text| text.contains("2 cancelled, pool"));
    terminal.type_keys("exit $?\n");
    let (status, rest) = terminal.ended();
    assert_eq!(status, Some(1), "{rest}");
    assert!(rest.contains("out-alpha") && rest.contains("out-beta") && rest.contains("2 cancelled"), "{rest:?}");
}

#[test]
fn a_view_that_a_signal_ends_gives_the_terminal_back() {
    let home = TempDir::new().unwrap();
    let terminal = Terminal::start(command(&["run", "--watch", "-j1", GATED, ":::", "alpha"], home.path()), 80, 24);
    terminal.wait_for("the lane", 0, |text| text.contains("out-alpha"));
    signal(terminal.child.id(), Signal::TERM);
    terminal.wait_for("the end of the run", 0, |text| text.contains("stopped"));
    signal(terminal.child.id(), Signal::TERM);
    let (status, rest) = terminal.ended();
    assert_eq!(status, Some(130), "{rest}");
}

#[test]
fn without_a_terminal_a_view_is_an_error_that_says_what_to_do_and_runs_nothing() {
    let home = TempDir::new().unwrap();
    let refused = run_in(&["run", "--watch", "touch", ":::", "ran"], home.path());
    assert_eq!((refused.code, home.path().join("ran").exists()), (Some(2), false), "{refused:?}");
    assert!(refused.err.contains("standard error is no terminal to draw on"), "{refused:?}");
    let refused = run_in(&["watch"], home.path());
    assert!(refused.code == Some(2) && refused.err.contains("fanlane attach --plain"), "{refused:?}");
}

#[test]
fn the_latest_line_of_a_running_task_is_drawn_above_the_bar_and_both_are_gone_at_the_end() {
    let scene = Scene::new();
    let line = "echo first; echo late'st'-{}; until [ -e gate ]; do sleep 0.01; done";
    let words = ["run", "--latest-line", "-j1", line, ":::", "a"];
    let terminal = Terminal::start(command(&words, scene.0.path()), 80, 24);
    terminal.wait_for("the line", 0, |text| text.contains("latest-a") && text.contains("0 of 1 ended"));
    scene.write("gate", "");
    terminal.wait_for("the summary", 0, |text| text.contains("1 done"));
    let (status, text) = terminal.ended();
    assert_eq!(status, Some(0), "{text}");
    let last = text.trim_end().rsplit('\n').next().unwrap();
    assert!(last.contains("1 done") && !last.contains("ended"), "{last:?}");
}

#[test]
fn the_list_of_runs_fits_into_the_columns_of_the_terminal() {
    let scene = Scene::new();
    let long = format!("true {}", "long ".repeat(40));
    assert_eq!(scene.run(&["run", "--quiet", &long, ":::", "a", "b"]).code, Some(0));
    let (status, text) = Terminal::start(command(&["history"], scene.0.path()), 80, 24).ended();
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("true") && text.lines().all(|line| line.trim_end().chars().count() <= 80), "{text}");
}
