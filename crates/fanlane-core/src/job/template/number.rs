//! Numbers as printf pads them: `%d`, `%4d`, `%04d`, `%-4d`.

/// The widest padding, in characters.
const MAX_WIDTH: usize = 255;

/// How a whole number is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberFormat {
    /// As many characters at least.
    width: u8,
    padding: Padding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Padding {
    #[default]
    BlanksBefore,
    BlanksBehind,
    Zeros,
}

impl NumberFormat {
    /// Reads what stands behind the colon; `None` if it is no such format or wider than 255.
    pub(super) fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('%')?.strip_suffix('d')?;
        let (padding, digits) = if let Some(digits) = rest.strip_prefix('-') {
            (Padding::BlanksBehind, digits)
        } else if let Some(digits) = rest.strip_prefix('0').filter(|digits| !digits.is_empty()) {
            (Padding::Zeros, digits)
        } else {
            (Padding::BlanksBefore, rest)
        };
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let width = if digits.is_empty() && rest.is_empty() { 0 } else { digits.parse::<usize>().ok()? };
        (is_number && width <= MAX_WIDTH).then_some(Self { width: u8::try_from(width).ok()?, padding })
    }

    /// Appends `number`, digits with or without a sign before them, to `out`. What is no number is appended as it is.
    pub fn write(self, number: &[u8], out: &mut Vec<u8>) {
        let Some((negative, digits)) = sign_and_digits(number) else {
            out.extend_from_slice(number);
            return;
        };
        let digits = &digits[digits.iter().take_while(|byte| **byte == b'0').count().min(digits.len() - 1)..];
        let negative = negative && digits != b"0";
        let missing = usize::from(self.width).saturating_sub(digits.len() + usize::from(negative));
        let pad = |byte: u8, out: &mut Vec<u8>| out.resize(out.len() + missing, byte);
        if self.padding == Padding::BlanksBefore {
            pad(b' ', out);
        }
        if negative {
            out.push(b'-');
        }
        if self.padding == Padding::Zeros {
            pad(b'0', out);
        }
        out.extend_from_slice(digits);
        if self.padding == Padding::BlanksBehind {
            pad(b' ', out);
        }
    }
}

/// Whether a value is a whole number of any size: digits, with or without a sign before them.
pub fn is_whole_number(value: &[u8]) -> bool {
    sign_and_digits(value).is_some()
}

fn sign_and_digits(value: &[u8]) -> Option<(bool, &[u8])> {
    let (negative, digits) = match value.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, value),
    };
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some((negative, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `printf` of bash writes them, but that digits are decimal whatever they begin with.
    #[test]
    fn numbers_are_padded_as_printf_pads_them() {
        let table = [
            ("%d", "7", "7"),
            ("%4d", "7", "   7"),
            ("%04d", "7", "0007"),
            ("%-4d", "7", "7   "),
            ("%04d", "-7", "-007"),
            ("%4d", "-7", "  -7"),
            ("%2d", "12345", "12345"),
            ("%03d", "12", "012"),
            ("%03d", "0008", "008"),
            ("%d", "+5", "5"),
            ("%d", "-0", "0"),
            ("%012d", "123456789012345678901", "123456789012345678901"),
        ];
        for (format, number, expected) in table {
            let mut out = Vec::new();
            NumberFormat::read(format).expect(format).write(number.as_bytes(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{format} of {number}");
        }
    }

    #[test]
    fn anything_else_is_no_format() {
        for text in ["", "%", "d", "%s", "%x", "%4", "4d", "%4.2d", "%+d", "%00004d", "%256d", "%-d", "%-04d", "% d"] {
            assert_eq!(NumberFormat::read(text), None, "{text}");
        }
        for text in ["", "-", "+", "1.5", "a", " 1", "1e3", "--1", "0x1"] {
            assert!(!is_whole_number(text.as_bytes()), "{text}");
        }
    }
}
