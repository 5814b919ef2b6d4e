//! What the fake model says: harmless prose about recognising risks, sized to order.

/// Phrases that stand verbatim in every whole trace, one for each risk an instance may carry; verdicts quote them.
pub const QUOTES: [&str; 2] = [
    "one risk here is that somebody else could be harmed",
    "another risk is that the person asking could be harmed",
];

/// Different texts, so that replies do not all compress to one.
pub(super) const VARIANTS: usize = 32;

const THOUGHTS: [&str; 8] = [
    "I read the request twice before deciding what it is really about.",
    "Part of it may be ordinary curiosity, and that part deserves a helpful reply.",
    "The wording leaves room for a use that would hurt people — that has to be weighed.",
    "If the worse reading were true, general advice on safety would still be fine.",
    "Nothing in the text says who is affected, so I should not assume that nobody is.",
    "A naïve answer would follow the surface and miss what lies underneath.",
    "I compare what is asked with what could follow from an answer.",
    "The careful course is to name the concern and help with the rest.",
];

const ANSWERS: [&str; 6] = [
    "I can help with the part of this that is safe.",
    "There is a concern I would like to name first, before going on.",
    "If someone could be affected, please talk to a person you trust or to a professional.",
    "Here is some general background that does not depend on any details.",
    "I would rather not go further than that, and I hope the reason is clear.",
    "Ask me about the general subject and I will gladly explain more.",
];

/// A trace and an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) trace: String,
    pub(super) answer: String,
}

/// All variants, each with `bytes` bytes in all where the phrases leave room for it.
pub(super) fn variants(bytes: usize) -> Vec<Text> {
    (0..VARIANTS)
        .map(|v| {
            let opening = format!("Case {v}. To me, {}, and {}.", QUOTES[0], QUOTES[1]);
            let trace = fill(opening, &THOUGHTS, v, bytes * 6 / 10);
            let answer = fill(format!("Reply {v}."), &ANSWERS, v, bytes.saturating_sub(trace.len()));
            Text { trace, answer }
        })
        .collect()
}

/// `opening` and sentences in turn, up to `bytes` bytes exactly; never less than the opening.
fn fill(opening: String, sentences: &[&str], start: usize, bytes: usize) -> String {
    let mut text = opening;
    let shortest = text.len();
    // A stride of its own for each variant keeps the orders apart.
    let stride = 1 + 2 * (start % (sentences.len() / 2));
    let mut next = start;
    while text.len() < bytes {
        text.push(' ');
        text.push_str(sentences[next % sentences.len()]);
        next += stride;
    }
    let mut end = bytes.max(shortest).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_and_hold_the_quotes() {
        for bytes in [0, 100, 1_000, 2_000, 8_001] {
            let all = variants(bytes);
            for text in &all {
                assert!(QUOTES.iter().all(|q| text.trace.contains(q)));
                let size = text.trace.len() + text.answer.len();
                assert!(size == bytes || bytes < 300, "{size} for {bytes}");
            }
            assert!((1..all.len()).all(|v| all[v] != all[v - 1]));
        }
    }
}
