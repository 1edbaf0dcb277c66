//! The one integration binary: whatever needs sockets, processes or the source tree.

mod attack;
mod browser;
mod command_line;
mod engines_agree;
mod foreign;
mod fuzz;
mod handshake;
mod harness;
mod hostile;
mod live_runs;
mod network;
mod peers;
mod people_and_pace;
mod program;
mod serve_command;
mod server_api;
mod server_counts;
mod server_describes;
mod server_guard;
mod server_limits;
mod server_streams;
mod theory_agrees;
mod tidy;
mod tls;
mod web_driver;
