//! WebSocket: one upgrade, then both sides speak whenever they have something to say.

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::either::Either;

use super::answer::{Ack, Frame, Incoming};
use super::{Crowd, Position, Saw, back_off, dress};
use crate::ledger::Plan;
use crate::workload::Visit;

/// Boxed, because the state of TLS is large and most sockets have none.
type Connection = Either<TcpStream, Box<TlsStream<TcpStream>>>;
type Socket = WebSocketStream<Connection>;

/// The client's own read buffer; tungstenite's default of 128 KiB a socket would cost 1.3 GB per 10,000.
const READ_BUFFER: usize = 4096;

pub(super) async fn stay(crowd: &Crowd, client: u32, visit: &Visit) -> i64 {
    let own = crowd.own_events(client, visit);
    let mut person = Person { crowd, client, visit, own, unanswered: 0, position: None, opened: i64::MIN };
    let mut attempt = 0;
    loop {
        let again = person.position.is_some();
        let socket = tokio::select! {
            socket = person.open() => socket,
            () = crowd.stop.cancelled() => return i64::MIN,
        };
        crowd.ledger().opened(socket.is_some(), again);
        if let Some(socket) = socket {
            attempt = 0;
            person.talk(socket).await;
        }
        let now = crowd.now();
        if crowd.stop.is_cancelled() || (now >= visit.until && person.own.is_empty()) {
            // Beyond the end of the visit the last acknowledgement was waited for.
            return if own.is_empty() { i64::MIN } else { now };
        }
        back_off(crowd, client, attempt).await;
        attempt += 1;
    }
}

struct Person<'a> {
    crowd: &'a Crowd,
    client: u32,
    visit: &'a Visit,
    /// Its own events that it has not sent yet.
    own: &'a [u32],
    /// Those it has sent on this socket and knows nothing of yet.
    unanswered: u32,
    position: Option<Position>,
    /// When it could send for the first time, if that was within the run.
    opened: i64,
}

impl Person<'_> {
    async fn open(&self) -> Option<Socket> {
        let _turn = self.crowd.opening.acquire().await.ok()?;
        let server = self.crowd.servers.of(self.client);
        let stream = TcpStream::connect(server).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let stream = match &self.crowd.tls {
            None => Either::Left(stream),
            Some(config) => {
                let name = ServerName::from(server.ip());
                let tls = TlsConnector::from(config.clone()).connect(name, stream).await.ok()?;
                Either::Right(Box::new(tls))
            }
        };
        let after = self.position.as_ref().map(Position::query).unwrap_or_default();
        let (topic, query) = (self.crowd.topic(self.client), self.crowd.query(self.client));
        let scheme = self.crowd.scheme("ws");
        let url = format!("{scheme}://{server}/topics/{topic}/socket?{query}{after}");
        let request = dress::upgrade(self.crowd, &url).ok()?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let (socket, _) =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await.ok()?;
        Some(socket)
    }

    /// Reads and sends until the socket is lost or the run ends.
    async fn talk(&mut self, mut socket: Socket) {
        let mut gate_open = false;
        self.unanswered = 0;
        loop {
            let next = self.own.first().copied();
            let may_leave = self.position.is_some() && next.is_none() && self.unanswered == 0;
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(message)) => self.take(message),
                    _ => return,
                },
                open = self.crowd.through_the_gate(), if !gate_open => gate_open = open,
                () = self.due(next), if gate_open && next.is_some() => {
                    self.own = &self.own[1..];
                    self.unanswered += 1;
                    if !self.send(&mut socket, next).await {
                        return;
                    }
                }
                () = self.crowd.over(self.visit), if may_leave => break,
                () = self.crowd.stop.cancelled() => break,
            }
        }
        let _ = socket.close(None).await;
    }

    async fn due(&self, event: Option<u32>) {
        if let Some(event) = event {
            self.crowd.sleep_until(self.crowd.plan.schedule.events[event as usize].at).await;
        }
    }

    async fn send(&self, socket: &mut Socket, event: Option<u32>) -> bool {
        let Some((event, body)) = event.and_then(|e| Some((e, self.crowd.body(e)?.json()?))) else {
            return true;
        };
        {
            let mut ledger = self.crowd.ledger();
            // What fell due while the socket was being opened is not late by the load generator's fault.
            let waited =
                self.opened.saturating_sub(self.crowd.plan.schedule.events[event as usize].at).max(0);
            ledger.publish_sent(event, self.crowd.now() - waited);
            ledger.sent(event, true);
        }
        let sent = socket.send(Message::text(body)).await.is_ok();
        if !sent {
            self.crowd.ledger().send_failed(event);
        }
        sent
    }

    fn take(&mut self, message: Message) {
        match message {
            // Events that share a frame are an array.
            Message::Text(text) if text.starts_with('[') => {
                if let Ok(events) = serde_json::from_str::<Vec<Incoming<'_>>>(&text) {
                    self.take_events(&events);
                }
            }
            Message::Text(text) => {
                if let Ok(frame) = serde_json::from_str::<Frame<'_>>(&text) {
                    self.take_frame(frame);
                }
            }
            // tungstenite queues the pong itself and sends it with the next read.
            Message::Ping(_) => self.crowd.ledger().pinged(self.crowd.now()),
            _ => {}
        }
    }

    fn take_frame(&mut self, frame: Frame<'_>) {
        if let Some(hello) = frame.hello {
            let first = self.position.is_none();
            self.position = Some(Position { epoch: hello.epoch.into_owned(), offset: hello.offset });
            if first {
                self.crowd.positioned(self.client, self.visit);
                self.opened = if self.visit.is_first() { i64::MIN } else { self.crowd.now() };
            }
            self.crowd.tell(self.client, || Saw::Opened);
        } else if let Some(ack) = frame.ack {
            self.unanswered = self.unanswered.saturating_sub(1);
            let ack = serde_json::from_str::<Ack<'_>>(ack.get()).ok();
            if let Some(event) = ack.and_then(|ack| self.event_of(&ack.id?)) {
                self.crowd.ledger().acknowledged(event, self.crowd.now(), true);
            }
        } else if frame.error.is_some() {
            self.unanswered = self.unanswered.saturating_sub(1);
            if let Some(event) = frame.id.and_then(|id| self.event_of(&id)) {
                self.crowd.ledger().send_failed(event);
            }
        } else if let Some(event) = frame.event() {
            self.take_events(&[event]);
        }
    }

    fn take_events(&mut self, events: &[Incoming<'_>]) {
        if let (Some(position), Some(last)) = (&mut self.position, events.last()) {
            position.offset = last.offset;
        }
        self.crowd.deliver(self.client, events, None);
    }

    fn event_of(&self, id: &str) -> Option<u32> {
        Plan::event_of(&self.crowd.plan, id)
    }
}
