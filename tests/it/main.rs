//! The one integration binary: whatever needs sockets, processes or the source tree.

mod browser;
mod command_line;
mod engines_agree;
mod foreign;
mod handshake;
mod harness;
mod live_runs;
mod network;
mod peers;
mod people_and_pace;
mod program;
mod serve_command;
mod server_api;
mod server_counts;
mod server_limits;
mod server_streams;
mod theory_agrees;
mod tidy;
mod web_driver;
