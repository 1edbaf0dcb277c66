//! A person's own events, each at its intended time, by POST.

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::Crowd;

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
    let Some(body) = crowd.body(event).and_then(|body| body.from(client).json()) else { return };
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
