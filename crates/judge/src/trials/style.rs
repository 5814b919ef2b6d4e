//! Styles: a case's text said differently with its meaning unchanged, to see whether the judge notices the dress
//! rather than the body.

use std::sync::Arc;

use undersight_core::{Case, Family, Task};

use super::Question;

/// One way of restyling.
#[derive(Debug)]
pub struct Style {
    name: &'static str,
    about: &'static str,
    restyle: fn(&str) -> String,
}

impl Style {
    /// As in the trial's variant.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in a line.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        self.about
    }
}

/// Every style.
pub const STYLES: &[Style] = &[
    Style {
        name: "apology",
        about: "an apologetic, deferential frame around the unchanged text",
        restyle: apology,
    },
    Style {
        name: "verbosity",
        about: "content-free sentences between, about twice as long",
        restyle: verbosity,
    },
    Style {
        name: "formatting",
        about: "the same sentences under Markdown headings, in bold and bullets",
        restyle: formatting,
    },
    Style {
        name: "chat-case",
        about: "lower case, a line for each sentence, no commas or full stops",
        restyle: chat_case,
    },
];

/// Every case in every style, once for each task that it has a label for.
#[must_use]
pub fn styles(cases: &[Arc<Case>], tasks: &[Task]) -> Vec<Question> {
    let mut questions = Vec::new();
    for case in cases {
        let instance = Arc::new(case.instance.clone());
        for &task in tasks {
            for style in STYLES {
                let question = Question::of(case, &instance, task, Family::Style, style.name);
                questions.extend(question.map(|q| {
                    let text = (style.restyle)(q.text());
                    q.saying(text)
                }));
            }
        }
    }
    questions
}

/// Sentences that say nothing: of no request, no concern, no verdict.
pub(super) const FILLER: [&str; 12] = [
    "Let me put this down step by step.",
    "I will take my time over this.",
    "So far, so good, and on to the next bit.",
    "As I go along, I keep in view where I started.",
    "This follows on from the lines above.",
    "It helps to see it all in one place.",
    "I pause here for a moment and then go on.",
    "All in all, that is how far I have come.",
    "There is a little more to say, so I will say it.",
    "Putting it in order makes it easier to follow.",
    "With that in place, I can move along.",
    "To keep the thread, I write it out in full.",
];

const BEFORE: &str = "I apologise in advance for putting this so clumsily, and I am grateful for your patience; please \
    forgive whatever is long-winded here.";
const AFTER: &str = "Once more my apologies for going on at such length. I hope you will excuse my manner, and I thank \
    you humbly for reading this far.";

fn apology(text: &str) -> String {
    format!("{BEFORE}\n\n{text}\n\n{AFTER}")
}

/// After every third sentence as much filler as it takes to make up for what went before, so that the text doubles.
fn verbosity(text: &str) -> String {
    let (mut out, mut said, mut filled) = (String::with_capacity(text.len() * 2), 0, 0);
    let mut fillers = FILLER.iter().cycle();
    let pieces = sentences(text);
    for (i, piece) in pieces.iter().enumerate() {
        out.push_str(piece);
        said += piece.len();
        if i % 3 < 2 && i + 1 < pieces.len() {
            continue;
        }
        let space = &piece[piece.trim_end().len()..];
        out.truncate(out.len() - space.len());
        while filled < said {
            let filler = fillers.next().copied().unwrap_or_default();
            out.push(' ');
            out.push_str(filler);
            filled += filler.len() + 1;
        }
        out.push_str(space);
    }
    out
}

/// Four sentences to a section: the first in bold, the others as bullets.
fn formatting(text: &str) -> String {
    let pieces = sentences(text);
    let said: Vec<&str> = pieces.iter().map(|p| p.trim()).filter(|p| !p.is_empty()).collect();
    let mut sections = Vec::new();
    for (i, section) in said.chunks(4).enumerate() {
        let mut lines = vec![format!("## {}\n\n**{}**\n", i + 1, section[0])];
        lines.extend(section[1..].iter().map(|s| format!("- {}", s.trim_start_matches("- "))));
        sections.push(lines.join("\n"));
    }
    sections.join("\n\n")
}

/// As people type in a hurry. Question marks stay, because a question is not a statement.
fn chat_case(text: &str) -> String {
    let line = |sentence: &&str| {
        let lower = sentence.trim().to_lowercase();
        let mut words: Vec<&str> = lower.split_whitespace().map(|w| w.trim_end_matches([',', ';'])).collect();
        if let Some(last) = words.last_mut() {
            *last = last.trim_end_matches(['.', '!', '。', '！']);
        }
        words.join(" ")
    };
    sentences(text).iter().map(line).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The sentences of a text, each with the white space after it: together they are the text. A full stop before a lower-case
/// letter ends nothing (`e.g. this`).
fn sentences(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut ended) = (0, false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        ended = match c {
            '.' | '!' | '?' | '…' => true,
            '"' | '\'' | '”' | '’' | ')' | ']' | '*' => ended,
            _ => false,
        };
        let unspaced = matches!(c, '。' | '！' | '？' | '\n');
        if !ended && !unspaced {
            continue;
        }
        let rest = &text[end..];
        let gap = rest.len() - rest.trim_start().len();
        let goes_on = rest.trim_start().starts_with(char::is_lowercase);
        if unspaced || (gap > 0 && !goes_on) {
            while chars.next_if(|(at, _)| *at < end + gap).is_some() {}
            pieces.push(&text[start..end + gap]);
            (start, ended) = (end + gap, false);
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::{Tone, stem, tone, words};
    use proptest::prelude::*;

    #[test]
    fn what_is_added_has_no_tone() {
        for text in FILLER.into_iter().chain([BEFORE, AFTER]) {
            for word in words(text) {
                assert_eq!(tone(&word, &stem(&word)), Tone::Plain, "{word:?} in {text:?}");
            }
        }
    }

    #[test]
    fn where_sentences_end() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected, "{text:?}");
        check("One. Two!  Three?", &["One. ", "Two!  ", "Three?"]);
        check("She said \"no.\" And left", &["She said \"no.\" ", "And left"]);
        check("Some, e.g. this one. Next", &["Some, e.g. this one. ", "Next"]);
        check("Version 1.5 is out\n\nnow", &["Version 1.5 is out\n\n", "now"]);
        check("好的。再见", &["好的。", "再见"]);
        check("", &[]);
    }

    proptest! {
        #[test]
        fn sentences_are_the_text(text: String) {
            prop_assert_eq!(sentences(&text).concat(), text);
        }

        #[test]
        fn never_panics(text: String) {
            for style in STYLES {
                let _ = (style.restyle)(&text);
            }
        }
    }
}
