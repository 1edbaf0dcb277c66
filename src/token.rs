//! The secret that publishing needs when one is set: kept, compared, never shown.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// Longest secret, bytes: it has to fit in a header.
const LONGEST: usize = 1024;

/// A shared secret. Written only where it has to go: to client processes of a run, over a pipe.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token(Box<str>);

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        // What was typed is not repeated: errors end up in logs.
        fits.then(|| Self(text.into()))
            .ok_or_else(|| format!("a token is 1 to {LONGEST} visible ASCII characters without spaces"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Compares in a time that tells nothing but the length.
    #[must_use]
    pub fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// `Bearer SECRET`, the value of an `Authorization` header (RFC 6750, section 2.1).
    #[must_use]
    pub fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_in_a_header_and_is_never_printed() {
        for bad in ["", "a b", "ü", "a\nb", &"x".repeat(1025)] {
            let error = Token::from_str(bad).unwrap_err();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
        assert!(!format!("{:?}", Token::from_str("s3cret").unwrap()).contains("s3cret"));
        assert!(!format!("{:?}", Token::from_str("s3cret").unwrap().bearer()).contains("s3cret"));
    }
}
