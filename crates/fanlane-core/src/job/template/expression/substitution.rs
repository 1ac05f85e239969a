//! `s/…/…/` and `tr/…/…/`.

use regex::bytes::{Captures, Regex, RegexBuilder};

use super::numeral::Format;
use super::unknown;

/// An operator with two parts between delimiters: `s/…/…/g`, `tr:…:…:`, `s{…}{…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Delimited<'a> {
    /// As it is written.
    pub source: &'a str,
    /// `s`, `tr` or `y`.
    pub operator: &'a str,
    /// What opens and closes a part.
    pub delimiters: (char, char),
    /// Both parts as they are written.
    pub parts: [&'a str; 2],
    /// The letters at the end.
    pub modifiers: &'a str,
}

impl<'a> Delimited<'a> {
    /// Reads the operator at the beginning of `text`, and returns what stands behind it; `None` if there is none.
    pub(in super::super) fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let operator = ["s", "tr", "y"].into_iter().find(|operator| {
            let behind = text.strip_prefix(operator).and_then(|behind| behind.chars().next());
            behind.is_some_and(|letter| {
                letter.is_ascii_punctuation() && !matches!(letter, '_' | ';' | ')' | '}' | ']' | '>')
            })
        })?;
        let open = text[operator.len()..].chars().next()?;
        let close = match open {
            '{' => '}',
            '(' => ')',
            '[' => ']',
            '<' => '>',
            other => other,
        };
        let mut rest = &text[operator.len() + open.len_utf8()..];
        let mut parts = [""; 2];
        for (place, part) in parts.iter_mut().enumerate() {
            if place == 1 && open != close {
                rest = rest.trim_start().strip_prefix(open)?;
            }
            let length = length_of_part(rest, open, close)?;
            *part = &rest[..length];
            rest = &rest[length + close.len_utf8()..];
        }
        let letters = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric()).len();
        let (modifiers, behind) = rest.split_at(letters);
        let source = &text[..text.len() - behind.len()];
        Some((Self { source, operator, delimiters: (open, close), parts, modifiers }, behind))
    }

    pub(super) fn is_substitution(&self) -> bool {
        self.operator == "s"
    }

    /// A part in which a delimiter with a backslash is the delimiter itself.
    fn part(&self, place: usize) -> String {
        let (open, close) = self.delimiters;
        [open, close].iter().fold(self.parts[place].to_owned(), |part, sign| {
            // Where the sign means something in an expression, it is a text with its backslash.
            if regex_syntax_means(*sign) { part } else { part.replace(&format!("\\{sign}"), &sign.to_string()) }
        })
    }

    fn unknown_modifier(&self, known: &str) -> Result<(), String> {
        match self.modifiers.chars().find(|letter| !known.contains(*letter)) {
            Some(letter) => Err(format!("'{letter}' of '{}' is no modifier that is known here", self.source)),
            None => Ok(()),
        }
    }
}

/// Whether a character means something in a regular expression.
fn regex_syntax_means(sign: char) -> bool {
    "\\.+*?()|[]{}^$#&-~".contains(sign)
}

fn length_of_part(text: &str, open: char, close: char) -> Option<usize> {
    let (mut depth, mut escaped) = (0, false);
    for (at, letter) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == close && depth == 0 {
            return Some(at);
        } else if letter == close {
            depth -= 1;
        } else if letter == open {
            depth += 1;
        }
    }
    None
}

/// `s/…/…/`.
#[derive(Clone, Debug)]
pub(super) struct Substitution {
    regex: Regex,
    replacement: Vec<Part>,
    is_global: bool,
}

/// A part of what is put in.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// What a group found; 0: the whole.
    Group(usize),
    /// The same, as a number or text is printed.
    Formatted(usize, Format),
    /// A change of case for what follows.
    Case(Case),
}

/// In which case letters are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Case {
    #[default]
    AsIs,
    Upper,
    Lower,
    /// The first letter alone.
    FirstUpper,
    FirstLower,
}

impl Case {
    /// By the name of a function: `uc`, `lcfirst`.
    pub(super) fn of_function(name: &str) -> Option<Self> {
        Some(match name {
            "uc" => Self::Upper,
            "lc" => Self::Lower,
            "ucfirst" => Self::FirstUpper,
            "lcfirst" => Self::FirstLower,
            _ => return None,
        })
    }

    pub(super) fn apply(self, bytes: &mut [u8]) {
        match self {
            Self::AsIs => {}
            Self::Upper => bytes.make_ascii_uppercase(),
            Self::Lower => bytes.make_ascii_lowercase(),
            Self::FirstUpper => bytes.first_mut().into_iter().for_each(|byte| byte.make_ascii_uppercase()),
            Self::FirstLower => bytes.first_mut().into_iter().for_each(|byte| byte.make_ascii_lowercase()),
        }
    }
}

impl Substitution {
    pub(super) fn of(delimited: &Delimited<'_>) -> Result<Self, String> {
        delimited.unknown_modifier("gie")?;
        let pattern = delimited.part(0);
        let built =
            RegexBuilder::new(&pattern).unicode(false).case_insensitive(delimited.modifiers.contains('i')).build();
        let regex = built.map_err(|error| {
            // The library draws the place below the expression, over several lines.
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the regular expression {pattern} cannot be read: {reason}")
        })?;
        let written = delimited.part(1);
        let replacement =
            if delimited.modifiers.contains('e') { vec![call(&written)?] } else { parts(&written, delimited.source)? };
        Ok(Self { regex, replacement, is_global: delimited.modifiers.contains('g') })
    }

    /// The value with what was found replaced; `None`: nothing was found.
    pub(super) fn of_value(&self, value: &[u8]) -> Option<Vec<u8>> {
        let replace = |found: &Captures<'_>| {
            let (mut out, mut case) = (Vec::new(), Case::AsIs);
            for part in &self.replacement {
                let group = |number: usize| found.get(number).map_or(&b""[..], |group| group.as_bytes());
                let start = out.len();
                match part {
                    Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                    Part::Group(number) => out.extend_from_slice(group(*number)),
                    Part::Formatted(number, format) => out.extend_from_slice(&format.of(group(*number))),
                    Part::Case(next) => {
                        case = *next;
                        continue;
                    }
                }
                case.apply(&mut out[start..]);
                if matches!(case, Case::FirstUpper | Case::FirstLower) && out.len() > start {
                    case = Case::AsIs;
                }
            }
            out
        };
        self.regex.is_match(value).then(|| {
            let count = usize::from(!self.is_global);
            self.regex.replacen(value, count, replace).into_owned()
        })
    }
}

/// The text that is put in, with groups and signs of case.
fn parts(written: &str, source: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut text = String::new();
    let mut rest = written;
    while let Some(letter) = rest.chars().next() {
        let behind = &rest[letter.len_utf8()..];
        let (part, next) = match letter {
            '\\' => {
                let Some(sign) = behind.chars().next() else { return Err(unknown(source)) };
                let next = &behind[sign.len_utf8()..];
                let part = match sign {
                    'U' => Part::Case(Case::Upper),
                    'L' => Part::Case(Case::Lower),
                    'u' => Part::Case(Case::FirstUpper),
                    'l' => Part::Case(Case::FirstLower),
                    'E' => Part::Case(Case::AsIs),
                    'n' => Part::Text("\n".to_owned()),
                    't' => Part::Text("\t".to_owned()),
                    digit @ '1'..='9' => Part::Group(digit as usize - '0' as usize),
                    other => Part::Text(other.to_string()),
                };
                (part, next)
            }
            '$' if !behind.is_empty() => {
                let (group, next) = group(behind).ok_or_else(|| {
                    let end =
                        behind.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(behind.len());
                    format!("'${}' in '{source}' is no variable that is known here", &behind[..end])
                })?;
                (Part::Group(group), next)
            }
            other => (Part::Text(other.to_string()), behind),
        };
        rest = next;
        match part {
            Part::Text(more) => text += &more,
            part => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(part);
            }
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

/// `1`, `{1}` or `&` behind a dollar sign, and what stands behind that.
fn group(text: &str) -> Option<(usize, &str)> {
    if let Some(behind) = text.strip_prefix('&') {
        return Some((0, behind));
    }
    if let Some((number, behind)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        return Some((number.parse().ok()?, behind));
    }
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// `uc($1)`, `sprintf("%03d",$1)`: what is put in as the result of a function.
fn call(written: &str) -> Result<Part, String> {
    let plain = super::without_blanks(written);
    let whole_group = |text: &str| {
        let (group, behind) = group(text.strip_prefix('$')?)?;
        behind.is_empty().then_some(group)
    };
    let found = plain.split_once('(').and_then(|(name, rest)| {
        let inside = rest.strip_suffix(')')?;
        if name == "sprintf" {
            let (format, of) = inside.rsplit_once(',')?;
            return Some(Part::Formatted(whole_group(of)?, Format::read_quoted(format)?));
        }
        Some(Part::Formatted(whole_group(inside)?, Format::cased(Case::of_function(name)?)))
    });
    found.ok_or_else(|| unknown(written))
}

/// `tr/…/…/`: each byte that stands in the first part becomes that at its place in the second.
#[derive(Clone, Debug)]
pub(super) struct Transliteration {
    table: Box<[u8; 256]>,
}

impl Transliteration {
    pub(super) fn of(delimited: &Delimited<'_>) -> Result<Self, String> {
        delimited.unknown_modifier("")?;
        let (from, to) = (bytes_of(&delimited.part(0)), bytes_of(&delimited.part(1)));
        let mut table = Box::new(std::array::from_fn(|byte| u8::try_from(byte).unwrap_or(u8::MAX)));
        let mut is_set = [false; 256];
        // Where the second part is shorter, its last byte stands for the rest; an empty one changes nothing.
        for (place, byte) in from.iter().enumerate() {
            if let Some(new) = to.get(place).or(to.last())
                && !std::mem::replace(&mut is_set[usize::from(*byte)], true)
            {
                table[usize::from(*byte)] = *new;
            }
        }
        Ok(Self { table })
    }

    pub(super) fn apply(&self, value: &mut [u8]) {
        for byte in value {
            *byte = self.table[usize::from(*byte)];
        }
    }
}

/// The bytes of a part of `tr`, with those of ranges such as `a-z`.
fn bytes_of(part: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, bytes.last().copied(), behind.split_first()) {
            (b'\\', _, Some((sign, behind))) => {
                bytes.push(match sign {
                    b'n' => b'\n',
                    b't' => b'\t',
                    other => *other,
                });
                rest = behind;
            }
            (b'-', Some(first), Some((last, behind))) => {
                bytes.extend(first.saturating_add(1)..=*last);
                rest = behind;
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}
