//! How the inputs on the command line are read: the flags about them, and the sources they become.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use super::sources::{Source, Values};
use fanlane_core::job::{Input, escapes};

/// The flags about inputs.
#[derive(Debug, Default, Args)]
pub struct InputArgs {
    /// Read inputs from the lines of this file (- is standard input); several are combined as with ::::
    #[arg(short = 'a', long, value_name = "FILE", action = ArgAction::Append)]
    pub arg_file: Vec<PathBuf>,
    /// Inputs in files and on standard input end with NUL bytes instead of line ends
    #[arg(short = '0', long)]
    null: bool,
    /// Inputs in files and on standard input end with this text instead of line ends; \n \t \0 \xNN are understood
    #[arg(short = 'd', long, value_name = "DELIM", conflicts_with = "null", allow_hyphen_values = true)]
    #[arg(value_parser = escapes::delimiter)]
    delimiter: Option<String>,
    /// Split each input into columns at matches of this regular expression: {1} {2} ...
    #[arg(short = 'C', long, value_name = "RE", allow_hyphen_values = true)]
    colsep: Option<String>,
    /// Remove blanks at both ends of inputs, or with --colsep of columns: n no, lr yes [default: lr with --colsep]
    #[arg(long, value_name = "n|lr")]
    trim: Option<TrimArg>,
    /// The first input of each source names its columns: {name}
    #[arg(long, value_name = ":", value_parser = [":"])]
    header: Option<String>,
}

/// Whether blanks at the ends of inputs are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TrimArg {
    /// They stay.
    N,
    /// They are removed.
    #[value(alias = "rl")]
    Lr,
}

impl InputArgs {
    /// The first flag that was given, for a job that has its own inputs.
    pub fn first_given(&self) -> Option<&'static str> {
        let flags = [
            (!self.arg_file.is_empty(), "--arg-file"),
            (self.null, "--null"),
            (self.delimiter.is_some(), "--delimiter"),
            (self.colsep.is_some(), "--colsep"),
            (self.header.is_some(), "--header"),
            (self.trim.is_some(), "--trim"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }

    /// The inputs of a job with these sources, and whether all of them are linked. `absolute`: files are looked up in the
    /// current folder, whatever the working folder of the tasks is.
    pub fn inputs(&self, sources: &[Source], absolute: bool) -> (Vec<Input>, bool) {
        let mut groups: Vec<Vec<Input>> = Vec::new();
        for source in sources {
            let input = self.input(source, absolute);
            match groups.last_mut().filter(|_| source.linked) {
                Some(group) => group.push(input),
                None => groups.push(vec![input]),
            }
        }
        if let [only] = &mut *groups {
            let linked = only.len() > 1;
            return (std::mem::take(only), linked);
        }
        let joined = groups.into_iter().map(|mut group| match group.len() {
            1 => group.remove(0),
            _ => Input::Linked(group),
        });
        (joined.collect(), false)
    }

    fn input(&self, source: &Source, absolute: bool) -> Input {
        let separator =
            if self.null { Some("\0".to_owned()) } else { self.delimiter.clone().filter(|text| text != "\n") };
        let path = |file: &PathBuf| {
            let found = if absolute { std::path::absolute(file).ok() } else { None };
            found.unwrap_or_else(|| file.clone())
        };
        let from = match (&source.values, separator) {
            (Values::Stdin, None) => Input::Stdin,
            (Values::Lines(file), None) => Input::Lines(path(file)),
            (Values::Stdin, Some(separator)) => Input::Records { file: None, separator },
            (Values::Lines(file), Some(separator)) => Input::Records { file: Some(path(file)), separator },
            (Values::Words(words), _) => {
                let texts: Option<Vec<String>> = words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
                texts.map_or_else(
                    || Input::Bytes(words.iter().map(|word| word.as_bytes().into()).collect()),
                    Input::List,
                )
            }
        };
        if self.colsep.is_none() && self.header.is_none() && self.trim.is_none() {
            return from;
        }
        Input::Columns {
            from: Box::new(from),
            separator: self.colsep.clone(),
            header: self.header.is_some(),
            trim: self.trim.map_or(self.colsep.is_some(), |trim| trim != TrimArg::N),
        }
    }
}
