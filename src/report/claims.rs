//! Published figures beside ours: lines for a terminal, rows for a page, and the document of all of them.

use crate::claim::{self, Compared};
use crate::outcome::Outcome;
use crate::scenario::Engine;

use super::numbers::{self, figure};
use super::{lessons, verdict};

/// Heads of [`rows`].
const HEADS: [&str; 7] = ["Source", "It says", "Measure", "Published", "Ours", "Difference", "Why"];

/// One row for each claim of the outcome's scenario, in its order.
#[must_use]
pub fn rows(outcome: &Outcome) -> Vec<[String; 7]> {
    let row = |compared: &Compared<'_>| {
        let claim = compared.claim;
        [
            claim.source.clone(),
            claim.says.clone(),
            claim.metric.clone(),
            claim.value.map_or_else(|| "no figure".to_owned(), figure),
            ours(compared),
            difference(compared),
            claim.why.clone(),
        ]
    };
    claim::compare(outcome).iter().map(row).collect()
}

/// One line for each claim: `Bozdag 2009: published 0.96, here 0.98 (+2.1 %)   poll.waste_ratio`.
#[must_use]
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let line = |compared: &Compared<'_>| {
        let claim = compared.claim;
        let published = claim
            .value
            .map_or_else(|| "published without a figure".to_owned(), |v| format!("published {}", figure(v)));
        let apart = match compared.difference() {
            Some(_) => format!(" ({})", difference(compared)),
            None => String::new(),
        };
        format!("{}: {published}, here {}{apart}   {}", claim.source, ours(compared), claim.metric)
    };
    claim::compare(outcome).iter().map(line).collect()
}

fn ours(compared: &Compared<'_>) -> String {
    match &compared.ours {
        Ok(value) => figure(*value),
        Err(reason) => reason.clone(),
    }
}

/// `+2.1 %`; `same` where not even the last shown digit differs.
fn difference(compared: &Compared<'_>) -> String {
    match (compared.difference(), &compared.ours, compared.claim.value) {
        (Some(_), Ok(ours), Some(value)) if figure(*ours) == figure(value) => "same".to_owned(),
        // Beyond this a factor says more than a share.
        (Some(apart), ..) if apart > 9.0 => format!("{} times", numbers::times(apart + 1.0)),
        (Some(apart), ..) if apart.abs() < 0.000_5 => "under 0.1\u{a0}%".to_owned(),
        (Some(apart), ..) => format!("{:+.1}\u{a0}%", apart * 100.0),
        (None, ..) => "–".to_owned(),
    }
}

/// The document of published results, as Markdown; outcomes without claims add nothing.
#[must_use]
pub fn markdown(outcomes: &[Outcome]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut before = None;
    for outcome in outcomes.iter().filter(|outcome| !outcome.scenario.claims.is_empty()) {
        let name = outcome.scenario.name.as_str();
        if before.replace(name) != Some(name) {
            text.push_str(&heading(outcome));
        }
        text.push_str(&section(outcome));
    }
    text.replace('\u{a0}', " ")
}

fn heading(outcome: &Outcome) -> String {
    let scenario = &outcome.scenario;
    let lesson = scenario.lesson.as_ref().map_or_else(String::new, |lesson| format!("\n{}\n", cell(lesson)));
    format!("\n## {}: {}\n{lesson}", cell(&scenario.name), cell(&scenario.title))
}

/// One run: its command, its settings in words, its table.
fn section(outcome: &Outcome) -> String {
    let mut text = format!("\n```sh\n{}\n```\n\n", plain(&verdict::command(outcome)));
    text.push_str(&format!("{}\n\n", cell(&lessons::scenario(outcome))));
    text.push_str(&format!("Ours: {}\n\n", cell(&made(outcome))));
    text.push_str(&line(HEADS.iter().map(|head| (*head).to_owned())));
    text.push_str(&line(HEADS.iter().map(|_| "---".to_owned())));
    for mut row in rows(outcome) {
        row[2] = format!("`{}`", row[2]);
        text.push_str(&line(row.iter().map(|text| cell(text))));
    }
    text
}

/// Where our figures come from; a live run is of one machine on one day.
fn made(outcome: &Outcome) -> String {
    match (&outcome.machine, &outcome.started_at) {
        (Some(machine), Some(at)) if outcome.engine == Engine::Live => {
            let day = at.get(..10).unwrap_or(at);
            let (os, cpu, cores) = (&machine.os, &machine.cpu, machine.cores);
            format!("measured on real sockets on {day}, on {os}, {cpu}, {cores} cores.")
        }
        _ => format!("{}.", lessons::engine(outcome)),
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Text inside a table's cell: nothing in it may end the cell, the line, or begin a tag.
fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('<', "&lt;")
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

const INTRODUCTION: &str = "\
# Published results

What others published about polling and push, beside what anynews makes of the same settings, and why
the two differ. This page is generated: every figure under \"Ours\" comes from the command above its
table, and a test makes the page again and compares.

```sh
anynews run pull-grid                                 # one of them, with a report
anynews report --claims reports/*/outcome.json        # this page, from runs of your own
```

\"Published\" is the figure as the source gives it, or as it follows from the source's own numbers by
one division, which the row then says. \"No figure\" means that the source gives none for this, or that
we have not seen it and do not repeat it second-hand. Live figures depend on the machine; those in
virtual time are the same everywhere.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Claim;
    use crate::report::fixture;

    fn claiming(claims: &[(&str, Option<f64>)]) -> Outcome {
        let mut outcome = fixture::letters();
        let claim = |(metric, value): &(&str, Option<f64>)| Claim {
            source: "Somebody 2009".to_owned(),
            says: "Nine | ten".to_owned(),
            metric: (*metric).to_owned(),
            value: *value,
            why: "Because <b>.".to_owned(),
        };
        outcome.scenario.claims = claims.iter().map(claim).collect();
        outcome
    }

    #[test]
    fn a_claim_stands_beside_what_the_outcome_says() {
        let outcome = claiming(&[
            ("poll.waste_ratio", Some(0.8)),
            ("poll.waste_ratio", None),
            ("websocket.waste_ratio", Some(0.5)),
            ("poll.requests.polls / websocket.frames.pings", Some(2.0)),
            ("poll.clients", Some(300.0)),
            ("poll.clients", Some(3.0)),
        ]);
        insta::assert_snapshot!(lines(&outcome).join("\n"));
        assert_eq!(rows(&outcome)[0].len(), HEADS.len());
    }

    #[test]
    fn nothing_in_a_claim_breaks_the_table() {
        let text = markdown(&[claiming(&[("poll.waste_ratio", Some(0.8))])]);
        let row = text.lines().last().unwrap();
        assert!(row.contains("Nine \\| ten") && row.contains("&lt;b>"), "{row}");
        assert_eq!(row.replace("\\|", "").matches('|').count(), HEADS.len() + 1);
        assert!(text.contains("measured on real sockets on 2026-02-01"), "{text}");
        assert!(!markdown(&[fixture::letters()]).contains("## letters"));
    }
}
