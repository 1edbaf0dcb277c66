//! The one integration binary: whatever needs sockets, processes or the source tree.

mod browser;
mod foreign;
mod handshake;
mod peers;
mod tidy;
mod web_driver;
