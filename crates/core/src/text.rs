//! Untrusted text made fit to print: terminals, logs and error messages.

/// Makes text safe for a terminal: control characters (escape sequences, carriage returns, C1) and bidirectional
/// overrides become visible escapes; newlines and tabs stay.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\t') || !hostile(c) {
            out.push(c);
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

/// As [`printable`], on one line and at most `max` characters, with an ellipsis where something was cut.
#[must_use]
pub fn excerpt(text: &str, max: usize) -> String {
    let folded = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match folded.char_indices().nth(max) {
        None => folded,
        Some((cut, _)) => format!("{}…", &folded[..cut]),
    }
}

/// Characters that can move the cursor, change colours or reorder what is displayed.
fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a spreadsheet may take a text for a formula: it starts with `=`, `+`, `-`, `@`, a tab or a line break, and is no
/// plain number.
#[must_use]
pub fn starts_formula(text: &str) -> bool {
    let number = |text: &str| {
        text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'))
            && text.parse::<f64>().is_ok()
    };
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) && !number(text)
}

/// The name among `known` that `given` most likely meant, ignoring case, if one is close enough to suggest: a third of
/// its characters may differ, at most eight.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: String = given.trim().to_lowercase().chars().take(200).collect();
    known
        .into_iter()
        .map(|name| (strsim::levenshtein(&given, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).clamp(1, 8))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
