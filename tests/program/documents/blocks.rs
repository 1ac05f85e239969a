//! The fenced blocks of a document, and what the comment before one says of it:
//!
//! | comment | the block |
//! | --- | --- |
//! | none | runs, and ends with 0 |
//! | `<!-- status: 1 -->` | runs, and ends with 1 |
//! | `<!-- on a terminal -->` | runs on a terminal |
//! | `<!-- file: NAME -->` | is the content of this file, which later blocks of the page use |
//! | `<!-- not run: REASON -->` | is for another place |

use std::path::{Path, PathBuf};

/// What a comment says of the block below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Status(i32),
    OnTerminal,
    File(String),
    NotRun(String),
}

/// A fenced block.
#[derive(Debug)]
pub struct Block {
    /// The page and the line of its fence, for messages.
    pub place: String,
    pub language: String,
    pub text: String,
    pub mark: Option<Mark>,
}

impl Block {
    /// The exit status that it promises.
    pub fn status(&self) -> i32 {
        if let Some(Mark::Status(status)) = self.mark { status } else { 0 }
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages of the project by their paths from its root, in order.
pub fn pages() -> Vec<PathBuf> {
    const TOP: [&str; 7] = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "crates/fanlane-core/README.md",
        "crates/fanlane-mp/README.md",
        "packaging/README.md",
    ];
    let mut found: Vec<PathBuf> = TOP.iter().map(PathBuf::from).collect();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).expect("a folder") {
            let path = folder.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub fn read(page: &Path) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// The blocks of a page.
pub fn blocks(page: &Path) -> Vec<Block> {
    let text = read(page);
    let mut found = Vec::new();
    let mut lines = text.lines().zip(1..);
    let mut before = "";
    while let Some((line, number)) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let mut block = String::new();
            for (line, _) in lines.by_ref().take_while(|(line, _)| line.trim_start() != "```") {
                block += line.get(indent..).unwrap_or_default();
                block.push('\n');
            }
            let place = format!("{}:{number}", page.display());
            let mark = comment(before).map(|words| mark(words).unwrap_or_else(|| panic!("{place}: <!-- {words} -->")));
            // Behind a comma are words for the tests of Rust's documentation.
            let language = language.split(',').next().unwrap_or_default().to_owned();
            found.push(Block { place, language, text: block, mark });
        }
        before = line;
    }
    found
}

fn comment(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")
}

fn mark(words: &str) -> Option<Mark> {
    if words == "on a terminal" {
        return Some(Mark::OnTerminal);
    }
    let (kind, rest) = words.split_once(": ")?;
    match kind {
        "status" => rest.parse().ok().map(Mark::Status),
        "file" => Some(Mark::File(rest.to_owned())),
        "not run" => Some(Mark::NotRun(rest.to_owned())),
        _ => None,
    }
}

/// The commands of a block of the language `console`, each with the lines that it prints.
pub fn session(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            found.push((command.to_owned(), Vec::new()));
        } else if let Some(further) = line.strip_prefix("> ") {
            let command = &mut found.last_mut().expect("a session begins with a command").0;
            command.push('\n');
            command.push_str(further);
        } else {
            found.last_mut().expect("a session begins with a command").1.push(line);
        }
    }
    found
}

/// Whether a command printed what a page shows, where `…` in a line stands for any words, and alone for any lines.
pub fn is_shown(shown: &[&str], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        ["…", rest @ ..] => (0..=printed.len()).any(|left_out| is_shown(rest, &printed[left_out..])),
        [line, rest @ ..] => {
            printed.split_first().is_some_and(|(first, others)| is_line(line, first) && is_shown(rest, others))
        }
    }
}

fn is_line(shown: &str, printed: &str) -> bool {
    let Some((head, rest)) = shown.split_once('…') else { return shown == printed };
    let Some(printed) = printed.strip_prefix(head) else { return false };
    printed.char_indices().map(|(at, _)| at).chain([printed.len()]).any(|at| is_line(rest, &printed[at..]))
}

#[test]
fn what_is_shown_is_compared_with_what_is_printed() {
    for (shown, printed, same) in [
        ("a", "a", true),
        ("a", "b", false),
        ("", "a", false),
        ("a … b", "a 12 s b", true),
        ("a … b", "a 12 s", false),
        ("…b…", "abc", true),
        ("…\nend", "1\n2\nend", true),
        ("…\nend", "1\n2", false),
        ("1\n…", "1\n2\n3", true),
    ] {
        let lines = |text: &'static str| text.lines().collect::<Vec<_>>();
        assert_eq!(is_shown(&lines(shown), &lines(printed)), same, "{shown:?} {printed:?}");
    }
}

#[test]
fn a_comment_marks_the_block_below_it() {
    assert_eq!(comment("<!-- not run: a: b -->").and_then(mark), Some(Mark::NotRun("a: b".to_owned())));
    assert_eq!(comment("<!-- status: 1 -->").and_then(mark), Some(Mark::Status(1)));
    assert_eq!(comment("text").and_then(mark), None);
    assert_eq!(mark("statuses: 1"), None);
    let console = "$ a \\\n> b\nout\n$ c\n";
    assert_eq!(session(console), [("a \\\nb".to_owned(), vec!["out"]), ("c".to_owned(), vec![])]);
}
