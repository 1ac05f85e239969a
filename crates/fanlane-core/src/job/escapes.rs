//! Text on command lines with the escapes that GNU parallel knows: what inputs end with, and what tags are made of.

/// Reads what inputs end with.
///
/// # Errors
/// Where it is empty, or holds an escape that is not known.
pub fn delimiter(text: &str) -> Result<String, String> {
    match unescape(text)? {
        delimiter if delimiter.is_empty() => Err("it is empty; leave it out for line ends".to_owned()),
        delimiter => Ok(delimiter),
    }
}

/// Reads another text with the same escapes, which may be empty.
///
/// # Errors
/// Where it holds an escape that is not known.
pub fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        plain.push(match rest.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => '\0',
            Some('\\') => '\\',
            Some('x') => hexadecimal(&mut rest)?,
            Some(other) => return Err(format!("\\{other} is not known; expected \\n, \\t, \\r, \\0, \\\\ or \\xNN")),
            None => return Err("there is nothing behind the backslash; write \\\\ for a backslash".to_owned()),
        });
    }
    Ok(plain)
}

/// A text as it is typed, so that [`unescape`] gives it back.
pub fn escaped(text: &str) -> String {
    let mut typed = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => typed.push_str("\\n"),
            '\t' => typed.push_str("\\t"),
            '\r' => typed.push_str("\\r"),
            '\0' => typed.push_str("\\0"),
            '\\' => typed.push_str("\\\\"),
            control if control.is_ascii_control() => typed += &format!("\\x{:02x}", u32::from(control)),
            other => typed.push(other),
        }
    }
    typed
}

fn hexadecimal(rest: &mut std::str::Chars<'_>) -> Result<char, String> {
    let digits: String = rest.by_ref().take(2).collect();
    match u8::from_str_radix(&digits, 16) {
        Ok(byte) if digits.len() == 2 && byte.is_ascii() => Ok(char::from(byte)),
        _ => Err(format!("\\x{digits} is no ASCII character; expected \\x00 to \\x7f")),
    }
}

#[cfg(test)]
mod tests {
    use super::delimiter as parse;

    #[test]
    fn escapes_are_understood() {
        for (text, expected) in [(",", ","), ("\\n", "\n"), ("a\\t\\0b", "a\t\0b"), ("\\x1f;", "\x1f;"), ("\\\\", "\\")]
        {
            assert_eq!(parse(text).expect(text), expected);
        }
        for text in ["", "\\", "\\q", "\\x1", "\\xff", "\\xgg"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
