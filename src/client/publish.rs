//! The schedule's own events by POST, as anybody may publish: for servers that others started, which have
//! no control listener for this run.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Crowd;
use super::http::Line;
use super::sender::{Sent, publish};
use crate::transport::Http;

/// Events that may be under way to one server at one time; those of one topic follow each other.
const LANES: u32 = 64;
/// Between two attempts. The load machine need not spare the server as people do, and what it holds back
/// would be late for everybody.
const RETRY: Duration = Duration::from_millis(50);
/// A server has this long to answer before the event is sent again, under the same `id`.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes the events that are handed over, at the server of this number, from 0, or, where another
/// will do while that does not answer, there. The work ends when no more will come and all are published.
///
/// # Errors
/// No HTTP client could be made.
pub fn publish_by_post(
    crowd: Arc<Crowd>,
    server: usize,
    events: mpsc::UnboundedReceiver<u32>,
) -> reqwest::Result<impl Future<Output = ()> + Send> {
    let line = Arc::new(Line::new(&crowd, true, Http::One, Some(PATIENCE))?);
    Ok(in_lanes(crowd, line, server, events))
}

async fn in_lanes(
    crowd: Arc<Crowd>,
    line: Arc<Line>,
    server: usize,
    mut events: mpsc::UnboundedReceiver<u32>,
) {
    let mut working = JoinSet::new();
    let mut lanes = Vec::new();
    for _ in 0..LANES {
        let (lane, queue) = mpsc::unbounded_channel();
        let at_work = Lane { crowd: crowd.clone(), line: line.clone(), server, free: i64::MIN };
        working.spawn(at_work.work(queue));
        lanes.push(lane);
    }
    while let Some(event) = events.recv().await {
        let topic = crowd.plan.schedule.events[event as usize].topic;
        let _ = lanes[(topic % LANES) as usize].send(event);
    }
    drop(lanes);
    while working.join_next().await.is_some() {}
}

/// One way to a server, on which events follow each other.
struct Lane {
    crowd: Arc<Crowd>,
    line: Arc<Line>,
    server: usize,
    /// When the last answer came, microseconds from the start of the window.
    free: i64,
}

impl Lane {
    async fn work(mut self, mut queue: mpsc::UnboundedReceiver<u32>) {
        while let Some(event) = queue.recv().await {
            self.publish(event).await;
            self.free = self.crowd.now();
        }
    }

    /// Publishes one event, again and again until a server has it or refuses it for good.
    async fn publish(&mut self, event: u32) {
        let crowd = self.crowd.as_ref();
        let planned = &crowd.plan.schedule.events[event as usize];
        let Some(body) = crowd.body(event).and_then(|body| body.json()) else { return };
        // Waiting for the answer to the one before is the server's delay, not the load generator's.
        let waited = self.free.saturating_sub(planned.at).max(0);
        crowd.ledger().publish_sent(event, crowd.now() - waited);
        let topic = crowd.known_as(planned.topic);
        loop {
            match publish(crowd, &self.line, crowd.servers.at(self.server), &topic, &body).await {
                Sent::Taken => return crowd.ledger().published(event),
                // As of what people send: it will be missing, and the report says that something failed.
                Sent::Refused => return crowd.ledger().send_failed(event),
                Sent::Unknown => tokio::time::sleep(RETRY).await,
            }
            if crowd.servers.are_alike() {
                self.server += 1;
            }
        }
    }
}
