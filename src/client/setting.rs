//! What a crowd has to know before it connects.

use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::plight::Plights;
use super::{Crowd, Moment, Servers};
use crate::clock::Clock;
use crate::headers::Headers;
use crate::ledger::{Ledger, Plan};
use crate::token::Token;
use crate::transport::Way;

/// Connections being opened at one time, so that a large crowd does not overrun the accept queue.
const OPENING_AT_ONCE: usize = 64;
/// What they take on one machine, about; where a network makes it longer, more are under way.
const OPENING_MS: usize = 10;

/// What [`Crowd::new`] needs to know.
#[derive(Debug)]
pub struct Setting {
    /// See [`Crowd::way`].
    pub way: Way,
    /// See [`Crowd::servers`].
    pub servers: Servers,
    /// See [`Crowd::headers`].
    pub headers: Headers,
    /// See [`Crowd::tls`].
    pub tls: Option<Arc<ClientConfig>>,
    /// See [`Crowd::prefix`].
    pub prefix: String,
    /// See [`Crowd::token`].
    pub token: Option<Token>,
    /// See [`Crowd::clock`].
    pub clock: Clock,
    /// See [`Crowd::seed`].
    pub seed: u64,
    /// See [`Crowd::warmup`].
    pub warmup: i64,
    /// See [`Crowd::duration`].
    pub duration: i64,
    /// See [`Crowd::visit`].
    pub visit: Option<Duration>,
    /// See [`Crowd::patience`].
    pub patience: i64,
    /// See [`Crowd::plan`].
    pub plan: Arc<Plan>,
    /// Which of the schedule's people this process holds, as far as its shard plays them.
    pub people: Range<u32>,
    /// The client whose timeline is kept.
    pub person: u32,
    /// Keep every delivery.
    pub keep_log: bool,
    /// See [`Crowd::moments`].
    pub moments: Option<mpsc::UnboundedSender<Moment>>,
    /// How long an exchange on a new connection takes on the network; zero on one machine.
    pub opening: Duration,
    /// Whether faults pick people out.
    pub people_fail: bool,
}

impl Crowd {
    /// A crowd that has not connected yet.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let everybody = setting.plan.schedule.reads.len() as u32;
        let size = setting.people.clone().filter(|client| setting.plan.plays(*client)).count() as u32;
        let long = matches!(setting.way, Way::LongPoll { .. });
        let opening_ms = usize::try_from(setting.opening.as_millis()).unwrap_or(usize::MAX).min(60_000);
        let mut ledger = Ledger::new(setting.plan.clone(), setting.duration, long, setting.person);
        if setting.keep_log {
            ledger.keep_log();
        }
        Self {
            way: setting.way,
            servers: setting.servers,
            headers: setting.headers,
            tls: setting.tls,
            prefix: setting.prefix,
            token: setting.token,
            clock: setting.clock,
            seed: setting.seed,
            warmup: setting.warmup,
            duration: setting.duration,
            visit: setting.visit,
            patience: setting.patience,
            plan: setting.plan,
            people: setting.people,
            size,
            stop: CancellationToken::new(),
            moments: setting.moments.map(|to| (setting.person, to)),
            ledger: Mutex::new(ledger),
            start: OnceLock::new(),
            gate: watch::Sender::new(false),
            opening: Semaphore::new(OPENING_AT_ONCE + OPENING_AT_ONCE * opening_ms / OPENING_MS),
            ready: AtomicU32::new(0),
            ready_changed: Notify::new(),
            plights: if setting.people_fail { Plights::of(everybody) } else { Plights::default() },
        }
    }
}
