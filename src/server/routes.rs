//! The route table.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};

use super::problem::Problem;
use super::stats::Stats;
use super::{App, control, poll, publish, sse, web_socket};

/// All calls of the contract.
pub(super) fn public(app: Arc<App>) -> Router {
    table().with_state(app)
}

/// Those, and what only `run` uses.
pub(super) fn with_control(app: Arc<App>) -> Router {
    table()
        .route("/control/publish", get(control::publish))
        .route("/control/hops", get(control::hops))
        .route("/control/window", post(control::window))
        .with_state(app)
}

fn table() -> Router<Arc<App>> {
    Router::new()
        .route("/topics/{topic}/events", get(poll::events).post(publish::post))
        .route("/topics/{topic}/stream", get(sse::stream))
        .route("/topics/{topic}/socket", get(web_socket::socket))
        .route("/healthz", get(async || "ok\n"))
        .route("/stats", get(stats))
        .route("/metrics", get(async || Problem::not_built_yet()))
        .route("/openapi.json", get(async || Problem::not_built_yet()))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "see the Allow header for what this path takes")
        })
}

async fn stats(State(app): State<Arc<App>>) -> Json<Stats> {
    Json(app.public.stats(app.broker.counts()))
}

/// The topic in a path; one that is no UTF-8 is no topic.
pub(super) type Topic = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// The topic's name, whatever it is.
pub(super) fn topic(path: Topic) -> Result<String, Problem> {
    path.map(|Path(topic)| topic).map_err(|_| Problem::bad_topic())
}
