//! Puts the run's headers on a request, whatever it is for, and sends it.

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Client, Method, RequestBuilder, Response};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, handshake};

use super::Crowd;
use crate::headers::{Ask, Headers, head, line};
use crate::token::Token;
use crate::transport::Way;

/// Sends a request of reqwest's making.
pub(super) async fn send(
    crowd: &Crowd,
    http: &Client,
    ask: Ask,
    request: RequestBuilder,
) -> reqwest::Result<Response> {
    let mut request = request.build()?;
    if matches!(ask, Ask::Send) {
        show_token(crowd, request.headers_mut());
    }
    if crowd.headers == Headers::Lean {
        return http.execute(request).await;
    }
    let keep_alive = !matches!(crowd.way, Way::Poll { keep_alive: false, .. });
    // What reqwest and hyper add on the way.
    let host = request.url().authority().to_owned();
    let mut later = line(HOST.as_str(), host.len() as u64);
    if !request.headers().contains_key(ACCEPT) {
        later += line(ACCEPT.as_str(), "*/*".len() as u64);
    }
    if !keep_alive {
        later += line(CONNECTION.as_str(), "close".len() as u64);
    }
    if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
        later += line(CONTENT_LENGTH.as_str(), body.len().to_string().len() as u64);
    }
    let url = request.url();
    let target = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    let natural = later + head(first_line(request.method(), target), sizes(request.headers()));
    let lines = crowd.headers.on_request(ask, &origin(crowd, &host), keep_alive, natural);
    add(request.headers_mut(), lines);
    http.execute(request).await
}

/// The request of an upgrade.
pub(super) fn upgrade(crowd: &Crowd, url: &str) -> tungstenite::Result<handshake::client::Request> {
    let mut request = url.into_client_request()?;
    show_token(crowd, request.headers_mut());
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let natural = head(first_line(&Method::GET, target), sizes(request.headers()));
    let host = request.uri().authority().map_or_else(String::new, ToString::to_string);
    let lines = crowd.headers.on_request(Ask::Socket, &origin(crowd, &host), true, natural);
    add(request.headers_mut(), lines);
    Ok(request)
}

/// What somebody has to show who publishes, or may on a socket.
fn show_token(crowd: &Crowd, headers: &mut HeaderMap) {
    if let Some(value) = crowd.token.as_ref().and_then(Token::bearer) {
        headers.insert(AUTHORIZATION, value);
    }
}

/// Of the page that a browser would ask from.
fn origin(crowd: &Crowd, host: &str) -> String {
    format!("{}://{host}", crowd.scheme("http"))
}

/// Bytes of `GET /path?query HTTP/1.1`.
fn first_line(method: &Method, target: usize) -> u64 {
    (method.as_str().len() + 1 + target + " HTTP/1.1".len()) as u64
}

fn sizes(headers: &HeaderMap) -> impl Iterator<Item = (&str, u64)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.len() as u64))
}

fn add(headers: &mut HeaderMap, lines: Vec<crate::headers::Line>) {
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
