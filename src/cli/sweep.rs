//! `anynews sweep`: one scenario at several values of one or two settings.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::engine::{self, How};
use super::signals::Signal;
use super::{Exit, Format, Usage, print, say, stage};
use crate::report;
use crate::report::numbers::count;
use crate::report::sweep::{self, Point, Sweep};
use crate::report::text::{self, Style};
use crate::scenario::file::Overrides;
use crate::scenario::{Engine, Scenario, shipped};
use crate::transport::Way;
use crate::units::{format_duration, parse_duration};

mod grid;

/// Options of `sweep`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scenario file, or the name of a shipped scenario
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// A setting and its values: poll.interval=1s,2s,5s; twice for a grid
    #[arg(long, required = true, value_name = "KEY=V1,V2,…")]
    vary: Vec<String>,
    /// Engine: live (sockets), sim (virtual time) or theory (closed form)
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// Run only these transports
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    only: Vec<String>,
    /// Change a setting at every point
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Length of the measured window
    #[arg(long, value_name = "D")]
    duration: Option<String>,
    /// Longest that 99 of 100 messages may take [default: what each point's own poll lets news wait]
    #[arg(long, value_name = "D")]
    max_delay: Option<String>,
    /// Directory to write to [default: reports/sweep-NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Open the report when it is written
    #[arg(long)]
    open: bool,
    /// What stdout gets: a table and findings, or the sweep document
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write no report
    #[arg(long)]
    no_report: bool,
    /// Run transports one after another instead of all at once
    #[arg(long)]
    in_turn: bool,
    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// A point that has not been run.
struct Planned {
    values: Vec<String>,
    scenario: Scenario,
}

pub(super) fn run(args: Args) -> Exit {
    let keys = grid::keys(&args.vary, &taken(&args)).map_err(Usage)?;
    let max_delay_s = bound(args.max_delay.as_deref())?;
    let planned = load(&args, &keys)?;
    let directory = directory(&args, &planned[0].scenario);
    if !args.no_report {
        // Before the first run: a measurement must not be lost because of where it should go.
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot write to {}", directory.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut swept = Sweep { keys, points: Vec::new(), max_delay_s };
    let code = runtime.block_on(all(&args, planned, &mut swept))?;
    if !swept.points.is_empty() {
        finish(&args, &swept, &directory)?;
    }
    if code != 0 {
        // A computation that was interrupted cannot be waited for.
        std::process::exit(code.into());
    }
    Ok(0)
}

/// Settings that other flags of the command line decide: key and flag.
fn taken(args: &Args) -> Vec<(String, String)> {
    let own = [
        (args.seed.is_some(), "seed", "--seed"),
        (args.duration.is_some(), "duration", "--duration"),
        (args.engine.is_some(), "engine", "--engine"),
    ];
    let own =
        own.iter().filter(|(given, ..)| *given).map(|(_, key, flag)| ((*key).to_owned(), (*flag).to_owned()));
    let set = args.set.iter().filter_map(|text| text.split_once('='));
    own.chain(set.map(|(key, _)| (key.trim().to_owned(), format!("--set {}", key.trim())))).collect()
}

fn bound(text: Option<&str>) -> Result<Option<f64>, Usage> {
    let Some(text) = text else { return Ok(None) };
    match parse_duration(text) {
        Ok(value) if !value.is_zero() => Ok(Some(value.as_secs_f64())),
        Ok(_) => {
            Err(Usage("--max-delay: no message takes no time at all; write something above 0ms".to_owned()))
        }
        Err(why) => Err(Usage(format!("--max-delay: {why}"))),
    }
}

/// Checks every point before the first runs, and names the problems of all of them once.
fn load(args: &Args, keys: &[sweep::Key]) -> anyhow::Result<Vec<Planned>> {
    let (mut planned, mut problems) = (Vec::new(), Vec::<String>::new());
    for values in grid::places(keys) {
        let overrides = Overrides {
            set: args.set.clone(),
            vary: keys.iter().zip(&values).map(|(key, value)| format!("{}={value}", key.name)).collect(),
            seed: args.seed,
            engine: args.engine.clone(),
            duration: args.duration.clone(),
            only: args.only.clone(),
        };
        match shipped::load(&args.scenario, &overrides) {
            Ok(scenario) => planned.push(Planned { values, scenario }),
            Err(error) => {
                for line in error.to_string().lines() {
                    if !problems.iter().any(|known| known == line) {
                        problems.push(line.to_owned());
                    }
                }
            }
        }
    }
    if let Some(first) = planned.first() {
        problems.extend(grid::left_out(keys, &args.only, &first.scenario));
    }
    if problems.is_empty() { Ok(planned) } else { Err(Usage(problems.join("\n")).into()) }
}

fn directory(args: &Args, scenario: &Scenario) -> PathBuf {
    args.out.clone().unwrap_or_else(|| Path::new("reports").join(format!("sweep-{}", scenario.name)))
}

/// Runs the points until they are done or a signal comes; the exit code.
async fn all(args: &Args, planned: Vec<Planned>, swept: &mut Sweep) -> anyhow::Result<u8> {
    let signal = Signal::watch()?;
    let many = planned.len();
    let loud = !args.quiet;
    if loud {
        say(&beginning(&planned));
    }
    for (index, Planned { values, scenario }) in planned.into_iter().enumerate() {
        if loud {
            let pairs = swept.keys.iter().zip(&values).map(|(key, value)| format!("{}={value}", key.name));
            say(&format!("{} of {}: {}", index + 1, count(many as u64), pairs.collect::<Vec<_>>().join(" ")));
        }
        let how = How {
            elsewhere: None,
            in_turn: args.in_turn,
            keep_deliveries: false,
            prediction: None,
            // The stage of a single run would be gone as soon as it is drawn.
            show: if loud && std::io::stderr().is_terminal() && many == 1 {
                stage::Show::Stage
            } else {
                stage::Show::Nothing
            },
        };
        if let Some((outcome, _)) = engine::run(&scenario, how, &signal).await? {
            swept.points.push(Point { values, outcome });
        }
        if signal.code() != 0 {
            if loud {
                say(&format!("stopped after {} of {many} points", swept.points.len()));
            }
            break;
        }
    }
    Ok(signal.code())
}

/// What comes, and how long it takes where that is known.
fn beginning(planned: &[Planned]) -> String {
    let live = planned.iter().filter(|point| point.scenario.engine == Engine::Live);
    let longest = |scenario: &Scenario| {
        let hold = scenario.transports.iter().map(|transport| match &transport.way {
            Way::Poll { interval, .. } => *interval,
            Way::LongPoll { hold, .. } => *hold,
            _ => Duration::ZERO,
        });
        scenario.warmup + scenario.duration + hold.max().unwrap_or_default()
    };
    let total: Duration = live.map(|point| longest(&point.scenario)).sum();
    let points = if planned.len() == 1 { "1 point".to_owned() } else { format!("{} points", planned.len()) };
    if total.is_zero() {
        points
    } else {
        format!("{points}, {} at most", format_duration(Duration::from_secs(total.as_secs() + 1)))
    }
}

fn finish(args: &Args, swept: &Sweep, directory: &Path) -> anyhow::Result<()> {
    let written = if args.no_report { None } else { Some(sweep::write(swept, directory)?) };
    match args.format {
        Format::Text => print(&text::sweep(swept, Style::Coloured))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&swept.document())?))?,
    }
    let Some(report::Written { html, .. }) = written else { return Ok(()) };
    let line = format!("Report: {}", html.display());
    match (args.format, args.quiet) {
        (Format::Text, _) => print(&format!("{line}\n"))?,
        (Format::Json, false) => say(&line),
        (Format::Json, true) => {}
    }
    if args.open
        && let Err(error) = open::that_detached(&html)
    {
        say(&format!("anynews: cannot open {}: {error}", html.display()));
    }
    Ok(())
}
