//! API keys as redacting types, and the pass that takes them out of any text before it leaves the crate.

use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// No provider hands out keys shorter than this.
const SHORTEST_KEY: usize = 8;

/// What stands in for a key.
const HIDDEN: &str = "[redacted]";

/// A key that prints as nothing and is sent only in a header marked sensitive.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// A line break or another control character, mostly from a copied line or file.
    #[error("contains a line break or control character")]
    Control,
    /// White space inside.
    #[error("contains white space")]
    Space,
    /// A character that cannot stand in a header.
    #[error("contains a character outside ASCII")]
    NotAscii,
}

impl ApiKey {
    /// Checks a key. Surrounding blanks and one trailing line break are the shell's or a file's, not the key's.
    ///
    /// # Errors
    /// When the key could not be sent in a header.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = text.strip_suffix('\n').unwrap_or(text);
        let key = key.strip_suffix('\r').unwrap_or(key).trim_matches(' ');
        if key.is_empty() {
            Err(KeyError::Empty)
        } else if key.contains(char::is_control) {
            Err(KeyError::Control)
        } else if key.contains(char::is_whitespace) {
            Err(KeyError::Space)
        } else if key.is_ascii() {
            Ok(Self(SecretString::from(key)))
        } else {
            Err(KeyError::NotAscii)
        }
    }

    /// The key itself, for what signs with it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The key alone, marked sensitive likewise.
    pub(crate) fn plain(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(self.0.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// `Bearer …`, marked sensitive so that no debug output shows it.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0.expose_secret())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Takes secrets out of text and bytes. Made of the key and whatever else of a URL is secret.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<SecretString>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("secrets", &self.secrets.len()).finish()
    }
}

impl Redactor {
    /// Hides the key, if there is one, and the other texts, such as a password in a URL.
    #[must_use]
    pub fn new(key: Option<&ApiKey>, others: impl IntoIterator<Item = String>) -> Self {
        // Shorter "secrets", such as the dummy keys of local servers, are not worth hiding and would shred what models say.
        let key = key.map(|k| k.0.clone()).filter(|k| k.expose_secret().len() >= SHORTEST_KEY);
        let others = others.into_iter().filter(|s| s.len() >= 4).map(SecretString::from);
        Self { secrets: key.into_iter().chain(others).collect() }
    }

    /// The text without the secrets and without whatever follows `Bearer`.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &self.secrets {
            if out.contains(secret.expose_secret()) {
                out = out.replace(secret.expose_secret(), HIDDEN);
            }
        }
        hide_bearer(&out)
    }

    /// The bytes without the secrets; untouched, and not copied, when none occurs.
    #[must_use]
    pub fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for secret in &self.secrets {
            bytes = replace(bytes, secret.expose_secret().as_bytes());
        }
        bytes
    }
}

impl Redactor {
    /// The headers, those hidden whose value holds a secret: some servers echo what they were sent.
    #[must_use]
    pub fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        for value in headers.values_mut() {
            let holds = |secret: &SecretString| find(value.as_bytes(), secret.expose_secret().as_bytes());
            if self.secrets.iter().any(|secret| holds(secret).is_some()) {
                *value = HeaderValue::from_static(HIDDEN);
            }
        }
        headers
    }
}

/// Replaces every token after the word `Bearer`.
fn hide_bearer(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find_bearer(rest) {
        let (before, token) = rest.split_at(at);
        let end = token
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ')' | '<'))
            .unwrap_or(token.len());
        out.push_str(before);
        // Words such as "bearer token" in prose are no credentials.
        out.push_str(if end >= 8 { HIDDEN } else { &token[..end] });
        rest = &token[end..];
    }
    out.push_str(rest);
    out
}

/// Where the token after the first `bearer ` begins.
fn find_bearer(text: &str) -> Option<usize> {
    const WORD: &[u8] = b"bearer ";
    text.as_bytes().windows(WORD.len()).position(|w| w.eq_ignore_ascii_case(WORD)).map(|at| at + WORD.len())
}

fn replace(bytes: Vec<u8>, secret: &[u8]) -> Vec<u8> {
    let Some(mut at) = find(&bytes, secret) else { return bytes };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    loop {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(HIDDEN.as_bytes());
        rest = &rest[at + secret.len()..];
        match find(rest, secret) {
            Some(next) => at = next,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    out
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(step) = haystack.get(from..)?.iter().position(|&b| b == first) {
        let at = from + step;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}
