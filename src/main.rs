//! The program: see [`sipdiag::cli`].

use std::process::ExitCode;

/// Messages come and go by the million, most of them small: glibc's allocator would take a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sipdiag::cli::run()
}
