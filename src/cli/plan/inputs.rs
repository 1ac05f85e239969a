//! How the inputs on the command line are read: the flags about them, and the sources they become.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{ArgAction, Args, ValueEnum};

use super::sources::{self, Source, Values};
use fanlane_core::job::inputs::{Encoding, TableFormat, ValueRules};
use fanlane_core::job::{Input, escapes};

/// The flags about inputs.
#[derive(Debug, Default, Args)]
pub struct InputArgs {
    /// Read inputs from the lines of this file (- is standard input); several are combined as with ::::
    #[arg(short = 'a', long, alias = "argfile", value_name = "FILE", action = ArgAction::Append)]
    pub arg_file: Vec<PathBuf>,
    /// Read inputs from the rows of this CSV file, whose first row names the columns: {name} (- is standard input)
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    csv: Vec<PathBuf>,
    /// Read inputs from this file of JSON lines, or of one JSON array; keys name the columns: {name} (- is standard input)
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    jsonl: Vec<PathBuf>,
    /// Encoding of the files: utf-8, utf-16, utf-16be, windows-1252 (or latin-1), bytes [default: by the byte order mark]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// Inputs in files and on standard input end with NUL bytes instead of line ends
    #[arg(short = '0', long)]
    null: bool,
    /// Inputs in files and on standard input end with this text instead of line ends; \n \t \0 \xNN are understood
    #[arg(short = 'd', long, value_name = "DELIM", conflicts_with = "null", allow_hyphen_values = true)]
    #[arg(value_parser = escapes::delimiter)]
    delimiter: Option<String>,
    /// Split each input into columns at matches of this regular expression: {1} {2} ...; with --csv the separator itself
    #[arg(short = 'C', long, alias = "col-sep", value_name = "RE", allow_hyphen_values = true)]
    colsep: Option<String>,
    /// Remove blanks at both ends of inputs, or with --colsep of columns: n no, lr yes [default: lr with --colsep]
    #[arg(long, value_name = "n|lr")]
    trim: Option<TrimArg>,
    /// The first input of each source names its columns: {name}; with --pipe and --pipe-part the first line, a number of lines or
    /// what a regular expression matches is given to each task before its block
    #[arg(long, value_name = ":")]
    header: Option<String>,
    /// Leave out the first input of the first source
    #[arg(long, alias = "skipfirstline")]
    skip_first_line: bool,
    /// End each source of inputs at one that is this text
    #[arg(short = 'E', long, short_alias = 'e', value_name = "TEXT", num_args = 0..=1, allow_hyphen_values = true)]
    eof: Option<Option<String>>,
    /// The last word is a file whose lines, but the first, are the inputs: for '#!/usr/bin/env -S fanlane run --shebang COMMAND'
    #[arg(long, alias = "hashbang")]
    pub shebang: bool,
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
            (!self.csv.is_empty(), "--csv"),
            (!self.jsonl.is_empty(), "--jsonl"),
            (self.encoding.is_some(), "--encoding"),
            (self.null, "--null"),
            (self.delimiter.is_some(), "--delimiter"),
            (self.colsep.is_some(), "--colsep"),
            (self.header.is_some(), "--header"),
            (self.trim.is_some(), "--trim"),
            (self.skip_first_line, "--skip-first-line"),
            (self.until().is_some(), "-E"),
            (self.shebang, "--shebang"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }

    /// Number of inputs of the first source that are left out.
    const fn skip(&self) -> u64 {
        (self.skip_first_line || self.shebang) as u64
    }

    /// The input that ends its source.
    fn until(&self) -> Option<&str> {
        self.eof.as_ref()?.as_deref()
    }

    /// What each block of a stream is given in front.
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// Refuses a header that only streams can have.
    ///
    /// # Errors
    /// When it is not `:`.
    pub fn check_header(&self) -> Result<()> {
        match self.header.as_deref() {
            None | Some(":") => Ok(()),
            Some(other) => {
                bail!("--header takes ':', unless a stream is cut by --pipe or --pipe-part; '{other}' has no meaning")
            }
        }
    }

    /// Whether the first input of each source names its columns.
    pub const fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// The sources that flags name, which stand before those of the words.
    pub fn sources(&self) -> Vec<Source> {
        let table = |format| move |file: &PathBuf| Values::Table { file: file_or_stdin(file), format, separator: None };
        let lines = self.arg_file.iter().map(|file| sources::lines_of(file.as_os_str()));
        let csv = self.csv.iter().map(|file| {
            let separator = TableFormat::of_path(file).and_then(|(_, separator)| separator);
            Values::Table { file: file_or_stdin(file), format: TableFormat::Csv, separator }
        });
        let values = lines.chain(csv).chain(self.jsonl.iter().map(table(TableFormat::Json)));
        values.map(|values| Source { linked: false, values }).collect()
    }

    /// The inputs of a job with these sources, and whether all of them are linked. `absolute`: files are looked up in the
    /// current folder, whatever the working folder of the tasks is. A file whose
    /// name ends in .csv, .tsv, .json or .jsonl is read as a table if `command` names one of its columns.
    ///
    /// # Errors
    /// When flags contradict each other.
    pub fn inputs(&self, sources: &[Source], absolute: bool, command: &str) -> Result<(Vec<Input>, bool)> {
        let mut groups: Vec<Vec<Input>> = Vec::new();
        for (place, source) in sources.iter().enumerate() {
            // As in GNU parallel, only the first source loses its first line.
            let skip = if place == 0 { self.skip() } else { 0 };
            let input = self.input(source, skip, absolute, command)?;
            match groups.last_mut().filter(|_| source.linked) {
                Some(group) => group.push(input),
                None => groups.push(vec![input]),
            }
        }
        if let [only] = &mut *groups {
            let linked = only.len() > 1;
            return Ok((std::mem::take(only), linked));
        }
        let joined = groups.into_iter().map(|mut group| match group.len() {
            1 => group.remove(0),
            _ => Input::Linked(group),
        });
        Ok((joined.collect(), false))
    }

    fn input(&self, source: &Source, skip: u64, absolute: bool, command: &str) -> Result<Input> {
        let path = |file: &PathBuf| {
            let found = if absolute { std::path::absolute(file).ok() } else { None };
            found.unwrap_or_else(|| file.clone())
        };
        let encoding = self.encoding.unwrap_or_default();
        let from = match &source.values {
            Values::Table { file, format, separator } => {
                let separator = match (&self.colsep, format) {
                    (Some(colsep), TableFormat::Csv) => Some(one_character(colsep)?),
                    _ => *separator,
                };
                if skip > 0 || self.until().is_some() {
                    bail!("a table is read whole, so --skip-first-line and -E have no meaning with --csv and --jsonl");
                }
                return Ok(Input::Table { file: file.as_ref().map(path), format: *format, separator, encoding });
            }
            Values::Words(words) => {
                let words: Vec<&OsString> = words
                    .iter()
                    .skip(usize::from(skip > 0))
                    .take_while(|word| self.until().is_none_or(|until| *word != until))
                    .collect();
                let texts: Option<Vec<String>> = words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
                texts.map_or_else(
                    || Input::Bytes(words.iter().map(|word| word.as_bytes().into()).collect()),
                    Input::List,
                )
            }
            Values::Lines(file) if self.reads_lines_plainly() && names_column_of(command, file, encoding) => {
                let (format, separator) = TableFormat::of_path(file).unwrap_or((TableFormat::Csv, None));
                return Ok(Input::Table { file: Some(path(file)), format, separator, encoding });
            }
            Values::Lines(file) => self.records(Some(path(file)), skip, encoding),
            Values::Stdin => self.records(None, skip, encoding),
        };
        if self.colsep.is_none() && self.header.is_none() && self.trim.is_none() {
            return Ok(from);
        }
        Ok(Input::Columns {
            from: Box::new(from),
            // As in GNU parallel a header without --colsep has tabs between its names.
            separator: self.colsep.clone().or_else(|| self.header.as_ref().map(|_| "\\t".to_owned())),
            header: self.header.is_some(),
            trim: self.trim.map_or(self.colsep.is_some(), |trim| trim != TrimArg::N),
        })
    }

    /// Lines, or what else the separator ends.
    fn records(&self, file: Option<PathBuf>, skip: u64, encoding: Encoding) -> Input {
        let separator = if self.null { Some("\0".to_owned()) } else { self.delimiter.clone() };
        let until = self.until().map(str::to_owned);
        let is_plain = encoding == Encoding::default() && skip == 0 && until.is_none();
        match (separator, file) {
            (None, Some(file)) if is_plain => Input::Lines(file),
            (None, None) if is_plain => Input::Stdin,
            (separator, file) => {
                let separator = separator.unwrap_or_else(|| "\n".to_owned());
                Input::Records { file, separator, encoding, skip, until }
            }
        }
    }

    /// Whether no flag says how lines are read.
    fn reads_lines_plainly(&self) -> bool {
        let is_given = self.null || self.delimiter.is_some() || self.colsep.is_some() || self.header.is_some();
        !is_given && self.trim.is_none() && self.skip() == 0 && self.until().is_none()
    }
}

/// The separator of CSV, which is no regular expression.
fn one_character(colsep: &str) -> Result<char> {
    let plain = escapes::unescape(colsep).unwrap_or_else(|_| colsep.to_owned());
    let plain = if plain.len() > 1 { plain.trim_start_matches('\\').to_owned() } else { plain };
    let mut letters = plain.chars();
    match (letters.next(), letters.next()) {
        (Some(separator), None) => Ok(separator),
        _ => bail!("the columns of --csv are separated by one character, such as --colsep ';'; '{colsep}' is none"),
    }
}

/// Whether the command names a column of this file, which is a table by its name's ending. A file that cannot be read is told
/// later.
fn names_column_of(command: &str, file: &Path, encoding: Encoding) -> bool {
    let Some((format, separator)) = TableFormat::of_path(file).filter(|_| command.contains('{')) else {
        return false;
    };
    let table = Input::Table { file: Some(file.to_owned()), format, separator, encoding };
    let read = table.open(Path::new("."), &mut std::io::empty(), ValueRules::TEXTS);
    let names = read.iter().flatten().flat_map(|source| source.names());
    names.filter(|name| !name.is_empty()).any(|name| {
        let ends = ["}", ".}", "/}", "//}", "/.}", ":"];
        ends.iter().any(|end| command.contains(&format!("{{{name}{end}")))
    })
}

fn file_or_stdin(file: &Path) -> Option<PathBuf> {
    (file != Path::new("-")).then(|| file.to_owned())
}
