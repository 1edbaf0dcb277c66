//! All tests that need sockets or the binary, in one program.

mod harness;
#[cfg(unix)]
mod serve_command;
mod server_api;
mod server_counts;
mod server_limits;
mod server_streams;
