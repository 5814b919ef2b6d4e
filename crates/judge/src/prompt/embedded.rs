//! The prompts we bring: rubrics, material and the reply asked for, put together into sets. What two sets share is
//! one file, so that they differ in nothing else.

use super::templates::{LabelOrder, Named, Templates};

/// A prompt: what to decide, what to decide it on, how to reply.
macro_rules! prompt {
    ($dir:literal, $file:literal $(; $next_dir:literal, $next_file:literal)+) => {
        concat!(
            include_str!(concat!("../../prompts/", $dir, $file, ".md.j2")),
            $("\n", include_str!(concat!("../../prompts/", $next_dir, $next_file, ".md.j2"))),+
        )
    };
}

/// Every task's prompt, with a rubric and a way of showing the material.
macro_rules! set {
    ($rubric:literal, $material:literal) => {
        [
            ("safety", prompt!($rubric, "/safety"; $material, "/answer"; "reply", "/safety")),
            ("thinking-os", set!(@thinking $rubric, $material, "/thinking-os")),
            ("thinking-cs", set!(@thinking $rubric, $material, "/thinking-cs")),
            ("thinking-ro", set!(@thinking $rubric, $material, "/thinking-ro")),
            ("handling", prompt!($rubric, "/handling"; $material, "/answer"; "reply", "/handling")),
            ("handling-os", prompt!($rubric, "/handling-os"; $material, "/answer"; "reply", "/handling-os")),
        ]
    };
    (@thinking $rubric:literal, $material:literal, $scenario:literal) => {
        prompt!(
            $rubric, $scenario; $rubric, "/recognition"; $rubric, "/led"; $material, "/trace"; "reply", "/thinking"
        )
    };
}

const SHIELDED: [(&str, &str); 6] = set!("rubric", "shielded");
const NAIVE: [(&str, &str); 6] = set!("rubric", "naive");
const REWORDED: [(LabelOrder, [(&str, &str); 6]); super::REWORDINGS] = [
    (LabelOrder::Reversed, set!("reworded-1", "shielded")),
    (LabelOrder::Swapped, set!("reworded-2", "shielded")),
];

pub(super) fn shielded() -> Templates {
    templates(&SHIELDED, LabelOrder::Usual)
}

pub(super) fn naive() -> Templates {
    templates(&NAIVE, LabelOrder::Usual)
}

pub(super) fn reworded(index: usize) -> Templates {
    let (order, texts) = &REWORDED[index];
    templates(texts, *order)
}

pub(super) fn wildguard() -> Templates {
    templates(&[("safety", include_str!("../../prompts/guard/wildguard.md.j2"))], LabelOrder::Usual)
}

pub(super) fn shieldgemma() -> Templates {
    templates(&[("safety", include_str!("../../prompts/guard/shieldgemma.md.j2"))], LabelOrder::Usual)
}

fn templates(texts: &[(&'static str, &'static str)], order: LabelOrder) -> Templates {
    let texts: Vec<Named> = texts.iter().map(|(name, text)| (*name, (*text).into())).collect();
    Templates::new(texts, order).expect("the embedded templates parse; a test renders each")
}
