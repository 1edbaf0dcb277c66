//! One WebSocket opened in slow motion: recorded as bytes, then shown line by line and bit by bit.
//!
//! [`record`] does the talking and keeps what went over the wire; [`show`] is pure and never talks.

use std::time::Duration;

pub mod record;
pub mod show;
mod split;

/// Who sent some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This program.
    Client,
    /// The other end.
    Server,
}

/// Bytes that one read or write moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Who sent them.
    pub side: Side,
    /// Time since the TCP connection stood.
    pub at: Duration,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
}

/// Everything that is known of one handshake, whether it went well or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// The address asked for.
    pub url: String,
    /// What went over the wire, in order; over TLS, what was in it.
    pub chunks: Vec<Chunk>,
    /// Which TLS that was, and how long its handshake took; none: there was none.
    pub tls: Option<(String, Duration)>,
    /// How news was brought about that this client did not ask for, as a sentence.
    pub aside: Option<String>,
    /// Whether that is known: the server's last event answers nothing this client sent.
    pub unasked: bool,
    /// Why it ended early, as a sentence without a full stop.
    pub failure: Option<String>,
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `host:port`, as TCP and the `Host` header want it.
    pub authority: String,
    /// Path and query, from the `/` on.
    pub path: String,
    /// Whether over TLS.
    pub tls: bool,
}

impl Target {
    /// Reads `ws://host[:port][/path]` or `wss://…`; `http://` and `https://` mean the same.
    ///
    /// # Errors
    /// A sentence for the user: no such address.
    pub fn parse(url: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(format!("`{url}` is no address; it should look like ws://127.0.0.1:8080/path"));
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            other => return Err(format!("`{other}://` is no WebSocket address; use ws:// or wss://")),
        };
        let uri: tokio_tungstenite::tungstenite::http::Uri =
            format!("ws://{rest}").parse().map_err(|error| format!("`{url}` is no address: {error}"))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("`{url}` names no host"))?;
        let port = match authority.strip_prefix(host) {
            Some("") => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some(_) => uri.port_u16().ok_or_else(|| format!("`{url}` has a port outside 1 to 65535"))?,
            None => return Err(format!("`{url}` holds a user name, which `handshake` does not send")),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // "?x" without a path is a query of "/".
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { authority: format!("{host}:{port}"), path: format!("{slash}{path}"), tls })
    }

    /// The address as `ws://…` or `wss://…`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }

    /// The path for publishing, if this is the socket of a topic of `anynews serve`.
    fn events_path(&self) -> Option<String> {
        let path = self.path.split('?').next()?;
        let topic = path.strip_prefix("/topics/")?.strip_suffix("/socket")?;
        crate::event::topic_is_valid(topic).then(|| format!("/topics/{topic}/events"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse() {
        let target = |url: &str| Target::parse(url).map(|target| target.url());
        assert_eq!(target("ws://a:1/b?c=d"), Ok("ws://a:1/b?c=d".to_owned()));
        assert_eq!(target("http://a"), Ok("ws://a:80/".to_owned()));
        assert_eq!(target("WS://[::1]:9"), Ok("ws://[::1]:9/".to_owned()));
        assert_eq!(target("ws://a?b"), Ok("ws://a:80/?b".to_owned()));
        assert_eq!(target("wss://a"), Ok("wss://a:443/".to_owned()));
        assert_eq!(target("https://a:1/b"), Ok("wss://a:1/b".to_owned()));
        for bad in ["", "a", "ftp://a", "ws://", "ws:///x", "ws://a b", "ws://a:99999/", "ws://u@a/"] {
            assert!(target(bad).is_err(), "{bad:?} {:?}", target(bad));
        }
    }

    #[test]
    fn only_the_socket_of_a_topic_has_a_path_for_publishing() {
        let events = |path: &str| {
            Target { authority: "a:1".to_owned(), path: path.to_owned(), tls: false }.events_path()
        };
        assert_eq!(events("/topics/room-1/socket?as=you"), Some("/topics/room-1/events".to_owned()));
        assert_eq!(events("/topics//socket"), None);
        assert_eq!(events("/socket"), None);
    }
}
