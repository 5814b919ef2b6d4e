//! What a fake provider is told to be.

use std::path::PathBuf;
use std::time::Duration;

use super::{Batches, Fault};

/// What a model does, whatever fault the configuration has for others.
#[derive(Debug, Clone, Copy)]
pub enum Habit {
    /// Answers what the function makes of the last message, without a trace.
    Says(fn(&str) -> String),
    /// Gives the label at this place of those its verdict may have, counted from the best.
    Verdict(u64),
    /// Meets this fault where the request's hash is a multiple of the number; 1 is each time.
    Meets(Fault, u64),
}

/// Whose habits the replies follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// `reasoning_content`, errors as objects with string codes, `reasoning_tokens` counted.
    #[default]
    OpenAi,
    /// `reasoning`, numeric error codes, a refused key as a bare string, `reasoning_tokens` 0 whatever was thought.
    Vllm,
}

/// What replies make of a request's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manners {
    /// Nothing: they depend on the bytes of the request, and equal requests get equal replies.
    #[default]
    ByBytes,
    /// As a good server: limits are kept, as many replies come as are wanted, greedy decoding does not mind the seed.
    Obedient,
    /// Nothing, and no two replies are the same.
    Restless,
}

/// Settings of a fake provider. Start from the default and change what the test is about.
#[derive(Debug, Clone)]
pub struct Config {
    /// 0 for any free port.
    pub port: u16,
    /// Wait before every reply.
    pub latency: Duration,
    /// Requests answered at a time, the others waiting their turn; all of them when unset. With the latency it makes a
    /// capacity.
    pub workers: Option<usize>,
    /// Size of a whole (not streamed) generation reply; small values are raised to what its fixed parts need.
    pub body_bytes: usize,
    /// Whose habits the replies follow.
    pub dialect: Dialect,
    /// What replies make of a request's parameters.
    pub manners: Manners,
    /// The key to expect as `Authorization: Bearer KEY`; any or none when unset.
    pub key: Option<String>,
    /// The models there are; any when unset.
    pub models: Option<Vec<String>>,
    /// Models with habits of their own.
    pub habits: Vec<(String, Habit)>,
    /// A file every request is appended to before it is answered.
    pub journal_file: Option<PathBuf>,
    /// Whether requests are also kept in memory.
    pub keep_journal: bool,
    /// Whether the journal in memory has the bodies too.
    pub keep_bodies: bool,
    /// Decides which requests meet which fault.
    pub seed: u64,
    /// What happens to the first chat requests, one by one; `None` is a plain reply. Rates apply afterwards.
    pub script: Vec<Option<Fault>>,
    /// Shares of chat requests (0 to 1, together at most 1) that meet a fault.
    pub rates: Vec<(Fault, f64)>,
    /// What a refused request is told to wait.
    pub retry_after: Duration,
    /// The wait of a [`Fault::Slow`] reply, beyond the latency.
    pub slow: Duration,
    /// What its batches are like.
    pub batches: Batches,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            latency: Duration::ZERO,
            workers: None,
            body_bytes: 2_400,
            dialect: Dialect::OpenAi,
            manners: Manners::ByBytes,
            key: None,
            models: None,
            habits: Vec::new(),
            journal_file: None,
            keep_journal: true,
            keep_bodies: false,
            seed: 0,
            script: Vec::new(),
            rates: Vec::new(),
            retry_after: Duration::from_secs(1),
            slow: Duration::from_secs(2),
            batches: Batches::default(),
        }
    }
}

impl Config {
    /// The habit of a model.
    #[must_use]
    pub fn habit(&self, model: &str) -> Option<Habit> {
        self.habits.iter().find(|(name, _)| name == model).map(|(_, habit)| *habit)
    }

    /// The fault of the `n`th chat request, counted from 0: the script first, then the rates.
    #[must_use]
    pub fn fault(&self, n: u64) -> Option<Fault> {
        if let Some(scripted) = usize::try_from(n).ok().and_then(|n| self.script.get(n)) {
            return *scripted;
        }
        if self.rates.is_empty() {
            return None;
        }
        let mut left = unit(mix(self.seed ^ mix(n)));
        for (fault, rate) in &self.rates {
            if left < *rate {
                return Some(*fault);
            }
            left -= rate;
        }
        None
    }
}

/// The finaliser of splitmix64: every input bit moves every output bit.
const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The top 53 bits as a number from 0 to below 1.
fn unit(bits: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let top = (bits >> 11) as f64;
    top / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_met_and_repeat() {
        let config = Config {
            seed: 7,
            script: vec![Some(Fault::Hang), None],
            rates: vec![(Fault::ServerError, 0.2), (Fault::Html, 0.1)],
            ..Config::default()
        };
        assert_eq!([config.fault(0), config.fault(1)], [Some(Fault::Hang), None]);
        let drawn: Vec<_> = (2..20_002).map(|n| config.fault(n)).collect();
        let share = |fault| drawn.iter().filter(|f| **f == Some(fault)).count();
        assert!((3_800..=4_200).contains(&share(Fault::ServerError)), "{}", share(Fault::ServerError));
        assert!((1_850..=2_150).contains(&share(Fault::Html)), "{}", share(Fault::Html));
        assert_eq!(drawn, (2..20_002).map(|n| config.fault(n)).collect::<Vec<_>>());
        let other = Config { seed: 8, ..config };
        assert_ne!(drawn, (2..20_002).map(|n| other.fault(n)).collect::<Vec<_>>());
    }
}
