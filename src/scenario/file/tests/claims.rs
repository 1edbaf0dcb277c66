//! `[[claim]]` as people write it, and what they are told.

use super::*;
use crate::claim::Claim;

const CLAIM: &str = "[[claim]]\nsource = \"A 2009\"\nsays = \"Most.\"\nmetric = \"poll.waste_ratio\"\n\
                     value = 0.96\nwhy = \"Chance.\"\n";

fn claims(tables: &str, overrides: &Overrides) -> Result<Vec<Claim>, Problems> {
    read("t", "t.toml", &format!("{LETTERS}\n{tables}"), overrides).map(|scenario| scenario.claims)
}

#[test]
fn claims_come_in_order_and_a_value_may_be_absent() {
    let second = CLAIM.replace("value = 0.96\n", "").replace("A 2009", "B 2012");
    let found = claims(&format!("{CLAIM}{second}"), &Overrides::default()).unwrap();
    let seen: Vec<_> = found.iter().map(|claim| (claim.source.as_str(), claim.value)).collect();
    assert_eq!(seen, [("A 2009", Some(0.96)), ("B 2012", None)]);
}

#[test]
fn only_keeps_the_claims_whose_transports_it_keeps() {
    let both = CLAIM.replace("poll.waste_ratio", "poll.bytes.up / websocket.bytes.up");
    let only = Overrides { only: vec!["poll".to_owned()], ..Overrides::default() };
    assert_eq!(claims(&format!("{CLAIM}{both}"), &only).unwrap().len(), 1);
}

#[test]
fn every_problem_of_a_claim_is_named() {
    for (from, to, said) in [
        ("source = \"A 2009\"\n", "", "claim 1.source: is missing; write source = \"AUTHORS YEAR\""),
        ("why = \"Chance.\"\n", "", "claim 1.why: is missing"),
        ("poll.waste", "pol.waste", "claim 1.metric: \"pol.waste_ratio\" names no transport"),
        ("waste_ratio", "wast_ratio", "did you mean \"waste_ratio\"?"),
        ("waste_ratio", "latency_ms", "is a distribution"),
        ("waste_ratio", "waste_ratio *", "a term is missing at the end"),
        ("0.96", "\"0.96\"", "without quotes"),
        ("0.96", "-1", "-1 will not do"),
        ("value", "valeu", "did you mean \"value\"?"),
        ("[[claim]]", "[claim]", "claim: a table will not do; write a [[claim]] table for each"),
    ] {
        let problems = claims(&CLAIM.replace(from, to), &Overrides::default()).unwrap_err().to_string();
        assert!(problems.contains(said), "{problems}");
    }
    let set = with(&["claim.value=1"]);
    assert!(claims(CLAIM, &set).unwrap_err().to_string().contains("cannot be addressed so"));
}
