//! The program: see [`sipdiag::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    sipdiag::cli::run()
}
