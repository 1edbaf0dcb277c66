//! One clock for every process of a run: the host's monotonic clock, anchored once to Unix time.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::os;

/// Microseconds since the Unix epoch, on the run's clock.
pub type Micros = i64;

/// Maps the monotonic clock to Unix time by an anchor taken once and handed to every child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Unix microseconds minus monotonic microseconds.
    offset_us: i64,
}

impl Clock {
    /// Anchors the monotonic clock to the wall clock now.
    #[must_use]
    pub fn anchored_now() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { offset_us: as_micros(unix) - monotonic_us() }
    }

    /// The clock another process wrote with [`Clock::anchor`].
    ///
    /// Where processes share no monotonic clock the anchor means nothing here, and this process
    /// anchors itself to the wall clock instead.
    #[must_use]
    pub fn from_anchor(offset_us: i64) -> Self {
        if os::shared_monotonic_ns().is_some() { Self { offset_us } } else { Self::anchored_now() }
    }

    /// The number to hand to a child process.
    #[must_use]
    pub fn anchor(self) -> i64 {
        self.offset_us
    }

    /// Now.
    #[must_use]
    pub fn now(self) -> Micros {
        monotonic_us() + self.offset_us
    }

    /// Sleeps until `at`; returns at once when that has passed.
    ///
    /// Exact to what the system's timer is (see [`os::sleep_until`]); what lateness is left is the
    /// caller's to record.
    pub async fn sleep_until(self, at: Micros) {
        let left = at - self.now();
        if left > 0 {
            os::sleep_until(Instant::now() + Duration::from_micros(left.unsigned_abs())).await;
        }
    }
}

/// A duration in whole microseconds.
#[must_use]
pub fn as_micros(value: Duration) -> i64 {
    i64::try_from(value.as_micros()).unwrap_or(i64::MAX)
}

fn monotonic_us() -> i64 {
    os::shared_monotonic_ns().map_or_else(
        || {
            static START: OnceLock<Instant> = OnceLock::new();
            as_micros(START.get_or_init(Instant::now).elapsed())
        },
        |ns| ns / 1000,
    )
}
