//! Getting to know servers that others started, before a run turns to them: whether they are there, whether
//! they let us publish, whether they hear each other, how far away they are and how their clocks stand.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use futures_util::{Stream, StreamExt};
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Response, StatusCode};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::Hello;
use super::http::builder;
use super::sse::Parser;
use crate::clock::{Clock, Micros};
use crate::token::Token;

/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Events that do not come within this time do not come.
const HEARSAY: Duration = Duration::from_secs(2);
/// Exchanges that the nearest of is taken for the distance.
const EXCHANGES: usize = 5;

/// Servers to meet.
#[derive(Debug)]
pub struct Strangers<'a> {
    /// `host:port` each, all with TLS or all without.
    pub servers: &'a [&'a str],
    /// How to speak TLS with them; none: they do not.
    pub tls: Option<Arc<ClientConfig>>,
    /// What they want to see of whoever publishes.
    pub token: Option<&'a Token>,
    /// A topic of ours.
    pub topic: &'a str,
    /// The run's clock.
    pub clock: Clock,
}

/// What one of them is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquaintance {
    /// The epoch of its feeds.
    pub epoch: String,
    /// By server, whether what is published there is heard here.
    pub hears: Vec<bool>,
    /// Shortest of some exchanges on an open connection.
    pub round_trip: Duration,
    /// Its clock minus ours, microseconds; off by at most `clock_bound`, half an exchange.
    pub clock_offset: i64,
    /// See above.
    pub clock_bound: i64,
}

/// As much of an event as tells where and when it was published.
#[derive(Debug, Deserialize)]
struct Echo {
    id: String,
    at: Micros,
}

/// When one event was sent and acknowledged.
#[derive(Debug, Clone, Copy)]
struct Sent {
    sent: Micros,
    acknowledged: Micros,
}

impl Strangers<'_> {
    /// Meets all of them, in their order.
    ///
    /// # Errors
    /// A sentence naming the server: it is not there, is no anynews server, or does not let us publish.
    pub async fn meet(&self) -> Result<Vec<Acquaintance>, String> {
        let http = builder(self.tls.as_ref()).connect_timeout(PATIENCE).build();
        let http = http.map_err(|error| format!("no HTTP client: {error}"))?;
        // Whoever listens first misses nothing.
        let streams = try_join_all(self.servers.iter().map(|server| self.listen(&http, server))).await?;
        let round_trips =
            try_join_all(self.servers.iter().map(|server| self.distance(&http, server))).await?;
        let sent =
            try_join_all(self.servers.iter().enumerate().map(|(n, server)| self.publish(&http, n, server)))
                .await?;
        let until = Instant::now() + HEARSAY;
        let heard = streams
            .into_iter()
            .map(|(epoch, ear)| async move { (epoch, ear.hear(self.servers.len(), until).await) });
        let met = join_all(heard).await.into_iter().zip(round_trips).zip(sent).enumerate();
        met.map(|(n, (((epoch, heard), round_trip), sent))| {
            let own = heard.iter().find(|echo| echo.id == id(n));
            let own =
                own.ok_or_else(|| format!("{} does not pass on what it is told", self.url(self.servers[n])))?;
            let hears = (0..self.servers.len()).map(|n| heard.iter().any(|echo| echo.id == id(n))).collect();
            let middle = sent.sent + (sent.acknowledged - sent.sent) / 2;
            let clock_bound = (sent.acknowledged - sent.sent + 1) / 2;
            Ok(Acquaintance { epoch, hears, round_trip, clock_offset: own.at - middle, clock_bound })
        })
        .collect()
    }

    fn url(&self, server: &str) -> String {
        format!("{}://{server}", if self.tls.is_some() { "https" } else { "http" })
    }

    /// Opens a stream, and returns the epoch and what comes next.
    async fn listen(
        &self,
        http: &Client,
        server: &str,
    ) -> Result<(String, Ear<impl Stream<Item = Vec<u8>> + Unpin>), String> {
        let url = self.url(server);
        let request =
            http.get(format!("{url}/topics/{}/stream", self.topic)).header("accept", "text/event-stream");
        let response = answer(&url, request).await?;
        let chunks = response.bytes_stream().filter_map(async |chunk| chunk.ok().map(|chunk| chunk.to_vec()));
        let mut ear = Ear { chunks: Box::pin(chunks), parser: Parser::default() };
        let hello = timeout(
            PATIENCE,
            ear.next(|event, data| {
                (event == "hello")
                    .then(|| Some(serde_json::from_str::<Hello<'_>>(data).ok()?.epoch.into_owned()))
                    .flatten()
            }),
        );
        match hello.await {
            Ok(Some(epoch)) => Ok((epoch, ear)),
            _ => Err(format!("{url} does not answer like `anynews serve`")),
        }
    }

    async fn distance(&self, http: &Client, server: &str) -> Result<Duration, String> {
        let url = self.url(server);
        let mut nearest = Duration::MAX;
        for _ in 0..EXCHANGES {
            let asked = Instant::now();
            let response = answer(&url, http.get(format!("{url}/topics/{}/events", self.topic))).await?;
            // The body is read so that the connection can be used again.
            let _ = response.bytes().await;
            nearest = nearest.min(asked.elapsed());
        }
        Ok(nearest)
    }

    async fn publish(&self, http: &Client, n: usize, server: &str) -> Result<Sent, String> {
        let url = self.url(server);
        let body = format!(r#"{{"kind":"probe","data":null,"id":"{}"}}"#, id(n));
        let mut request = http.post(format!("{url}/topics/{}/events", self.topic)).body(body);
        if let Some(value) = self.token.and_then(Token::bearer) {
            request = request.header(AUTHORIZATION, value);
        }
        let sent = self.clock.now();
        answer(&url, request).await?;
        Ok(Sent { sent, acknowledged: self.clock.now() })
    }
}

/// Under which the event is published that the server of this number hears first.
fn id(server: usize) -> String {
    format!("hello-{server}")
}

/// Sends a request, and says in a sentence what is wrong with the answer.
async fn answer(url: &str, request: reqwest::RequestBuilder) -> Result<Response, String> {
    let response = timeout(PATIENCE, request.send()).await.map_err(|_| format!("{url} does not answer"))?;
    let response = response.map_err(|error| format!("cannot reach {url}: {}", innermost(&error)))?;
    match response.status() {
        status if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED => {
            Err(format!("{url} lets only those publish who show its token: --token, or ANYNEWS_TOKEN"))
        }
        StatusCode::FORBIDDEN => {
            Err(format!("{url} does not answer to that name; its --allow-host would let it"))
        }
        status => Err(format!("{url} answers {status}; is it an `anynews serve`?")),
    }
}

/// The cause at the end of the chain, which is what people understand.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// An open stream.
struct Ear<S> {
    chunks: S,
    parser: Parser,
}

impl<S: Stream<Item = Vec<u8>> + Unpin> Ear<S> {
    /// The first thing that `wanted` makes something of; none when the stream ends.
    async fn next<T>(&mut self, wanted: impl Fn(&str, &str) -> Option<T>) -> Option<T> {
        loop {
            while let Some(block) = self.parser.next_block() {
                if let Some(found) = wanted(&block.event, &block.data) {
                    return Some(found);
                }
            }
            self.parser.push(&self.chunks.next().await?);
        }
    }

    /// What comes until then, but no more than `most`.
    async fn hear(mut self, most: usize, until: Instant) -> Vec<Echo> {
        let mut heard = Vec::new();
        while heard.len() < most {
            let next = self.next(|_, data| serde_json::from_str(data).ok());
            let Ok(Some(echo)) = timeout_at(until, next).await else { break };
            heard.push(echo);
        }
        heard
    }
}
