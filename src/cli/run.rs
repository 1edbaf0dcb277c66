//! `anynews run`: scenarios in, a table, a verdict and a report out.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::engine::{self, How};
use super::signals::Signal;
use super::{Exit, Format, THRESHOLD_FAILED, Usage, elsewhere, print, say, stage};
use crate::live::{self, Elsewhere};
use crate::outcome::{Delivery, Outcome};
use crate::report;
use crate::scenario::file::Overrides;
use crate::scenario::shard::Shard;
use crate::scenario::{Engine, Scenario, shipped};

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
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    seed: Option<u64>,
    /// Length of the measured window
    #[arg(long, value_name = "D", allow_hyphen_values = true)]
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
    #[arg(long, conflicts_with = "no_report")]
    samples: bool,
    /// Run transports one after another instead of all at once
    #[arg(long)]
    in_turn: bool,
    #[command(flatten)]
    elsewhere: elsewhere::Given,
    /// Play only this one of so many parts of the people; `report` merges the parts
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// No progress, no transcript, no question
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(args: Args) -> Exit {
    let elsewhere = args.elsewhere.read()?;
    let scenarios = load(&args, elsewhere.is_some())?;
    let directories: Vec<PathBuf> = scenarios.iter().map(|s| directory(&args, s, scenarios.len())).collect();
    if !args.no_report {
        apart(&directories)?;
        for directory in &directories {
            // Before the run: a measurement must not be lost because of where it should go.
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot write to {}", directory.display()))?;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(all(&args, elsewhere.as_ref(), &scenarios, &directories))
}

/// Loads every scenario before the first runs, and reports the problems of all of them together.
fn load(args: &Args, elsewhere: bool) -> anyhow::Result<Vec<Scenario>> {
    let overrides = Overrides {
        set: args.set.clone(),
        seed: args.seed,
        engine: args.engine.clone(),
        duration: args.duration.clone(),
        only: args.only.clone(),
        vary: Vec::new(),
    };
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    for name in &args.scenarios {
        match shipped::load(name, &overrides) {
            Ok(scenario) if args.samples && scenario.engine == Engine::Theory => problems.push(format!(
                "{}: --samples: formulas deliver nothing one by one; try --engine sim",
                scenario.name
            )),
            Ok(scenario) => {
                let scenario = Scenario { shard: args.shard, ..scenario };
                match unfit(&scenario, elsewhere) {
                    Some(why) => problems.push(format!("{}: {why}", scenario.name)),
                    None => scenarios.push(scenario),
                }
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(Usage(problems.join("\n")).into()) }
}

/// Why a scenario cannot be played as the command line wants it, in words.
fn unfit(scenario: &Scenario, elsewhere: bool) -> Option<String> {
    if elsewhere && scenario.engine != Engine::Live {
        return Some(
            "--target: servers are asked by --engine live only; leave out one of the two".to_owned(),
        );
    }
    if scenario.shard.is_some() && scenario.engine == Engine::Theory {
        return Some(
            "--shard: formulas answer for everybody at once; leave out --shard, or try --engine sim"
                .to_owned(),
        );
    }
    if let Some(why) = scenario.unfit_for_its_shard() {
        return Some(format!("--shard: {why}"));
    }
    let why = if elsewhere { live::unfit(scenario) } else { None };
    why.map(|why| format!("--target: {why}"))
}

fn directory(args: &Args, scenario: &Scenario, of: usize) -> PathBuf {
    match &args.out {
        Some(out) if of == 1 => out.clone(),
        Some(out) => out.join(&scenario.name),
        None => Path::new("reports").join(&scenario.name),
    }
}

/// Reports that would overwrite one another are refused before anything is measured.
fn apart(directories: &[PathBuf]) -> anyhow::Result<()> {
    for (n, directory) in directories.iter().enumerate() {
        if directories[..n].contains(directory) {
            let at = directory.display();
            return Err(Usage(format!(
                "two scenarios would write their report to {at}; rename one file, or run them one by one with --out"
            ))
            .into());
        }
    }
    Ok(())
}

async fn all(
    args: &Args,
    elsewhere: Option<&Elsewhere>,
    scenarios: &[Scenario],
    directories: &[PathBuf],
) -> Exit {
    let signal = Signal::watch()?;
    let mut outcomes = Vec::new();
    let mut code = 0;
    for (scenario, directory) in scenarios.iter().zip(directories) {
        let measured = match one(args, elsewhere, scenario, &signal).await {
            Ok(measured) => measured,
            Err(error) => {
                // What was measured before is not lost with it.
                print_json(args, &outcomes, scenarios.len())?;
                return Err(error);
            }
        };
        // A signal came before anything was measured.
        let Some((outcome, deliveries)) = measured else {
            code = signal.code();
            break;
        };
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
    print_json(args, &outcomes, scenarios.len())?;
    Ok(code)
}

async fn one(
    args: &Args,
    elsewhere: Option<&Elsewhere>,
    scenario: &Scenario,
    signal: &Signal,
) -> anyhow::Result<Option<(Outcome, Vec<Delivery>)>> {
    let on_terminal = std::io::stderr().is_terminal() && !args.quiet;
    let may_ask = on_terminal && std::io::stdin().is_terminal() && args.format == Format::Text;
    let how = How {
        elsewhere: elsewhere.cloned(),
        in_turn: args.in_turn,
        keep_deliveries: args.samples,
        prediction: if may_ask { stage::ask(scenario)? } else { None },
        show: match (args.quiet, on_terminal) {
            (true, _) => stage::Show::Nothing,
            (false, true) => stage::Show::Stage,
            (false, false) => stage::Show::Lines,
        },
    };
    engine::run(scenario, how, signal).await
}

fn save(args: &Args, outcome: &Outcome, deliveries: &[Delivery], directory: &Path) -> anyhow::Result<()> {
    let written = report::write(outcome, directory)?;
    let file = directory.join("deliveries.csv");
    if args.samples {
        std::fs::write(&file, report::csv::deliveries(deliveries))
            .with_context(|| format!("cannot write {}", file.display()))?;
    } else {
        // That of an earlier run would stand beside an outcome it does not belong to.
        let _ = std::fs::remove_file(&file);
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

/// One document for one scenario, an array for several, however many of them a signal or an error left.
fn print_json(args: &Args, outcomes: &[Outcome], asked: usize) -> anyhow::Result<()> {
    if args.format != Format::Json || outcomes.is_empty() {
        return Ok(());
    }
    let text = match outcomes {
        [one] if asked == 1 => serde_json::to_string_pretty(one)?,
        several => serde_json::to_string_pretty(several)?,
    };
    Ok(print(&format!("{text}\n"))?)
}
