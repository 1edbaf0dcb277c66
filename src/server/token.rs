//! Whether somebody shows the secret that publishing needs.

use axum::http::{HeaderMap, StatusCode, header};

use super::problem::Problem;
use crate::token::Token;

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
    use std::str::FromStr as _;

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
}
