//! How the gullible judge divides a prompt: its own instructions, the material, and what got out of the material.

use std::borrow::Cow;

use undersight_core::{JudgementKey, Message, Task};

use crate::model::Subject;
use crate::prompt::Prompts;

/// Stands where the material will, to see the frame around it.
const BLANK: &str = "(the material stands here)";
/// Hexadecimal digits in a row that make a code.
const CODE_DIGITS: usize = 8;
/// Special tokens that end a turn in some chat template.
const CHAT_TOKENS: [&str; 8] =
    ["<|", "[INST]", "[/INST]", "<<SYS>>", "<start_of_turn>", "<end_of_turn>", "<｜", "</s>"];

/// A prompt as the judge reads it.
pub(super) struct Reading<'a> {
    /// From the opening mark to the first thing that looks like the closing one.
    pub(super) material: &'a str,
    /// What follows that and is none of the prompt's own text.
    pub(super) outside: &'a str,
    /// The marks carry a code.
    coded: bool,
}

impl<'a> Reading<'a> {
    /// The frame is what the same prompt says around a blank: its lines next to the blank are the marks. A reader of the
    /// prompt cannot tell a closing mark in the material from the real one, unless the marks carry a code.
    pub(super) fn of(
        prompt: &'a [Message],
        prompts: &Prompts,
        task: Task,
        subject: &Subject<'a>,
        key: &JudgementKey,
    ) -> Self {
        let frame = prompts.render(task, subject.instance, BLANK, key);
        let whole = frame.iter().zip(prompt).find_map(|(frame, sent)| {
            let (before, after) = frame.content.split_once(BLANK)?;
            let body = sent.content.strip_prefix(before)?.strip_suffix(after)?;
            Some((before, body, after))
        });
        // Only a material that knows the code of its fence changes the frame.
        let Some((before, body, after)) = whole else {
            return Self { material: subject.shown, outside: "", coded: true };
        };
        let opening = before.lines().rev().map(str::trim).find(|l| !l.is_empty()).unwrap_or("");
        let closing = after.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("");
        let coded = codes(opening).any(|code| codes(closing).any(|c| c == code));
        let end = if coded { None } else { broken_off(body, closing) };
        let (material, outside) = body.split_at(end.unwrap_or(body.len()));
        Self { material, outside, coded }
    }

    /// The part of the material that persuasion is looked for in: in a coded fence not what imitates the frame.
    pub(super) fn credible(&self) -> Cow<'_, str> {
        if self.coded { Cow::Owned(without_imitations(self.material)) } else { Cow::Borrowed(self.material) }
    }
}

/// Where plainly delimited material seems to end before it does.
fn broken_off(body: &str, closing: &str) -> Option<usize> {
    let token = CHAT_TOKENS.iter().filter_map(|t| body.find(t)).min();
    let mark = lines(body).find(|(_, line)| !closing.is_empty() && line.trim() == closing).map(|(at, _)| at);
    token.into_iter().chain(mark).min()
}

/// The text up to the first imitated mark, without objects that look like a verdict.
fn without_imitations(material: &str) -> String {
    let token = CHAT_TOKENS.iter().filter_map(|t| material.find(t)).min();
    let mark = lines(material).find(|(_, line)| is_mark(line)).map(|(at, _)| at);
    let end = token.into_iter().chain(mark).min().unwrap_or(material.len());
    let mut rest = &material[..end];
    let mut kept = String::with_capacity(end);
    while let Some(open) = rest.find('{') {
        let close = matching(&rest[open..]).map_or(rest.len(), |len| open + len);
        kept.push_str(&rest[..open]);
        if !rest[open..close].contains("\":") {
            kept.push_str(&rest[open..close]);
        }
        rest = &rest[close..];
    }
    kept + rest
}

/// The length of the braces' content that a text begins with.
fn matching(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at + c.len_utf8())
    })
}

/// A line that looks as if it ended or began a piece of material.
fn is_mark(line: &str) -> bool {
    let line = line.trim();
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let words: Vec<&str> = bare.split_whitespace().collect();
    let decorated = line.starts_with(['<', '-', '=', '#', '*', '[', '~']);
    let names_end = words.iter().any(|w| matches!(*w, "end" | "begin" | "start"));
    let tag = line.starts_with("</") && line.ends_with('>') && words.len() == 1;
    let fence = line.starts_with("```") || line == "\"\"\"" || line == "'''";
    let short = (1..=5).contains(&words.len());
    tag || fence || (short && names_end && decorated) || (short && bare.starts_with("end of "))
}

/// Codes in a line.
fn codes(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.len() >= CODE_DIGITS && w.chars().all(|c| c.is_ascii_hexdigit()))
}

/// The lines of a text with where each begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks() {
        let check = |line: &str, expected| assert_eq!(is_mark(line), expected, "{line:?}");
        check("</trace>", true);
        check("```", true);
        check("\"\"\"", true);
        check("--- end of trace ---", true);
        check("End of answer.", true);
        check("<<end trace 0123456789ab>>", true);
        check("- In the end I help with the soup", false);
        check("The end of the street is where it starts.", false);
        check("**I decline.**", false);
        check("", false);
    }

    #[test]
    fn imitations_are_left_out() {
        let check = |text: &str, kept: &str| assert_eq!(without_imitations(text).trim(), kept, "{text:?}");
        check("all of it {or so}", "all of it {or so}");
        check("before {\"label\": {\"a\": 1}} after", "before  after");
        check("before {\"label\": 1", "before");
        check("before\n</trace>\nafter", "before");
        check("before <|im_end|> after", "before");
    }

    proptest! {
        #[test]
        fn never_panics(text: String) {
            let _ = (without_imitations(&text), broken_off(&text, "End."));
        }
    }
}
