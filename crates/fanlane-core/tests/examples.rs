//! The example prints what its documentation says, and docs/engine.md shows its code. This very program becomes the example
//! where a variable tells it to, and so do the example's workers: nothing has to have been built before.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

#[path = "../examples/run_batch.rs"]
mod run_batch;

use std::error::Error;
use std::process::{Command, Stdio};

/// Set where this program is to be the example.
const ROLE: &str = "FANLANE_TEST_EXAMPLE";
const EXAMPLE: &str = include_str!("../examples/run_batch.rs");
const PAGE: &str = include_str!("../../../docs/engine.md");

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os(ROLE).is_some() {
        return run_batch::main();
    }
    // Selected as `cargo test` does; there are only these two, which are one thing.
    if std::env::args().skip(1).all(|word| word.starts_with('-') && word != "--list") {
        the_example_prints_what_it_says();
        the_page_shows_the_example();
    }
    Ok(())
}

/// The lines of the first block of this language.
fn block<'a>(lines: impl Iterator<Item = &'a str>, language: &str) -> String {
    let opening = format!("```{language}");
    let block = lines.skip_while(|line| *line != opening).skip(1).take_while(|line| *line != "```");
    block.map(|line| format!("{line}\n")).collect()
}

fn the_example_prints_what_it_says() {
    let example = Command::new("/proc/self/exe").env(ROLE, "run_batch").stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&example.stderr);
    assert!(example.status.success(), "{stderr}");
    let promised = block(EXAMPLE.lines().filter_map(|line| line.strip_prefix("//! ")), "text");
    assert_eq!(String::from_utf8_lossy(&example.stdout), promised);
    assert!(stderr.contains("3 of 3\n"), "{stderr}");
}

fn the_page_shows_the_example() {
    let code = EXAMPLE.split_once("\nuse ").unwrap().1;
    assert_eq!(block(PAGE.lines(), "rust"), format!("use {}", code.replace("pub(crate) fn main", "fn main")));
}
