//! Numbers as texts: how they are read from values, and how they are printed.

use super::substitution::Case;

/// The widest that a number or a text is padded to, in characters.
const MAX_WIDTH: usize = 255;

/// The number at the beginning of a value, as Perl takes it; 0 where there is none.
pub(super) fn number_of(value: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(value);
    let text = text.trim_start();
    let mut end = 0;
    let mut seen = (false, false);
    for (at, letter) in text.char_indices() {
        let before = text[..at].chars().next_back();
        match letter {
            '0'..='9' => end = at + 1,
            '+' | '-' if at == 0 || matches!(before, Some('e' | 'E')) => {}
            '.' if seen == (false, false) => seen.0 = true,
            'e' | 'E' if !seen.1 && end == at && at > 0 => seen.1 = true,
            _ => break,
        }
    }
    text[..end].parse().unwrap_or(0.0)
}

/// A number as Perl prints it: with 15 digits at most, and `Inf` or `NaN` where it is none.
pub(super) fn text_of(number: f64) -> Vec<u8> {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return (number as i64).to_string().into_bytes();
    }
    if !number.is_finite() {
        return match number {
            f64::INFINITY => b"Inf".to_vec(),
            f64::NEG_INFINITY => b"-Inf".to_vec(),
            _ => b"NaN".to_vec(),
        };
    }
    let scientific = format!("{number:.14e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific.into_bytes() };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let without_zeros = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if !(-5..15).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs()).into_bytes();
    }
    let decimals = usize::try_from(14 - exponent).unwrap_or(0);
    without_zeros(&format!("{number:.decimals$}")).into_bytes()
}

/// `%03d`, `%.2f`, `%-8s` with the text around it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Format {
    before: String,
    kind: Kind,
    is_left: bool,
    has_zeros: bool,
    width: usize,
    behind: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Integer,
    Hexadecimal,
    /// With this number of decimals.
    Decimal(usize),
    /// At most this number of bytes.
    Text(Option<usize>),
    Cased(Case),
}

impl Format {
    /// A text in this case.
    pub(super) const fn cased(case: Case) -> Self {
        Self {
            before: String::new(),
            kind: Kind::Cased(case),
            is_left: false,
            has_zeros: false,
            width: 0,
            behind: String::new(),
        }
    }

    /// Reads a format in quotes, with one number or text in it.
    pub(super) fn read_quoted(text: &str) -> Option<Self> {
        let text = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))?;
        // `%%` is a percent sign.
        let text = text.replace("%%", "\0");
        let (before, rest) = text.split_once('%')?;
        let flags = rest.len() - rest.trim_start_matches(['-', '0']).len();
        let (flags, rest) = rest.split_at(flags);
        let digits = |text: &str| text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (width, mut rest) = rest.split_at(digits(rest));
        let mut precision = None;
        if let Some(behind) = rest.strip_prefix('.') {
            let (number, behind) = behind.split_at(digits(behind));
            precision = Some(if number.is_empty() { 0 } else { number.parse().ok()? });
            rest = behind;
        }
        let kind = match rest.chars().next()? {
            'd' | 'i' => Kind::Integer,
            'x' => Kind::Hexadecimal,
            'f' => Kind::Decimal(precision.unwrap_or(6)),
            's' => Kind::Text(precision),
            _ => return None,
        };
        let behind = &rest[1..];
        let width = if width.is_empty() { 0 } else { width.parse().ok()? };
        let is_known = width <= MAX_WIDTH && precision.unwrap_or(0) <= MAX_WIDTH && !behind.contains('%');
        let percent = |text: &str| text.replace('\0', "%");
        is_known.then(|| Self {
            before: percent(before),
            kind,
            is_left: flags.contains('-'),
            has_zeros: flags.contains('0') && !flags.contains('-') && !matches!(kind, Kind::Text(_)),
            width,
            behind: percent(behind),
        })
    }

    /// A value as it is printed.
    pub(super) fn of(&self, value: &[u8]) -> Vec<u8> {
        let mut body = match self.kind {
            Kind::Integer => format!("{}", number_of(value).trunc() as i64).into_bytes(),
            Kind::Hexadecimal => format!("{:x}", number_of(value).trunc() as i64).into_bytes(),
            Kind::Decimal(decimals) => format!("{:.decimals$}", number_of(value)).into_bytes(),
            Kind::Text(most) => value[..value.len().min(most.unwrap_or(usize::MAX))].to_owned(),
            Kind::Cased(case) => {
                let mut text = value.to_owned();
                case.apply(&mut text);
                text
            }
        };
        let missing = self.width.saturating_sub(body.len());
        if self.is_left {
            body.resize(body.len() + missing, b' ');
        } else {
            let (at, pad) = match self.has_zeros {
                true => (usize::from(body.first() == Some(&b'-')), b'0'),
                false => (0, b' '),
            };
            body.splice(at..at, std::iter::repeat_n(pad, missing));
        }
        [self.before.as_bytes(), &body, self.behind.as_bytes()].concat()
    }
}
