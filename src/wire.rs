//! Sizes on the wire: frame headers, segments. Pure.
