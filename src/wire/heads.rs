//! The lines of an HTTP head, and in a sentence what each is for. Pure.

/// Where the head at the start of `bytes` ends: the index after its empty line, if it is there.
#[must_use]
pub fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// The lines of a head without their ends and without the empty last one. Bytes that are no UTF-8
/// become U+FFFD.
#[must_use]
pub fn lines(head: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(head).split("\r\n").filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The value of the first header called `name` (any case) among `lines`.
#[must_use]
pub fn value<'a>(lines: &'a [String], name: &str) -> Option<&'a str> {
    lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value.trim()))
}

/// The status code, if `line` is an HTTP/1 status line.
#[must_use]
pub fn status(line: &str) -> Option<u16> {
    let code = line.strip_prefix("HTTP/1.")?.split_once(' ')?.1.get(..3)?;
    code.parse().ok()
}

/// What one line of a head is for: a request line, a status line or a header.
#[must_use]
pub fn annotate(line: &str) -> String {
    if let Some(code) = status(line) {
        return status_note(code).to_owned();
    }
    if line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0") {
        let method = line.split(' ').next().unwrap_or_default();
        return match method {
            "GET" => "Ask for this path. A WebSocket starts life as an ordinary GET.".to_owned(),
            "POST" => "Hand something over to this path.".to_owned(),
            other => format!("The method {other}, a path, and the version of HTTP."),
        };
    }
    match line.split_once(':') {
        Some((name, value)) => header_note(&name.trim().to_ascii_lowercase(), value.trim()),
        None => "Neither a request line, nor a status line, nor a header.".to_owned(),
    }
}

fn status_note(code: u16) -> &'static str {
    match code {
        101 => "Yes: from the next byte on this connection speaks WebSocket, not HTTP.",
        100..=199 => "Not final: another answer follows.",
        200..=299 => "A plain HTTP answer: the server did not switch protocols.",
        300..=399 => "Look elsewhere: the server did not switch protocols.",
        400 => "The server did not understand the request.",
        401 | 403 => "The server does not let this client in.",
        404 => "Nothing lives at this path.",
        426 => "The server wants an upgrade here, but another one than was asked for.",
        429 | 503 => "Not now: the server is too busy or its limit is reached.",
        402..=499 => "The server says the request was wrong.",
        500..=599 => "The server says that it failed.",
        _ => "No status code that HTTP knows.",
    }
}

fn header_note(name: &str, value: &str) -> String {
    let text = match name {
        "host" => "Which site is meant; one address can serve many.",
        "connection" if value.eq_ignore_ascii_case("upgrade") => {
            "\"Upgrade\" is about this connection only, so no proxy may pass it on."
        }
        "connection" => "Whether the TCP connection stays open after this answer.",
        "upgrade" => "The protocol to change to.",
        "sec-websocket-version" => "RFC 6455 is version 13, and the only one in use.",
        "sec-websocket-key" => "16 random bytes in base64: a challenge, not a secret.",
        "sec-websocket-accept" => "The answer to the challenge, computed below. No cache can replay it.",
        "sec-websocket-protocol" => "The language to speak inside the frames.",
        "sec-websocket-extensions" => "Extras such as compression (permessage-deflate).",
        "origin" => "The page that asks. Servers check it, since browsers let any page connect.",
        "user-agent" => "The name of the client program.",
        "server" => "The name of the server program.",
        "date" => "The time at the server.",
        "content-type" => "What sort of body follows.",
        "content-length" => "How many bytes of body follow.",
        "transfer-encoding" => "The body comes in pieces, each with its length.",
        "authorization" | "cookie" => "Who the client is.",
        "set-cookie" => "A name tag that a browser would send back.",
        "cache-control" => "Whether and how long the answer may be kept.",
        "etag" => "A name for this state; If-None-Match with it can be answered by 304.",
        "accept" => "Which sorts of body the client can read.",
        "vary" => "Which request headers change the answer.",
        "location" => "Where to look instead.",
        "retry-after" => "When to try again.",
        _ if name.starts_with("access-control-") => "Which pages of other origins may read the answer.",
        _ => "Not part of the upgrade; the two sides' own business.",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn heads_split_into_lines_and_values() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\nUPGRADE: websocket\r\n\r\n\x81\x00";
        let end = head_end(bytes).unwrap();
        assert_eq!(&bytes[end..], b"\x81\x00");
        let lines = lines(&bytes[..end]);
        assert_eq!(lines.len(), 2);
        assert_eq!(status(&lines[0]), Some(101));
        assert_eq!(value(&lines, "upgrade"), Some("websocket"));
        assert_eq!(value(&lines, "host"), None);
    }

    #[test]
    fn every_line_of_an_upgrade_has_a_note_of_its_own() {
        let upgrade = [
            "GET /chat HTTP/1.1",
            "HTTP/1.1 101 Switching Protocols",
            "Host: localhost",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ];
        let mut notes: Vec<_> = upgrade.iter().map(|line| annotate(line)).collect();
        assert!(notes.iter().all(|note| note.len() <= 72 && !note.contains("own business")), "{notes:?}");
        notes.sort();
        notes.dedup();
        assert_eq!(notes.len(), upgrade.len());
    }

    proptest! {
        #[test]
        fn any_line_gets_a_note(line in any::<String>(), bytes in any::<Vec<u8>>()) {
            prop_assert!(!annotate(&line).is_empty());
            let _ = status(&line);
            let _ = head_end(&bytes);
            prop_assert!(value(&lines(&bytes), "host").is_none_or(|host| host.trim() == host));
        }
    }
}
