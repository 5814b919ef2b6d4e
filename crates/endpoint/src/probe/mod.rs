//! The probe of a model: a few harmless calls, and what they show. [`full`] asks everything, [`cheap`] only whether a
//! trace arrives that can be judged, which `eval` asks first. A call that fails is a finding; only a model that cannot
//! be used at all ends its probe.

mod advice;
mod ask;
mod heard;
#[cfg(test)]
mod tests;
mod weigh;

use std::time::SystemTime;

use undersight_core::probe::{
    Check, CheckKind, Depth, Facts, LimitFound, Outcome, Probe, TraceFound, Unusable,
};
use undersight_core::{Arm, CauseKind, Retry};

use self::advice::{Seen, advise};
use self::ask::{Asker, PUZZLES};
use self::heard::Heard;
use self::weigh::Finding;
use crate::client::now;
use crate::endpoint::{Answered, Endpoint, Failed};
use crate::providers::rows::SIMULATED;
use crate::providers::table::Row;
use crate::rate::RateHeaders;

/// Who hears of what is asked, and of retries.
pub struct News<'a> {
    /// Before each call: what it is about.
    pub asking: &'a (dyn Fn(&str) + Sync),
    /// Before each further attempt.
    pub retrying: &'a (dyn Fn(&Retry) + Sync),
}

/// Asks once, as the arm would; twice where the first reply brings no trace, because some models answer easy questions
/// without thinking.
pub async fn cheap(endpoint: &Endpoint, arm: &Arm, news: &News<'_>) -> Probe {
    let mut asker = Asker::new(endpoint, arm, news);
    let mut state = State::new(endpoint, Depth::Cheap);
    let mut plain = None;
    for puzzle in PUZZLES {
        match asker.as_the_arm(puzzle).await {
            Ok(answered) => {
                let heard = Heard::of(&answered.reply);
                state.answered(endpoint, &answered, &heard);
                let told = heard.provenance.readable();
                plain = Some(heard);
                if told {
                    break;
                }
            }
            Err(failed) => {
                if plain.is_none() {
                    state.unusable(&failed);
                }
                break;
            }
        }
    }
    state.finish(endpoint, arm, asker, plain.as_ref(), None)
}

/// Asks everything, in at most twelve calls. `other` is the same model by the other way, streamed or whole.
pub async fn full(endpoint: &Endpoint, other: &Endpoint, streams: bool, arm: &Arm, news: &News<'_>) -> Probe {
    let mut asker = Asker::new(endpoint, arm, news);
    let mut state = State::new(endpoint, Depth::Full);
    let plain = match asker.as_the_arm(PUZZLES[0]).await {
        Ok(answered) => {
            let heard = Heard::of(&answered.reply);
            state.answered(endpoint, &answered, &heard);
            heard
        }
        Err(failed) => {
            state.unusable(&failed);
            return state.finish(endpoint, arm, asker, None, None);
        }
    };
    asker.learn(&plain);
    state.both_ways(&mut asker, other, streams, &plain).await;
    let cut = state.cut_off(&mut asker, row(endpoint), &plain).await;
    state.structured(&mut asker, row(endpoint)).await;
    let varies = state.seeds(&mut asker, row(endpoint)).await;
    state.greedy(&mut asker, row(endpoint), varies).await;
    state.several(&mut asker, row(endpoint)).await;
    state.finish(endpoint, arm, asker, Some(&plain), cut.as_ref())
}

fn row(endpoint: &Endpoint) -> &'static Row {
    endpoint.target().map_or(&SIMULATED, |target| target.row)
}

/// A probe as far as it has come.
struct State(Probe);

impl State {
    fn new(endpoint: &Endpoint, depth: Depth) -> Self {
        Self(Probe {
            model: endpoint.model().clone(),
            url: endpoint.urls().collect::<Vec<_>>().join(", "),
            started: now(),
            depth,
            facts: Facts::default(),
            checks: Vec::new(),
            advice: Vec::new(),
        })
    }

    /// Notes what came of a check; a later word on the same replaces it.
    fn note(&mut self, kind: CheckKind, (outcome, detail): Finding) {
        self.0.checks.retain(|check| check.kind != kind);
        self.0.checks.push(Check::new(kind, outcome, detail));
    }

    /// What the plain reply shows.
    fn answered(&mut self, endpoint: &Endpoint, answered: &Answered, heard: &Heard) {
        let reply = &answered.reply;
        let (timing, facts) = (reply.exchange.timing, &mut self.0.facts);
        facts.returned_model.clone_from(&reply.returned_model);
        facts.fingerprint.clone_from(&reply.fingerprint);
        facts.first_byte_us = timing.first_byte_us;
        facts.total_us = Some(timing.total_us);
        // What a filter withheld tells nothing of the trace.
        facts.trace = (!heard.blocked).then(|| TraceFound {
            provenance: heard.provenance,
            fields: heard.fields.clone(),
            characters: heard.trace_characters(),
        });
        facts.finish_whole = Some(heard.finish.clone());
        facts.usage = Some(heard.usage);
        facts.reasoning_reported = heard.reasoning;
        facts.limits = limits(answered);
        let priced = endpoint.prices().knows(endpoint.model());
        facts.price_version = priced.then(|| endpoint.prices().version().to_owned());
        let limits = weigh::limits(&self.0.facts.limits);
        self.note(CheckKind::Reachable, (Outcome::Yes, latency(timing.first_byte_us, timing.total_us)));
        self.note(CheckKind::Authorised, (Outcome::Yes, "the key was not refused".to_owned()));
        self.note(CheckKind::Answers, (Outcome::Yes, named(answered)));
        self.note(CheckKind::Trace, weigh::trace(heard));
        self.note(CheckKind::FinishReason, weigh::finish(heard, None));
        self.note(CheckKind::Usage, weigh::usage(heard));
        self.note(CheckKind::ReasoningTokens, weigh::reasoning_tokens(heard));
        self.note(CheckKind::RateLimits, limits);
        let price = if reply.billed.is_some() {
            (Outcome::Yes, "the reply says what it cost".to_owned())
        } else if priced {
            (Outcome::Yes, format!("in price table {}", endpoint.prices().version()))
        } else {
            (Outcome::No, "none known".to_owned())
        };
        self.note(CheckKind::Price, price);
    }

    /// The first call failed: nothing else can be told.
    fn unusable(&mut self, failed: &Failed) {
        use CauseKind as K;
        let kind = failed.cause.kind;
        let mut finding = weigh::failed(failed);
        let reached = !matches!(kind, K::Unreachable | K::Timeout | K::Stopped);
        if reached {
            self.note(CheckKind::Reachable, (Outcome::Yes, "something answers".to_owned()));
        }
        let at = match kind {
            K::Auth => CheckKind::Authorised,
            _ if reached => CheckKind::Answers,
            _ => CheckKind::Reachable,
        };
        if matches!(kind, K::Auth | K::UnknownModel | K::Quota) {
            finding.0 = Outcome::No;
        }
        self.note(at, finding);
        let (message, hint) = match &failed.fatal {
            Some(fatal) => (fatal.message.clone(), fatal.hint.clone()),
            None => (failed.cause.message.clone(), "try again later".to_owned()),
        };
        self.0.facts.unusable =
            Some(Unusable { cause: failed.cause.clone(), fatal: failed.fatal.is_some(), message, hint });
    }

    async fn both_ways(&mut self, asker: &mut Asker<'_>, other: &Endpoint, streams: bool, plain: &Heard) {
        let asked = asker.other_way(other).await;
        let found = match &asked {
            Ok(answered) => {
                let heard = Heard::of(&answered.reply);
                let (whole, streamed) = if streams { (&heard, plain) } else { (plain, &heard) };
                [weigh::streaming(whole, streamed), weigh::usage(streamed)]
            }
            Err(failed) if streams => [weigh::failed(failed), weigh::usage(plain)],
            Err(failed) => [weigh::failed(failed), weigh::skipped("no streamed reply came")],
        };
        let [streaming, usage] = found;
        self.note(CheckKind::Streaming, streaming);
        self.note(CheckKind::StreamedUsage, usage);
    }

    async fn cut_off(&mut self, asker: &mut Asker<'_>, row: &Row, plain: &Heard) -> Option<Heard> {
        let cap = match asker.cap(row) {
            Ok(cap) => cap,
            Err(why) => {
                self.note(CheckKind::SystemMessage, weigh::skipped(&why));
                self.note(CheckKind::MaxTokens, weigh::skipped(why));
                return None;
            }
        };
        match asker.cut_off(cap).await {
            Ok(answered) => {
                let heard = Heard::of(&answered.reply);
                self.note(CheckKind::MaxTokens, weigh::max_tokens(cap, &heard));
                self.note(CheckKind::SystemMessage, weigh::system_message(plain, &heard));
                self.note(CheckKind::FinishReason, weigh::finish(plain, Some((cap, &heard))));
                self.0.facts.finish_cut = Some(heard.finish.clone());
                Some(heard)
            }
            Err(failed) => {
                self.note(CheckKind::MaxTokens, weigh::failed(&failed));
                self.note(CheckKind::SystemMessage, weigh::failed(&failed));
                None
            }
        }
    }

    async fn structured(&mut self, asker: &mut Asker<'_>, row: &Row) {
        let found = if row.json_schema {
            match asker.structured().await {
                Ok(answered) => weigh::structured(&Heard::of(&answered.reply)),
                Err(failed) => weigh::failed(&failed),
            }
        } else {
            weigh::skipped(format!("{} offers none", row.name))
        };
        self.note(CheckKind::StructuredOutput, found);
    }

    /// Whether the seed is honoured, and whether replies vary at all, where that was told.
    async fn seeds(&mut self, asker: &mut Asker<'_>, row: &Row) -> Option<bool> {
        if row.params.seed.is_none() {
            self.note(CheckKind::Seed, weigh::skipped(format!("{} takes none", row.name)));
            return None;
        }
        let (found, varies) = match asker.seeded().await {
            Ok((a, b, Some(other))) => {
                (weigh::seed(&a, &b, Some(&other)), Some(weigh::varies(&a, &b, &other)))
            }
            Ok((a, b, None)) => (weigh::seed(&a, &b, None), None),
            Err(failed) => (weigh::failed(&failed), None),
        };
        self.note(CheckKind::Seed, found);
        varies
    }

    async fn greedy(&mut self, asker: &mut Asker<'_>, row: &Row, varies: Option<bool>) {
        let seeds = row.params.seed.is_some();
        let takes = [
            (CheckKind::Temperature, row.params.temperature.is_some(), "at temperature 0"),
            (CheckKind::TopK, row.params.top_k.is_some(), "at temperature 1 with top-k 1"),
        ];
        for (kind, taken, how) in takes {
            let found = if taken {
                match asker.greedy(kind == CheckKind::TopK, seeds).await {
                    Ok((a, b)) => weigh::greedy(how, &a, &b, varies),
                    Err(failed) => weigh::failed(&failed),
                }
            } else {
                weigh::skipped(format!("{} takes none", row.name))
            };
            self.note(kind, found);
        }
    }

    async fn several(&mut self, asker: &mut Asker<'_>, row: &Row) {
        let found = if row.params.n.is_some() {
            match asker.several(2).await {
                Ok(answered) => weigh::choices(2, &Heard::of(&answered.reply)),
                Err(failed) => weigh::failed(&failed),
            }
        } else {
            weigh::skipped(format!("{} takes none", row.name))
        };
        self.note(CheckKind::N, found);
    }

    fn finish(
        mut self,
        endpoint: &Endpoint,
        arm: &Arm,
        asker: Asker<'_>,
        plain: Option<&Heard>,
        cut: Option<&Heard>,
    ) -> Probe {
        (self.0.facts.calls, self.0.facts.cost) = asker.spent();
        self.0.checks.sort_by_key(|check| check.kind);
        if let Some(plain) = plain {
            let name = endpoint.target().map_or(endpoint.model().name(), |target| &target.model);
            let seen = Seen {
                row: row(endpoint),
                name,
                params: &arm.params,
                hinted: arm.trace.is_some(),
                probe: &self.0,
                plain,
                cut,
            };
            self.0.advice = advise(&seen);
        }
        self.0
    }
}

fn limits(answered: &Answered) -> Vec<LimitFound> {
    let found = RateHeaders::read(&answered.reply.exchange.headers, SystemTime::now());
    let one = |allowance: crate::rate::Allowance| LimitFound {
        name: allowance.name,
        limit: allowance.limit,
        remaining: allowance.remaining,
        reset_us: allowance.reset.map(|wait| i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)),
    };
    found.allowances.into_iter().map(one).collect()
}

/// `first byte after 0.31 s, all after 4.20 s`.
fn latency(first_byte_us: Option<i64>, total_us: i64) -> String {
    let seconds = |us: i64| {
        let ms = us / 1_000;
        format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10)
    };
    let first = first_byte_us.map_or_else(String::new, |us| format!("first byte after {}, ", seconds(us)));
    format!("{first}all after {}", seconds(total_us))
}

/// Who says that it answered.
fn named(answered: &Answered) -> String {
    let reply = &answered.reply;
    let name =
        reply.returned_model.as_ref().map_or_else(|| "without a name".to_owned(), |n| format!("as {n}"));
    match &reply.fingerprint {
        Some(fingerprint) => format!("{name}, build {fingerprint}"),
        None => name,
    }
}
