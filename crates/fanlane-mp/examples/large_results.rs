//! Large results: sent as bytes, they are copied several times; in shared memory they are read where they were written.
//!
//! `cargo run --release --example large_results` prints, with other times,
//!
//! ```text
//! 32 results of 16 MiB, sent as bytes: 420 ms
//! 32 results of 16 MiB, in shared memory: 60 ms
//! both arrived whole
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Instant;

use fanlane_mp::{self as mp, Pool, SharedBytes, function};

const LEN: usize = 16 << 20;
const COUNT: u8 = 32;

fn as_bytes(fill: u8) -> Bytes {
    Bytes(vec![fill; LEN])
}

fn in_shared_memory(fill: u8) -> Result<SharedBytes, String> {
    SharedBytes::build(LEN, |bytes| bytes.fill(fill)).map_err(|error| error.to_string())
}

/// Encoded as one piece, not number by number.
#[derive(serde::Serialize, serde::Deserialize)]
struct Bytes(#[serde(with = "serde_bytes")] Vec<u8>);

/// Says how long the results took, and whether the last byte of each is what it should be.
fn measure<T>(how: &str, results: impl Iterator<Item = Result<T, mp::PoolError>>, last: fn(&T) -> Option<u8>) -> bool {
    let begun = Instant::now();
    let is_whole = (0..COUNT).zip(results).all(|(fill, result)| result.is_ok_and(|bytes| last(&bytes) == Some(fill)));
    println!("{COUNT} results of {} MiB, {how}: {} ms", LEN >> 20, begun.elapsed().as_millis());
    is_whole
}

pub(crate) fn main() -> Result<(), mp::Error> {
    mp::init([function!(as_bytes), function!(in_shared_memory)]);
    let pool = Pool::new(2)?;
    let copied = measure("sent as bytes", pool.imap(as_bytes, 0..COUNT), |bytes| bytes.0.last().copied());
    let shared = measure("in shared memory", pool.imap(in_shared_memory, 0..COUNT), |bytes| {
        bytes.as_ref().ok()?.last().copied()
    });
    println!("{}", if copied && shared { "both arrived whole" } else { "something is missing" });
    Ok(())
}
