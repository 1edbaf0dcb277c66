//! libFuzzer on `anynews::fuzz::scenario_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| anynews::fuzz::scenario_file(bytes));
