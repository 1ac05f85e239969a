//! Assignments to `$_`: `$_=lc($_)`, `$_++`, `$_=seq()-1`.

use super::TaskPlace;
use super::numeral::{Format, number_of, text_of};
use super::substitution::Case;

/// What a value becomes.
#[derive(Clone, Debug)]
pub(super) enum Assignment {
    Calculate(Operator, f64),
    /// Letters count on as letters, as in Perl.
    Increment,
    Count(Counter, i64),
    Case(Case),
    Length,
    Reverse,
    Print(Format, Printed),
    /// The bytes from an offset on, which is counted from the end if it is negative, and their number.
    Stretch(i64, Option<i64>),
    /// A text in place of an empty value and of 0.
    Default(Vec<Piece>),
    Text(Vec<Piece>),
    /// Without its last byte, or without a line end there alone.
    Shorten {
        only_line_end: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

/// A number that is not the value's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    Number,
    /// With as many zeros in front as the longest number has digits.
    PaddedNumber,
    Slot,
    Total,
}

/// What is printed by a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    Value,
    Counter(Counter),
}

/// A part of a text in quotes.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Value,
}

impl Assignment {
    /// Reads a statement without blanks; `None` if it is no such assignment.
    pub(super) fn read(plain: &str) -> Option<Self> {
        match plain {
            "$_++" | "++$_" => return Some(Self::Increment),
            "$_--" | "--$_" => return Some(Self::Calculate(Operator::Subtract, 1.0)),
            "chop" | "chop()" | "chop($_)" => return Some(Self::Shorten { only_line_end: false }),
            "chomp" | "chomp()" | "chomp($_)" => return Some(Self::Shorten { only_line_end: true }),
            _ => {}
        }
        if let Some(front) = plain.strip_prefix("substr($_,0,") {
            let count = front.strip_suffix(")=\"\"").or_else(|| front.strip_suffix(")=''"))?;
            return Some(Self::Stretch(count.parse().ok().filter(|count| *count >= 0)?, None));
        }
        let rest = plain.strip_prefix("$_")?;
        if let Some(text) = rest.strip_prefix("||=") {
            return Some(Self::Default(quoted(text)?));
        }
        if let Some(term) = rest.strip_prefix('=') {
            return Self::read_term(term);
        }
        let (operator, number) = operator(rest)?;
        calculation(operator, number.strip_prefix('=')?)
    }

    /// What stands behind `$_=`.
    fn read_term(term: &str) -> Option<Self> {
        if let Some(text) = quoted(term) {
            return Some(Self::Text(text));
        }
        if let Some((counter, rest)) = counter(term) {
            let offset = if rest.is_empty() { 0 } else { rest.parse().ok()? };
            return (rest.is_empty() || rest.starts_with(['+', '-'])).then_some(Self::Count(counter, offset));
        }
        if let Some((operator, number)) = term.strip_prefix("$_").and_then(operator) {
            return calculation(operator, number);
        }
        let letters = term.len() - term.trim_start_matches(|letter: char| letter.is_ascii_lowercase()).len();
        let (name, of) = term.split_at(letters);
        if matches!(of, "" | "()" | "($_)" | "$_") {
            return match name {
                "length" => Some(Self::Length),
                "reverse" => Some(Self::Reverse),
                name => Case::of_function(name).map(Self::Case),
            };
        }
        let inside = of.strip_prefix('(')?.strip_suffix(')')?;
        match name {
            "sprintf" => {
                let (format, of) = inside.rsplit_once(',')?;
                let printed = match (of, counter(of)) {
                    ("$_", _) => Printed::Value,
                    (_, Some((counter, ""))) => Printed::Counter(counter),
                    _ => return None,
                };
                Some(Self::Print(Format::read_quoted(format)?, printed))
            }
            "substr" => {
                let mut numbers = inside.strip_prefix("$_,")?.split(',').map(|number| number.parse().ok());
                let (first, count) = (numbers.next()??, numbers.next());
                let count = match count {
                    None => None,
                    Some(count) => Some(count?),
                };
                numbers.next().is_none().then_some(Self::Stretch(first, count))
            }
            _ => None,
        }
    }

    pub(super) fn uses_slot(&self) -> bool {
        matches!(self, Self::Count(Counter::Slot, _) | Self::Print(_, Printed::Counter(Counter::Slot)))
    }

    pub(super) fn of(&self, mut value: Vec<u8>, place: TaskPlace) -> Vec<u8> {
        match self {
            Self::Calculate(operator, number) => text_of(operator.of(number_of(&value), *number)),
            Self::Increment => incremented(value),
            Self::Count(counter, offset) => counter.text(*offset, place),
            Self::Case(case) => {
                case.apply(&mut value);
                value
            }
            Self::Length => value.len().to_string().into_bytes(),
            Self::Reverse => {
                value.reverse();
                value
            }
            Self::Print(format, Printed::Value) => format.of(&value),
            Self::Print(format, Printed::Counter(counter)) => format.of(&counter.text(0, place)),
            Self::Stretch(first, count) => stretch(&value, *first, *count).to_owned(),
            Self::Default(text) if value.is_empty() || value == b"0" => joined(text, &value),
            Self::Default(_) => value,
            Self::Text(text) => joined(text, &value),
            Self::Shorten { only_line_end } => {
                value.pop_if(|last| !only_line_end || *last == b'\n');
                value
            }
        }
    }
}

impl Operator {
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Add => one + other,
            Self::Subtract => one - other,
            Self::Multiply => one * other,
            Self::Divide => one / other,
            Self::Power => one.powf(other),
            // As in Perl the result has the sign of the right side.
            Self::Remainder => {
                let (one, other) = (one.trunc(), other.trunc());
                one - other * (one / other).floor()
            }
        }
    }
}

impl Counter {
    fn text(self, offset: i64, place: TaskPlace) -> Vec<u8> {
        let TaskPlace { number, slot, total } = place;
        let plus = |number: u64| (i128::from(number) + i128::from(offset)).to_string().into_bytes();
        match self {
            Self::Number => plus(number),
            Self::Slot => plus(u64::from(slot)),
            Self::Total => plus(total),
            Self::PaddedNumber => format!("{number:0width$}", width = total.to_string().len()).into_bytes(),
        }
    }
}

/// An operator at the beginning of `text`, and what stands behind it.
fn operator(text: &str) -> Option<(Operator, &str)> {
    let operators = [
        ("**", Operator::Power),
        ("+", Operator::Add),
        ("-", Operator::Subtract),
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Remainder),
    ];
    operators.into_iter().find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))
}

/// Nothing is divided by zero.
fn calculation(operator: Operator, number: &str) -> Option<Assignment> {
    let is_number = number.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '.'));
    let number: f64 = number.parse().ok().filter(|number: &f64| is_number && number.is_finite())?;
    let divisor = match operator {
        Operator::Divide => number,
        Operator::Remainder => number.trunc(),
        _ => 1.0,
    };
    (divisor != 0.0).then_some(Assignment::Calculate(operator, number))
}

/// A function that gives a number at the beginning of `text`, and what stands behind it.
fn counter(text: &str) -> Option<(Counter, &str)> {
    let text = text.strip_prefix("$job->").or_else(|| text.strip_prefix("::")).unwrap_or(text);
    let counters = [
        ("seq()", Counter::Number),
        ("padded_seq()", Counter::PaddedNumber),
        ("slot()", Counter::Slot),
        ("total_jobs()", Counter::Total),
    ];
    counters.into_iter().find_map(|(name, counter)| Some((counter, text.strip_prefix(name)?)))
}

/// A text in quotes, in double ones with `$_` in it; or a number.
fn quoted(text: &str) -> Option<Vec<Piece>> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(vec![Piece::Text(text.to_owned())]);
    }
    if let Some(inside) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return (!inside.contains(['\'', '\\'])).then(|| vec![Piece::Text(inside.to_owned())]);
    }
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut letters = inside.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '@' => return None,
            '\\' => literal.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            '$' if letters.next_if_eq(&'{').is_some() => {
                (letters.next()? == '_' && letters.next()? == '}').then_some(())?;
                pieces.extend([Piece::Text(std::mem::take(&mut literal)), Piece::Value]);
            }
            '$' => {
                letters.next_if_eq(&'_')?;
                if letters.peek().is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '[' | '{')) {
                    return None;
                }
                pieces.extend([Piece::Text(std::mem::take(&mut literal)), Piece::Value]);
            }
            other => literal.push(other),
        }
    }
    pieces.push(Piece::Text(literal));
    Some(pieces)
}

fn joined(pieces: &[Piece], value: &[u8]) -> Vec<u8> {
    let bytes = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_bytes(),
        Piece::Value => value,
    });
    bytes.collect::<Vec<_>>().concat()
}

/// The next value: that of letters with digits behind them is counted on from its end, `az9` to `ba0`; any other is a number.
fn incremented(mut value: Vec<u8>) -> Vec<u8> {
    let letters = value.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 || !value[letters..].iter().all(u8::is_ascii_digit) {
        return text_of(number_of(&value) + 1.0);
    }
    for byte in value.iter_mut().rev() {
        *byte = match *byte {
            b'z' => b'a',
            b'Z' => b'A',
            b'9' => b'0',
            other => other + 1,
        };
        if !matches!(*byte, b'a' | b'A' | b'0') {
            return value;
        }
    }
    // Each of them has begun again, so there is one more, of the kind of the first.
    value.insert(0, value[0]);
    value
}

/// As `substr`: a negative offset or count is counted from the end.
fn stretch(value: &[u8], first: i64, count: Option<i64>) -> &[u8] {
    let length = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let start = if first < 0 { (length + first).max(0) } else { first.min(length) };
    let end = match count {
        None => length,
        Some(count) if count < 0 => length + count,
        Some(count) => start.saturating_add(count).min(length),
    };
    let place = |at: i64| usize::try_from(at).unwrap_or(0);
    &value[place(start)..place(end.max(start))]
}
