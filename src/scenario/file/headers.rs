//! `headers`: what the heads of requests and answers carry, and whether an exact total is large enough.

use crate::headers::Headers;
use crate::scenario::Scenario;
use crate::sizes;
use crate::units::format_size;

use super::report::Report;
use super::section::Section;
use super::tree::Table;

pub(super) fn read(top: &mut Section<'_>) -> Headers {
    let Some(node) = top.get("headers") else { return Headers::Lean };
    top.measured("headers", node, str::parse).unwrap_or_default()
}

/// Reports a total below what the heads of this scenario take anyway.
pub(super) fn check(scenario: &Scenario, root: &Table, report: &Report) {
    let (Headers::Total(total), Some(entry)) = (scenario.headers, root.get("headers")) else { return };
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
