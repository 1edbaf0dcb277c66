//! libFuzzer on `anynews::fuzz::parameters`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anynews::fuzz::parameters(bytes));
