//! What the heads of requests and answers carry beside what they need: nothing, what a browser and the
//! servers it talks to send, or as much as makes an exact total. Pure.
//!
//! A total is of one exchange: request line, request head, status line and answer head, each with its
//! line ends and empty line. The client fills its head with a cookie and leaves [`ANSWER`] bytes; the
//! server, which sees both heads, fills its own up to the total, so that it is exact whoever asked.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{format_size, parse_size};

/// Bytes that a client leaves for the answer's head: more than any answer of ours needs.
const ANSWER: u64 = 224;
/// Bytes of the shortest line that fills a head, `cookie: x\r\n` or `x-fill: x\r\n`.
pub const LEAST_FILL: u64 = 11;
/// Largest total: twice as much as many servers take.
pub const MOST: u64 = 16 * 1024;

/// The `headers` of a scenario.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub enum Headers {
    /// What our programs need and no more.
    #[default]
    Lean,
    /// What Chrome sends from a page of the same origin, cookies left out, and what a common server
    /// sends back.
    Browser,
    /// So many bytes of head in each exchange, both directions together.
    Total(u64),
}

/// What a request is for. Browsers send other lines with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// A GET for events, short or long.
    Poll,
    /// A POST of an event.
    Send,
    /// A subscription to server-sent events.
    Stream,
    /// The upgrade to a WebSocket.
    Socket,
}

/// A header line to add.
pub type Line = (&'static str, Cow<'static, str>);

const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/142.0.0.0 Safari/537.36";
const BRANDS: &str = r#""Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99""#;

/// Lines of every request that a page makes, upgrades too.
const FROM_A_PAGE: [(&str, &str); 3] = [
    ("user-agent", USER_AGENT),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-US,en;q=0.9"),
];
/// Lines of `fetch` and `EventSource`.
const FROM_A_SCRIPT: [(&str, &str); 6] = [
    ("sec-ch-ua", BRANDS),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Windows\""),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
];
/// Lines of an upgrade.
const OF_AN_UPGRADE: [(&str, &str); 3] = [
    ("pragma", "no-cache"),
    ("cache-control", "no-cache"),
    ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
];
/// Lines that a reverse proxy and a careful site add to every answer.
const FROM_A_SITE: [(&str, &str); 6] = [
    ("server", "nginx"),
    ("vary", "accept-encoding"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
];

/// An origin of the length that our own servers' have.
const ORIGIN: &str = "http://127.0.0.1:45433";

impl Headers {
    /// Lines to add to a request whose head takes `natural` bytes without them, by a page of `origin`.
    #[must_use]
    pub fn on_request(self, ask: Ask, origin: &str, keep_alive: bool, natural: u64) -> Vec<Line> {
        match self {
            Self::Lean => Vec::new(),
            Self::Browser => of_a_browser(ask, origin, keep_alive),
            Self::Total(total) => fill("cookie", filled(total, natural) - natural),
        }
    }

    /// Lines to add to the answer to a request with a head of `request` bytes, whose own takes
    /// `natural` bytes without them.
    #[must_use]
    pub fn on_answer(self, request: u64, natural: u64) -> Vec<Line> {
        match self {
            Self::Lean => Vec::new(),
            Self::Browser => fixed(&FROM_A_SITE).collect(),
            Self::Total(total) => fill("x-fill", total.saturating_sub(request + natural)),
        }
    }

    /// Bytes of both heads of an exchange that takes so many without our lines.
    #[must_use]
    pub fn grown(self, ask: Ask, keep_alive: bool, request: u64, answer: u64) -> (u64, u64) {
        match self {
            Self::Lean => (request, answer),
            Self::Browser => {
                let lines = self.on_request(ask, ORIGIN, keep_alive, request);
                (request + size(&lines), answer + size(&self.on_answer(0, 0)))
            }
            Self::Total(total) => {
                let request = filled(total, request);
                (request, total.saturating_sub(request).max(answer))
            }
        }
    }
}

/// Bytes of a head: its first line without the line end, and its header lines.
#[must_use]
pub fn head<'a>(first: u64, lines: impl IntoIterator<Item = (&'a str, u64)>) -> u64 {
    let lines: u64 = lines.into_iter().map(|(name, value)| line(name, value)).sum();
    first + 2 + lines + 2
}

/// Bytes of `name: value\r\n`.
#[must_use]
pub fn line(name: &str, value: u64) -> u64 {
    name.len() as u64 + value + 4
}

/// Bytes of a request's head that has `natural` without a cookie.
fn filled(total: u64, natural: u64) -> u64 {
    let share = total.saturating_sub(ANSWER);
    if natural + LEAST_FILL <= share { share } else { natural }
}

/// A line of exactly so many bytes; none where a line would have more.
fn fill(name: &'static str, bytes: u64) -> Vec<Line> {
    let value = bytes.checked_sub(line(name, 0)).filter(|&value| value > 0);
    let value = value.map(|value| "x".repeat(usize::try_from(value).unwrap_or_default()));
    value.map(|value| (name, value.into())).into_iter().collect()
}

fn of_a_browser(ask: Ask, origin: &str, keep_alive: bool) -> Vec<Line> {
    let page = |path: &str| Cow::from(format!("{origin}{path}"));
    let mut lines: Vec<Line> = fixed(&FROM_A_PAGE).collect();
    if ask == Ask::Socket {
        lines.extend(fixed(&OF_AN_UPGRADE));
        lines.push(("origin", page("")));
        return lines;
    }
    lines.extend(fixed(&FROM_A_SCRIPT));
    lines.push(("referer", page("/")));
    if keep_alive {
        lines.push(("connection", "keep-alive".into()));
    }
    match ask {
        Ask::Send => lines.push(("origin", page(""))),
        Ask::Stream => lines.push(("cache-control", "no-cache".into())),
        Ask::Poll | Ask::Socket => {}
    }
    lines
}

fn fixed(lines: &'static [(&'static str, &'static str)]) -> impl Iterator<Item = Line> {
    lines.iter().map(|&(name, value)| (name, Cow::Borrowed(value)))
}

fn size(lines: &[Line]) -> u64 {
    lines.iter().map(|(name, value)| line(name, value.len() as u64)).sum()
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lean => f.write_str("lean"),
            Self::Browser => f.write_str("browser"),
            Self::Total(bytes) => f.write_str(&format_size(*bytes)),
        }
    }
}

impl FromStr for Headers {
    type Err = String;

    /// Reads `lean`, `browser` or a size.
    ///
    /// # Errors
    /// A sentence saying what would be right.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "lean" => return Ok(Self::Lean),
            "browser" => return Ok(Self::Browser),
            _ => {}
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "\"{text}\" is not known; write \"lean\", \"browser\" or a size like \"871B\""
            ));
        }
        let bytes = parse_size(text)?;
        if bytes > MOST {
            return Err(format!("\"{text}\" is more than a server takes; {} is the most", format_size(MOST)));
        }
        Ok(Self::Total(bytes))
    }
}

impl From<Headers> for String {
    fn from(headers: Headers) -> Self {
        headers.to_string()
    }
}

impl TryFrom<String> for Headers {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASKS: [Ask; 4] = [Ask::Poll, Ask::Send, Ask::Stream, Ask::Socket];

    #[test]
    fn what_is_written_reads_back() {
        for text in ["lean", "browser", "871B", "4KiB"] {
            assert_eq!(text.parse::<Headers>().unwrap().to_string(), text);
        }
        for (text, hint) in [("chrome", "\"browser\""), ("871", "871B"), ("17KiB", "16KiB is the most")] {
            let error = text.parse::<Headers>().unwrap_err();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn a_browser_says_more_and_names_no_line_twice() {
        for ask in ASKS {
            let lines = Headers::Browser.on_request(ask, ORIGIN, true, 0);
            let mut names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), lines.len(), "{ask:?}");
            assert!((250..700).contains(&size(&lines)), "{ask:?} {}", size(&lines));
        }
    }

    proptest! {
        #[test]
        fn a_total_is_exact(total in 300u64..MOST, request in 20u64..5000, answer in 20u64..210, ask in 0usize..4) {
            prop_assume!(request + answer + LEAST_FILL <= total);
            let headers = Headers::Total(total);
            let sent = request + size(&headers.on_request(ASKS[ask], ORIGIN, true, request));
            let back = answer + size(&headers.on_answer(sent, answer));
            prop_assert_eq!(sent + back, total);
            prop_assert_eq!(headers.grown(ASKS[ask], true, request, answer), (sent, back));
        }
    }
}
