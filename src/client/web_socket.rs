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

/// Boxed, because the state of TLS is large and most sockets have none.
type Connection = Either<TcpStream, Box<TlsStream<TcpStream>>>;
type Socket = WebSocketStream<Connection>;

/// The client's own read buffer; tungstenite's default of 128 KiB a socket would cost 1.3 GB per 10,000.
const READ_BUFFER: usize = 4096;

pub(super) async fn live(crowd: &Crowd, client: u32) {
    let mut person = Person { crowd, client, position: None, sent: 0 };
    let mut attempt = 0;
    while !crowd.stop.is_cancelled() {
        let again = person.position.is_some();
        let socket = tokio::select! {
            socket = person.open() => socket,
            () = crowd.stop.cancelled() => return,
        };
        crowd.ledger().opened(socket.is_some(), again);
        if let Some(socket) = socket {
            attempt = 0;
            person.talk(socket).await;
        }
        if !crowd.stop.is_cancelled() {
            back_off(crowd, client, attempt).await;
            attempt += 1;
        }
    }
}

struct Person<'a> {
    crowd: &'a Crowd,
    client: u32,
    position: Option<Position>,
    /// How many of its own events it has sent.
    sent: usize,
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
        loop {
            let next = self.crowd.plan.by_author[self.client as usize].get(self.sent).copied();
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(message)) => self.take(message),
                    _ => return,
                },
                open = self.crowd.through_the_gate(), if !gate_open => gate_open = open,
                () = self.due(next), if gate_open && next.is_some() => {
                    self.sent += 1;
                    if !self.send(&mut socket, next).await {
                        return;
                    }
                }
                () = self.crowd.stop.cancelled() => {
                    let _ = socket.close(None).await;
                    return;
                }
            }
        }
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
            ledger.publish_sent(event, self.crowd.now());
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
                self.crowd.positioned(self.client);
            }
            self.crowd.tell(self.client, || Saw::Opened);
        } else if let Some(ack) = frame.ack {
            let ack = serde_json::from_str::<Ack<'_>>(ack.get()).ok();
            if let Some(event) = ack.and_then(|ack| self.event_of(&ack.id?)) {
                self.crowd.ledger().acknowledged(event, self.crowd.now(), true);
            }
        } else if frame.error.is_some() {
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
