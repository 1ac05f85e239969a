//! From pieces and columns to a command line for each task. This is on the way of every task, so nothing is allocated
//! here beyond the growth of the buffer that the caller hands in.

use bstr::{BStr, BString};

use super::form::Form;
use super::{Piece, TemplateError};
use crate::job::quote::quote_into;

/// Room for a value that is a number, so that it can be written without an allocation.
pub type Digits = itoa::Buffer;

/// The values of one task.
pub trait Values {
    /// How many there are.
    fn count(&self) -> usize;

    /// The value at `index`, below [`Values::count`]; a number is written into `digits`.
    fn value<'a>(&'a self, index: usize, digits: &'a mut Digits) -> &'a [u8];
}

impl Values for [&BStr] {
    fn count(&self) -> usize {
        self.len()
    }

    fn value<'a>(&'a self, index: usize, _digits: &'a mut Digits) -> &'a [u8] {
        self[index]
    }
}

/// A template bound to the columns of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// All literal text, one stretch after the other.
    text: Vec<u8>,
    steps: Vec<Step>,
    /// How many values each task has.
    values: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Text { start: usize, end: usize },
    Number,
    Value { index: usize, form: Form },
    All(Form),
}

impl CommandLine {
    /// Appends the command line of task `number` (1 for the first) to `out`.
    ///
    /// # Panics
    /// When there are fewer values than the template was bound to.
    pub fn expand_into<V: Values + ?Sized>(&self, number: u64, values: &V, out: &mut Vec<u8>) {
        let mut digits = Digits::new();
        for step in &self.steps {
            match *step {
                Step::Text { start, end } => out.extend_from_slice(&self.text[start..end]),
                Step::Number => out.extend_from_slice(digits.format(number).as_bytes()),
                Step::Value { index, form } => quote_into(form.of(values.value(index, &mut digits)), out),
                Step::All(form) => {
                    for index in 0..self.values {
                        if index > 0 {
                            out.push(b' ');
                        }
                        quote_into(form.of(values.value(index, &mut digits)), out);
                    }
                }
            }
        }
    }

    /// The command line of task `number` (1 for the first).
    ///
    /// # Panics
    /// When there are fewer values than the template was bound to.
    pub fn expand(&self, number: u64, values: &[&BStr]) -> BString {
        let mut line = Vec::new();
        self.expand_into(number, values, &mut line);
        line.into()
    }

    fn push_text(&mut self, text: &str) {
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

pub(super) fn bind(pieces: &[Piece], columns: &[String]) -> Result<CommandLine, TemplateError> {
    let mut line = CommandLine { text: Vec::new(), steps: Vec::new(), values: columns.len() };
    let mut replaces = false;
    for piece in pieces {
        let step = match piece {
            Piece::Text(text) => {
                line.push_text(text);
                continue;
            }
            Piece::Number => Step::Number,
            Piece::All(form) => Step::All(*form),
            Piece::At { position, form, column } => {
                let index = index_of(*position, columns.len()).ok_or(TemplateError::NoSuchValue {
                    column: *column,
                    position: *position,
                    given: columns.len(),
                })?;
                Step::Value { index, form: *form }
            }
            Piece::Braced(inside) => match column_called(inside, columns) {
                Some((index, form)) => Step::Value { index, form },
                None => {
                    line.push_text(&format!("{{{inside}}}"));
                    continue;
                }
            },
        };
        replaces = true;
        line.steps.push(step);
    }
    if !replaces && !columns.is_empty() {
        line.push_text(" ");
        line.steps.push(Step::All(Form::Whole));
    }
    Ok(line)
}

fn index_of(position: i64, count: usize) -> Option<usize> {
    let size = usize::try_from(position.unsigned_abs()).ok()?;
    if size > count {
        return None;
    }
    Some(if position < 0 { count - size } else { size - 1 })
}

fn column_called(inside: &str, columns: &[String]) -> Option<(usize, Form)> {
    let find = |name: &str| columns.iter().position(|column| column == name);
    if let Some(index) = find(inside) {
        return Some((index, Form::Whole));
    }
    let (name, form) = Form::split(inside);
    find(name).map(|index| (index, form))
}
