//! The JSON a client reads: poll answers, hello, acknowledgements, events.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The answer to a GET for events.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<'a> {
    #[serde(borrow)]
    pub(super) epoch: Cow<'a, str>,
    pub(super) offset: u64,
    #[serde(default = "yes")]
    pub(super) recovered: bool,
    #[serde(default)]
    pub(super) more: bool,
    #[serde(borrow)]
    pub(super) events: Vec<Incoming<'a>>,
}

/// As much of an event as a simulated client looks at.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming<'a> {
    pub(super) offset: u64,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
}

/// First message of a stream or socket.
#[derive(Debug, Deserialize)]
pub(super) struct Hello<'a> {
    #[serde(borrow)]
    pub(super) epoch: Cow<'a, str>,
    pub(super) offset: u64,
    #[serde(default = "yes")]
    pub(super) recovered: bool,
}

fn yes() -> bool {
    true
}

/// One text frame of a socket.
#[derive(Debug, Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(borrow, default)]
    pub(super) hello: Option<Hello<'a>>,
    #[serde(borrow, default)]
    pub(super) ack: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
    #[serde(default)]
    offset: u64,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// As much of a refusal (RFC 9457) as a simulated client looks at.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) status: u16,
}

/// An acknowledgement's inside.
#[derive(Debug, Deserialize)]
pub(super) struct Ack<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
}

impl<'a> Frame<'a> {
    /// The event, if this frame is one.
    pub(super) fn event(self) -> Option<Incoming<'a>> {
        let Self { offset, id, data, .. } = self;
        data.map(|data| Incoming { offset, id, data })
    }
}
