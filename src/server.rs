//! The server: four transports over one feed per topic, with caps from the first byte.
//!
//! [`run`] is the seam: it is handed listeners that are bound already and a token that stops it.
//! It knows nothing of scenarios, and never imports the client.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::{Broker, Capacity};
use crate::clock::Clock;
use crate::headers::Headers;
use crate::link::Link;
use crate::os;
use crate::token::Token;
use crate::transport::PING;

mod cache;
mod channel;
mod connection;
mod control;
mod dress;
pub mod fuzz;
mod guard;
mod guest;
mod head;
mod leave;
mod long_poll;
mod meter;
mod metrics;
mod openapi;
mod poll;
mod problem;
mod publish;
mod query;
mod routes;
mod socket;
mod sse;
pub mod stats;
mod stream;
mod token;
mod web_socket;

pub use control::publish_frame;
pub use guard::{check_host, check_origin};
pub use stats::{Bytes, Connections, Events, Exchange, Sample, Stats};

use cache::Cache;
use guest::Guests;
use stats::Counters;

/// Connections the kernel keeps waiting while we accept others: a crowd that arrives at once must
/// not see its SYNs dropped.
const BACKLOG: u32 = 4096;
/// How often addresses that have gone quiet are forgotten.
const FORGET: Duration = Duration::from_secs(10);

/// What the server allows, and how long.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time between pings on a WebSocket; zero turns them off.
    pub ping: Duration,
    /// A socket that says nothing for this long after a ping, or takes no byte for this long, is
    /// closed.
    pub pong_timeout: Duration,
    /// Longest `wait` of a long poll; longer ones are shortened to it.
    pub hold_max: Duration,
    /// Time between comments on an event stream.
    pub comment: Duration,
    /// Bytes that a streaming reader may be behind.
    pub queue: u64,
    /// Largest message of a publisher, bytes.
    pub max_message: usize,
    /// Where events are kept.
    pub broker: Broker,
    /// Connections of the public listener at one time.
    pub max_connections: u64,
    /// Connections of one address at one time, loopback exempt.
    pub max_per_address: u32,
    /// Requests and socket messages of one address a second, loopback exempt; twice as many may come
    /// at once.
    pub max_rate: NonZeroU32,
    /// Bytes of tungstenite's read buffer, per socket.
    pub read_buffer: usize,
    /// From accept, or from a request's first byte, to its complete headers.
    pub head_timeout: Duration,
    /// From complete headers to the complete body.
    pub body_timeout: Duration,
    /// How long a connection may idle between requests.
    pub idle_keep_alive: Duration,
    /// How long an HTTP client may take no byte of its answer.
    pub write_stall: Duration,
    /// Within this time of its shutdown the server is empty: readers are sent away one after another,
    /// and requests under way are waited for.
    pub drain: Duration,
    /// Sends readers away at once, cancelled before or after the shutdown began.
    pub at_once: CancellationToken,
    /// The clock that stamps events.
    pub clock: Clock,
    /// Draws the first ping and comment of readers that name themselves by a number.
    pub seed: Option<u64>,
    /// What the heads of answers carry beside what they need.
    pub headers: Headers,
    /// How long the first event due to a WebSocket waits for others to share its frame; zero: a frame
    /// for each event.
    pub coalesce: Duration,
    /// How long a cache in front keeps the answers to polls, whole seconds; none: no cache.
    pub shared_cache: Option<Duration>,
    /// The network that every connection of the public listener goes through; none: as it is.
    pub link: Option<Link>,
    /// Origins whose pages may read and publish; `*` for all.
    pub allow_origin: Vec<String>,
    /// Host names served beside the loopback names and the bound address.
    pub allow_host: Vec<String>,
    /// Secret needed to publish; none: everybody may.
    pub token: Option<Token>,
    /// Limits loopback by address too, as tests do that have no other address.
    pub limit_loopback: bool,
    /// How the public listener speaks TLS; none: it does not.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping: PING,
            pong_timeout: Duration::from_secs(20),
            hold_max: Duration::from_secs(120),
            comment: Duration::from_secs(15),
            queue: 1024 * 1024,
            max_message: 64 * 1024,
            broker: Broker::memory(Capacity::default()),
            max_connections: 10_000,
            max_per_address: 500,
            max_rate: NonZeroU32::MIN.saturating_add(999),
            read_buffer: 4 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_keep_alive: Duration::from_secs(300),
            write_stall: Duration::from_secs(30),
            drain: Duration::from_secs(30),
            at_once: {
                let now = CancellationToken::new();
                now.cancel();
                now
            },
            clock: Clock::anchored_now(),
            seed: None,
            headers: Headers::Lean,
            coalesce: Duration::ZERO,
            shared_cache: None,
            link: None,
            allow_origin: Vec::new(),
            allow_host: Vec::new(),
            token: None,
            limit_loopback: false,
            tls: None,
        }
    }
}

/// What the handlers of one listener share.
#[derive(Debug)]
struct App {
    settings: Arc<Settings>,
    broker: Broker,
    guests: Arc<Guests>,
    /// Counts of this listener.
    counters: Arc<Counters>,
    /// Counts of the public listener, which `/stats` shows wherever it is asked.
    public: Arc<Counters>,
    /// Where this listener is bound.
    local: IpAddr,
    /// The network before this listener.
    link: Option<Link>,
    /// How this listener speaks TLS.
    tls: Option<Arc<rustls::ServerConfig>>,
    /// What keeps answers to polls before the public listener.
    cache: Option<Arc<Cache>>,
    /// Readers so far, to spread the first pings of those without a number.
    readers: AtomicU64,
    /// Readers sent away so far.
    leavers: AtomicU64,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl App {
    /// When a new reader's first ping or comment is due: a uniform share of the period, so that
    /// readers who came together are not all pinged together.
    fn first_share(&self, name: Option<&str>, period: Duration) -> Duration {
        let number = self.readers.fetch_add(1, Relaxed);
        let client = name.and_then(|name| name.parse().ok()).unwrap_or(number);
        period.mul_f64(crate::transport::first_share(self.settings.seed.unwrap_or(0), client))
    }
}

/// Binds a listener whose backlog takes a crowd.
///
/// # Errors
/// The address is in use, or not ours.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port left in TIME_WAIT by an earlier server is free. On Windows the option means that a
    // port in use may be taken over, so it stays off there.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown`, then drains within `settings.drain`: it accepts no more, requests under way
/// finish, and readers are sent away one after another, or at once (`settings.at_once`): sockets are
/// closed with 1012 or 1001, streams end, held polls are answered.
///
/// `control`, if given, answers the same calls and those of `/control/` besides, until the drain is
/// over; nothing on it is counted.
///
/// # Errors
/// A listener has no address, or one that others reach while no token protects publishing.
pub async fn run(
    public: TcpListener,
    control: Option<TcpListener>,
    settings: Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let settings = Arc::new(settings);
    let open = |listener: &TcpListener| Ok::<_, std::io::Error>(!is_private(listener.local_addr()?.ip()));
    if settings.token.is_none() && (open(&public)? || control.as_ref().map(open).transpose()? == Some(true)) {
        anyhow::bail!("listening beyond loopback needs a token");
    }
    let guests = Guests::new(settings.max_per_address, settings.max_rate, settings.limit_loopback);
    let counters = Arc::new(Counters::default());
    let cache = settings.shared_cache.map(|kept| Cache::new(kept, counters.clone()));
    let abort = CancellationToken::new();

    let app = |listener: &TcpListener, part: Part| -> std::io::Result<Arc<App>> {
        Ok(Arc::new(App {
            settings: settings.clone(),
            broker: settings.broker.clone(),
            guests: guests.clone(),
            counters: part.counters,
            public: counters.clone(),
            local: listener.local_addr()?.ip(),
            link: part.link,
            tls: part.tls,
            cache: cache.clone(),
            readers: AtomicU64::new(0),
            leavers: AtomicU64::new(0),
            shutdown: part.shutdown,
            tasks: TaskTracker::new(),
        }))
    };
    let (link, tls) = (settings.link.clone(), settings.tls.clone());
    let public_app = app(&public, Part { counters: counters.clone(), link, tls, shutdown })?;
    counters.rss_start.store(os::resident_bytes(), Relaxed);
    if let Some(listener) = control {
        let part = Part { counters: Arc::default(), link: None, tls: None, shutdown: abort.clone() };
        let app = app(&listener, part)?;
        let router = routes::with_control(app.clone());
        tokio::spawn(connection::accept(listener, app, router, abort.clone()));
    }
    let router = routes::public(public_app.clone());
    let tasks = public_app.tasks.clone();
    tokio::select! {
        () = connection::accept(public, public_app, router, abort.clone()) => {}
        () = forget_idle_guests(&guests) => {}
    }

    tasks.close();
    let _ = tokio::time::timeout(settings.drain, tasks.wait()).await;
    abort.cancel();
    Ok(())
}

/// What is different between the two listeners.
struct Part {
    counters: Arc<Counters>,
    link: Option<Link>,
    tls: Option<Arc<rustls::ServerConfig>>,
    shutdown: CancellationToken,
}

/// Whether only this machine reaches an address, so that publishing needs no token.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

async fn forget_idle_guests(guests: &Guests) {
    loop {
        tokio::time::sleep(FORGET).await;
        guests.forget_the_idle();
    }
}
