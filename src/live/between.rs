//! What is between the servers of a run: a Redis that somebody gave, or one of the run's own.

use std::path::Path;

use super::Error;
use super::redis::{self, RedisServer};
use crate::broker::{self, Remote};
use crate::clock::Clock;
use crate::scenario::Scenario;
use crate::scenario::fleet;

/// The Redis of a run.
pub(super) struct Between {
    pub(super) broker: fleet::Between,
    pub(super) url: String,
    /// Tells this run from others in the same Redis.
    run: String,
    /// Present when it was started for this run.
    own: Option<RedisServer>,
}

impl Between {
    /// None where the servers of the scenario need none.
    ///
    /// # Errors
    /// There is no Redis to start, it does not start, or the one that was given cannot be used.
    pub(super) async fn start(scenario: &Scenario, executable: &Path) -> Result<Option<Self>, Error> {
        let Some(fleet) = scenario.fleet.as_ref().filter(|fleet| fleet.broker.is_redis()) else {
            return Ok(None);
        };
        let run = format!("anynews-run-{}-{}:", std::process::id(), Clock::anchored_now().now());
        let broker = fleet.broker;
        if let Some(url) = &fleet.redis {
            let between = Self { broker, url: url.clone(), run, own: None };
            // Nothing of this run is there yet: this asks whether Redis is.
            broker::erase(&between.remote(0)).await.map_err(anyhow::Error::from)?;
            return Ok(Some(between));
        }
        let program = redis::program().ok_or_else(|| {
            Error::TooLarge(format!(
                "its servers talk by Redis, and this machine has none: {}",
                redis::INSTALL
            ))
        })?;
        let own = RedisServer::start(executable, &program).await?;
        Ok(Some(Self { broker, url: own.url(), run, own: Some(own) }))
    }

    /// Before the keys of the transport at `index`.
    pub(super) fn namespace(&self, index: usize) -> String {
        format!("{}{index}:", self.run)
    }

    /// The Redis that was started for this run.
    pub(super) fn own(&self) -> Option<&RedisServer> {
        self.own.as_ref()
    }

    fn remote(&self, index: usize) -> Remote {
        let (url, namespace) = (self.url.clone(), self.namespace(index));
        Remote { url, namespace, clock: Clock::anchored_now(), stamped: false }
    }

    /// Ends the run's own Redis, or removes what `transports` left in that of somebody else.
    pub(super) async fn stop(self, transports: usize) {
        if self.own.is_none() {
            for index in 0..transports {
                let _ = broker::erase(&self.remote(index)).await;
            }
        }
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}
