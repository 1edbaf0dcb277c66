//! A publish that comes in on a socket, and the frame that answers it.

use serde::{Deserialize, Serialize};

use crate::server::App;
use crate::server::problem::Problem;
use crate::server::publish::parse;
use crate::server::stats::count;

#[derive(Serialize)]
struct Acknowledged<'a> {
    ack: Ack<'a>,
}

#[derive(Serialize)]
struct Ack<'a> {
    offset: u64,
    id: Option<&'a str>,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: Problem,
    id: Option<&'a str>,
}

/// Publishes one text frame, by `author` unless it names another, and returns the answer to it.
pub(super) async fn publish(app: &App, topic: &str, author: Option<&str>, text: &str) -> String {
    let mut publish = match parse(text.as_bytes()) {
        Ok(publish) => publish,
        Err(problem) => return refused(problem, id_of(text).as_deref()),
    };
    if publish.from.is_none() {
        publish.from = author.map(str::to_owned);
    }
    let id = publish.id.clone();
    match app.broker.publish(topic, publish, app.settings.clock.now()).await {
        Ok(published) => {
            count(&app.counters.socket_publishes);
            let ack = Ack { offset: published.appended.offset, id: id.as_deref() };
            json(&Acknowledged { ack })
        }
        Err(error) => refused(error.into(), id.as_deref()),
    }
}

pub(super) fn refused(error: Problem, id: Option<&str>) -> String {
    json(&Refused { error, id })
}

/// The id of a message that is wrong otherwise, so that its sender knows which one was refused.
fn id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: Option<String>,
    }
    serde_json::from_str::<OnlyId>(text).ok()?.id
}

fn json(value: &impl Serialize) -> String {
    // Strings and numbers: this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
