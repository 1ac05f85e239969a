//! The encodings of foreign lists and tables: whatever a file or standard input is written in, its reader sees UTF-8. All
//! inputs that are read come through here.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

/// How a list or a table is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// As a byte order mark says; without one UTF-8. Values of a list may be any bytes, as names of files are.
    #[default]
    #[serde(rename = "utf8")]
    Utf8,
    /// UTF-16, the low byte first unless a byte order mark says otherwise.
    #[serde(rename = "utf16")]
    Utf16,
    /// UTF-16, the high byte first unless a byte order mark says otherwise.
    #[serde(rename = "utf16be")]
    Utf16Be,
    /// Windows-1252, of which Latin-1 is a part.
    #[serde(rename = "windows1252")]
    Windows1252,
    /// None: all values are bytes, also those of a table.
    #[serde(rename = "bytes")]
    Bytes,
}

impl Encoding {
    /// Whether this is the default.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain: String = text.chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).collect();
        match plain.to_ascii_lowercase().as_str() {
            "utf8" => Ok(Self::Utf8),
            "utf16" | "utf16le" => Ok(Self::Utf16),
            "utf16be" => Ok(Self::Utf16Be),
            "windows1252" | "cp1252" | "latin1" | "iso88591" => Ok(Self::Windows1252),
            "bytes" => Ok(Self::Bytes),
            _ => Err("expected utf-8, utf-16, utf-16be, windows-1252 (or latin-1) or bytes".to_owned()),
        }
    }
}

/// Byte order marks, and the encoding that each says.
const MARKS: [(&[u8], State); 3] = [
    (b"\xef\xbb\xbf", State::Plain),
    (b"\xff\xfe", State::Utf16 { big_endian: false }),
    (b"\xfe\xff", State::Utf16 { big_endian: true }),
];

/// What Windows-1252 has in place of the control characters 0x80 to 0x9f; those that it leaves open stay.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was read yet.
    #[default]
    Begin,
    /// The bytes are the text.
    Plain,
    Utf16 {
        big_endian: bool,
    },
    Windows1252,
}

/// How far the decoding of one text has come. It is kept apart from the reader, which may be another one for each part.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    encoding: Encoding,
    state: State,
    /// Bytes that were read and not decoded yet.
    raw: Vec<u8>,
    /// Text that was decoded, and how much of it was read.
    text: Vec<u8>,
    read: usize,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { encoding, ..Self::default() }
    }

    /// Reads as much as it takes to know whether there is a byte order mark. A mark is left out.
    fn begin(&mut self, reader: &mut (impl BufRead + ?Sized)) -> io::Result<()> {
        let may_be_mark = |raw: &[u8]| MARKS.iter().any(|(mark, _)| mark.len() > raw.len() && mark.starts_with(raw));
        while self.encoding != Encoding::Bytes && may_be_mark(&self.raw) {
            let Some(&byte) = reader.fill_buf()?.first() else { break };
            reader.consume(1);
            self.raw.push(byte);
        }
        let mark = MARKS.iter().find(|(mark, _)| self.raw.starts_with(mark));
        if let Some((mark, _)) = mark {
            self.raw.drain(..mark.len());
        }
        self.state = match (mark, self.encoding) {
            (Some((_, state)), _) => *state,
            (None, Encoding::Utf8 | Encoding::Bytes) => State::Plain,
            (None, Encoding::Utf16) => State::Utf16 { big_endian: false },
            (None, Encoding::Utf16Be) => State::Utf16 { big_endian: true },
            (None, Encoding::Windows1252) => State::Windows1252,
        };
        Ok(())
    }

    /// Decodes what is there of the raw bytes. An incomplete character is kept for later.
    fn decode(&mut self) -> io::Result<()> {
        self.text.clear();
        self.read = 0;
        let whole = match self.state {
            State::Begin | State::Plain => {
                self.text.extend_from_slice(&self.raw);
                self.raw.len()
            }
            State::Windows1252 => {
                let letters = self.raw.iter().map(|&byte| match byte {
                    0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
                    byte => char::from(byte),
                });
                self.text.extend(letters.collect::<String>().bytes());
                self.raw.len()
            }
            State::Utf16 { big_endian } => {
                let unit = |pair: &[u8]| match *pair {
                    [first, second] if big_endian => u16::from_be_bytes([first, second]),
                    [first, second] => u16::from_le_bytes([first, second]),
                    _ => unreachable!("chunks of two"),
                };
                let mut units: Vec<u16> = self.raw.chunks_exact(2).map(unit).collect();
                // The second half of the last character may still come.
                if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
                    units.pop();
                }
                let text: Result<String, _> = char::decode_utf16(units.iter().copied()).collect();
                let text = text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-16"))?;
                self.text.extend_from_slice(text.as_bytes());
                units.len() * 2
            }
        };
        self.raw.drain(..whole);
        Ok(())
    }
}

/// A reader of any encoding as a reader of UTF-8, or of bytes where it is none.
pub(super) struct Decoded<'a, R: ?Sized> {
    decoder: &'a mut Decoder,
    reader: &'a mut R,
}

impl<'a, R: BufRead + ?Sized> Decoded<'a, R> {
    pub(super) const fn new(decoder: &'a mut Decoder, reader: &'a mut R) -> Self {
        Self { decoder, reader }
    }
}

impl<R: BufRead + ?Sized> BufRead for Decoded<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.decoder.state == State::Begin {
            self.decoder.begin(self.reader)?;
            self.decoder.decode()?;
        }
        while self.decoder.read == self.decoder.text.len() {
            if self.decoder.state == State::Plain {
                return self.reader.fill_buf();
            }
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                if self.decoder.raw.is_empty() {
                    break;
                }
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it ends within a character of UTF-16"));
            }
            let length = bytes.len();
            self.decoder.raw.extend_from_slice(bytes);
            self.reader.consume(length);
            self.decoder.decode()?;
        }
        Ok(&self.decoder.text[self.decoder.read..])
    }

    fn consume(&mut self, amount: usize) {
        if self.decoder.read == self.decoder.text.len() {
            self.reader.consume(amount);
        } else {
            self.decoder.read += amount;
        }
    }
}

impl<R: BufRead + ?Sized> Read for Decoded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let text = self.fill_buf()?;
        let length = text.len().min(buffer.len());
        buffer[..length].copy_from_slice(&text[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte with each read.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = 1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn decoded(bytes: &[u8], encoding: Encoding) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut decoder = Decoder::new(encoding);
        Decoded::new(&mut decoder, &mut io::BufReader::new(Drops(bytes))).read_to_end(&mut text)?;
        let mut at_once = Vec::new();
        let mut decoder = Decoder::new(encoding);
        Decoded::new(&mut decoder, &mut &bytes[..]).read_to_end(&mut at_once)?;
        assert_eq!(text, at_once);
        Ok(text)
    }

    #[test]
    fn a_text_of_each_encoding_is_read_as_utf8() {
        use Encoding::{Bytes, Utf8, Utf16, Utf16Be, Windows1252};
        let cases: [(&[u8], Encoding, &[u8]); 15] = [
            (b"", Utf8, b""),
            (b"a\n", Utf8, b"a\n"),
            (b"\xef\xbb\xbfa\xef\xbb\xbf", Utf8, b"a\xef\xbb\xbf"),
            (b"\xef\xbb", Utf8, b"\xef\xbb"),
            (b"\xffa", Utf8, b"\xffa"),
            (b"\xff\xfea\0\xe4\0", Utf8, "aä".as_bytes()),
            (b"\xfe\xff\0a\0\xe4", Utf8, "aä".as_bytes()),
            (b"\xff\xfe\x3d\xd8\x00\xde\n\0", Utf8, "😀\n".as_bytes()),
            (b"a\0b\0", Utf16, b"ab"),
            (b"\0a\0b", Utf16Be, b"ab"),
            (b"\xfe\xff\0a", Utf16, b"a"),
            (b"K\xf6ln \x80", Windows1252, "Köln €".as_bytes()),
            (b"\xef\xbb\xbfa", Bytes, b"\xef\xbb\xbfa"),
            (b"\xff\xfe", Utf8, b""),
            (b"\xef\xbb\xbf", Windows1252, b""),
        ];
        for (bytes, encoding, text) in cases {
            assert_eq!(decoded(bytes, encoding).expect("decoded"), text, "{bytes:?}");
        }
        for broken in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xde", b"\xff\xfe\x3d\xd8"] {
            assert!(decoded(broken, Utf8).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn an_encoding_has_the_names_that_people_know() {
        for (name, encoding) in [
            ("utf-8", Encoding::Utf8),
            ("UTF-16LE", Encoding::Utf16),
            ("utf_16_be", Encoding::Utf16Be),
            ("Latin-1", Encoding::Windows1252),
            ("ISO-8859-1", Encoding::Windows1252),
            ("bytes", Encoding::Bytes),
        ] {
            assert_eq!(name.parse(), Ok(encoding), "{name}");
        }
        assert!("utf-7".parse::<Encoding>().is_err());
    }
}
