//! Whom a browser may bring here: the Host allow-list against DNS rebinding, and CORS.
//!
//! A program that is no browser sends no `Origin` and is served; any web page the user has open
//! can make a browser send requests to this server, and those are told apart here.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Authority;
use axum::http::{Method, Request, Response, StatusCode, Uri, Version};
use axum::response::IntoResponse;

use super::problem::Problem;
use super::{App, is_private};

/// What to add to the answer of a request that was let through.
#[derive(Debug)]
pub(super) struct Pass {
    allow_origin: Option<HeaderValue>,
}

impl Pass {
    pub(super) fn stamp(self, headers: &mut HeaderMap) {
        if let Some(origin) = self.allow_origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag"));
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
    }
}

/// Lets a request through, or answers it here: a wrong host, a foreign page, or OPTIONS.
pub(super) fn check<B>(app: &App, request: &Request<B>) -> Result<Pass, Box<Response<Body>>> {
    let refuse = |status, detail: &str| Err(Box::new(Problem::new(status, detail).into_response()));
    let host = match host(request) {
        Ok(host) => host,
        Err(detail) => return refuse(StatusCode::BAD_REQUEST, detail),
    };
    if host.is_some_and(|host| !host_is_served(app, name_of(host))) {
        let detail = "this server does not answer for that host (see --allow-host)";
        return refuse(StatusCode::FORBIDDEN, detail);
    }
    let origin = request.headers().get(header::ORIGIN);
    let own = origin.is_none_or(|origin| is_own(origin, host));
    let listed = origin.filter(|origin| is_listed(app, origin)).cloned();
    // Reading needs no check here: without the CORS header the browser keeps the answer from the
    // page. A socket is not under that rule, and a POST has done its work by then.
    let acts = request.method() == Method::POST || request.headers().contains_key(header::UPGRADE);
    if acts && !own && listed.is_none() {
        let detail = "pages of this origin may not publish or open sockets here (see --allow-origin)";
        return refuse(StatusCode::FORBIDDEN, detail);
    }
    let pass = Pass { allow_origin: listed };
    if request.method() == Method::OPTIONS {
        return Err(Box::new(options(pass)));
    }
    Ok(pass)
}

fn options(pass: Pass) -> Response<Body> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::ALLOW, "GET, HEAD, POST, OPTIONS");
    if pass.allow_origin.is_some() {
        set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST");
        set(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, if-none-match, last-event-id",
        );
        set(header::ACCESS_CONTROL_MAX_AGE, "600");
    }
    pass.stamp(headers);
    response
}

/// The host asked for, with its port: a request line with a whole URL comes before the header. HTTP/1.0
/// knows none, and no browser speaks it.
///
/// # Errors
/// The request does not name one host, as it must.
fn host<B>(request: &Request<B>) -> Result<Option<&str>, &'static str> {
    let wrong = "a request names one host (RFC 9112, section 3.2)";
    if let Some(authority) = request.uri().authority() {
        return Ok(Some(authority.as_str()));
    }
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map(Some).map_err(|_| wrong),
        (None, _) if request.version() == Version::HTTP_10 => Ok(None),
        _ => Err(wrong),
    }
}

/// The host without its port, and without the brackets of IPv6.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// A page under a foreign name can be made to reach us by what its name resolves to; under an address
/// it cannot, so addresses of ours need no listing.
fn host_is_served(app: &App, name: &str) -> bool {
    let ours = |address: IpAddr| is_private(address) || address == app.local || app.local.is_unspecified();
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(ours)
        || app.settings.allow_host.iter().any(|host| host == "*" || host.eq_ignore_ascii_case(name))
}

/// Checks a value of `--allow-host`.
///
/// # Errors
/// A sentence that says what would be right.
pub fn check_host(text: &str) -> Result<String, String> {
    let address = || text.parse::<IpAddr>().is_ok();
    let name = || !text.starts_with('[') && text.parse::<Authority>().is_ok_and(|a| a.host() == text);
    (text == "*" || address() || name())
        .then(|| text.to_owned())
        .ok_or_else(|| "write a host's name alone, like news.example.org, or *".to_owned())
}

/// Checks a value of `--allow-origin`.
///
/// # Errors
/// A sentence that says what would be right.
pub fn check_origin(text: &str) -> Result<String, String> {
    let parts = text.split_once("://");
    let origin = text == "*"
        || parts.is_some_and(|(scheme, rest)| {
            !scheme.is_empty() && rest.parse::<Authority>().is_ok_and(|authority| authority.as_str() == rest)
        });
    // Browsers write it in small letters.
    (origin && text == text.to_ascii_lowercase()).then(|| text.to_owned()).ok_or_else(|| {
        "write an origin as browsers do, like https://example.org:8443 without a path, or *".to_owned()
    })
}

/// Whether a page of `origin` came from this very server.
fn is_own(origin: &HeaderValue, host: Option<&str>) -> bool {
    let uri: Option<Uri> = origin.to_str().ok().and_then(|origin| origin.parse().ok());
    match (uri.as_ref().and_then(Uri::authority), host) {
        (Some(authority), Some(host)) => authority.as_str().eq_ignore_ascii_case(host),
        _ => false,
    }
}

fn is_listed(app: &App, origin: &HeaderValue) -> bool {
    app.settings.allow_origin.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_name_without_the_port() {
        for (host, name) in [("localhost:80", "localhost"), ("a", "a"), ("[::1]:80", "::1"), ("[::1]", "::1")]
        {
            assert_eq!(name_of(host), name);
        }
    }

    #[test]
    fn values_of_the_allow_lists_are_what_a_browser_sends() {
        for good in ["*", "https://example.org", "http://localhost:3000", "http://[::1]:80"] {
            assert!(check_origin(good).is_ok(), "{good}");
        }
        for bad in ["", "example.org", "https://example.org/", "https://Example.org", "https://", "null"] {
            assert!(check_origin(bad).is_err(), "{bad}");
        }
        for good in ["*", "news.example.org", "192.0.2.1", "2001:db8::1", "localhost"] {
            assert!(check_host(good).is_ok(), "{good}");
        }
        for bad in ["", "a:80", "http://a", "a/b", "a b", "[::1]"] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_very_same_host_and_port_is_own() {
        let own = |origin: &'static str| is_own(&HeaderValue::from_static(origin), Some("localhost:80"));
        assert!(own("http://localhost:80"));
        for other in ["http://localhost:81", "http://evil.example", "null", "http://localhost"] {
            assert!(!own(other), "{other}");
        }
    }
}
