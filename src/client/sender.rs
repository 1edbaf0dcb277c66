//! A person's own events, each at its intended time, by POST.

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::value::RawValue;

use super::Crowd;
use super::answer::Body;

/// Sends this client's events until the run ends.
pub(super) async fn live(crowd: &Crowd, client: u32, http: &Client) {
    let url = format!("http://{}/topics/{}/events", crowd.server, crowd.topic(client));
    for &event in &crowd.plan.by_author[client as usize] {
        tokio::select! {
            () = crowd.sleep_until(crowd.plan.schedule.events[event as usize].at) => {}
            () = crowd.stop.cancelled() => return,
        }
        post(crowd, client, event, http, &url).await;
    }
}

async fn post(crowd: &Crowd, client: u32, event: u32, http: &Client, url: &str) {
    let Some(body) = body(crowd, event, Some(client)) else { return };
    {
        let mut ledger = crowd.ledger();
        ledger.publish_sent(event, crowd.now());
        ledger.sent(event, false);
    }
    let json = HeaderValue::from_static("application/json");
    let answer = http.post(url).header(CONTENT_TYPE, json).body(body).send().await;
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

/// The publish body of one planned event; `from` only where the connection does not say it.
pub(super) fn body(crowd: &Crowd, event: u32, from: Option<u32>) -> Option<String> {
    let planned = &crowd.plan.schedule.events[event as usize];
    let body = Body {
        kind: &planned.kind,
        data: serde_json::from_str::<&RawValue>(&planned.data).ok()?,
        at: crowd.unix(planned.at),
        id: crate::ledger::Plan::id_of(event),
        ttl_ms: planned.ttl_ms,
        key: planned.key.as_deref(),
        from: from.map(|c| c.to_string()),
    };
    serde_json::to_string(&body).ok()
}
