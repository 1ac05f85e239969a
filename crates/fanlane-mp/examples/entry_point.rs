//! The entry point: what starts processes calls `mp::init` first thing in `main`, and a worker goes no further.
//!
//! `cargo run --example entry_point` prints
//!
//! ```text
//! only the first process comes here
//! 4 squared is 16, said another process
//! ```
//!
//! `cargo run --example entry_point forgetful` leaves the call out, and ends with an error that says so.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fanlane_mp::{self as mp, Pool, function};

fn square(x: i64) -> i64 {
    x * x
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() != Some("forgetful") {
        mp::init([function!(square)]);
    }
    println!("only the first process comes here");
    let pool = Pool::new(1)?;
    println!("4 squared is {}, said another process", pool.apply(square, (4,))?);
    Ok(())
}
