//! Separates the command from its inputs: `CMD... ::: A B :::+ C D :::: FILE`. Nothing is opened here.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use bstr::ByteSlice;

use fanlane_core::job::inputs::TableFormat;
use fanlane_core::job::template::{ShorthandError, Shorthands};

/// A command with its inputs, as they stand on the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct AdHoc {
    /// The command's words; `{}` where there is none, since then the inputs are commands.
    pub command: Vec<OsString>,
    /// The sources in their order; empty where none was named.
    pub sources: Vec<Source>,
}

/// One source of inputs.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// It is walked side by side with the source before it.
    pub linked: bool,
    /// Where its values come from.
    pub values: Values,
}

/// Where values come from.
#[derive(Debug, PartialEq, Eq)]
pub enum Values {
    /// The words themselves.
    Words(Vec<OsString>),
    /// The lines of a file.
    Lines(PathBuf),
    /// The lines of standard input.
    Stdin,
    /// The rows of a table.
    Table {
        /// The file; `None`: standard input.
        file: Option<PathBuf>,
        /// What it is written in.
        format: TableFormat,
        /// What separates its columns; `None`: it is recognised.
        separator: Option<char>,
    },
}

impl Values {
    const fn reads_stdin(&self) -> bool {
        matches!(self, Self::Stdin | Self::Table { file: None, .. })
    }
}

/// Words that cannot be separated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourcesError {
    /// `:::+` as the first.
    #[error("'{0}' links its values to those before it, and there are none; begin with ':::' or '::::'")]
    LinkedToNothing(String),
    /// `::::` without a file.
    #[error("'{0}' names no file; give the files whose lines are the inputs after it, or - for standard input")]
    NoFile(String),
    /// `-I` and `{}` in one command.
    #[error(
        "where '{text}' stands for {braces}, the braces {braces} in the command are text, which no command here can have; write only \
         one of the two"
    )]
    BracesAreText {
        /// What stands for them.
        text: String,
        /// The replacement string.
        braces: &'static str,
    },
    /// A replacement string that is left out.
    #[error(transparent)]
    Shorthand(#[from] ShorthandError),
    /// `--link` with a file.
    #[error(
        "--link begins the shorter sources again, and how long a file is is not known; write ::::+ in place of it, which ends with the shortest"
    )]
    LinkedFile,
    /// Standard input named twice.
    #[error("standard input can be read only once; name it with one '-'")]
    StdinTwice,
}

/// The words that begin a source.
#[derive(Clone, Copy, Debug)]
pub struct Markers<'a> {
    /// Before values.
    pub values: &'a str,
    /// Before files.
    pub files: &'a str,
}

impl Default for Markers<'_> {
    fn default() -> Self {
        Self { values: ":::", files: "::::" }
    }
}

impl Markers<'_> {
    /// Whether `word` begins a source.
    pub fn has(&self, word: &OsStr) -> bool {
        self.read(word).is_some()
    }

    /// Whether the source that `word` begins consists of files, and whether it is linked; `None` if it begins none.
    fn read(&self, word: &OsStr) -> Option<(bool, bool)> {
        let word = word.to_str()?;
        let of = |marker: &str| {
            let behind = word.strip_prefix(marker).filter(|_| !marker.is_empty())?;
            matches!(behind, "" | "+").then_some(behind == "+")
        };
        of(self.files).map(|linked| (true, linked)).or_else(|| of(self.values).map(|linked| (false, linked)))
    }
}

/// Splits the words after the options. `sources` stand in front of those that the words name.
///
/// # Errors
/// When a file is missing, a source is linked to none, or standard input is named twice.
pub fn split(mut sources: Vec<Source>, words: &[OsString], markers: &Markers<'_>) -> Result<AdHoc, SourcesError> {
    let is_marker = |word: &OsString| markers.has(word);
    let first = words.iter().position(is_marker).unwrap_or(words.len());
    let (command, mut rest) = words.split_at(first);
    while let Some((text, (of_files, linked), after)) =
        rest.split_first().and_then(|(word, after)| Some((word.display().to_string(), markers.read(word)?, after)))
    {
        if linked && sources.is_empty() {
            return Err(SourcesError::LinkedToNothing(text));
        }
        let end = after.iter().position(is_marker).unwrap_or(after.len());
        let (own, next) = after.split_at(end);
        if !of_files {
            sources.push(Source { linked, values: Values::Words(own.to_vec()) });
        } else if own.is_empty() {
            return Err(SourcesError::NoFile(text));
        } else {
            // As in GNU parallel, each file is a source of its own.
            sources.extend(own.iter().map(|file| Source { linked, values: lines_of(file) }));
        }
        rest = next;
    }
    if sources.iter().filter(|source| source.values.reads_stdin()).count() > 1 {
        return Err(SourcesError::StdinTwice);
    }
    let command = if command.is_empty() { vec![OsString::from("{}")] } else { command.to_vec() };
    Ok(AdHoc { command, sources })
}

/// The words of a command in which other texts stand for replacement strings: these in their place. Words between the ends of
/// an expression are one. What is no text is told later.
///
/// # Errors
/// When the command holds such a replacement string as well, which would be text, or one that is left out.
pub fn with_braces(
    command: &[OsString],
    names: &[(&str, &'static str)],
    shorthands: &Shorthands,
) -> Result<Vec<OsString>, SourcesError> {
    let mut words: Vec<OsString> = Vec::with_capacity(command.len());
    for word in command {
        match words.last_mut().filter(|last| last.to_str().is_some_and(|last| shorthands.is_open(last))) {
            Some(last) => last.push(OsString::from_vec([b" ", word.as_bytes()].concat())),
            None => words.push(word.clone()),
        }
    }
    let names = || names.iter().filter(|(text, braces)| text != braces);
    let replaced = |word: OsString| match names().find(|(_, braces)| word.as_bytes().contains_str(braces)) {
        Some((text, braces)) => Err(SourcesError::BracesAreText { text: (*text).to_owned(), braces }),
        None => match word.to_str() {
            Some(text) => Ok(shorthands.applied(text)?.into()),
            None => Ok(word),
        },
    };
    words.into_iter().map(replaced).collect()
}

/// Leaves out words that are blank. Blank lines of files stay: whether a line is blank is not known before it is read.
pub fn leave_out_blank(sources: &mut [Source]) {
    for source in sources {
        if let Values::Words(words) = &mut source.values {
            words.retain(|word| !word.as_bytes().trim_ascii().is_empty());
        }
    }
}

/// Links all sources, and begins the shorter ones again until the longest ends, as GNU parallel does with `--link`. With a header
/// the first word of each is the name of its column, which does not come again.
///
/// # Errors
/// When the length of a source is not known.
pub fn link(sources: &mut [Source], has_header: bool) -> Result<(), SourcesError> {
    let mut lists: Vec<&mut Vec<OsString>> = Vec::new();
    let is_alone = sources.len() < 2;
    for (place, source) in sources.iter_mut().enumerate() {
        source.linked = place > 0;
        match &mut source.values {
            Values::Words(words) => lists.push(words),
            _ if is_alone => return Ok(()),
            _ => return Err(SourcesError::LinkedFile),
        }
    }
    let longest = lists.iter().map(|words| words.len()).max().unwrap_or_default();
    let names = usize::from(has_header);
    for words in lists.into_iter().filter(|words| words.len() > names) {
        let values = words[names..].to_vec();
        words.extend(values.iter().cycle().take(longest - words.len()).cloned());
    }
    Ok(())
}

/// The lines of a file, or of standard input.
pub fn lines_of(file: &OsStr) -> Values {
    if file == "-" { Values::Stdin } else { Values::Lines(file.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_text(text: &str) -> Result<AdHoc, SourcesError> {
        split(Vec::new(), &text.split_whitespace().map(OsString::from).collect::<Vec<_>>(), &Markers::default())
    }

    /// The sources in short: `A,B` words, `<file` lines, `<-` standard input, `+` in front where linked.
    fn in_short(text: &str) -> String {
        let ad_hoc = split_text(text).expect(text);
        let sources = ad_hoc.sources.iter().map(|source| {
            let link = if source.linked { "+" } else { "" };
            match &source.values {
                Values::Words(words) => format!("{link}{}", words.join(OsStr::new(",")).display()),
                Values::Lines(file) => format!("{link}<{}", file.display()),
                Values::Stdin => format!("{link}<-"),
                Values::Table { .. } => unreachable!("words name no table"),
            }
        });
        format!("{}|{}", ad_hoc.command.join(OsStr::new(" ")).display(), sources.collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn the_forms_of_parallel_are_told_apart() {
        let cases = [
            ("echo {} ::: a b", "echo {}|a,b"),
            ("echo ::: a b ::: c d", "echo|a,b|c,d"),
            ("echo ::: a b :::+ c d", "echo|a,b|+c,d"),
            ("echo :::: f", "echo|<f"),
            ("echo :::: f g", "echo|<f|<g"),
            ("echo ::: a ::::+ f -", "echo|a|+<f|+<-"),
            ("echo :::: -", "echo|<-"),
            ("echo", "echo|"),
            ("cut -d: -f1 --json ::: a", "cut -d: -f1 --json|a"),
            ("echo :: ::: :: :::::", "echo ::|::,:::::"),
            ("echo ::: -j 4", "echo|-j,4"),
            ("::: a b", "{}|a,b"),
            ("", "{}|"),
        ];
        for (words, expected) in cases {
            assert_eq!(in_short(words), expected, "{words}");
        }
        assert_eq!(split_text("echo :::").expect("no values").sources[0].values, Values::Words(Vec::new()));
    }

    #[test]
    fn words_without_meaning_are_refused() {
        let cases = [
            ("echo :::+ a", SourcesError::LinkedToNothing(":::+".to_owned())),
            ("echo ::::+ f", SourcesError::LinkedToNothing("::::+".to_owned())),
            ("echo ::::", SourcesError::NoFile("::::".to_owned())),
            ("echo ::: a ::::+ ::: b", SourcesError::NoFile("::::+".to_owned())),
            ("echo :::: - -", SourcesError::StdinTwice),
        ];
        for (words, expected) in cases {
            assert_eq!(split_text(words).expect_err(words), expected, "{words}");
        }
    }
}
