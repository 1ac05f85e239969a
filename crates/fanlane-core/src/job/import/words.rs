//! A command line split into words as a shell splits it. What a shell would expand is only noted.

use super::ImportError;

/// One word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The word without its quotes.
    pub text: String,
    /// A shell would expand it to names of files.
    pub pattern: bool,
    /// The variables and commands in it that a shell would expand; they stand in the text as they are.
    pub expanded: bool,
    /// Not a word but an operator between commands: `|`, `;`, `&`, `<`, `>` and the like.
    pub operator: bool,
}

impl Word {
    /// A word that a shell has already expanded.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// Splits a command line into words.
///
/// # Errors
/// [`ImportError::OpenQuote`].
pub fn shell_words(line: &str) -> Result<Vec<Word>, ImportError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut characters = line.chars().enumerate().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '|' | ';' | '&' | '<' | '>' => {
                words.extend(word.take());
                let mut operator = Word { text: character.to_string(), operator: true, ..Word::default() };
                while let Some((_, next)) = characters.next_if(|(_, next)| "|;&<>".contains(*next)) {
                    operator.text.push(next);
                }
                words.push(operator);
            }
            '\\' => match characters.next() {
                Some((_, '\n')) => {}
                Some((_, escaped)) => word.get_or_insert_default().text.push(escaped),
                None => word.get_or_insert_default().text.push('\\'),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some((_, '\'')) => break,
                        Some((_, inside)) => word.text.push(inside),
                        None => return Err(ImportError::OpenQuote { column: at + 1 }),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some((_, '"')) => break,
                        Some((_, '\\')) => match characters.next() {
                            Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => word.text.push(escaped),
                            Some((_, '\n')) => {}
                            Some((_, other)) => word.text.extend(['\\', other]),
                            None => return Err(ImportError::OpenQuote { column: at + 1 }),
                        },
                        Some((_, inside)) => {
                            word.expanded |= matches!(inside, '$' | '`');
                            word.text.push(inside);
                        }
                        None => return Err(ImportError::OpenQuote { column: at + 1 }),
                    }
                }
            }
            other => {
                let word = word.get_or_insert_default();
                word.expanded |= matches!(other, '$' | '`');
                word.pattern |= matches!(other, '*' | '?' | '[');
                word.text.push(other);
            }
        }
    }
    words.extend(word);
    Ok(words)
}
