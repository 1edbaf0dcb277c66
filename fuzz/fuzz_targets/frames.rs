//! libFuzzer on `anynews::fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anynews::fuzz::frames(bytes));
