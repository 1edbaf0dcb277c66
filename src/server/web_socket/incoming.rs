//! What a client says on a socket, and the frame that answers it.

use serde::{Deserialize, Serialize};

use super::{End, Peer, WRONG_TOKEN};
use crate::event::Publish;
use crate::server::problem::Problem;
use crate::server::publish::parse;
use crate::server::stats::count;
use crate::server::token;

/// Answer to the right token.
const AUTHORIZED: &str = r#"{"authorized":true}"#;

/// One message of a client, understood.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Publish this.
    Publish(Box<Publish>),
    /// A browser's page can set no header on a socket, and an address ends up in logs, so a token is
    /// shown in a message: `{"token":"…"}`.
    Token(String),
    /// It makes no sense, and which `id` it bears.
    Wrong(Problem, Option<String>),
}

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

impl Heard {
    /// Reads one text frame.
    pub(crate) fn of(text: &str) -> Self {
        #[derive(Deserialize)]
        struct Other {
            token: Option<String>,
            // So that the sender of a wrong message knows which one was refused.
            id: Option<String>,
        }
        let problem = match parse(text.as_bytes()) {
            Ok(publish) => return Self::Publish(Box::new(publish)),
            Err(problem) => problem,
        };
        match serde_json::from_str(text) {
            Ok(Other { token: Some(token), .. }) => Self::Token(token),
            Ok(Other { id, .. }) => Self::Wrong(problem, id),
            Err(_) => Self::Wrong(problem, None),
        }
    }

    pub(super) fn binary() -> Self {
        Self::Wrong(Problem::bad("messages are text frames"), None)
    }

    /// The answer to a message that is not followed, for this reason.
    pub(super) fn refused(self, error: Problem) -> String {
        let id = match &self {
            Self::Publish(publish) => publish.id.as_deref(),
            Self::Token(_) => None,
            Self::Wrong(_, id) => id.as_deref(),
        };
        json(&Refused { error, id })
    }
}

impl Peer {
    /// Does as it is told, where that is allowed; returns the frame that says so.
    pub(super) async fn answer(&mut self, heard: Heard) -> Result<String, End> {
        count(&self.app.counters.messages_up);
        if self.meter.as_ref().is_some_and(|meter| !meter.may_ask()) {
            count(&self.app.counters.denied);
            return Ok(heard.refused(Problem::too_often()));
        }
        match heard {
            Heard::Token(shown) => match self.app.settings.token.as_ref() {
                // One guess a connection.
                Some(token) if !token.is(&shown) => {
                    count(&self.app.counters.denied);
                    Err(End::Close(WRONG_TOKEN, "wrong token"))
                }
                _ => {
                    self.may_publish = true;
                    Ok(AUTHORIZED.to_owned())
                }
            },
            Heard::Publish(_) if !self.may_publish => {
                count(&self.app.counters.denied);
                Ok(heard.refused(token::missing()))
            }
            Heard::Publish(publish) => Ok(self.publish(*publish).await),
            Heard::Wrong(error, id) => Ok(json(&Refused { error, id: id.as_deref() })),
        }
    }

    /// Publishes, as the reader itself unless the message names another author.
    async fn publish(&mut self, mut publish: Publish) -> String {
        let Self { app, subscription, who, .. } = &*self;
        if publish.from.is_none() {
            publish.from = who.name.as_deref().map(str::to_owned);
        }
        let id = publish.id.clone();
        match app.broker.publish(subscription.topic(), publish, app.settings.clock.now()).await {
            Ok(published) => {
                count(&app.counters.socket_publishes);
                let ack = Ack { offset: published.appended.offset, id: id.as_deref() };
                json(&Acknowledged { ack })
            }
            Err(error) => json(&Refused { error: error.into(), id: id.as_deref() }),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // Strings and numbers: this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
