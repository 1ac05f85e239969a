//! Fuzzes what `checks/sanitize.rs` says.
#![no_main]

#[path = "../checks/sanitize.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
