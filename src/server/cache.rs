//! A shared cache in front of the polls, as a CDN would be: it keeps each answer as long as the origin
//! says with `s-maxage`, and gives it to everybody who asks the same (RFC 9111).
//!
//! It stands in the server's process, so that the accepted sockets carry what clients and cache say to
//! each other; what gets past it is counted. Polls are what it keeps: held ones, streams and posts pass.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;

use super::poll::Answered;
use super::problem::Problem;
use super::query::none_match_holds;
use super::stats::{Counters, count};

/// Most bytes of answers kept; beyond, answers pass without being kept.
const ROOM: u64 = 64 * 1024 * 1024;
/// Addresses remembered before the first look for those no longer needed.
const SWEEP: usize = 1024;

/// The cache of one listener.
#[derive(Debug)]
pub(super) struct Cache {
    kept: Duration,
    counters: Arc<Counters>,
    slots: Mutex<Slots>,
    /// Bytes of answers kept now.
    weight: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Slots {
    by_address: HashMap<String, Arc<Slot>>,
    sweep_at: usize,
}

/// What is kept for one address. Whoever asks the origin holds the lock, so that others who want the
/// same wait for that answer instead of asking too.
type Slot = tokio::sync::Mutex<Option<Entry>>;

/// One answer of the origin.
#[derive(Debug)]
struct Entry {
    since: Instant,
    headers: HeaderMap,
    body: Bytes,
    empty: bool,
    weight: Arc<AtomicU64>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.weight.fetch_sub(self.body.len() as u64, Relaxed);
    }
}

impl Cache {
    pub(super) fn new(kept: Duration, counters: Arc<Counters>) -> Arc<Self> {
        let slots = Mutex::new(Slots { by_address: HashMap::new(), sweep_at: SWEEP });
        Arc::new(Self { kept, counters, slots, weight: Arc::default() })
    }

    /// Forgets all answers; whoever waits for one still gets it.
    pub(super) fn forget(&self) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).by_address.clear();
    }

    fn slot(&self, address: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.by_address.get(address) {
            return slot.clone();
        }
        if slots.by_address.len() >= slots.sweep_at {
            slots.by_address.retain(|_, slot| self.is_needed(slot));
            slots.sweep_at = SWEEP.max(2 * slots.by_address.len());
        }
        let slot = Arc::new(Slot::default());
        slots.by_address.insert(address.to_owned(), slot.clone());
        slot
    }

    /// Whether somebody waits for it, or what it holds is fresh.
    fn is_needed(&self, slot: &Arc<Slot>) -> bool {
        slot.try_lock().map_or(true, |entry| entry.as_ref().is_some_and(|entry| self.is_fresh(entry)))
    }

    fn is_fresh(&self, entry: &Entry) -> bool {
        entry.since.elapsed() < self.kept
    }

    /// Takes an answer apart to keep it; gives back what is not to be kept.
    async fn entry(&self, response: Response) -> Result<Entry, Response> {
        let empty = response.extensions().get::<Answered>().map(|answered| answered.empty);
        let (StatusCode::OK, Some(empty), true) = (response.status(), empty, may_keep(response.headers()))
        else {
            return Err(response);
        };
        let (parts, body) = response.into_parts();
        // It was encoded in one piece, so this neither waits nor fails.
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            return Err(
                Problem::new(StatusCode::BAD_GATEWAY, "the origin's answer broke off").into_response()
            );
        };
        if self.weight.fetch_add(body.len() as u64, Relaxed) + body.len() as u64 > ROOM {
            self.weight.fetch_sub(body.len() as u64, Relaxed);
            return Err(Response::from_parts(parts, Body::from(body)));
        }
        let (since, weight) = (Instant::now(), self.weight.clone());
        Ok(Entry { since, headers: parts.headers, body, empty, weight })
    }
}

/// Answers from what is kept, or passes a request on.
pub(super) async fn through(State(cache): State<Arc<Cache>>, mut request: Request, next: Next) -> Response {
    if request.method() != Method::GET || request.headers().contains_key(header::UPGRADE) {
        count(&cache.counters.origin);
        return next.run(request).await;
    }
    let condition = request.headers().get(header::IF_NONE_MATCH).cloned();
    let slot = cache.slot(request.uri().path_and_query().map_or("/", |address| address.as_str()));
    let mut kept = slot.lock().await;
    if let Some(entry) = kept.as_ref().filter(|entry| cache.is_fresh(entry)) {
        let mut answer = entry.answer(condition.as_ref());
        let age = HeaderValue::from(entry.since.elapsed().as_secs());
        answer.headers_mut().insert(header::AGE, age);
        return answer;
    }
    count(&cache.counters.origin);
    // Whoever asks next may have nothing yet, so the whole answer is fetched.
    request.headers_mut().remove(header::IF_NONE_MATCH);
    *kept = None;
    match cache.entry(next.run(request).await).await {
        Ok(entry) => kept.insert(entry).answer(condition.as_ref()),
        Err(response) => response,
    }
}

/// Whether the origin lets shared caches keep it.
fn may_keep(headers: &HeaderMap) -> bool {
    let control = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    control.is_some_and(|control| control.contains("s-maxage="))
}

impl Entry {
    /// What a client gets; 304 when it holds this very answer.
    fn answer(&self, condition: Option<&HeaderValue>) -> Response {
        let tag = self.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let same = condition.zip(tag).is_some_and(|(condition, tag)| {
            none_match_holds(&HeaderMap::from_iter([(header::IF_NONE_MATCH, condition.clone())]), tag)
        });
        let mut headers = self.headers.clone();
        let mut response = if same {
            headers.remove(header::CONTENT_TYPE);
            headers.remove(header::CONTENT_LENGTH);
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(self.body.clone()).into_response()
        };
        *response.headers_mut() = headers;
        response.extensions_mut().insert(Answered { empty: self.empty || same });
        response
    }
}
