//! Keyboard shortcuts: turns pressed keys into requests.

use egui::{Context, Event, Key, Modifiers};

use crate::session::{Command, Page};

use super::action::{Action, Shortcut};
use super::areas::keys_are_free;
use super::pages::Pages;
use super::request::Request;

/// Keys that have a meaning within a part of a page, which takes them itself: the page, the keys, what they do.
pub const KEYS_OF_PARTS: [(Page, &str, &str); 7] = [
    (Page::LIVE, "Left, Right", "Go to another task of a lane, or move through time on a plot"),
    (Page::LIVE, "Shift+Left, Right", "Select a stretch of time"),
    (Page::LIVE, "+, -, Home, End", "Zoom; show the whole run; follow its end"),
    (Page::LIVE, "Enter", "Show the results of the task at the cursor"),
    (Page::LIVE, "K, R, S", "Kill, restart or skip the running task at the cursor"),
    (Page::RESULTS, "Up, Down", "Select another task"),
    (Page::RESULTS, "F3, Shift+F3", "Go to the next or the last match in the shown output"),
];

/// The requests of the pressed shortcuts, whose keys are consumed so that no widget sees them.
///
/// `focus_is_free`: no focused widget takes the space bar. On the page Job, text fields are those of the open job, and their changes
/// are undone with all others of it.
pub fn pressed(ctx: &Context, pages: &Pages, page: Page, focus_is_free: bool) -> Vec<Request> {
    let in_text = ctx.text_edit_focused();
    let in_popup = egui::Popup::is_any_open(ctx);
    let actions = Action::ALL.iter().map(|action| (Request::Action(*action), action.shortcut()));
    let pages = pages.iter().map(|(view, shortcut)| (Request::Command(Command::Show(view.tab().page)), shortcut));
    let mut wanted: Vec<(Request, Shortcut)> =
        actions.chain(pages).filter_map(|(request, shortcut)| Some((request, shortcut?))).collect();
    // Those with more modifiers first: egui ignores a Shift or Alt that a shortcut does not ask for.
    wanted.sort_by_key(|(_, shortcut)| !(shortcut.shift || shortcut.alt));
    let is_pressed = |shortcut: Shortcut| {
        let is_of_job = page == Page::JOB && shortcut.ctrl && !in_popup;
        let taken_by_text = shortcut.yields_to_text && !is_of_job && (in_text || in_popup);
        let taken_by_focus = shortcut.key == Key::Space && !focus_is_free;
        let is_elsewhere = shortcut.page.is_some_and(|of| of != page || !keys_are_free(ctx));
        !taken_by_text && !taken_by_focus && !is_elsewhere && take(ctx, shortcut)
    };
    wanted.into_iter().filter(|(_, shortcut)| is_pressed(*shortcut)).map(|(request, _)| request).collect()
}

fn take(ctx: &Context, shortcut: Shortcut) -> bool {
    // Single keys are single: with Ctrl or Alt they may be those of the desktop.
    let is_single = shortcut.page.is_some() && !shortcut.alt;
    ctx.input_mut(|input| {
        if is_single && input.modifiers != Modifiers::NONE && input.modifiers != Modifiers::SHIFT {
            return false;
        }
        let taken = input.consume_key(shortcut.modifiers(), shortcut.key)
            // Where the plus sign needs Shift, its key is pressed without.
            || shortcut.key == Key::Plus && input.consume_key(shortcut.modifiers(), Key::Equals);
        if taken && !shortcut.ctrl && !shortcut.alt {
            // Otherwise a field that is focused now would begin with it.
            let typed = shortcut.key.symbol_or_name();
            input.events.retain(|event| !matches!(event, Event::Text(text) if text.eq_ignore_ascii_case(typed)));
        }
        taken
    })
}
