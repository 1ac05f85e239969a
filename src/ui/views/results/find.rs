//! The bar that finds a text in the shown output, and the marks of what was found.

use std::collections::VecDeque;
use std::ops::Range;

use egui::text::{LayoutJob, TextFormat};
use egui::{Key, Modifiers, RichText, TextStyle, Ui};
use egui_material_icons::icons::{ICON_CLOSE, ICON_KEYBOARD_ARROW_DOWN, ICON_KEYBOARD_ARROW_UP};

use crate::session::{Find, Session};
use crate::ui::icon_button::small_icon_button;
use crate::ui::line_edit::line_edit;
use crate::ui::sanitize::{self, LINE_BYTES};
use crate::ui::theme;
use fanlane_core::event::{AttemptRecord, StreamName};
use fanlane_core::model::search::Needle;
use fanlane_core::model::{LiveLine, format};

/// Bytes shown before a match in a line that is too long to be shown as a whole.
const BEFORE_MATCH: usize = 200;
/// Maximum number of matches in what a running task prints.
const MAX_LIVE_MATCHES: usize = 10_000;
/// Time between two looks at a search under way.
const LOOK_INTERVAL: std::time::Duration = std::time::Duration::from_millis(50);

/// The bar and its search.
#[derive(Default)]
pub struct FindBar {
    open: bool,
    text: String,
    wants_focus: bool,
    search: Option<Search>,
    /// The number of the match that is shown, from 0.
    current: usize,
    /// The match comes into view when it is known.
    scrolls: bool,
    /// The text that was looked for last in what a running task prints.
    live_text: String,
}

/// How much was found.
#[derive(Clone, Copy)]
struct FoundSoFar {
    count: usize,
    done: bool,
    has_more: bool,
}

/// What was found in the newest lines of a running task.
pub struct LiveMarks {
    /// The number of the line, and the place in it.
    places: Vec<(usize, Range<usize>)>,
    current: usize,
    /// The line to bring into view.
    pub scroll_to: Option<usize>,
}

impl LiveMarks {
    /// A line with its marks.
    pub fn line_job(&self, ui: &Ui, line: usize, text: &str) -> LayoutJob {
        let from = self.places.partition_point(|(of, _)| *of < line);
        let to = self.places.partition_point(|(of, _)| *of <= line);
        let places: Vec<Range<usize>> = self.places[from..to].iter().map(|(_, place)| place.clone()).collect();
        let current = self.current.checked_sub(from).filter(|current| *current < places.len());
        marked(ui, text.as_bytes(), &places, current)
    }
}

/// A search with what it is of.
struct Search {
    of: (u64, u64, u32, StreamName, String),
    find: Find,
}

/// What was found, for the lines that are drawn.
pub struct Marks<'a> {
    find: &'a Find,
    current: usize,
    /// The byte to bring into view.
    pub scroll_to: Option<usize>,
}

impl FindBar {
    /// Opens the bar and gives it the focus.
    pub fn open(&mut self) {
        self.open = true;
        self.wants_focus = true;
    }

    /// Opens the bar with a text that is known to be in the output.
    pub fn open_with(&mut self, text: &str) {
        self.open = true;
        text.clone_into(&mut self.text);
    }

    /// Closes the bar; true if it was open.
    pub fn close(&mut self) -> bool {
        self.search = None;
        std::mem::take(&mut self.open)
    }

    /// Draws the bar over the output of an attempt.
    pub fn show_ui(&mut self, ui: &mut Ui, session: &Session, record: &AttemptRecord, stream: StreamName) {
        if !self.open {
            return;
        }
        self.refresh(session, record, stream);
        let found = self.search.as_ref().map(|search| {
            let found = search.find.found();
            FoundSoFar { count: found.places.len(), done: found.done, has_more: found.has_more() }
        });
        self.bar_ui(ui, found);
        if self.search.as_ref().is_some_and(|search| !search.find.found().done) {
            ui.ctx().request_repaint_after(LOOK_INTERVAL);
        }
    }

    /// Draws the bar over the newest lines of a running task; returns what is found in them, or `None` where nothing is
    /// looked for.
    pub fn show_live_ui(&mut self, ui: &mut Ui, lines: &VecDeque<LiveLine>) -> Option<LiveMarks> {
        if !self.open {
            return None;
        }
        let needle = Needle::new(&self.text);
        let found: Option<Vec<(usize, Range<usize>)>> = needle.map(|needle| {
            let of_line = |(line, text): (usize, &LiveLine)| {
                needle.find_all(text.text.as_bytes()).map(|place| (line, place)).collect::<Vec<_>>()
            };
            lines.iter().enumerate().flat_map(of_line).take(MAX_LIVE_MATCHES).collect()
        });
        let state = found.as_ref().map(|found| FoundSoFar {
            count: found.len(),
            done: true,
            has_more: found.len() == MAX_LIVE_MATCHES,
        });
        // Another text begins with its newest match.
        if self.live_text != self.text {
            self.live_text.clone_from(&self.text);
            self.current = state.map_or(0, |state| state.count.saturating_sub(1));
            self.scrolls = true;
        }
        self.bar_ui(ui, state);
        let places = found?;
        let scroll_to = places.get(self.current).map(|(line, _)| *line).filter(|_| std::mem::take(&mut self.scrolls));
        Some(LiveMarks { places, current: self.current, scroll_to })
    }

    fn bar_ui(&mut self, ui: &mut Ui, found: Option<FoundSoFar>) {
        let count = found.map_or(0, |found| found.count);
        ui.horizontal(|ui| {
            let field = line_edit(&mut self.text).hint_text("Find in this output").desired_width(22.0 * theme::UNIT);
            let field = ui.add(field).accessible_name("Find in this output");
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if std::mem::take(&mut self.wants_focus) || entered {
                field.request_focus();
            }
            let back = ui.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::F3));
            let on = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F3));
            let backwards = ui.input(|input| input.modifiers.shift);
            let previous = small_icon_button(ui, ICON_KEYBOARD_ARROW_UP, "Previous match (Shift+Enter)").clicked();
            let next = small_icon_button(ui, ICON_KEYBOARD_ARROW_DOWN, "Next match (Enter)").clicked();
            if previous || back || (entered && backwards) {
                self.step(-1, count);
            } else if next || on || entered {
                self.step(1, count);
            }
            let words = RichText::new(self.words(found)).color(theme::palette(ui).text_weak);
            ui.label(words);
            if small_icon_button(ui, ICON_CLOSE, "Close the search (Esc)").clicked() {
                self.close();
            }
        });
    }

    fn refresh(&mut self, session: &Session, record: &AttemptRecord, stream: StreamName) {
        let run = session.run.current().map_or(0, |run| run.serial);
        let of = (run, record.task.0, record.attempt, stream, self.text.clone());
        if self.search.as_ref().is_some_and(|search| search.of == of) {
            return;
        }
        let find = Needle::new(&self.text).and_then(|needle| session.find(record, stream, needle));
        self.search = find.map(|find| Search { of, find });
        self.current = 0;
        self.scrolls = true;
    }

    fn step(&mut self, by: i64, count: usize) {
        if count > 0 {
            self.current = (self.current as i64 + by).rem_euclid(count as i64) as usize;
            self.scrolls = true;
        }
    }

    /// `3 of 17`.
    fn words(&self, found: Option<FoundSoFar>) -> String {
        let Some(FoundSoFar { count, done, has_more }) = found else { return String::new() };
        let more = if has_more { "+" } else { "" };
        let current = (self.current + 1).min(count) as u64;
        match (count, done) {
            (0, true) => "not found".to_owned(),
            (0, false) => "searching…".to_owned(),
            (_, true) => format!("{} of {}{more}", format::count(current), format::count(count as u64)),
            (_, false) => format!("{current} of {} so far", format::count(count as u64)),
        }
    }

    /// The marks in the output; the match to bring into view is handed out once.
    pub fn marks(&mut self) -> Option<Marks<'_>> {
        let find = &self.search.as_ref().filter(|_| self.open)?.find;
        let place = find.found().places.get(self.current).map(|place| place.start);
        let scroll_to = place.filter(|_| std::mem::take(&mut self.scrolls));
        Some(Marks { find, current: self.current, scroll_to })
    }
}

impl Marks<'_> {
    /// A line with its marks; `at` is its place among the bytes that were kept of the stream.
    pub fn line_job(&self, ui: &Ui, line: &[u8], at: usize) -> LayoutJob {
        let found = self.find.found();
        let numbers = found.within(at..at + line.len());
        let places = found.places.get(numbers.clone()).unwrap_or_default();
        let current = numbers.clone().position(|number| number == self.current);
        let inside = |place: &Range<usize>| place.start.saturating_sub(at)..(place.end - at).min(line.len());
        let places: Vec<Range<usize>> = places.iter().map(inside).collect();
        marked(ui, line, &places, current)
    }
}

/// A line in which places are marked, one of them as the current one. A very long line is shown around that.
pub fn marked(ui: &Ui, line: &[u8], places: &[Range<usize>], current: Option<usize>) -> LayoutJob {
    let palette = theme::palette(ui);
    let font = TextStyle::Monospace.resolve(ui.style());
    let format = |color, background| TextFormat { background, ..TextFormat::simple(font.clone(), color) };
    let plain = format(palette.text, egui::Color32::TRANSPARENT);
    let mut job = LayoutJob::default();
    let from = first_shown(line, current.and_then(|current| places.get(current)).map_or(0, |place| place.start));
    let to = line.len().min(from + LINE_BYTES);
    if from > 0 {
        job.append("… ", 0.0, plain.clone());
    }
    let mut at = from;
    for (number, place) in places.iter().enumerate() {
        let (start, end) = (place.start.clamp(at, to), place.end.clamp(at, to));
        job.append(&sanitize::line(&line[at..start]), 0.0, plain.clone());
        let look = if current == Some(number) {
            format(palette.on_accent, palette.accent)
        } else {
            format(palette.text_strong, palette.selected)
        };
        job.append(&sanitize::line(&line[start..end]), 0.0, look);
        at = end;
    }
    job.append(&sanitize::line(&line[at..to]), 0.0, plain.clone());
    if to < line.len() {
        let hidden = format!(" … {} more", format::bytes((line.len() - to) as u64));
        job.append(&hidden, 0.0, plain);
    }
    job
}

/// The first byte that is shown of a line, so that the byte `wanted` is shown.
fn first_shown(line: &[u8], wanted: usize) -> usize {
    if wanted + BEFORE_MATCH < LINE_BYTES {
        return 0;
    }
    let from = wanted - BEFORE_MATCH;
    // Not inside a character.
    (from..wanted).find(|at| line[*at] & 0b1100_0000 != 0b1000_0000).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_ui<T>(look: impl Fn(&Ui) -> T) -> T {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut seen = None;
        let mut drawn = ctx.run_ui(egui::RawInput::default(), |ui| seen = Some(look(ui)));
        drawn.textures_delta.clear();
        seen.expect("it was drawn")
    }

    #[test]
    fn a_long_line_is_shown_around_the_match() {
        let mut line = vec![b'.'; 100_000];
        line[90_000..90_004].copy_from_slice(b"HERE");
        let job = with_ui(|ui| marked(ui, &line, std::slice::from_ref(&(90_000..90_004)), Some(0)));
        assert!(job.text.starts_with("… ....") && job.text.contains("HERE"), "{}", &job.text[..20]);
        assert!(job.text.len() < LINE_BYTES + 100 && job.text.ends_with(" more"));
        let start = with_ui(|ui| marked(ui, &line, &[], None)).text;
        assert!(start.starts_with("....") && !start.contains("HERE"));
    }

    #[test]
    fn marks_have_no_effect_on_what_stands_there() {
        let job = with_ui(|ui| marked(ui, b"a\x1b[31mred\x1b[0m\xff", std::slice::from_ref(&(6..9)), None));
        assert_eq!(job.text, "a^[[31mred^[[0m\u{fffd}");
        assert_eq!(job.sections.len(), 3);
    }
}
