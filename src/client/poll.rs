//! Short polling: a GET on every point of an absolute grid.

use std::time::Duration;

use super::http::{Asker, Line};
use super::{Crowd, sender};
use crate::clock::as_micros;
use crate::ledger::Polled;
use crate::random::{Dice, stream};
use crate::transport::{first_poll, next_poll};

/// A poll without an answer after this long has failed.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How one transport polls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) interval: Duration,
    pub(super) keep_alive: bool,
    pub(super) conditional: bool,
}

pub(super) async fn live(crowd: &Crowd, client: u32, manner: Manner) {
    let Ok(line) = Line::new(crowd, manner.keep_alive, Some(TIMEOUT)) else { return };
    let mut asker = Asker::new(crowd, client, &line, manner.conditional);
    if !asker.find_position().await || !crowd.through_the_gate().await {
        return;
    }
    let own = &crowd.plan.by_author[client as usize];
    tokio::join!(
        ask_on_the_grid(crowd, client, &mut asker, manner.interval, -crowd.warmup),
        sender::live(crowd, client, &line, own)
    );
}

/// Polls until the run ends; the first poll is due within one interval after `from`.
pub(super) async fn ask_on_the_grid(
    crowd: &Crowd,
    client: u32,
    asker: &mut Asker<'_>,
    interval: Duration,
    from: i64,
) {
    let interval = as_micros(interval);
    let phase = Dice::new(crowd.seed, &[stream::POLL_PHASE, client.into()]).unit() * interval as f64;
    let mut intended = first_poll(from, phase as i64, interval);
    loop {
        tokio::select! {
            () = crowd.sleep_until(intended) => {}
            () = crowd.stop.cancelled() => return,
        }
        let answered = ask(crowd, client, asker, intended).await;
        let next = next_poll(intended, answered, interval);
        if next.skipped > 0 {
            let mut ledger = crowd.ledger();
            for k in 1..=next.skipped {
                ledger.poll_skipped(intended + k * interval, answered);
            }
        }
        intended = next.at;
    }
}

/// One poll and, while the server says there is more, the next at once. Returns when it was over.
async fn ask(crowd: &Crowd, client: u32, asker: &mut Asker<'_>, mut intended: i64) -> i64 {
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
        if !got.more {
            return answered;
        }
        intended = answered;
    }
}
