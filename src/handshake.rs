//! The upgrade, byte for byte.
