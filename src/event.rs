//! What is published and what is delivered: one event of one topic, its limits and its JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Longest topic name, in bytes.
pub const MAX_TOPIC: usize = 128;
/// Longest `id`, `key`, `kind` or `from`, in characters.
pub const MAX_NAME: usize = 64;

/// A delivered event, as it stands on the wire in every transport.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Topic it was published to.
    pub topic: String,
    /// Position in the topic's feed; the first event of a feed has offset 1.
    pub offset: u64,
    /// Intended publish time, Unix microseconds.
    pub at: i64,
    /// What sort of event: `message`, `typing`, `ball`, `price`, `move` …
    pub kind: String,
    /// The payload, kept as the JSON text the publisher sent.
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
    /// Publisher's retry token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Milliseconds after `at` beyond which the event is never delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// With `?conflate=true`, only the latest event per key is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Author; a client's own events are not sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The body of a publish: by POST, or as a text frame on a socket.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Publish {
    /// See [`Event::kind`].
    #[serde(default = "default_kind")]
    pub kind: String,
    /// See [`Event::data`].
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
    /// Unix microseconds; the server's clock when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// See [`Event::id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// See [`Event::ttl_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// See [`Event::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// See [`Event::from`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Event {
    /// The event that a publish becomes at `offset`; `now` (Unix microseconds) stands in for an absent
    /// `at`.
    #[must_use]
    pub fn new(topic: &str, offset: u64, publish: Publish, now: i64) -> Self {
        Self {
            topic: topic.to_owned(),
            offset,
            at: publish.at.unwrap_or(now),
            kind: publish.kind,
            data: on_one_line(publish.data),
            id: publish.id,
            ttl_ms: publish.ttl_ms,
            key: publish.key,
            from: publish.from,
        }
    }

    /// The event as one line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        // Numbers, strings and a RawValue that was parsed before: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The JSON before and after its offset, for whoever numbers the event and reads no JSON.
    #[must_use]
    pub fn around_offset(&self) -> (String, String) {
        // A topic's name needs no escaping, and the offset follows it: see the order of the fields.
        let before = format!(r#"{{"topic":"{}","offset":"#, self.topic);
        let whole = self.json();
        let after = whole.strip_prefix(&before).unwrap_or_default();
        (before, after.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned())
    }
}

/// JSON may hold line breaks between its tokens (never inside a string); a server-sent event and a
/// line of JSON may not.
fn on_one_line(data: Box<RawValue>) -> Box<RawValue> {
    if data.get().contains(['\n', '\r']) {
        let text = data.get().replace(['\n', '\r'], " ");
        RawValue::from_string(text).unwrap_or(data)
    } else {
        data
    }
}

fn default_kind() -> String {
    "message".to_owned()
}

impl Publish {
    /// Checks the lengths of the names.
    ///
    /// # Errors
    /// A sentence for the publisher that names the field and its limit.
    pub fn check(&self) -> Result<(), String> {
        // The kind becomes an SSE field, so a line break in it would forge one.
        let kind_ok = !self.kind.is_empty()
            && self.kind.chars().count() <= MAX_NAME
            && !self.kind.chars().any(char::is_control);
        if !kind_ok {
            return Err(format!("kind must be 1 to {MAX_NAME} characters without control characters"));
        }
        for (field, value) in [("id", &self.id), ("key", &self.key), ("from", &self.from)] {
            if let Some(text) = value
                && !(1..=MAX_NAME).contains(&text.chars().count())
            {
                return Err(format!("{field} must be 1 to {MAX_NAME} characters"));
            }
        }
        Ok(())
    }
}

/// Whether `name` may name a topic: 1 to 128 of `A–Z a–z 0–9 . _ : -`.
#[must_use]
pub fn topic_is_valid(name: &str) -> bool {
    (1..=MAX_TOPIC).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_a_short_alphabet() {
        assert!(topic_is_valid("room-1.a_b:c"));
        for bad in ["", "a/b", "a b", "ü", &"x".repeat(129)] {
            assert!(!topic_is_valid(bad), "{bad:?}");
        }
    }

    #[test]
    fn an_offset_is_set_between_two_pieces_of_json() {
        let body = r#"{"kind":"offset","data":{"offset":1},"id":"i","key":"k"}"#;
        let event = Event::new("a.b:1", 9, serde_json::from_str(body).unwrap(), 5);
        let (before, after) = event.around_offset();
        assert_eq!(format!("{before}9{after}"), event.json());
    }

    #[test]
    fn a_publish_with_a_line_break_in_its_kind_is_refused() {
        let body = r#"{"kind":"a\nid: 9","data":1}"#;
        let publish: Publish = serde_json::from_str(body).unwrap();
        assert!(publish.check().unwrap_err().contains("kind"));
    }
}
