//! `anynews run`: scenarios in, a table, a verdict and a report out.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use super::{Exit, THRESHOLD_FAILED, Usage, print, say, stage};
use crate::live;
use crate::outcome::{Delivery, Outcome};
use crate::report;
use crate::scenario::file::Overrides;
use crate::scenario::{Engine, Scenario, shipped};
use crate::{sim, theory};

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario files, or names of shipped scenarios (see `anynews scenarios`)
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Engine: live (sockets), sim (virtual time) or theory (closed form)
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// Run only these transports
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    only: Vec<String>,
    /// Change a setting: clients=50, workload.mean_gap=10s, poll.interval=1s
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Length of the measured window
    #[arg(long, value_name = "D")]
    duration: Option<String>,
    /// Report directory [default: reports/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Open the report when it is written
    #[arg(long)]
    open: bool,
    /// What stdout gets: a table and a verdict, or the outcome document
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write no report
    #[arg(long)]
    no_report: bool,
    /// Also write every delivery to deliveries.csv
    #[arg(long)]
    samples: bool,
    /// Run transports one after another instead of all at once
    #[arg(long)]
    in_turn: bool,
    /// Servers elsewhere (not built yet)
    #[arg(long, value_name = "URL", value_delimiter = ',', hide = true)]
    target: Vec<String>,
    /// One of several load machines (not built yet)
    #[arg(long, value_name = "I/N", hide = true)]
    shard: Option<String>,
    /// No progress, no transcript, no question
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: Args) -> Exit {
    refuse_what_is_not_built(&args)?;
    let scenarios = load(&args)?;
    let directories: Vec<PathBuf> = scenarios.iter().map(|s| directory(&args, s, scenarios.len())).collect();
    if !args.no_report {
        for directory in &directories {
            // Before the run: a measurement must not be lost because of where it should go.
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot write to {}", directory.display()))?;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(all(&args, &scenarios, &directories))
}

fn refuse_what_is_not_built(args: &Args) -> anyhow::Result<()> {
    let refusal = if !args.target.is_empty() {
        "--target is not built yet: `run` starts its own servers"
    } else if args.shard.is_some() {
        "--shard is not built yet: one machine carries the whole run"
    } else {
        return Ok(());
    };
    Err(Usage(refusal.to_owned()).into())
}

/// Loads every scenario before the first runs, and reports the problems of all of them together.
fn load(args: &Args) -> anyhow::Result<Vec<Scenario>> {
    let overrides = Overrides {
        set: args.set.clone(),
        seed: args.seed,
        engine: args.engine.clone(),
        duration: args.duration.clone(),
        only: args.only.clone(),
    };
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    for name in &args.scenarios {
        match shipped::load(name, &overrides) {
            Ok(scenario) if args.samples && scenario.engine == Engine::Theory => problems.push(format!(
                "{}: --samples: formulas deliver nothing one by one; try --engine sim",
                scenario.name
            )),
            Ok(scenario) => scenarios.push(scenario),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(Usage(problems.join("\n")).into()) }
}

fn directory(args: &Args, scenario: &Scenario, of: usize) -> PathBuf {
    match &args.out {
        Some(out) if of == 1 => out.clone(),
        Some(out) => out.join(&scenario.name),
        None => Path::new("reports").join(&scenario.name),
    }
}

async fn all(args: &Args, scenarios: &[Scenario], directories: &[PathBuf]) -> Exit {
    let signal = Signal::watch()?;
    let mut outcomes = Vec::new();
    let mut code = 0;
    for (scenario, directory) in scenarios.iter().zip(directories) {
        let (outcome, deliveries) = one(args, scenario, &signal).await?;
        if args.format == Format::Text {
            print(&report::text::summary(&outcome, report::text::Style::Coloured))?;
        }
        if !args.no_report {
            save(args, &outcome, &deliveries, directory)?;
        }
        if outcome.thresholds.iter().any(|t| !t.passed) {
            code = THRESHOLD_FAILED;
        }
        outcomes.push(outcome);
        if signal.code() != 0 {
            code = signal.code();
            break;
        }
    }
    if args.format == Format::Json {
        print_json(&outcomes, scenarios.len())?;
    }
    Ok(code)
}

async fn one(args: &Args, scenario: &Scenario, signal: &Signal) -> anyhow::Result<(Outcome, Vec<Delivery>)> {
    let on_terminal = std::io::stderr().is_terminal() && !args.quiet;
    let may_ask = on_terminal && std::io::stdin().is_terminal() && args.format == Format::Text;
    let prediction = if may_ask { stage::ask(scenario)? } else { None };
    match scenario.engine {
        Engine::Live => live_run(args, scenario, signal, prediction, on_terminal).await,
        Engine::Sim | Engine::Theory => computed_run(args, scenario, signal, prediction).await,
    }
}

/// An engine that only computes: a signal ends the program, since nothing was measured yet.
async fn computed_run(
    args: &Args,
    scenario: &Scenario,
    signal: &Signal,
    prediction: Option<String>,
) -> anyhow::Result<(Outcome, Vec<Delivery>)> {
    let keep_deliveries = args.samples;
    let owned = scenario.clone();
    let computing = tokio::task::spawn_blocking(move || {
        if owned.engine == Engine::Theory {
            let outcome = theory::run(&owned, prediction).map_err(|error| error.to_string())?;
            return Ok((outcome, Vec::new()));
        }
        let options = sim::Options { prediction, keep_deliveries, ..sim::Options::default() };
        sim::run(&owned, &options).map_err(|error| error.to_string())
    });
    tokio::select! {
        result = computing => {
            result?.map_err(|error: String| Usage(format!("{}: {error}", scenario.name)).into())
        }
        () = signal.interrupt.cancelled() => std::process::exit(signal.code().into()),
    }
}

async fn live_run(
    args: &Args,
    scenario: &Scenario,
    signal: &Signal,
    prediction: Option<String>,
    on_terminal: bool,
) -> anyhow::Result<(Outcome, Vec<Delivery>)> {
    let (progress, events) = mpsc::unbounded_channel();
    let show = match (args.quiet, on_terminal) {
        (true, _) => stage::Show::Nothing,
        (false, true) => stage::Show::Stage,
        (false, false) => stage::Show::Lines,
    };
    let showing = tokio::spawn(stage::play(scenario.clone(), show, events));
    let options = live::Options {
        executable: std::env::current_exe()?,
        in_turn: args.in_turn,
        prediction,
        keep_deliveries: args.samples,
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

fn save(args: &Args, outcome: &Outcome, deliveries: &[Delivery], directory: &Path) -> anyhow::Result<()> {
    let written = report::write(outcome, directory)?;
    if args.samples {
        let file = directory.join("deliveries.csv");
        std::fs::write(&file, report::csv::deliveries(deliveries))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let page = written.html;
    let to_stdout = args.format == Format::Text;
    let hint = if args.open { "" } else { "   (--open)" };
    if to_stdout {
        print(&format!("Report: {}{hint}\n", page.display()))?;
    } else if !args.quiet {
        say(&format!("Report: {}{hint}", page.display()));
    }
    if args.open
        && let Err(error) = open::that_detached(&page)
    {
        say(&format!("anynews: cannot open {}: {error}", page.display()));
    }
    Ok(())
}

/// One document for one scenario, an array for several, however many of them a signal left.
fn print_json(outcomes: &[Outcome], asked: usize) -> anyhow::Result<()> {
    let text = match outcomes {
        [one] if asked == 1 => serde_json::to_string_pretty(one)?,
        several => serde_json::to_string_pretty(several)?,
    };
    Ok(print(&format!("{text}\n"))?)
}

/// SIGINT and SIGTERM: the first ends the window early, the second the wait for what is still under
/// way, the third the program.
#[derive(Clone)]
struct Signal {
    interrupt: CancellationToken,
    hurry: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Signal {
    fn watch() -> std::io::Result<Self> {
        let (interrupt, hurry) = (CancellationToken::new(), CancellationToken::new());
        let signal = Self { interrupt, hurry, code: Arc::new(AtomicU8::new(0)) };
        let Self { interrupt, hurry, code } = signal.clone();
        let mut signals = Signals::take_over()?;
        tokio::spawn(async move {
            loop {
                let number = signals.next().await;
                let again = code.swap(number, Ordering::Relaxed) != 0;
                match (again, hurry.is_cancelled()) {
                    (false, _) => interrupt.cancel(),
                    (true, false) => hurry.cancel(),
                    (true, true) => std::process::exit(number.into()),
                }
            }
        });
        Ok(signal)
    }

    fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }
}
