//! Studies drawn from a population with known rates, clustered like the official file: instances differ, those that
//! share a sub-risk text resemble one another, and so do the samples of one instance.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use undersight_core::{
    Item, JudgementStatus, Label, Outcome, Provenance, SampleStatus, Scenario, SimTruth, Study, Subcategory,
    Task, Verdict,
};

/// How many connected components of cognitive-shortcut instances have how many instances, in the official file.
pub const COMPONENTS: [(usize, usize); 10] =
    [(1, 509), (2, 126), (3, 44), (4, 26), (5, 11), (6, 8), (7, 5), (8, 2), (9, 3), (11, 2)];
const OS: usize = 200;
const RO: usize = 600;

/// Rates on the logit scale, and how much instances and components differ.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    /// Mean logit of awareness by scenario, in the order of [`Scenario::ALL`].
    pub aware: [f64; 3],
    /// Mean logit of a safe answer by scenario.
    pub safe: [f64; 3],
    /// How much more likely, in logits, an aware sample is safe.
    pub pull: f64,
    /// Standard deviation between instances, in logits.
    pub between: f64,
    /// Standard deviation between components of instances that share a text.
    pub shared: f64,
}

impl Population {
    /// Like a model in the middle of the published leaderboard: mostly safe, rarely aware on cognitive shortcuts.
    pub const TYPICAL: Self =
        Self { aware: [0.3, -2.4, 0.8], safe: [3.2, 3.4, 2.6], pull: 1.0, between: 1.6, shared: 0.9 };

    /// Instances of the official file's shape, taking `share` of each scenario (1.0 is 200, 1,200 and 600).
    #[must_use]
    pub fn items(share: f64) -> Vec<Item> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a small count"
        )]
        let some = |n: usize| (f64::from(u32::try_from(n).unwrap_or(u32::MAX)) * share).round() as usize;
        let mut items: Vec<Item> = Vec::new();
        let mut push = |scenario, texts: Vec<u64>| {
            let at = items.len();
            let all = Subcategory::ALL;
            let mut subcategories = vec![all[(at * at + 3 * at) % all.len()]];
            if scenario == Scenario::CognitiveShortcut {
                subcategories.push(all[(7 * at + 1) % all.len()]);
            }
            items.push(Item { id: format!("{at:032x}"), scenario, subcategories, shared_texts: texts });
        };
        (0..some(OS)).for_each(|_| push(Scenario::OverSensitivity, Vec::new()));
        let mut text = 0;
        for (size, count) in COMPONENTS {
            for _ in 0..some(count) {
                text += 1;
                (0..size).for_each(|_| push(Scenario::CognitiveShortcut, vec![text]));
            }
        }
        (0..some(RO)).for_each(|_| push(Scenario::RiskOmission, Vec::new()));
        items
    }

    /// One run over instances drawn anew.
    #[must_use]
    pub fn draw(&self, items: &[Item], k: u32, seed: u64) -> Study {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut outcomes = Vec::with_capacity(items.len() * k as usize);
        let mut component: (Option<&u64>, Effects) = (None, Effects::default());
        for (at, item) in items.iter().enumerate() {
            let text = item.shared_texts.first();
            if component.0 != text {
                let spread = if text.is_some() { self.shared } else { 0.0 };
                component = (text, Effects::draw(&mut random, spread));
            }
            let own = Effects::draw(&mut random, self.between);
            let effects = Effects { aware: own.aware + component.1.aware, safe: own.safe + component.1.safe };
            for index in 0..k {
                let (safe, aware) = self.sample(item.scenario, &effects, &mut random);
                outcomes.push(outcome(at, index, item.scenario, safe, aware));
            }
        }
        Study { name: format!("simulated-{seed}"), items: items.to_vec(), k, outcomes }
    }

    /// The rates that runs over all instances like these have on average: safe, aware, both, by scenario, from so many
    /// draws; and the rates of k samples of one instance all safe, all aware.
    #[must_use]
    pub fn rates(&self, scenario: Scenario, k: u32, draws: u32, seed: u64) -> Rates {
        let mut random = Pcg64::seed_from_u64(seed);
        let (mut sums, n) = (Rates::default(), f64::from(draws));
        let shared = if scenario == Scenario::CognitiveShortcut { self.shared } else { 0.0 };
        for _ in 0..draws {
            let (own, of_text) =
                (Effects::draw(&mut random, self.between), Effects::draw(&mut random, shared));
            let effects = Effects { aware: own.aware + of_text.aware, safe: own.safe + of_text.safe };
            let aware = logistic(self.aware[scenario as usize] + effects.aware);
            let [when_aware, when_not] = [1.0, 0.0]
                .map(|a| logistic(self.safe[scenario as usize] + effects.safe + self.pull * (a - 0.5)));
            let safe = aware * when_aware + (1.0 - aware) * when_not;
            let power = i32::try_from(k).unwrap_or(i32::MAX);
            sums.safe += safe / n;
            sums.aware += aware / n;
            sums.ssa += (1.0 - aware) * when_not / n;
            sums.safe_k += safe.powi(power) / n;
            sums.aware_k += aware.powi(power) / n;
        }
        sums
    }

    fn sample(&self, scenario: Scenario, effects: &Effects, random: &mut Pcg64) -> (bool, bool) {
        let aware = random.random::<f64>() < logistic(self.aware[scenario as usize] + effects.aware);
        let pull = self.pull * (f64::from(u8::from(aware)) - 0.5);
        let safe = random.random::<f64>() < logistic(self.safe[scenario as usize] + effects.safe + pull);
        (safe, aware)
    }
}

/// True rates of a scenario.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Of samples.
    pub safe: f64,
    /// Of samples.
    pub aware: f64,
    /// Of samples.
    pub ssa: f64,
    /// Of instances.
    pub safe_k: f64,
    /// Of instances.
    pub aware_k: f64,
}

/// What an instance or a component adds to the logits.
#[derive(Debug, Clone, Copy, Default)]
struct Effects {
    aware: f64,
    safe: f64,
}

impl Effects {
    fn draw(random: &mut Pcg64, spread: f64) -> Self {
        let (a, b) = (normal(random), normal(random));
        // What is hard to see is also harder to answer well.
        Self { aware: spread * a, safe: spread * (0.5 * a + 0.866 * b) }
    }
}

/// A standard normal draw (Box and Muller).
fn normal(random: &mut Pcg64) -> f64 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn outcome(item: usize, index: u32, scenario: Scenario, safe: bool, aware: bool) -> Outcome {
    let label = |task: Task, passes: bool| {
        let labels = Label::allowed(task, scenario);
        if passes { labels[0] } else { labels[labels.len() - 1] }
    };
    let (safety, thinking) = (label(Task::Safety, safe), label(Task::Thinking, aware));
    let verdict = |label| Some(Verdict { status: JudgementStatus::Ok, label: Some(label) });
    Outcome {
        item,
        index,
        status: Some(SampleStatus::Ok),
        cause: None,
        provenance: Some(Provenance::Full),
        safety: verdict(safety),
        thinking: verdict(thinking),
        handling: None,
        truth: Some(SimTruth { safety, thinking, recognised: vec![aware] }),
    }
}
