//! Advice in words, as it is printed.
