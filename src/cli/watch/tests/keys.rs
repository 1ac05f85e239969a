//! What keys do.

use super::{DETACHED, FOREGROUND, Story, middle};
use crate::cli::watch::keys::Key;
use crate::cli::watch::state::{Page, Request, Situation, State};
use fanlane_core::engine::RunCommand;
use fanlane_core::event::{DispatchEvent, EventKind, Outcome, TaskId};

#[test]
fn each_key_asks_for_one_thing_and_says_why_it_cannot() {
    let command = |command| Some(Request::Command(command));
    let (running, mut paused, mut stopping) = (middle(), middle(), middle());
    let (mut ended, mut one) = (middle(), middle());
    paused.say(EventKind::Dispatch(DispatchEvent::Paused));
    stopping.say(EventKind::Dispatch(DispatchEvent::StopRequested));
    ended.is_over(false);
    one.say(EventKind::Dispatch(DispatchEvent::PoolResized { workers: 1 }));
    type Case<'a> = (&'a str, &'a Story, &'a Situation, &'a [Key], Option<Request>, &'a str);
    let table: [Case<'_>; 17] = [
        ("pause", &running, &FOREGROUND, &[Key::Char('p')], command(RunCommand::Pause), ""),
        ("resume", &paused, &DETACHED, &[Key::Char(' ')], command(RunCommand::Resume), ""),
        ("a worker more", &running, &DETACHED, &[Key::Char('+')], command(RunCommand::SetWorkers(4)), ""),
        ("a worker less", &running, &FOREGROUND, &[Key::Char('-')], command(RunCommand::SetWorkers(2)), ""),
        ("the last worker", &one, &FOREGROUND, &[Key::Char('-')], None, "one worker is left; p pauses the run"),
        ("stop, yes", &running, &FOREGROUND, &[Key::Char('s'), Key::Char('s')], command(RunCommand::Stop), ""),
        ("stop, no", &running, &FOREGROUND, &[Key::Char('s'), Key::Escape], None, "not stopped"),
        ("stop at once", &stopping, &DETACHED, &[Key::Char('s')], command(RunCommand::StopNow), ""),
        ("leave", &running, &DETACHED, &[Key::Char('q')], Some(Request::Leave), ""),
        (
            "leave what would end",
            &running,
            &FOREGROUND,
            &[Key::Char('q'), Key::Char('s')],
            command(RunCommand::Stop),
            "",
        ),
        ("leave, no", &running, &FOREGROUND, &[Key::Char('q'), Key::Char('q')], None, "not stopped; the view stays"),
        ("leave the end", &ended, &FOREGROUND, &[Key::Char('q')], Some(Request::Leave), ""),
        ("retry too early", &running, &FOREGROUND, &[Key::Char('r')], None, "once the run has ended"),
        ("retry", &ended, &FOREGROUND, &[Key::Char('r')], Some(Request::Retry), ""),
        ("retry elsewhere", &ended, &DETACHED, &[Key::Char('r')], None, "not from here"),
        ("pause the end", &ended, &FOREGROUND, &[Key::Char('p')], None, "the run has ended"),
        ("Ctrl-C", &running, &FOREGROUND, &[Key::Char('s'), Key::Interrupt], Some(Request::Interrupt), ""),
    ];
    for (name, story, situation, keys, request, notice) in table {
        let mut state = State::default();
        let asked = keys.iter().filter_map(|key| state.press(*key, &story.facts, situation)).last();
        assert_eq!(asked, request, "{name}");
        let said = state.notice.unwrap_or_default();
        assert!(said.contains(notice) && said.is_empty() == notice.is_empty(), "{name}: {said:?}");
    }
}

#[test]
fn pages_open_and_close_and_a_selection_stays_with_its_task() {
    let mut story = middle();
    let mut state = State::default();
    let press = |state: &mut State, story: &Story, key| assert_eq!(state.press(key, &story.facts, &FOREGROUND), None);
    press(&mut state, &story, Key::Enter);
    assert_eq!(state.page, Page::Output(TaskId(3)), "the running task of the first lane");
    press(&mut state, &story, Key::Escape);
    press(&mut state, &story, Key::Char('j'));
    press(&mut state, &story, Key::Down);
    press(&mut state, &story, Key::Down);
    press(&mut state, &story, Key::Enter);
    assert_eq!(state.page, Page::Output(TaskId(2)), "the last task of the idle lane");
    press(&mut state, &story, Key::Char('q'));
    press(&mut state, &story, Key::Char('f'));
    story.ends(9, 3, Outcome::TimedOut, [b"", b""]);
    press(&mut state, &story, Key::Char('j'));
    story.ends(10, 3, Outcome::TimedOut, [b"", b""]);
    press(&mut state, &story, Key::Enter);
    assert_eq!(state.page, Page::Output(TaskId(1)), "the failure that was selected before another came");
    press(&mut state, &story, Key::Escape);
    assert_eq!(state.page, Page::Failures);
    press(&mut state, &story, Key::Char('?'));
    assert_eq!(state.page, Page::Help);
    press(&mut state, &story, Key::Char('?'));
    assert_eq!(state.page, Page::Lanes);
}
