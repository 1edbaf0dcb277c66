//! Server-sent events: one GET whose answer never ends.

use futures_util::StreamExt;

use super::answer::{Hello, Incoming};
use super::comeback::Comeback;
use super::http::Line;
use super::{Crowd, Position, Saw, dress, sender};
use crate::headers::Ask;
use crate::transport::Http;
use crate::workload::Visit;

pub(super) async fn stay(crowd: &Crowd, client: u32, visit: &Visit) -> i64 {
    let Ok(line) = Line::new(crowd, true, Http::One, None) else { return i64::MIN };
    let sending = async {
        if crowd.through_the_gate().await {
            return sender::live(crowd, client, visit, &line, crowd.own_events(client, visit)).await;
        }
        i64::MIN
    };
    tokio::join!(listen(crowd, client, visit, &line), sending).1
}

/// Keeps a stream open until the visit is over, resuming after a loss.
async fn listen(crowd: &Crowd, client: u32, visit: &Visit, line: &Line) {
    let mut position = None;
    let mut comeback = Comeback::new(crowd, client);
    while !crowd.stop.is_cancelled() {
        let again = position.is_some();
        let mut feeling = crowd.feel(client);
        let stream = tokio::select! {
            stream = open(crowd, client, line, position.as_ref(), comeback.server()) => stream,
            () = crowd.stop.cancelled() => return,
        };
        crowd.ledger().opened(stream.is_some(), again);
        if let Some(response) = stream {
            comeback.stands();
            crowd.stands(client, again);
            tokio::select! {
                () = read(crowd, client, visit, response, &mut position) => {}
                () = feeling.cut() => line.cut(),
                () = crowd.over(visit) => return,
                () = crowd.stop.cancelled() => return,
            }
            crowd.ledger().set_present(client, false);
        }
        comeback.pause().await;
    }
}

async fn open(
    crowd: &Crowd,
    client: u32,
    line: &Line,
    position: Option<&Position>,
    server: &str,
) -> Option<reqwest::Response> {
    let _turn = crowd.opening.acquire().await.ok()?;
    let after = position.map(Position::query).unwrap_or_default();
    let query = crowd.query(client);
    let (scheme, topic) = (crowd.scheme("http"), crowd.topic(client));
    let url = format!("{scheme}://{server}/topics/{topic}/stream?{query}{after}");
    let http = line.http();
    let request = http.get(url).header("accept", "text/event-stream");
    let response = dress::send(crowd, &http, Ask::Stream, request).await.ok()?;
    response.status().is_success().then_some(response)
}

async fn read(
    crowd: &Crowd,
    client: u32,
    visit: &Visit,
    response: reqwest::Response,
    position: &mut Option<Position>,
) {
    let mut chunks = response.bytes_stream();
    let mut parser = Parser::default();
    let mut feeling = crowd.feel(client);
    loop {
        feeling.reads().await;
        let Some(Ok(chunk)) = chunks.next().await else { return };
        parser.push(&chunk);
        while let Some(block) = parser.next_block() {
            take(crowd, client, visit, &block, position);
        }
    }
}

fn take(crowd: &Crowd, client: u32, visit: &Visit, block: &Block, position: &mut Option<Position>) {
    if block.comment {
        crowd.ledger().commented(crowd.now());
    }
    if block.event == "hello" {
        let Ok(hello) = serde_json::from_str::<Hello<'_>>(&block.data) else { return };
        let first = position.is_none();
        crowd.learned(client, hello.recovered);
        *position = Some(Position { epoch: hello.epoch.into_owned(), offset: hello.offset });
        if first {
            crowd.positioned(client, visit);
        }
        crowd.tell(client, || Saw::Opened);
    } else if let Ok(event) = serde_json::from_str::<Incoming<'_>>(&block.data) {
        if let Some(position) = position {
            position.offset = event.offset;
        }
        crowd.deliver(client, &[event], None);
    }
}

/// One block of a stream, ended by an empty line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) event: String,
    pub(super) data: String,
    comment: bool,
}

/// Splits a stream into blocks (WHATWG HTML, section 9.2.6), whatever the chunks.
#[derive(Debug, Default)]
pub(super) struct Parser {
    buffer: Vec<u8>,
    read: usize,
    block: Block,
}

impl Parser {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(chunk);
    }

    pub(super) fn next_block(&mut self) -> Option<Block> {
        while let Some(length) = self.buffer[self.read..].iter().position(|&b| b == b'\n') {
            let line = &self.buffer[self.read..self.read + length];
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            let ended = self.block.line(&line);
            self.read += length + 1;
            if ended {
                return Some(std::mem::take(&mut self.block));
            }
        }
        None
    }
}

impl Block {
    /// Takes in one line; true when it ended a block that says something.
    fn line(&mut self, line: &str) -> bool {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => return *self != Self::default(),
            "" => self.comment = true,
            "event" => value.clone_into(&mut self.event),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => {
                self.data.push('\n');
                self.data.push_str(value);
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "retry: 1000\n\nevent: hello\r\ndata: {\"a\":1}\r\n\r\n: still here\n\nid: e:1\nevent: m\ndata: x\ndata: y\n\n";

    proptest! {
        #[test]
        fn chunks_do_not_matter(cuts in proptest::collection::vec(1usize..9, 1..80)) {
            let mut parser = Parser::default();
            let mut blocks = Vec::new();
            let mut rest = STREAM.as_bytes();
            for cut in cuts.into_iter().chain(std::iter::repeat(7)) {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                parser.push(now);
                blocks.extend(std::iter::from_fn(|| parser.next_block()));
            }
            let block = |event: &str, data: &str, comment| Block { event: event.into(), data: data.into(), comment };
            prop_assert_eq!(blocks, vec![block("hello", "{\"a\":1}", false), block("", "", true), block("m", "x\ny", false)]);
        }
    }
}
