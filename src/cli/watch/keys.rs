//! Keys, and the bytes that a terminal sends for them.

/// A key that has a meaning somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, a digit or a sign.
    Char(char),
    /// Enter or Return.
    Enter,
    /// Escape.
    Escape,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-L.
    Redraw,
}

/// Turns bytes into keys. A sequence may come in pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

const ESCAPE: u8 = 0x1b;

impl Decoder {
    /// Takes in what was read at once and calls `press` for each key.
    pub fn feed(&mut self, bytes: &[u8], mut press: impl FnMut(Key)) {
        self.pending.extend_from_slice(bytes);
        let mut rest = &self.pending[..];
        while let Some((length, key)) = first(rest) {
            rest = &rest[length..];
            if let Some(key) = key {
                press(key);
            }
        }
        self.pending = rest.to_vec();
    }
}

/// The length of the first sequence and its key, if it has a meaning; `None` where its end is missing.
fn first(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    match bytes {
        [] => None,
        // Terminals send the sequences of other keys whole, so an escape at the end is the key.
        [ESCAPE] => Some((1, Some(Key::Escape))),
        [ESCAPE, b'[', rest @ ..] => {
            let length = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
            Some((length + 3, of_sequence(&rest[..length], rest[length])))
        }
        [ESCAPE, b'O', rest @ ..] => rest.first().map(|last| (3, of_sequence(&[], *last))),
        // Alt with another key.
        [ESCAPE, _, ..] => Some((2, None)),
        [byte, ..] => Some((1, of_byte(*byte))),
    }
}

fn of_byte(byte: u8) -> Option<Key> {
    match byte {
        b'\r' | b'\n' => Some(Key::Enter),
        0x03 => Some(Key::Interrupt),
        0x0c => Some(Key::Redraw),
        0x1a => Some(Key::Suspend),
        b' '..=b'~' => Some(Key::Char(char::from(byte))),
        _ => None,
    }
}

fn of_sequence(parameters: &[u8], last: u8) -> Option<Key> {
    Some(match (parameters, last) {
        (_, b'A') => Key::Up,
        (_, b'B') => Key::Down,
        (_, b'H') | (b"1" | b"7", b'~') => Key::Home,
        (_, b'F') | (b"4" | b"8", b'~') => Key::End,
        (_, b'M') => Key::Enter,
        (b"5", b'~') => Key::PageUp,
        (b"6", b'~') => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pieces: &[&[u8]]) -> Vec<Key> {
        let (mut decoder, mut keys) = (Decoder::default(), Vec::new());
        pieces.iter().for_each(|piece| decoder.feed(piece, |key| keys.push(key)));
        keys
    }

    #[test]
    fn each_sequence_is_its_key_and_unknown_ones_are_none() {
        let table: &[(&[&[u8]], &[Key])] = &[
            (&[b"jk"], &[Key::Char('j'), Key::Char('k')]),
            (&[b"\x1b[A\x1b[B"], &[Key::Up, Key::Down]),
            (&[b"\x1bOA\x1bOB\x1bOM"], &[Key::Up, Key::Down, Key::Enter]),
            (&[b"\x1b[1;5A"], &[Key::Up]),
            (&[b"\x1b[5~\x1b[6~"], &[Key::PageUp, Key::PageDown]),
            (&[b"\x1b[H\x1b[4~\x1b[7~\x1b[F"], &[Key::Home, Key::End, Key::Home, Key::End]),
            (&[b"\r", b"\x1b", b"q"], &[Key::Enter, Key::Escape, Key::Char('q')]),
            (&[b"\x03\x1a\x0c"], &[Key::Interrupt, Key::Suspend, Key::Redraw]),
            // A sequence in pieces, a function key, Alt with a letter, letters of other alphabets, backspace.
            (&[b"\x1b[", b"B"], &[Key::Down]),
            (&[b"\x1b[15~q"], &[Key::Char('q')]),
            (&[b"\x1bqs"], &[Key::Char('s')]),
            (&["äq".as_bytes(), b"\x7f\x08"], &[Key::Char('q')]),
        ];
        for (pieces, expected) in table {
            assert_eq!(keys(pieces), *expected, "{pieces:?}");
        }
    }
}
