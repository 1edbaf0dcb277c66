//! The one integration binary: whatever needs sockets, processes or the source tree.

mod handshake;
