//! A person's own events, each at its intended time, by POST, until the server has it.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::comeback::Comeback;
use super::http::Line;
use super::{Crowd, dress};
use crate::headers::Ask;
use crate::workload::Visit;

/// What became of one attempt.
pub(super) enum Sent {
    /// The server has it.
    Taken,
    /// It will never have it.
    Refused,
    /// Nobody knows: to be sent again, under the same `id`.
    Unknown,
}

/// Sends these events of a client, of one visit, until the run ends; returns when the last answer came.
pub(super) async fn live(crowd: &Crowd, client: u32, visit: &Visit, line: &Line, own: &[u32]) -> i64 {
    // What fell due while the connection was being made is not late by the load generator's fault.
    let mut free = if visit.is_first() { i64::MIN } else { crowd.now() };
    for &event in own {
        tokio::select! {
            () = crowd.sleep_until(crowd.plan.schedule.events[event as usize].at) => {}
            () = crowd.stop.cancelled() => return free,
        }
        post(crowd, client, event, line, free).await;
        free = crowd.now();
    }
    free
}

/// Sends one event; the answer to the one before came at `free`.
async fn post(crowd: &Crowd, client: u32, event: u32, line: &Line, free: i64) {
    let Some(body) = crowd.body(event).and_then(|body| body.from(client).json()) else { return };
    {
        let mut ledger = crowd.ledger();
        // One at a time: waiting for an answer is the way's own cost, not the load generator's.
        let waited = free.saturating_sub(crowd.plan.schedule.events[event as usize].at).max(0);
        ledger.publish_sent(event, crowd.now() - waited);
        ledger.sent(event, false);
    }
    let mut comeback = Comeback::new(crowd, client);
    loop {
        match attempt(crowd, client, line, &comeback, &body).await {
            Sent::Taken => return crowd.ledger().acknowledged(event, crowd.now(), false),
            Sent::Refused => return crowd.ledger().send_failed(event),
            Sent::Unknown => comeback.pause().await,
        }
        if crowd.stop.is_cancelled() {
            return crowd.ledger().send_failed(event);
        }
        crowd.ledger().sent_again(event, false);
    }
}

/// One attempt of a person; none has been made of whoever was cut off meanwhile.
async fn attempt(crowd: &Crowd, client: u32, line: &Line, comeback: &Comeback<'_>, body: &str) -> Sent {
    let mut feeling = crowd.feel(client);
    let topic = crowd.topic(client);
    tokio::select! {
        sent = publish(crowd, line, comeback.server(), &topic, body) => sent,
        () = feeling.cut() => Sent::Unknown,
    }
}

/// One POST of an event.
pub(super) async fn publish(crowd: &Crowd, line: &Line, server: &str, topic: &str, body: &str) -> Sent {
    let url = format!("{}://{server}/topics/{topic}/events", crowd.scheme("http"));
    let json = HeaderValue::from_static("application/json");
    let http = line.http();
    let request = http.post(url).header(CONTENT_TYPE, json).body(body.to_owned());
    match dress::send(crowd, &http, Ask::Send, request).await {
        // The body is read so that the connection can be used again.
        Ok(response) if response.status().is_success() => match response.bytes().await {
            Ok(_) => Sent::Taken,
            Err(_) => Sent::Unknown,
        },
        Ok(response) if response.status().is_server_error() => Sent::Unknown,
        Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS => Sent::Unknown,
        Ok(_) => Sent::Refused,
        Err(_) => Sent::Unknown,
    }
}
