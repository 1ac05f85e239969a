//! What a search asks of columns: words such as `exit:3`, `lane:2` and `wall:>2s`, beside the text to look for.

use fanlane_core::event::OutcomeClass;
use fanlane_core::job::{amount, duration};

/// The columns that words can name, with an example each.
pub const COLUMN_EXAMPLES: [(&str, &str); 14] = [
    ("command:", "command:resize"),
    ("input:", "input:holiday"),
    ("output:", "output:\"not found\""),
    ("value:", "value:27"),
    ("outcome:", "outcome:failed"),
    ("exit:", "exit:3, exit:>0, exit:SIGSEGV"),
    ("task:", "task:7, task:>100"),
    ("lane:", "lane:2"),
    ("tries:", "tries:>1"),
    ("start:", "start:>2s"),
    ("wall:", "wall:>1.5s"),
    ("cpu:", "cpu:<10ms"),
    ("memory:", "memory:>100M"),
    ("\"…\"", "\"lane:2\" as text"),
];

/// A search, word by word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchWords {
    /// The text to look for.
    pub text: String,
    /// What columns have to be.
    pub columns: Vec<ColumnWord>,
    /// What is wrong with a word, which is ignored.
    pub mistake: Option<String>,
}

/// What a column has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnWord {
    /// A text in this column.
    Text(TextColumn, String),
    /// This outcome.
    Outcome(OutcomeClass),
    /// An exit code.
    Exit(Compared),
    /// A signal, by its name.
    Signal(String),
    /// A number.
    Number(NumberColumn, Compared),
}

/// A column of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextColumn {
    /// The command line, or the call with its argument.
    Command,
    /// The values of the inputs.
    Input,
    /// What was printed.
    Output,
    /// What a call returned.
    Value,
}

/// A column of numbers; times are in nanoseconds, sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberColumn {
    /// The task's number, from 1.
    Task,
    /// The lane, from 1.
    Lane,
    /// Number of attempts.
    Tries,
    /// Start time.
    Start,
    /// Wall time.
    Wall,
    /// CPU time.
    Cpu,
    /// Peak memory.
    Memory,
}

/// A number to compare with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    how: std::cmp::Ordering,
    number: f64,
}

impl Compared {
    /// Whether a number is so. Two numbers are equal if they are the same number of whole units.
    pub fn is_met_by(self, number: f64) -> bool {
        number.partial_cmp(&self.number) == Some(self.how)
    }
}

impl SearchWords {
    /// Reads a search. A word in quotation marks is text, whatever it looks like.
    pub fn parse(text: &str) -> Self {
        let mut words = Self::default();
        let mut rest: Vec<String> = Vec::new();
        for word in split(text) {
            match column_word(&word) {
                Some(Ok(column)) => words.columns.push(column),
                Some(Err(mistake)) => words.mistake = Some(mistake),
                None => rest.push(word.text),
            }
        }
        words.text = rest.concat().trim().to_owned();
        words
    }

    /// Nothing is asked.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty() && self.columns.is_empty()
    }
}

/// A word, or blanks between words.
struct Word {
    /// As text: without the quotation marks that keep it from being read as a word about a column.
    text: String,
    /// The column before it and what it shall be; `None` for text.
    column: Option<(String, String)>,
}

fn split(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(first) = letters.peek().copied() {
        let (mut bare, mut whole) = (String::new(), String::new());
        if first.is_whitespace() {
            while let Some(letter) = letters.next_if(|letter| letter.is_whitespace()) {
                bare.push(letter);
            }
            words.push(Word { text: bare, column: None });
            continue;
        }
        let mut name = None;
        let mut quoted = false;
        let mut was_quoted = false;
        while let Some(letter) = letters.next_if(|letter| quoted || !letter.is_whitespace()) {
            whole.push(letter);
            match letter {
                '"' => {
                    quoted = !quoted;
                    was_quoted = true;
                }
                ':' if name.is_none() && !was_quoted => name = Some(std::mem::take(&mut bare)),
                letter => bare.push(letter),
            }
        }
        let column = name.map(|name| (name, bare.clone()));
        let is_shielded = whole.starts_with('"') && bare.split_once(':').is_some_and(|(name, _)| is_name(name));
        words.push(Word { text: if is_shielded { bare } else { whole }, column });
    }
    // Blanks beside a word about a column belong to that.
    let is_column = |word: &Word| word.column.as_ref().is_some_and(|(name, _)| is_name(name));
    let mut kept: Vec<Word> = Vec::new();
    for word in words {
        let follows_column = kept.last().is_some_and(is_column);
        if !(follows_column && word.column.is_none() && word.text.trim().is_empty()) {
            kept.push(word);
        }
    }
    kept
}

fn is_name(name: &str) -> bool {
    COLUMN_EXAMPLES.iter().any(|(known, _)| known.strip_suffix(':') == Some(&*name.to_lowercase()))
}

/// What a word says of a column; `None`: it is text.
fn column_word(word: &Word) -> Option<Result<ColumnWord, String>> {
    let (name, value) = word.column.as_ref().filter(|(name, _)| is_name(name))?;
    let name = name.to_lowercase();
    // While it is being typed it asks for nothing.
    if value.trim_matches(['<', '>', '=']).is_empty() {
        return Some(Ok(ColumnWord::Text(TextColumn::Command, String::new())));
    }
    let text = |column| Ok(ColumnWord::Text(column, value.clone()));
    let secs = |text: &str| duration::parse(text).ok().map(|time| time.secs * 1e9);
    let plain = |text: &str| text.replace(',', "").parse::<u32>().ok().map(f64::from);
    let number = |column, read: &dyn Fn(&str) -> Option<f64>, example: &str| {
        let compared = compared(value, read).map(|compared| ColumnWord::Number(column, compared));
        compared.ok_or_else(|| format!("{name}: expected for example {example}, and not \u{201c}{value}\u{201d}"))
    };
    Some(match &*name {
        "command" => text(TextColumn::Command),
        "input" => text(TextColumn::Input),
        "output" => text(TextColumn::Output),
        "value" => text(TextColumn::Value),
        "outcome" => outcome(value),
        "exit" => Ok(match compared(value, &plain) {
            Some(compared) => ColumnWord::Exit(compared),
            None => ColumnWord::Signal(value.to_uppercase()),
        }),
        "task" => number(NumberColumn::Task, &|text| text.replace(',', "").parse().ok(), "task:7 or task:>100"),
        "lane" => number(NumberColumn::Lane, &plain, "lane:2"),
        "tries" => number(NumberColumn::Tries, &plain, "tries:>1"),
        "start" => number(NumberColumn::Start, &secs, "start:>2s"),
        "wall" => number(NumberColumn::Wall, &secs, "wall:>1.5s"),
        "cpu" => number(NumberColumn::Cpu, &secs, "cpu:<10ms"),
        _ => {
            number(NumberColumn::Memory, &|text| amount::parse_size(text).ok().map(|size| size as f64), "memory:>100M")
        }
    })
}

fn outcome(value: &str) -> Result<ColumnWord, String> {
    let wanted = value.to_lowercase().replace(['-', '_'], " ");
    let found = OutcomeClass::ALL.into_iter().find(|class| class.name().starts_with(&wanted));
    found.map(ColumnWord::Outcome).ok_or_else(|| {
        let names = OutcomeClass::ALL.map(OutcomeClass::name).join(", ");
        format!("outcome: expected one of {names}, and not \u{201c}{value}\u{201d}")
    })
}

fn compared(value: &str, read: &dyn Fn(&str) -> Option<f64>) -> Option<Compared> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (how, number) = match value.split_at_checked(1) {
        Some((">", rest)) => (Greater, rest),
        Some(("<", rest)) => (Less, rest),
        Some(("=", rest)) => (Equal, rest),
        _ => (Equal, value),
    };
    Some(Compared { how, number: read(number)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_columns_are_told_from_text() {
        let table: [(&str, &str, usize, bool); 12] = [
            ("boom on", "boom on", 0, false),
            ("exit:3 boom  on", "boom  on", 1, false),
            ("boom exit:3", "boom", 1, false),
            ("lane:2 wall:>1.5s memory:<10M", "", 3, false),
            ("\"lane:2\"", "lane:2", 0, false),
            ("http://x say \"hi\"", "http://x say \"hi\"", 0, false),
            ("outcome:timed-out", "", 1, false),
            ("outcome:blue", "", 0, true),
            ("wall:>soon x", "x", 0, true),
            ("output:\"not found\" y", "y", 1, false),
            ("exit:SIGSEGV", "", 1, false),
            ("wall:>", "", 1, false),
        ];
        for (text, rest, columns, is_mistake) in table {
            let words = SearchWords::parse(text);
            assert_eq!(
                (&*words.text, words.columns.len(), words.mistake.is_some()),
                (rest, columns, is_mistake),
                "{text}"
            );
        }
        let output = SearchWords::parse("output:\"not found\"");
        assert_eq!(output.columns, [ColumnWord::Text(TextColumn::Output, "not found".to_owned())]);
        let ColumnWord::Number(NumberColumn::Wall, wall) = SearchWords::parse("wall:>1.5s").columns[0] else {
            panic!("a wall time")
        };
        assert!(wall.is_met_by(1.6e9) && !wall.is_met_by(1.4e9));
    }

    #[test]
    fn every_column_that_is_offered_has_an_example_that_is_understood() {
        for (name, examples) in COLUMN_EXAMPLES.iter().take(COLUMN_EXAMPLES.len() - 1) {
            for example in examples.split(", ") {
                let words = SearchWords::parse(example);
                assert!(example.starts_with(name) && words.columns.len() == 1 && words.mistake.is_none(), "{example}");
            }
        }
    }
}
