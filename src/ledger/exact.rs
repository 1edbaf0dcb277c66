//! Sums as an exact merge needs them in JSON: beyond 64 bits as text, and only what is not zero.

use serde::{Deserialize, Deserializer, Serializer};

/// More than JSON's readers take for a number.
pub(super) mod large {
    use super::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// `[bucket, count]` of what is not zero.
pub(super) mod sparse {
    use super::{Deserialize, Deserializer, Serializer};

    /// More buckets than the longest time has.
    const MOST: usize = 1 << 20;

    pub fn serialize<S: Serializer>(counts: &[u64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(counts.iter().enumerate().filter(|(_, n)| **n > 0))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
        let mut counts = Vec::new();
        for (bucket, n) in Vec::<(usize, u64)>::deserialize(from)? {
            if bucket >= MOST {
                return Err(serde::de::Error::custom("a bucket beyond the longest time"));
            }
            if bucket >= counts.len() {
                counts.resize(bucket + 1, 0);
            }
            counts[bucket] = n;
        }
        Ok(counts)
    }
}
