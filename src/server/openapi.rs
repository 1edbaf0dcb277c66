//! `GET /openapi.json`: the calls of this server, described beside the handlers that answer them.

use axum::Json;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::problem::Problem;
use super::stats::Stats;
use super::{metrics, poll, publish, routes, sse, web_socket};
use crate::event::{Event, Publish};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "anynews",
        description = "One append-only feed per topic, read by short polling, long polling, server-sent events or WebSocket.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        publish::post, poll::events, sse::stream, web_socket::socket,
        routes::healthz, metrics::metrics, routes::stats, description,
    ),
    components(schemas(Event, Publish, Polled, Problem, Stats)),
    modifiers(&Bearer),
)]
struct Description;

/// The token as OpenAPI calls it.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let scheme = scheme.description(Some("Needed to publish when the server was started with --token."));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

/// What a poll is answered.
#[derive(Serialize, ToSchema)]
pub(super) struct Polled {
    /// The life of the feed; another one after a restart.
    epoch: String,
    /// Position to ask from next.
    offset: u64,
    /// Oldest event that is kept.
    first: u64,
    /// Whether everything after `after` is here or still to come.
    recovered: bool,
    /// Whether more events wait: ask again at once.
    more: bool,
    /// In order; empty means "Nope".
    events: Vec<Event>,
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object, description = "OpenAPI 3.1")))]
pub(super) async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
