//! What the page must be whatever the outcome holds.

use super::*;
use crate::report::{chart, fixture};

fn drawn(outcome: &Outcome) -> String {
    let json = serde_json::to_string_pretty(outcome).unwrap();
    page(outcome, &chart::entries(outcome), &json).unwrap()
}

/// The page without its drawings and embedded files, which have tests of their own.
fn words(page: &str) -> String {
    let without_style = cut(page, "<style>", "</style>");
    let without_charts = cut(&without_style, "<svg", "</svg>");
    cut(&without_charts, ";base64,", "\"").replace("><", ">\n<")
}

fn cut(text: &str, from: &str, to: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        kept.push_str(before);
        kept.push_str(from);
        kept.push('…');
        rest = after.split_once(to).map_or("", |(_, rest)| rest);
    }
    kept + rest
}

#[test]
fn letters() {
    insta::assert_snapshot!(words(&drawn(&fixture::letters())));
}

#[test]
fn it_fetches_nothing_and_runs_nothing() {
    for outcome in [fixture::letters(), fixture::in_between(), fixture::empty(), fixture::hostile()] {
        let page = drawn(&outcome);
        for (at, _) in page.match_indices("src=") {
            // Only as escaped text of a hostile outcome, never as an attribute.
            assert!(page[..at].ends_with("&lt;img "), "{}", &page[at.saturating_sub(40)..at + 40]);
        }
        for (at, _) in page.match_indices("href=\"") {
            let target = &page[at + 6..];
            assert!(target.starts_with('#') || target.starts_with("data:"), "{}", &target[..40]);
        }
        for forbidden in
            ["<script", "<img", "<link", "<iframe", "<object", "@import", "url(", " onerror=\"", " onload="]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"));
    }
}

#[test]
fn every_drawing_has_a_name_and_every_chart_a_table() {
    for outcome in [fixture::letters(), fixture::in_between()] {
        let page = drawn(&outcome);
        let drawings: Vec<&str> = page.split("<svg").skip(1).collect();
        assert_eq!(drawings.len(), 6 * 4);
        assert!(drawings.iter().all(|svg| svg.split_once("><title>").is_some_and(|(tag, name)| {
            tag.contains("role=\"img\"") && !tag.contains('>') && !name.starts_with('<')
        })));
        assert_eq!(page.matches("<figure").count(), page.matches("The data of this chart").count());
    }
}

#[test]
fn headings_go_down_one_level_at_a_time_and_ids_are_unique() {
    let page = drawn(&fixture::in_between());
    let levels: Vec<u32> =
        page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()?.to_digit(10)).collect();
    assert_eq!(levels.iter().filter(|&&level| level == 1).count(), 1);
    assert!(levels.windows(2).all(|w| w[1] <= w[0] + 1), "{levels:?}");
    let mut ids: Vec<&str> =
        page.match_indices(" id=\"").map(|(at, _)| page[at + 5..].split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn charts_without_data_are_named_with_the_reason() {
    let page = drawn(&fixture::empty());
    assert_eq!(page.matches("Not drawn: ").count(), 6);
    assert!(!page.contains("NaN") && !page.contains("inf "));
}

#[test]
fn tiles_wear_the_inks_of_the_charts() {
    use crate::report::chart::{Ink, Theme};
    use crate::report::ways::Kind;
    let mut outcome = fixture::letters();
    let again = outcome.transports[0].clone();
    outcome.transports.push(again);
    outcome.transports[2].label = "poll-calm".to_owned();
    let page = super::parts::tiles(&super::ways(&outcome)).into_string();
    assert!(page.contains("\"dot k-poll\"") && page.contains("\"dot k-poll again-1\""), "{page}");
    let sets: Vec<&str> = super::STYLE.split("@media (prefers-color-scheme: dark)").collect();
    let kinds = [
        (Kind::Poll, "poll"),
        (Kind::LongPoll, "long-poll"),
        (Kind::Sse, "sse"),
        (Kind::WebSocket, "websocket"),
        (Kind::Other, "other"),
    ];
    for (style, theme) in [(sets[0], Theme::LIGHT), (sets[1], Theme::DARK)] {
        for (kind, name) in kinds {
            let (r, g, b) = theme.colour(Ink::Series(kind, 0));
            let wanted = format!("--{name}: #{r:02x}{g:02x}{b:02x};");
            assert!(style.contains(&wanted), "{wanted}");
        }
    }
}
