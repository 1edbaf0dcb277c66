//! What a fuzzer may throw at the program: one function for each way in, which panics where a promise
//! is broken. `tests/it/fuzz.rs` runs them on every test run, `fuzz/` for as long as one likes.

use std::io::{self, Cursor, Read, Write};

use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use crate::scenario::file::{self, Overrides};
use crate::server;
use crate::wire::Header;

/// Largest message of the frame path here, bytes.
const LARGEST: usize = 4096;

/// A scenario file: it is a scenario, or every problem says something about a line that is there.
///
/// # Panics
/// A promise is broken.
pub fn scenario_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match file::read("fuzz", "fuzz.toml", &text, &Overrides::default()) {
        Ok(scenario) => {
            assert!(scenario.clients > 0 && !scenario.transports.is_empty(), "{scenario:?}");
            serde_json::to_string(&scenario).expect("a scenario is JSON");
        }
        Err(problems) => {
            assert!(!problems.0.is_empty());
            for problem in problems.0 {
                assert!(!problem.message.is_empty(), "{problem:?}");
                let lines = text.lines().count() + 1;
                assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem:?}");
            }
        }
    }
}

/// What a client sends after the upgrade: frames, read by the library as the server has it read them,
/// and by our own reader of headers, which `handshake` uses.
///
/// # Panics
/// A promise is broken.
pub fn frames(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(header)) = Header::parse(rest) {
        assert_eq!(Header::parse(&header.encode()), Ok(Some(header)));
        let end = usize::try_from(header.len).ok().and_then(|length| length.checked_add(header.size()));
        let Some(next) = end.and_then(|end| rest.get(end..)) else { break };
        rest = next;
    }
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST))
        .max_write_buffer_size(1 << 20);
    let mut socket = WebSocket::from_raw_socket(Wire(Cursor::new(bytes)), Role::Server, Some(config));
    while let Ok(message) = socket.read() {
        assert!(message.len() <= LARGEST);
        if let Message::Text(text) = message {
            server::fuzz::text_frame(&text);
        }
    }
}

/// The parameters of a call, one a line: topic, query, `Last-Event-ID`, `If-None-Match`.
///
/// # Panics
/// A promise is broken.
pub fn parameters(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (topic, query) = (String::from_utf8_lossy(line()), String::from_utf8_lossy(line()));
    server::fuzz::parameters(&topic, &query, [line(), line()]);
}

/// Bytes that come; what is answered goes nowhere.
struct Wire<'a>(Cursor<&'a [u8]>);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
