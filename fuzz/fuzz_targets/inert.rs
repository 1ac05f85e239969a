//! Fuzzes what `checks/inert.rs` says.
#![no_main]

#[path = "../checks/inert.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
