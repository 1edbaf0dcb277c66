//! A course without steps is null in JSON: nothing was played through, so there is none to tell.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Series;

pub(super) fn serialize<S: Serializer>(series: &Series, serializer: S) -> Result<S::Ok, S::Error> {
    (*series != Series::default()).then_some(series).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Series, D::Error> {
    Option::<Series>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_course_without_steps_is_null() {
        let json = |series: &Series| serialize(series, serde_json::value::Serializer).unwrap();
        assert!(json(&Series::default()).is_null());
        let some = Series { step_s: 1.0, delivered: vec![0], ..Series::default() };
        for series in [Series::default(), some] {
            assert_eq!(deserialize(json(&series)).unwrap(), series);
        }
    }
}
