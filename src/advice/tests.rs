//! The rules, each with a situation that it decides.

use super::*;
