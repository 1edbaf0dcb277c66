//! `headers`: what the heads of requests and answers carry, and whether an exact total is large enough.

use crate::headers::Headers;
use crate::scenario::Scenario;
use crate::sizes;
use crate::transport::{Http, Way};
use crate::units::format_size;

use super::report::Report;
use super::section::Section;
use super::tree::{Origin, Table};

pub(super) fn read(top: &mut Section<'_>) -> Headers {
    let Some(node) = top.get("headers") else { return Headers::Lean };
    top.measured("headers", node, str::parse).unwrap_or_default()
}

/// HPACK compresses what repeats, so that added lines would cost what nobody could say beforehand.
fn check_http(scenario: &Scenario, origin: &Origin, report: &Report) {
    let speaks_2 = |way: &Way| matches!(way, Way::Poll { http: Http::Two, .. });
    let Some(poll) = scenario.transports.iter().find(|transport| speaks_2(&transport.way)) else { return };
    let (headers, label) = (scenario.headers, &poll.label);
    let message = format!(
        "\"{headers}\" will not do with http = \"2\" ({label}.http), which compresses heads: a size says nothing \
         there; leave out one of the two"
    );
    report.problem("headers", origin, message);
}

/// Reports a total below what the heads of this scenario take anyway.
pub(super) fn check(scenario: &Scenario, root: &Table, report: &Report) {
    let Some(entry) = root.get("headers") else { return };
    if scenario.headers != Headers::Lean {
        check_http(scenario, &entry.node.origin, report);
    }
    let Headers::Total(total) = scenario.headers else { return };
    let natural = sizes::natural(scenario);
    if total < natural && scenario.clients > 0 {
        let (total, natural) = (format_size(total), format_size(natural));
        let message = format!(
            "\"{total}\" is below the natural size: the longest request and answer of this scenario take \
             {natural} of head; write \"{natural}\" or more"
        );
        report.problem("headers", &entry.node.origin, message);
    }
}
