//! The schedule's publisher: one thread that keeps time, and one pump per server.
//!
//! The thread sleeps with the system's timer, which is finer than the runtime's millisecond; the
//! pumps write to the control listeners without waiting for acknowledgements, so that a slow server
//! never makes the schedule late.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::client::Crowd;
use crate::client::body::Body;
use crate::clock::{Clock, Micros};
use crate::ledger::Plan;

/// The thread wakes at least this often to see whether the run was ended.
const NAP: Duration = Duration::from_millis(50);

/// The pumps of one run.
pub(super) struct Routes {
    /// By transport, one for each of its servers.
    pub(super) senders: Vec<Vec<mpsc::UnboundedSender<u32>>>,
    /// Which of the servers an event goes to.
    pub(super) server: Box<dyn Fn(u32) -> usize + Send>,
}

/// Hands the events that nobody in the crowd writes to a pump of every transport, each at its time.
pub(super) fn keep_time(
    plan: Arc<Plan>,
    clock: Clock,
    start: Micros,
    to: Routes,
    stop: CancellationToken,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for (index, event) in plan.schedule.events.iter().enumerate() {
            if event.author.is_some() {
                continue;
            }
            loop {
                if stop.is_cancelled() {
                    return;
                }
                let left = start + event.at - clock.now();
                if left <= 0 {
                    break;
                }
                thread::sleep(Duration::from_micros(left.unsigned_abs()).min(NAP));
            }
            let server = (to.server)(index as u32);
            for pump in to.senders.iter().filter_map(|routes| routes.get(server)) {
                let _ = pump.send(index as u32);
            }
        }
    })
}

/// A connection to one server's control listener that publishes whatever it is handed.
pub(super) struct Pump {
    /// Where events are handed over.
    pub(super) events: mpsc::UnboundedSender<u32>,
    task: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Acked {
    acked: usize,
}

impl Pump {
    /// Connects to a control listener.
    ///
    /// # Errors
    /// The listener does not answer.
    pub(super) async fn connect(
        control: SocketAddr,
        crowd: Arc<Crowd>,
        start: Micros,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(control).await.context("the control listener does not answer")?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{control}/control/publish");
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
        let (events, mut queue) = mpsc::unbounded_channel::<u32>();
        let task = tokio::spawn(async move {
            let (mut to, mut from) = socket.split();
            let mut on_the_way = std::collections::VecDeque::new();
            let mut open = true;
            while open || !on_the_way.is_empty() {
                tokio::select! {
                    first = queue.recv(), if open => {
                        let Some(first) = first else { open = false; continue };
                        let batch = drain(first, &mut queue);
                        let Some(frame) = frame(&crowd, &batch, start) else { continue };
                        on_the_way.extend(batch);
                        if to.send(Message::text(frame)).await.is_err() {
                            return;
                        }
                    }
                    answer = from.next() => {
                        let Some(Ok(Message::Text(text))) = answer else { return };
                        let acked = serde_json::from_str::<Acked>(&text).map_or(0, |a| a.acked);
                        let mut ledger = crowd.ledger();
                        on_the_way.drain(..acked.min(on_the_way.len())).for_each(|e| ledger.published(e));
                    }
                }
            }
            let _ = to.close().await;
        });
        Ok(Self { events, task })
    }

    /// Waits, at most `patience`, until everything handed over is acknowledged.
    pub(super) async fn finish(self, patience: Duration) {
        let Self { events, mut task } = self;
        drop(events);
        if tokio::time::timeout(patience, &mut task).await.is_err() {
            task.abort();
        }
    }
}

fn drain(first: u32, queue: &mut mpsc::UnboundedReceiver<u32>) -> Vec<u32> {
    let mut batch = vec![first];
    while let Ok(next) = queue.try_recv() {
        batch.push(next);
    }
    batch
}

/// The frame that publishes a batch, and its lateness booked.
fn frame(crowd: &Crowd, batch: &[u32], start: Micros) -> Option<String> {
    let schedule = &crowd.plan.schedule;
    let bodies: Option<Vec<Body<'_>>> = batch
        .iter()
        .map(|&index| {
            let topic = schedule.events[index as usize].topic;
            Some(Body::of(&crowd.plan, index, start)?.to(&schedule.topics[topic as usize]))
        })
        .collect();
    let frame = serde_json::to_string(&bodies?).ok();
    let sent = crowd.clock.now() - start;
    let mut ledger = crowd.ledger();
    batch.iter().for_each(|&event| ledger.publish_sent(event, sent));
    frame
}
