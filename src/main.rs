//! The binary: hand the command line to the library and exit with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    anynews::cli::main()
}
