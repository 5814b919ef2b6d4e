//! Hints for names that are not known: the nearest one, or all of them. And how a value is quoted in a message.

use undersight_core::text::{excerpt, nearest};

/// A value as a message may show it: names whole, and longer text, which may be a misplaced query, only by its
/// length.
pub(crate) fn shown(text: &str) -> String {
    let length = text.chars().count();
    if length > 90 {
        format!("(a text of {length} characters)")
    } else {
        format!("\"{}\"", excerpt(text, 90))
    }
}

/// `did you mean …?` where a candidate is close, otherwise the whole list.
pub(crate) fn hint<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    nearest(text, candidates.iter().copied()).map_or_else(
        || format!("one of: {}", candidates.join("; ")),
        |near| format!("did you mean \"{near}\"?"),
    )
}
