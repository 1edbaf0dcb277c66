//! From a request to a WebSocket: what is no upgrade, and the caps of what is one.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::SEC_WEBSOCKET_KEY;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::App;
use super::super::problem::Problem;
use crate::transport::FRAME_BYTES;

/// Bytes of frames gathered before they are written, if no flush comes first.
const WRITE_BUFFER: usize = 8 * 1024;

/// RFC 6455 §4.2.1: the key is 16 bytes in base64. Hyper and axum take any text.
pub(super) fn key_is_sound(headers: &HeaderMap) -> Result<(), Problem> {
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    match BASE64.decode(key) {
        Ok(nonce) if nonce.len() == 16 => Ok(()),
        _ => Err(Problem::bad("Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455, section 4.1)")),
    }
}

pub(in crate::server) fn not_an_upgrade(method: &Method, rejection: &WebSocketUpgradeRejection) -> Problem {
    let status = match rejection {
        WebSocketUpgradeRejection::MethodNotGet(_) => StatusCode::METHOD_NOT_ALLOWED,
        WebSocketUpgradeRejection::InvalidConnectionHeader(_)
        | WebSocketUpgradeRejection::InvalidUpgradeHeader(_)
        | WebSocketUpgradeRejection::InvalidWebSocketVersionHeader(_) => StatusCode::UPGRADE_REQUIRED,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, format!("{method} here opens a WebSocket: {}", rejection.body_text()))
}

/// The caps: the library's defaults are 128 KiB of buffers a socket, 64 MiB a message and a write
/// buffer without bound.
pub(in crate::server) fn limited(upgrade: WebSocketUpgrade, app: &App) -> WebSocketUpgrade {
    let largest = app.settings.max_message;
    upgrade
        .read_buffer_size(app.settings.read_buffer)
        .write_buffer_size(WRITE_BUFFER)
        // One event may be larger than the message it came in by its topic and its stamps, and be the
        // last of a full frame; the sink holds one beyond its buffer.
        .max_write_buffer_size(WRITE_BUFFER + FRAME_BYTES + 2 * largest + 16 * 1024)
        .max_message_size(largest)
        .max_frame_size(largest)
}
