//! The page of a task.

use super::{FOREGROUND, PHOTOS, middle};
use crate::cli::watch::keys::Key;
use crate::cli::watch::state::{Page, State};
use fanlane_core::event::{EventKind, Outcome, Printed, SampleEvent, StreamName, TaskId, WorkerId};

#[test]
fn an_output_is_shown_with_its_streams_apart_and_scrolls_up_from_its_end() {
    let mut story = middle();
    let printed: String = (1..=50).map(|number| format!("line {number}\n")).collect();
    story.ends(5, 3, Outcome::Exited { code: 1 }, [printed.as_bytes(), b"\x1b[31mbroken\n"]);
    let mut state = State { page: Page::Output(TaskId(5)), ..State::default() };
    let shown = story.frame(&PHOTOS, &state, 60, 20);
    let from = shown.iter().position(|row| row == "Task 6 photos/6.jpg").expect("its title");
    assert_eq!(shown[from + 1], "convert photos/6.jpg small/6.png");
    assert_eq!(shown[from + 2], "✗ failed: exit code 1 after 1.00 s");
    assert_eq!(&shown[17..19], ["line 50", "stderr │ ^[[31mbroken"]);
    state.press(Key::Home, &story.facts, &FOREGROUND);
    let shown = story.frame(&PHOTOS, &state, 60, 20);
    assert_eq!(shown[from + 3], "line 1");
    // The end is one page away from there, not as many keys as were pressed.
    (0..6).for_each(|_| assert_eq!(state.press(Key::PageDown, &story.facts, &FOREGROUND), None));
    assert_eq!(story.frame(&PHOTOS, &state, 60, 20)[18], "stderr │ ^[[31mbroken");
}

#[test]
fn what_a_running_task_prints_is_shown_in_its_row_and_on_its_page() {
    let mut story = middle();
    story.facts.open(Some(TaskId(3)));
    for (stream, offset, text) in [(StreamName::Stdout, 0, "reading\n"), (StreamName::Stderr, 0, "odd pixel\n")] {
        let (task, worker, bytes) = (TaskId(3), WorkerId(1), text.as_bytes().into());
        let printed = Printed { task, attempt: 1, worker, stream, offset, bytes };
        story.say(EventKind::Sample(SampleEvent::Printed(printed)));
    }
    assert!(story.shown(80, 12).iter().any(|row| row.contains("42 % second pass · odd pixel")));
    let state = State { page: Page::Output(TaskId(3)), ..State::default() };
    let shown = story.frame(&PHOTOS, &state, 80, 20);
    let from = shown.iter().position(|row| row.starts_with("▶ running for 3.00 s in lane 1")).expect("how it stands");
    assert_eq!(&shown[from + 1..from + 3], ["reading", "stderr │ odd pixel"]);
}
