//! What `run` uses besides the public calls: many publishes at once, and samples of a window.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::App;
use super::problem::Problem;
use super::publish::{parse, read};
use super::stats::Sample;
use super::token::{self, may_publish};
use super::web_socket::upgrade::not_an_upgrade;
use crate::broker::Handed;
use crate::clock::Micros;
use crate::event::{Publish, topic_is_valid};

/// Largest frame of publishes, bytes.
const FRAME: usize = 16 * 1024 * 1024;
/// Most samples of one window.
const SAMPLES: i64 = 100_000;

/// The window to sample, Unix microseconds on the shared clock.
#[derive(Debug, Deserialize)]
pub(super) struct Window {
    start: Micros,
    end: Micros,
    step_us: i64,
}

/// Answer to one frame of publishes.
#[derive(Serialize)]
struct Acked {
    acked: usize,
    /// The first that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// One text frame for `/control/publish`: an array of publishes, each with its topic added.
#[must_use]
pub fn publish_frame<'a>(events: impl IntoIterator<Item = (&'a str, &'a Publish)>) -> String {
    let mut frame = String::from("[");
    for (topic, publish) in events {
        if frame.len() > 1 {
            frame.push(',');
        }
        // Strings, numbers and JSON text: this cannot fail. An object always opens with a brace.
        let json = serde_json::to_string(publish).unwrap_or_default();
        let topic = serde_json::to_string(topic).unwrap_or_default();
        frame.push_str(r#"{"topic":"#);
        frame.push_str(&topic);
        frame.push(',');
        frame.push_str(json.trim_start_matches('{'));
    }
    frame.push(']');
    frame
}

/// `GET /control/publish`.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| not_an_upgrade(request.method(), &rejection))?;
    if !may_publish(app.settings.token.as_ref(), request.headers())? {
        return Err(token::missing());
    }
    let alive = app.tasks.token();
    let upgrade = upgrade.max_message_size(FRAME).max_frame_size(FRAME);
    Ok(upgrade.on_upgrade(|socket| async move {
        serve(&app, socket).await;
        drop(alive);
    }))
}

async fn serve(app: &App, mut socket: WebSocket) {
    loop {
        let message = tokio::select! {
            message = socket.recv() => message,
            () = app.shutdown.cancelled() => return,
        };
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            _ => return,
        };
        let answer = serde_json::to_string(&publish_all(app, text.as_str()).await).unwrap_or_default();
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}

async fn publish_all(app: &App, text: &str) -> Acked {
    let mut answer = Acked { acked: 0, error: None };
    let items: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(items) => items,
        Err(error) => {
            answer.error = Some(Problem::bad(error.to_string()));
            return answer;
        }
    };
    for item in items {
        match publish_one(app, item.get()).await {
            Ok(()) => answer.acked += 1,
            // The broker is away: whoever sent this sends the rest again.
            Err(problem) if problem.is_ours() => {
                answer.error = Some(problem);
                break;
            }
            Err(problem) => answer.error = answer.error.or(Some(problem)),
        }
    }
    answer
}

async fn publish_one(app: &App, text: &str) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Addressed<'a> {
        #[serde(borrow)]
        topic: &'a str,
    }
    // Read twice, once for the topic: raw JSON cannot pass through a flattened struct.
    let Addressed { topic } = serde_json::from_str(text).map_err(|error| Problem::bad(error.to_string()))?;
    if !topic_is_valid(topic) {
        return Err(Problem::bad_topic());
    }
    let publish = parse(text.as_bytes())?;
    app.broker.publish(topic, publish, app.settings.clock.now()).await?;
    Ok(())
}

/// `GET /control/hops`: when events passed through this server.
pub(super) async fn hops(State(app): State<Arc<App>>) -> Json<Handed> {
    Json(app.broker.handed())
}

/// `POST /control/window`: samples the counters at the start, at every step and at the end. A cache forgets
/// what people asked for when they connected, whenever that was: each run begins with an empty one.
pub(super) async fn window(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<(StatusCode, Json<serde_json::Value>), Problem> {
    let body = read(&app, request).await?;
    let window: Window = serde_json::from_slice(&body).map_err(|error| Problem::bad(error.to_string()))?;
    let Window { start, end, step_us } = window;
    let length = end.checked_sub(start).filter(|length| *length > 0 && step_us > 0);
    if length.is_none_or(|length| length / step_us > SAMPLES) {
        return Err(Problem::bad(format!("a window has start < end and at most {SAMPLES} steps")));
    }
    let times = times(&window).collect::<Vec<_>>();
    app.public.window.lock().unwrap_or_else(PoisonError::into_inner).clear();
    if let Some(cache) = &app.cache {
        cache.forget();
    }
    app.tasks.clone().spawn(sample(app, times));
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({}))))
}

fn times(window: &Window) -> impl Iterator<Item = Micros> {
    let &Window { start, end, step_us } = window;
    let steps = (0..).map(move |n| start + n * step_us).take_while(move |at| *at < end);
    steps.chain(std::iter::once(end))
}

async fn sample(app: Arc<App>, times: Vec<Micros>) {
    let clock = app.settings.clock;
    for at in times {
        tokio::select! {
            () = clock.sleep_until(at) => {}
            () = app.shutdown.cancelled() => return,
        }
        let sample: Sample = app.public.sample(clock);
        app.public.window.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_sampled_at_its_start_its_steps_and_its_end() {
        let times = |end| times(&Window { start: 10, end, step_us: 5 }).collect::<Vec<_>>();
        assert_eq!(times(20), [10, 15, 20]);
        assert_eq!(times(22), [10, 15, 20, 22]);
    }

    #[test]
    fn a_frame_of_publishes_reads_as_publishes_with_a_topic() {
        let publish: Publish = serde_json::from_str(r#"{"data":{"a":"{"},"at":5}"#).unwrap();
        let frame = publish_frame([("t:1", &publish), ("t:2", &publish)]);
        let back: serde_json::Value = serde_json::from_str(&frame).unwrap();
        assert_eq!(back[1]["topic"], "t:2");
        assert_eq!((&back[0]["data"]["a"], &back[0]["at"]), (&"{".into(), &5.into()));
        assert_eq!(publish_frame([]), "[]");
    }
}
