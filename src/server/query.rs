//! What a reader asks for in path, query and headers, checked once.

use std::time::Duration;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::event::{MAX_NAME, topic_is_valid};
use crate::feed::{Position, Reader};
use crate::units::parse_duration;

/// Events in an answer when the reader does not say.
const LIMIT: usize = 100;
/// Most events it may ask for.
const LIMIT_MAX: usize = 10_000;

/// The query as typed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Typed {
    /// Position to go on after; absent: only what comes from now on.
    #[param(value_type = Option<u64>)]
    after: Option<String>,
    /// The epoch `after` was learned in.
    #[param(value_type = Option<String>)]
    epoch: Option<Box<str>>,
    /// Most events in one answer of a poll, 1 to 10,000; 100 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    limit: Option<String>,
    /// Hold the answer of a poll until there is news, this long at most.
    #[param(example = "25s")]
    wait: Option<String>,
    /// Only the latest event of each key.
    #[param(value_type = Option<bool>)]
    conflate: Option<String>,
    /// Who reads: its own events are not sent to it.
    #[serde(rename = "as")]
    #[param(value_type = Option<String>, min_length = 1, max_length = 64)]
    name: Option<Box<str>>,
}

/// The query as meant.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) position: Position,
    pub(super) who: Reader,
    pub(super) limit: usize,
    /// Of a long poll; zero makes it a short one.
    pub(super) wait: Duration,
}

pub(super) type Rejected = Result<Query<Typed>, QueryRejection>;

/// Checks the topic and every value of the query.
pub(super) fn asked(topic: &str, query: Rejected) -> Result<Asked, Problem> {
    if !topic_is_valid(topic) {
        return Err(Problem::bad_topic());
    }
    let Query(typed) = query.map_err(|error| Problem::bad(error.body_text()))?;
    let after = typed.after.map(|text| number("after", &text)).transpose()?;
    let limit = typed.limit.map(|text| number("limit", &text)).transpose()?;
    let limit = limit.map_or(Some(LIMIT), |limit| usize::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let limit = limit.ok_or_else(|| Problem::bad(format!("limit is a number from 1 to {LIMIT_MAX}")))?;
    let wait = match typed.wait {
        None => Duration::ZERO,
        Some(text) => parse_duration(&text).map_err(|error| Problem::bad(format!("wait: {error}")))?,
    };
    let conflate = match typed.conflate.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Problem::bad(format!("conflate is true or false, not {other:?}"))),
    };
    if typed.name.as_ref().is_some_and(|name| !(1..=MAX_NAME).contains(&name.chars().count())) {
        return Err(Problem::bad(format!("as is 1 to {MAX_NAME} characters")));
    }
    let position = Position { after, epoch: typed.epoch };
    Ok(Asked { position, who: Reader { name: typed.name, conflate }, limit, wait })
}

fn number(name: &str, text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::bad(format!("{name} is a whole number, not {text:?}")))
}

/// The position in `Last-Event-ID`, which a browser sends when it comes back by itself, with the
/// query of its first request still in the address.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<Position> {
    // An empty one is none: what a browser has before the first id (WHATWG HTML, 9.2.4).
    let value = headers.get("last-event-id").filter(|value| !value.is_empty())?;
    let id = value.to_str().ok().and_then(|text| text.rsplit_once(':'));
    let parsed = id.and_then(|(epoch, offset)| Some((epoch, offset.parse().ok()?)));
    Some(match parsed {
        Some((epoch, offset)) => Position { after: Some(offset), epoch: Some(epoch.into()) },
        // Some other server's id: an epoch we do not know, so the reader is told of the gap.
        None => Position { after: None, epoch: Some("".into()) },
    })
}

/// Whether `If-None-Match` holds `etag` (RFC 9110 §13.1.2: a list, weak comparison, or `*`).
pub(super) fn none_match_holds(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).any(|item| {
        let item = item.trim();
        item == "*" || item.strip_prefix("W/").unwrap_or(item) == etag
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let name = header::HeaderName::from_static(name);
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn if_none_match_is_a_list_of_weak_or_strong_tags_or_a_star() {
        let holds = |value| none_match_holds(&headers("if-none-match", value), r#""e:3""#);
        for value in [r#""e:3""#, r#"W/"e:3""#, r#""x", "e:3""#, "*"] {
            assert!(holds(value), "{value}");
        }
        for value in [r#""e:33""#, "e:3", "", r#""e:2""#] {
            assert!(!holds(value), "{value}");
        }
    }

    #[test]
    fn a_foreign_last_event_id_is_an_unknown_epoch() {
        let position = |value| last_event_id(&headers("last-event-id", value)).unwrap();
        assert_eq!(position("ab12:7").after, Some(7));
        assert_eq!(position("ab12:7").epoch.as_deref(), Some("ab12"));
        assert!(last_event_id(&headers("last-event-id", "")).is_none());
        for foreign in ["7", "ab:x"] {
            assert_eq!(position(foreign).epoch.as_deref(), Some(""), "{foreign}");
        }
    }
}
