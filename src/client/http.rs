//! What the three HTTP transports share: one reqwest client a person, asking, and sending.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, StatusCode};
use rustls::ClientConfig;

use super::answer::Answer;
use super::comeback::Comeback;
use super::{Crowd, Feeling, Position, Saw, dress};
use crate::headers::Ask;
use crate::ledger::Polled;
use crate::transport::Http;
use crate::workload::Visit;

/// Events asked for at once.
const LIMIT: u32 = 10_000;

/// One person's way to ask.
pub(super) struct Asker<'a> {
    crowd: &'a Crowd,
    client: u32,
    line: &'a Line,
    feeling: Feeling,
    /// Path and query, as far as they stay the same.
    path: String,
    /// How often it asked.
    asked: usize,
    pub(super) position: Option<Position>,
    etag: Option<HeaderValue>,
    conditional: bool,
    /// The status of the last answer, when it was one that brings nothing.
    pub(super) refused: Option<u16>,
}

/// One person's connections, which a cut replaces by new ones.
pub(super) struct Line {
    tls: Option<Arc<ClientConfig>>,
    keep_alive: bool,
    version: Http,
    timeout: Option<Duration>,
    http: Mutex<Client>,
}

impl Line {
    pub(super) fn new(
        crowd: &Crowd,
        keep_alive: bool,
        version: Http,
        timeout: Option<Duration>,
    ) -> reqwest::Result<Self> {
        let tls = crowd.tls.clone();
        let http = Mutex::new(person(tls.as_ref(), keep_alive, version, timeout)?);
        Ok(Self { tls, keep_alive, version, timeout, http })
    }

    /// The connections there are now.
    pub(super) fn http(&self) -> Client {
        self.http.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets go of all connections; whoever still waits on one lets go of it, too.
    pub(super) fn cut(&self) {
        if let Ok(fresh) = person(self.tls.as_ref(), self.keep_alive, self.version, self.timeout) {
            *self.http.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

/// What an answered request brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Got {
    pub(super) events: u32,
    /// Others wait: ask again at once.
    pub(super) more: bool,
}

/// A reqwest client without a proxy. It trusts what `tls` trusts: without one, nobody. Reqwest's own
/// choice would read this machine's certificates anew for each person.
pub fn builder(tls: Option<&Arc<ClientConfig>>) -> reqwest::ClientBuilder {
    speaking(tls, Http::One)
}

/// The same, which offers HTTP/2 in the handshake of TLS (RFC 7301) if that is what will be spoken: servers
/// of other make speak it only then.
fn speaking(tls: Option<&Arc<ClientConfig>>, version: Http) -> reqwest::ClientBuilder {
    let mut config = ClientConfig::clone(tls.unwrap_or(&crate::tls::nobody()));
    if version == Http::Two {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    Client::builder().no_proxy().tls_backend_preconfigured(config)
}

/// A reqwest client for one person: its own connections, no proxy, no retries behind the ledger's back.
fn person(
    tls: Option<&Arc<ClientConfig>>,
    keep_alive: bool,
    version: Http,
    timeout: Option<Duration>,
) -> reqwest::Result<Client> {
    let mut builder = speaking(tls, version)
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(None)
        .pool_max_idle_per_host(if keep_alive { usize::MAX } else { 0 });
    builder = match version {
        Http::One => builder.http1_only(),
        Http::Two => builder.http2_prior_knowledge(),
    };
    if let Some(timeout) = timeout {
        builder = builder.timeout(timeout);
    }
    if !keep_alive {
        let close = (reqwest::header::CONNECTION, HeaderValue::from_static("close"));
        builder = builder.default_headers([close].into_iter().collect());
    }
    builder.build()
}

impl<'a> Asker<'a> {
    pub(super) fn new(crowd: &'a Crowd, client: u32, line: &'a Line, conditional: bool) -> Self {
        let query = crowd.query(client);
        let query = format!("?limit={LIMIT}{}{query}", if query.is_empty() { "" } else { "&" });
        let path = format!("/topics/{}/events{query}", crowd.topic(client));
        let feeling = crowd.feel(client);
        let (position, etag, refused) = (None, None, None);
        Self { crowd, client, line, feeling, path, asked: 0, position, etag, conditional, refused }
    }

    /// Learns where the feed stands, trying again until the run ends. True when known. Of those who come
    /// while the run is on, this is a poll like any other, due when they `came`, and an empty one.
    pub(super) async fn find_position(&mut self, visit: &Visit, came: i64) -> bool {
        let (crowd, client) = (self.crowd, self.client);
        let mut comeback = Comeback::new(crowd, client);
        let mut due = Some(came);
        while !crowd.stop.is_cancelled() {
            let (sent, got) = {
                let Ok(_turn) = crowd.opening.acquire().await else { break };
                (crowd.now(), self.ask(None, None).await)
            };
            let intended = due.take().unwrap_or(sent);
            if got.is_some() {
                if visit.is_first() {
                    crowd.ledger().answered_uncounted();
                } else {
                    let answered = crowd.now();
                    crowd.ledger().polled(Polled { client, intended, sent, answered, events: 0 });
                }
                crowd.positioned(client, visit);
                return true;
            }
            crowd.ledger().poll_failed(intended);
            comeback.pause().await;
        }
        false
    }

    /// Asks once, when the person reads, and books what came. `None`: no valid answer, be it that the
    /// connection was cut.
    pub(super) async fn ask(&mut self, wait: Option<Duration>, sent: Option<i64>) -> Option<Got> {
        self.feeling.reads().await;
        if self.feeling.was_cut() {
            self.line.cut();
        }
        let mut feeling = self.feeling.clone();
        let got = tokio::select! {
            got = self.ask_undisturbed(wait, sent) => got,
            () = feeling.cut() => {
                self.line.cut();
                None
            }
        };
        self.feeling = feeling;
        if got.is_none() {
            self.crowd.ledger().set_present(self.client, false);
        }
        got
    }

    async fn ask_undisturbed(&mut self, wait: Option<Duration>, sent: Option<i64>) -> Option<Got> {
        let after = self.position.as_ref().map(Position::query).unwrap_or_default();
        let wait = wait.map(|w| format!("&wait={}", crate::units::format_duration(w))).unwrap_or_default();
        let scheme = self.crowd.scheme("http");
        let server = self.crowd.servers.of_ask(self.client, self.asked);
        self.asked += 1;
        let http = self.line.http();
        let mut request = http.get(format!("{scheme}://{server}{}{after}{wait}", self.path));
        if let Some(etag) = self.etag.take().filter(|_| self.conditional) {
            request = request.header(IF_NONE_MATCH, etag.clone());
            self.etag = Some(etag);
        }
        self.refused = None;
        let response = dress::send(self.crowd, &http, Ask::Poll, request).await.ok()?;
        match response.status() {
            StatusCode::NOT_MODIFIED => Some(Got { events: 0, more: false }),
            StatusCode::OK => {
                self.etag = response.headers().get(ETAG).cloned();
                let body = response.bytes().await.ok()?;
                let answer: Answer<'_> = serde_json::from_slice(&body).ok()?;
                self.crowd.deliver(self.client, &answer.events, sent);
                self.crowd.learned(self.client, answer.recovered);
                self.position = Some(Position { epoch: answer.epoch.into_owned(), offset: answer.offset });
                Some(Got { events: answer.events.len() as u32, more: answer.more })
            }
            status => {
                self.refused = Some(status.as_u16());
                None
            }
        }
    }

    /// Tells the transcript about an empty answer.
    pub(super) fn tell_nope(&self, got: Got) {
        if got.events == 0 {
            self.crowd.tell(self.client, || Saw::Nope);
        }
    }
}
