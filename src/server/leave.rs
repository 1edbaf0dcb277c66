//! How readers are sent away when the server ends: all at once, or one after another, so that they do
//! not all come back to the next server in the same moment.

use std::sync::atomic::Ordering::Relaxed;

use axum::extract::ws::close_code;
use tokio::time::{Instant, sleep_until};

use super::App;

/// Part of the drain over which readers are spread; the rest is for closing.
const SPREAD: f64 = 0.9;
/// The fractional part of the golden ratio: its multiples fill an interval evenly, however many there
/// are (Weyl's equidistribution; of all steps this one clusters least).
const GOLDEN: f64 = 0.618_033_988_749_894_9;

impl App {
    /// Returns when a reader is to go. `when` remembers its turn from call to call.
    pub(super) async fn sent_away(&self, when: &mut Option<Instant>) {
        self.shutdown.cancelled().await;
        let turn = *when.get_or_insert_with(|| {
            let share = (self.leavers.fetch_add(1, Relaxed) as f64 * GOLDEN).fract();
            Instant::now() + self.settings.drain.mul_f64(SPREAD * share)
        });
        // On the heap: every reader has room for this future, and nearly none is ever sent away.
        let turn = Box::pin(sleep_until(turn));
        tokio::select! {
            () = turn => {}
            () = self.settings.at_once.cancelled() => {}
        }
    }

    /// What a socket is told: that a server takes this one's place, or that there is none.
    pub(super) fn farewell(&self) -> (u16, &'static str) {
        if self.settings.at_once.is_cancelled() {
            (close_code::AWAY, "the server is going away")
        } else {
            (close_code::RESTART, "the server is making room for another; come back")
        }
    }
}
