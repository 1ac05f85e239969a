//! Fuzzes what `checks/job.rs` says.
#![no_main]

#[path = "../checks/job.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
