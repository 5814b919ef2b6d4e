//! Head and tail of a text too long for a judge, with a mark between them: only for judges that declare a bound.

use std::borrow::Cow;

/// At most `max` characters of `text`, two thirds from its head and a third from its tail, because traces decide late
/// as well as early. What is left out is announced where it stood. The second value says whether anything was.
#[must_use]
pub fn excerpt(text: &str, max: Option<u32>) -> (Cow<'_, str>, bool) {
    let Some(max) = max.map(|m| m as usize) else { return (Cow::Borrowed(text), false) };
    let chars = text.chars().count();
    if chars <= max {
        return (Cow::Borrowed(text), false);
    }
    let tail = max / 3;
    let head_end = text.char_indices().nth(max - tail).map_or(text.len(), |(i, _)| i);
    let tail_start = text.char_indices().nth(chars - tail).map_or(text.len(), |(i, _)| i);
    let left_out = chars - max;
    let (head, tail) = (&text[..head_end], &text[tail_start..]);
    (Cow::Owned(format!("{head}\n[… {left_out} characters left out here …]\n{tail}")), true)
}

#[cfg(test)]
mod tests {
    use super::excerpt;
    use proptest::prelude::*;

    #[test]
    fn head_and_tail() {
        let check = |text: &str, max, expected: &str, cut| {
            assert_eq!(excerpt(text, max), (expected.into(), cut), "{text:?} {max:?}");
        };
        check("abcdef", None, "abcdef", false);
        check("abcdef", Some(6), "abcdef", false);
        check("abcdefghij", Some(6), "abcd\n[… 4 characters left out here …]\nij", true);
        check("äöüßéè", Some(3), "äö\n[… 3 characters left out here …]\nè", true);
        check("", Some(1), "", false);
    }

    proptest! {
        #[test]
        fn keeps_both_ends(text in ".{0,80}", max in 3_u32..40) {
            let (shown, cut) = excerpt(&text, Some(max));
            prop_assert_eq!(cut, text.chars().count() > max as usize);
            prop_assert_eq!(shown.chars().next(), text.chars().next());
            prop_assert_eq!(shown.chars().last(), text.chars().last());
        }
    }
}
