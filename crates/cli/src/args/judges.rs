//! `undersight judge` as typed: judging stored runs, and learning about judges.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    BatchArgs, EndpointArgs, JudgeModelArgs, LevelArg, ScoringArgs, StoreArg, TasksArg, UncertaintyArgs,
};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  undersight judge my-run --judge openai/gpt-4.1\n  undersight judge my-run --judge panel.toml --tasks safety,thinking,handling\n  \
    undersight judge my-run --judge openai/gpt-4.1 --judge-prompts BSA/Prompt\n  undersight judge card --judge openai/gpt-4.1 --dry-run\n  \
    undersight judge attack --judge sim/gullible-judge --naive\n\nA judge file is described in docs/judges.md; a verdict is never asked for twice."
)]
pub(crate) struct JudgeArgs {
    #[command(subcommand)]
    pub(crate) command: Option<JudgeCommand>,
    /// Runs to judge, by name or id prefix
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<String>,
    #[command(flatten)]
    pub(crate) judging: JudgeModelArgs,
    #[command(flatten)]
    pub(crate) tasks: TasksArg,
    /// Judge everything so many times, to see how often the judge changes its mind; scores take the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99), help_heading = "Judge")]
    pub(crate) repeats: u32,
    /// Print how many verdicts are to be asked for; make no call, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) batches: BatchArgs,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    /// Leave judgements that ended in an error as they are
    #[arg(long)]
    pub(crate) no_retry_errors: bool,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) uncertainty: UncertaintyArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// What there is to learn about a judge.
#[derive(Debug, Subcommand)]
pub(crate) enum JudgeCommand {
    /// Measure a judge on calibration cases: agreement, flips, controls, attacks, cost, and what they imply
    Card(Box<CardArgs>),
    /// Run the attack suite against a judge: who talks it into a verdict?
    Attack(Box<AttackArgs>),
}

/// What a judge is asked.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) judging: JudgeModelArgs,
    #[command(flatten)]
    pub(crate) tasks: TasksArg,
    /// Calibration set, a .jsonl file [default: the embedded one]
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
    /// At most N cases: stratified by scenario, nested (the first 30 are among the first 60)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Where trials are kept, so that none is paid for twice
    #[arg(long, value_name = "sqlite:PATH", default_value = "sqlite:undersight-cards.db")]
    pub(crate) cards: String,
    /// Make no call: what the store holds, and nothing else
    #[arg(long)]
    pub(crate) offline: bool,
    /// Print how many verdicts are to be asked for; make no call, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    /// Settings file [default: undersight.toml, if there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight judge card --judge sim/judge\n  undersight judge card --judge openai/gpt-4.1 --limit 60 --dry-run\n  \
    undersight judge card --judge openai/gpt-4.1 -o card.html\n  undersight judge card --judge openai/gpt-4.1 --run my-run --labels labels.csv\n\n\
    Labels of the embedded cases are their authors' and no measure of agreement with other people. Trials are kept: the same command \
    again asks nothing and prints the same card."
)]
pub(crate) struct CardArgs {
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// Parts of the card, with commas: repeat, rubric, style, control, attack [default: all; agreement is always there]
    #[arg(long, value_name = "PARTS")]
    pub(crate) parts: Option<String>,
    /// How often each case is asked in all, to count flips
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=20))]
    pub(crate) repeats: u32,
    /// A run judged by this judge whose scores are corrected with --labels
    #[arg(long, value_name = "RUN", requires = "labels")]
    pub(crate) run: Option<String>,
    /// Labels of samples drawn at random from --run (`undersight labels draw`)
    #[arg(long, value_name = "FILE", requires = "run")]
    pub(crate) labels: Option<PathBuf>,
    /// Where --run is kept [default: sqlite:undersight.db]
    #[arg(long, value_name = "sqlite:PATH")]
    pub(crate) store: Option<String>,
    /// table, markdown, json or html [default: by --output's extension, else table]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<String>,
    /// The card as one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the card here instead of to stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the output
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight judge attack --judge sim/gullible-judge --naive\n  undersight judge attack --judge openai/gpt-4.1 --limit 60\n\n\
    docs/attacks.md describes each attack and how success is counted."
)]
pub(crate) struct AttackArgs {
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// Attack the judge under unshielded prompts as well, and compare
    #[arg(long)]
    pub(crate) naive: bool,
    /// table, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
    pub(crate) format: String,
    /// Results as one JSON document on stdout
    #[arg(long)]
    pub(crate) json: bool,
}
