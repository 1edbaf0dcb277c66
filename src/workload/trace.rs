//! Recorded events, replayed: JSON lines in, planned events out, every wrong line named.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Planned, Schedule, Span};
use crate::event::{MAX_TOPIC, Publish, topic_is_valid};
use crate::scenario::Workload;

/// More events than this would not be held in memory with ease.
const MOST_EVENTS: usize = 2_000_000;
/// What fits into a message of 64 KiB beside its envelope.
const MOST_DATA: usize = 60 * 1024;
/// Times lie within a day of the start of the window.
const MOST_MS: f64 = 86_400_000.0;
/// Further wrong lines would repeat what these say.
const MOST_PROBLEMS: usize = 20;

/// A recording, whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Topic names, in the order of their first appearance in the file.
    pub topics: Vec<String>,
    /// Events in order of time; those of one time stay in the order of the file.
    pub events: Vec<Planned>,
}

/// A line that is no event.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// From 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// `{"at_ms":-250,"topic":"room-1","kind":"message","data":"Coming?"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Milliseconds from the start of the window; negative in the warm-up.
    at_ms: f64,
    topic: String,
    kind: String,
    data: Box<RawValue>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    ttl_ms: Option<u64>,
}

impl Trace {
    /// The recording of a workload, if it is one.
    #[must_use]
    pub fn of(workload: &Workload) -> Option<Self> {
        match workload {
            Workload::Trace { recorded, .. } => Some(Self::clone(recorded)),
            _ => None,
        }
    }

    /// Reads JSON lines; empty ones are skipped. Times may stand in any order.
    ///
    /// # Errors
    /// The wrong lines, the first 20 of them.
    pub fn parse(text: &str) -> Result<Self, Vec<WrongLine>> {
        let mut trace = Self::default();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut wrong = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            if trace.events.len() == MOST_EVENTS {
                let message = format!("is one event too many; a trace holds at most {MOST_EVENTS}");
                wrong.push(WrongLine { line: number, message });
                break;
            }
            match read(line) {
                Ok(line) => trace.add(line, &mut numbers),
                Err(message) => wrong.push(WrongLine { line: number, message }),
            }
            if wrong.len() == MOST_PROBLEMS {
                break;
            }
        }
        if wrong.is_empty() && trace.events.is_empty() {
            wrong.push(WrongLine { line: 1, message: format!("there is no event; write {EXAMPLE}") });
        }
        trace.events.sort_by_key(|event| event.at);
        if wrong.is_empty() { Ok(trace) } else { Err(wrong) }
    }

    fn add(&mut self, line: Line, numbers: &mut HashMap<String, u32>) {
        let next = u32::try_from(self.topics.len()).unwrap_or(u32::MAX);
        let topic = *numbers.entry(line.topic).or_insert_with_key(|name| {
            self.topics.push(name.clone());
            next
        });
        self.events.push(Planned {
            at: (line.at_ms * 1000.0).round() as i64,
            topic,
            author: None,
            kind: line.kind.into(),
            ttl_ms: line.ttl_ms,
            key: line.key,
            data: String::from(Box::<str>::from(line.data)),
        });
    }
}

const EXAMPLE: &str = r#"{"at_ms":1500,"topic":"room-1","kind":"message","data":"Coming?"}"#;

fn read(text: &str) -> Result<Line, String> {
    // Serde would also take the fields in a row, as an array.
    if !text.trim_start().starts_with('{') {
        return Err(format!("a line is a JSON object; write one like {EXAMPLE}"));
    }
    let line: Line = serde_json::from_str(text).map_err(|error| {
        // The parser knows one line only, so its number says nothing.
        let said = error.to_string();
        let what = said.rsplit_once(" at line").map_or(said.as_str(), |(what, _)| what);
        format!("{what} (column {}); write a line like {EXAMPLE}", error.column())
    })?;
    if !(-MOST_MS..=MOST_MS).contains(&line.at_ms) {
        return Err(format!(
            "at_ms is {}; it counts milliseconds from the start of the window, at most a day either way",
            line.at_ms
        ));
    }
    if !topic_is_valid(&line.topic) {
        return Err(format!("topic must be 1 to {MAX_TOPIC} of A-Z a-z 0-9 . _ : -"));
    }
    let size = line.data.get().len();
    if size > MOST_DATA {
        return Err(format!("data is {size} bytes long; at most {MOST_DATA} fit into a message"));
    }
    let Line { kind, data, key, ttl_ms, .. } = line;
    let publish = Publish { kind, data, at: None, id: None, ttl_ms, key, from: None };
    publish.check()?;
    let Publish { kind, data, key, .. } = publish;
    Ok(Line { at_ms: line.at_ms, topic: line.topic, kind, data, key, ttl_ms })
}

pub(super) fn schedule(trace: &Trace, span: Span) -> Schedule {
    let topics = u32::try_from(trace.topics.len()).unwrap_or(u32::MAX).max(1);
    let begin = trace.events.partition_point(|event| event.at < span.from);
    let end = trace.events.partition_point(|event| event.at < span.to).max(begin);
    Schedule {
        topics: trace.topics.clone(),
        reads: (0..span.clients).map(|client| client % topics).collect(),
        events: trace.events.get(begin..end).unwrap_or_default().to_vec(),
        conflate: false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_become_events_in_order_of_time() {
        let text = r#"{"at_ms":20,"topic":"b","kind":"message","data":{"text":"hi"},"key":"k","ttl_ms":9}

{"at_ms":-1.5,"topic":"a","kind":"vote","data":1}
{"at_ms":20,"topic":"a","kind":"vote","data":[2, 3]}
"#;
        let trace = Trace::parse(text).unwrap();
        assert_eq!(trace.topics, ["b", "a"]);
        let told: Vec<_> =
            trace.events.iter().map(|e| (e.at, e.topic, e.kind.as_ref(), e.data.as_str())).collect();
        let expected = [
            (-1_500, 1, "vote", "1"),
            (20_000, 0, "message", r#"{"text":"hi"}"#),
            (20_000, 1, "vote", "[2, 3]"),
        ];
        assert_eq!(told, expected);
        assert_eq!((trace.events[1].key.as_deref(), trace.events[1].ttl_ms), (Some("k"), Some(9)));
        let part = schedule(&trace, Span { clients: 5, seed: 1, from: 0, to: 20_001 });
        assert_eq!((part.events.len(), part.reads), (2, vec![0, 1, 0, 1, 0]));
        assert_eq!(schedule(&trace, Span { clients: 5, seed: 1, from: 9, to: -9 }).events, []);
    }

    #[test]
    fn wrong_lines_are_all_named() {
        let good = EXAMPLE;
        let long = format!(r#"{{"at_ms":1,"topic":"a","kind":"k","data":"{}"}}"#, "x".repeat(MOST_DATA));
        let text = [
            good,
            r#"{"at_ms":1,"topic":"a","kind":"k"}"#,
            "not json",
            r#"{"at_ms":1764000000000,"topic":"a","kind":"k","data":1}"#,
            r#"{"at_ms":1,"topic":"a b","kind":"k","data":1}"#,
            r#"{"at_ms":1,"topic":"a","kind":"","data":1}"#,
            r#"{"at_ms":1,"topic":"a","kind":"k","data":1,"tll_ms":3}"#,
            &long,
            good,
        ]
        .join("\n");
        let wrong = Trace::parse(&text).unwrap_err();
        let hints = [
            "missing field `data`",
            "a JSON object",
            "within",
            "topic must be",
            "kind must be",
            "tll_ms",
            "data is",
        ];
        assert_eq!(wrong.len(), hints.len(), "{wrong:#?}");
        for ((wrong, hint), line) in wrong.iter().zip(hints).zip(2..) {
            let found =
                wrong.message.contains(hint) || hint == "within" && wrong.message.contains("at most a day");
            assert!(found && wrong.line == line, "{wrong:?} lacks {hint}");
        }
        assert_eq!(Trace::parse(&"{}\n".repeat(100)).unwrap_err().len(), MOST_PROBLEMS);
        assert!(Trace::parse("\n\n").unwrap_err()[0].message.contains("there is no event"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", at in any::<f64>()) {
            let _ = Trace::parse(&text);
            let _ = Trace::parse(&format!(r#"{{"at_ms":{at},"topic":"a","kind":"k","data":1}}"#));
        }
    }
}
