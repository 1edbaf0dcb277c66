//! Where the head of a request or an answer ends, and the recording of the first ones. Pure.

use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::stats::{Counters, Exchange};

/// A head longer than this is not recorded further.
const RECORD: usize = 16 * 1024;

/// Finds the empty line that ends a head, in bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    /// How much of `\r\n\r\n` the last bytes were.
    matched: u8,
}

impl HeadEnd {
    /// How many of `bytes` belong to the head.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        for (index, &byte) in bytes.iter().enumerate() {
            if self.found() {
                return index;
            }
            self.matched = match (byte, self.matched) {
                (b'\r', 2) => 3,
                (b'\r', _) => 1,
                (b'\n', 1) => 2,
                (b'\n', 3) => 4,
                _ => 0,
            };
        }
        bytes.len()
    }

    pub(super) fn found(&self) -> bool {
        self.matched == 4
    }
}

/// Writes down the first request and its answer as they pass.
#[derive(Debug, Default)]
pub(super) struct Recording {
    request: Vec<u8>,
    request_end: HeadEnd,
    response: Vec<u8>,
    response_end: HeadEnd,
}

impl Recording {
    /// A recording, unless another connection makes one already.
    pub(super) fn first(counters: &Counters) -> Option<Box<Self>> {
        let taken = counters.recording.load(Relaxed) || counters.recording.swap(true, Relaxed);
        (!taken).then(Box::default)
    }

    pub(super) fn request(&mut self, bytes: &[u8]) {
        record(&mut self.request, &mut self.request_end, bytes);
    }

    /// Returns whether the answer's head is complete.
    pub(super) fn response(&mut self, bytes: &[u8]) -> bool {
        record(&mut self.response, &mut self.response_end, bytes);
        self.response_end.found()
    }

    pub(super) fn store(&self, counters: &Counters) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let exchange = Exchange { request: text(&self.request), response: text(&self.response) };
        *counters.first_exchange.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
    }
}

fn record(into: &mut Vec<u8>, end: &mut HeadEnd, bytes: &[u8]) {
    let head = end.take(bytes);
    let room = RECORD.saturating_sub(into.len());
    into.extend_from_slice(&bytes[..head.min(room)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_head_ends_where_its_empty_line_does_however_it_is_cut(
            head in "[a\r\n:]{0,40}", body in "[a\r\n]{0,20}", cuts in prop::collection::vec(1usize..9, 1..30),
        ) {
            let whole = format!("{head}\r\n\r\n{body}");
            let expected = whole.find("\r\n\r\n").unwrap() + 4;
            let (mut end, mut rest, mut counted) = (HeadEnd::default(), whole.as_bytes(), 0);
            for cut in cuts.iter().cycle() {
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                counted += end.take(piece);
                rest = tail;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(counted, expected);
            prop_assert!(end.found());
        }
    }
}
