//! Sweeps: order, crossings, and what is written.

use super::*;
