//! Long polling: ask, let the server hold the answer until there is news, ask again.

use std::time::Duration;

use super::comeback::Comeback;
use super::http::{Asker, Line};
use super::{Crowd, sender};
use crate::ledger::Polled;
use crate::transport::first_share;

/// Beyond the hold, an answer has this long to arrive.
const SLACK: Duration = Duration::from_secs(10);

pub(super) async fn live(crowd: &Crowd, client: u32, hold: Duration) {
    let Ok(line) = line(crowd, hold) else { return };
    let mut asker = Asker::new(crowd, client, &line, false);
    if !asker.find_position().await || !crowd.through_the_gate().await {
        return;
    }
    let own = &crowd.plan.by_author[client as usize];
    let asking = async {
        // Nothing is left to turn to: a refusal is one more failure.
        while !crowd.stop.is_cancelled() {
            ask_and_hold(crowd, client, &mut asker, hold).await;
        }
    };
    tokio::join!(asking, sender::live(crowd, client, &line, own));
}

/// Connections on which an answer may be held so long.
pub(super) fn line(crowd: &Crowd, hold: Duration) -> reqwest::Result<Line> {
    Line::new(crowd, true, Some(hold + SLACK))
}

/// Asks until the run ends, or long polls are refused for good.
pub(super) async fn ask_and_hold(crowd: &Crowd, client: u32, asker: &mut Asker<'_>, hold: Duration) {
    // The first hold is a seeded share, so that a crowd's holds do not all end together.
    let mut wait = hold.mul_f64(first_share(crowd.seed, client.into()));
    let mut comeback = Comeback::new(crowd, client);
    crowd.sleep_until(-crowd.warmup).await;
    loop {
        let sent = crowd.now();
        let got = tokio::select! {
            got = asker.ask(Some(wait), Some(sent)) => got,
            () = crowd.stop.cancelled() => return,
        };
        let answered = crowd.now();
        if let Some(got) = got {
            let poll = Polled { client, intended: sent, sent, answered, events: got.events };
            crowd.ledger().polled(poll);
            asker.tell_nope(got);
            comeback.stands();
        } else {
            crowd.ledger().poll_failed(sent);
            let for_good = asker.refused.is_some_and(|status| comeback.refused(status));
            comeback.pause().await;
            if for_good {
                return;
            }
        }
        wait = hold;
    }
}
