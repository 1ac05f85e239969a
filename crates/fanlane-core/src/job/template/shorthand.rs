//! Other texts in place of replacement strings: `-I ,` of GNU parallel makes `,` stand for `{}`, `--plus` and `--rpl` make short
//! texts stand for expressions. They are put in before the template is read, so that a job says what it means by itself.

mod plus;

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::expression::{Delimited, Expression, end_of_statement};
use plus::{PLUS, REFUSED};

/// Texts that stand for replacement strings in a command.
#[derive(Clone, Debug)]
pub struct Shorthands {
    /// The longest text first.
    all: Vec<Shorthand>,
    /// What opens and closes an expression.
    parens: (String, String),
}

/// Why a text cannot stand for an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShorthandError {
    /// `--rpl '{x}'`.
    #[error("'{0}' names no expression; write for example --rpl '{{..}} s:\\.[^/.]*$::'")]
    NoExpression(String),
    /// An expression that is not known.
    #[error("'{shorthand}' cannot be used: {reason}")]
    Unknown {
        /// The text that stands for it.
        shorthand: String,
        /// What is not known.
        reason: String,
    },
    /// The text in front is no regular expression.
    #[error("'{0}' cannot be used: the groups in it are no regular expression")]
    BadGroups(String),
    /// A replacement string of `--plus` that does nothing here.
    #[error("{written} of --plus is left out: {reason}")]
    LeftOut {
        /// As it is written.
        written: String,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// `--parens` of an odd number of characters.
    #[error("'{0}' has no two halves; write what opens and what closes an expression, each as long: --parens '<==>'")]
    NoHalves(String),
}

#[derive(Clone, Debug)]
struct Shorthand {
    /// As it is written.
    written: String,
    /// With a group `at` for a position, where it begins with a brace.
    pattern: Regex,
    becomes: Becomes,
}

#[derive(Clone, Debug)]
enum Becomes {
    /// A replacement string.
    Braces(&'static str),
    /// An expression, with `$$1` for what the first group found.
    Expression(String),
    /// Nothing: it is refused.
    Refused(&'static str),
}

impl Default for Shorthands {
    fn default() -> Self {
        Self { all: Vec::new(), parens: ("{=".to_owned(), "=}".to_owned()) }
    }
}

impl Shorthands {
    /// Whether they change nothing.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.parens.0 == "{="
    }

    /// Whether an expression begins in `text` and does not end there.
    pub fn is_open(&self, text: &str) -> bool {
        let (left, right) = &self.parens;
        let last = text.rfind(left).map(|start| &text[start + left.len()..]);
        last.is_some_and(|inside| !inside.contains(right))
    }

    /// Makes a text stand for a replacement string. An empty text stands for nothing.
    pub fn name(&mut self, text: &str, braces: &'static str) {
        if !text.is_empty() {
            let pattern = Regex::new(&format!("(?P<at>x{{0}})?{}", regex::escape(text)))
                .expect("an escaped text is a regular expression");
            self.add(Shorthand { written: text.to_owned(), pattern, becomes: Becomes::Braces(braces) });
        }
    }

    /// Adds the replacement strings of `--plus`.
    pub fn plus(&mut self) {
        static ALL: LazyLock<Vec<Shorthand>> = LazyLock::new(|| {
            let known =
                PLUS.iter().map(|(written, expression)| (written, Becomes::Expression((*expression).to_owned())));
            let refused = REFUSED.iter().map(|(written, reason)| (written, Becomes::Refused(reason)));
            let read = |(written, becomes): (&&str, Becomes)| {
                let pattern = pattern_of(written).expect("a test reads each of them");
                Shorthand { written: (*written).to_owned(), pattern, becomes }
            };
            known.chain(refused).map(read).collect()
        });
        for shorthand in &*ALL {
            self.add(shorthand.clone());
        }
    }

    /// Adds `TEXT EXPRESSION`, as `--rpl` has them. Groups in the text are `$$1`, `$$2` … in the expression.
    ///
    /// # Errors
    /// When it is none, or the expression is not known.
    pub fn rpl(&mut self, definition: &str) -> Result<(), ShorthandError> {
        let (written, expression) = definition.split_once(char::is_whitespace).unwrap_or((definition, ""));
        if written.is_empty() || !definition.contains(char::is_whitespace) {
            return Err(ShorthandError::NoExpression(definition.to_owned()));
        }
        let pattern = pattern_of(written).ok_or_else(|| ShorthandError::BadGroups(written.to_owned()))?;
        let (_, statements) = position_of(expression);
        let any = vec!["1"; pattern.captures_len()];
        let read = Expression::read(&with_groups(statements, &any));
        read.map_err(|reason| ShorthandError::Unknown { shorthand: written.to_owned(), reason })?;
        self.add(Shorthand {
            written: written.to_owned(),
            pattern,
            becomes: Becomes::Expression(expression.to_owned()),
        });
        Ok(())
    }

    /// Sets what opens and closes an expression, one behind the other, each as long.
    ///
    /// # Errors
    /// When it has no two halves.
    pub fn parens(&mut self, text: &str) -> Result<(), ShorthandError> {
        let letters: Vec<char> = text.chars().collect();
        if letters.is_empty() || letters.len() % 2 == 1 {
            return Err(ShorthandError::NoHalves(text.to_owned()));
        }
        let (left, right) = letters.split_at(letters.len() / 2);
        self.parens = (left.iter().collect(), right.iter().collect());
        Ok(())
    }

    /// A later one of the same text counts.
    fn add(&mut self, shorthand: Shorthand) {
        self.all.retain(|known| known.written != shorthand.written);
        self.all.push(shorthand);
        self.all.sort_by_key(|shorthand| std::cmp::Reverse(shorthand.written.len()));
    }

    /// `text` with replacement strings and expressions in place of what stands for them. Of two that match the one with the
    /// longer definition is meant, and what was put in is not looked at again.
    ///
    /// # Errors
    /// [`ShorthandError::LeftOut`].
    pub fn applied(&self, text: &str) -> Result<String, ShorthandError> {
        let mut stretches = self.stretches(text);
        for shorthand in &self.all {
            let mut next = Vec::with_capacity(stretches.len());
            for stretch in stretches {
                match stretch {
                    Stretch::Done(_) => next.push(stretch),
                    Stretch::Text(text) => shorthand.apply(&text, &mut next)?,
                }
            }
            stretches = next;
        }
        Ok(stretches.into_iter().map(|(Stretch::Text(text) | Stretch::Done(text))| text).collect())
    }

    /// The expressions that are written out, and what stands between them.
    fn stretches(&self, text: &str) -> Vec<Stretch> {
        let (left, right) = &self.parens;
        let mut stretches = Vec::new();
        let mut rest = text;
        while let Some(end) =
            rest.find(left).and_then(|start| Some(start + left.len() + rest[start + left.len()..].find(right)?))
        {
            // Of two that open the inner one is meant.
            let start = rest[..end].rfind(left).expect("it was found");
            stretches.push(Stretch::Text(rest[..start].to_owned()));
            stretches.push(Stretch::Done(format!("{{={}=}}", &rest[start + left.len()..end])));
            rest = &rest[end + right.len()..];
        }
        stretches.push(Stretch::Text(rest.to_owned()));
        stretches
    }
}

/// A part of a text.
enum Stretch {
    Text(String),
    /// It is in its place.
    Done(String),
}

impl Shorthand {
    fn apply(&self, text: &str, stretches: &mut Vec<Stretch>) -> Result<(), ShorthandError> {
        let mut from = 0;
        for found in self.pattern.captures_iter(text) {
            let whole = found.get(0).expect("a match has a whole");
            stretches.push(Stretch::Text(text[from..whole.start()].to_owned()));
            stretches.push(Stretch::Done(self.becomes.of(&found)?));
            from = whole.end();
        }
        stretches.push(Stretch::Text(text[from..].to_owned()));
        Ok(())
    }
}

impl Becomes {
    fn of(&self, found: &Captures<'_>) -> Result<String, ShorthandError> {
        let at = found.name("at").map(|at| at.as_str());
        match self {
            Self::Braces(braces) => Ok((*braces).to_owned()),
            Self::Refused(reason) => Err(ShorthandError::LeftOut { written: found[0].to_owned(), reason }),
            Self::Expression(expression) => {
                let (own, statements) = position_of(expression);
                // Of unnamed groups, the first is the whole and the second the position, where there may be one.
                let groups = found.iter().skip(1).map(|group| group.map_or("", |group| group.as_str()));
                let groups: Vec<&str> = groups.collect();
                let statements = with_groups(statements, &groups);
                let position = at.or(own).unwrap_or_default();
                Ok(format!("{{={position} {statements} =}}"))
            }
        }
    }
}

/// `1 $_=seq()`: the value that is meant, and the expression.
fn position_of(expression: &str) -> (Option<&str>, &str) {
    let digits = expression.len() - expression.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (position, rest) = expression.split_at(digits);
    if digits > 0 && rest.starts_with(char::is_whitespace) {
        (Some(position), rest.trim())
    } else {
        (None, expression.trim())
    }
}

/// The pattern of a text with groups from its first parenthesis to its last.
fn pattern_of(written: &str) -> Option<Regex> {
    let first = written.find('(').unwrap_or(written.len());
    let last = written.rfind(')').map_or(first, |last| (last + 1).max(first));
    let (prefix, groups, postfix) = (&written[..first], &written[first..last], &written[last..]);
    let (brace, prefix) = match prefix.strip_prefix('{') {
        Some(prefix) => (r"\{(?:(?P<at>-?\d+)\s*)?", prefix),
        None => ("(?P<at>x{0})?", prefix),
    };
    Regex::new(&format!("{brace}{}{groups}{}", regex::escape(prefix), regex::escape(postfix))).ok()
}

/// Statements with what groups found in place of `$$1`, `$$2` …; the first of `groups` is the position.
fn with_groups(statements: &str, groups: &[&str]) -> String {
    static GROUP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\$(\d+)").expect("it is a regular expression"));
    let put = |text: &str, write: &dyn Fn(&str) -> String| {
        let group = |found: &Captures<'_>| {
            let number: usize = found[1].parse().unwrap_or(usize::MAX);
            write(groups.get(number).copied().unwrap_or_default())
        };
        GROUP.replace_all(text, group).into_owned()
    };
    let mut out = String::new();
    let mut rest = statements;
    while !rest.is_empty() {
        if let Some((delimited, behind)) = Delimited::read(rest.trim_start()) {
            let (open, close) = delimited.delimiters;
            let is_sign = |letter: char| letter == open || letter == close;
            // In the first part it is a part of the expression, in the second a text.
            let pattern = put(delimited.parts[0], &|group| escaped(group, is_sign));
            let text =
                put(delimited.parts[1], &|group| escaped(group, |letter| is_sign(letter) || "\\$@".contains(letter)));
            out.push_str(delimited.operator);
            out.push(open);
            out.push_str(&pattern);
            out.push(close);
            if open != close {
                out.push(open);
            }
            out.push_str(&text);
            out.push(close);
            out.push_str(delimited.modifiers);
            rest = behind;
            let next = rest.len() - rest.trim_start().trim_start_matches("||").len();
            out.push_str(&rest[..next]);
            rest = &rest[next..];
        } else {
            let (statement, behind) = rest.split_at(end_of_statement(rest));
            let is_number = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
            let mut is_quoted = false;
            // Within quotes it is a part of the text there, elsewhere a number or a text of its own.
            for part in statement.split_inclusive('"') {
                let text = |group: &str| escaped(group, |letter| "\\$@\"".contains(letter));
                let alone =
                    |group: &str| if is_number(group) { group.to_owned() } else { format!("\"{}\"", text(group)) };
                // What a group found would make another name of that of the value in front.
                out += &if is_quoted { put(&part.replace("$_$$", "${_}$$"), &text) } else { put(part, &alone) };
                is_quoted ^= part.ends_with('"');
            }
            rest = behind;
            if let Some(behind) = rest.strip_prefix(';') {
                out.push(';');
                rest = behind;
            }
        }
    }
    out
}

/// A text with a backslash before some characters.
fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let letters = text.chars().flat_map(|letter| is_escaped(letter).then_some('\\').into_iter().chain([letter]));
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[(&str, &'static str)]) -> Shorthands {
        let mut shorthands = Shorthands::default();
        for (name, braces) in names {
            shorthands.name(name, braces);
        }
        shorthands
    }

    #[test]
    fn each_name_is_replaced_once() {
        for (text, names, expected) in [
            ("a , b", &[(",", "{}")][..], "a {} b"),
            (", ,.", &[(",", "{}"), (",.", "{.}")], "{} {.}"),
            ("/ // x", &[("/", "{}"), ("//", "{/}")], "{} {/} x"),
            ("E .", &[("E", "{.}"), (".", "{}")], "{.} {}"),
            ("{} x", &[("", "{}"), ("{}", "{}")], "{} x"),
            ("xx", &[], "xx"),
        ] {
            assert_eq!(named(names).applied(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn texts_stand_for_expressions() {
        let mut shorthands = Shorthands::default();
        shorthands.rpl("{..} s:a:b:").expect("known");
        shorthands.rpl("% s/x//").expect("known");
        shorthands.rpl("{%(.*?)} s/$$1$//").expect("known");
        shorthands.rpl("{(.+?)=(.*?)} $_=\"$$2$_$$1\"").expect("known");
        for (text, expected) in [
            ("x {..} {2..} {-1 ..}", "x {= s:a:b: =} {=2 s:a:b: =} {=-1 s:a:b: =}"),
            ("{%.gz} % {= s/%// =}", "{= s/.gz$// =} {= s/x// =} {= s/%// =}"),
            ("{%a/b}", r"{= s/a\/b$// =}"),
            ("{a=b$}", r#"{= $_="b\$${_}a" =}"#),
        ] {
            assert_eq!(shorthands.applied(text).as_deref(), Ok(expected), "{text}");
        }
        shorthands.parens("(==)").expect("two halves");
        assert_eq!(shorthands.applied("(= uq() =)").as_deref(), Ok("{= uq() =}"));
        for (definition, expected) in [
            ("{x}", "'{x}' names no expression; write for example --rpl '{..} s:\\.[^/.]*$::'"),
            ("{x} skip()", "'{x}' cannot be used: 'skip()' is no expression that is known here"),
            ("{(a(?)} s/a//", "'{(a(?)}' cannot be used: the groups in it are no regular expression"),
        ] {
            let refused = shorthands.rpl(definition).map_err(|error| error.to_string());
            assert_eq!(refused, Err(expected.to_owned()), "{definition}");
        }
        assert!(shorthands.parens("abc").is_err());
    }

    #[test]
    fn the_strings_of_plus_are_known() {
        let mut shorthands = Shorthands::default();
        shorthands.plus();
        for (written, expression) in PLUS {
            let pattern = pattern_of(written).expect("a pattern");
            let (_, statements) = position_of(expression);
            let read = Expression::read(&with_groups(statements, &vec!["1"; pattern.captures_len()]));
            assert!(read.is_ok(), "{written}: {read:?}");
        }
        let refused = shorthands.applied("echo {2host}").map_err(|error| error.to_string());
        assert_eq!(refused, Err("{2host} of --plus is left out: all tasks run on this machine".to_owned()));
    }
}
