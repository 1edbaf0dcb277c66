//! `anynews advise`: which transport to use, for a scenario or for a few figures.

use std::time::Duration;

use super::{Exit, Usage, print, say};
use crate::advice::{Advice, Machine, Need, Question, Situation};
use crate::report::advice as words;
use crate::report::text::Style;
use crate::scenario::file::Overrides;
use crate::scenario::shipped;
use crate::units::{parse_duration, parse_size};

mod calibrate;

/// Options of `advise`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Without a scenario and without --clients, --gap and --max-delay: when to use what.")]
pub(super) struct Args {
    /// Scenario file, or the name of a shipped scenario
    #[arg(value_name = "SCENARIO", conflicts_with_all = ["clients", "gap", "payload", "rtt", "two_way"])]
    scenario: Option<String>,
    /// People at a time
    #[arg(long, value_name = "N")]
    clients: Option<u32>,
    /// Mean time between messages to one person, like 30s
    #[arg(long, value_name = "D")]
    gap: Option<String>,
    /// Longest that 99 of 100 messages may take, like 2s
    #[arg(long, value_name = "D")]
    max_delay: Option<String>,
    /// Size of a message as JSON, like 64B
    #[arg(long, value_name = "SIZE", conflicts_with = "two_way")]
    payload: Option<String>,
    /// Round trip between client and server, like 60ms
    #[arg(long, value_name = "D")]
    rtt: Option<String>,
    /// Mean length of a visit, like 30s [default: people stay]
    #[arg(long, value_name = "D")]
    visit: Option<String>,
    /// All may get the same answer, a little old: a cache may stand in front
    #[arg(long)]
    cacheable: bool,
    /// People write to each other, as often as they read
    #[arg(long)]
    two_way: bool,
    /// Change a setting of the scenario: clients=50, workload.mean_gap=10s
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// As the answer in a design interview
    #[arg(long)]
    interview: bool,
    /// Measure what requests, frames and connections cost on this machine (about a minute), and keep it
    #[arg(long, conflicts_with_all = [
        "scenario", "clients", "gap", "max_delay", "payload", "rtt", "visit", "cacheable", "two_way", "set",
        "interview",
    ])]
    calibrate: bool,
    /// What stdout gets
    #[arg(long, value_enum, default_value_t = super::Format::Text)]
    format: super::Format,
    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// What an interview is about when nothing is asked.
const EXAMPLE: &str = "chat";

pub(super) fn run(args: Args) -> Exit {
    if args.calibrate {
        let machine = calibrate::run(args.quiet)?;
        return done(&args, &machine, || words::machine(&machine));
    }
    let asked = args.clients.is_some() || args.gap.is_some() || args.max_delay.is_some();
    if args.scenario.is_none() && !asked {
        only_with_a_question(&args)?;
        if args.interview {
            say(&format!(
                "An example, about `{EXAMPLE}`; give a scenario or --clients, --gap and --max-delay."
            ));
            let example = Args { scenario: Some(EXAMPLE.to_owned()), ..args };
            return answer(&example);
        }
        return done(&args, &words::rules(), || words::list(Style::Coloured));
    }
    answer(&args)
}

fn answer(args: &Args) -> Exit {
    let machine = machine()?;
    let situation = match &args.scenario {
        Some(name) => about_scenario(args, name, machine)?,
        None => question(args)?.situation(machine).map_err(|error| Usage(error.to_string()))?,
    };
    let advice = situation.advise().map_err(|error| Usage(format!("no advice: {error}")))?;
    if args.format == super::Format::Json && args.interview {
        return done(args, &with_interview(&advice)?, String::new);
    }
    done(args, &advice, || {
        if args.interview {
            words::interview(&advice, Style::Coloured)
        } else {
            words::text(&advice, Style::Coloured)
        }
    })
}

/// The document with the sections of the interview in it.
fn with_interview(advice: &Advice) -> anyhow::Result<serde_json::Value> {
    let mut document = serde_json::to_value(advice)?;
    let section = |(heading, text): (&str, String)| serde_json::json!({"heading": heading, "text": text});
    document["interview"] = words::sections(advice).into_iter().map(section).collect();
    Ok(document)
}

/// Prints what was found, in the format that was asked for.
fn done(args: &Args, document: &impl serde::Serialize, text: impl FnOnce() -> String) -> Exit {
    match args.format {
        super::Format::Text => print(&text())?,
        super::Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(document)?))?,
    }
    Ok(0)
}

/// Refuses options that say something about a question that was not asked.
fn only_with_a_question(args: &Args) -> Result<(), Usage> {
    let given = [
        (args.payload.is_some(), "--payload"),
        (args.rtt.is_some(), "--rtt"),
        (args.visit.is_some(), "--visit"),
        (args.cacheable, "--cacheable"),
        (args.two_way, "--two-way"),
        (!args.set.is_empty(), "--set"),
    ];
    match given.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(Usage(format!(
            "{flag} says nothing alone; give a scenario, or --clients, --gap and --max-delay as well"
        ))),
        None => Ok(()),
    }
}

/// The machine that was calibrated, else the default constants.
fn machine() -> anyhow::Result<Machine> {
    match calibrate::file().filter(|file| file.exists()) {
        Some(file) => Machine::read(&file),
        None => Ok(Machine::assumed()),
    }
}

fn about_scenario(args: &Args, name: &str, machine: Machine) -> anyhow::Result<Situation> {
    let overrides = Overrides { set: args.set.clone(), ..Overrides::default() };
    let scenario = shipped::load(name, &overrides).map_err(|error| Usage(error.to_string()))?;
    if args.cacheable && scenario.workload.group().is_some() {
        return Err(Usage(format!(
            "--cacheable: in {name} everybody hears something else, so no answer serves all"
        ))
        .into());
    }
    let mut problems = Vec::new();
    let max_delay_s = flag("--max-delay", args.max_delay.as_deref(), &mut problems);
    let visit_s = flag("--visit", args.visit.as_deref(), &mut problems);
    refuse(problems)?;
    let seconds = |value: Duration| value.as_secs_f64();
    let need = Need {
        max_delay_s: max_delay_s.map(seconds),
        assumed: false,
        cacheable: args.cacheable,
        visit_s: visit_s.map(seconds),
    };
    Ok(Situation::of(&scenario, need, machine))
}

fn question(args: &Args) -> anyhow::Result<Question> {
    let mut problems = Vec::new();
    let missing = [
        (args.clients.is_none(), "--clients"),
        (args.gap.is_none(), "--gap"),
        (args.max_delay.is_none(), "--max-delay"),
    ];
    let missing: Vec<&str> = missing.iter().filter(|(is, _)| *is).map(|(_, flag)| *flag).collect();
    if !missing.is_empty() {
        problems
            .push(format!("no {}; a question needs --clients, --gap and --max-delay", missing.join(" and ")));
    }
    if !args.set.is_empty() {
        problems.push(
            "--set changes a scenario; give one, or say it by --clients, --gap and the others".to_owned(),
        );
    }
    let gap = flag("--gap", args.gap.as_deref(), &mut problems);
    let max_delay = flag("--max-delay", args.max_delay.as_deref(), &mut problems);
    let rtt = args.rtt.as_deref().and_then(|text| match parse_duration(text) {
        Ok(rtt) if rtt <= Duration::from_secs(10) => Some(rtt),
        Ok(_) => problem(&mut problems, "--rtt", "is over 10s; write something from 0ms to 10s"),
        Err(why) => problem(&mut problems, "--rtt", &why),
    });
    let visit = flag("--visit", args.visit.as_deref(), &mut problems);
    let payload = args.payload.as_deref().and_then(|text| match parse_size(text) {
        Ok(bytes) => Some(bytes),
        Err(why) => problem(&mut problems, "--payload", &why),
    });
    let clients = args.clients.unwrap_or(2);
    if args.two_way && clients % 2 == 1 {
        problems.push(format!("--clients {clients}: --two-way pairs people up, so write an even number"));
    }
    if clients == 0 || clients > 10_000_000 {
        problems.push(format!("--clients {clients} will not do; write a whole number from 1 to 10,000,000"));
    }
    refuse(problems)?;
    Ok(Question {
        clients,
        gap: gap.unwrap_or_default(),
        max_delay: max_delay.unwrap_or_default(),
        payload,
        rtt,
        visit,
        cacheable: args.cacheable,
        two_way: args.two_way,
    })
}

/// A duration from a millisecond to a day.
fn flag(name: &str, text: Option<&str>, problems: &mut Vec<String>) -> Option<Duration> {
    let (least, most) = (Duration::from_millis(1), Duration::from_secs(86_400));
    match parse_duration(text?) {
        Ok(value) if (least..=most).contains(&value) => Some(value),
        Ok(_) => problem(problems, name, "is out of range; write something from 1ms to 24h"),
        Err(why) => problem(problems, name, &why),
    }
}

fn problem<T>(problems: &mut Vec<String>, flag: &str, why: &str) -> Option<T> {
    problems.push(format!("{flag}: {why}"));
    None
}

fn refuse(problems: Vec<String>) -> Result<(), Usage> {
    if problems.is_empty() { Ok(()) } else { Err(Usage(problems.join("\n"))) }
}
