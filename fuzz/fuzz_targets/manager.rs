//! Fuzzes what `checks/manager.rs` says.
#![no_main]

#[path = "../checks/manager.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
