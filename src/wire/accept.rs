//! How a server proves that it speaks WebSocket: the accept key, step by step (RFC 6455 §4.2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// The fixed string that every WebSocket server appends to the client's key.
pub const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The derivation, with every step kept for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The client's `Sec-WebSocket-Key` followed by [`GUID`].
    pub joined: String,
    /// SHA-1 of `joined`.
    pub sha1: [u8; 20],
    /// `sha1` in base64: the only right `Sec-WebSocket-Accept`.
    pub accept: String,
}

/// Derives the accept key for a client's `Sec-WebSocket-Key`, taken as it stands, undecoded.
#[must_use]
pub fn derive(key: &str) -> Accept {
    let joined = format!("{key}{GUID}");
    let sha1: [u8; 20] = Sha1::digest(joined.as_bytes()).into();
    let accept = STANDARD.encode(sha1);
    Accept { joined, sha1, accept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::hex;

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let steps = derive("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(steps.joined, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        assert_eq!(hex(&steps.sha1, ""), "b37a4f2cc0624f1690f64606cf385945b2bec4ea");
        assert_eq!(steps.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
