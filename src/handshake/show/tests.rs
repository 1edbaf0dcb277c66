//! Snapshots of recorded handshakes, and the law that any bytes render within 80 columns.

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::handshake::Chunk;
use crate::wire::{Header, apply_mask};

const REQUEST: &str = "GET /topics/lesson/socket?as=you HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn chunk(side: Side, at_us: u64, bytes: impl Into<Vec<u8>>) -> Chunk {
    Chunk { side, at: Duration::from_micros(at_us), bytes: bytes.into() }
}

fn frame(side: Side, at_us: u64, code: u8, payload: &[u8]) -> Chunk {
    let mask = (side == Side::Client).then_some([0x37, 0xfa, 0x21, 0x3d]);
    let header = Header { fin: true, rsv: 0, opcode: code, mask, len: payload.len() as u64 };
    let mut payload = payload.to_vec();
    if let Some(key) = mask {
        apply_mask(&mut payload, key);
    }
    chunk(side, at_us, [header.encode(), payload].concat())
}

fn plain(transcript: &Transcript) -> String {
    anstream::adapter::strip_str(&render(transcript)).to_string()
}

#[test]
fn a_whole_lesson() {
    let hello = br#"{"hello":{"epoch":"k3","offset":0,"first":1,"recovered":true}}"#;
    let event = br#"{"topic":"lesson","offset":2,"at":1764000000000000,"kind":"message","data":"Yes! Here's one. And it is long enough to need a longer length.","from":"priya"}"#;
    let transcript = Transcript {
        url: "ws://127.0.0.1:8080/topics/lesson/socket?as=you".to_owned(),
        chunks: vec![
            chunk(Side::Client, 100, REQUEST),
            chunk(
                Side::Server,
                500,
                [ANSWER.as_bytes(), &frame(Side::Server, 0, 1, hello).bytes[..]].concat(),
            ),
            frame(Side::Client, 900, 1, br#"{"kind":"message","data":"Any new messages?"}"#),
            frame(Side::Server, 1400, 1, br#"{"ack":{"offset":1}}"#),
            frame(Side::Server, 2_100, 1, event),
            frame(Side::Client, 2_200, 8, b"\x03\xe8"),
            frame(Side::Server, 2_300, 8, b"\x03\xe8"),
        ],
        tls: None,
        aside: Some("Priya published by POST on another connection; nobody asked on this one.".to_owned()),
        unasked: true,
        failure: None,
    };
    insta::assert_snapshot!(plain(&transcript));
}

#[test]
fn a_refusal_shows_the_answer_and_disarms_control_characters() {
    let refusal =
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 8\r\n\r\nno\x1b[31m!";
    let transcript = Transcript {
        url: "ws://127.0.0.1:8080/".to_owned(),
        chunks: vec![chunk(Side::Client, 0, REQUEST), chunk(Side::Server, 400, refusal)],
        ..Transcript::default()
    };
    insta::assert_snapshot!(plain(&transcript));
}

#[test]
fn frames_that_break_the_rules_are_said_to() {
    let mut broken = ANSWER.replace("s3p", "xxx").into_bytes();
    broken.extend_from_slice(&[0x81, 0x81, 1, 2, 3, 4, 0x49, 0x81, 126, 0, 5]);
    let transcript = Transcript {
        chunks: vec![
            chunk(Side::Client, 0, REQUEST),
            chunk(Side::Server, 400, broken),
            chunk(Side::Client, 500, &b"\x81"[..]),
        ],
        ..Transcript::default()
    };
    let text = plain(&transcript).split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "a client must hang up now",
        "masked, which a server must never do",
        "is written in more bytes than it needs",
        "The client's next frame was cut off after 1 bytes",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn wrapping_breaks_at_spaces_and_counts_wide_characters() {
    assert_eq!(wrap("one two three", 8), ["one two", "three"]);
    assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
    assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    assert_eq!(clipped("one two three", 8), "one two…");
}

fn any_chunk() -> impl Strategy<Value = Chunk> {
    let side = prop_oneof![Just(Side::Client), Just(Side::Server)];
    let bytes = prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        Just(REQUEST.as_bytes().to_vec()),
        Just(ANSWER.as_bytes().to_vec()),
        (0..16u8, any::<Vec<u8>>()).prop_map(|(code, payload)| frame(Side::Server, 0, code, &payload).bytes),
    ];
    (side, any::<u64>(), bytes).prop_map(|(side, at, bytes)| chunk(side, at, bytes))
}

proptest! {
    #[test]
    fn any_bytes_render_within_80_columns(
        chunks in proptest::collection::vec(any_chunk(), 0..8),
        upgraded in any::<bool>(),
        url in any::<String>(),
    ) {
        let mut all = vec![];
        if upgraded {
            all.extend([chunk(Side::Client, 0, REQUEST), chunk(Side::Server, 1, ANSWER)]);
        }
        all.extend(chunks);
        let text = plain(&Transcript { url, chunks: all, ..Transcript::default() });
        for line in text.lines() {
            prop_assert!(line.width() <= WIDTH, "{} columns: {line:?}", line.width());
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
