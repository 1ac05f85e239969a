//! Keys: which egui key is meant by a shortcut, and which actions were pressed.

use egui::{Context, Event, Modifiers};

use crate::session::{Action, Key, Shortcut};

const fn egui_key(key: Key) -> egui::Key {
    match key {
        Key::Enter => egui::Key::Enter,
        Key::Space => egui::Key::Space,
        Key::Escape => egui::Key::Escape,
        Key::Num1 => egui::Key::Num1,
        Key::Num2 => egui::Key::Num2,
        Key::Num3 => egui::Key::Num3,
        Key::Num4 => egui::Key::Num4,
        Key::F1 => egui::Key::F1,
        Key::Slash => egui::Key::Slash,
        Key::O => egui::Key::O,
        Key::S => egui::Key::S,
    }
}

/// The actions whose keys were pressed; the keys are taken, so that no widget sees them.
///
/// `focus_is_free` says that the space bar has no widget of its own to press.
pub fn pressed(ctx: &Context, focus_is_free: bool) -> Vec<Action> {
    let in_text = ctx.text_edit_focused();
    let in_popup = egui::Popup::is_any_open(ctx);
    let mut actions = Vec::new();
    // The ones with more modifiers first: egui ignores a Shift that is held beyond what was asked for.
    let mut wanted: Vec<(Action, Shortcut)> =
        Action::ALL.iter().filter_map(|action| Some((*action, action.shortcut()?))).collect();
    wanted.sort_by_key(|(_, shortcut)| !shortcut.shift);
    for (action, shortcut) in wanted {
        let taken_by_text = shortcut.yields_to_text && (in_text || in_popup);
        let taken_by_focus = shortcut.key == Key::Space && !focus_is_free;
        if !taken_by_text && !taken_by_focus && take(ctx, shortcut) {
            actions.push(action);
        }
    }
    actions
}

fn take(ctx: &Context, shortcut: Shortcut) -> bool {
    let mut modifiers = Modifiers::NONE;
    if shortcut.ctrl {
        modifiers |= Modifiers::COMMAND;
    }
    if shortcut.shift {
        modifiers |= Modifiers::SHIFT;
    }
    ctx.input_mut(|input| {
        let taken = input.consume_key(modifiers, egui_key(shortcut.key));
        if taken && shortcut.key == Key::Slash {
            // Or the search field, focused now, would begin with it.
            input.events.retain(|event| !matches!(event, Event::Text(text) if text == "/"));
        }
        taken
    })
}
