//! The cubes of 1 to 6, on a pool of six processes.
//!
//! `cargo run --example pool_cubes` prints
//!
//! ```text
//! [1, 8, 27, 64, 125, 216]
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use fanlane_mp::{self as mp, Pool, function};

fn cube(x: i64) -> i64 {
    x * x * x
}

pub(crate) fn main() -> Result<(), mp::Error> {
    mp::init([function!(cube)]);
    let pool = Pool::new(6)?;
    println!("{:?}", pool.map(cube, 1..=6)?);
    pool.close();
    Ok(pool.join()?)
}
