//! Where in a command line a shell would read a quoted word instead of taking it as one: within quotes, comments, arithmetic,
//! backquotes and here-documents. What is in doubt counts as such a place, because a value that is refused harms nothing.

use crate::job::shell::Quoting;

use super::Piece;

/// What encloses a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enclosure {
    Single,
    Double,
    /// `$'…'`.
    AnsiC,
    /// `(…)`, `$(…)`, `<(…)`: within it words are read as outside.
    Parentheses,
    /// `((…))` and `$((…))`, with the number of parentheses that are open.
    Arithmetic(usize),
    /// `$[…]`.
    OldArithmetic,
    /// `${…}`.
    Expansion,
    Backquotes,
    Comment,
}

impl Enclosure {
    /// Its name in a message; `None`: a quoted word is a word there.
    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Parentheses => return None,
            Self::Single => "single quotes",
            Self::Double => "double quotes",
            Self::AnsiC => "$'…'",
            Self::Arithmetic(_) => "$((…))",
            Self::OldArithmetic => "$[…]",
            Self::Expansion => "${…}",
            Self::Backquotes => "backquotes",
            Self::Comment => "a comment",
        })
    }
}

/// Where a quoted value would not be one word for a shell, and its text could be run: behind these pieces of the author.
pub(super) fn unsafe_place(before: &[Piece], quoting: Quoting) -> Option<&'static str> {
    let mut place = ShellPlace::new(quoting);
    for piece in before {
        match piece {
            Piece::Text(text) => place.read(text),
            _ => place.read_word(),
        }
    }
    place.name()
}

/// The place behind the text that was read so far.
struct ShellPlace {
    quoting: Quoting,
    around: Vec<Enclosure>,
    /// The character before; `None`: the beginning.
    last: Option<char>,
    is_escaped: bool,
    /// What makes everything behind it doubtful.
    doubt: Option<&'static str>,
}

impl ShellPlace {
    const fn new(quoting: Quoting) -> Self {
        Self { quoting, around: Vec::new(), last: None, is_escaped: false, doubt: None }
    }

    fn name(&self) -> Option<&'static str> {
        // In a command substitution within double quotes, words are read as outside.
        let around = self.around.last().and_then(|innermost| innermost.name());
        let backquotes = self.around.contains(&Enclosure::Backquotes).then_some("backquotes");
        self.doubt.or(around).or(backquotes).or(self.is_escaped.then_some("an escape, behind a backslash"))
    }

    /// Reads a value in the place of a replacement string, which is a part of a word.
    const fn read_word(&mut self) {
        self.is_escaped = false;
        self.last = Some('x');
    }

    fn read(&mut self, text: &str) {
        for (at, letter) in text.char_indices() {
            self.read_letter(letter, &text[at..]);
            self.last = Some(letter);
        }
    }

    fn read_letter(&mut self, letter: char, rest: &str) {
        let innermost = self.around.last().copied();
        if std::mem::take(&mut self.is_escaped) {
            let is_quote = letter == '\'' || letter == '"';
            // A shell that takes the backslash as it is ends the quotes here.
            if is_quote && matches!(innermost, Some(Enclosure::AnsiC | Enclosure::Single)) {
                self.doubt = Some("quotes with a backslash before a quote");
            }
            if is_quote && innermost == Some(Enclosure::Double) && self.quoting == Quoting::Csh {
                self.doubt = Some("quotes with a backslash before a quote");
            }
            return;
        }
        match innermost {
            Some(Enclosure::Comment) if letter == '\n' => drop(self.around.pop()),
            Some(Enclosure::Comment) => {}
            Some(Enclosure::Single) if self.quoting == Quoting::Fish && letter == '\\' => self.is_escaped = true,
            Some(Enclosure::AnsiC) if letter == '\\' => self.is_escaped = true,
            Some(Enclosure::Single | Enclosure::AnsiC) if letter == '\'' => drop(self.around.pop()),
            Some(Enclosure::Single | Enclosure::AnsiC) => {}
            _ if letter == '\\' => self.is_escaped = true,
            Some(Enclosure::Double) => self.read_in_double_quotes(letter, rest),
            _ => self.read_outside_quotes(letter, rest, innermost),
        }
    }

    fn read_in_double_quotes(&mut self, letter: char, rest: &str) {
        match letter {
            '"' => drop(self.around.pop()),
            '`' => self.read_backquote(),
            '$' => self.read_dollar(rest),
            _ => {}
        }
    }

    fn read_outside_quotes(&mut self, letter: char, rest: &str, innermost: Option<Enclosure>) {
        let begins_word = self.last.is_none_or(|last| last.is_whitespace() || ";&|()".contains(last));
        match letter {
            '\'' if self.last == Some('$') && self.quoting == Quoting::Posix => self.around.push(Enclosure::AnsiC),
            // Between braces in double quotes it is a character as any other.
            '\'' if innermost == Some(Enclosure::Expansion) && self.around.contains(&Enclosure::Double) => {}
            '\'' => self.around.push(Enclosure::Single),
            '"' => self.around.push(Enclosure::Double),
            '`' => self.read_backquote(),
            '$' => self.read_dollar(rest),
            '}' if innermost == Some(Enclosure::Expansion) => drop(self.around.pop()),
            ']' if innermost == Some(Enclosure::OldArithmetic) => drop(self.around.pop()),
            '(' | ')' => self.read_parenthesis(letter, rest),
            '#' if begins_word => self.around.push(Enclosure::Comment),
            '<' if rest.starts_with("<<") && !rest.starts_with("<<<") && self.last != Some('<') => {
                self.doubt = Some("a here-document");
            }
            // The parenthesis behind a pattern would be taken for the end of the substitution.
            'c' if begins_word && is_word(rest, "case") && self.around.contains(&Enclosure::Double) => {
                self.doubt = Some("double quotes with a case command");
            }
            _ => {}
        }
    }

    fn read_dollar(&mut self, rest: &str) {
        let opened = match rest {
            _ if rest.starts_with("$((") => Enclosure::Arithmetic(0),
            _ if rest.starts_with("$(") => Enclosure::Parentheses,
            _ if rest.starts_with("${") => Enclosure::Expansion,
            _ if rest.starts_with("$[") && self.quoting == Quoting::Posix => Enclosure::OldArithmetic,
            _ => return,
        };
        self.around.push(opened);
    }

    fn read_parenthesis(&mut self, letter: char, rest: &str) {
        // The dollar sign before it has opened its enclosure.
        let is_opened = self.last == Some('$');
        match (letter, self.around.last_mut()) {
            ('(', Some(Enclosure::Arithmetic(open))) => *open += 1,
            (_, Some(Enclosure::Arithmetic(open))) => {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    self.around.pop();
                }
            }
            ('(', _) if is_opened => {}
            ('(', _) if rest.starts_with("((") => self.around.push(Enclosure::Arithmetic(1)),
            ('(', _) => self.around.push(Enclosure::Parentheses),
            (_, Some(Enclosure::Parentheses)) => drop(self.around.pop()),
            _ => {}
        }
    }

    /// Backquotes open, or end with all that was opened within them.
    fn read_backquote(&mut self) {
        if self.quoting == Quoting::Fish {
            return;
        }
        match self.around.iter().rposition(|around| *around == Enclosure::Backquotes) {
            Some(place) => self.around.truncate(place),
            None => self.around.push(Enclosure::Backquotes),
        }
    }
}

/// Whether a text begins with this word.
fn is_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, quoting: Quoting) -> Option<&'static str> {
        unsafe_place(&[Piece::Text(text.to_owned())], quoting)
    }

    #[test]
    fn a_word_is_a_word_outside_quotes_and_in_command_substitutions() {
        for text in [
            "echo ",
            "echo 'a' \"b\" ",
            "x=\"$(basename ",
            "x=\"a$(f \"$(g ",
            "echo it\\'s ",
            "echo a#b ",
            "# a comment: it's\necho ",
            "(cd a && ",
            "diff <(sort ",
            "echo ${x#y} $((1+(2))) $[3] `date` ",
            "echo $'a\\n' ",
            "case a in a) ",
            "cat <<<",
            "awk '{ print $1 }' ",
            "echo \"a)\" ",
        ] {
            assert_eq!(place(text, Quoting::Posix), None, "{text}");
        }
        assert_eq!(place("echo (basename ", Quoting::Fish), None);
        assert_eq!(place("echo 'a`b' ` ", Quoting::Fish), None);
    }

    #[test]
    fn other_places_are_named() {
        for (text, name) in [
            ("echo '", "single quotes"),
            ("echo \"it's ", "double quotes"),
            ("x=\"$(basename \"", "double quotes"),
            ("x=\"$(f a) ", "double quotes"),
            ("x=\"$(case a in a) echo \"", "double quotes with a case command"),
            ("# don't\necho '", "single quotes"),
            ("# ", "a comment"),
            ("true;# ", "a comment"),
            ("echo $'", "$'…'"),
            ("echo $'it\\'s ", "quotes with a backslash before a quote"),
            ("x=`echo ", "backquotes"),
            ("x=`echo $(", "backquotes"),
            ("echo \"`echo ", "backquotes"),
            ("cat <<E\n", "a here-document"),
            ("echo $((1+(", "$((…))"),
            ("((x=", "$((…))"),
            ("echo $[", "$[…]"),
            ("echo ${x:-", "${…}"),
            ("echo \"${x:-'", "${…}"),
            ("echo \\", "an escape, behind a backslash"),
        ] {
            assert_eq!(place(text, Quoting::Posix), Some(name), "{text}");
        }
        assert_eq!(place("echo 'it\\'s ", Quoting::Fish), Some("quotes with a backslash before a quote"));
        assert_eq!(place("echo \"a\\\" ", Quoting::Csh), Some("quotes with a backslash before a quote"));
    }
}
