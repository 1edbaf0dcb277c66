//! Long polling: ask, let the server hold the answer until there is news, ask again.

use std::time::Duration;

use super::http::{Asker, person};
use super::{Crowd, back_off, sender};
use crate::ledger::Polled;
use crate::transport::first_share;

/// Beyond the hold, an answer has this long to arrive.
const SLACK: Duration = Duration::from_secs(10);

pub(super) async fn live(crowd: &Crowd, client: u32, hold: Duration) {
    let Ok(http) = person(crowd, true, Some(hold + SLACK)) else { return };
    let mut asker = Asker::new(crowd, client, http, false);
    if !asker.find_position().await || !crowd.through_the_gate().await {
        return;
    }
    let http = asker.http().clone();
    tokio::join!(ask_and_hold(crowd, client, &mut asker, hold), sender::live(crowd, client, &http));
}

async fn ask_and_hold(crowd: &Crowd, client: u32, asker: &mut Asker<'_>, hold: Duration) {
    // The first hold is a seeded share, so that a crowd's holds do not all end together.
    let mut wait = hold.mul_f64(first_share(crowd.seed, client.into()));
    let mut failures = 0;
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
            failures = 0;
        } else {
            crowd.ledger().poll_failed(sent);
            back_off(crowd, client, failures).await;
            failures += 1;
        }
        wait = hold;
    }
}
