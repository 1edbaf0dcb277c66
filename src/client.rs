//! Simulated people over real sockets: one task each, all of one transport sharing a ledger.
//!
//! What differs between transports is one file each under `client/`, named like its other half under
//! `server/`. Cursors, stamping and counting live here, once.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Micros};
use crate::headers::Headers;
use crate::ledger::{Ledger, Plan, Received};
use crate::token::Token;
use crate::transport::{Pace, Way};
use crate::workload::{Visit, describe, visits};

mod answer;
pub mod body;
mod comeback;
mod dress;
mod http;
mod long_poll;
mod meet;
mod moment;
mod plight;
mod poll;
mod publish;
mod sender;
mod servers;
mod setting;
mod sse;
mod web_socket;

pub use http::builder;
pub use meet::{Acquaintance, Strangers};

use answer::Incoming;
use body::Body;
pub use moment::{Moment, Saw};
use plight::{Feeling, Plights};
pub use publish::publish_by_post;
pub use servers::Servers;
pub use setting::Setting;

/// All the people of one transport in one run.
#[derive(Debug)]
pub struct Crowd {
    /// How they listen.
    pub way: Way,
    /// Where the servers are.
    pub servers: Servers,
    /// What the heads of their requests carry.
    pub headers: Headers,
    /// How they speak TLS; none: they do not.
    pub tls: Option<Arc<ClientConfig>>,
    /// Before the topics of the schedule; servers that others started have more than this run's.
    pub prefix: String,
    /// What these servers want to see of whoever publishes.
    pub token: Option<Token>,
    /// The run's clock.
    pub clock: Clock,
    /// The run's seed.
    pub seed: u64,
    /// Traffic starts this long before the window, microseconds.
    pub warmup: i64,
    /// The window, microseconds.
    pub duration: i64,
    /// Mean stay of people, who come and go; none: all stay.
    pub visit: Option<Duration>,
    /// An event may reach somebody so long after its time, microseconds.
    pub patience: i64,
    /// What will be published.
    pub plan: Arc<Plan>,
    people: Range<u32>,
    size: u32,
    /// Ends everything.
    pub stop: CancellationToken,
    /// Where one person's moments go, for the transcript.
    pub moments: Option<(u32, mpsc::UnboundedSender<Moment>)>,
    ledger: Mutex<Ledger>,
    start: OnceLock<Micros>,
    gate: watch::Sender<bool>,
    opening: Semaphore,
    ready: AtomicU32,
    ready_changed: Notify,
    plights: Plights,
}

impl Crowd {
    /// Number of people who are played here.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Who they are.
    pub fn people(&self) -> impl Iterator<Item = u32> {
        self.people.clone().filter(|client| self.plan.plays(*client))
    }

    /// How many know their position.
    #[must_use]
    pub fn ready(&self) -> u32 {
        self.ready.load(Ordering::Relaxed)
    }

    /// Waits until everybody knows their position.
    pub async fn all_ready(&self) {
        loop {
            // Registered before the check, so that a change in between is not missed.
            let changed = self.ready_changed.notified();
            if self.ready() >= self.size() {
                return;
            }
            changed.await;
        }
    }

    /// Opens the gate: the window starts at `start`, traffic a warm-up before it.
    pub fn begin(&self, start: Micros) {
        let _ = self.start.set(start);
        self.gate.send_replace(true);
    }

    /// The ledger. A poisoned lock is taken as it is: what was measured is never thrown away.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks the connections of these people, with whatever is on its way.
    pub fn cut(&self, people: &[u32]) {
        self.plights.cut(people);
    }

    /// Makes these people stop reading, or begin again.
    pub fn deafen(&self, people: &[u32], deaf: bool) {
        self.plights.deafen(people, deaf);
    }

    fn feel(&self, client: u32) -> Feeling {
        self.plights.feel(client)
    }

    /// Takes the ledger out at the end of a run, leaving an empty one.
    #[must_use]
    pub fn take_ledger(&self) -> Ledger {
        let empty = Ledger::new(Arc::new(Plan::new(crate::workload::Schedule::default())), 1, false, 0);
        std::mem::replace(&mut *self.ledger(), empty)
    }

    /// Now, in microseconds from the start of the window; `i64::MIN` before that is known.
    fn now(&self) -> i64 {
        self.start.get().map_or(i64::MIN, |start| self.clock.now() - start)
    }

    /// Unix microseconds of a time relative to the window.
    fn unix(&self, at: i64) -> Micros {
        self.start.get().copied().unwrap_or_default() + at
    }

    async fn sleep_until(&self, at: i64) {
        self.clock.sleep_until(self.unix(at)).await;
    }

    /// Somebody knows their position for the first time in a visit.
    fn positioned(&self, client: u32, visit: &Visit) {
        self.ledger().positioned(client, self.now());
        if visit.is_first() {
            self.ready.fetch_add(1, Ordering::Relaxed);
            self.ready_changed.notify_waiters();
        }
    }

    /// Returns when a visit is over.
    async fn over(&self, visit: &Visit) {
        // Nobody leaves before traffic starts.
        if visit.is_last() || !self.through_the_gate().await {
            return std::future::pending().await;
        }
        self.sleep_until(visit.until).await;
    }

    /// A client's own events that fall into a visit, in order.
    fn own_events(&self, client: u32, visit: &Visit) -> &[u32] {
        let own = &self.plan.by_author[client as usize];
        let before = |at: i64| own.partition_point(|&i| self.plan.schedule.events[i as usize].at < at);
        &own[before(visit.from)..before(visit.until)]
    }

    /// A server said whether the feed could be gone on with.
    fn learned(&self, client: u32, recovered: bool) {
        if !recovered {
            self.ledger().unrecovered(client);
        }
    }

    /// A stream or socket stands, for the first time or once more.
    fn stands(&self, client: u32, again: bool) {
        let mut ledger = self.ledger();
        ledger.set_present(client, true);
        if again {
            ledger.came_back(self.now());
        }
    }

    /// Waits for the gate; false when the run ended first.
    async fn through_the_gate(&self) -> bool {
        let mut gate = self.gate.subscribe();
        tokio::select! {
            open = gate.wait_for(|open| *open) => open.is_ok(),
            () = self.stop.cancelled() => false,
        }
    }

    /// Books events that are in a client's hand now, by one answer, chunk or frame.
    fn deliver(&self, client: u32, events: &[Incoming<'_>], poll_sent: Option<i64>) {
        let at = self.now();
        let mut counted = false;
        let mut ledger = self.ledger();
        for incoming in events {
            let Some(event) = incoming.id.as_deref().and_then(|id| self.plan.event_of(id)) else { continue };
            let payload = incoming.data.get().len() as u64;
            let got = Received { client, event, offset: incoming.offset, at, poll_sent, payload };
            counted |= ledger.received(got);
            self.tell(client, || {
                let planned = &self.plan.schedule.events[event as usize];
                Saw::News { text: describe(&planned.kind, &planned.data), waited: at - planned.at }
            });
        }
        // Who fell back to polling gets answers, not frames.
        if counted && self.way.is_socket() && poll_sent.is_none() {
            ledger.framed();
        }
    }

    /// Passes a moment on if `client` is the person of the transcript.
    fn tell(&self, client: u32, saw: impl FnOnce() -> Saw) {
        if let Some((person, to)) = &self.moments
            && *person == client
        {
            let _ = to.send(Moment { at: self.now(), saw: saw() });
        }
    }

    /// The scheme of an address: `http` or `ws`, and over TLS with an s.
    fn scheme(&self, plain: &'static str) -> &'static str {
        match (plain, &self.tls) {
            ("http", Some(_)) => "https",
            ("ws", Some(_)) => "wss",
            (plain, _) => plain,
        }
    }

    /// The topic of a client, as these servers know it.
    fn topic(&self, client: u32) -> Cow<'_, str> {
        self.known_as(self.plan.schedule.reads[client as usize])
    }

    /// A topic of the schedule, as these servers know it.
    fn known_as(&self, topic: u32) -> Cow<'_, str> {
        let name = &self.plan.schedule.topics[topic as usize];
        if self.prefix.is_empty() { Cow::from(name) } else { Cow::from(format!("{}{name}", self.prefix)) }
    }

    /// The publish body of a planned event.
    fn body(&self, event: u32) -> Option<Body<'_>> {
        Body::of(&self.plan, event, self.unix(0))
    }

    /// Query parameters that every subscription of this run carries. A cache could not share the answer
    /// to somebody who says a name.
    fn query(&self, client: u32) -> String {
        let conflate = if self.plan.schedule.conflate { "conflate=true" } else { "" };
        match self.way {
            Way::Poll { shared_cache: Some(_), .. } => conflate.to_owned(),
            _ if conflate.is_empty() => format!("as={client}"),
            _ => format!("as={client}&{conflate}"),
        }
    }
}

/// Where a client stands in its feed.
#[derive(Debug, Clone)]
struct Position {
    epoch: String,
    offset: u64,
}

impl Position {
    fn query(&self) -> String {
        format!("&after={}&epoch={}", self.offset, self.epoch)
    }
}

/// Everybody who sits on one seat, one after another, to the end of the run.
pub async fn live(crowd: Arc<Crowd>, client: u32) {
    let mut free = i64::MIN;
    for visit in visits(crowd.visit, crowd.seed, client, -crowd.warmup, crowd.duration) {
        // Somebody who waits for an answer keeps the seat until it comes.
        let came = visit.from.max(free);
        let asked_last = stay(&crowd, client, &visit, came).await;
        if crowd.stop.is_cancelled() {
            return;
        }
        {
            let mut ledger = crowd.ledger();
            ledger.left(client, crowd.now(), crowd.patience);
            ledger.set_present(client, false);
        }
        free = visit.until.max(asked_last);
    }
}

/// One person's visit, from connecting at `came` to hanging up. Returns when the last answer came that was waited
/// for; `i64::MIN` if the end was not put off by one.
async fn stay(crowd: &Crowd, client: u32, visit: &Visit, came: i64) -> i64 {
    match crowd.way {
        Way::Poll { interval, backoff_max, keep_alive, conditional, http, .. } => {
            let pace = Pace::new(interval, backoff_max);
            let manner = poll::Manner { pace, keep_alive, conditional, http };
            poll::stay(crowd, client, visit, came, manner).await
        }
        Way::LongPoll { hold } => long_poll::stay(crowd, client, visit, came, hold).await,
        Way::Sse => sse::stay(crowd, client, visit).await,
        Way::WebSocket { .. } => web_socket::stay(crowd, client, visit).await,
    }
}
