//! How a person comes back: after how long, to which server, and when they stop asking for a socket.
//!
//! The one place that decides it, whichever transport was lost.

use super::Crowd;
use crate::transport::retry_after;

/// Refusals in a row, of those that may pass, before somebody takes it for an answer.
const REFUSALS: u32 = 3;

/// One person's way back. It knows no transport.
pub(super) struct Comeback<'a> {
    crowd: &'a Crowd,
    client: u32,
    /// Pauses since it stood last.
    attempt: u32,
    /// Servers passed on from their own.
    moved: usize,
    refusals: u32,
}

impl<'a> Comeback<'a> {
    pub(super) fn new(crowd: &'a Crowd, client: u32) -> Self {
        Self { crowd, client, attempt: 0, moved: 0, refusals: 0 }
    }

    /// The server to turn to now.
    pub(super) fn server(&self) -> &'a str {
        self.crowd.servers.after(self.client, self.moved)
    }

    /// It stands: the next loss begins with the shortest pause.
    pub(super) fn stands(&mut self) {
        (self.attempt, self.refusals) = (0, 0);
    }

    /// It was lost, or could not be had: waits, longer each time, before the next attempt.
    ///
    /// The next attempt goes to another server if there is one, unless that one's feed is another and
    /// their own has not failed yet.
    pub(super) async fn pause(&mut self) {
        let pause = retry_after(self.crowd.seed, self.client, self.attempt);
        if self.attempt > 0 || self.crowd.servers.are_alike() {
            self.moved += 1;
        }
        self.attempt += 1;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.crowd.stop.cancelled() => {}
        }
    }

    /// A server or something before it answered `status` instead. True when that is its last word, so
    /// that asking for the same again would be no use: it is forbidden or not there at once, and
    /// anything else when it was said often enough.
    pub(super) fn refused(&mut self, status: u16) -> bool {
        self.refusals += 1;
        matches!(status, 403 | 404 | 405 | 426 | 501) || self.refusals >= REFUSALS
    }
}
