//! What a person should do about what a probe saw: one rule after the other, in plain sentences.

use undersight_core::probe::{Advice, AdviceKind, CheckKind, Outcome, Probe};
use undersight_core::{FinishReason, GenParams, Provenance};

use super::heard::Heard;
use crate::providers::table::{Documented, Row};
use crate::providers::wire::Style;

/// Everything the rules look at.
pub(super) struct Seen<'a> {
    pub(super) row: &'a Row,
    /// The model's name as the provider knows it.
    pub(super) name: &'a str,
    pub(super) params: &'a GenParams,
    /// Whether it is known already that the template opens the thought.
    pub(super) hinted: bool,
    pub(super) probe: &'a Probe,
    /// The plain reply, or the last of several.
    pub(super) plain: &'a Heard,
    /// One that was to be cut off.
    pub(super) cut: Option<&'a Heard>,
}

impl Seen<'_> {
    fn outcome(&self, kind: CheckKind) -> Option<Outcome> {
        self.probe.check(kind).map(|check| check.outcome)
    }

    fn in_content(&self) -> bool {
        self.plain.fields.iter().any(|field| field == "content")
    }

    /// Whether the row is a server whose reasoning parser has to be named.
    fn parses_on_request(&self) -> bool {
        matches!(self.row.name, "vllm" | "sglang")
    }

    /// Whether nothing told the model to think.
    fn untold(&self) -> bool {
        self.params.thinking_budget.is_none() && self.params.reasoning_effort.is_none()
    }
}

/// What there is to do, the trace first.
pub(super) fn advise(seen: &Seen<'_>) -> Vec<Advice> {
    let rules = [trace, misfiled, template, finish, max_tokens, seed, top_k, streaming, usage, price];
    rules.iter().filter_map(|rule| rule(seen)).map(|(kind, text)| Advice { kind, text }).collect()
}

type Rule = Option<(AdviceKind, String)>;

fn some(kind: AdviceKind, text: impl Into<String>) -> Rule {
    Some((kind, text.into()))
}

fn trace(seen: &Seen<'_>) -> Rule {
    match seen.plain.provenance {
        Provenance::Summary => some(
            AdviceKind::Summary,
            "the trace is a summary the provider writes: Think@1 measures the summary, not the reasoning itself, and is \
             not comparable with models that show theirs in full",
        ),
        Provenance::Encrypted => some(
            AdviceKind::Encrypted,
            "the reasoning arrives encrypted and cannot be judged: only Safe@1 can be measured here; choose a model or a \
             host that shows its reasoning",
        ),
        Provenance::Absent => Some(no_trace(seen)),
        _ if seen.in_content() && seen.parses_on_request() => some(
            AdviceKind::ReasoningParser,
            "the trace arrives within the content: start the server with --reasoning-parser and the model's parser, and \
             it arrives apart; as it is, a reply that is cut off cannot be told from an answer",
        ),
        Provenance::Full | Provenance::Truncated => None,
    }
}

fn no_trace(seen: &Seen<'_>) -> (AdviceKind, String) {
    let (row, name) = (seen.row, seen.name);
    let thinks_when_told = matches!(row.style, Style::Messages | Style::Converse) || row.name == "dashscope";
    if row.trace == Documented::Never && row.name == "openai" {
        let text =
            format!("this API returns no reasoning: use openai-responses/{name}, which returns summaries");
        (AdviceKind::OtherApi, text)
    } else if thinks_when_told && seen.untold() {
        let text = "the model thinks only when told to: --thinking-budget N (1,024 or more), or --reasoning-effort where \
                    it takes one";
        (AdviceKind::AskToThink, text.to_owned())
    } else if seen.plain.finish == FinishReason::Length {
        let text = "the reply was cut off before its trace could be told: raise --max-tokens; where the model's template \
                    opens the thought, --template-opens-thought";
        (AdviceKind::TemplateOpensThought, text.to_owned())
    } else if seen.parses_on_request() {
        let text = "no trace arrived: if the model reasons, start the server with --reasoning-parser and the model's \
                    parser, and see that its template does not switch thinking off";
        (AdviceKind::ReasoningParser, text.to_owned())
    } else if seen.plain.reasoning.is_some_and(|n| n > 0) {
        let text = "the model reasons, but its reasoning is not returned: choose a host that returns it";
        (AdviceKind::NoTrace, text.to_owned())
    } else {
        let told = match (row.params.budget.is_some(), row.params.effort.is_some()) {
            (true, true) => ", with --thinking-budget or --reasoning-effort",
            (true, false) => ", with --thinking-budget",
            (false, true) => ", with --reasoning-effort",
            (false, false) => "",
        };
        let text = format!("no trace arrived: does {name} reason, and is thinking on{told}?");
        (AdviceKind::NoTrace, text)
    }
}

fn misfiled(seen: &Seen<'_>) -> Rule {
    let heard = seen.plain;
    let misfiled = heard.finish == FinishReason::Stop
        && heard.answer.trim().is_empty()
        && !heard.trace.trim().is_empty()
        && !heard.blocked;
    if !misfiled {
        return None;
    }
    some(
        AdviceKind::MisfiledAnswer,
        "the whole reply arrived as reasoning and no answer beside it: the server's reasoning parser does not fit the \
         model, or thinking is switched off in its template",
    )
}

fn template(seen: &Seen<'_>) -> Rule {
    let lost = seen.cut.is_some_and(|cut| {
        cut.finish == FinishReason::Length
            && cut.provenance == Provenance::Absent
            && !cut.answer.trim().is_empty()
    });
    if seen.hinted || !seen.plain.opened_by_template || !lost {
        return None;
    }
    some(
        AdviceKind::TemplateOpensThought,
        "the chat template opens the thought, so a reply that is cut off holds no tag and passes for an answer: \
         --template-opens-thought reads it as the trace it is",
    )
}

fn finish(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::FinishReason) != Some(Outcome::No) {
        return None;
    }
    some(
        AdviceKind::FinishReason,
        "the end of a reply is not explained reliably: replies that were cut off pass for whole ones, so leave --max-tokens \
         far above what replies take",
    )
}

fn max_tokens(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::MaxTokens) != Some(Outcome::No) {
        return None;
    }
    some(
        AdviceKind::MaxTokens,
        "--max-tokens is not kept: replies are as long as the server lets them be, and so is the bill",
    )
}

fn seed(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::Seed) != Some(Outcome::No) {
        return None;
    }
    some(AdviceKind::Seed, "the seed is not honoured: runs will not repeat, with --seed or without")
}

fn top_k(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::TopK) != Some(Outcome::No) {
        return None;
    }
    some(
        AdviceKind::TopK,
        "top-k 1 does not decode greedily: an arm with --top-k would claim a setting that nobody honours",
    )
}

fn streaming(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::Streaming) != Some(Outcome::No) {
        return None;
    }
    some(
        AdviceKind::Streaming,
        "streamed and whole replies differ in their trace: choose with --stream the way that brings it, and keep to it",
    )
}

fn usage(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::Usage) != Some(Outcome::No) {
        return None;
    }
    some(
        AdviceKind::Usage,
        "tokens are not counted, so what calls cost stays unknown and --max-cost cannot be kept",
    )
}

fn price(seen: &Seen<'_>) -> Rule {
    if seen.outcome(CheckKind::Price) != Some(Outcome::No) {
        return None;
    }
    some(
        AdviceKind::Price,
        "no price is known, so costs stay unknown: give it with --prices FILE (zero for a server of your own)",
    )
}
