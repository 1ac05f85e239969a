//! Tables as other systems and programs write them: each is read rightly, or told with its file and line.

use super::tests::{fault, folder_with, read};
use super::*;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn table(format: TableFormat, separator: Option<char>, encoding: Encoding) -> Input {
    Input::Table { file: Some("t".into()), format, separator, encoding }
}

fn csv(separator: Option<char>, encoding: Encoding) -> Input {
    table(TableFormat::Csv, separator, encoding)
}

/// The same table of a name and a town, in every form in which it may come.
#[test]
fn one_table_in_every_form_has_the_same_rows() {
    let of = Encoding::default;
    let marked = |text: &str| [&b"\xff\xfe"[..], &utf16(text)].concat();
    let latin1 = |text: &str| text.chars().map(|letter| letter as u8).collect::<Vec<u8>>();
    let cases: [(&str, Vec<u8>, Input); 14] = [
        ("commas", "name,ort\nJörg,Köln\n".into(), csv(None, of())),
        ("no last line end", "name,ort\nJörg,Köln".into(), csv(None, of())),
        ("CR LF", "name,ort\r\nJörg,Köln\r\n".into(), csv(None, of())),
        ("quoted", "\"name\",\"ort\"\n\"Jörg\",\"Köln\"\n".into(), csv(None, of())),
        ("semicolons", "name;ort\nJörg;Köln\n".into(), csv(None, of())),
        ("tabs", "name\tort\nJörg\tKöln\n".into(), csv(None, of())),
        ("bars, given", "name|ort\nJörg|Köln\n".into(), csv(Some('|'), of())),
        ("announced", "sep=;\r\nname;ort\r\nJörg;Köln\r\n".into(), csv(None, of())),
        ("a mark", "\u{feff}name;ort\r\nJörg;Köln\r\n".into(), csv(None, of())),
        ("a mark and announced", "\u{feff}sep=;\nname;ort\nJörg;Köln\n".into(), csv(None, of())),
        ("Unicode text of Excel", marked("name\tort\r\nJörg\tKöln\r\n"), csv(None, of())),
        ("UTF-16 without a mark", utf16("name,ort\nJörg,Köln\n"), csv(None, Encoding::Utf16)),
        ("Latin-1", latin1("name;ort\nJörg;Köln\n"), csv(None, Encoding::Windows1252)),
        (
            "JSON lines in UTF-16",
            marked("{\"name\": \"Jörg\", \"ort\": \"Köln\"}\r\n"),
            table(TableFormat::Json, None, of()),
        ),
    ];
    for (what, bytes, input) in cases {
        let folder = folder_with(&[("t", &bytes)]);
        assert_eq!(read(&input, folder.path(), b""), [["Jörg", "Köln"]], "{what}");
        // Standard input is read in the same way.
        let Input::Table { format, separator, encoding, .. } = input else { unreachable!("all are tables") };
        let from_stdin = Input::Table { file: None, format, separator, encoding };
        assert_eq!(read(&from_stdin, folder.path(), &bytes), [["Jörg", "Köln"]], "{what}");
    }
}

#[test]
fn what_a_table_lacks_is_told_with_its_place() {
    let cases: [(&[u8], Input, &str); 8] = [
        (b"name,ort\nJ\xf6rg,K\n", csv(None, Encoding::Utf8), "DIR/t, row 2 (line 2), column 'name': it is not UTF-8"),
        (b"n\xe4me,b\n1,2\n", csv(None, Encoding::Utf8), "DIR/t: the name of column 1 is not valid UTF-8"),
        (
            b"sep=;\na;b\n1\n",
            csv(None, Encoding::Utf8),
            "DIR/t, row 2 (line 3): it has 1 field, but the header names 2",
        ),
        (b"a,b,a\n", csv(None, Encoding::Utf8), "DIR/t: columns 1 and 3 are both called 'a'"),
        (b"a,b\n1,\"2\n3,4\n", csv(None, Encoding::Utf8), "DIR/t, row 2 (line 2): the quotation mark of a cell is not"),
        (b"", csv(None, Encoding::Utf8), "DIR/t has no header row"),
        (b"\xff\xfea", csv(None, Encoding::Utf8), "DIR/t cannot be read: it ends within a character of UTF-16"),
        (b"{\"a\": 1}\n{\"a\": [1]}\n", table(TableFormat::Json, None, Encoding::Utf8), "DIR/t, line 2, 'a': it is an"),
    ];
    for (bytes, input, words) in cases {
        let folder = folder_with(&[("t", bytes)]);
        let told = fault(&input, folder.path(), b"");
        assert!(told.starts_with(words), "{told}");
    }
    let utf16_lines = folder_with(&[("lines", &utf16("a\nb\n"))]);
    let told = fault(&Input::Lines("lines".into()), utf16_lines.path(), b"");
    assert!(told.contains("--encoding utf-16"), "{told}");
}

#[test]
fn an_empty_name_is_no_name_and_bytes_are_kept_where_asked_for() {
    let folder = folder_with(&[("t", b"name,,\n\xff,1,2\n")]);
    let mut opened =
        csv(None, Encoding::Bytes).open(folder.path(), &mut io::empty(), ValueRules::ARGUMENTS).expect("opens");
    assert_eq!(opened.remove(0).names(), ["name", "", ""]);
    assert_eq!(read(&csv(None, Encoding::Bytes), folder.path(), b""), [[&b"\xff"[..], b"1", b"2"]]);
}

/// An endless line, row or text is told after a bounded part of it, whatever reads it.
#[test]
fn what_never_ends_is_told_and_not_read_into_memory() {
    struct Endless(u64, &'static [u8]);
    impl io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(self.0 < 64 << 20, "{} bytes were read", self.0);
            let head = std::mem::take(&mut self.1);
            buffer[..head.len()].copy_from_slice(head);
            buffer[head.len()..].fill(b'x');
            self.0 += buffer.len() as u64;
            Ok(buffer.len())
        }
    }
    let stdin = |format| Input::Table { file: None, format, separator: None, encoding: Encoding::Utf8 };
    let columns = |separator: Option<&str>| Input::Columns {
        from: Box::new(Input::Stdin),
        separator: separator.map(str::to_owned),
        header: true,
        trim: true,
    };
    let cases: [(Input, &'static [u8], &str); 7] = [
        (Input::Stdin, b"ok\n", "standard input, line 2: it is longer than 131071 bytes, the most that an argument"),
        (Input::records(None, "\0"), b"", "standard input, record 1: it is longer than 131071 bytes"),
        (columns(None), b"", "standard input, line 1: it is longer"),
        (columns(Some(",")), b"a,b\n", "standard input, line 2: it is longer than 16777216 bytes"),
        (stdin(TableFormat::Csv), b"a,b\n1,2\n", "standard input, row 3: it is longer than 16777216 bytes"),
        (stdin(TableFormat::Json), b"[1, \"", "standard input, line 1, column "),
        (stdin(TableFormat::Json), b"{\"a\": \"", "standard input, line 1: it is longer than 16777216 bytes"),
    ];
    for (input, head, words) in cases {
        let error =
            input.open(Path::new("."), &mut Endless(0, head), ValueRules::ARGUMENTS).expect_err("it is endless");
        assert!(error.to_string().starts_with(words), "{input:?}: {error}");
    }
    // A cell that fits into a row but into no argument.
    let long = format!("a,b\n1,{}\n", "x".repeat(200_000));
    let told = fault(&stdin(TableFormat::Csv), Path::new("."), long.as_bytes());
    assert!(told.starts_with("standard input, row 2 (line 2), column 'b': it is longer than 131071 bytes"), "{told}");
    let texts = stdin(TableFormat::Csv).open(Path::new("."), &mut long.as_bytes(), ValueRules::TEXTS);
    assert_eq!(texts.expect("no argument").len(), 1);
}
