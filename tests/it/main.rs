//! The one integration binary: whatever needs sockets, processes or the source tree.

mod browser;
mod command_line;
mod foreign;
mod handshake;
mod harness;
mod live_runs;
mod peers;
mod program;
mod server_api;
mod server_counts;
mod tidy;
mod web_driver;
