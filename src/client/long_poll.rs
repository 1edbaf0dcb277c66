//! Long polling: ask, let the server hold the answer until there is news, ask again.

use std::time::Duration;

use super::http::{Asker, person};
use super::{Crowd, back_off, sender};
use crate::ledger::Polled;
use crate::transport::{Http, first_share};
use crate::workload::Visit;

/// Beyond the hold, an answer has this long to arrive.
const SLACK: Duration = Duration::from_secs(10);

pub(super) async fn stay(crowd: &Crowd, client: u32, visit: &Visit, came: i64, hold: Duration) -> i64 {
    let Ok(http) = person(crowd, true, Http::One, Some(hold + SLACK)) else { return i64::MIN };
    let mut asker = Asker::new(crowd, client, http, false);
    if !asker.find_position(visit, came).await || !crowd.through_the_gate().await {
        return i64::MIN;
    }
    let http = asker.http().clone();
    let asking = async {
        // Who leaves does not wait for the held answer: it may never come.
        tokio::select! {
            () = ask_and_hold(crowd, client, visit, &mut asker, hold) => {}
            () = crowd.over(visit) => {}
        }
    };
    tokio::join!(asking, sender::live(crowd, client, visit, &http)).1
}

async fn ask_and_hold(crowd: &Crowd, client: u32, visit: &Visit, asker: &mut Asker<'_>, hold: Duration) {
    // The first hold is a seeded share, so that a crowd's holds do not all end together. Those who come
    // later do not come together.
    let share = if visit.is_first() { first_share(crowd.seed, client.into()) } else { 1.0 };
    let mut wait = hold.mul_f64(share);
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
