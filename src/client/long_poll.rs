//! Long polling: ask, let the server hold the answer until there is news, ask again.

use std::time::Duration;

use super::comeback::Comeback;
use super::http::{Asker, Line};
use super::{Crowd, sender};
use crate::ledger::Polled;
use crate::transport::{Http, first_share};
use crate::workload::Visit;

/// Beyond the hold, an answer has this long to arrive.
const SLACK: Duration = Duration::from_secs(10);

pub(super) async fn stay(crowd: &Crowd, client: u32, visit: &Visit, came: i64, hold: Duration) -> i64 {
    let Ok(line) = line(crowd, hold) else { return i64::MIN };
    let mut asker = Asker::new(crowd, client, &line, false);
    if !asker.find_position(visit, came).await || !crowd.through_the_gate().await {
        return i64::MIN;
    }
    let own = crowd.own_events(client, visit);
    let asking = async {
        let on_and_on = async {
            // Nothing is left to turn to: a refusal is one more failure.
            while !crowd.stop.is_cancelled() {
                ask_and_hold(crowd, client, visit, &mut asker, hold).await;
            }
        };
        // Who leaves does not wait for the held answer: it may never come.
        tokio::select! {
            () = on_and_on => {}
            () = crowd.over(visit) => {}
        }
    };
    tokio::join!(asking, sender::live(crowd, client, visit, &line, own)).1
}

/// Connections on which an answer may be held so long.
pub(super) fn line(crowd: &Crowd, hold: Duration) -> reqwest::Result<Line> {
    Line::new(crowd, true, Http::One, Some(hold + SLACK))
}

/// Asks until the run ends, or long polls are refused for good.
pub(super) async fn ask_and_hold(
    crowd: &Crowd,
    client: u32,
    visit: &Visit,
    asker: &mut Asker<'_>,
    hold: Duration,
) {
    // The first hold is a seeded share, so that a crowd's holds do not all end together. Those who come
    // later do not come together.
    let share = if visit.is_first() { first_share(crowd.seed, client.into()) } else { 1.0 };
    let mut wait = hold.mul_f64(share);
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
