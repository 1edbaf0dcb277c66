//! What travels besides the payload: WebSocket frame headers (RFC 6455) and TCP/IP segments. Pure.
//!
//! Knows sizes and bits only; it deliberately knows neither sockets nor our API.

pub mod accept;
pub mod heads;
pub mod huffman;

/// Payload bytes of one full TCP segment on Ethernet: 1,500 − 40 of TCP/IP − 12 of timestamps.
pub const SEGMENT: u64 = 1448;
/// IPv4 and TCP headers of one segment, without options.
pub const TCP_IP: u64 = 40;
/// Longest payload of a control frame (RFC 6455 §5.5).
pub const MAX_CONTROL: u64 = 125;

/// Opcodes of RFC 6455 §5.2.
pub mod opcode {
    /// The next part of a fragmented message.
    pub const CONTINUATION: u8 = 0x0;
    /// A message of UTF-8 text.
    pub const TEXT: u8 = 0x1;
    /// A message of bytes.
    pub const BINARY: u8 = 0x2;
    /// The sender hangs up.
    pub const CLOSE: u8 = 0x8;
    /// "Are you there?"
    pub const PING: u8 = 0x9;
    /// "Yes."
    pub const PONG: u8 = 0xa;
}

/// The header of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// RSV1 to RSV3 as the number 0–7; RSV1 (4) marks a compressed message where that was agreed.
    pub rsv: u8,
    /// What the frame is, 0–15; see [`opcode`].
    pub opcode: u8,
    /// The masking key; every client frame has one, no server frame does.
    pub mask: Option<[u8; 4]>,
    /// Payload bytes.
    pub len: u64,
}

/// Why bytes are no frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length does not use the fewest bytes, as RFC 6455 §5.2 demands.
    #[error("the length {0} is written in more bytes than it needs")]
    LongLength(u64),
    /// The top bit of a 64-bit length must be 0.
    #[error("a 64-bit length must not have its top bit set")]
    HugeLength,
    /// Control frames carry at most 125 bytes and are never split (RFC 6455 §5.5).
    #[error("a control frame must be whole and carry at most 125 bytes")]
    Control,
}

impl Header {
    /// Header bytes that precede the payload: 2, 4 or 10, and 4 more for a masking key.
    #[must_use]
    pub fn size(&self) -> usize {
        header_size(self.len, self.mask.is_some())
    }

    /// The header as it stands on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        out.push(u8::from(self.fin) << 7 | (self.rsv & 7) << 4 | (self.opcode & 15));
        let masked = u8::from(self.mask.is_some()) << 7;
        match self.len {
            short @ 0..=125 => out.push(masked | short as u8),
            medium @ 126..=0xffff => {
                out.push(masked | 126);
                out.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                out.push(masked | 127);
                out.extend_from_slice(&long.to_be_bytes());
            }
        }
        out.extend_from_slice(self.mask.as_ref().map_or(&[][..], |key| &key[..]));
        out
    }

    /// Reads a header from the start of `bytes`; `None` when more bytes are needed. The payload
    /// starts at [`Header::size`].
    ///
    /// # Errors
    /// The bytes can never become a header that RFC 6455 allows.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, FrameError> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (len, rest) = match second & 0x7f {
            126 => {
                let Some((raw, rest)) = rest.split_first_chunk::<2>() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*raw)), rest)
            }
            127 => {
                let Some((raw, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
                (u64::from_be_bytes(*raw), rest)
            }
            short => (u64::from(short), rest),
        };
        let mask = if second & 0x80 == 0 {
            None
        } else {
            let Some((key, _)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            Some(*key)
        };
        let header = Self { fin: first & 0x80 != 0, rsv: first >> 4 & 7, opcode: first & 15, mask, len };
        header.check(bytes.len() - rest.len() - 2)?;
        Ok(Some(header))
    }

    fn check(&self, length_bytes: usize) -> Result<(), FrameError> {
        if self.len > i64::MAX as u64 {
            return Err(FrameError::HugeLength);
        }
        if header_size(self.len, false) != 2 + length_bytes {
            return Err(FrameError::LongLength(self.len));
        }
        if self.opcode >= opcode::CLOSE && (!self.fin || self.len > MAX_CONTROL) {
            return Err(FrameError::Control);
        }
        Ok(())
    }
}

/// Header bytes of a frame with `payload` bytes: 2, 4 or 10 from the server, 6, 8 or 14 from a
/// client, whose frames are masked (RFC 6455 §5.2).
#[must_use]
pub fn header_size(payload: u64, masked: bool) -> usize {
    let length = match payload {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    length + if masked { 4 } else { 0 }
}

/// Masks, or unmasks, in place: byte i XOR key byte i mod 4 (RFC 6455 §5.3).
pub fn apply_mask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// The fewest TCP segments that carry one write of `bytes`.
#[must_use]
pub fn segments(bytes: u64) -> u64 {
    bytes.div_ceil(SEGMENT)
}

/// Bytes on the wire when `bytes` travel in `segments` segments: 40 B of TCP/IP for each. ACKs, the
/// TCP handshake and TCP options are not counted; fewer segments than the bytes need are raised to that.
#[must_use]
pub fn wire_estimate(bytes: u64, segments: u64) -> u64 {
    let needed = segments.max(self::segments(bytes));
    bytes.saturating_add(needed.saturating_mul(TCP_IP))
}

/// Bytes in hexadecimal, two digits each, with `between` between them.
#[must_use]
pub fn hex(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

/// A name for an opcode, for people.
#[must_use]
pub fn opcode_name(code: u8) -> &'static str {
    match code {
        opcode::CONTINUATION => "continuation",
        opcode::TEXT => "text",
        opcode::BINARY => "binary",
        opcode::CLOSE => "close",
        opcode::PING => "ping",
        opcode::PONG => "pong",
        _ => "reserved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The masked "Hello" of RFC 6455 §5.7.
    const HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

    #[test]
    fn the_example_of_the_standard_decodes() {
        let header = Header::parse(&HELLO).unwrap().unwrap();
        assert_eq!((header.fin, header.opcode, header.len, header.size()), (true, opcode::TEXT, 5, 6));
        let mut payload = HELLO[header.size()..].to_vec();
        apply_mask(&mut payload, header.mask.unwrap());
        assert_eq!(payload, b"Hello");
        assert_eq!(header.encode(), HELLO[..6]);
    }

    #[test]
    fn headers_cost_what_the_contract_of_the_frame_says() {
        for (payload, server) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            assert_eq!(header_size(payload, false), server);
            assert_eq!(header_size(payload, true), server + 4);
        }
    }

    #[test]
    fn forbidden_headers_are_named() {
        assert_eq!(Header::parse(&[0x81, 126, 0, 5]), Err(FrameError::LongLength(5)));
        assert_eq!(
            Header::parse(&[0x81, 127, 0, 0, 0, 0, 0, 0, 255, 255]),
            Err(FrameError::LongLength(65_535))
        );
        assert_eq!(Header::parse(&[0x82, 127, 255, 0, 0, 0, 0, 0, 0, 0]), Err(FrameError::HugeLength));
        assert_eq!(Header::parse(&[0x09, 0]), Err(FrameError::Control));
        assert_eq!(Header::parse(&[0x89, 126, 0, 126]), Err(FrameError::Control));
    }

    #[test]
    fn a_segment_costs_forty_bytes() {
        assert_eq!(wire_estimate(0, 0), 0);
        assert_eq!(wire_estimate(1448, 1), 1488);
        assert_eq!(wire_estimate(1449, 1), 1449 + 80);
        assert_eq!(wire_estimate(100, 10), 500);
        assert_eq!(wire_estimate(u64::MAX, u64::MAX), u64::MAX);
    }

    fn any_header() -> impl Strategy<Value = Header> {
        let len = prop_oneof![0..=300u64, 65_500..=65_600u64, 0..=i64::MAX as u64];
        (any::<bool>(), 0..8u8, 0..16u8, any::<Option<[u8; 4]>>(), len).prop_map(
            |(fin, rsv, opcode, mask, len)| {
                let control = opcode >= opcode::CLOSE;
                let len = if control { len % (MAX_CONTROL + 1) } else { len };
                Header { fin: fin || control, rsv, opcode, mask, len }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_encoded_parses_back(header in any_header(), tail in any::<Vec<u8>>()) {
            let mut bytes = header.encode();
            prop_assert_eq!(bytes.len(), header.size());
            for cut in 0..bytes.len() {
                prop_assert_eq!(Header::parse(&bytes[..cut]), Ok(None));
            }
            bytes.extend(tail);
            prop_assert_eq!(Header::parse(&bytes), Ok(Some(header)));
        }

        #[test]
        fn any_bytes_parse_without_panic_and_what_parses_encodes_back(bytes in any::<Vec<u8>>()) {
            if let Ok(Some(header)) = Header::parse(&bytes) {
                prop_assert_eq!(&header.encode()[..], &bytes[..header.size()]);
            }
        }

        #[test]
        fn masking_twice_is_nothing(payload in any::<Vec<u8>>(), key in any::<[u8; 4]>()) {
            let mut bytes = payload.clone();
            apply_mask(&mut bytes, key);
            apply_mask(&mut bytes, key);
            prop_assert_eq!(bytes, payload);
        }
    }
}
