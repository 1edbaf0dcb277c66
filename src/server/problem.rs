//! Errors as `application/problem+json` (RFC 9457), over HTTP and on a socket.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::broker::Trouble;
use crate::event::MAX_TOPIC;

/// What went wrong, for the one who asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is (RFC 9457 §4.2.1).
    r#type: &'static str,
    /// Name of the status.
    title: &'static str,
    /// The HTTP status, on a socket too.
    status: u16,
    /// What was wrong, and what would be right.
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { r#type: "about:blank", title, status: status.as_u16(), detail: detail.into() }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Whether it is the server's own, so that the same may be right another time.
    pub(super) fn is_ours(&self) -> bool {
        self.status >= 500
    }

    pub(super) fn bad_topic() -> Self {
        Self::bad(format!("a topic name is 1 to {MAX_TOPIC} of A-Z a-z 0-9 . _ : -"))
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a message holds at most {limit} bytes"))
    }

    pub(super) fn too_often() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "your address asks too often; wait a second")
    }

    /// The whole answer as bytes, for a connection that no HTTP library serves.
    pub(super) fn raw(&self) -> Vec<u8> {
        let body = serde_json::to_string(self).unwrap_or_default();
        let Self { status, title, .. } = self;
        let length = body.len();
        format!(
            "HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl From<Trouble> for Problem {
    fn from(error: Trouble) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut response = (status, [kind, no_store()], body).into_response();
        let mut add = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match status {
            StatusCode::UPGRADE_REQUIRED => {
                add(header::UPGRADE, "websocket");
                add(header::CONNECTION, "upgrade");
                // RFC 6455 §4.4.
                add(header::SEC_WEBSOCKET_VERSION, "13");
            }
            StatusCode::UNAUTHORIZED => {
                add(header::WWW_AUTHENTICATE, "Bearer");
            }
            StatusCode::TOO_MANY_REQUESTS => {
                add(header::RETRY_AFTER, "1");
            }
            _ => {}
        }
        response
    }
}

/// Nothing this server says about events may be kept by a cache.
pub(super) fn no_store() -> (header::HeaderName, HeaderValue) {
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}
