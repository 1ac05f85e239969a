//! Keyboard shortcuts: turns pressed keys into requests.

use egui::{Context, Event, Key};

use crate::session::Command;

use super::action::{Action, Shortcut};
use super::pages::Pages;
use super::request::Request;

/// The requests of the pressed shortcuts, whose keys are consumed so that no widget sees them.
///
/// `focus_is_free`: no focused widget takes the space bar. `edits_job`: text fields are those of the open job, and their changes are
/// undone with all others of it.
pub fn pressed(ctx: &Context, pages: &Pages, focus_is_free: bool, edits_job: bool) -> Vec<Request> {
    let in_text = ctx.text_edit_focused();
    let in_popup = egui::Popup::is_any_open(ctx);
    let actions = Action::ALL.iter().map(|action| (Request::Action(*action), action.shortcut()));
    let pages = pages.iter().map(|(view, shortcut)| (Request::Command(Command::Show(view.tab().page)), shortcut));
    let mut wanted: Vec<(Request, Shortcut)> =
        actions.chain(pages).filter_map(|(request, shortcut)| Some((request, shortcut?))).collect();
    // Those with more modifiers first: egui ignores a Shift that a shortcut does not ask for.
    wanted.sort_by_key(|(_, shortcut)| !shortcut.shift);
    let is_pressed = |shortcut: Shortcut| {
        let is_of_job = edits_job && shortcut.ctrl && !in_popup;
        let taken_by_text = shortcut.yields_to_text && !is_of_job && (in_text || in_popup);
        let taken_by_focus = shortcut.key == Key::Space && !focus_is_free;
        !taken_by_text && !taken_by_focus && take(ctx, shortcut)
    };
    wanted.into_iter().filter(|(_, shortcut)| is_pressed(*shortcut)).map(|(request, _)| request).collect()
}

fn take(ctx: &Context, shortcut: Shortcut) -> bool {
    ctx.input_mut(|input| {
        let taken = input.consume_key(shortcut.modifiers(), shortcut.key)
            // Where the plus sign needs Shift, its key is pressed without.
            || shortcut.key == Key::Plus && input.consume_key(shortcut.modifiers(), Key::Equals);
        if taken && shortcut.key == Key::Slash {
            // Otherwise the search field, focused now, would begin with it.
            input.events.retain(|event| !matches!(event, Event::Text(text) if text == "/"));
        }
        taken
    })
}
