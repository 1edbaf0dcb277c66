//! Short polling: a GET on every point of an absolute grid.

use std::time::Duration;

use super::http::{Asker, Line};
use super::{Crowd, sender};
use crate::ledger::Polled;
use crate::random::{Dice, stream};
use crate::transport::{Http, Pace, first_poll};
use crate::workload::Visit;

/// A poll without an answer after this long has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How one transport polls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) pace: Pace,
    pub(super) keep_alive: bool,
    pub(super) conditional: bool,
    pub(super) http: Http,
}

pub(super) async fn stay(crowd: &Crowd, client: u32, visit: &Visit, came: i64, manner: Manner) -> i64 {
    let Manner { pace, keep_alive, conditional, http } = manner;
    let Ok(line) = Line::new(crowd, keep_alive, http, Some(TIMEOUT)) else { return i64::MIN };
    let mut asker = Asker::new(crowd, client, &line, conditional);
    if !asker.find_position(visit, came).await || !crowd.through_the_gate().await {
        return i64::MIN;
    }
    let own = crowd.own_events(client, visit);
    // Who comes while the run is on has begun a grid of polls by asking where the feed stands.
    let first = if visit.is_first() {
        first_on_the_grid(crowd, client, pace, -crowd.warmup)
    } else {
        next_on_the_grid(crowd, pace, came, crowd.now())
    };
    let (asked, sent) = tokio::join!(
        ask_on_the_grid(crowd, client, visit, &mut asker, pace, first),
        sender::live(crowd, client, visit, &line, own)
    );
    asked.max(sent)
}

/// Where somebody's grid of polls begins: at an even share of an interval after `from`.
pub(super) fn first_on_the_grid(crowd: &Crowd, client: u32, pace: Pace, from: i64) -> i64 {
    let share = Dice::new(crowd.seed, &[stream::POLL_PHASE, client.into()]).unit();
    first_poll(from, (share * pace.least() as f64) as i64, pace.least())
}

/// The next point of the grid; those that passed while an answer was outstanding are booked as skipped.
fn next_on_the_grid(crowd: &Crowd, pace: Pace, intended: i64, answered: i64) -> i64 {
    let next = pace.next(intended, answered);
    if next.skipped > 0 {
        let mut ledger = crowd.ledger();
        for k in 1..=next.skipped {
            ledger.poll_skipped(intended + k * next.interval, answered);
        }
    }
    next.at
}

/// Polls until the visit is over, for the first time when `intended`; returns when the last answer came.
pub(super) async fn ask_on_the_grid(
    crowd: &Crowd,
    client: u32,
    visit: &Visit,
    asker: &mut Asker<'_>,
    mut pace: Pace,
    mut intended: i64,
) -> i64 {
    let mut answered = crowd.now();
    while intended < visit.until {
        tokio::select! {
            () = crowd.sleep_until(intended) => {}
            () = crowd.stop.cancelled() => return answered,
        }
        answered = ask(crowd, client, asker, &mut pace, intended).await;
        intended = next_on_the_grid(crowd, pace, intended, answered);
    }
    tokio::select! {
        () = crowd.over(visit) => {}
        () = crowd.stop.cancelled() => {}
    }
    answered
}

/// One poll and, while the server says there is more, the next at once. Returns when it was over.
async fn ask(crowd: &Crowd, client: u32, asker: &mut Asker<'_>, pace: &mut Pace, mut intended: i64) -> i64 {
    let mut events = 0;
    loop {
        let sent = crowd.now();
        let got = asker.ask(None, Some(sent)).await;
        let answered = crowd.now();
        let Some(got) = got else {
            crowd.ledger().poll_failed(intended);
            return answered;
        };
        crowd.ledger().polled(Polled { client, intended, sent, answered, events: got.events });
        asker.tell_nope(got);
        events += got.events;
        if !got.more {
            pace.heard(events > 0);
            return answered;
        }
        intended = answered;
    }
}
