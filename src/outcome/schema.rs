//! The JSON Schema of `outcome.json`, from the types that write it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{Outcome, SCHEMA};

/// A JSON Schema, draft 2020-12, of what this version writes. Null stands wherever an engine cannot
/// know. Later versions may add members, so that others than those named are allowed.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = Value::from(generator.into_root_schema_for::<Outcome>());
    if let Some(version) = schema.pointer_mut("/properties/schema") {
        version["const"] = SCHEMA.into();
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::shipped;

    #[test]
    fn every_scenario_is_valid_inside_an_outcome() {
        let whole = schema();
        let mut part = whole["$defs"]["Scenario"].clone();
        part["$defs"] = whole["$defs"].clone();
        let validator = jsonschema::draft202012::new(&part).unwrap();
        for shipped in shipped::all() {
            let scenario = shipped::load(shipped.name, &Default::default()).unwrap();
            let json = serde_json::to_value(&scenario).unwrap();
            let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", shipped.name);
        }
    }

    #[test]
    fn an_outcome_of_another_schema_is_another() {
        let validator = jsonschema::draft202012::new(&schema()["properties"]["schema"]).unwrap();
        assert!(validator.is_valid(&SCHEMA.into()));
        assert!(!validator.is_valid(&"anynews/outcome/2".into()));
    }
}
