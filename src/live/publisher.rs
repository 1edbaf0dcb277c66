//! The schedule's publisher: one thread that keeps time, and one pump per server.
//!
//! The thread sleeps with the system's timer, which is finer than the runtime's millisecond; the
//! pumps write to the control listeners without waiting for acknowledgements, so that a slow server
//! never makes the schedule late.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::client::body::Body;
use crate::client::{Crowd, publish_by_post};
use crate::clock::{Clock, Micros};
use crate::ledger::{Home, Plan};

/// The thread wakes at least this often to see whether the run was ended.
const NAP: Duration = Duration::from_millis(50);
/// Between two attempts to publish. A program on the same machine, it need not spare the server as
/// people do, and what it holds back would be late for everybody.
const RETRY: Duration = Duration::from_millis(50);

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
            if event.author.is_some() || plan.home(index as u32) == Home::Elsewhere {
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

/// Publishes whatever it is handed on one server's control listener, or, while that does not answer, on
/// another's, and again under the same `id` until it is acknowledged.
pub(super) struct Pump {
    /// Where events are handed over.
    pub(super) events: mpsc::UnboundedSender<u32>,
    /// Dropped, it ends: in a run that fails it would look for its server for ever.
    task: AbortOnDropHandle<()>,
}

#[derive(Deserialize)]
struct Acked {
    /// How many of the frame's events are published, from its first on.
    acked: usize,
}

type Socket = WebSocketStream<TcpStream>;

impl Pump {
    /// Connects to the first of these control listeners.
    ///
    /// # Errors
    /// The listener does not answer.
    pub(super) async fn connect(
        controls: Vec<SocketAddr>,
        crowd: Arc<Crowd>,
        start: Micros,
    ) -> anyhow::Result<Self> {
        let first = *controls.first().context("a pump publishes somewhere")?;
        let socket = connect(first).await?;
        let (events, queue) = mpsc::unbounded_channel::<u32>();
        let worker =
            Worker { controls, crowd, start, queue, open: true, unpublished: Vec::new(), back: i64::MIN };
        Ok(Self { events, task: AbortOnDropHandle::new(tokio::spawn(worker.work(socket))) })
    }

    /// Publishes as anybody may, at the server of this number, from 0: others started it.
    ///
    /// # Errors
    /// No HTTP client could be made.
    pub(super) fn by_post(server: usize, crowd: Arc<Crowd>) -> anyhow::Result<Self> {
        let (events, queue) = mpsc::unbounded_channel::<u32>();
        let publishing = publish_by_post(crowd, server, queue)?;
        Ok(Self { events, task: AbortOnDropHandle::new(tokio::spawn(publishing)) })
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

async fn connect(control: SocketAddr) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(control).await.context("the control listener does not answer")?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{control}/control/publish");
    Ok(tokio_tungstenite::client_async(url, stream).await?.0)
}

/// A pump at work.
struct Worker {
    controls: Vec<SocketAddr>,
    crowd: Arc<Crowd>,
    start: Micros,
    queue: mpsc::UnboundedReceiver<u32>,
    /// Whether more may be handed over.
    open: bool,
    /// Sent in vain: to be sent again.
    unpublished: Vec<u32>,
    /// Since when there is a server again, microseconds from the start of the window.
    back: i64,
}

impl Worker {
    async fn work(mut self, first: Socket) {
        let mut next = Some(first);
        for server in 1.. {
            if let Some(socket) = next.take() {
                self.publish_on(socket).await;
            }
            if !self.open && self.unpublished.is_empty() {
                return;
            }
            tokio::time::sleep(RETRY).await;
            next = connect(self.controls[server % self.controls.len()]).await.ok();
            self.back = self.crowd.clock.now() - self.start;
        }
    }

    /// Publishes until the socket is lost, or everything is published and no more will come.
    async fn publish_on(&mut self, socket: Socket) {
        let (mut to, mut from) = socket.split();
        // Frames on their way, each with its events.
        let mut frames: VecDeque<Vec<u32>> = VecDeque::new();
        while self.open || !frames.is_empty() || !self.unpublished.is_empty() {
            let batch = tokio::select! {
                first = self.queue.recv(), if self.open => match first {
                    Some(first) => drain(first, &mut self.queue),
                    None => {
                        self.open = false;
                        continue;
                    }
                },
                answer = from.next() => {
                    let Some(Ok(Message::Text(text))) = answer else { break };
                    let Some(frame) = frames.pop_front() else { break };
                    self.answered(&text, frame);
                    continue;
                }
                // The broker may be away for a while.
                () = tokio::time::sleep(RETRY), if !self.unpublished.is_empty() => {
                    std::mem::take(&mut self.unpublished)
                }
            };
            let Some(frame) = frame(&self.crowd, &batch, self.start, self.back) else { continue };
            frames.push_back(batch);
            if to.send(Message::text(frame)).await.is_err() {
                break;
            }
        }
        self.unpublished.splice(0..0, frames.into_iter().flatten());
        let _ = to.close().await;
    }

    fn answered(&mut self, text: &str, mut frame: Vec<u32>) {
        let acked = serde_json::from_str::<Acked>(text).map_or(0, |answer| answer.acked);
        let rest = frame.split_off(acked.min(frame.len()));
        let mut ledger = self.crowd.ledger();
        frame.into_iter().for_each(|event| ledger.published(event));
        self.unpublished.extend(rest);
    }
}

fn drain(first: u32, queue: &mut mpsc::UnboundedReceiver<u32>) -> Vec<u32> {
    let mut batch = vec![first];
    while let Ok(next) = queue.try_recv() {
        batch.push(next);
    }
    batch
}

/// The frame that publishes a batch, and its lateness booked. What fell due while there was no server
/// is not late by the load generator's fault.
fn frame(crowd: &Crowd, batch: &[u32], start: Micros, back: i64) -> Option<String> {
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
    for &event in batch {
        let waited = back.saturating_sub(schedule.events[event as usize].at).max(0);
        ledger.publish_sent(event, sent - waited);
    }
    frame
}
