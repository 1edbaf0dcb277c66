//! Whom a browser may bring here: the Host allow-list against DNS rebinding, and CORS.
//!
//! A program that is no browser sends no `Origin` and is served; any web page the user has open
//! can make a browser send requests to this server, and those are told apart here.

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse;

use super::App;
use super::problem::Problem;

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
    let host = host(request);
    if let Some(host) = host
        && !host_is_served(app, name_of(host))
    {
        let detail = format!("this server does not answer for the host {host:?} (see --allow-host)");
        return Err(Box::new(Problem::new(StatusCode::FORBIDDEN, detail).into_response()));
    }
    let origin = request.headers().get(header::ORIGIN);
    let own = origin.is_none_or(|origin| is_own(origin, host));
    let listed = origin.filter(|origin| is_listed(app, origin)).cloned();
    // Reading needs no check here: without the CORS header the browser keeps the answer from the
    // page. A socket is not under that rule, and a POST has done its work by then.
    let acts = request.method() == Method::POST || request.headers().contains_key(header::UPGRADE);
    if acts && !own && listed.is_none() {
        let detail = "pages of this origin may not publish or open sockets here (see --allow-origin)";
        return Err(Box::new(Problem::new(StatusCode::FORBIDDEN, detail).into_response()));
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

/// The host asked for, with its port: a request line with a whole URL comes before the header.
fn host<B>(request: &Request<B>) -> Option<&str> {
    let line = request.uri().authority().map(|authority| authority.as_str());
    line.or_else(|| request.headers().get(header::HOST)?.to_str().ok())
}

/// The host without its port, and without the brackets of IPv6.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn host_is_served(app: &App, name: &str) -> bool {
    ["localhost", "127.0.0.1", "::1"].iter().any(|loopback| name.eq_ignore_ascii_case(loopback))
        || name.parse() == Ok(app.local)
        || app.settings.allow_host.iter().any(|host| host == "*" || host.eq_ignore_ascii_case(name))
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
    fn only_the_very_same_host_and_port_is_own() {
        let own = |origin: &'static str| is_own(&HeaderValue::from_static(origin), Some("localhost:80"));
        assert!(own("http://localhost:80"));
        for other in ["http://localhost:81", "http://evil.example", "null", "http://localhost"] {
            assert!(!own(other), "{other}");
        }
    }
}
