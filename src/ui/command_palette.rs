//! The command palette: every action, page, look, job and recent run, found by a few letters. It, the list of keys and the
//! tooltips read the same table of actions.

use egui::{Button, Event, FocusDirection, Key, Modifiers, RichText, ScrollArea, Ui};

use crate::session::{
    Command, HistoryCommand, MotionChoice, PastRunUse, PresetCommand, QueueCommand, RaceCommand, Session, ThemeChoice,
};

use fanlane_core::model::race::pep371::WorkSet;

use super::action::{Action, Shortcut};
use super::line_edit::line_edit;
use super::pages::Pages;
use super::request::{Request, Requests};
use super::sanitize;
use super::theme;

/// What is typed into the palette, and which of the entries found is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaletteQuery {
    text: String,
    chosen: usize,
}

/// Something that the palette can do.
struct Entry {
    words: String,
    shortcut: Option<Shortcut>,
    request: Request,
}

impl Entry {
    fn new(words: String, shortcut: Option<Shortcut>, request: Request) -> Self {
        Self { words, shortcut, request }
    }

    fn command(words: String, command: impl Into<Command>) -> Self {
        Self::new(words, None, Request::Command(command.into()))
    }
}

/// Everything that can be done, the actions first.
fn entries(session: &Session, pages: &Pages) -> Vec<Entry> {
    let actions = Action::ALL.iter().filter(|action| **action != Action::Palette).map(|action| {
        let words = format!("{}: {}", action.text(), action.explanation());
        Entry::new(words, action.shortcut(), Request::Action(*action))
    });
    let pages = pages.iter().map(|(view, shortcut)| {
        let tab = view.tab();
        let words = format!("Page {}: {}", tab.page.title(), tab.explanation);
        Entry::new(words, shortcut, Request::Command(Command::Show(tab.page)))
    });
    let races = [
        ("Race the job: was the pool worth it?", RaceCommand::Start),
        ("Race the six workloads of PEP 371", RaceCommand::StartPep371(WorkSet::Today)),
        ("Race the six workloads of PEP 371 in Python", RaceCommand::StartPep371(WorkSet::Python)),
        ("Save the race", RaceCommand::Save),
    ];
    let races = races.into_iter().map(|(words, command)| Entry::command(words.to_owned(), command));
    let themes = ThemeChoice::ALL
        .into_iter()
        .map(|theme| Entry::command(format!("Theme: {}", theme.name()), Command::SetTheme(theme)));
    let motions = MotionChoice::ALL
        .into_iter()
        .map(|motion| Entry::command(format!("Motion: {}", motion.name()), Command::SetMotion(motion)));
    let presets = session.presets.saved().iter().chain(session.presets.built_in()).map(|preset| {
        let words = format!("Open job: {}", sanitize::command(&preset.name));
        Entry::command(words, PresetCommand::Open(preset.id.clone()))
    });
    let files = session.recent_files().iter().map(|file| {
        let words = format!("Open job file: {}", sanitize::line(file.display().to_string().as_bytes()));
        Entry::command(words, Command::OpenJob(file.clone()))
    });
    let jobs = session.queue.list().jobs.iter().map(|job| {
        let words = format!("Job {} of the queue: {}", job.id, sanitize::command(job.name()));
        Entry::command(words, QueueCommand::Show(job.id))
    });
    let runs = session.history.recent().map(|run| {
        let words = format!("Open run {}: {}", run.id, sanitize::command(&run.name));
        Entry::command(words, HistoryCommand::Open(run.id, PastRunUse::Show))
    });
    let looks = themes.chain(motions);
    actions.chain(pages).chain(races).chain(looks).chain(presets).chain(files).chain(jobs).chain(runs).collect()
}

/// What is added to the score of a text that has each word typed as the beginning of one of its own: more than letters alone
/// can reach.
const BEGINS_WORDS: i32 = 10_000;

/// How well `text` fits what is typed: best where each word typed begins a word of it, in any order, and before all where they
/// stand there as typed; else by its letters in order. `None` where neither is so.
fn score(text: &str, wanted: &str) -> Option<i32> {
    let letters = letters_score(text, wanted);
    if !begins_words(text, wanted) {
        return letters;
    }
    let as_typed = text.to_lowercase().contains(wanted.trim().to_lowercase().as_str());
    Some(BEGINS_WORDS * (1 + i32::from(as_typed)) + letters.unwrap_or(0))
}

/// Whether each word of `wanted` begins a word of `text`.
fn begins_words(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    let words = |text: &str| {
        let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let (own, typed) = (words(&text), words(&wanted));
    !typed.is_empty() && typed.iter().all(|word| own.iter().any(|own| own.starts_with(word)))
}

/// How well the letters fit: `None` unless all come in this order; fewer gaps and beginnings of words are better.
fn letters_score(text: &str, wanted: &str) -> Option<i32> {
    let mut letters = text.chars().flat_map(char::to_lowercase).enumerate();
    let (mut score, mut last, mut before) = (0, None, ' ');
    for letter in wanted.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase) {
        loop {
            let (place, found) = letters.next()?;
            let begins = !before.is_alphanumeric();
            before = found;
            if found == letter {
                let follows = place.checked_sub(1) == last && place > 0;
                score += if follows {
                    8
                } else if begins {
                    6
                } else {
                    0
                } - i32::try_from(place.min(60)).unwrap_or(60) / 12;
                last = Some(place);
                break;
            }
        }
    }
    Some(score)
}

/// What an event writes into a text field.
fn typed(event: &Event) -> Option<&str> {
    if let Event::Text(text) = event { Some(text) } else { None }
}

/// Draws the palette; true once something was chosen.
pub fn palette_ui(
    ui: &mut Ui,
    query: &mut PaletteQuery,
    is_new: bool,
    session: &Session,
    pages: &Pages,
    requests: &mut Requests,
) -> bool {
    if is_new {
        // What was typed in the frame of the opening is for the field, which has no focus yet.
        ui.input(|input| query.text.extend(input.events.iter().filter_map(typed)));
    }
    let field = line_edit(&mut query.text).hint_text("Type what to do").desired_width(f32::INFINITY);
    let field = ui.add(field).accessible_name("Command");
    if field.changed() {
        query.chosen = 0;
    }
    let mut found: Vec<(i32, Entry)> = entries(session, pages)
        .into_iter()
        .filter_map(|entry| Some((score(&entry.words, &query.text)?, entry)))
        .collect();
    // Equally good ones stay in the order of the table.
    found.sort_by_key(|(score, _)| -score);
    let last = found.len().saturating_sub(1);
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let moved = pressed(Key::ArrowDown).then(|| query.chosen + 1).or_else(|| {
        let up = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::ArrowUp));
        up.then(|| query.chosen.saturating_sub(1))
    });
    query.chosen = moved.unwrap_or(query.chosen).min(last);
    let entered = (is_new || field.lost_focus()) && ui.input(|input| input.key_pressed(Key::Enter));
    if is_new || moved.is_some() {
        // The arrows move the choice, wherever the focus is.
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        field.request_focus();
    }
    let mut taken = entered.then_some(query.chosen);
    ui.add_space(theme::UNIT);
    // In a low window this list scrolls, and not the dialog around it.
    let room = ui.ctx().content_rect().height() - 4.0 * theme::GAP - 12.0 * theme::UNIT;
    ScrollArea::vertical()
        .max_height(room.clamp(8.0 * theme::UNIT, 44.0 * theme::UNIT))
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = theme::HALF / 2.0;
            // Keys stand beside the scroll bar, not under it.
            ui.set_width(ui.available_width() - theme::GAP);
            for (place, (_, entry)) in found.iter().enumerate() {
                let response = entry_ui(ui, entry, place == query.chosen);
                if moved.is_some() && place == query.chosen {
                    response.scroll_to_me(None);
                }
                if response.clicked() {
                    taken = Some(place);
                }
            }
            if found.is_empty() {
                ui.label(RichText::new("No matching actions").color(theme::palette(ui).text_weak));
            }
        });
    let Some((_, entry)) = taken.and_then(|place| found.into_iter().nth(place)) else { return false };
    requests.request(entry.request);
    true
}

fn entry_ui(ui: &mut Ui, entry: &Entry, chosen: bool) -> egui::Response {
    let size = egui::vec2(ui.available_width(), theme::ROW);
    let mut button = Button::selectable(chosen, RichText::new(&entry.words)).truncate().min_size(size);
    if let Some(shortcut) = entry.shortcut {
        let key = RichText::new(shortcut.to_string()).monospace().color(theme::palette(ui).text_weak);
        button = button.shortcut_text(key);
    }
    ui.add(button).accessible_name(&entry.words)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::SessionOptions;

    #[test]
    fn every_action_page_and_example_is_there_with_its_key() {
        let engine = fanlane_core::engine::LocalEngine::new("/no/such/program");
        let session = Session::new(SessionOptions::in_memory(Arc::new(engine)), Arc::new(|| {}));
        let pages = Pages::default();
        let entries = entries(&session, &pages);
        let has = |request: &Request| entries.iter().find(|entry| entry.request == *request);
        for action in Action::ALL.into_iter().filter(|action| *action != Action::Palette) {
            let entry = has(&Request::Action(action)).unwrap_or_else(|| panic!("{action:?}"));
            assert_eq!(entry.shortcut, action.shortcut(), "{action:?}");
        }
        for (view, shortcut) in pages.iter() {
            let entry = has(&Request::Command(Command::Show(view.tab().page))).expect("each page is there");
            assert_eq!(entry.shortcut, shortcut);
        }
        for preset in session.presets.built_in() {
            assert!(has(&Request::Command(PresetCommand::Open(preset.id.clone()).into())).is_some(), "{}", preset.name);
        }
    }

    #[test]
    fn words_typed_begin_words_in_any_order() {
        let example = "Open job: Shared objects";
        for wanted in ["shared obj", "obj shared", "OBJ  sha", "job obj sh", "objects"] {
            let whole = score(example, wanted).unwrap_or_else(|| panic!("{wanted}"));
            assert!(whole >= BEGINS_WORDS, "{wanted}");
        }
        assert_eq!(score(example, "obj xyz"), None, "each word counts");
        let apart = "Page Shared: what tasks share, and the objects";
        assert!(score(apart, "shared obj") < score(example, "shared obj"), "as typed before apart");
        let scattered = "Show a red bar: edit the objects";
        assert!(score(scattered, "shared obj") < score(example, "shared obj"), "whole words before scattered letters");
    }

    #[test]
    fn letters_in_order_find_and_whole_words_come_first() {
        assert_eq!(score("Run: Run the open job", "xyz"), None);
        assert_eq!(score("Open", "pon"), None, "the order counts");
        assert_eq!(score("anything", ""), Some(0));
        let best = |wanted: &str| {
            let texts =
                ["Run: Run the open job", "Rerun failed tasks: Run again", "Page Results: every task", "Pause: …"];
            texts.into_iter().filter_map(|text| Some((score(text, wanted)?, text))).max_by_key(|(score, _)| *score)
        };
        assert_eq!(best("run").map(|(_, text)| text), Some("Run: Run the open job"));
        assert_eq!(best("rer").map(|(_, text)| text), Some("Rerun failed tasks: Run again"));
        assert_eq!(best("p res").map(|(_, text)| text), Some("Page Results: every task"));
        assert_eq!(best("PAU").map(|(_, text)| text), Some("Pause: …"));
    }
}
