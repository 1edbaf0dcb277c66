//! One scenario on its engine, with progress on stderr and signals obeyed: what `run` and `sweep` share.

use tokio::sync::mpsc;

use super::signals::Signal;
use super::{Usage, stage};
use crate::outcome::{Delivery, Outcome};
use crate::scenario::{Engine, Scenario};
use crate::{live, sim, theory};

/// How to run it.
pub(super) struct How {
    /// Servers that others started; none: the live engine starts its own.
    pub(super) elsewhere: Option<live::Elsewhere>,
    /// Transports one after another.
    pub(super) in_turn: bool,
    /// Return every delivery too.
    pub(super) keep_deliveries: bool,
    /// The user's guess.
    pub(super) prediction: Option<String>,
    /// What to show meanwhile.
    pub(super) show: stage::Show,
}

/// Runs a scenario to its end, or to a signal; `None` when a signal came before anything was measured.
///
/// # Errors
/// The scenario is too large, or no formula describes it (a [`Usage`] error); or the run failed.
pub(super) async fn run(
    scenario: &Scenario,
    how: How,
    signal: &Signal,
) -> anyhow::Result<Option<(Outcome, Vec<Delivery>)>> {
    match scenario.engine {
        Engine::Live => measure(scenario, how, signal).await.map(Some),
        Engine::Sim | Engine::Theory => compute(scenario, how, signal).await,
    }
}

/// An engine that only computes: it has nothing until it is done.
async fn compute(
    scenario: &Scenario,
    how: How,
    signal: &Signal,
) -> anyhow::Result<Option<(Outcome, Vec<Delivery>)>> {
    if scenario.engine == Engine::Sim && how.show != stage::Show::Nothing {
        for transport in &scenario.transports {
            if let Some(why) = sim::steps_because(scenario, &transport.way) {
                super::say(&format!("{}: each poll is worked off ({why})", transport.label));
            }
        }
    }
    let owned = scenario.clone();
    let computing = tokio::task::spawn_blocking(move || {
        let How { prediction, keep_deliveries, .. } = how;
        if owned.engine == Engine::Theory {
            let outcome = theory::run(&owned, prediction).map_err(|error| error.to_string())?;
            return Ok((outcome, Vec::new()));
        }
        let options = sim::Options { prediction, keep_deliveries, ..sim::Options::default() };
        sim::run(&owned, &options).map_err(|error| error.to_string())
    });
    tokio::select! {
        result = computing => {
            let computed = result?.map_err(|error: String| Usage(format!("{}: {error}", scenario.name)))?;
            Ok(Some(computed))
        }
        () = signal.interrupt.cancelled() => Ok(None),
    }
}

async fn measure(scenario: &Scenario, how: How, signal: &Signal) -> anyhow::Result<(Outcome, Vec<Delivery>)> {
    let (progress, events) = mpsc::unbounded_channel();
    let showing = tokio::spawn(stage::play(scenario.clone(), how.show, events));
    let options = live::Options {
        executable: std::env::current_exe()?,
        elsewhere: how.elsewhere,
        in_turn: how.in_turn,
        prediction: how.prediction,
        keep_deliveries: how.keep_deliveries,
        progress,
        interrupt: signal.interrupt.clone(),
        hurry: signal.hurry.clone(),
    };
    let result = live::run(scenario, &options).await;
    drop(options);
    let _ = showing.await;
    result.map_err(|error| match error {
        live::Error::TooLarge(why) => Usage(format!("{}: {why}", scenario.name)).into(),
        live::Error::Failed(error) => error,
    })
}
