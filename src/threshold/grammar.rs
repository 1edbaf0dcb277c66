//! `<aggregate> <op> <value>`, as k6 writes it.

/// What is taken of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aggregate {
    Value,
    Count,
    Min,
    Max,
    Mean,
    Median,
    /// 0 to 100.
    Percentile(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Equal,
    Unequal,
}

/// Longest first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 7] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::MoreOrEqual),
    ("<", Operator::Less),
    (">", Operator::More),
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Condition {
    pub aggregate: Aggregate,
    operator: Operator,
    bound: f64,
}

impl Condition {
    pub(super) fn holds(&self, actual: f64) -> bool {
        match self.operator {
            Operator::Less => actual < self.bound,
            Operator::LessOrEqual => actual <= self.bound,
            Operator::More => actual > self.bound,
            Operator::MoreOrEqual => actual >= self.bound,
            Operator::Equal => actual == self.bound,
            Operator::Unequal => actual != self.bound,
        }
    }
}

/// The percentiles that a summary holds, by the name it holds them under.
pub(super) fn stored(n: f64) -> Option<&'static str> {
    [(50.0, "p50"), (90.0, "p90"), (95.0, "p95"), (99.0, "p99"), (99.9, "p999")]
        .into_iter()
        .find(|(at, _)| *at == n)
        .map(|(_, name)| name)
}

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, String> {
    let (at, &(sign, operator)) = text
        .char_indices()
        .find_map(|(at, _)| OPERATORS.iter().find(|(sign, _)| text[at..].starts_with(sign)).map(|op| (at, op)))
        .ok_or_else(|| format!("\"{text}\" compares nothing; write an aggregate, one of < <= > >= == != and a number, like \"p(99)<50\""))?;
    let aggregate = aggregate(text[..at].trim())?;
    let bound = text[at + sign.len()..].trim();
    let number = bound.parse().ok().filter(|number: &f64| number.is_finite());
    let bound = number.ok_or_else(|| {
        format!("\"{bound}\" in \"{text}\" is not a number; write one without a unit, like \"p(99)<50\"")
    })?;
    Ok(Condition { aggregate, operator, bound })
}

fn aggregate(name: &str) -> Result<Aggregate, String> {
    if let Some(inside) = name.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')) {
        return match inside.trim().parse() {
            Ok(n) if (0.0..=100.0).contains(&n) => Ok(Aggregate::Percentile(n)),
            _ => Err(format!("p({inside}) is no percentile; write a number from 0 to 100, like p(99)")),
        };
    }
    Ok(match name {
        "value" => Aggregate::Value,
        "count" => Aggregate::Count,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "avg" | "mean" => Aggregate::Mean,
        "med" => Aggregate::Median,
        _ => {
            return Err(format!(
                "\"{name}\" is not an aggregate; write value, count, min, max, avg, med or p(N)"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn conditions_are_k6s() {
        for (text, aggregate, actual) in [
            ("p(99)<50", Aggregate::Percentile(99.0), 49.9),
            ("p(99.9) <= 50", Aggregate::Percentile(99.9), 50.0),
            (" value > 0.8 ", Aggregate::Value, 0.9),
            ("count>=1", Aggregate::Count, 1.0),
            ("avg==2", Aggregate::Mean, 2.0),
            ("mean===2", Aggregate::Mean, 2.0),
            ("med!=2", Aggregate::Median, 3.0),
            ("min>-1", Aggregate::Min, 0.0),
            ("max<1e3", Aggregate::Max, 999.0),
        ] {
            let condition = parse(text).unwrap();
            assert_eq!(condition.aggregate, aggregate, "{text}");
            assert!(condition.holds(actual), "{text}");
        }
        assert!(!parse("value<1").unwrap().holds(1.0));
        assert!(!parse("value!=1").unwrap().holds(1.0));
    }

    #[test]
    fn other_conditions_say_what_would_be_right() {
        for (text, hint) in [
            ("p(99)", "compares nothing"),
            ("p(101)<5", "0 to 100"),
            ("p(-1)<5", "0 to 100"),
            ("p(x)<5", "0 to 100"),
            ("p(NaN)<5", "0 to 100"),
            ("p99<5", "not an aggregate"),
            ("<5", "not an aggregate"),
            ("rate<5", "not an aggregate"),
            ("p(99)<50ms", "without a unit"),
            ("p(99)<", "without a unit"),
            ("value<NaN", "not a number"),
            ("value<<5", "not a number"),
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.contains(hint), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", tail in "[<>=!]{0,4}.*") {
            let _ = (parse(&text), parse(&format!("value{tail}")));
        }
    }
}
