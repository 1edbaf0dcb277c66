//! What a source published, held against an outcome: `[[claim]]` in a scenario.
//!
//! A claim's metric is arithmetic on what thresholds also read, so that a published figure can be
//! compared in its own unit: `"poll.bytes.overhead * 8 / duration"` is bits a second.

use std::iter::Peekable;
use std::str::SplitWhitespace;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::threshold;

/// One published statement to be reproduced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// Who published it, and when.
    pub source: String,
    /// What it says, in our words.
    pub says: String,
    /// Numbers, [`TERMS`] and metrics like `LABEL.waste_ratio`, joined by `*`, `/`, `+`, `-` and brackets, each
    /// between spaces.
    pub metric: String,
    /// The figure as published; none: the source gives none for this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Why ours differs, or why it does not.
    pub why: String,
}

/// Terms that are neither numbers nor metrics: the window in seconds, people per transport, and the mean
/// one-way delay of the network in milliseconds.
pub const TERMS: [&str; 3] = ["duration", "clients", "network.one_way_ms"];

/// A claim beside what an outcome says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// Ours, or why there is none: `null: it never polls`.
    pub ours: Result<f64, String>,
}

impl Compared<'_> {
    /// (ours − published) / published; none where one of them is missing or the published one is 0.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        let published = self.claim.value.filter(|value| *value != 0.0)?;
        self.ours.as_ref().ok().map(|ours| (ours - published) / published)
    }
}

/// The claims of an outcome's scenario, in its order, each beside what the outcome says.
#[must_use]
pub fn compare(outcome: &Outcome) -> Vec<Compared<'_>> {
    let claims = outcome.scenario.claims.iter();
    claims.map(|claim| Compared { claim, ours: evaluate(&claim.metric, outcome) }).collect()
}

/// Checks the arithmetic of a metric and every name in it.
///
/// # Errors
/// A sentence saying what would be right.
pub fn check(metric: &str, labels: &[&str]) -> Result<(), String> {
    fold(metric, |term| {
        if TERMS.contains(&term) {
            return Ok(1.0);
        }
        threshold::check_number(term, labels).map(|()| 1.0).map_err(|message| format!("\"{term}\" {message}"))
    })
    .map(|_| ())
}

/// The transports that a metric names.
pub fn labels(metric: &str) -> impl Iterator<Item = &str> {
    let words = metric.split_whitespace();
    let names = words.filter(|word| !is_sign(word) && word.parse::<f64>().is_err());
    names.filter(|word| !TERMS.contains(word)).map(threshold::label_of)
}

/// What answers the scenario's question: our figure, or why there is none.
#[must_use]
pub fn answer(outcome: &Outcome) -> Option<Result<f64, String>> {
    outcome.scenario.answer.as_ref().map(|metric| evaluate(metric, outcome))
}

fn evaluate(metric: &str, outcome: &Outcome) -> Result<f64, String> {
    let value = fold(metric, |term| term_of(term, outcome))?;
    if value.is_finite() { Ok(value) } else { Err("null: it would be divided by zero".to_owned()) }
}

fn term_of(term: &str, outcome: &Outcome) -> Result<f64, String> {
    let scenario = &outcome.scenario;
    match term {
        "duration" => Ok(outcome.interrupted_at_s.unwrap_or(scenario.duration.as_secs_f64())),
        "clients" => Ok(scenario.clients.into()),
        "network.one_way_ms" => match &scenario.network {
            Some(link) => Ok(link.mean_one_way() / 1000.0),
            None => Err("null: there is no [network]".to_owned()),
        },
        metric => threshold::number(metric, outcome),
    }
}

/// Works a metric off: products before sums, else from left to right; `read` gives the value of a name.
fn fold(metric: &str, read: impl FnMut(&str) -> Result<f64, String>) -> Result<f64, String> {
    let mut sum = Arithmetic { words: metric.split_whitespace().peekable(), read };
    let value = sum.sum()?;
    match sum.words.next() {
        None => Ok(value),
        Some(word) => Err(format!("\"{word}\" stands where an operator should; {RIGHT}")),
    }
}

struct Arithmetic<'a, R> {
    words: Peekable<SplitWhitespace<'a>>,
    read: R,
}

impl<R: FnMut(&str) -> Result<f64, String>> Arithmetic<'_, R> {
    fn sum(&mut self) -> Result<f64, String> {
        let mut sum = self.product()?;
        while let Some(sign) = self.words.next_if(|word| ["+", "-"].contains(word)) {
            let value = self.product()?;
            sum += if sign == "+" { value } else { -value };
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut product = self.term()?;
        while let Some(sign) = self.words.next_if(|word| ["*", "/"].contains(word)) {
            let value = self.term()?;
            product = if sign == "*" { product * value } else { product / value };
        }
        Ok(product)
    }

    fn term(&mut self) -> Result<f64, String> {
        match self.words.next() {
            Some("(") => {
                let value = self.sum()?;
                let closed = self.words.next_if_eq(&")").is_some();
                if closed { Ok(value) } else { Err(format!("a bracket is not closed; {RIGHT}")) }
            }
            Some(word) if is_sign(word) => Err(format!("\"{word}\" stands where a term should; {RIGHT}")),
            None => Err(format!("a term is missing at the end; {RIGHT}")),
            Some(word) => {
                let number = word.parse().ok().filter(|number: &f64| number.is_finite());
                number.map_or_else(|| (self.read)(word), Ok)
            }
        }
    }
}

fn is_sign(word: &str) -> bool {
    ["+", "-", "*", "/", "(", ")"].contains(&word)
}

/// What a metric looks like.
const RIGHT: &str = "write terms joined by * / + - ( ) with spaces around them, like \
                     \"poll.bytes.overhead / websocket.bytes.overhead\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn worked(metric: &str) -> Result<f64, String> {
        fold(metric, |name| if name == "x" { Ok(5.0) } else { Err(format!("no {name}")) })
    }

    #[test]
    fn products_come_before_sums_and_the_rest_goes_from_left_to_right() {
        for (metric, value) in [
            ("x", 5.0),
            ("2 * x / 4", 2.5),
            ("100 / x / 2", 10.0),
            ("x - 2 * x + 1", -4.0),
            ("1 - 2 - 3", -4.0),
            ("8 / x * 2", 3.2),
            ("( x + 1 ) / ( x - 2 )", 2.0),
            ("2 * ( ( 3 ) )", 6.0),
        ] {
            assert_eq!(worked(metric), Ok(value), "{metric}");
        }
    }

    #[test]
    fn broken_arithmetic_says_what_would_be_right() {
        for (metric, said) in [
            ("", "a term is missing at the end"),
            ("x /", "a term is missing at the end"),
            ("* x", "\"*\" stands where a term should"),
            ("x x", "\"x\" stands where an operator should"),
            ("x * / x", "\"/\" stands where a term should"),
            ("( x", "a bracket is not closed"),
            ("x )", "\")\" stands where an operator should"),
            ("(x)", "no (x)"),
            ("x*2", "no x*2"),
            ("x / inf", "no inf"),
        ] {
            let error = worked(metric).unwrap_err();
            assert!(error.starts_with(said), "{metric}: {error}");
        }
    }

    #[test]
    fn the_names_in_a_metric_are_checked_and_found() {
        let check = |metric: &str| check(metric, &["poll", "push-2"]);
        assert_eq!(check("poll.bytes.up * 8 / duration / clients"), Ok(()));
        assert_eq!(check("push-2.latency_ms.mean / network.one_way_ms"), Ok(()));
        let error = check("sse.bytes.up").unwrap_err();
        assert!(error.contains("\"sse.bytes.up\" names no transport"), "{error}");
        let error = check("poll.bytes.upp").unwrap_err();
        assert!(error.contains("did you mean \"bytes.up\""), "{error}");
        let error = check("poll.latency_ms").unwrap_err();
        assert!(error.contains("is a distribution"), "{error}");
        let named: Vec<&str> = labels("2 * poll.bytes.up - push-2.bytes.up / duration").collect();
        assert_eq!(named, ["poll", "push-2"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(metric in "[x0-9*/+.() -]{0,24}") {
            let _ = (worked(&metric), check(&metric, &["x"]), labels(&metric).count());
        }
    }
}
