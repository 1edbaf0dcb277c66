//! The JSON body under which a planned event is published, by a person or by the schedule.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::clock::Micros;
use crate::ledger::Plan;

/// One publish; what the connection says already is left out.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    /// Only on the control listener, where one connection serves all topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    kind: &'a str,
    data: &'a RawValue,
    at: Micros,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// Absent on a socket, where `?as=` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
}

impl<'a> Body<'a> {
    /// The body of an event of `plan` whose window starts at `start` (Unix microseconds).
    /// `None` when its data is no JSON.
    #[must_use]
    pub fn of(plan: &'a Plan, event: u32, start: Micros) -> Option<Self> {
        let planned = &plan.schedule.events[event as usize];
        Some(Self {
            topic: None,
            kind: &planned.kind,
            data: serde_json::from_str(&planned.data).ok()?,
            at: start + planned.at,
            id: Plan::id_of(event),
            ttl_ms: planned.ttl_ms,
            key: planned.key.as_deref(),
            from: None,
        })
    }

    /// Says who wrote it.
    #[must_use]
    pub fn from(mut self, client: u32) -> Self {
        self.from = Some(client.to_string());
        self
    }

    /// Says where it goes.
    #[must_use]
    pub fn to(mut self, topic: &'a str) -> Self {
        self.topic = Some(topic);
        self
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}
