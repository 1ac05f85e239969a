//! What tasks are called in lanes and rows: their inputs, without what all of them have in common.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use egui::Ui;
use egui::cache::{ComputerMut, FrameCache};

use crate::ui::sanitize;
use fanlane_core::event::TaskId;
use fanlane_core::job::Batch;

/// Number of tasks that are compared.
const MAX_COMPARED: u64 = 64;
/// Maximum length of a name, in characters: more than a bar has room for.
const MAX_CHARS: usize = 200;

/// What the inputs of a batch begin and end with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    head: String,
    tail: String,
    /// Bytes in which all inputs begin and end alike, in the middle of a word or not.
    same: (usize, usize),
}

/// The names of a batch's tasks, kept as long as they are asked for in each frame.
pub fn names_of(ui: &Ui, batch: &Batch) -> Arc<Names> {
    ui.memory_mut(|memory| Arc::clone(memory.caches.cache::<FrameCache<Arc<Names>, Computer>>().get(ByAddress(batch))))
}

/// Makes them.
#[derive(Default)]
struct Computer;

impl ComputerMut<ByAddress<'_>, Arc<Names>> for Computer {
    fn compute(&mut self, ByAddress(batch): ByAddress<'_>) -> Arc<Names> {
        Arc::new(Names::of(batch))
    }
}

/// A batch, told from others by where it is and how long.
#[derive(Clone, Copy)]
struct ByAddress<'a>(&'a Batch);

impl Hash for ByAddress<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
        self.0.len().hash(state);
    }
}

impl Names {
    /// Compares some tasks of a batch.
    pub fn of(batch: &Batch) -> Self {
        let count = batch.len().min(MAX_COMPARED);
        if count < 2 {
            return Self::default();
        }
        let texts: Vec<String> =
            (0..count).map(|place| inputs(batch, TaskId(place * (batch.len() - 1) / (count - 1)))).collect();
        Self::common(&texts)
    }

    fn common(texts: &[String]) -> Self {
        let Some((first, others)) = texts.split_first() else { return Self::default() };
        // Cut where a folder or a word ends: half a word is no name.
        let ends = |char: char| char == '/' || char.is_whitespace();
        let same = |one: &str, other: &str| {
            one.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>()
        };
        let same_head = others.iter().map(|other| same(first, other)).min().unwrap_or(0);
        let head = same_head;
        let head = first[..head].rfind(ends).map_or(0, |at| at + first[at..].chars().next().map_or(1, char::len_utf8));
        // What belongs to the head is no part of the tail.
        let backwards = |text: &str| text[same_head.min(text.len())..].chars().rev().collect::<String>();
        let turned = backwards(first);
        let same_tail = others.iter().map(|other| same(&turned, &backwards(other))).min().unwrap_or(0);
        let end = &first[first.len() - same_tail..];
        let tail = end.find(ends).map_or("", |at| &end[at..]);
        Self { head: first[..head].to_owned(), tail: tail.to_owned(), same: (same_head, same_tail) }
    }

    /// The name of a task; empty where it has no input of its own.
    pub fn name(&self, batch: &Batch, task: TaskId) -> String {
        let text = inputs(batch, task);
        self.cut(&text).chars().take(MAX_CHARS).collect()
    }

    /// The part of a task's input that differs from task to task, with the whole of a number that it begins or ends in; empty
    /// if that is not known.
    pub fn short_name(&self, batch: &Batch, task: TaskId) -> String {
        self.core(&inputs(batch, task)).to_owned()
    }

    fn core<'a>(&self, text: &'a str) -> &'a str {
        let (head, tail) = self.same;
        let Some(core) = text.get(head..text.len().saturating_sub(tail)).filter(|core| !core.is_empty()) else {
            return "";
        };
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let before = if core.starts_with(|c: char| c.is_ascii_digit()) {
            text[..head].bytes().rev().take_while(u8::is_ascii_digit).count()
        } else {
            0
        };
        let behind = if core.ends_with(|c: char| c.is_ascii_digit()) { digits(&text[text.len() - tail..]) } else { 0 };
        &text[head - before..text.len() - tail + behind]
    }

    fn cut<'a>(&self, text: &'a str) -> &'a str {
        let text = text.strip_prefix(&*self.head).unwrap_or(text);
        text.strip_suffix(&*self.tail).unwrap_or(text)
    }
}

/// The values of a task, with blanks between them, without the names of those that it waits for.
fn inputs(batch: &Batch, task: TaskId) -> String {
    if task.0 >= batch.len() {
        return String::new();
    }
    // What a task waits for is no part of its name.
    let after = batch.job().control.after.as_ref().map(|after| after.after.as_str());
    let values = batch.values(task);
    let own = batch.columns().iter().zip(&values).filter(|(column, _)| Some(column.as_str()) != after);
    let texts: Vec<String> = own.map(|(_, value)| sanitize::line(value)).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_inputs_have_in_common_is_left_out_up_to_the_end_of_a_word() {
        for (texts, names) in [
            (&["photos/a-1.jpg", "photos/a-2.jpg"][..], &["a-1.jpg", "a-2.jpg"][..]),
            (&["/in/1/x.txt", "/in/2/x.txt"], &["1", "2"]),
            (&["1", "12"], &["1", "12"]),
            (&["a b 1 c", "a b 2 c"], &["1", "2"]),
            (&["same", "same"], &["same", "same"]),
            (&["é/a", "é/b", "è/a"], &["é/a", "é/b", "è/a"]),
            (&["x/x/x", "x/x"], &["x/x", "x"]),
        ] {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let found = Names::common(&texts);
            let cut: Vec<&str> = texts.iter().map(|text| found.cut(text)).collect();
            assert_eq!(cut, names, "{found:?}");
        }
    }

    #[test]
    fn the_shortest_name_is_what_differs_with_whole_numbers() {
        for (texts, cores) in [
            (&["in/holiday-0017.jpg", "in/holiday-0019.jpg"][..], &["0017", "0019"][..]),
            (&["a1x", "a2x"], &["1", "2"]),
            (&["101", "201"], &["101", "201"]),
            (&["alpha.txt", "beta.txt"], &["alph", "bet"]),
            (&["same", "same"], &["", ""]),
        ] {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let found = Names::common(&texts);
            let short: Vec<&str> = texts.iter().map(|text| found.core(text)).collect();
            assert_eq!(short, cores, "{found:?}");
        }
        let found = Names { head: String::new(), tail: String::new(), same: (5, 5) };
        assert_eq!([found.core("é"), found.core("12345é12345")], ["", "é"], "never in the middle of a character");
    }

    #[test]
    fn a_task_that_was_not_compared_keeps_what_it_does_not_share() {
        let names = Names { head: "photos/".to_owned(), tail: "/raw".to_owned(), same: (7, 4) };
        assert_eq!([names.cut("photos/7/raw"), names.cut("other/7")], ["7", "other/7"]);
    }
}
