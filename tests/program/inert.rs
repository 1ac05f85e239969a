//! Words from outside reach no terminal raw: whatever is in an argument, a path or a value is shown and has no effect.

use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;

use super::start::{command, run_in};

/// A title for the window, a bell, a control character of 8 bits, a change of the writing direction.
const HOSTILE: &str = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}";

fn acts(text: &str) -> bool {
    text.chars().any(|letter| {
        (letter.is_control() && letter != '\n' && letter != '\t')
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// Each place where a word of the command line comes back in a message; `@` stands for the hostile word.
#[test]
fn messages_name_hostile_words_without_effect() {
    const WORDS: &[&str] = &[
        "@",
        "@|x",
        "run|@.ron",
        "run|a@b.ron|x",
        "run|--@|echo",
        "run|--mode|@|echo|:::|a",
        "run|--wd|@|echo|:::|a",
        "run|--joblog|@/x|echo|:::|a",
        "run|--results|/dev/null/@|echo|:::|a",
        "run|--colsep|(@|echo|:::|a",
        "run|echo {1}|::::|@",
        "run|--csv|@|echo",
        "run|--preset|@",
        "run|--halt|@|echo|:::|a",
        "run|--resume-run|@|echo|:::|a",
        "run|echo {1 } @|:::|a",
        "run|--timeout|@|echo|:::|a",
        "race|@.ron",
        "race|--show|@",
        "race|--export|@|echo|:::|a",
        "export|@|-f|csv",
        "attach|@",
        "stop|@",
        "show|@",
        "resume|@",
        "rerun|@",
        "history|remove|@",
        "history|@",
        "presets|show|@",
        "presets|save|@.ron",
        "import|parallel|@ {= x =}",
        "import|joblog|@",
        "completions|@",
        "man|/dev/null/@",
        "manager|serve|@",
        "manager|get|@",
        "progress|@",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for words in WORDS {
        let words = words.replace('@', HOSTILE);
        let ended = run_in(&words.split('|').collect::<Vec<_>>(), folder.path());
        if acts(&ended.err) || acts(&ended.out) {
            wrong.push((words.escape_debug().to_string(), ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Standard output that is a terminal, and what arrives there.
fn on_a_terminal(words: &[&str], folder: &std::path::Path) -> String {
    let (mut master, mut slave) = (-1, -1);
    #[expect(unsafe_code, reason = "the C library opens pairs of terminals")]
    // SAFETY: both numbers are written to, and a name, attributes and a size are not asked for.
    let (opened, mut master, slave) = unsafe {
        let opened = libc::openpty(
            &raw mut master,
            &raw mut slave,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        );
        (opened, std::fs::File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    };
    assert_eq!(opened, 0, "a terminal can be opened");
    let mut program = command(words, folder);
    let mut child = program.stdout(Stdio::from(slave)).stderr(Stdio::null()).spawn().expect("it starts");
    // It holds the other side open.
    drop(program);
    let mut shown = Vec::new();
    // The end is an error once no process has the other side open.
    let _ = master.read_to_end(&mut shown);
    child.wait().expect("it ends");
    String::from_utf8_lossy(&shown).replace("\r\n", "\n")
}

#[test]
fn a_dry_run_shows_on_a_terminal_what_would_act_and_gives_a_pipe_the_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["run", "--dry-run", "echo {}", ":::", HOSTILE];
    let piped = run_in(&words, folder.path());
    assert_eq!(piped.out, format!("echo '{HOSTILE}'\n"), "{piped:?}");
    let shown = on_a_terminal(&words, folder.path());
    assert_eq!(shown, "echo '\\u{1b}]0;x\\u{7}\\u{9b}31m\\u{202e}'\n");
}

/// A table keeps its bytes in a file and a pipe; JSON has the same values without an effect.
#[test]
fn tables_keep_their_bytes_and_json_escapes_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run_in(&["run", "--json", "printf %s {}", ":::", HOSTILE], folder.path());
    assert!(ran.code == Some(0) && !acts(&ran.out), "{ran:?}");
    let first: serde_json::Value = serde_json::from_str(ran.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["input"][0], &first["stdout"]), (&HOSTILE.into(), &HOSTILE.into()));
    let csv = run_in(&["export", "last", "-f", "csv"], folder.path());
    assert!(csv.out.contains(HOSTILE), "{csv:?}");
    for format in ["json", "jsonl", "trace"] {
        let exported = run_in(&["export", "last", "-f", format], folder.path());
        assert!(exported.code == Some(0) && !acts(&exported.out), "{format}: {exported:?}");
    }
    for words in [&["history", "--json"][..], &["history"], &["show", "last"], &["show", "last", "--json"]] {
        let said = run_in(words, folder.path());
        assert!(said.code == Some(0) && !acts(&said.out) && !acts(&said.err), "{words:?}: {said:?}");
    }
    assert!(!acts(&on_a_terminal(&["export", "last", "-f", "csv"], folder.path())));
}
