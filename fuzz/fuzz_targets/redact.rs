#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sipdiag_fuzz::redact(data));
