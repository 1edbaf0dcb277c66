//! The table and the verdict for a terminal.

use anstyle::{AnsiColor, Style as Ansi};
use unicode_width::UnicodeWidthStr as _;

use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::claims;
use super::lessons;
use super::measure;
use super::numbers::{bytes, count, figure, ms, people, percent, rate};
use super::verdict::{self, Verdict};
use super::ways::{Way, ways};

mod compare;
mod sweep;

pub use compare::comparison;
pub use sweep::sweep;

/// Whether to write ANSI styles; the caller prints with `anstream`, which strips what is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// No escape sequences at all.
    #[default]
    Plain,
    /// Bold heads, quiet remarks, yellow warnings.
    Coloured,
}

impl Style {
    pub(super) fn paint(self, text: &str, style: Ansi) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("{style}{text}{style:#}"),
        }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(text, Ansi::new().bold())
    }

    pub(super) fn quiet(self, text: &str) -> String {
        self.paint(text, Ansi::new().dimmed())
    }

    pub(super) fn warning(self, text: &str) -> String {
        self.paint(text, AnsiColor::Yellow.on_default())
    }
}

/// The result of a run as text: table, verdict, what to try, warnings. Ends with a line break.
#[must_use]
pub fn summary(outcome: &Outcome, style: Style) -> String {
    let all = ways(outcome);
    let verdict = verdict::verdict(outcome);
    let mut lines = vec![style.bold(&headline(outcome)), String::new()];
    lines.extend(table(outcome, &all, style));
    lines.push(String::new());
    let mut extra = super::fleet::sentences(outcome);
    extra.extend(super::faults::sentences(outcome));
    let told = extra.iter().flat_map(|text| wrap(&plain(text), WIDTH));
    lines.extend(told.map(|line| style.bold(&line)));
    lines.extend(conclusion(outcome, &verdict, style));
    lines.extend(published(outcome));
    lines.extend(thresholds(outcome, style));
    for warning in &verdict.warnings {
        let wrapped = wrap(&plain(&format!("Note: {warning}")), WIDTH);
        lines.extend(wrapped.iter().map(|line| style.warning(line)));
    }
    let mut text = lines.join("\n").replace(['“', '”'], "\"").replace('\u{a0}', " ");
    text.push('\n');
    visible(&text, style)
}

/// Control characters of a foreign outcome must not drive the terminal.
pub(super) fn visible(text: &str, style: Style) -> String {
    let keep = |c: char| c == '\n' || !c.is_control() || (style == Style::Coloured && c == '\u{1b}');
    text.chars().map(|c| if keep(c) { c } else { '\u{fffd}' }).collect()
}

/// `Letters vs phone call · 300 people · 20 s · this machine`.
#[must_use]
pub fn headline(outcome: &Outcome) -> String {
    let place = match &outcome.targets[..] {
        [] => place(outcome.engine).to_owned(),
        [one] => one.url.clone(),
        several => format!("{} servers elsewhere", several.len()),
    };
    let people = who(outcome);
    let window = verdict::window(outcome);
    plain(&format!("{} · {people} · {window} · {place}", verdict::heading(outcome)).replace('\u{a0}', " "))
}

/// `300 people`, or of one shard `30 of 300 people, shard 3/10`.
pub(super) fn who(outcome: &Outcome) -> String {
    let all = people(outcome.scenario.clients);
    match (&outcome.shard, outcome.transports.first()) {
        (Some(shard), Some(part)) => {
            format!("{} of {all}, shard {}/{}", part.clients, shard.number, shard.of)
        }
        _ => all,
    }
}

/// Where a run takes place in two words, for a heading.
#[must_use]
pub fn place(engine: Engine) -> &'static str {
    match engine {
        Engine::Live => "this machine",
        Engine::Sim => "virtual time",
        Engine::Theory => "by formula",
    }
}

/// Text from an outcome without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

struct Row {
    head: &'static str,
    cells: Vec<Option<String>>,
    remark: String,
}

fn rows(outcome: &Outcome, all: &[Way<'_>]) -> Vec<Row> {
    let row = |head, remark: String, cell: &dyn Fn(&Way<'_>) -> Option<String>| Row {
        head,
        cells: all.iter().map(cell).collect(),
        remark,
    };
    let some = |n: u64| (n > 0).then(|| count(n));
    let faulty = !outcome.scenario.faults.is_empty();
    let guess = outcome.prediction.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let question = outcome.scenario.predict.as_deref().unwrap_or_default();
    let beside = guess.filter(|_| verdict::asks_about_nope(question));
    let note = match &outcome.scenario.network {
        Some(link) => lessons::link(link),
        None if outcome.engine == Engine::Live && outcome.targets.is_empty() => {
            lessons::ROUND_TRIP.to_owned()
        }
        None => String::new(),
    };
    vec![
        row("asked", String::new(), &|w| w.kind.asks().then(|| count(w.t.requests.polls))),
        row("answered", String::new(), &|w| {
            let answered = measure::answered(w.t);
            (w.kind.asks() && answered != w.t.requests.polls).then(|| count(answered))
        }),
        row("reached the server", "past the cache".to_owned(), &|w| w.t.requests.origin.map(count)),
        row("\"Nope\"", beside.map_or_else(String::new, |text| format!("you guessed {text}")), &|w| {
            let share = w.t.waste_ratio?;
            Some(format!("{} ({})", count(w.t.requests.empty), percent(share)))
        }),
        row("messages", String::new(), &|w| {
            let d = &w.t.deliveries;
            (d.expected > 0).then(|| format!("{}/{}", count(d.delivered), count(d.expected)))
        }),
        row("lost", String::new(), &|w| some(w.t.deliveries.lost)),
        row("duplicated", String::new(), &|w| some(w.t.deliveries.duplicated)),
        row("replaced by newer", String::new(), &|w| some(w.t.deliveries.superseded)),
        row("expired", String::new(), &|w| some(w.t.deliveries.expired)),
        row("typical wait", note, &|w| w.t.latency_ms.p50.map(ms)),
        row("mean wait", String::new(), &|w| {
            w.t.latency_ms.mean.filter(|_| w.t.latency_ms.p50.is_none()).map(ms)
        }),
        row("95 in 100 within", String::new(), &|w| w.t.latency_ms.p95.map(ms)),
        row("99 in 100 within", String::new(), &|w| w.t.latency_ms.p99.filter(|_| faulty).map(ms)),
        row("an ask, 95 in 100", "as people wait".to_owned(), &|w| {
            w.t.request_ms.as_ref()?.p95.filter(|_| faulty).map(ms)
        }),
        row("  the same", "as testers count who wait for each answer".to_owned(), &|w| {
            w.t.request_ms_uncorrected.as_ref()?.p95.filter(|_| faulty).map(ms)
        }),
        row("bytes per message", String::new(), &|w| measure::bytes_per_message(w.t).map(bytes)),
        row("  with handshake", String::new(), &|w| measure::bytes_with_handshake(w.t).map(bytes)),
        row("idle per message", "\"Nope\", pings, comments".to_owned(), &|w| w.t.idle_per_delivery.map(rate)),
        row("connections", String::new(), &|w| w.t.connections.opened.and_then(some)),
        row("memory per connection", String::new(), &|w| {
            w.t.server.as_ref()?.rss_bytes_per_connection.map(bytes)
        }),
        row("server CPU", String::new(), &|w| {
            w.t.server.as_ref().map(|server| ms((server.cpu_s * 1000.0).max(0.0)))
        }),
    ]
}

fn table(outcome: &Outcome, all: &[Way<'_>], style: Style) -> Vec<String> {
    let heads: Vec<String> = all.iter().map(|way| plain(&way.name)).collect();
    let pictures: Vec<String> = all.iter().map(|way| way.kind.picture().to_owned()).collect();
    let settings: Vec<String> = all.iter().map(|way| way.setting.clone()).collect();
    let rows: Vec<Row> =
        rows(outcome, all).into_iter().filter(|row| row.cells.iter().any(Option::is_some)).collect();
    let cell = |row: &Row, i: usize| row.cells[i].clone().unwrap_or_else(|| "–".to_owned());

    let first = rows.iter().map(|row| row.head.width()).max().unwrap_or(0) + 2;
    let widths: Vec<usize> = (0..all.len())
        .map(|i| {
            let fixed = [heads[i].width(), pictures[i].width(), settings[i].width()];
            let most = rows.iter().map(|row| cell(row, i).width()).chain(fixed).max().unwrap_or(0);
            most + 2
        })
        .collect();
    let line = |head: &str, cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(text, width)| pad(text, *width));
        format!("{}{}", pad(head, first), padded.collect::<String>())
    };
    let mut lines = vec![style.bold(line("", &heads).trim_end())];
    for above in [pictures, settings] {
        if above.iter().any(|text| !text.is_empty()) {
            lines.push(style.quiet(line("", &above).trim_end()));
        }
    }
    for row in &rows {
        let cells: Vec<String> = (0..all.len()).map(|i| cell(row, i)).collect();
        let text = line(row.head, &cells);
        lines.push(if row.remark.is_empty() {
            text.trim_end().to_owned()
        } else {
            format!("{text}{}", style.quiet(&plain(&row.remark)))
        });
    }
    lines
}

pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Sentences are broken at this many columns, which any terminal and most mails show whole.
pub(super) const WIDTH: usize = 90;

pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn conclusion(outcome: &Outcome, verdict: &Verdict, style: Style) -> Vec<String> {
    let win = verdict.win.as_ref().map(ToString::to_string);
    let sentences = win.iter().chain(&verdict.sentences).flat_map(|text| wrap(&plain(text), WIDTH));
    let mut lines: Vec<String> = sentences.map(|line| style.bold(&line)).collect();
    // Else the guess stands in the table.
    if outcome.scenario.answer.is_some() {
        lines.extend(verdict::guess(outcome).iter().flat_map(|text| wrap(&plain(text), WIDTH)));
    }
    lines.push(verdict.rule.clone());
    if let Some((command, effect)) = &verdict.attempt {
        lines.push(format!("Try: {}   ({effect})", plain(command)));
    }
    lines
}

fn thresholds(outcome: &Outcome, style: Style) -> Vec<String> {
    let line = |t: &crate::outcome::ThresholdOutcome| {
        let actual = t.actual.map_or_else(|| "no value".to_owned(), figure);
        let why = t.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let text = plain(&format!("{} {} ({actual}{why})", t.metric, t.expression));
        if t.passed { format!("held    {text}") } else { style.warning(&format!("FAILED  {text}")) }
    };
    outcome.thresholds.iter().map(line).collect()
}

fn published(outcome: &Outcome) -> Vec<String> {
    claims::lines(outcome).iter().map(|line| plain(line)).collect()
}

#[cfg(test)]
mod tests;
