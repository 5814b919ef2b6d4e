//! `undersight labels` as typed: human labels from the draw to the correction.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{LevelArg, ScoringArgs, StoreArg};

#[derive(Debug, Subcommand)]
pub(crate) enum LabelsCommand {
    /// Draw samples of a run at random, to be labelled by people
    Draw(DrawArgs),
    /// Keep labels of a run in the store
    #[command(after_help = "Example:\n  undersight labels import my-run anna.csv ben.csv\n\n\
        CSV or JSONL with id, index, task, label and, where known, probability, annotator, time, guideline, comment, adjudicated. \
        A label changed since is kept beside the earlier one, and the latest counts. Rows without a label are left out.")]
    Import {
        /// Run, by name or id prefix
        run: String,
        /// Label files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        store: StoreArg,
    },
    /// Write the stored labels of a run to a file
    Export {
        /// Run, by name or id prefix
        run: String,
        /// csv or jsonl [default: by --output's extension, else csv]
        #[arg(long, value_name = "FORMAT")]
        format: Option<String>,
        /// Output file, or - for stdout
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
        /// Overwrite the output
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        store: StoreArg,
    },
    /// How far people agree with each other: shares, kappa, AC1, alpha, and who disagrees with whom
    People {
        #[command(flatten)]
        given: GivenArgs,
        /// table, markdown or json
        #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
        format: String,
        /// Results as one JSON document on stdout
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        level: LevelArg,
        #[command(flatten)]
        store: StoreArg,
    },
    /// Write the disagreements nobody has settled to a file, for somebody to settle
    #[command(
        after_help = "Example:\n  undersight labels adjudicate my-run -o open.csv\n  undersight labels import my-run open.csv\n\n\
        Each row shows what the annotators say; fill in label and annotator, and import the file: a row with adjudicated = true \
        stands in place of the labels it settles."
    )]
    Adjudicate {
        #[command(flatten)]
        given: GivenArgs,
        /// Output file, or - for stdout
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
        /// Overwrite the output
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        store: StoreArg,
    },
    /// How far a judge agrees with people: confusion, kappa, AC1, alpha, sensitivity, specificity
    #[command(
        after_help = "Examples:\n  undersight labels agreement my-run --labels labels.csv\n  undersight labels agreement my-run --judge openai/gpt-4.1\n\n\
        Any labels of the run's samples will do. With the probability of each drawing, sensitivity and specificity are those \
        of the whole run."
    )]
    Agreement {
        #[command(flatten)]
        given: GivenArgs,
        /// Verdicts of this judge [default: the run's latest]
        #[arg(long, value_name = "MODEL")]
        judge: Option<String>,
        /// table, markdown or json
        #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
        format: String,
        /// Results as one JSON document on stdout
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        level: LevelArg,
        #[command(flatten)]
        store: StoreArg,
    },
    /// Scores corrected for the judge's error, from labels drawn at random from the run
    #[command(after_help = "Example:\n  undersight labels correct my-run --labels labels.csv\n\n\
        The labels are those of `undersight labels draw`, filled in by people: of samples drawn at random from this very run, \
        with the probability of each drawing. Intervals carry the judge's uncertainty. Rates at k are not corrected. \
        Where several people labelled a sample, their disagreements must be settled first (`undersight labels adjudicate`).")]
    Correct {
        #[command(flatten)]
        given: GivenArgs,
        /// Verdicts of this judge [default: the run's latest]
        #[arg(long, value_name = "MODEL")]
        judge: Option<String>,
        /// Where three or more labelled and nobody decided, a label of more than half of them counts
        #[arg(long)]
        majority: bool,
        /// table, csv, markdown or json
        #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
        format: String,
        #[command(flatten)]
        scoring: ScoringArgs,
        #[command(flatten)]
        level: LevelArg,
        #[command(flatten)]
        store: StoreArg,
    },
}

/// Labels of a run.
#[derive(Debug, Args)]
pub(crate) struct GivenArgs {
    /// Run, by name or id prefix
    pub(crate) run: String,
    /// CSV or JSONL with id, index, task, label and, where drawn at random, probability; repeatable [default: the labels in the store]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  undersight labels draw my-run --samples 300 -o labels.csv\n  \
    undersight labels draw my-run -n 400 --emphasis --against openai/gpt-4.1-mini -o disputed.csv\n  \
    undersight labels draw my-run -n 300 --annotators anna,ben,carla --double 0.2 -o all.csv\n\n\
    The file has a row for each sample and task with an empty label column, and the probability with which the sample was \
    drawn: corrections need it. The column choices names the labels there are. \
    `undersight export` has the texts, by id and index.")]
pub(crate) struct DrawArgs {
    /// Run, by name or id prefix
    pub(crate) run: String,
    /// How many samples
    #[arg(short = 'n', long, value_name = "N", default_value_t = 300)]
    pub(crate) samples: usize,
    /// What is to be labelled: safety, thinking, handling, with commas
    #[arg(long, value_name = "TASKS", default_value = "safety,thinking")]
    pub(crate) label_tasks: String,
    /// Strata beside the scenario: label (the judge's verdicts), disagreement (of judges), with commas
    #[arg(long, value_name = "STRATA", help_heading = "Plan")]
    pub(crate) by: Option<String>,
    /// As many of each stratum, instead of by its share of the run
    #[arg(long, conflicts_with = "emphasis", help_heading = "Plan")]
    pub(crate) equal: bool,
    /// Half of the samples where judges disagree
    #[arg(long, help_heading = "Plan")]
    pub(crate) emphasis: bool,
    /// A further judge of the run, to see where judges disagree; repeatable
    #[arg(long, value_name = "MODEL", help_heading = "Plan")]
    pub(crate) against: Vec<String>,
    /// Seed of the draw
    #[arg(long, value_name = "SEED", default_value_t = 0, help_heading = "Plan")]
    pub(crate) draw_seed: u64,
    /// Who labels, with commas: each sample goes to one of them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "People")]
    pub(crate) annotators: Vec<String>,
    /// Share of samples that go to two people, 0 to 1
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.0,
        requires = "annotators",
        help_heading = "People"
    )]
    pub(crate) double: f64,
    /// Version of the guideline, kept with each label
    #[arg(long, value_name = "VERSION", help_heading = "People")]
    pub(crate) guideline: Option<String>,
    /// Simulated runs only: fill in the hidden truth, to try things out
    #[arg(long)]
    pub(crate) from_truth: bool,
    /// Verdicts of this judge decide what can be drawn [default: the run's latest]
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// Output file, or - for stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Overwrite the output
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}
