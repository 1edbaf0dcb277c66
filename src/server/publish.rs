//! `POST /topics/{topic}/events`, and the one way a message becomes an event.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::App;
use super::problem::Problem;
use super::routes::{TOPIC, Topic, topic};
use super::stats::count;
use super::token::{self, may_publish};
use crate::broker::Published;
use crate::event::{Publish, topic_is_valid};

/// Where an event stands.
#[derive(Serialize, ToSchema)]
struct Place<'a> {
    /// The life of the feed.
    epoch: &'a str,
    /// Position in it.
    offset: u64,
}

/// Adds the event of the body to a topic.
#[utoipa::path(
    post, path = "/topics/{topic}/events", params(("topic" = String, Path, description = TOPIC)),
    request_body = Publish, security((), ("token" = [])),
    responses(
        (status = 201, body = Place, description = "Published"),
        (status = 200, body = Place, description = "An event of this id was published before, here"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn post(
    State(app): State<Arc<App>>,
    path: Topic,
    request: Request,
) -> Result<Response, Problem> {
    let topic = topic(path)?;
    if !topic_is_valid(&topic) {
        return Err(Problem::bad_topic());
    }
    if !may_publish(app.settings.token.as_ref(), request.headers())? {
        return Err(token::missing());
    }
    let body = read(&app, request).await?;
    // The type of the content is not asked for: `curl -d` calls JSON a form, and an Origin that is
    // not ours was turned away before.
    let publish = parse(&body)?;
    let Published { epoch, appended } = app.broker.publish(&topic, publish, app.settings.clock.now()).await?;
    count(&app.counters.publishes);
    let status = if appended.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Place { epoch: &epoch, offset: appended.offset })).into_response())
}

/// Reads a message and checks it.
pub(super) fn parse(text: &[u8]) -> Result<Publish, Problem> {
    // Serde would also take the fields in a row, as an array.
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::bad(
            "a message is a JSON object, like {\"kind\":\"message\",\"data\":\"Coming?\"}",
        ));
    }
    let publish: Publish = serde_json::from_slice(text)
        .map_err(|error| Problem::bad(format!("the message is not as it should be: {error}")))?;
    publish.check().map_err(Problem::bad)?;
    Ok(publish)
}

/// The whole body, of bounded size and in bounded time.
pub(super) async fn read(app: &App, request: Request) -> Result<Vec<u8>, Problem> {
    let limit = app.settings.max_message;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    // Told before it is sent: a client that waits for 100 Continue never sends it.
    if length.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let body = collect(request.into_body(), length.unwrap_or(0), limit);
    let slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "the body of the request took too long");
    timeout(app.settings.body_timeout, body).await.unwrap_or_else(|_| Err(slow()))
}

async fn collect(body: Body, expected: usize, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut whole = Vec::with_capacity(expected);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::bad("the body broke off"))?;
        if whole.len() + chunk.len() > limit {
            return Err(Problem::too_large(limit));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}
