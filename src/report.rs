//! Outlets that draw an outcome.
