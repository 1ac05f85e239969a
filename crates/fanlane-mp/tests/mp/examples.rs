//! The examples print what their documentation says. This very program becomes one where a variable tells it to, and so
//! do the processes that an example starts: nothing has to have been built before.

#[path = "../../examples/entry_point.rs"]
mod entry_point;
#[path = "../../examples/hello_process.rs"]
mod hello_process;
#[path = "../../examples/large_results.rs"]
mod large_results;
#[path = "../../examples/manager_remote.rs"]
mod manager_remote;
#[path = "../../examples/pool_cubes.rs"]
mod pool_cubes;
#[path = "../../examples/queue_object.rs"]
mod queue_object;

use std::process::{Command, ExitCode, Stdio, Termination};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("examples::each_prints_what_it_says", each_prints_what_it_says),
    ("examples::every_example_of_this_library_is_here", every_example_of_this_library_is_here),
];

/// Names the example that this program is.
const ROLE: &str = "FANLANE_TEST_EXAMPLE";

/// An example: its name, its text, and its `main`.
type Example = (&'static str, &'static str, fn() -> ExitCode);

macro_rules! example {
    ($name:ident) => {
        (stringify!($name), include_str!(concat!("../../examples/", stringify!($name), ".rs")), || {
            $name::main().report()
        })
    };
}

const EXAMPLES: [Example; 6] = [
    example!(entry_point),
    example!(hello_process),
    example!(large_results),
    example!(manager_remote),
    example!(pool_cubes),
    example!(queue_object),
];

/// Runs the example that this process is to be; `None` where it is to be the tests.
pub fn as_one() -> Option<ExitCode> {
    let role = std::env::var(ROLE).ok()?;
    let (_, _, main) = EXAMPLES.into_iter().find(|(name, ..)| *name == role).expect("there is such an example");
    Some(main())
}

/// An example, still to be started.
pub fn command(name: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.env(ROLE, name).stdin(Stdio::null());
    command
}

/// The lines between the first fences that are for text.
fn promised(source: &str) -> String {
    let lines = source.lines().map(|line| line.trim_start_matches("//!").trim_start());
    let block = lines.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```");
    block.map(|line| format!("{line}\n")).collect()
}

/// What differs each time, the milliseconds, is left out.
fn without_times(text: &str) -> String {
    let is_time = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let line = |line: &str| match line.strip_suffix(" ms").and_then(|rest| rest.rsplit_once(' ')) {
        Some((before, time)) if is_time(&time) => format!("{before} … ms\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn each_prints_what_it_says() {
    for (name, source, _) in EXAMPLES {
        let output = command(name).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let promised = promised(source);
        assert!(!promised.is_empty());
        assert_eq!(without_times(&printed), without_times(&promised), "{name}");
    }
}

fn every_example_of_this_library_is_here() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("use fanlane_mp"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, EXAMPLES.map(|(name, ..)| name));
}
