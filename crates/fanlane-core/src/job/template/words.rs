//! Splitting a command line into words as a shell splits it, for a program that is started without one. Each word
//! knows where its bytes stood, so that a fault in it can be shown there.

use super::TemplateError;

/// A word without its quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    /// The byte of the line that the word begins at, with its quote if it begins with one.
    pub start: usize,
    /// For each byte of the text, the byte of the line that it stood at.
    origins: Vec<usize>,
}

impl Word {
    /// Where a byte of the text stood in the line.
    pub(super) fn origin(&self, byte: usize) -> usize {
        self.origins.get(byte).copied().unwrap_or(self.start)
    }

    fn push(&mut self, character: char, at: usize) {
        self.text.push(character);
        self.origins.resize(self.text.len(), at);
    }
}

/// The column of a byte of the line.
pub(super) fn column(line: &str, byte: usize) -> usize {
    line[..byte].chars().count() + 1
}

pub(super) fn split(line: &str) -> Result<Vec<Word>, TemplateError> {
    let mut words: Vec<Word> = Vec::new();
    let mut word: Option<Word> = None;
    let mut rest = line.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        if matches!(character, ' ' | '\t' | '\n') {
            words.extend(word.take());
            continue;
        }
        let lone = || TemplateError::LoneBackslash { column: column(line, at) };
        if character == '\\' && rest.peek().is_some_and(|(_, next)| *next == '\n') {
            // The line goes on.
            rest.next();
            continue;
        }
        let word = word.get_or_insert_with(|| Word { text: String::new(), start: at, origins: Vec::new() });
        match character {
            '\\' => {
                let (at, escaped) = rest.next().ok_or_else(lone)?;
                word.push(escaped, at);
            }
            '\'' | '"' => loop {
                let open = || TemplateError::OpenQuote { column: column(line, at), quote: character };
                match rest.next().ok_or_else(open)? {
                    (_, end) if end == character => break,
                    (at, '\\') if character == '"' => match rest.peek().copied() {
                        Some((_, '\n')) => drop(rest.next()),
                        Some((at, escaped @ ('$' | '`' | '"' | '\\'))) => {
                            rest.next();
                            word.push(escaped, at);
                        }
                        _ => word.push('\\', at),
                    },
                    (at, quoted) => word.push(quoted, at),
                }
            },
            plain => word.push(plain, at),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Lines in which a shell has nothing to do but to split them.
    const LINES: [&str; 10] = [
        "a b  c\td",
        "'a b' \"c d\" e\\ f",
        "a'b'\"c\"\\d",
        "'' \"\" x",
        "\"a\\\"b\\$c\\`d\\\\e\\f\"",
        "'a\\b' \"it's\" 'say \"x\"'",
        "a\\\nb \"c\\\nd\" 'e\\\nf'",
        "\\é 'é' \"ü\"",
        "a \\\n b",
        "-- -n = a=b %x @y",
    ];

    #[test]
    fn words_are_those_of_a_shell() {
        for line in LINES {
            let words = split(line).expect(line);
            let printed = Command::new("/bin/sh").args(["-c", &format!("printf '%s\\0' {line}")]).output().expect("sh");
            let expected: Vec<&[u8]> = printed.stdout.split(|byte| *byte == 0).collect();
            let found: Vec<&[u8]> = words.iter().map(|word| word.text.as_bytes()).chain([&b""[..]]).collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn what_only_a_shell_would_act_on_is_text() {
        let words: Vec<String> = split("a;b $x *.c #d ~ `e` >f").expect("words").into_iter().map(|w| w.text).collect();
        assert_eq!(words, ["a;b", "$x", "*.c", "#d", "~", "`e`", ">f"]);
    }

    #[test]
    fn a_byte_of_a_word_knows_where_it_stood() {
        let line = "é 'a b'\\ {x}";
        let words = split(line).expect("words");
        let at = words[1].text.find('{').expect("it is there");
        assert_eq!(column(line, words[1].origin(at)), 10);
        assert_eq!(column(line, words[1].start), 3);
    }

    #[test]
    fn what_is_not_closed_is_a_fault() {
        for (line, fault) in [
            ("é 'a", TemplateError::OpenQuote { column: 3, quote: '\'' }),
            ("a \"b\\\"", TemplateError::OpenQuote { column: 3, quote: '"' }),
            ("a b\\", TemplateError::LoneBackslash { column: 4 }),
        ] {
            assert_eq!(split(line), Err(fault), "{line}");
        }
    }
}
