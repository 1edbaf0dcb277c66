//! Thresholds in k6's grammar: `p(99)<50`, `value>0.8`, on the metrics of an outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::{Outcome, ThresholdOutcome, TransportOutcome};

mod grammar;
mod metrics;

use grammar::{Aggregate, Condition};
use metrics::Metric;

/// One condition on one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// `LABEL.metric` with dots inside the metric, for example `websocket.latency_ms`.
    pub metric: String,
    /// The condition as written, for example `p(99)<50`.
    pub expression: String,
}

/// The transport that a metric is about: what stands before its first dot.
#[must_use]
pub fn label_of(metric: &str) -> &str {
    metric.split('.').next().unwrap_or_default()
}

/// Checks that `metric` names a transport of `labels` and something that is measured of it.
///
/// # Errors
/// A sentence saying what would be right.
pub fn check_metric(metric: &str, labels: &[&str]) -> Result<(), String> {
    let there = labels.join(", ");
    let Some((label, name)) = metric.split_once('.') else {
        return Err(format!(
            "is not a metric; write a transport's label, a dot and what is measured, like \"{}.waste_ratio\"",
            labels.first().unwrap_or(&"poll")
        ));
    };
    if !labels.contains(&label) {
        let hint = metrics::hint(label, labels.iter().copied());
        return Err(format!("names no transport; the labels are {there}{hint}"));
    }
    metrics::find(name).map(|_| ()).ok_or_else(|| {
        let hint = metrics::hint(name, metrics::names());
        format!("names nothing that is measured; use a path of outcome.json, like waste_ratio, latency_ms or requests.empty{hint}")
    })
}

/// Checks that `expression` is a condition that `metric`, itself checked, can be held to.
///
/// # Errors
/// A sentence saying what would be right.
pub fn check_expression(metric: &str, expression: &str) -> Result<(), String> {
    let condition = grammar::parse(expression)?;
    let found = metric.split_once('.').and_then(|(_, name)| metrics::find(name));
    found.map_or(Ok(()), |found| found.accepts(condition.aggregate))
}

/// Checks that `metric` is one number of a transport of `labels`, and not a distribution.
///
/// # Errors
/// A sentence saying what would be right.
pub fn check_number(metric: &str, labels: &[&str]) -> Result<(), String> {
    check_metric(metric, labels)?;
    let found = metric.split_once('.').and_then(|(_, name)| metrics::find(name));
    let one = found.is_none_or(|found| found.accepts(Aggregate::Value).is_ok());
    if one { Ok(()) } else { Err(format!("is a distribution; take one number of it, like {metric}.mean")) }
}

/// The one number that `metric` is in an outcome.
///
/// # Errors
/// Why it is null.
pub fn number(metric: &str, outcome: &Outcome) -> Result<f64, String> {
    taken(metric, Aggregate::Value, outcome)
}

/// Holds an outcome to its thresholds. A metric that is null fails, with the reason.
#[must_use]
pub fn evaluate(thresholds: &[Threshold], outcome: &Outcome) -> Vec<ThresholdOutcome> {
    thresholds
        .iter()
        .map(|threshold| {
            let verdict = measure(threshold, outcome);
            let (actual, passed, reason) = match verdict {
                Ok((actual, passed)) => (Some(actual), passed, None),
                Err(reason) => (None, false, Some(reason)),
            };
            let Threshold { metric, expression } = threshold.clone();
            ThresholdOutcome { metric, expression, actual, passed, reason }
        })
        .collect()
}

/// The value and whether the condition held, or why there is no value.
fn measure(threshold: &Threshold, outcome: &Outcome) -> Result<(f64, bool), String> {
    let condition: Condition = grammar::parse(&threshold.expression)?;
    let actual = taken(&threshold.metric, condition.aggregate, outcome)?;
    Ok((actual, condition.holds(actual)))
}

fn taken(metric: &str, aggregate: Aggregate, outcome: &Outcome) -> Result<f64, String> {
    let (label, name) = metric.split_once('.').unwrap_or((metric, ""));
    let transport = outcome
        .transports
        .iter()
        .find(|transport| transport.label == label)
        .ok_or_else(|| format!("null: the run has no transport \"{label}\""))?;
    let metric = metrics::find(name).ok_or_else(|| format!("null: \"{name}\" is not measured"))?;
    value(transport, metric, aggregate)
}

fn value(transport: &TransportOutcome, metric: Metric, aggregate: Aggregate) -> Result<f64, String> {
    metric.accepts(aggregate)?;
    let found = match aggregate {
        Aggregate::Percentile(n) if grammar::stored(n).is_none() => {
            return match &transport.latency_histogram_us {
                Some(buckets) => metrics::from_histogram(buckets, n),
                None => Err(metric.why_null(transport, aggregate)),
            };
        }
        _ => metric.read(transport, aggregate),
    };
    found.ok_or_else(|| metric.why_null(transport, aggregate))
}

#[cfg(test)]
mod tests;
