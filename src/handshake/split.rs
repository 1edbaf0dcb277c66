//! Recorded bytes of one side, cut into its HTTP head and the frames after it. Pure.

use std::time::Duration;

use super::{Chunk, Side};
use crate::wire::{FrameError, Header, apply_mask, heads};

/// All that one side sent.
#[derive(Debug, Default)]
pub(super) struct Stream {
    bytes: Vec<u8>,
    /// Where each chunk ends in `bytes`, its place among all chunks, and its time.
    ends: Vec<(usize, usize, Duration)>,
    head: usize,
}

/// One frame as it was recorded.
#[derive(Debug)]
pub(super) struct Frame {
    pub side: Side,
    /// Place of the chunk that completed it: frames of both sides sort by this.
    pub order: usize,
    pub at: Duration,
    pub header: Header,
    /// Payload bytes as they went over the wire: masked, if there is a key.
    pub raw: Vec<u8>,
    pub payload: Vec<u8>,
}

/// How the bytes of a stream end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole frame.
    Whole,
    /// In the middle of one: so many bytes of it are there.
    CutOff(usize),
    /// With bytes that are no frame.
    Broken(FrameError),
}

impl Stream {
    pub(super) fn of(side: Side, chunks: &[Chunk]) -> Self {
        let mut stream = Self::default();
        for (place, chunk) in chunks.iter().enumerate().filter(|(_, chunk)| chunk.side == side) {
            stream.bytes.extend_from_slice(&chunk.bytes);
            stream.ends.push((stream.bytes.len(), place, chunk.at));
        }
        stream.head = heads::head_end(&stream.bytes).unwrap_or(stream.bytes.len());
        stream
    }

    /// The head with its empty line; all there is, if it never ended.
    pub(super) fn head(&self) -> &[u8] {
        &self.bytes[..self.head]
    }

    /// Everything behind the head.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// When the byte before `end` had come.
    pub(super) fn time_of(&self, end: usize) -> (usize, Duration) {
        let chunk = self.ends.iter().find(|(until, ..)| *until >= end).or(self.ends.last());
        chunk.map_or((0, Duration::ZERO), |(_, place, at)| (*place, *at))
    }

    pub(super) fn frames(&self, side: Side) -> (Vec<Frame>, End) {
        let mut frames = Vec::new();
        let mut from = self.head;
        loop {
            let left = &self.bytes[from..];
            let header = match Header::parse(left) {
                Ok(Some(header)) => header,
                Ok(None) if left.is_empty() => return (frames, End::Whole),
                Ok(None) => return (frames, End::CutOff(left.len())),
                Err(error) => return (frames, End::Broken(error)),
            };
            let raw = usize::try_from(header.len).ok().and_then(|len| left[header.size()..].get(..len));
            let Some(raw) = raw else { return (frames, End::CutOff(left.len())) };
            let mut payload = raw.to_vec();
            if let Some(key) = header.mask {
                apply_mask(&mut payload, key);
            }
            from += header.size() + raw.len();
            let (order, at) = self.time_of(from);
            frames.push(Frame { side, order, at, header, raw: raw.to_vec(), payload });
        }
    }
}
