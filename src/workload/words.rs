//! An event as a person would say it. Tolerates any JSON: what it does not know it quotes, briefly.

use serde_json::Value;

/// Longest quotation, in characters.
const LONGEST: usize = 60;

/// See [`super::describe`].
pub(super) fn describe(kind: &str, data: &str) -> String {
    let value: Value = serde_json::from_str(data).unwrap_or(Value::Null);
    let said = match kind {
        "message" => message(&value),
        "typing" => text(&value, "from").map(|who| format!("{who} is typing…")),
        "read" => text(&value, "from").map(|who| format!("{who} has read it")),
        "ball" => ball(&value),
        "preview" | "summary" => text(&value, "text"),
        "price" => price(&value),
        "move" => step(&value),
        _ => None,
    };
    said.unwrap_or_else(|| format!("{}: {}", clean(kind), clean(data)))
}

fn message(value: &Value) -> Option<String> {
    let words = text(value, "text").or_else(|| value.as_str().map(clean))?;
    Some(match text(value, "from") {
        Some(who) => format!("{who}: “{words}”"),
        None => format!("“{words}”"),
    })
}

fn ball(value: &Value) -> Option<String> {
    let field = |name| text(value, name);
    Some(format!(
        "{} {} to {}: {} · {}",
        field("over")?,
        field("bowler")?,
        field("batter")?,
        field("what")?,
        field("score")?
    ))
}

fn price(value: &Value) -> Option<String> {
    let arrow = match value.get("change").and_then(Value::as_f64) {
        Some(change) if change > 0.0 => " ▲",
        Some(change) if change < 0.0 => " ▼",
        _ => "",
    };
    Some(format!("{} {}{arrow}", text(value, "symbol")?, grouped(value.get("price")?.as_f64()?)))
}

fn step(value: &Value) -> Option<String> {
    let at = |axis| value.get(axis).and_then(Value::as_f64);
    Some(format!("{} runs to {:.1}, {:.1}", text(value, "player")?, at("x")?, at("y")?))
}

fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(Value::as_str).map(clean)
}

/// One short line: no control characters, which could move a terminal's cursor.
fn clean(text: &str) -> String {
    let mut line: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

/// `1,432.50`.
fn grouped(value: f64) -> String {
    let plain = format!("{value:.2}");
    let digits = plain.find('.').unwrap_or(plain.len());
    let mut out = String::with_capacity(plain.len() + 4);
    for (place, c) in plain.chars().enumerate() {
        let after_digit = out.ends_with(|c: char| c.is_ascii_digit());
        if place < digits && after_digit && (digits - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn events_read_like_speech() {
        let ball = r#"{"over":"12.3","bowler":"Rao","batter":"Smith","runs":4,"what":"FOUR","score":"87/3"}"#;
        for (kind, data, said) in [
            ("message", r#"{"from":"Priya","text":"Coming?"}"#, "Priya: “Coming?”"),
            ("message", r#"{"text":"Coming?"}"#, "“Coming?”"),
            ("message", r#""hello""#, "“hello”"),
            ("typing", r#"{"from":"Rahul"}"#, "Rahul is typing…"),
            ("read", r#"{"from":"Meera"}"#, "Meera has read it"),
            ("ball", ball, "12.3 Rao to Smith: FOUR · 87/3"),
            ("summary", r#"{"text":"Lions win!"}"#, "Lions win!"),
            ("price", r#"{"symbol":"INFY","price":1432.5,"change":0.5}"#, "INFY 1,432.50 ▲"),
            ("price", r#"{"symbol":"TCS","price":999,"change":-1}"#, "TCS 999.00 ▼"),
            ("move", r#"{"player":"Zoe","x":1.5,"y":20.0}"#, "Zoe runs to 1.5, 20.0"),
            ("vote", r#"{"yes":3}"#, r#"vote: {"yes":3}"#),
            ("typing", "17", "typing: 17"),
        ] {
            assert_eq!(describe(kind, data), said);
        }
        assert_eq!(grouped(-1_234_567.891), "-1,234,567.89");
    }

    proptest! {
        #[test]
        fn anything_becomes_one_short_clean_line(kind in ".{0,80}", data in ".*", words in ".*") {
            for data in [data, serde_json::json!({ "text": words, "from": words }).to_string()] {
                for kind in [kind.as_str(), "message", "summary"] {
                    let said = describe(kind, &data);
                    prop_assert!(!said.contains(char::is_control));
                    prop_assert!(said.chars().count() <= 2 * LONGEST + 10);
                }
            }
        }
    }
}
