//! Where to connect to, as people write it.

use rustls::pki_types::ServerName;

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
            return Err(format!(
                "`{url}` is no address; it should look like http://127.0.0.1:8080 or ws://127.0.0.1:8080/path"
            ));
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            other => {
                return Err(format!(
                    "`{other}://` is not spoken here; use http://, https://, ws:// or wss://"
                ));
            }
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
            None => return Err(format!("`{url}` holds a user name, which is not sent")),
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
}

/// The name or address of `host:port`.
fn host(authority: &str) -> &str {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_matches(['[', ']'])
}

/// What a certificate of the server at `host:port` has to stand for.
///
/// # Errors
/// A sentence for the user: no certificate can.
pub fn server_name(authority: &str) -> Result<ServerName<'static>, String> {
    let host = host(authority);
    ServerName::try_from(host.to_owned()).map_err(|_| format!("no certificate can stand for {host}"))
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
    fn certificates_stand_for_names_and_addresses() {
        assert_eq!(server_name("[::1]:9").unwrap(), ServerName::try_from("::1").unwrap());
        assert_eq!(server_name("a.b:9").unwrap(), ServerName::try_from("a.b").unwrap());
        assert!(server_name("a b:9").unwrap_err().contains("a b"));
    }
}
