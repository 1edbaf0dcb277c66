//! What each line of a handshake says.

/// A line of a handshake, explained; empty where nothing needs saying.
#[must_use]
pub fn explain_line(line: &str) -> &'static str {
    let lower = line.to_ascii_lowercase();
    let name = lower.split(':').next().unwrap_or_default().trim();
    match name {
        "host" => "which server is meant",
        "upgrade" => "the protocol to change to",
        "connection" if lower.contains("upgrade") => "this connection shall change its protocol",
        "connection" if lower.contains("close") => "hang up after this answer",
        "connection" => "keep the line for the next request",
        "sec-websocket-key" => {
            "16 random bytes; no secret, only a proof that the answer is meant for this request"
        }
        "sec-websocket-accept" => "SHA-1 of that key and a fixed text: the server understands WebSocket",
        "sec-websocket-version" => "RFC 6455",
        "content-type" if lower.contains("event-stream") => "an answer that never ends: server-sent events",
        "content-type" => "what the body is",
        "content-length" => "bytes of body that follow",
        "transfer-encoding" => "the body comes in pieces of unknown number",
        "cache-control" if lower.contains("no-store") => "nobody may keep a copy",
        "cache-control" if lower.contains("s-maxage") => {
            "a cache that many share may answer with it for so many seconds; others ask the server again"
        }
        "cache-control" => "ask the server before using a copy",
        "accept" => "what the client can read",
        "user-agent" => "who asks",
        "cookie" | "x-fill" => "filling: makes the heads as large as the scenario’s headers ask",
        "date" => "when it was answered",
        "etag" => "a name for this version of the answer",
        _ if lower.starts_with("http/") && lower.contains(" 101") => "yes: from here on, frames both ways",
        _ if lower.starts_with("http/") && lower.contains(" 200") => "here is the answer",
        _ if lower.starts_with("http/") && lower.contains(" 304") => "nothing has changed: “Nope”",
        _ if lower.starts_with("get ") => "one request line, as for any page",
        _ => "",
    }
}
