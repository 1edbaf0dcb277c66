//! The secret that publishing needs when one is set: kept, compared, never shown.

use std::fmt;
use std::str::FromStr;

use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq;

use super::problem::Problem;

/// Longest secret, bytes: it has to fit in a header.
const LONGEST: usize = 1024;

/// A shared secret.
#[derive(Clone)]
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
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// Whether the one who sent these headers may publish: everybody may when no token is set.
///
/// # Errors
/// A token was shown, and it is another.
pub(super) fn may_publish(token: Option<&Token>, headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(token) = token else { return Ok(true) };
    let Some(shown) = headers.get(header::AUTHORIZATION) else { return Ok(false) };
    let shown = shown.to_str().ok().and_then(|value| value.split_once(' '));
    let right = shown.is_some_and(|(scheme, shown)| {
        scheme.eq_ignore_ascii_case("bearer") && token.is(shown.trim_start_matches(' '))
    });
    if right { Ok(true) } else { Err(wrong()) }
}

/// Publishing was tried without a token.
pub(super) fn missing() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "publishing here needs the token, as Authorization: Bearer TOKEN")
}

/// The token shown is another.
pub(super) fn wrong() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "this is not the token that publishing here needs")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn shows(value: &'static str) -> Result<bool, Problem> {
        let token = Token::from_str("s3cret").unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
        may_publish(Some(&token), &headers)
    }

    #[test]
    fn only_the_whole_token_opens() {
        assert!(shows("Bearer s3cret").unwrap() && shows("bearer  s3cret").unwrap());
        for other in ["Bearer s3cre", "Bearer s3cret1", "Bearer ", "Bearer", "Basic s3cret", "s3cret", ""] {
            assert!(shows(other).is_err(), "{other:?}");
        }
        assert!(!may_publish(Some(&Token::from_str("x").unwrap()), &HeaderMap::new()).unwrap());
        assert!(may_publish(None, &HeaderMap::new()).unwrap());
    }

    #[test]
    fn a_token_fits_in_a_header_and_is_never_printed() {
        for bad in ["", "a b", "ü", "a\nb", &"x".repeat(1025)] {
            let error = Token::from_str(bad).unwrap_err();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
        assert!(!format!("{:?}", Token::from_str("s3cret").unwrap()).contains("s3cret"));
    }
}
