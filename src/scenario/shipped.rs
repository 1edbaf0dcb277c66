//! The scenarios embedded in the binary.
