//! A recorded handshake as text for a terminal of 80 columns. Pure; never panics on foreign bytes.
//!
//! Styled with ANSI codes; whoever prints it decides whether they survive.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use super::split::{End, Frame, Stream};
use super::{Side, Transcript};
use crate::wire::{accept, heads, hex, opcode, opcode_name};

const WIDTH: usize = 80;
const INDENT: &str = "   ";
/// Payload bytes shown of one frame; the rest is counted.
const SHOWN: usize = 256;
/// Body characters shown of an answer that refused.
const BODY: usize = 1200;

const TITLE: Style = Style::new().bold();
const NOTE: Style = Style::new().dimmed();
const HEX: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// The whole lesson: request, answer, accept key, frames.
#[must_use]
pub fn render(transcript: &Transcript) -> String {
    let client = Stream::of(Side::Client, &transcript.chunks);
    let server = Stream::of(Side::Server, &transcript.chunks);
    let (request, answer) = (heads::lines(client.head()), heads::lines(server.head()));
    let mut page = Page::default();
    page.styled(TITLE, &format!("WebSocket handshake with {}", transcript.url));
    if let Some((tls, took)) = &transcript.tls {
        page.styled(
            NOTE,
            &format!(
                "After a TLS handshake of {} ({tls}) everything below travelled encrypted, each record 22 bytes \
                 longer than what is in it; shown is what was in it.",
                time(*took)
            ),
        );
    }
    if !request.is_empty() {
        let seen =
            if transcript.tls.is_some() { "before TLS sealed them" } else { "as they went over the wire" };
        page.title(&format!("1. The client asks: {} bytes, {seen}", client.head().len()));
        page.head(&request);
    }
    if !answer.is_empty() {
        let after = server.time_of(server.head().len()).1.saturating_sub(client.time_of(1).1);
        page.title(&format!("2. The server answers {} later: {} bytes", time(after), server.head().len()));
        page.head(&answer);
    }
    if answer.first().and_then(|line| heads::status(line)) == Some(101) {
        page.proof(
            heads::value(&request, "sec-websocket-key"),
            heads::value(&answer, "sec-websocket-accept"),
        );
        page.frames(&client, &server, transcript);
    } else if !server.rest().is_empty() {
        let body = String::from_utf8_lossy(server.rest());
        for line in body.chars().take(BODY).collect::<String>().lines() {
            page.wrapped(INDENT, line, Style::new());
        }
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, style: Style, text: &str) {
        let _ = writeln!(self.text, "{style}{text}{style:#}");
    }

    fn styled(&mut self, style: Style, text: &str) {
        self.wrapped("", text, style);
    }

    fn title(&mut self, text: &str) {
        self.text.push('\n');
        self.styled(TITLE, text);
    }

    fn wrapped(&mut self, indent: &str, text: &str, style: Style) {
        for line in wrap(&printable(text), WIDTH - indent.len()) {
            self.line(style, &format!("{indent}{line}"));
        }
    }

    fn note(&mut self, text: &str) {
        self.wrapped(&INDENT.repeat(2), text, NOTE);
    }

    fn head(&mut self, lines: &[String]) {
        for line in lines {
            self.wrapped(INDENT, line, Style::new());
            self.note(&heads::annotate(line));
        }
        self.note("(An empty line ends the head.)");
    }

    /// The accept key, step by step.
    fn proof(&mut self, key: Option<&str>, given: Option<&str>) {
        self.title("3. Proof that the server speaks WebSocket, not just HTTP");
        let Some(key) = key else { return self.note("The request carried no Sec-WebSocket-Key.") };
        let steps = accept::derive(key);
        self.field("key asked with", key);
        self.field("standard's GUID", accept::GUID);
        self.field("joined", &steps.joined);
        self.field("SHA-1 of that", &hex(&steps.sha1, ""));
        self.field("in base64", &steps.accept);
        self.field("server said", given.unwrap_or("nothing"));
        if given == Some(&steps.accept) {
            self.wrapped(INDENT, "The two agree: the server read this very request.", GOOD);
        } else {
            self.wrapped(INDENT, "The two differ: a client must hang up now.", BAD);
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        let mut name = format!("{name:<16}");
        for line in wrap(&printable(value), WIDTH - INDENT.len() - 16) {
            let _ = writeln!(self.text, "{INDENT}{NOTE}{name}{NOTE:#}{line}");
            name = " ".repeat(16);
        }
    }

    fn frames(&mut self, client: &Stream, server: &Stream, transcript: &Transcript) {
        let (mut frames, client_end) = client.frames(Side::Client);
        let (of_server, server_end) = server.frames(Side::Server);
        frames.extend(of_server);
        frames.sort_by_key(|frame| frame.order);
        self.title("4. From here on only frames travel, either way, at any time");
        self.line(
            NOTE,
            &format!("{INDENT}{:>2}  {:<6} {:>9}  {:>10}  {:<12} payload", "", "from", "at", "bytes", "kind"),
        );
        for (index, frame) in frames.iter().enumerate() {
            self.summary(index + 1, frame);
        }
        for (who, end) in [("client", client_end), ("server", server_end)] {
            match end {
                End::Whole => {}
                End::CutOff(bytes) => {
                    self.note(&format!("The {who}'s next frame was cut off after {bytes} bytes."))
                }
                End::Broken(error) => {
                    self.wrapped(INDENT, &format!("The {who}'s next bytes are no frame: {error}."), BAD)
                }
            }
        }
        let numbered = || frames.iter().enumerate();
        if let Some((index, frame)) =
            numbered().find(|(_, frame)| frame.side == Side::Client && is_data(frame))
        {
            self.title(&format!("5. Frame {} byte by byte: the client publishes", index + 1));
            self.frame(frame);
        }
        let news = unsolicited(&frames);
        if let Some((index, _)) = news {
            let how = if transcript.unasked { "speaks unasked" } else { "speaks" };
            self.title(&format!("6. Frame {} byte by byte: the server {how}", index + 1));
        }
        if let Some(aside) = &transcript.aside {
            self.wrapped(INDENT, aside, Style::new());
        }
        if let Some((_, frame)) = news {
            self.frame(frame);
            self.price(frame);
        }
    }

    fn price(&mut self, frame: &Frame) {
        let text = format!(
            "The news needed {} bytes of header. Asking for it by HTTP would have needed a request with its \
             head, and an answer with its own, each time, news or not.",
            frame.header.size()
        );
        self.wrapped(INDENT, &text, Style::new());
    }

    fn summary(&mut self, number: usize, frame: &Frame) {
        let side = if frame.side == Side::Client { "client" } else { "server" };
        let bytes = format!("{} + {}", frame.header.size(), frame.header.len);
        let kind = opcode_name(frame.header.opcode);
        let start = format!("{INDENT}{number:>2}  {side:<6} {:>9}  {bytes:>10}  {kind:<12} ", time(frame.at));
        let room = WIDTH.saturating_sub(start.chars().count());
        let line = format!("{start}{}", clipped(&meaning(frame), room));
        self.line(Style::new(), line.trim_end());
    }

    /// One frame down to its bits.
    fn frame(&mut self, frame: &Frame) {
        let header = &frame.header;
        let bytes = header.encode();
        let (first, second) = (bytes[0], bytes[1]);
        let last = if header.fin { "this frame ends its message" } else { "more frames follow" };
        let extension = if header.rsv == 0 { "no extension in use" } else { "an extension is in use" };
        self.bits(
            &hex(&[first], ""),
            &format!("{:b}... ....", first >> 7),
            &format!("FIN {}: {last}", first >> 7),
        );
        self.bits("", &format!(".{:03b} ....", header.rsv), &format!("RSV {:03b}: {extension}", header.rsv));
        let code = header.opcode;
        self.bits("", &format!(".... {code:04b}"), &format!("opcode {code:x}: {}", opcode_name(code)));
        let masked = match (header.mask, frame.side) {
            (Some(_), Side::Client) => "MASK 1: the payload is masked, as a client's must be",
            (None, Side::Server) => "MASK 0: not masked, as no server's frame may be",
            (Some(_), Side::Server) => "MASK 1: masked, which a server must never do",
            (None, Side::Client) => "MASK 0: not masked, which a client must never do",
        };
        self.bits(&hex(&[second], ""), &format!("{:b}... ....", second >> 7), masked);
        let short = second & 0x7f;
        let length = match short {
            126 => "126: the length is in the next 2 bytes".to_owned(),
            127 => "127: the length is in the next 8 bytes".to_owned(),
            _ => format!("length {short}: bytes of payload"),
        };
        self.bits("", &format!(".{:03b} {:04b}", short >> 4, short & 15), &length);
        let key_at = bytes.len() - header.mask.map_or(0, |key| key.len());
        if key_at > 2 {
            self.bytes(&hex(&bytes[2..key_at], " "), &format!("length {}: bytes of payload", header.len));
        }
        if header.mask.is_some() {
            self.bytes(&hex(&bytes[key_at..], " "), "masking key: new and random for each frame");
        }
        self.payload(frame);
    }

    fn bits(&mut self, hex: &str, bits: &str, note: &str) {
        let _ = writeln!(self.text, "{INDENT}{HEX}{hex:<4}{HEX:#}{bits}  {note}");
    }

    fn bytes(&mut self, hex: &str, note: &str) {
        let _ = writeln!(self.text, "{INDENT}{HEX}{hex:<13}{HEX:#}  {note}");
    }

    fn payload(&mut self, frame: &Frame) {
        if frame.payload.is_empty() {
            return self.note("No payload.");
        }
        let masked = frame.header.mask.is_some();
        self.note(if masked {
            "Payload: as sent, byte XOR key byte = what was meant."
        } else {
            "Payload: plain."
        });
        let shown = frame.payload.len().min(SHOWN);
        let step = if masked { 8 } else { 16 };
        for (sent, meant) in frame.raw[..shown].chunks(step).zip(frame.payload[..shown].chunks(step)) {
            let ascii: String =
                meant.iter().map(|&b| if matches!(b, 0x20..=0x7e) { b.into() } else { '.' }).collect();
            let meant = hex(meant, " ");
            let middle =
                if masked { format!("{:<23}  {meant:<23}", hex(sent, " ")) } else { format!("{meant:<47}") };
            let _ = writeln!(self.text, "{INDENT}{HEX}{middle}{HEX:#}  {ascii}");
        }
        if frame.payload.len() > shown {
            self.note(&format!("… and {} bytes more.", frame.payload.len() - shown));
        }
    }
}

fn is_data(frame: &Frame) -> bool {
    frame.header.opcode < opcode::CLOSE
}

/// The last data frame of the server that is no greeting and no acknowledgement.
fn unsolicited(frames: &[Frame]) -> Option<(usize, &Frame)> {
    let answers = |frame: &Frame| {
        [&b"{\"hello\""[..], b"{\"ack\"", b"{\"error\""].iter().any(|start| frame.payload.starts_with(start))
    };
    frames
        .iter()
        .enumerate()
        .rfind(|(_, frame)| frame.side == Side::Server && is_data(frame) && !answers(frame))
}

/// A frame's payload in a few words.
fn meaning(frame: &Frame) -> String {
    let payload = &frame.payload;
    match (frame.header.opcode, payload.split_first_chunk::<2>()) {
        (opcode::CLOSE, Some((code, reason))) => {
            let text = String::from_utf8_lossy(reason);
            format!("{} {}", u16::from_be_bytes(*code), printable(&text)).trim_end().to_owned()
        }
        (opcode::BINARY, _) => hex(&payload[..payload.len().min(32)], " "),
        _ => printable(&String::from_utf8_lossy(&payload[..payload.len().min(SHOWN)])),
    }
}

/// Milliseconds with one digit, seconds from one second on.
fn time(value: Duration) -> String {
    let ms = value.as_secs_f64() * 1e3;
    if ms < 1000.0 { format!("{ms:.1} ms") } else { format!("{:.1} s", ms / 1e3) }
}

/// Control and direction characters made visible, so that a foreign server cannot steer the terminal.
fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::new(), |mut out, c| {
        if steers(c) {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
        out
    })
}

/// Cut to `room` columns, with `…` when something is missing.
fn clipped(text: &str, room: usize) -> String {
    let lines = wrap(text, room);
    match lines.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        _ => wrap(text, room.saturating_sub(1))
            .first()
            .map_or_else(String::new, |line| format!("{}…", line.trim_end())),
    }
}

/// Lines of at most `width` columns, broken at a space where there is one.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut columns) = (String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if columns + wide > width && !line.is_empty() {
            // A space in the first half would leave more hole than text.
            let rest = match line.rfind(' ') {
                Some(space) if space > line.len() / 2 => line.split_off(space + 1),
                _ => String::new(),
            };
            lines.push(std::mem::replace(&mut line, rest).trim_end().to_owned());
            columns = line.chars().filter_map(UnicodeWidthChar::width).sum();
        }
        line.push(c);
        columns += wide;
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests;
