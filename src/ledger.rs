//! The delivery ledger.
