//! A person's own events, each at its intended time, by POST.

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::{Crowd, dress};
use crate::headers::Ask;
use crate::workload::Visit;

/// Sends this client's events until the visit is over; returns when the last answer came.
pub(super) async fn live(crowd: &Crowd, client: u32, visit: &Visit, http: &Client) -> i64 {
    let server = crowd.servers.of(client);
    let url = format!("{}://{server}/topics/{}/events", crowd.scheme("http"), crowd.topic(client));
    // What fell due while the connection was being made is not late by the load generator's fault.
    let mut free = if visit.is_first() { i64::MIN } else { crowd.now() };
    for &event in crowd.own_events(client, visit) {
        tokio::select! {
            () = crowd.sleep_until(crowd.plan.schedule.events[event as usize].at) => {}
            () = crowd.stop.cancelled() => return free,
        }
        post(crowd, client, event, http, &url, free).await;
        free = crowd.now();
    }
    free
}

/// Sends one event; the answer to the one before came at `free`.
async fn post(crowd: &Crowd, client: u32, event: u32, http: &Client, url: &str, free: i64) {
    let Some(body) = crowd.body(event).and_then(|body| body.from(client).json()) else { return };
    {
        let mut ledger = crowd.ledger();
        // One at a time: waiting for an answer is the way's own cost, not the load generator's.
        let waited = free.saturating_sub(crowd.plan.schedule.events[event as usize].at).max(0);
        ledger.publish_sent(event, crowd.now() - waited);
        ledger.sent(event, false);
    }
    let json = HeaderValue::from_static("application/json");
    let request = http.post(url).header(CONTENT_TYPE, json).body(body);
    let answer = dress::send(crowd, http, Ask::Send, request).await;
    // The body is read so that the connection can be used again.
    let done = match answer {
        Ok(response) if response.status().is_success() => response.bytes().await.is_ok(),
        _ => false,
    };
    let now = crowd.now();
    if done {
        crowd.ledger().acknowledged(event, now, false);
    } else {
        crowd.ledger().send_failed(event);
    }
}
