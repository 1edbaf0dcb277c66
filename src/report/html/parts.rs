//! The page's sections in words.

use maud::{Markup, html};

use crate::headers::Headers;
use crate::outcome::{Handshake, Outcome};
use crate::scenario::Engine;

use super::super::lessons;
use super::super::measure;
use super::super::numbers::{bytes, count, ms, percent};
use super::super::verdict::{self, Verdict};
use super::super::ways::Way;

/// The verdict; of a run with faults what they did comes `first`.
pub fn verdict(verdict: &Verdict, first: Option<String>) -> Markup {
    let rest = html! {
        @for sentence in verdict.win.iter().flat_map(|win| &win.more) { (sentence) " " }
        (verdict.sentences[0]) " " (verdict.sentences[1])
    };
    html! {
        @match first {
            Some(first) => { p.lead { (first) } p { (rest) } }
            None => { p.lead { (rest) } }
        }
        p.quiet { (verdict.conditions) }
        @if !verdict.warnings.is_empty() {
            div.warning role="note" {
                h3 { "Read with care" }
                ul { @for warning in &verdict.warnings { li { (warning) } } }
            }
        }
    }
}

/// Three figures, one value per transport.
pub fn tiles(all: &[Way<'_>]) -> Markup {
    let waste = |w: &Way<'_>| {
        if w.kind.asks() {
            w.t.waste_ratio.map_or_else(|| "–".to_owned(), percent)
        } else {
            "never asks".to_owned()
        }
    };
    let mean = |w: &Way<'_>| w.t.latency_ms.mean.map(|mean| format!("mean {}", ms(mean)));
    let delay =
        |w: &Way<'_>| w.t.latency_ms.p50.map(ms).or_else(|| mean(w)).unwrap_or_else(|| "–".to_owned());
    let size = |w: &Way<'_>| measure::bytes_per_message(w.t).map_or_else(|| "–".to_owned(), bytes);
    let memory = |w: &Way<'_>| w.t.server.as_ref()?.rss_bytes_per_connection;
    let held = |w: &Way<'_>| memory(w).map_or_else(|| "–".to_owned(), bytes);
    html! {
        div.tiles {
            // Three tiles stand in a row: where nobody asks and memory is known, that is the third.
            @if all.iter().any(|way| way.kind.asks() || memory(way).is_none()) {
                (tile("Asks that found nothing", "“Nope” among the answered polls", all, &waste))
            }
            (tile("Typical delay", "half of the messages came sooner", all, &delay))
            @if all.iter().any(|way| memory(way).is_some()) {
                (tile("Memory per connection", "of the server’s, at its largest", all, &held))
            }
            @if all.iter().any(|way| way.t.bytes.both_ways().is_some()) {
                (tile("Bytes per message", "both ways, headers and payload, without handshakes", all, &size))
            } @else {
                (tile("Bytes per message", "no server of this run counted them", all, &size))
            }
        }
    }
}

fn tile(heading: &str, meaning: &str, all: &[Way<'_>], value: &dyn Fn(&Way<'_>) -> String) -> Markup {
    html! {
        div.tile {
            h3 { (heading) }
            dl {
                @for way in all {
                    @let text = value(way);
                    @let words = !text.starts_with(|c: char| c.is_ascii_digit());
                    div { dt { span class=(mark(way)) {} (way.name) } dd.words[words] { (text) } }
                }
            }
            p.quiet { (meaning) }
        }
    }
}

/// The classes of a transport's marker, which is the charts' own.
fn mark(way: &Way<'_>) -> String {
    match way.repeat.min(4) {
        0 => format!("dot k-{}", class(way)),
        again => format!("dot k-{} again-{again}", class(way)),
    }
}

/// A class name made of the closed set of kinds, never of the outcome's text.
fn class(way: &Way<'_>) -> &'static str {
    use super::super::ways::Kind;
    match way.kind {
        Kind::Poll => "poll",
        Kind::LongPoll => "long-poll",
        Kind::Sse => "sse",
        Kind::WebSocket => "websocket",
        Kind::Other => "other",
    }
}

pub fn prediction(outcome: &Outcome, guess: &str) -> Markup {
    html! {
        @if let Some(question) = &outcome.scenario.predict { p { (question) } }
        p.lead { (guess) }
    }
}

pub fn scenario(outcome: &Outcome) -> Markup {
    let memory = |m: &crate::outcome::Machine| bytes(m.memory_bytes as f64);
    html! {
        p { (lessons::scenario(outcome)) }
        dl.facts {
            div { dt { "Scenario" } dd { (outcome.scenario.name) } }
            div { dt { "Seed" } dd { (outcome.seed) } }
            div { dt { "Engine" } dd { (lessons::engine(outcome)) } }
            @if let Some(link) = &outcome.scenario.network { div { dt { "Network" } dd { (lessons::link(link)) } } }
            @if let Some(fleet) = &outcome.scenario.fleet { div { dt { "Servers" } dd { (lessons::fleet(fleet)) } } }
            @if outcome.scenario.headers != Headers::Lean { div { dt { "Headers" } dd { (outcome.scenario.headers.to_string()) } } }
            @for target in &outcome.targets { div { dt { "Server" } dd { (lessons::target(target)) } } }
            div { dt { "Version" } dd { "anynews " (outcome.version) } }
            @if let Some(at) = &outcome.started_at { div { dt { "Started" } dd { (at) } } }
            @if let Some(m) = &outcome.machine {
                div { dt { "Machine" } dd { (m.os) ", " (m.cpu) ", " (m.cores) " cores, " (memory(m)) " of memory" } }
            }
        }
        p { "Run it again:" }
        (command(&verdict::command(outcome)))
    }
}

/// A command to copy, which breaks between options only.
fn command(text: &str) -> Markup {
    let mut parts = text.split(" --");
    html! {
        pre.command { code {
            span { (parts.next().unwrap_or_default()) }
            @for part in parts { " " span { "--" (part) } }
        } }
    }
}

pub fn reverse(outcome: &Outcome, verdict: &Verdict) -> Markup {
    let reverse = verdict::reverse(outcome);
    html! {
        p { strong { (verdict.rule) } }
        ul { @for point in &reverse.points { li { (point) } } }
        @if reverse.advised {
            p.quiet {
                "By the rules and default constants of " code { "anynews advise" } "; " code { "anynews sweep" } " finds such a "
                "point by running the scenario at several values."
            }
        }
        @if let Some((command, effect)) = &verdict.attempt {
            p { "Try (" (effect) "):" }
            (self::command(command))
        }
    }
}

pub fn handshakes(outcome: &Outcome, all: &[Way<'_>]) -> Markup {
    let heard: Vec<_> = all.iter().filter_map(|way| Some((way, way.t.handshake.as_ref()?))).collect();
    html! {
        @if heard.is_empty() {
            @if outcome.engine == Engine::Live { p { "This run kept no exchange." } }
            @else { p { "No connection was opened here. " code { "anynews handshake" } " opens one and shows every byte." } }
        }
        @for (way, handshake) in heard {
            h3 { (way.capital()) }
            (exchange(&way.name, handshake))
        }
    }
}

fn exchange(name: &str, handshake: &Handshake) -> Markup {
    let sides = [("The client says", &handshake.request), ("The server answers", &handshake.response)];
    html! {
        @for (who, text) in sides {
            p.quiet { (who) " – " (count(text.len() as u64)) " bytes" }
            div.scroll tabindex="0" role="region" aria-label={ (who) ", " (name) } {
                table.wire {
                    thead { tr { th scope="col" { "As it went over the wire" } th scope="col" { "What it says" } } }
                    tbody {
                        @for line in text.lines() {
                            tr {
                                td { code { (shown(line)) span.crlf { "\\r\\n" } } }
                                td { (meaning(line)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Control characters made visible, as the bytes are real ones.
fn shown(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn meaning(line: &str) -> &'static str {
    if line.is_empty() { "an empty line: the head ends here" } else { lessons::explain_line(line) }
}

pub fn method(outcome: &Outcome) -> Markup {
    html! {
        dl.terms { @for (heading, text) in lessons::method(outcome) { dt { (heading) } dd { (text) } } }
        @if let Some(generator) = &outcome.generator {
            p {
                "The load side itself"
                @if generator.processes > 1 { ", in " (generator.processes) " client processes because of the open-file limit" }
                ": " (ms(generator.cpu_s * 1000.0)) " of CPU"
                @if let Some(late) = generator.publish_late_ms_p99 { "; publishing was at most " (ms(late)) " late in 99 of 100 cases" }
                @if let Some(late) = generator.poll_late_ms_p99 { "; polls at most " (ms(late)) }
                "."
            }
        }
    }
}

pub fn questions(outcome: &Outcome) -> Markup {
    html! { ol { @for question in lessons::questions(outcome) { li { (question) } } } }
}

pub fn glossary(outcome: &Outcome) -> Markup {
    html! { dl.terms { @for (term, meaning) in lessons::glossary(outcome) { dt { (term) } dd { (meaning) } } } }
}
