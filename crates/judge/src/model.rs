//! A model as judge: asks it, reads the verdict, asks again within bounds, and records how it ended.

use undersight_core::arm::messages_hash;
use undersight_core::{
    Cause, CauseKind, Digest, Extraction, FinishReason, Instance, JudgeSpec, Judgement, JudgementKey,
    JudgementStatus, Message, NanoUsd, Retry, Role, SpanKind, Task, Timing, VerdictFormat,
};
use undersight_endpoint::client::{ChatRequest, Reply};
use undersight_endpoint::{Answered, Endpoint, Failed};

use crate::evidence;
use crate::judge::Halt;
use crate::prompt::Prompts;
use crate::verdict::{self, Expected, Verdict, VerdictError};

/// How often a judge is asked again after a verdict that cannot be used.
pub const MAX_REASKS: u32 = 2;
/// How often of these because it contradicted itself: a judge that insists on a contradiction has no verdict.
const MAX_REASKS_CONTRADICTION: u32 = 1;
/// How much of its last reply a judge is shown again, in bytes.
const SHOWN_AGAIN: usize = 8 * 1024;

/// What is judged, by whom.
pub(crate) struct Subject<'a> {
    pub(crate) spec: &'a JudgeSpec,
    pub(crate) instance: &'a Instance,
    /// The whole text, which quotes are checked against.
    pub(crate) text: &'a str,
    /// What the judge sees of it.
    pub(crate) shown: &'a str,
}

impl<'a> Subject<'a> {
    /// What its verdict on a task has to be.
    pub(crate) fn expected(&self, task: Task) -> Expected<'a> {
        Expected {
            task,
            scenario: self.instance.scenario,
            risks: self.instance.risks.len(),
            format: self.spec.format(),
            labels: self.spec.labels.get(&task),
        }
    }
}

/// How one reply, or the asking as a whole, ended.
enum Ending {
    Verdict(Verdict),
    Failure(JudgementStatus, String),
    /// Worth asking again.
    Unusable(VerdictError),
}

/// Fills in a blank judgement.
pub(crate) async fn judge(
    endpoint: &Endpoint,
    prompts: &Prompts,
    subject: &Subject<'_>,
    mut judgement: Judgement,
    on_retry: &(dyn Fn(&Retry) + Sync),
) -> Result<Judgement, Halt> {
    let Subject { spec, instance, text, shown } = *subject;
    let task = judgement.task;
    let expected = subject.expected(task);
    let prompt = prompts.render(task, instance, shown, &judgement.key);
    judgement.prompt_hash = Some(messages_hash(&prompt));
    let mut request = ChatRequest {
        messages: prompt.clone(),
        params: spec.params.clone(),
        seed: request_seed(spec, &judgement.key, 0),
        schema: if spec.structured == Some(false) { None } else { prompts.schema(task, instance.scenario) },
        tag: Some(ask_tag(&judgement.key, 0)),
        ..ChatRequest::default()
    };
    let mut contradictions = 0;
    loop {
        let answered = match endpoint.call(&request, on_retry).await {
            Ok(answered) => answered,
            Err(failed) => return failure(judgement, *failed),
        };
        let ending = read(&answered.reply, &expected);
        record(&mut judgement, answered);
        let error = match ending {
            Ending::Verdict(verdict) => {
                settle(&mut judgement, verdict, text, &expected);
                return Ok(judgement);
            }
            Ending::Failure(status, message) => return Ok(unread(judgement, status, message)),
            Ending::Unusable(error) => error,
        };
        contradictions += u32::from(matches!(error, VerdictError::Contradictory(_)));
        // A guard classifies whatever it is sent last: a correction would be graded in place of the answer.
        let once = expected.format.is_guard();
        if once || judgement.flags.reasks == MAX_REASKS || contradictions > MAX_REASKS_CONTRADICTION {
            let status = match error {
                VerdictError::Truncated => JudgementStatus::Truncated,
                _ => JudgementStatus::ParseError,
            };
            return Ok(unread(judgement, status, error.to_string()));
        }
        judgement.flags.reasks += 1;
        request.seed = request_seed(spec, &judgement.key, judgement.flags.reasks);
        request.tag = Some(ask_tag(&judgement.key, judgement.flags.reasks));
        request.messages.clone_from(&prompt);
        request.messages.extend(reask(&judgement.raw_verdict, &error, &expected));
    }
}

/// What a reply amounts to. A reply that was cut by its length is read only if its JSON is whole and as asked for.
fn read(reply: &Reply, expected: &Expected<'_>) -> Ending {
    if reply.blocked {
        return Ending::Failure(
            JudgementStatus::Refused,
            "the provider withheld the judge's reply".to_owned(),
        );
    }
    let raw = verdict_text(&reply.extraction);
    let cut = reply.finish == FinishReason::Length;
    let verdict = verdict::parse(&raw, expected);
    match verdict.and_then(|v| if cut && v.repaired { Err(VerdictError::Truncated) } else { Ok(v) }) {
        Ok(verdict) => Ending::Verdict(verdict),
        Err(error @ VerdictError::Refused(_)) => Ending::Failure(JudgementStatus::Refused, error.to_string()),
        Err(_) if cut => Ending::Failure(JudgementStatus::Truncated, VerdictError::Truncated.to_string()),
        Err(error) => Ending::Unusable(error),
    }
}

/// The text a verdict is read from: the answer; or the whole content where that opens with JSON, because a tag
/// after that is quoted from the material and divides nothing.
fn verdict_text(extraction: &Extraction) -> String {
    let content =
        extraction.spans.iter().rev().find(|s| matches!(s.kind, SpanKind::Answer | SpanKind::Markup));
    let content = content.and_then(|s| extraction.parts.get(s.part)).map_or("", |p| p.text.as_str());
    if content.trim_start().starts_with(['{', '`']) { content.to_owned() } else { extraction.answer() }
}

/// Books an answered ask: what it cost adds up, what it said replaces what was said before.
fn record(judgement: &mut Judgement, answered: Answered) {
    let Answered { reply, cost, .. } = answered;
    judgement.raw_verdict = verdict_text(&reply.extraction);
    if judgement.flags.reasks == 0 {
        judgement.usage = reply.usage;
        judgement.cost = cost;
        judgement.timing = reply.exchange.timing;
    } else {
        judgement.usage = judgement.usage.plus(reply.usage);
        judgement.cost = judgement.cost.zip(cost).map(|(a, b): (NanoUsd, NanoUsd)| a.plus(b));
        judgement.timing = timing_sum(judgement.timing, reply.exchange.timing);
    }
    judgement.returned_model = reply.returned_model;
    judgement.raw = reply.exchange.raw;
}

fn timing_sum(first: Timing, next: Timing) -> Timing {
    Timing { total_us: first.total_us.saturating_add(next.total_us), ..first }
}

/// Takes a verdict over. Evidence is checked where it was asked for.
pub(crate) fn settle(judgement: &mut Judgement, verdict: Verdict, trace: &str, expected: &Expected<'_>) {
    judgement.risks = evidence::findings(&verdict.risks, trace);
    judgement.status = match expected.format {
        VerdictFormat::Json => evidence::status(verdict.label, &judgement.risks),
        _ => JudgementStatus::Ok,
    };
    judgement.details.parts = verdict.parts;
    judgement.label = Some(verdict.label);
    judgement.explanation = verdict.explanation;
    judgement.flags.repaired = verdict.repaired;
}

pub(crate) fn unread(mut judgement: Judgement, status: JudgementStatus, message: String) -> Judgement {
    judgement.status = status;
    judgement.cause = Some(Cause { kind: CauseKind::Verdict, http_status: None, message });
    judgement
}

/// The call itself failed, after its retries. What earlier asks cost stays booked.
fn failure(mut judgement: Judgement, failed: Failed) -> Result<Judgement, Halt> {
    // An earlier ask was paid for: it is kept, as an error that the next run tries again.
    let paid = judgement.flags.reasks > 0;
    match failed.fatal {
        Some(fatal) if !paid => return Err(Halt::Fatal(fatal)),
        None if !paid && failed.cause.kind == CauseKind::Stopped => return Err(Halt::Stopped),
        _ => {}
    }
    judgement.timing = match judgement.flags.reasks {
        0 => failed.exchange.timing,
        _ => timing_sum(judgement.timing, failed.exchange.timing),
    };
    judgement.status = JudgementStatus::Error;
    judgement.cause = Some(failed.cause);
    judgement.raw = failed.exchange.raw;
    Ok(judgement)
}

/// What follows the prompt when a judge is asked again: its last reply and what was wrong with it. Only the last
/// one, so that the context does not grow.
fn reask(reply: &str, error: &VerdictError, expected: &Expected<'_>) -> [Message; 2] {
    let cut = (0..=reply.len().min(SHOWN_AGAIN)).rev().find(|&i| reply.is_char_boundary(i)).unwrap_or(0);
    // An empty turn is refused by some providers.
    let shown = if reply.trim().is_empty() { "(no text)" } else { &reply[..cut] };
    [Message::new(Role::Assistant, shown), Message::new(Role::User, error.correction(expected))]
}

/// What tells the asks of all judgements apart.
fn ask_tag(key: &JudgementKey, ask: u32) -> Digest {
    Digest::of("ask/v1", &(key, ask))
}

/// Distinct for every judgement and ask, and within 31 bits because some servers read a signed 32-bit integer.
fn request_seed(spec: &JudgeSpec, key: &JudgementKey, ask: u32) -> Option<u64> {
    spec.seed.map(|seed| Digest::of("judge-seed/v1", &(seed.to_string(), key, ask)).as_u64() & 0x7fff_ffff)
}
