//! How an imported command line reads its inputs: what ends a value, separates its columns and names them.

use crate::job::inputs::Encoding;
use crate::job::{Input, Job, escapes};

/// A draft of a job, for the options that parallel and xargs share.
pub(super) trait SharedOptions {
    /// How its inputs are read.
    fn reading(&mut self) -> &mut InputReading;
    /// Its job.
    fn job(&mut self) -> &mut Job;
}

/// `-0`
pub(super) fn null(draft: &mut impl SharedOptions, _: &str) -> Result<(), String> {
    draft.reading().separator = Some("\0".to_owned());
    Ok(())
}

/// `-d`
pub(super) fn delimiter(draft: &mut impl SharedOptions, value: &str) -> Result<(), String> {
    draft.reading().separator = Some(unescaped(value));
    Ok(())
}

/// `-E`
pub(super) fn until(draft: &mut impl SharedOptions, value: &str) -> Result<(), String> {
    draft.reading().until = Some(value.to_owned()).filter(|value| !value.is_empty());
    Ok(())
}

/// `--process-slot-var`
pub(super) fn slot_variable(draft: &mut impl SharedOptions, name: &str) -> Result<(), String> {
    draft.job().environment.insert(name.to_owned(), "{%-1}".to_owned());
    Ok(())
}

/// How inputs are read.
#[derive(Default)]
pub(super) struct InputReading {
    /// What ends each value of a file, if it is not a line end.
    pub(super) separator: Option<String>,
    /// The separator of columns.
    pub(super) columns: Option<String>,
    /// The first value names the columns.
    pub(super) header: bool,
    /// Number of values at the beginning of the first input that are left out.
    pub(super) skip: u64,
    /// The value before which a file ends.
    pub(super) until: Option<String>,
}

impl InputReading {
    /// The input, read in this way. As in parallel, only the first of all loses what is skipped.
    pub(super) fn of(&mut self, input: Input) -> Input {
        if let Input::Linked(inputs) = input {
            return Input::Linked(inputs.into_iter().map(|input| self.of(input)).collect());
        }
        let skip = std::mem::take(&mut self.skip);
        let is_plain = self.separator.is_none() && skip == 0 && self.until.is_none();
        let records = |file| Input::Records {
            file,
            separator: self.separator.clone().unwrap_or_else(|| "\n".to_owned()),
            encoding: Encoding::default(),
            skip,
            until: self.until.clone(),
        };
        let input = match input {
            input if is_plain => input,
            Input::Stdin => records(None),
            Input::Lines(file) => records(Some(file)),
            Input::List(values) => {
                let ends = |value: &String| self.until.as_ref() != Some(value);
                Input::List(values.into_iter().skip(usize::from(skip > 0)).take_while(ends).collect())
            }
            Input::Range(first, last) => self.part_of_range(first.saturating_add(i64::from(skip > 0)), last),
            input => input,
        };
        let has_columns = self.columns.is_some() || self.header;
        match input {
            Input::Range(..) => input,
            input if has_columns => Input::Columns {
                from: Box::new(input),
                separator: self.columns.clone(),
                header: self.header,
                // As parallel does unless it is told otherwise.
                trim: self.columns.is_some(),
            },
            input => input,
        }
    }

    /// Whether values at the beginning or the end are left out.
    pub(super) const fn leaves_out(&self) -> bool {
        self.skip > 0 || self.until.is_some()
    }

    /// The numbers before the one that ends the input.
    fn part_of_range(&self, first: i64, last: i64) -> Input {
        let is_end = |end: &i64| (first..=last).contains(end) && self.until.as_ref() == Some(&end.to_string());
        let end = self.until.as_ref().and_then(|until| until.parse().ok()).filter(is_end);
        let last = end.map_or(last, |end| end - 1);
        if first > last { Input::List(Vec::new()) } else { Input::Range(first, last) }
    }
}

/// A text with escapes, as parallel reads it; one with an unknown escape is taken literally.
pub(super) fn unescaped(text: &str) -> String {
    escapes::unescape(text).unwrap_or_else(|_| text.to_owned())
}
