//! The examples print what their documentation says.

use std::process::{Command, Stdio};

use crate::Test;
use crate::pool::example;

pub const TESTS: &[Test] = &[("examples::each_prints_what_it_says", each_prints_what_it_says)];

/// The lines between the first fences that are for text.
fn promised(source: &str) -> String {
    let lines = source.lines().map(|line| line.trim_start_matches("//!").trim_start());
    let block = lines.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```");
    block.map(|line| format!("{line}\n")).collect()
}

/// Times differ.
fn without_times(text: &str) -> String {
    text.lines().map(|line| line.split(": ").next().unwrap_or(line).to_owned() + "\n").collect()
}

fn each_prints_what_it_says() {
    let sources = [
        ("hello_process", include_str!("../../examples/hello_process.rs")),
        ("queue_object", include_str!("../../examples/queue_object.rs")),
        ("pool_cubes", include_str!("../../examples/pool_cubes.rs")),
        ("entry_point", include_str!("../../examples/entry_point.rs")),
        ("large_results", include_str!("../../examples/large_results.rs")),
    ];
    for (name, source) in sources {
        let output = Command::new(example(name)).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let promised = promised(source);
        assert!(!promised.is_empty());
        assert_eq!(without_times(&printed), without_times(&promised), "{name}");
    }
}
