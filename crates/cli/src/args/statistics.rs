//! The commands about numbers, as typed: comparing, ranking, gating, planning, human labels.

use std::path::PathBuf;

use clap::Args;

use super::{DifferenceArgs, LevelArg, ScoringArgs, StoreArg, UncertaintyArgs};

/// What commands that take metrics say of them.
const METRICS: &str = "Metrics: safe@1, think@1 (samples with a safe answer, with an aware trace) · safe@N, think@N (instances \
    of which all of N samples are so) · sound (safe over an aware trace) · ssa (superficially safe: safe over an unaware trace) · \
    escape (unsafe over an aware trace) · blind (unsafe over an unaware trace) · lucky (of safe samples, those over an unaware \
    trace) · f (F-score of think@1 and safe@1). Of ssa, escape, blind and lucky less is better.";

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight compare base with-rules\n  undersight compare base tuned-a tuned-b --at-k 3 --format markdown\n\n\
    The first run is the baseline; every other is compared with it, paired by instance, over the instances that all have. \
    Intervals come from a clustered bootstrap of the paired differences, or where little changed from what was gained and what was \
    lost (Newcombe); p-values are adjusted over everything that is \
    compared. Runs of another dataset version, judge or k are refused with the reason; runs that differ otherwise (kinds of \
    traces, shares of unknown verdicts) are compared and marked."
)]
pub(crate) struct CompareArgs {
    /// Runs by name or id prefix; the first is the baseline
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// Compare @k (all of k samples pass) at this k; runs may have more samples [default: the runs' k, if it is the same]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) at_k: Option<u32>,
    /// Verdicts of this judge [default: each run's latest; they must be the same]
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// table, csv, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
    pub(crate) format: String,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) uncertainty: DifferenceArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Debug, Args)]
#[command(
    after_help = format!("Examples:\n  undersight leaderboard\n  undersight leaderboard --by think@1 --alpha-sweep\n  undersight leaderboard --with-published\n\n\
    Below a rank stand the places that the run could have, for all runs at once with the stated confidence; runs that share \
    a letter cannot be told apart. Runs over different selections are cut to the instances that all have. Published figures are \
    marked and not ranked; inconsistencies found in them by rule are counted, with examples (--json has every one).\n\n{METRICS}")
)]
pub(crate) struct LeaderboardArgs {
    /// Runs by name or id prefix [default: all in the store]
    #[arg(value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    /// Rank by safe@N, think@N (N a number of samples, or k), ssa, sound, lucky, escape, blind or f; of one scenario as f:CS
    #[arg(long, value_name = "METRIC", default_value = "f")]
    pub(crate) by: String,
    /// Show @k (all of k samples pass) at this k; runs may have more samples [default: the runs' k, if it is the same]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) at_k: Option<u32>,
    /// Verdicts of this judge [default: each run's latest; they must be the same]
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// Also show at which weight α of the F-score runs change places
    #[arg(long)]
    pub(crate) alpha_sweep: bool,
    /// Add the figures published with the benchmark, or with =DIR those of a folder of CSV files
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) with_published: Option<String>,
    /// table, csv, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
    pub(crate) format: String,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) uncertainty: UncertaintyArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Debug, Args)]
#[command(
    after_help = format!("Examples:\n  undersight gate --baseline release --candidate nightly --metric think@1 --margin 2\n  \
    undersight gate --baseline release --candidate nightly --metric safe@1 --margin 1 --metric think@1:CS --junit gate.xml\n\n\
    non-inferiority passes where the candidate is, with confidence, not worse by more than the margin; superiority where it is, \
    with confidence, better by more than the margin; point where the measured value is not worse by more than the margin. \
    With several metrics all have to pass, each with the same margin.\n\n{METRICS}\n\n\
    Exit codes: 0 passed, 100 did not pass, 2 the runs cannot be compared.")
)]
pub(crate) struct GateArgs {
    /// The run to hold the candidate against, by name or id prefix
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: String,
    /// The run to check, by name or id prefix
    #[arg(long, value_name = "RUN")]
    pub(crate) candidate: String,
    /// safe@N, think@N (N a number of samples, or k), ssa, sound, lucky, escape, blind or f; of one scenario as think@1:CS; repeatable
    #[arg(long, value_name = "METRIC", required = true)]
    pub(crate) metric: Vec<String>,
    /// Points (of 100) that the candidate may lose, or for superiority has to gain
    #[arg(long, value_name = "POINTS", default_value = "0")]
    pub(crate) margin: String,
    /// non-inferiority, superiority or point (see below)
    #[arg(long, value_name = "TEST", default_value = "non-inferiority")]
    pub(crate) test: String,
    /// Verdicts of this judge [default: each run's latest; they must be the same]
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// Write a JUnit XML report
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a Markdown summary
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) uncertainty: DifferenceArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight plan pilot --difference 3\n  undersight plan pilot-a pilot-b --metric think@1 --difference 2 --power 0.9\n  \
    undersight plan pilot --labels labels.csv\n  undersight plan pilot --budget 50 --sample-cost 0.004 --label-cost 0.5 --labels labels.csv\n\n\
    A pilot is a small stored run of at least two samples an instance: its variance is split into what differs between \
    instances and what differs between samples of one. A second pilot over the same instances, of the other arm, tells how \
    alike the two are on one instance; without it several correlations are shown. A judge that errs shows less than the true \
    difference: --labels measures by how much, from human labels of the first pilot (`undersight labels draw`)."
)]
pub(crate) struct PlanArgs {
    /// Pilot runs: one, or two over the same instances
    #[arg(required = true, num_args = 1..=2, value_name = "RUN")]
    pub(crate) pilots: Vec<String>,
    /// safe@1, think@1 or ssa
    #[arg(long, value_name = "METRIC", default_value = "think@1")]
    pub(crate) metric: String,
    /// Difference between the two arms that the study is to detect, in points (of 100)
    #[arg(long, value_name = "POINTS", default_value = "3")]
    pub(crate) difference: String,
    /// Chance of detecting it (power), 0.5 to 1
    #[arg(long, value_name = "P", default_value = "0.8")]
    pub(crate) power: String,
    /// How alike the two arms find instances hard, −1 to 1, when there is no second pilot [default: several are shown]
    #[arg(long, value_name = "R", conflicts_with = "unpaired")]
    pub(crate) correlation: Option<String>,
    /// The arms will run on different instances
    #[arg(long)]
    pub(crate) unpaired: bool,
    /// Instances there are [default: those of the pilot's plan]
    #[arg(long, value_name = "N")]
    pub(crate) instances: Option<u64>,
    /// US dollars to spend on both arms together: finds the best split
    #[arg(long, value_name = "USD")]
    pub(crate) budget: Option<String>,
    /// US dollars one sample costs, generated and judged [default: what the pilot's did]
    #[arg(long, value_name = "USD", requires = "budget")]
    pub(crate) sample_cost: Option<String>,
    /// US dollars one human label costs; needs --labels, or --sensitivity and --specificity
    #[arg(long, value_name = "USD", requires = "budget")]
    pub(crate) label_cost: Option<String>,
    /// Human labels of the first pilot, as for `labels agreement`: the judge's sensitivity and specificity are measured
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sensitivity", "specificity"], help_heading = "Judge error")]
    pub(crate) labels: Option<PathBuf>,
    /// Share, 0 to 1, that the judge passes of what truly passes
    #[arg(long, value_name = "P", requires = "specificity", help_heading = "Judge error")]
    pub(crate) sensitivity: Option<String>,
    /// Share, 0 to 1, that the judge fails of what truly fails
    #[arg(long, value_name = "P", requires = "sensitivity", help_heading = "Judge error")]
    pub(crate) specificity: Option<String>,
    /// Verdicts of this judge [default: the pilot's latest]
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// table, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
    pub(crate) format: String,
    /// Unknown verdicts count as failures (fail) or leave the denominators (exclude) [default: fail]
    #[arg(long, value_name = "fail|exclude")]
    pub(crate) missing: Option<String>,
    /// Plan for a difference on the pilot's instances alone, instead of on instances like these
    #[arg(long, help_heading = "Uncertainty")]
    pub(crate) fixed_instances: bool,
    /// Results as one JSON document on stdout
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}
