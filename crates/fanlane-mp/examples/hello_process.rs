//! A function runs in a process of its own, which is waited for.
//!
//! `cargo run --example hello_process` prints
//!
//! ```text
//! hello bob
//! the process ended with exit code 0
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fanlane_mp::{self as mp, Process, function};

fn greet(name: String) {
    println!("hello {name}");
}

pub(crate) fn main() -> Result<(), mp::Error> {
    mp::init([function!(greet)]);
    let mut process = Process::new(greet, ("bob".to_owned(),))?;
    process.start()?;
    let exit_code = process.join()?;
    println!("the process ended with exit code {exit_code}");
    Ok(())
}
