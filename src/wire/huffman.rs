//! How long HTTP/2 makes a header's text: the code lengths of RFC 7541, appendix B. Pure.

/// Bits of the characters from space to tilde, in order.
const BITS: [u8; 95] = [
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, // space to /
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // 0 to ?
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // @ to O
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // P to _
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, // ` to o
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, // p to ~
];

/// Bits of a text of printable ASCII; other characters, which heads of ours do not have, count as 20.
#[must_use]
pub const fn bits(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let (mut sum, mut index) = (0, 0);
    while index < bytes.len() {
        let byte = bytes[index];
        sum += if byte >= b' ' && byte <= b'~' { BITS[(byte - b' ') as usize] as u64 } else { 20 };
        index += 1;
    }
    sum
}

/// Bytes of a string of so many bits with its length before it (RFC 7541 §5.2), below 16 KiB.
#[must_use]
pub const fn string(bits: u64) -> u64 {
    let bytes = bits.div_ceil(8);
    bytes
        + if bytes < 127 {
            1
        } else if bytes < 255 {
            2
        } else {
            3
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 7541, appendix C.4 and C.6.
        for (text, bytes) in [
            ("www.example.com", 12),
            ("no-cache", 6),
            ("custom-key", 8),
            ("custom-value", 9),
            ("302", 2),
            ("private", 5),
            ("Mon, 21 Oct 2013 20:13:21 GMT", 22),
            ("https://www.example.com", 17),
        ] {
            assert_eq!(bits(text).div_ceil(8), bytes, "{text}");
        }
    }
}
