//! The TOML side of a scenario.
