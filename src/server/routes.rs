//! The route table.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};

use super::cache;
use super::problem::Problem;
use super::stats::Stats;
use super::{App, control, metrics, openapi, poll, publish, sse, web_socket};

/// All calls of the contract.
pub(super) fn public(app: Arc<App>) -> Router {
    let cache = app.cache.clone();
    let table = table().with_state(app);
    match cache {
        Some(cache) => table.layer(from_fn_with_state(cache, cache::through)),
        None => table,
    }
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
        .route("/healthz", get(healthz))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::description))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "see the Allow header for what this path takes")
        })
}

/// Whether the server answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String, description = "It does")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The counters now.
#[utoipa::path(get, path = "/stats", responses((status = 200, body = Stats)))]
pub(super) async fn stats(State(app): State<Arc<App>>) -> Json<Stats> {
    let mut stats = app.public.stats(app.broker.counts());
    // What the first client sent is for `run` alone: it may hold a token, or a browser's cookies.
    if Arc::ptr_eq(&app.counters, &app.public) {
        stats.first_exchange = None;
    }
    Json(stats)
}

/// What the description says of the topic in a path.
pub(super) const TOPIC: &str = "1 to 128 of A-Z a-z 0-9 . _ : -";

/// The topic in a path; one that is no UTF-8 is no topic.
pub(super) type Topic = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// The topic's name, whatever it is.
pub(super) fn topic(path: Topic) -> Result<String, Problem> {
    path.map(|Path(topic)| topic).map_err(|_| Problem::bad_topic())
}
