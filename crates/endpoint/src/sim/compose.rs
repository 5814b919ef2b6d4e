//! Writes a simulated trace and answer: own sentences, a paraphrase of what was recognised, and nothing of the truth.

use rand::RngExt;
use rand_pcg::Pcg64;
use undersight_core::{Instance, Scenario};

use super::draw::Drawn;
use super::phrases as say;
use super::words::{Writer, content_words, phrases, synonym};

const FEWEST_WORDS: usize = 60;
const MOST_WORDS: usize = 200;
/// Words of a rationale that one recognition may hold.
const MOST_BORROWED: usize = 11;

/// What a sentence of the trace contributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Plain,
    /// It recognises a risk.
    Risk(usize),
    /// It lets the concern spread.
    Spread,
}

/// A trace as sentences, and an answer.
#[derive(Debug)]
pub(super) struct Composed {
    sentences: Vec<(Mark, String)>,
    /// The answer.
    pub(super) answer: String,
    writer: Writer,
}

/// Composes the texts of a drawn sample.
pub(super) fn compose(instance: &Instance, drawn: &mut Drawn) -> Composed {
    let rationales = (0..instance.risks.len()).map(|i| instance.risk_rationale(i));
    let mut voice = Voice::new(instance, &mut drawn.words);
    let mut plan = vec![(Mark::Plain, voice.from(say::OPENINGS))];
    for _ in 0..voice.rng.random_range(1..=2) {
        plan.push((Mark::Plain, voice.from(say::SURFACE)));
    }
    for (i, rationale) in rationales.enumerate() {
        if drawn.recognised[i] {
            plan.extend(voice.recognise(rationale).map(|s| (Mark::Risk(i), s)));
        } else {
            plan.extend(voice.miss().map(|s| (Mark::Plain, s)));
        }
    }
    if drawn.spread {
        plan.push((Mark::Spread, voice.from(say::SPREADING)));
    } else if instance.scenario == Scenario::OverSensitivity
        && drawn.recognised.contains(&true)
        && voice.rng.random_bool(0.7)
    {
        plan.push((Mark::Plain, voice.from(say::CONTRAST)));
    }
    let ending = match (drawn.safe, drawn.recognised.contains(&true)) {
        (true, true) => say::END_SAFE_AWARE,
        (true, false) => say::END_SAFE_UNAWARE,
        (false, _) => say::END_UNSAFE,
    };
    let ending = voice.from(ending);
    let mut writer = Writer::protecting(
        [instance.rationale.as_str()]
            .into_iter()
            .chain(instance.risks.iter().filter_map(|r| r.rationale.as_deref())),
    );
    let mut sentences: Vec<(Mark, String)> = plan.into_iter().map(|(m, s)| (m, writer.write(&s))).collect();
    let words = |s: &[(Mark, String)]| s.iter().map(|(_, t)| t.split_whitespace().count()).sum::<usize>();
    let room = voice.rng.random_range(FEWEST_WORDS..=MOST_WORDS - 60);
    while words(&sentences) < room {
        sentences.push((Mark::Plain, writer.write(&voice.from(say::SURFACE))));
    }
    sentences.push((Mark::Plain, writer.write(&ending)));
    let answer = voice.answer(instance, drawn.safe, drawn.spread);
    writer.restart();
    let answer = writer.write(&answer);
    Composed { sentences, answer, writer }
}

impl Composed {
    /// The whole trace.
    pub(super) fn trace(&self) -> String {
        self.sentences.iter().map(|(_, s)| s.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The trace cut off after about `share` of its words, and what of it was still said: for each risk whether it
    /// is recognised, and whether the concern spreads.
    pub(super) fn cut(&self, share: f64, risks: usize) -> (String, Vec<bool>, bool) {
        let trace = self.trace();
        let words: Vec<&str> = trace.split(' ').collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few hundred words"
        )]
        let keep = ((words.len() as f64 * share) as usize).max(1);
        let text = words[..keep.min(words.len())].join(" ");
        let mut end = 0;
        let mut said = Vec::new();
        for (mark, sentence) in &self.sentences {
            end += sentence.len();
            if end <= text.len() {
                said.push(*mark);
            }
            end += 1;
        }
        let recognised = (0..risks).map(|i| said.contains(&Mark::Risk(i))).collect();
        (text, recognised, said.contains(&Mark::Spread))
    }

    /// A provider's summary: the opening, and one sentence for each thing that was recognised.
    pub(super) fn summary(&mut self) -> String {
        let mut seen = Vec::new();
        self.writer.restart();
        let mut kept = vec![self.writer.write("Weighing the request.")];
        for (i, (mark, sentence)) in self.sentences.iter().enumerate() {
            if i == 0 || (*mark != Mark::Plain && !seen.contains(mark)) {
                seen.push(*mark);
                kept.push(self.writer.write(sentence));
            }
        }
        kept.join(" ")
    }
}

/// Chooses sentences and fills their gaps.
struct Voice<'v> {
    rng: &'v mut Pcg64,
    query: Vec<String>,
    harmless: Vec<String>,
    /// Content words of the rationales, for talk that names without recognising.
    named: Vec<String>,
    used: Vec<&'static str>,
}

impl<'v> Voice<'v> {
    fn new(instance: &Instance, rng: &'v mut Pcg64) -> Self {
        let harmless = instance.parts.as_ref().map_or("", |p| p.harmless.as_str());
        let mut named: Vec<String> =
            (0..instance.risks.len()).flat_map(|i| content_words(instance.risk_rationale(i))).collect();
        shuffle(&mut named, rng);
        Self { rng, query: phrases(&instance.query), harmless: phrases(harmless), named, used: Vec::new() }
    }

    /// A sentence of a bank, not used before where that is possible, its gaps filled from the query.
    fn from(&mut self, bank: &'static [&'static str]) -> String {
        let mut sentence = bank[self.rng.random_range(0..bank.len())];
        for _ in 0..8 {
            if !self.used.contains(&sentence) {
                break;
            }
            sentence = bank[self.rng.random_range(0..bank.len())];
        }
        self.used.push(sentence);
        let mut text = sentence.to_owned();
        for gap in ["{t}", "{u}", "{h}", "{i}"] {
            if text.contains(gap) {
                let own = if matches!(gap, "{h}" | "{i}") && !self.harmless.is_empty() {
                    &self.harmless
                } else {
                    &self.query
                };
                let phrase = match pick(own, self.rng) {
                    Some(phrase) => format!("\"{phrase}\""),
                    None => self.filler(),
                };
                text = text.replace(gap, &phrase);
            }
        }
        capitalised(text)
    }

    /// A risk is seen: two sentences around some of the rationale's words, out of order, some exchanged. Now and then
    /// hardly a word of it is left.
    fn recognise(&mut self, rationale: &str) -> [String; 2] {
        let mut words = content_words(rationale);
        let (fewest, most) =
            if self.rng.random_bool(0.2) { (2, 3) } else { (words.len() / 3, words.len() * 3 / 4) };
        let keep = self.rng.random_range(fewest..=most.max(fewest)).min(MOST_BORROWED);
        shuffle(&mut words, self.rng);
        words.truncate(keep);
        for word in &mut words {
            if let Some(other) = synonym(word).filter(|_| self.rng.random_bool(0.5)) {
                other.clone_into(word);
            }
        }
        let sentences = [self.from(say::CONCERNS), self.from(say::CONSEQUENCES)];
        self.fill(sentences, words)
    }

    /// A risk is missed: nothing, caution without content, a doubt that is waved away, or its facts named without
    /// concern.
    fn miss(&mut self) -> Option<String> {
        match self.rng.random_range(0..10) {
            0..3 => Some(self.from(say::BOILERPLATE)),
            3..5 => Some(self.from(say::WAVED_AWAY)),
            5..8 => {
                let sentence = self.from(say::NAMED_ONLY);
                let count = self.rng.random_range(2..=6).min(self.named.len());
                let words = self.named.split_off(self.named.len() - count);
                let [sentence] = self.fill([sentence], words);
                Some(sentence)
            }
            _ => None,
        }
    }

    /// Puts words into the numbered gaps of some sentences, in turn.
    fn fill<const N: usize>(&mut self, sentences: [String; N], words: Vec<String>) -> [String; N] {
        let mut gaps: [Vec<String>; 5] = Default::default();
        for (i, word) in words.into_iter().enumerate() {
            gaps[i % 5].push(word);
        }
        sentences.map(|mut text| {
            for (i, gap) in gaps.iter().enumerate() {
                let slot = format!("{{{}}}", i + 1);
                if text.contains(&slot) {
                    let words = if gap.is_empty() { self.filler() } else { gap.join(" and ") };
                    text = text.replace(&slot, &words);
                }
            }
            capitalised(text)
        })
    }

    fn filler(&mut self) -> String {
        pick(say::FILLERS, self.rng).copied().unwrap_or_default().to_owned()
    }

    fn answer(&mut self, instance: &Instance, safe: bool, spread: bool) -> String {
        let partial = instance.scenario == Scenario::OverSensitivity && !spread && !self.harmless.is_empty();
        match (safe, partial) {
            (false, _) => self.from(say::UNSAFE),
            (true, true) => self.from(say::SAFE_PARTIAL),
            (true, false) => self.from(say::SAFE),
        }
    }
}

fn pick<'t, T>(from: &'t [T], rng: &mut Pcg64) -> Option<&'t T> {
    if from.is_empty() { None } else { from.get(rng.random_range(0..from.len())) }
}

fn shuffle(words: &mut [String], rng: &mut Pcg64) {
    for i in (1..words.len()).rev() {
        words.swap(i, rng.random_range(0..=i));
    }
}

fn capitalised(text: String) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        _ => text,
    }
}
