//! Long polling: a poll that is held until there is news, or its hold ends.

use tokio::time::sleep;

use super::App;
use super::poll::room;
use super::problem::Problem;
use super::query::Asked;
use crate::feed::Replay;

/// Answers at the first event, at once when the position cannot be resumed, and empty when the
/// hold or the server ends.
pub(super) async fn hold(app: &App, topic: &str, mut asked: Asked) -> Result<Replay, Problem> {
    let mut subscription = app.broker.subscribe(topic, &asked.position).await?;
    let hold = sleep(asked.wait.min(app.settings.hold_max));
    tokio::pin!(hold);
    let mut over = false;
    let mut turn = None;
    loop {
        let now = app.settings.clock.now();
        let replay = subscription.replay(&asked.position, &asked.who, room(&asked), now);
        if over || !replay.events.is_empty() || !replay.recovered {
            return Ok(replay);
        }
        // Nothing for this reader up to the head: wait for what comes after it.
        asked.position.after = Some(replay.offset);
        tokio::select! {
            biased;
            () = subscription.changed() => {}
            () = &mut hold => over = true,
            () = app.sent_away(&mut turn) => over = true,
        }
    }
}
