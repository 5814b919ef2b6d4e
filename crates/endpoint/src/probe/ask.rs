//! The calls of a probe: what is asked, with which parameters, and what that cost.

use std::sync::Arc;

use serde_json::json;
use undersight_core::arm::messages_hash;
use undersight_core::{Arm, GenParams, Message, NanoUsd, Provenance, Role};

use super::News;
use super::heard::Heard;
use crate::client::{ChatRequest, ResponseSchema, unbilled};
use crate::endpoint::{Answered, Endpoint, Failed};
use crate::providers::table::Row;

/// Harmless, and worth a little thought; the second is the harder one.
pub(super) const PUZZLES: [&str; 2] = [
    "Three boxes hold 4, 7 and 9 marbles. Half of all the marbles are given away, and then 3 are found again. How many \
     marbles are there now? Say it in one short sentence.",
    "Ana, Ben and Caro each keep one pet: a cat, a dog or a parrot. Ana's pet cannot fly, Ben is allergic to cats and \
     dogs, and Caro's pet does not bark. Who keeps which pet? Think it through, then say it in one short sentence.",
];
/// Leaves much open, so that replies differ unless something keeps them from it.
const STORY: &str =
    "Think of an animal, a place and a name, and tell a little story with them in three sentences.";
/// What the system message says.
const SYSTEM: &str = "You are a friendly assistant who writes plain English.";
/// Tokens of the reply that is to be cut off: no less than 16 are taken everywhere.
const CAP: u32 = 24;
/// Tokens of a reply that is only compared.
const COMPARED: u32 = 200;

type Asked = Result<Answered, Box<Failed>>;

/// Asks, and keeps count.
pub(super) struct Asker<'a> {
    endpoint: &'a Endpoint,
    arm: &'a Arm,
    news: &'a News<'a>,
    /// Whether the reasoning is part of what arrives, so that replies can be compared before they are whole.
    shows: bool,
    calls: u32,
    /// Unknown once one call's is.
    cost: Option<NanoUsd>,
}

impl<'a> Asker<'a> {
    pub(super) fn new(endpoint: &'a Endpoint, arm: &'a Arm, news: &'a News<'a>) -> Self {
        Self { endpoint, arm, news, shows: false, calls: 0, cost: Some(NanoUsd(0)) }
    }

    /// The calls made and what they cost.
    pub(super) const fn spent(&self) -> (u32, Option<NanoUsd>) {
        (self.calls, self.cost)
    }

    /// Takes the plain reply into account.
    pub(super) fn learn(&mut self, plain: &Heard) {
        self.shows = match plain.provenance {
            Provenance::Full | Provenance::Truncated => true,
            Provenance::Absent => plain.reasoning.is_none_or(|n| n == 0),
            Provenance::Summary | Provenance::Encrypted => false,
        };
    }

    async fn ask(&mut self, endpoint: &Endpoint, about: &str, request: ChatRequest) -> Asked {
        (self.news.asking)(about);
        self.calls += 1;
        let asked = endpoint.call(&request, self.news.retrying).await;
        let cost = match &asked {
            Ok(answered) => answered.cost,
            // What was refused or never arrived costs nothing; a call that broke off may.
            Err(failed) => unbilled(&failed.cause).then_some(NanoUsd(0)),
        };
        self.cost = self.cost.zip(cost).map(|(sum, cost)| sum.plus(cost));
        asked
    }

    /// The request the arm would make for a text.
    fn request(&self, text: &str) -> ChatRequest {
        let system = self.arm.system_prompt.iter().map(|prompt| Message::new(Role::System, prompt.as_str()));
        let messages: Vec<Message> = system.chain([Message::new(Role::User, text)]).collect();
        let sends_seed = !self.arm.unsupported.iter().any(|name| name == "seed");
        ChatRequest {
            seed: self.arm.request_seed(&messages_hash(&messages), 0).filter(|_| sends_seed),
            messages,
            params: self.arm.params.clone(),
            trace: self.arm.trace,
            ..ChatRequest::default()
        }
    }

    /// As the arm asks.
    pub(super) async fn as_the_arm(&mut self, puzzle: &str) -> Asked {
        self.ask(self.endpoint, "a plain question", self.request(puzzle)).await
    }

    /// The same streamed, or whole where the arm streams.
    pub(super) async fn other_way(&mut self, other: &Endpoint) -> Asked {
        self.ask(other, "streaming", self.request(PUZZLES[0])).await
    }

    /// The limit of a reply that is to be cut off, or why there is none.
    pub(super) fn cap(&self, row: &Row) -> Result<u32, String> {
        if row.params.max_tokens.is_none() {
            Err(format!("{} takes none", row.name))
        } else if self.arm.params.thinking_budget.is_some() {
            Err("a thinking budget leaves no room for a low limit".to_owned())
        } else {
            Ok(CAP)
        }
    }

    /// With a low limit and a system message.
    pub(super) async fn cut_off(&mut self, cap: u32) -> Asked {
        let mut request = self.request(PUZZLES[0]);
        if self.arm.system_prompt.is_none() {
            request.messages.insert(0, Message::new(Role::System, SYSTEM));
        }
        request.params.max_tokens = Some(cap);
        self.ask(self.endpoint, "max-tokens and a system message", request).await
    }

    /// With a schema, which the question does not speak of.
    pub(super) async fn structured(&mut self) -> Asked {
        let schema = json!({
            "type": "object",
            "properties": { "answer": { "type": "integer" } },
            "required": ["answer"],
            "additionalProperties": false,
        });
        let schema = ResponseSchema { name: "marbles".to_owned(), schema };
        let request = ChatRequest { schema: Some(Arc::new(schema)), ..self.request(PUZZLES[0]) };
        self.ask(self.endpoint, "structured output", request).await
    }

    /// A request whose reply is compared with another.
    fn compared(&self, temperature: f64, top_k: Option<u32>, seed: Option<u64>) -> ChatRequest {
        let request = self.request(STORY);
        let short = self.shows && request.params.thinking_budget.is_none();
        let max_tokens = if short { Some(COMPARED) } else { request.params.max_tokens };
        let params = GenParams {
            temperature: Some(temperature),
            top_p: None,
            top_k,
            max_tokens,
            ..request.params.clone()
        };
        ChatRequest { params, seed, ..request }
    }

    async fn heard(&mut self, about: &str, request: ChatRequest) -> Result<Heard, Box<Failed>> {
        self.ask(self.endpoint, about, request).await.map(|answered| Heard::of(&answered.reply))
    }

    /// Twice with one seed, then with another, which may fail alone.
    pub(super) async fn seeded(&mut self) -> Result<(Heard, Heard, Option<Heard>), Box<Failed>> {
        let [one, same, other] = [11, 11, 12].map(|seed| self.compared(1.0, None, Some(seed)));
        let one = self.heard("the seed", one).await?;
        let same = self.heard("the same seed", same).await?;
        Ok((one, same, self.heard("another seed", other).await.ok()))
    }

    /// Twice greedily: by top-k, else by temperature. The seeds differ where there are any: greedy decoding does not
    /// mind, and a cache does not answer.
    pub(super) async fn greedy(
        &mut self,
        by_top_k: bool,
        seeds: bool,
    ) -> Result<(Heard, Heard), Box<Failed>> {
        let (temperature, top_k, about) =
            if by_top_k { (1.0, Some(1), "top-k 1") } else { (0.0, None, "temperature 0") };
        let [one, other] = [21, 22].map(|seed| self.compared(temperature, top_k, seeds.then_some(seed)));
        Ok((self.heard(about, one).await?, self.heard(about, other).await?))
    }

    /// With several replies wanted.
    pub(super) async fn several(&mut self, n: u32) -> Asked {
        let request = ChatRequest { n: Some(n), ..self.compared(1.0, None, None) };
        self.ask(self.endpoint, "several replies", request).await
    }
}
