//! A command line split into words as a shell splits it. What a shell would expand is only noted.

use super::ImportError;

/// One word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The word without its quotes.
    pub text: String,
    /// A shell would expand it to names of files.
    pub pattern: bool,
    /// The same as a pattern of names, in which what was quoted has no meaning.
    pub glob: String,
    /// A shell would make several words of it: `{a,b}`, `{1..3}`.
    pub braces: bool,
    /// The variables, commands and home folders in it that a shell would expand; they stand in the text as they are.
    pub expanded: bool,
    /// Not a word but an operator between commands: `|`, `;`, `&`, `<`, `>` and the like.
    pub operator: bool,
}

impl Word {
    /// A word that a shell has already expanded.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What a shell would have expanded, it has not.
    pub const fn would_be_expanded(&self) -> bool {
        self.expanded || self.pattern || self.braces
    }

    /// Adds a character that quotes have kept from any meaning.
    fn push_quoted(&mut self, character: char) {
        self.text.push(character);
        self.glob += &glob::Pattern::escape(character.encode_utf8(&mut [0; 4]));
    }

    /// Adds a character outside of quotes.
    fn push_plain(&mut self, character: char) {
        self.expanded |= matches!(character, '$' | '`') || (character == '~' && self.text.is_empty());
        self.pattern |= matches!(character, '*' | '?' | '[');
        let character_of_glob = match character {
            // What is no character of the set.
            '^' if self.glob.ends_with('[') => '!',
            // To a shell two stars are one.
            '*' if self.glob.ends_with('*') => return self.text.push(character),
            other => other,
        };
        self.text.push(character);
        self.glob.push(character_of_glob);
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
            '#' if word.is_none() => while characters.next_if(|(_, next)| *next != '\n').is_some() {},
            '|' | ';' | '&' | '<' | '>' => {
                // The number of a descriptor belongs to its redirection.
                let is_number = |word: &Word| word.glob.bytes().all(|byte| byte.is_ascii_digit());
                let number = word.take_if(|word| "<>".contains(character) && is_number(word));
                words.extend(word.take());
                let text = number.map_or_else(String::new, |number| number.text) + &character.to_string();
                let mut operator = Word { text, operator: true, ..Word::default() };
                while let Some((_, next)) = characters.next_if(|(_, next)| "|;&<>".contains(*next)) {
                    operator.text.push(next);
                }
                words.push(operator);
            }
            '\\' => match characters.next() {
                Some((_, '\n')) => {}
                Some((_, escaped)) => word.get_or_insert_default().push_quoted(escaped),
                None => word.get_or_insert_default().push_quoted('\\'),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some((_, '\'')) => break,
                        Some((_, inside)) => word.push_quoted(inside),
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
                            Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => word.push_quoted(escaped),
                            Some((_, '\n')) => {}
                            Some((_, other)) => ['\\', other].into_iter().for_each(|one| word.push_quoted(one)),
                            None => return Err(ImportError::OpenQuote { column: at + 1 }),
                        },
                        Some((_, inside)) => {
                            word.expanded |= matches!(inside, '$' | '`');
                            word.push_quoted(inside);
                        }
                        None => return Err(ImportError::OpenQuote { column: at + 1 }),
                    }
                }
            }
            other => {
                let word = word.get_or_insert_default();
                if other == '{' {
                    let rest = characters.clone().map(|(_, next)| next).take_while(|next| !next.is_whitespace());
                    let inside: String = rest.take_while(|next| *next != '}').collect();
                    word.braces |= inside.contains(',') || inside.contains("..");
                }
                word.push_plain(other);
            }
        }
    }
    words.extend(word);
    Ok(words)
}
