//! A prompt with placeholders in Python's format: `{name}`, and `{{` and `}}` for braces themselves.

use undersight_core::text;

/// What a placeholder of the official prompts stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Query,
    RiskSummary,
    Answer,
    Trace,
}

impl Slot {
    const ALL: [Self; 4] = [Self::Query, Self::RiskSummary, Self::Answer, Self::Trace];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::RiskSummary => "risk_summary",
            Self::Answer => "answer",
            Self::Trace => "reasoning_thinking",
        }
    }
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Slot(Slot),
}

/// A prompt divided at its placeholders.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Piece>);

/// What is wrong, and at which byte.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Pattern {
    /// Divides a prompt. Only the slots `known` to it may occur.
    pub(super) fn parse(prompt: &str, known: &[Slot]) -> Result<Self, Wrong> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = prompt[at..].find(['{', '}']) {
            literal += &prompt[at..at + found];
            at += found;
            let rest = &prompt[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                literal += &rest[..1];
                at += 2;
                continue;
            }
            let wrong = |message: String| Err(Wrong { at, message });
            let Some(inside) = rest.strip_prefix('{') else { return wrong("a lone }".to_owned()) };
            let Some((name, _)) = inside.split_once('}').filter(|(name, _)| !name.contains(['{', '\n']))
            else {
                return wrong("a lone {".to_owned());
            };
            let Some(slot) = Slot::ALL.into_iter().find(|slot| slot.name() == name) else {
                return wrong(format!("{{{}}} is no placeholder", text::excerpt(name, 40)));
            };
            if !known.contains(&slot) {
                return wrong(format!("{{{name}}} is not shown to this judge"));
            }
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Slot(slot));
            at += name.len() + 2;
        }
        literal += &prompt[at..];
        pieces.push(Piece::Text(literal));
        Ok(Self(pieces))
    }

    pub(super) fn uses(&self, slot: Slot) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Slot(s) if *s == slot))
    }

    /// Fills the placeholders. What is filled in is not looked at again.
    pub(super) fn fill<'t>(&'t self, value: impl Fn(Slot) -> &'t str) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Slot(slot) => value(*slot),
            })
            .collect()
    }
}
