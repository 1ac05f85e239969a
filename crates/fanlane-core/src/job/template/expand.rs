//! From steps and values to a command line for each task. This is on the way of every task, so nothing is allocated
//! here beyond the growth of the buffer that the caller hands in.

use bstr::{BStr, BString};

use super::{Expression, NumberFormat, NumberUse, Part};
use crate::job::quote::quote_for;
use crate::job::shell::Quoting;

/// Room for a value that is a number, so that it can be written without an allocation.
pub type Digits = itoa::Buffer;

/// The values of one task.
pub trait Values {
    /// How many there are.
    fn count(&self) -> usize;

    /// The value at `index`, below [`Values::count`]; a number is written into `digits`.
    fn value<'a>(&'a self, index: usize, digits: &'a mut Digits) -> &'a [u8];

    /// What is known of the type of the value at `index`.
    fn written_as(&self, _index: usize) -> WrittenAs {
        WrittenAs::Text
    }
}

/// What the source of a value says of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenAs {
    /// Nothing: it is a text, which may stand for a number.
    Text,
    /// It is a text of JSON, whatever it looks like.
    JsonText,
    /// It is another value of JSON, as it is written there.
    Json,
}

impl Values for [&BStr] {
    fn count(&self) -> usize {
        self.len()
    }

    fn value<'a>(&'a self, index: usize, _digits: &'a mut Digits) -> &'a [u8] {
        self[index]
    }
}

/// Which task, and where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskPlace {
    /// The task's number, 1 for the first: `{#}`.
    pub number: u64,
    /// The number of the lane that it runs in, 1 for the first: `{%}`.
    pub slot: u32,
    /// Number of tasks.
    pub total: u64,
}

/// A template bound to the columns of its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// All literal text, one stretch after the other.
    pub(super) text: Vec<u8>,
    pub(super) steps: Vec<Step>,
    /// How values are quoted for a shell; `None`: they are not.
    pub(super) quoting: Option<Quoting>,
    pub(super) numbers: Vec<NumberUse>,
    /// What stands between the repetitions of a word.
    pub(super) between: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Text {
        start: usize,
        end: usize,
    },
    Number(NumberFormat),
    Slot(NumberFormat),
    SlotFromZero(NumberFormat),
    Value {
        index: usize,
        part: Part,
    },
    /// The value that is so many before the end, 1 for the last.
    FromEnd {
        back: usize,
        part: Part,
    },
    All(Part),
    /// The next steps are taken once for each value, of which alone they hold the parts.
    ForEachValue {
        steps: usize,
    },
    /// Each value is a word of a program; unless these are the first words, others stand before them.
    Words {
        part: Part,
        first: bool,
    },
}

impl CommandLine {
    /// The values that must be whole numbers.
    pub fn numbers(&self) -> &[NumberUse] {
        &self.numbers
    }

    /// Appends the command line of a task to `out`. A value that the task lacks, because its group of inputs is the last
    /// and shorter than the others, is empty.
    pub fn expand_into<V: Values + ?Sized>(&self, place: TaskPlace, values: &V, out: &mut Vec<u8>) {
        let mut steps = &self.steps[..];
        while let Some((step, rest)) = steps.split_first() {
            steps = rest;
            let Step::ForEachValue { steps: count } = step else {
                self.put_step(step, None, place, values, out);
                continue;
            };
            let (repeated, rest) = steps.split_at(*count);
            steps = rest;
            // A task without values has the word once, with nothing in it.
            for index in 0..values.count().max(1) {
                if index > 0 {
                    out.push(self.between);
                }
                for step in repeated {
                    self.put_step(step, Some(index), place, values, out);
                }
            }
        }
    }

    /// Appends what a step stands for; of all values only that at `only`, if one is meant.
    fn put_step<V: Values + ?Sized>(
        &self,
        step: &Step,
        only: Option<usize>,
        place: TaskPlace,
        values: &V,
        out: &mut Vec<u8>,
    ) {
        let mut digits = Digits::new();
        match step {
            Step::Text { start, end } => out.extend_from_slice(&self.text[*start..*end]),
            Step::Number(format) => format.write(digits.format(place.number).as_bytes(), out),
            Step::Slot(format) => format.write(digits.format(place.slot).as_bytes(), out),
            Step::SlotFromZero(format) => {
                format.write(digits.format(place.slot.saturating_sub(1)).as_bytes(), out);
            }
            Step::Value { index, part } => self.put_value(*index, part, place, values, out),
            Step::FromEnd { back, part } => {
                if let Some(index) = values.count().checked_sub(*back) {
                    self.put_value(index, part, place, values, out);
                }
            }
            Step::All(part) => match only {
                Some(index) => self.put_value(index, part, place, values, out),
                None => self.put_all(part, b' ', place, values, out),
            },
            Step::Words { part, first } => {
                if !first && values.count() > 0 {
                    out.push(b'\0');
                }
                self.put_all(part, b'\0', place, values, out);
            }
            Step::ForEachValue { .. } => unreachable!("words are not repeated within words"),
        }
    }

    fn put_value<V: Values + ?Sized>(
        &self,
        index: usize,
        part: &Part,
        place: TaskPlace,
        values: &V,
        out: &mut Vec<u8>,
    ) {
        if index >= values.count() {
            return;
        }
        let mut digits = Digits::new();
        let value = values.value(index, &mut digits);
        match part {
            Part::Form(form) => self.put(form.of(value), out),
            Part::Number(format) => format.write(value, out),
            Part::Computed(expression) => {
                let computed = expression.of(value, place);
                if expression.is_unquoted() { out.extend_from_slice(&computed) } else { self.put(&computed, out) }
            }
        }
    }

    fn put_all<V: Values + ?Sized>(&self, part: &Part, between: u8, place: TaskPlace, values: &V, out: &mut Vec<u8>) {
        for index in 0..values.count() {
            if index > 0 {
                out.push(between);
            }
            self.put_value(index, part, place, values, out);
        }
    }

    fn put(&self, value: &[u8], out: &mut Vec<u8>) {
        match self.quoting {
            Some(quoting) => quote_for(quoting, value, out),
            None => out.extend_from_slice(value),
        }
    }

    /// Whether it holds `{%}`, so that it differs from lane to lane.
    pub fn uses_slot(&self) -> bool {
        let is_slot = |step: &Step| matches!(step, Step::Slot(_) | Step::SlotFromZero(_));
        self.steps.iter().any(is_slot) || self.expressions().any(Expression::uses_slot)
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.steps.iter().filter_map(|step| match step {
            Step::Value { part: Part::Computed(expression), .. }
            | Step::FromEnd { part: Part::Computed(expression), .. }
            | Step::All(Part::Computed(expression))
            | Step::Words { part: Part::Computed(expression), .. } => Some(&**expression),
            _ => None,
        })
    }

    /// The command line of a task.
    pub fn expand(&self, place: TaskPlace, values: &[&BStr]) -> BString {
        let mut line = Vec::new();
        self.expand_into(place, values, &mut line);
        line.into()
    }

    /// Whether what was bound so far ends with this character of the template's own text.
    pub(super) fn ends_with(&self, character: char) -> bool {
        matches!(self.steps.last(), Some(Step::Text { .. })) && self.text.last() == Some(&(character as u8))
    }

    /// Whether the first word holds a value. As in GNU parallel, a variable's value (`A={} cmd`) does not count.
    pub(super) fn begins_with_value(&self) -> bool {
        match self.steps.first() {
            None => false,
            Some(Step::Text { start, end }) => {
                let ends_word = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'=');
                self.steps.len() > 1 && !self.text[*start..*end].iter().any(ends_word)
            }
            Some(_) => true,
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.extend_from_slice(text.as_bytes());
        let end = self.text.len();
        if let Some(Step::Text { end: last, .. }) = self.steps.last_mut() {
            *last = end;
        } else {
            self.steps.push(Step::Text { start, end });
        }
    }
}
