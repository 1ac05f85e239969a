//! Command templates: parsed once, bound to the columns of a job's inputs once, expanded for every task.
//!
//! The replacement strings are GNU parallel's: `{}` `{.}` `{/}` `{//}` `{/.}` for all values of a task, the same with a
//! position (`{1}`, `{2/.}`, `{-1}` from the end) or a column's name (`{photo}`, `{photo/.}`) in front of the form, `{#}`
//! for the task's number, `{%}` for the slot it runs in, and `{%-1}` for the slot counted from 0. A number may be padded as
//! printf pads it: `{#:%04d}`, `{1:%3d}`. An [expression] changes a value first: `{= s/a/b/ =}`, `{=2 s/a/b/ =}`.
//! Braces around anything else are text, so that `awk '{print $1}'` needs no escape.
//!
//! How a value is put in depends on the reader of the result, see [`Reader`]. For a shell each value is
//! [quoted](crate::job::quote), wherever it stands: also between quotes that the template has itself. But where the
//! template's first word holds a replacement string, the values are commands, and none of them is quoted.
//!
//! `{@name}` stands for the value of a parameter of the job, with the same forms and formats. It is a word of its own wherever
//! it stands, also where the values are commands.
//!
//! Where this is stricter than parallel, it is so because a mistake would run wrong commands: a position that no input
//! gives is an error instead of nothing, as are `{0}`, blanks within (`{1 }`) and expressions that are not known here.

mod bind;
mod expand;
mod expression;
mod fault;
mod fill;
mod form;
mod number;
mod parse;
mod repeat;
mod shell_place;
mod shorthand;
mod words;

use std::sync::Arc;

use super::parameter::fill::ParameterValues;
use super::shell::Quoting;
pub use bind::NumberUse;
pub use expand::{CommandLine, Digits, TaskPlace, Values, WrittenAs};
use expression::Expression;
pub use fault::TemplateError;
use form::Form;
pub use number::{NumberFormat, is_whole_number};
pub use shorthand::{ShorthandError, Shorthands};

/// A command line, or another text, with replacement strings; parsed but not yet bound to columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    reader: Reader,
    pieces: Vec<Piece>,
    /// A word with `{}` in it is written once for each value.
    repeats_words: bool,
}

/// The reader of what a template expands to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A shell: values are quoted as it reads them, unless they are the command.
    Shell(Quoting),
    /// A program that is started without a shell: words with a NUL byte between them, values as they are.
    Program,
    /// No program: values as they are.
    Text,
}

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Goes into the command line as it is.
    Text(String),
    /// `{#}`.
    Number(NumberFormat),
    /// `{%}`.
    Slot(NumberFormat),
    /// `{%-1}`.
    SlotFromZero(NumberFormat),
    /// Every value of the task, with blanks between them: `{}`, `{/.}`, `{= s/a/b/ =}`.
    All(Part),
    /// One value by its position, 1 for the first, -1 for the last: `{2}`, `{2/.}`, `{2:%03d}`.
    At { position: i64, part: Part, column: usize },
    /// The value of the column of that name: `{=photo s/a/b/ =}`.
    Named { name: String, part: Part, column: usize },
    /// Braces around something else: a column's name, or text if no column is called so.
    Braced { inside: String, column: usize },
    /// The end of a word for a program.
    NextWord,
}

/// The part of a value that is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A stretch of its bytes.
    Form(Form),
    /// The whole number that it must be.
    Number(NumberFormat),
    /// What an expression makes of it.
    Computed(Arc<Expression>),
}

impl Template {
    /// Parses a command line for `sh` and its kin.
    ///
    /// # Errors
    /// When it is blank or holds what cannot be replaced; see [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_for(text, Quoting::Posix)
    }

    /// Parses a command line for a shell that reads quotes in this way.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_for(text: &str, quoting: Quoting) -> Result<Self, TemplateError> {
        parse::refuse_blank(text)?;
        parse::parse(text).map(|pieces| Self::of(Reader::Shell(quoting), pieces))
    }

    /// Parses a command line for a program that is started without a shell. It is split into words as a shell splits
    /// them, with `'`, `"` and `\`; nothing else has a meaning, so `$HOME`, `*`, `;` and `#` are text.
    ///
    /// # Errors
    /// As [`Template::parse`], and when a quote is not closed or the first word is empty.
    pub fn parse_words(text: &str) -> Result<Self, TemplateError> {
        parse::refuse_blank(text)?;
        // A blank within braces parts words, so what is wrong about it must be seen before.
        parse::parse(text)?;
        let mut pieces = Vec::new();
        for (index, word) in words::split(text)?.into_iter().enumerate() {
            if index > 0 {
                pieces.push(Piece::NextWord);
            } else if word.text.is_empty() {
                return Err(TemplateError::EmptyProgram { column: words::column(text, word.start) });
            }
            pieces.extend(parse::parse_part(&word.text, &|byte| words::column(text, word.origin(byte)))?);
        }
        Ok(Self::of(Reader::Program, pieces))
    }

    /// Parses a text that is given to a task as it is, such as the value of an environment variable. It may be empty.
    ///
    /// # Errors
    /// When it holds what cannot be replaced; see [`TemplateError`].
    pub fn parse_text(text: &str) -> Result<Self, TemplateError> {
        parse::parse(text).map(|pieces| Self::of(Reader::Text, pieces))
    }

    /// The template with the values of the job's parameters in place of `{@name}`. Without parameters these stay text.
    ///
    /// # Errors
    /// [`TemplateError::Parameter`] and [`TemplateError::NotWhole`].
    pub(in crate::job) fn filled(self, values: &ParameterValues) -> Result<Self, TemplateError> {
        if values.is_empty() {
            return Ok(self);
        }
        Ok(Self { pieces: fill::fill(self.reader, &self.pieces, values)?, ..self })
    }

    /// Looks the names and positions up in `columns`, which has one name for each value of a task.
    ///
    /// A position wins over a column whose name is that number, and a column's whole name over a shorter name with a
    /// form. A command without any replacement string gets all values appended, as in GNU parallel.
    ///
    /// # Errors
    /// [`TemplateError::NoSuchValue`].
    pub fn bind(&self, columns: &[String]) -> Result<CommandLine, TemplateError> {
        let mut line = bind::bind(self.reader, &self.pieces, columns)?;
        if self.repeats_words {
            repeat::repeat_words(&mut line, self.reader);
        }
        Ok(line)
    }

    /// The template in which a word with `{}` in it is written once for each value of a task, as GNU parallel does with `-X`: of
    /// `x{}y` and the values 1 and 2 become the words `x1y x2y`.
    #[must_use]
    pub fn repeating_words(mut self, repeats_words: bool) -> Self {
        self.repeats_words = repeats_words;
        self
    }

    const fn of(reader: Reader, pieces: Vec<Piece>) -> Self {
        Self { reader, pieces, repeats_words: false }
    }
}

#[cfg(test)]
mod tests;
