//! Puts the run's headers on an answer, so that both heads of the exchange have the size asked for.

use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Request, Response, StatusCode};

use crate::headers::{Headers, head, line};

/// What of a request decides how long its answer's head is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    head: u64,
    closes: bool,
}

impl Asked {
    /// Of a request as it came, before anything was taken from it.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        let first = request.method().as_str().len() + 1 + target + " HTTP/1.1".len();
        let closes = request
            .headers()
            .get(CONNECTION)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        Self { head: head(first as u64, sizes(request.headers())), closes }
    }
}

/// Adds the lines.
pub(super) fn dress(headers: Headers, asked: Asked, response: &mut Response<Body>) {
    if headers == Headers::Lean {
        return;
    }
    let lines = headers.on_answer(asked.head, natural(asked, response));
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
}

/// Bytes of the head as hyper will write it.
fn natural(asked: Asked, response: &Response<Body>) -> u64 {
    let (status, headers) = (response.status(), response.headers());
    let reason = status.canonical_reason().unwrap_or("<none>");
    let first = "HTTP/1.1 200 ".len() + reason.len();
    let bare =
        status.is_informational() || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    let kept = sizes(headers).filter(|(name, _)| !(bare && *name == CONTENT_LENGTH.as_str()));
    let mut size = head(first as u64, kept);
    if !headers.contains_key(DATE) {
        size += line(DATE.as_str(), "Tue, 24 Nov 2026 03:30:13 GMT".len() as u64);
    }
    if asked.closes {
        size += line(CONNECTION.as_str(), "close".len() as u64);
    }
    if !bare && !headers.contains_key(CONTENT_LENGTH) {
        size += match response.body().size_hint().exact() {
            Some(length) => line(CONTENT_LENGTH.as_str(), length.to_string().len() as u64),
            None => line(TRANSFER_ENCODING.as_str(), "chunked".len() as u64),
        };
    }
    size
}

fn sizes(headers: &HeaderMap) -> impl Iterator<Item = (&str, u64)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.len() as u64))
}
