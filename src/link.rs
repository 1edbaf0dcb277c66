//! The network between client and server: its numbers, and the named profiles people know.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::duration_text;

mod line;
mod text;

pub use line::{Delay, Line};

/// A network path, the same for every client; each client has one of its own, so rates are per client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// Name of the profile it began as; keys beside it may have changed its numbers. For display only.
    #[serde(default)]
    pub profile: Option<String>,
    /// Round trip of an empty packet without jitter.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub rtt: Duration,
    /// Each direction's delay is rtt/2, give or take up to this, uniform; at most rtt/2.
    #[serde(with = "duration_text")]
    #[schemars(with = "String")]
    pub jitter: Duration,
    /// Share of segments lost, at most 0.99.
    pub loss: f64,
    /// Server to client, bit/s; none: as fast as the machine.
    pub down: Option<u64>,
    /// Client to server, bit/s; none: as fast as the machine.
    pub up: Option<u64>,
}

/// Names of the profiles, slow mobile networks first.
pub const PROFILES: &[&str] = &["3g", "slow-4g", "fast-4g", "wifi", "dsl", "satellite"];

impl Link {
    /// No delay, no loss, no limit: what the keys of `[network]` begin from without a profile.
    pub const PLAIN: Self =
        Self { profile: None, rtt: Duration::ZERO, jitter: Duration::ZERO, loss: 0.0, down: None, up: None };

    /// The profile of this name, one of [`PROFILES`].
    ///
    /// The three mobile ones are the target figures of the throttling presets in Chrome's developer
    /// tools (3G, Slow 4G, Fast 4G); `wifi` (40 ms, 30 Mbit/s, 0.2 % loss), `dsl` (40 ms, 8 Mbit/s)
    /// and `satellite` (low orbit: 20 ms, 2.5 % loss) are the usual figures of network link
    /// conditioners. One rate stands for both directions where only one is usual; none of them has
    /// jitter.
    #[must_use]
    pub fn profile(name: &str) -> Option<Self> {
        let (rtt_ms, loss, down, up) = match name {
            "3g" => (400, 0.0, Some(500_000), Some(500_000)),
            "slow-4g" => (150, 0.0, Some(1_600_000), Some(750_000)),
            "fast-4g" => (60, 0.0, Some(9_000_000), Some(1_500_000)),
            "wifi" => (40, 0.002, Some(30_000_000), Some(30_000_000)),
            "dsl" => (40, 0.0, Some(8_000_000), Some(8_000_000)),
            "satellite" => (20, 0.025, None, None),
            _ => return None,
        };
        let rtt = Duration::from_millis(rtt_ms);
        Some(Self { profile: Some(name.to_owned()), rtt, jitter: Duration::ZERO, loss, down, up })
    }

    /// The most jitter that leaves every delay at zero or above.
    #[must_use]
    pub fn most_jitter(&self) -> Duration {
        self.rtt / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_known_by_its_name_and_sound() {
        for name in PROFILES {
            let link = Link::profile(name).unwrap();
            assert_eq!(link.profile.as_deref(), Some(*name));
            assert!(link.jitter <= link.most_jitter() && (0.0..1.0).contains(&link.loss));
            let json = serde_json::to_string(&link).unwrap();
            assert_eq!(serde_json::from_str::<Link>(&json).unwrap(), link);
        }
        assert_eq!(Link::profile("edge"), None);
    }
}
