use std::fs;
use std::io::Read;

use bstr::BString;
use tempfile::TempDir;

use super::*;
use crate::job::template::Digits;

pub(super) fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    folder
}

fn rows(source: &Source) -> Vec<Vec<BString>> {
    (0..source.len())
        .map(|row| (0..source.columns()).map(|column| source.value(row, column, &mut Digits::new()).into()).collect())
        .collect()
}

fn open(input: &Input, folder: &Path, stdin: &mut dyn Read) -> Source {
    let mut sources = input.open(folder, stdin, ValueRules::ARGUMENTS).expect("opens");
    assert_eq!(sources.len(), 1);
    sources.remove(0)
}

pub(super) fn read(input: &Input, folder: &Path, mut stdin: &[u8]) -> Vec<Vec<BString>> {
    rows(&open(input, folder, &mut stdin))
}

pub(super) fn fault(input: &Input, folder: &Path, mut stdin: &[u8]) -> String {
    let error = input.open(folder, &mut stdin, ValueRules::ARGUMENTS).expect_err("does not open");
    error.to_string().replace(&folder.display().to_string(), "DIR")
}

#[test]
fn ranges_count_as_seq() {
    let nowhere = Path::new("/nowhere");
    assert_eq!(read(&Input::Range(-1, 2), nowhere, b""), [["-1"], ["0"], ["1"], ["2"]]);
    assert_eq!(read(&Input::Range(5, 5), nowhere, b""), [["5"]]);
    assert!(read(&Input::Range(3, 1), nowhere, b"").is_empty());

    let widest = open(&Input::Range(i64::MIN + 1, i64::MAX), nowhere, &mut io::empty());
    assert_eq!(widest.len(), u64::MAX);
    assert_eq!(widest.value(u64::MAX - 1, 0, &mut Digits::new()), "9223372036854775807");
    assert_eq!(widest.value(0, 0, &mut Digits::new()), "-9223372036854775807");
    assert_eq!(
        fault(&Input::Range(i64::MIN, i64::MAX), nowhere, b""),
        "Range(-9223372036854775808, 9223372036854775807) has more values than can be counted; make it shorter"
    );
}

#[test]
fn lines_keep_their_bytes() {
    let table: &[(&[u8], &[&[u8]])] = &[
        (b"", &[]),
        (b"\n", &[b""]),
        (b"a\nb\n", &[b"a", b"b"]),
        (b"a\n\nb", &[b"a", b"", b"b"]),
        (b"a\r\nb\r\n", &[b"a", b"b"]),
        (b"a\nb\r\n", &[b"a", b"b\r"]),
        (b"\xef\xbb\xbfa\nb", &[b"a", b"b"]),
        (b"\xff\xfea\0\r\0\n\0\xe4\0", &[b"a", "ä".as_bytes()]),
        (b" a \n\xff\n", &[b" a ", b"\xff"]),
    ];
    for (bytes, expected) in table {
        let expected: Vec<Vec<BString>> = expected.iter().map(|line| vec![BString::from(*line)]).collect();
        let folder = folder_with(&[("lines", bytes)]);
        assert_eq!(read(&Input::Lines("lines".into()), folder.path(), b""), expected);
        assert_eq!(read(&Input::Stdin, folder.path(), bytes), expected);
    }
}

#[test]
fn standard_input_is_left_alone_by_other_inputs() {
    struct Untouchable;
    impl Read for Untouchable {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("read")
        }
    }
    let folder = folder_with(&[("lines", b"x"), ("t.csv", b"h\n1\n")]);
    for input in [
        Input::Range(1, 2),
        Input::List(vec!["a".into()]),
        Input::Lines("lines".into()),
        Input::Glob("l*".into()),
        Input::Csv("t.csv".into()),
    ] {
        assert!(input.open(folder.path(), &mut Untouchable, ValueRules::ARGUMENTS).is_ok(), "{input:?}");
    }
}

#[test]
fn patterns_match_sorted_below_the_folder() {
    let files = ["b.txt", "a.txt", "Z.txt", ".hidden.txt", "sub/c.txt", "sub/deep/d.txt", "sub/[x].txt", "n.md"];
    let files: Vec<(&str, &[u8])> = files.iter().map(|name| (*name, b"".as_slice())).collect();
    let folder = folder_with(&files);
    let read = |pattern: &str| read(&Input::Glob(pattern.into()), folder.path(), b"");
    assert_eq!(read("*.txt"), [["Z.txt"], ["a.txt"], ["b.txt"]]);
    assert_eq!(read(".*.txt"), [[".hidden.txt"]]);
    assert_eq!(read("sub/*.txt"), [["sub/[x].txt"], ["sub/c.txt"]]);
    assert_eq!(read("**/d.txt"), [["sub/deep/d.txt"]]);
    assert_eq!(read("**/**/[cd].txt"), [["sub/c.txt"], ["sub/deep/d.txt"]]);
    assert_eq!(read("**/?.md"), [["n.md"]]);
    assert_eq!(read("sub/**"), [["sub/[x].txt"], ["sub/c.txt"], ["sub/deep"], ["sub/deep/d.txt"]]);
    assert_eq!(read("*/"), [["sub/"]]);
    assert_eq!(read("./sub/../?.md"), [["./sub/../n.md"]]);
    assert_eq!(read("n.md"), [["n.md"]]);
    assert_eq!(read("[ab].txt"), [["a.txt"], ["b.txt"]]);
    let absolute = folder.path().join("a.*").display().to_string();
    assert_eq!(read(&absolute), [[folder.path().join("a.txt").display().to_string().as_str()]]);
}

#[test]
fn names_that_are_not_unicode_are_found_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"\xe4.txt");
    fs::write(folder.path().join::<&std::ffi::OsStr>(name), "").expect("written");
    assert_eq!(read(&Input::Glob("*.txt".into()), folder.path(), b""), [[BString::from(b"\xe4.txt")]]);
}

#[test]
fn links_in_a_circle_are_not_followed_for_ever() {
    let folder = folder_with(&[("sub/x.txt", b"")]);
    std::os::unix::fs::symlink("..", folder.path().join("sub/up")).expect("linked");
    assert_eq!(read(&Input::Glob("**/*.txt".into()), folder.path(), b""), [["sub/x.txt"]]);
}

/// The folder's own name is no pattern.
#[test]
fn a_folder_with_brackets_in_its_name() {
    let folder = folder_with(&[("[ab]*/x.txt", b""), ("a/y.txt", b"")]);
    assert_eq!(read(&Input::Glob("*.txt".into()), &folder.path().join("[ab]*"), b""), [["x.txt"]]);
}

#[test]
fn rows_of_csv_have_named_columns() {
    let folder = folder_with(&[
        ("t.csv", b"\xef\xbb\xbfname, size\r\n\"a, b\",1\r\n\"two\nlines\",\nx,\"q\"\"q\"\n"),
        ("empty.csv", b"a,b\n"),
    ]);
    let source = open(&Input::Csv("t.csv".into()), folder.path(), &mut io::empty());
    assert_eq!(source.names(), ["name", "size"]);
    assert_eq!(
        rows(&source),
        [
            [BString::from("a, b"), BString::from("1")],
            [BString::from("two\nlines"), BString::from("")],
            [BString::from("x"), BString::from("q\"q")]
        ]
    );
    let source = open(&Input::Csv("empty.csv".into()), folder.path(), &mut io::empty());
    assert_eq!((source.len(), source.columns()), (0, 2));
}

#[test]
fn faults_name_what_and_where() {
    let folder = folder_with(&[
        ("nul", b"ok\na\0b\n"),
        ("ragged.csv", b"a,b\n1,2\n\"x\ny\",4\n5\n"),
        ("nothing.csv", b""),
        ("nul.csv", b"a\n\0\n"),
        ("latin.csv", b"a,\xe4\n"),
        ("dir/x", b""),
    ]);
    let fault = |input: Input| fault(&input, folder.path(), b"fine\nnot\0fine");
    assert_eq!(
        fault(Input::Lines("nul".into())),
        "DIR/nul, line 2: the value holds a NUL byte, which no command can be given; if NUL bytes end the values, as those of \
         find -print0, read them with -0 (--null), in a job file as Records with the separator \"\\0\"; if the text is UTF-16, \
         with --encoding utf-16"
    );
    assert_eq!(
        fault(Input::Stdin),
        "standard input, line 2: the value holds a NUL byte, which no command can be given; if NUL bytes end the values, as \
         those of find -print0, read them with -0 (--null), in a job file as Records with the separator \"\\0\"; if the text is \
         UTF-16, with --encoding utf-16"
    );
    assert_eq!(
        fault(Input::List(vec!["a".into(), "b\0".into()])),
        "the list, value 2: the value holds a NUL byte, which no command can be given; remove it"
    );
    assert_eq!(
        fault(Input::Csv("nul.csv".into())),
        "DIR/nul.csv, row 2 (line 2), column 'a': the value holds a NUL byte, which no command can be given; remove it"
    );
    assert_eq!(
        fault(Input::Csv("ragged.csv".into())),
        "DIR/ragged.csv, row 4 (line 5): it has 1 field, but the header names 2 fields; columns are separated by ','"
    );
    assert_eq!(
        fault(Input::Csv("nothing.csv".into())),
        "DIR/nothing.csv has no header row; its first row must name the columns"
    );
    assert_eq!(
        fault(Input::Csv("latin.csv".into())),
        "DIR/latin.csv: the name of column 2 is not valid UTF-8; give the encoding of the file: --encoding windows-1252 (or \
         latin-1, utf-16), or encoding in a Table of a job file"
    );
    assert_eq!(fault(Input::Lines("gone".into())), "DIR/gone cannot be read: No such file or directory (os error 2)");
    assert_eq!(fault(Input::Lines("dir".into())), "DIR/dir cannot be read: Is a directory (os error 21)");
    assert_eq!(
        fault(Input::Glob("*.jpg".into())),
        "no file matches the pattern '*.jpg' in DIR; check the pattern and the working folder"
    );
    assert_eq!(fault(Input::Glob("a[b".into())), "the pattern 'a[b' is not valid at column 2: invalid range pattern");
}

#[test]
fn values_are_cut_into_columns() {
    let folder = folder_with(&[("t", b"a,  b\n,\n\xff,c,\n"), ("two", b"x;y\n1;2\n")]);
    let columns = |from: Input, separator: &str, header: bool| Input::Columns {
        from: Box::new(from),
        separator: Some(separator.into()),
        header,
        trim: false,
    };
    assert_eq!(
        read(&columns(Input::List(vec!["a,  b".into(), ",".into()]), ", *", false), folder.path(), b""),
        [["a", "b"], ["", ""]]
    );
    assert_eq!(
        fault(&columns(Input::Lines("t".into()), ", *", false), folder.path(), b""),
        "DIR/t, line 3: it has 3 columns, but the first has 2 columns; make them the same"
    );
    let source = open(&columns(Input::Lines("two".into()), ";", true), folder.path(), &mut io::empty());
    assert_eq!(
        (source.names(), rows(&source)),
        (&["x".to_owned(), "y".to_owned()][..], vec![vec!["1".into(), "2".into()]])
    );
    let named = Input::Columns { from: Box::new(Input::Stdin), separator: None, header: true, trim: false };
    let source = open(&named, folder.path(), &mut b"n\na b\nc".as_slice());
    assert_eq!((source.names(), rows(&source)), (&["n".to_owned()][..], vec![vec!["a b".into()], vec!["c".into()]]));
    assert_eq!(fault(&named, folder.path(), b""), "standard input is empty, but its first value must name the columns");
    assert_eq!(
        fault(&columns(Input::Stdin, "é*", false), folder.path(), b""),
        "the column separator 'é*' is not valid: it also matches where nothing stands; write for example + in place of *"
    );
}

#[test]
fn records_end_with_any_text() {
    type Case = (&'static str, &'static [u8], &'static [&'static [u8]]);
    let table: &[Case] = &[
        ("\0", b"a\nb\0\0c", &[b"a\nb", b"", b"c"]),
        (";;", b"a;b;;;;\nc;", &[b"a;b", b"", b"\nc;"]),
        (";;", b"", &[]),
        ("ab", b"aab", &[b"a"]),
    ];
    for (separator, bytes, expected) in table {
        let expected: Vec<Vec<BString>> = expected.iter().map(|line| vec![BString::from(*line)]).collect();
        let folder = folder_with(&[("f", bytes)]);
        for file in [Some("f".into()), None] {
            let input = Input::records(file, *separator);
            assert_eq!(read(&input, folder.path(), bytes), expected);
        }
    }
}

#[test]
fn json_is_an_array_of_values_or_of_objects() {
    let json = |text: &str| {
        let folder = folder_with(&[("t.json", text.as_bytes())]);
        Input::Json("t.json".into())
            .open(folder.path(), &mut io::empty(), ValueRules::ARGUMENTS)
            .map(|sources| (sources[0].names().to_vec(), rows(&sources[0])))
            .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
    };
    let row = |values: &[&str]| values.iter().map(|value| BString::from(*value)).collect::<Vec<_>>();
    let values = json("[\"a\\n\u{e9}\", 1.50, -2e400, true, \"\"]").expect("values");
    assert_eq!(values.1, [row(&["a\n\u{e9}"]), row(&["1.50"]), row(&["-2e400"]), row(&["true"]), row(&[""])]);
    assert_eq!(json("[]").expect("none").1.len(), 0);
    let objects = json("\u{feff}[{\"z\": 1, \"a\": \"x\"}, {\"a\": \"y\", \"z\": 2}]").expect("objects");
    assert_eq!(objects, (vec!["z".into(), "a".into()], vec![row(&["1", "x"]), row(&["2", "y"])]));
    for (text, message) in [
        ("[1, [2]]", "DIR/t.json, element 2: it is an array; expected a text, a number, true or false"),
        ("[{\"a\": {}}]", "DIR/t.json, element 1, 'a': it is an object; expected a text, a number, true or false"),
        ("[null]", "DIR/t.json, element 1: it is null; write \"\" for an empty value, or leave the element out"),
        (
            "[{\"a\": 1}, {\"b\": 1}]",
            "DIR/t.json, element 2: the first element has no key 'b'; give all objects the same keys",
        ),
        (
            "[{\"a\": 1, \"b\": 2}, {\"a\": 1}]",
            "DIR/t.json, element 2: it has no key 'b'; give all objects the same keys",
        ),
        ("[{\"a\": 1, \"a\": 2}]", "DIR/t.json, element 1: it has the key 'a' twice; remove one"),
        (
            "[{\"a\": 1}, 2]",
            "DIR/t.json, element 2: it is no object, but the first element is one; make all of them the same",
        ),
        (
            "[1, {\"a\": 1}]",
            "DIR/t.json, element 2: it is an object, but the first is none; make all elements the same",
        ),
        ("[{}]", "DIR/t.json, element 1: the object has no keys; make all elements the same"),
        (
            "[\"\\u0000\"]",
            "DIR/t.json, element 1: the value holds a NUL byte, which no command can be given; remove it",
        ),
        (
            "{\"a\": 1}\n\n{\"b\": 1}\n",
            "DIR/t.json, line 3: the first element has no key 'b'; give all objects the same keys",
        ),
        ("{}", "DIR/t.json, line 1: the object has no keys; make all elements the same"),
    ] {
        assert_eq!(json(text).expect_err(text), message, "{text}");
    }
    let lines = json("\u{feff}\r\n{\"z\": 1, \"a\": \"x\"}\r\n\r\n{\"a\": \"y\", \"z\": 2}").expect("JSON lines");
    assert_eq!(lines, objects);
    assert_eq!(json("\"a b\"\n1.50\n").expect("values").1, [row(&["a b"]), row(&["1.50"])]);
    for (text, place) in [
        ("[1,\n2", "line 2, column 1: "),
        ("\n\n[1,\n2", "line 4, column 1: "),
        ("", "line 1, column 0: "),
        ("[1] 2", "line 1, column 5: "),
        ("{\"a\": 1}\nx", "line 2, column 1: "),
        ("{\n\"a\": 1}", "line 1, column 1: "),
    ] {
        let message = json(text).expect_err(text);
        assert!(
            message.starts_with(&format!("DIR/t.json, {place}")) && message.ends_with("one of these on each line"),
            "{text}: {message}"
        );
    }
}
