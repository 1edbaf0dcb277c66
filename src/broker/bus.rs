//! The connection to Redis: one, on which commands and the news of pub/sub travel; it comes back by
//! itself, and so do its subscriptions.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, IntoConnectionInfo, Msg, ProtocolVersion, PushInfo, PushKind, RedisResult};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{NoRedis, Remote, Trouble};
use crate::units::without_password;

/// The first connection must be there by then.
const FIRST: Duration = Duration::from_secs(5);
/// A command that Redis has not answered by then has failed, as far as its client knows.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two attempts to connect again, at most; they never end.
const AGAIN: Duration = Duration::from_millis(500);

/// A shared connection to Redis.
pub(super) struct Bus {
    manager: ConnectionManager,
    namespace: String,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// What comes without being asked for.
pub(super) enum News {
    /// A message on a channel, which is given without the namespace.
    Message {
        /// The channel.
        channel: String,
        /// What was published.
        payload: Vec<u8>,
    },
    /// From here on messages of this channel arrive; told after each time the connection was lost, too.
    Listening {
        /// The channel.
        channel: String,
    },
}

/// Where news comes in.
#[derive(Debug)]
pub(super) struct Inbox {
    pushes: mpsc::UnboundedReceiver<PushInfo>,
    namespace: String,
}

impl Bus {
    /// Connects.
    pub(super) async fn connect(remote: &Remote) -> Result<(Self, Inbox), NoRedis> {
        let no = |why: String| NoRedis { url: without_password(&remote.url), why };
        let info = remote.url.as_str().into_connection_info().map_err(|error| no(error.to_string()))?;
        // The third version of its protocol, in which news and answers share a connection.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client =
            Client::open(info.set_redis_settings(settings)).map_err(|error| no(error.to_string()))?;
        // Once without trying again, so that a wrong address is told as what it is.
        match timeout(FIRST, client.get_multiplexed_async_connection()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(no(error.to_string())),
            Err(_) => return Err(no("it does not answer".to_owned())),
        }
        let (to, pushes) = mpsc::unbounded_channel();
        let config = ConnectionManagerConfig::new()
            .set_push_sender(to)
            .set_automatic_resubscription()
            .set_number_of_retries(usize::MAX)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(AGAIN)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let manager = ConnectionManager::new_with_config(client, config);
        let manager = timeout(FIRST, manager).await.map_err(|_| no("it went away".to_owned()))?;
        let manager = manager.map_err(|error| no(error.to_string()))?;
        let namespace = remote.namespace.clone();
        Ok((Self { manager, namespace: namespace.clone() }, Inbox { pushes, namespace }))
    }

    /// A key or channel of this fleet.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.namespace)
    }

    /// A handle for one command.
    pub(super) fn connection(&self) -> ConnectionManager {
        self.manager.clone()
    }

    /// Waits for a command, but not for ever: while the connection is away it would.
    pub(super) async fn answer<T>(
        &self,
        command: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Trouble> {
        match timeout(PATIENCE, command).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Trouble::Unreachable),
        }
    }

    /// Listens to a channel from now on.
    pub(super) async fn subscribe(&self, channel: &str) -> Result<(), Trouble> {
        self.answer(self.connection().subscribe(self.key(channel))).await
    }

    /// Listens no longer.
    pub(super) async fn unsubscribe(&self, channel: &str) -> Result<(), Trouble> {
        self.answer(self.connection().unsubscribe(self.key(channel))).await
    }
}

impl Inbox {
    /// The next piece of news; `None` when the bus is gone.
    pub(super) async fn next(&mut self) -> Option<News> {
        loop {
            let push = self.pushes.recv().await?;
            let news = match push.kind {
                PushKind::Subscribe => {
                    let channel = push.data.first().and_then(|name| redis::from_redis_value_ref(name).ok());
                    channel.map(|channel: String| News::Listening { channel: self.own(&channel) })
                }
                PushKind::Message => Msg::from_push_info(push).map(|message| News::Message {
                    channel: self.own(message.get_channel_name()),
                    payload: message.get_payload_bytes().to_vec(),
                }),
                _ => None,
            };
            if news.is_some() {
                return news;
            }
        }
    }

    fn own(&self, channel: &str) -> String {
        channel.strip_prefix(&self.namespace).unwrap_or(channel).to_owned()
    }
}
