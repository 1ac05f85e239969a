//! How one begins: an empty job, a pasted line, dropped files, the palette, and what is remembered of the last time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{DroppedFile, Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, DoneAction, InputKind, Page, Session, SessionOptions};
use fanlane_core::store::presets::Presets;

use super::canned::FakeEngine;
use super::driver::{self, Window, click, fresh, handle, press, shown, type_into, until};

#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn drop_files(window: &mut Window<'_>, files: &[&str]) {
    for file in files {
        window.input_mut().dropped_files.push(Arc::new(Dropped(PathBuf::from(file))));
    }
    window.run_steps(4);
}

/// Types over what has the focus.
fn type_here(window: &mut Window<'_>, text: &str) {
    window.get_by(|node| node.is_focused() && node.role() != Role::Window).type_text(text);
    window.run_steps(4);
}

#[test]
fn a_command_of_ones_own_is_one_key_away_and_names_its_run() {
    let (mut window, engine) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::N);
    let field = window.get_by_role_and_label(Role::MultilineTextInput, "Command line");
    assert!(field.is_focused());
    assert_eq!(shown(&window).editor.shown_name(), "Untitled");
    type_here(&mut window, "echo hello");
    assert!(window.query_by_label("Open job: echo hello, edited").is_some());
    press(&mut window, Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the run", Session::is_running);
    assert_eq!(shown(&window).run.current().expect("a run").job.display_name(), "echo hello");
    engine.finish(5, false);
    until(&mut window, "the end", |session| !session.is_running());
    press(&mut window, Modifiers::COMMAND, Key::N);
    assert!(window.query_by_label("Discard the changes?").is_some(), "it would be lost");
    click(&mut window, "Keep editing");
    assert_eq!(shown(&window).editor.draft().command, "echo hello");
    press(&mut window, Modifiers::COMMAND, Key::N);
    click(&mut window, "Discard");
    let field = window.get_by_role_and_label(Role::MultilineTextInput, "Command line");
    assert!(field.is_focused(), "also after the question");
    assert_eq!(shown(&window).editor.draft().command, "");
}

#[test]
fn an_edited_example_does_not_run_under_the_name_of_the_example() {
    let (mut window, engine) = fresh();
    let example = shown(&window).editor.draft().name.clone();
    window.state_mut().session_mut().edit(|draft| draft.inputs.truncate(1));
    window.run_steps(2);
    assert_eq!(shown(&window).editor.shown_name(), format!("{example} (edited)"));
    window.state_mut().session_mut().edit(|draft| {
        draft.kind = fanlane_core::job::TaskKind::Command;
        draft.command = "gzip -k {}".to_owned();
    });
    window.run_steps(2);
    click(&mut window, "Run");
    assert_eq!(engine.asked().started[0].0.display_name(), "gzip -k {}");
    assert_eq!(shown(&window).editor.draft().name, example, "what was typed stays");
}

#[test]
fn a_pasted_line_of_another_program_becomes_a_job_and_what_is_lost_is_said() {
    let (mut window, _) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::N);
    type_here(&mut window, "parallel -j3 --eta gzip -k ::: a b");
    click(&mut window, "Make a job of it");
    let draft = shown(&window).editor.draft();
    assert_eq!((&*draft.command, draft.workers), ("gzip -k", Some(3)));
    assert_eq!((draft.inputs.len(), &*draft.inputs[0].values), (1, "a\nb"));
    assert!(window.query_by_label_contains("The line is a job now").is_some());
    click(&mut window, "Undo");
    assert_eq!(shown(&window).editor.draft().command, "parallel -j3 --eta gzip -k ::: a b");

    type_into(&mut window, "Command line", "parallel 'gzip ::: a");
    assert!(window.query_by_label("Make a job of it").is_none(), "the quote is open");
    type_into(&mut window, "Command line", "parallel -j");
    click(&mut window, "Make a job of it");
    assert!(window.query_by_label_contains("No job was made of the line").is_some());
    assert_eq!(shown(&window).editor.draft().command, "parallel -j", "nothing is lost");
}

#[test]
fn dropped_files_become_inputs_and_can_be_taken_back() {
    let (mut window, _) = fresh();
    let example = shown(&window).editor.draft().clone();
    drop_files(&mut window, &["/p/a.jpg", "/p/b 1.jpg"]);
    let inputs = shown(&window).editor.draft().inputs.clone();
    assert_eq!((inputs.len(), inputs[0].kind, &*inputs[0].values), (1, InputKind::List, "/p/a.jpg\n/p/b 1.jpg"));
    assert!(window.query_by_label_contains("2 files are the inputs of the job now").is_some());
    let field = window.get_by_role_and_label(Role::MultilineTextInput, "Command line");
    assert!(field.is_focused(), "what is done with them is written next");
    drop_files(&mut window, &["/p/c.jpg"]);
    assert_eq!(shown(&window).editor.draft().inputs[0].values, "/p/a.jpg\n/p/b 1.jpg\n/p/c.jpg");
    click(&mut window, "Undo");
    assert_eq!(shown(&window).editor.draft().inputs, inputs);

    let (mut window, _) = fresh();
    drop_files(&mut window, &["/p/a.ron", "/p/b.ron"]);
    assert_eq!(shown(&window).editor.draft().inputs[0].values, "/p/a.ron\n/p/b.ron", "two job files are files");
    click(&mut window, "Undo");
    assert_eq!(*shown(&window).editor.draft(), example);
}

#[test]
fn a_path_that_cannot_be_opened_stays_to_be_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("there.ron");
    std::fs::write(&file, r#"Job(version: 1, name: "There", task: Command("true"), inputs: [])"#).expect("written");
    let (mut window, _) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::O);
    assert!(window.query_by_label_contains("no dialog for choosing files").is_some(), "it says why");
    type_into(&mut window, "Path of the job file", "/there/is/no/job.ron");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(window.query_by_label_contains("The job was not opened.").is_some());
    let field = window.get_by_role_and_label(Role::TextInput, "Path of the job file");
    assert_eq!(field.accesskit_node().value().as_deref(), Some("/there/is/no/job.ron"));
    type_into(&mut window, "Path of the job file", file.to_str().expect("text"));
    assert!(window.query_by_label_contains("The job was not opened.").is_none(), "it is not about this one");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).editor.draft().name, "There");
    assert!(window.query_by_label("Open a job file").is_none());
}

#[test]
fn a_new_input_is_typed_into_at_once() {
    let (mut window, _) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::N);
    click(&mut window, "Matching files");
    type_here(&mut window, "*.jpg");
    assert_eq!(shown(&window).editor.draft().inputs[0].path, "*.jpg");
}

#[test]
fn the_end_of_a_run_is_chosen_while_it_runs() {
    let (mut window, engine) = fresh();
    click(&mut window, "Run");
    until(&mut window, "the run", Session::is_running);
    click(&mut window, "When done…");
    window.get_by_role_and_label(Role::RadioButton, "Run a command").click();
    window.run_steps(4);
    assert!(window.get_by_role_and_label(Role::Button, "Set").accesskit_node().is_disabled(), "no command yet");
    type_into(&mut window, "Command line", "true");
    click(&mut window, "Set");
    assert_eq!(*shown(&window).done_action(), DoneAction::Run("true".to_owned()));
    engine.finish(5, true);
    until(&mut window, "the end", |session| !session.is_running());
    assert_eq!(*shown(&window).done_action(), DoneAction::Nothing, "it was stopped");
    assert!(window.query_by_label("When done…").is_none());
}

#[test]
fn the_palette_finds_by_a_few_letters_and_carries_out() {
    let (mut window, engine) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::P);
    type_here(&mut window, "page runs");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).page(), Page::RUNS);
    press(&mut window, Modifiers::COMMAND, Key::P);
    type_here(&mut window, "flaky");
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).editor.draft().name, "Flaky commands");
    press(&mut window, Modifiers::COMMAND, Key::P);
    type_here(&mut window, "zzz");
    assert!(window.query_by_label("No matching actions").is_some());
    press(&mut window, Modifiers::NONE, Key::Escape);
    press(&mut window, Modifiers::COMMAND, Key::P);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(engine.asked().started.len(), 1, "the second is Run");
}

#[test]
fn the_palette_finds_an_example_by_the_beginnings_of_its_words_in_any_order() {
    for typed in ["shared obj", "obj shared open"] {
        let (mut window, _) = fresh();
        press(&mut window, Modifiers::COMMAND, Key::P);
        type_here(&mut window, typed);
        press(&mut window, Modifiers::NONE, Key::Enter);
        assert_eq!(shown(&window).editor.draft().name, "Shared objects", "{typed}");
    }
}

#[test]
fn what_is_typed_in_the_frame_in_which_the_palette_opens_is_looked_for() {
    let (mut window, _) = fresh();
    let open =
        Event::Key { key: Key::P, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::COMMAND };
    window.input_mut().events.extend([open, Event::Text("page".into())]);
    window.step();
    window.input_mut().events.push(Event::Text(" runs".into()));
    window.step();
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(shown(&window).page(), Page::RUNS);
}

/// What is pressed within one frame, as by fast hands.
fn press_at_once(window: &mut Window<'_>, keys: &[(Modifiers, Key)]) {
    for (modifiers, key) in keys {
        for pressed in [true, false] {
            let (modifiers, key) = (*modifiers, *key);
            let event = Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
            window.input_mut().events.push(event);
        }
    }
    window.step();
}

#[test]
fn keys_within_the_frame_in_which_the_palette_opens_and_the_one_after_it_are_for_the_palette() {
    const DOWN: (Modifiers, Key) = (Modifiers::NONE, Key::ArrowDown);
    const ENTER: (Modifiers, Key) = (Modifiers::NONE, Key::Enter);
    const OPEN: (Modifiers, Key) = (Modifiers::COMMAND, Key::P);
    // Its second entry is Run.
    for frames in [&[&[OPEN, DOWN, ENTER][..]][..], &[&[OPEN], &[DOWN], &[ENTER]], &[&[OPEN, DOWN], &[ENTER]]] {
        let (mut window, engine) = fresh();
        for (place, keys) in frames.iter().enumerate() {
            press_at_once(&mut window, keys);
            // What opens is not in the tree before its second frame.
            if (1..frames.len() - 1).contains(&place) {
                let field = window.get_by_role_and_label(Role::TextInput, "Command");
                assert!(field.is_focused(), "{keys:?} of {frames:?}");
            }
        }
        window.run_steps(4);
        assert_eq!(engine.asked().started.len(), 1, "{frames:?}");
    }
}

#[test]
fn arrows_in_the_palette_move_its_choice_from_wherever_the_focus_is() {
    let (mut window, engine) = fresh();
    press(&mut window, Modifiers::COMMAND, Key::P);
    press(&mut window, Modifiers::NONE, Key::Tab);
    press(&mut window, Modifiers::NONE, Key::ArrowDown);
    assert!(window.get_by_role_and_label(Role::TextInput, "Command").is_focused());
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert_eq!(engine.asked().started.len(), 1, "the second is Run");
}

#[test]
fn f6_goes_through_the_parts_of_the_window() {
    let (mut window, _) = fresh();
    let has_focus = |window: &Window<'_>| {
        let node = window.get_by(|node| node.is_focused() && node.role() != Role::Window);
        node.accesskit_node().label().unwrap_or_default()
    };
    let mut parts = vec![has_focus(&window)];
    for _ in 0..4 {
        press(&mut window, Modifiers::NONE, Key::F6);
        parts.push(has_focus(&window));
    }
    assert_eq!(parts, ["Run", "Page Job", "Jobs and runs", "Contents of the page Job", "Run"]);
}

#[test]
fn job_page_and_files_of_the_last_time_are_there_the_next_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.ron");
    std::fs::write(&file, r#"Job(version: 1, name: "Own", task: Command("true"), inputs: [])"#).expect("written");
    let open = || {
        let options = SessionOptions {
            settings: Some(folder.path().join("window.json")),
            presets: Some(Presets::open(folder.path().join("presets"))),
            ..SessionOptions::in_memory(FakeEngine::default().engine())
        };
        driver::window(Session::new(options, Arc::new(|| {})))
    };
    let mut first = open();
    handle(&mut first, Command::OpenJob(file.clone()));
    handle(&mut first, Command::Show(Page::RUNS));
    first.state_mut().session_mut().remember_window(None);

    let mut next = open();
    assert_eq!((&*shown(&next).editor.draft().name, shown(&next).page()), ("Own", Page::RUNS));
    assert!(next.query_by_label("Job file own").is_some());
    driver::open_example(&mut next, "Cubes");
    assert_eq!(shown(&open()).editor.draft().name, "Cubes");
    click(&mut next, "Job file own");
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(shown(&open()).editor.draft().name, "First look", "a file that is gone is no error at the start");
}

#[test]
fn examples_are_cards_that_say_what_each_does_and_needs_and_open_a_copy() {
    let (mut window, _) = fresh();
    assert!(window.query_by_label("Preset Cubes").is_none(), "the side bar is for jobs of one's own");
    click(&mut window, "New");
    click(&mut window, "Begin with an example…");
    driver::reach(&mut window, Role::Button, "Example Checksums");
    assert!(window.query_by_label("Close").is_none(), "the sheet is closed");
    assert_eq!(shown(&window).editor.draft().name, "Checksums");
    driver::reach(&mut window, Role::Button, "Examples…");
    let has = |words: &str| window.query_all_by_label_contains(words).count() > 0;
    assert!(has("Opens as a form. Needs sha256sum, sha1sum or md5sum") && has("Needs nothing else"));
    assert!(has("the numbers 1 to 6, each cubed"));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(window.query_by_label("Close").is_none());
}
