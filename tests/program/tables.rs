//! The built program from outside, with lists and tables of other systems: each is read rightly, or told with its place.

use super::start::{run_in, run_in_with};

/// Files by their names.
const FILES: &[(&str, &[u8])] = &[
    ("comma.csv", b"name,size\na,12\n"),
    ("excel.csv", b"\xef\xbb\xbfsep=;\r\nname;size\r\na;12\r\n"),
    ("unicode.tsv", b"\xff\xfen\0a\0m\0e\0\t\0s\0i\0z\0e\0\n\0\xe4\0\t\x001\x002\0\n\0"),
    ("latin.csv", b"name;size\nK\xf6ln;12\n"),
    ("quoted.csv", b"name,size\n\"a, b\",12\n\"two\nlines\",3"),
    ("ragged.csv", b"name,size\na\n"),
    ("twice.csv", b"name,name\na,b\n"),
    ("lines.jsonl", b"{\"name\": \"a\", \"size\": 12}\n{\"name\": \"b\", \"size\": 3}\n"),
    ("array.json", b"[{\"name\": \"a\", \"size\": 12}]"),
    ("job.ron", b"Job(version: 1, task: Command(\"echo {name}={size}\"), inputs: [Json(\"lines.jsonl\")])"),
    ("slip.ron", b"Job(version: 1, task: Command(\"echo {nmae}\"), inputs: [Csv(\"comma.csv\")])"),
    ("zero.ron", b"Job(version: 1, task: Command(\"echo {}\"), inputs: [Lines(\"/dev/zero\")])"),
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in FILES {
        std::fs::write(folder.path().join(name), bytes).expect("written");
    }
    folder
}

/// Words behind `run -k` with `|` between them, standard input, what is printed.
#[test]
fn a_list_or_table_of_any_form_is_read_rightly() {
    let cases: &[(&str, &[u8], &str)] = &[
        // A byte order mark, and line ends of another system.
        ("echo [{}]", b"\xef\xbb\xbfa.txt\r\nb.txt\r\n", "[a.txt]\n[b.txt]\n"),
        ("echo [{}]", b"\xff\xfea\0\n\0b\0", "[a]\n[b]\n"),
        ("--header|:|--colsep|,|echo {name}={size}", b"\xef\xbb\xbfname,size\r\na,12\r\n", "a=12\n"),
        ("--header|:|echo {name}", b"\xef\xbb\xbfname\na", "a\n"),
        ("--encoding|latin-1|echo {}", b"K\xf6ln\n", "Köln\n"),
        ("echo {name}={size}|::::|comma.csv", b"", "a=12\n"),
        ("-a|unicode.tsv|echo {name}={size}", b"", "ä=12\n"),
        ("echo {}|::::|comma.csv", b"", "name,size\na,12\n"),
        ("--csv|comma.csv|echo {name}={size} ${HOME:+x}", b"", "a=12 x\n"),
        ("--csv|excel.csv|echo {name}={size}", b"", "a=12\n"),
        ("--csv|latin.csv|--encoding|windows-1252|echo {name}", b"", "Köln\n"),
        ("--csv|quoted.csv|printf '[%s]' {name}", b"", "[a, b][two\nlines]"),
        ("--csv|-|echo {name}", b"name;size\nx;1\n", "x\n"),
        ("--csv|-|--colsep|;|echo {1}", b"a,b;c\n1,2;3\n", "1,2\n"),
        ("--jsonl|lines.jsonl|echo {name}={size}", b"", "a=12\nb=3\n"),
        ("--jsonl|array.json|echo {name}={size}", b"", "a=12\n"),
        ("--jsonl|-|echo {x}|:::|1|2", b"{\"x\": 7}\n", "7\n7\n"),
        ("job.ron", b"", "a=12\nb=3\n"),
    ];
    let folder = folder();
    let mut wrong = Vec::new();
    for (words, input, expected) in cases {
        let words: Vec<&str> = ["run", "-k"].into_iter().chain(words.split('|')).collect();
        let ended = run_in_with(&words, folder.path(), input);
        if (ended.code, ended.out.as_str()) != (Some(0), expected) {
            wrong.push((words, ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Words with `|` between them, standard input, a part of the complaint; nothing is run.
#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("run|--header|:|--colsep|,|echo {name} {corse}|:::|name,course|a,b", b"", "did you mean {course}?"),
        ("run|slip.ron", b"", "{nmae} is no column of the inputs; did you mean {name}? the columns are {name} {size}"),
        ("run|--csv|comma.csv|echo {photo}", b"", "{photo} is no column of the inputs; the columns are {name} {size}"),
        ("run|--csv|latin.csv|echo {name}", b"", "latin.csv, row 2 (line 2), column 'name': it is not UTF-8"),
        ("run|--csv|ragged.csv|echo {name}", b"", "ragged.csv, row 2 (line 2): it has 1 field"),
        ("run|--csv|twice.csv|echo {name}", b"", "twice.csv: columns 1 and 2 are both called 'name'"),
        ("run|--csv|gone.csv|echo {name}", b"", "gone.csv cannot be read"),
        ("run|--jsonl|comma.csv|echo {}", b"", "comma.csv, line 1, column 2: this is not JSON"),
        ("run|--csv|-|echo|::::|-", b"", "standard input can be read only once"),
        ("run|--csv|comma.csv|--colsep|, *|echo", b"", "separated by one character"),
        ("run|--encoding|utf-7|echo|:::|a", b"", "expected utf-8, utf-16"),
        ("run|job.ron|--csv|comma.csv", b"", "job.ron has its own inputs, so --csv has no meaning with it"),
        ("run|--colsep|\u{7c}|echo {1}|:::|a", b"", "for the text | itself write '\\|'"),
        ("run|zero.ron", b"", "/dev/zero, line 1: it is longer than 131071 bytes"),
    ];
    let folder = folder();
    let mut wrong = Vec::new();
    for (words, input, complaint) in cases {
        // The bar is one of the words here.
        let words = words.replace("|--colsep|||", "|--colsep|\u{1}|");
        let words: Vec<String> = words.split('|').map(|word| word.replace('\u{1}', "|")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = run_in_with(&words, folder.path(), input);
        if ended.code != Some(2) || !ended.err.contains(complaint) || !ended.out.is_empty() {
            wrong.push((words.join("|"), ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What arrives while tasks run is refused at its place, too.
#[test]
fn nul_bytes_in_a_line_name_the_flag_for_them() {
    let folder = folder();
    let ended = run_in_with(&["run", "echo {}"], folder.path(), b"a\0b\nc\n");
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("line 1: the value holds a NUL byte") && ended.err.contains("-0 (--null)"), "{ended:?}");
    let read = run_in(&["run", "--csv", "comma.csv", "echo {1}"], folder.path());
    assert_eq!(read.out, "a\n", "{read:?}");
}
