#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| janitor_fuzz::children(data));
