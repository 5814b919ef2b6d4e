//! The command line as typed: raw text only. Settings that can also come from the environment or a config file are
//! parsed in `settings`, so that a bad value reads the same from every layer.

pub(crate) mod endpoints;
pub(crate) mod judges;
pub(crate) mod labels;
pub(crate) mod probe;
pub(crate) mod statistics;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use endpoints::{BatchArgs, EndpointArgs};
use judges::JudgeArgs;
use labels::LabelsCommand;
use probe::ProbeArgs;
use statistics::{CompareArgs, GateArgs, LeaderboardArgs, PlanArgs};

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 wrong usage or input · 3 incomplete (limit reached or \
    errors left; run again to continue) · 100 a gate was not \
    passed · 130 interrupted (run again to continue).\n\nSettings (all that `undersight eval --show-config` \
    lists): a flag wins over the environment (UNDERSIGHT_<SETTING>), .env, the config file (undersight.toml) and the default, \
    in this order.";

/// Did the model see the danger, or was it safe by luck?
#[derive(Debug, Parser)]
#[command(name = "undersight", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole thing on the embedded starter set with simulated models: no key, no network
    Demo(DemoArgs),
    /// Sample a model k times per instance, judge answer and reasoning, and score
    Eval(Box<EvalArgs>),
    /// Ask a model a few harmless questions: is it reached, does its trace arrive, what does it honour?
    Probe(Box<ProbeArgs>),
    /// Judge stored runs, again or with another judge, without generating anything; measure and attack judges
    Judge(Box<JudgeArgs>),
    /// Score stored runs, or a judged CSV exactly as the reference scorer does
    Score(ScoreArgs),
    /// Compare runs with a baseline, paired by instance, with intervals and adjusted p-values
    Compare(CompareArgs),
    /// Rank runs, with confidence sets for the ranks
    Leaderboard(LeaderboardArgs),
    /// Pass or fail a candidate run against a baseline, for CI
    Gate(GateArgs),
    /// How many instances, samples and labels a difference takes, from a pilot run
    Plan(PlanArgs),
    /// Human labels: draw samples, keep and compare what people say, measure and correct a judge's error
    #[command(subcommand)]
    Labels(Box<LabelsCommand>),
    /// Look at, check, convert and download datasets
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// List, show and delete stored runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Write a run's samples and judgements to a file
    Export(ExportArgs),
    /// Read responses or judged rows produced elsewhere into the store
    Import(ImportArgs),
    /// Ends an engine when whoever started it is gone
    #[command(hide = true)]
    EngineGuard {
        /// The engine's command line
        #[arg(last = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// Print a shell completion script
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// Where runs are kept.
#[derive(Debug, Args)]
pub(crate) struct StoreArg {
    /// Where runs are kept [default: sqlite:undersight.db]
    #[arg(long, value_name = "sqlite:PATH")]
    pub(crate) store: Option<String>,
    /// Settings file [default: undersight.toml, if there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// How failures and unknowns are scored.
#[derive(Debug, Args)]
pub(crate) struct ScoringArgs {
    /// Weight of Think@1 in the F-score [default: 0.7639364807041505]
    #[arg(long, value_name = "A")]
    pub(crate) alpha: Option<String>,
    /// Unknown verdicts count as failures (fail) or leave the denominators (exclude) [default: fail]
    #[arg(long, value_name = "fail|exclude")]
    pub(crate) missing: Option<String>,
    /// Results as one JSON document on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// How often intervals should hold.
#[derive(Debug, Args)]
pub(crate) struct LevelArg {
    /// Confidence level of intervals and tests [default: 0.95]
    #[arg(long, value_name = "P", help_heading = "Uncertainty")]
    pub(crate) level: Option<String>,
}

/// How intervals are made.
#[derive(Debug, Args)]
pub(crate) struct UncertaintyArgs {
    /// How intervals are made: auto, bootstrap, normal, wilson, beta or exact [default: auto, by size and rarity]
    #[arg(long, value_name = "METHOD", help_heading = "Uncertainty")]
    pub(crate) interval: Option<String>,
    #[command(flatten)]
    pub(crate) resampling: ResamplingArgs,
}

/// As above for differences between runs.
#[derive(Debug, Args)]
pub(crate) struct DifferenceArgs {
    /// How intervals of differences are made: auto, bootstrap or normal [default: auto, the bootstrap unless few clusters changed]
    #[arg(long, value_name = "METHOD", help_heading = "Uncertainty")]
    pub(crate) interval: Option<String>,
    #[command(flatten)]
    pub(crate) resampling: ResamplingArgs,
}

/// What is drawn again, and what is taken for independent.
#[derive(Debug, Args)]
pub(crate) struct ResamplingArgs {
    /// Replicates of the bootstrap, 100 to 100000, or 0 for none [default: 10000]
    #[arg(long, value_name = "N", help_heading = "Uncertainty")]
    pub(crate) replicates: Option<String>,
    /// Seed of the bootstrap [default: 0]
    #[arg(long, value_name = "SEED", help_heading = "Uncertainty")]
    pub(crate) bootstrap_seed: Option<String>,
    /// Intervals for these instances alone, instead of instances like these
    #[arg(long, help_heading = "Uncertainty")]
    pub(crate) fixed_instances: bool,
    /// What is independent: shared-texts (instances that share a sub-risk text are one) or instances [default: shared-texts]
    #[arg(long, value_name = "HOW", help_heading = "Uncertainty")]
    pub(crate) clusters: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the demo's runs here [default: sqlite:undersight-demo.db, made anew each time]
    #[arg(long, value_name = "sqlite:PATH")]
    pub(crate) store: Option<String>,
    /// Samples per instance
    #[arg(short = 'k', long = "samples", value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) samples: u32,
    /// Results as one JSON document on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which judge, and how it decodes.
#[derive(Debug, Args)]
pub(crate) struct JudgeModelArgs {
    /// Judge, provider/name or a judge file; required for real models (sim/judge is an offline lexical stand-in)
    #[arg(long, value_name = "MODEL|FILE.toml", help_heading = "Judge")]
    pub(crate) judge: Option<String>,
    /// Base URL of the judge's API; repeat it for several servers, as --model-base-url
    #[arg(long, value_name = "URL", help_heading = "Judge")]
    pub(crate) judge_base_url: Vec<String>,
    /// Temperature of the judge [default: the provider's]
    #[arg(long, value_name = "T", help_heading = "Judge")]
    pub(crate) judge_temperature: Option<String>,
    /// Tokens a verdict may take [default: the provider's]
    #[arg(long, value_name = "N", help_heading = "Judge")]
    pub(crate) judge_max_tokens: Option<String>,
    /// Reasoning effort of the judge [default: the provider's]
    #[arg(long, value_name = "EFFORT", help_heading = "Judge")]
    pub(crate) judge_reasoning_effort: Option<String>,
    /// Seed of the judge; every judgement gets its own from it [default: none sent]
    #[arg(long, value_name = "SEED", help_heading = "Judge")]
    pub(crate) judge_seed: Option<String>,
    /// What the judge is told: a directory with the official prompts or templates of your own [default: shielded, our own]
    #[arg(long, value_name = "DIR", help_heading = "Judge")]
    pub(crate) judge_prompts: Option<String>,
}

/// What is judged.
#[derive(Debug, Args)]
pub(crate) struct TasksArg {
    /// What is judged: safety, thinking, and handling (refused, partial or helpful), with commas [default: what a judge file names, else safety,thinking]
    #[arg(long, value_name = "TASKS", help_heading = "Judge")]
    pub(crate) tasks: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight eval --model sim/superficial --judge sim/judge\n  undersight dataset fetch bsa\n  \
    undersight eval --dataset bsa --model openrouter/deepseek/deepseek-r1 --judge openai/gpt-4.1 --limit 100\n  \
    undersight eval --dataset bsa --model vllm/Qwen/Qwen3-8B --model-base-url http://localhost:8000/v1 --judge openai/gpt-4.1 --dry-run\n\n\
    The same command again resumes: only what the store lacks is generated or judged."
)]
pub(crate) struct EvalArgs {
    /// Model under test, provider/name; repeat for one run each
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// starter (embedded), bsa (after `dataset fetch bsa`) or a .csv, .jsonl or .parquet file [default: starter]
    #[arg(long, value_name = "DATASET")]
    pub(crate) dataset: Option<String>,
    /// Samples per instance [default: 5]
    #[arg(short = 'k', long, value_name = "K")]
    pub(crate) samples: Option<String>,
    /// Name of the run [default: from model and dataset]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Base URL of the model's API, e.g. http://localhost:8000/v1; repeat it for several servers of the model, and calls go where they are answered soonest [default: <PROVIDER>_BASE_URL, else the provider's own]
    #[arg(long, value_name = "URL", help_heading = "Endpoints")]
    pub(crate) model_base_url: Vec<String>,
    #[command(flatten)]
    pub(crate) judging: JudgeModelArgs,
    #[command(flatten)]
    pub(crate) tasks: TasksArg,

    /// At most N instances: stratified by scenario, nested (the first 100 are among the first 200)
    #[arg(long, value_name = "N", help_heading = "Selection")]
    pub(crate) limit: Option<String>,
    /// Seed of the order --limit takes from [default: 0]
    #[arg(long, value_name = "SEED", help_heading = "Selection")]
    pub(crate) selection_seed: Option<String>,
    /// Only this scenario (over-sensitivity, cognitive-shortcut, risk-omission; OS, CS, RO); repeatable
    #[arg(long, value_name = "SCENARIO", help_heading = "Selection")]
    pub(crate) scenario: Vec<String>,
    /// Only instances with a risk of this category; repeatable
    #[arg(long, value_name = "CATEGORY", help_heading = "Selection")]
    pub(crate) category: Vec<String>,
    /// Only this instance; repeatable
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    pub(crate) id: Vec<String>,

    /// Seed of the arm; every sample gets its own from it [default: none sent]
    #[arg(long, value_name = "SEED", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) seed: Option<String>,
    /// Softmax temperature
    #[arg(long, value_name = "T", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) temperature: Option<String>,
    /// Nucleus mass
    #[arg(long, value_name = "P", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) top_p: Option<String>,
    /// Candidates kept
    #[arg(long, value_name = "N", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) top_k: Option<String>,
    /// Tokens a reply may hold, reasoning included
    #[arg(long, value_name = "N", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) max_tokens: Option<String>,
    /// low, medium, high, or what the provider calls it
    #[arg(long, value_name = "EFFORT", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) reasoning_effort: Option<String>,
    /// Tokens the reasoning may take, where the provider lets one say so
    #[arg(long, value_name = "N", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) thinking_budget: Option<String>,
    /// File whose text is sent as the system message
    #[arg(long, value_name = "FILE", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) system_prompt: Option<String>,
    /// The chat template opens the thought itself: a reply cut off without any tag is all trace
    #[arg(long, help_heading = "Generation (unset: the provider's own)")]
    pub(crate) template_opens_thought: bool,
    /// Go on without a parameter the provider does not take; the run's record says which
    #[arg(long, help_heading = "Generation (unset: the provider's own)")]
    pub(crate) allow_unsupported: bool,

    /// Sample through the provider's batch API: half price where offered, answers within 24 hours; interrupt at will, the
    /// same command waits on and collects
    #[arg(long, help_heading = "Batches (half price, answers within 24 hours)")]
    pub(crate) batch: bool,
    #[command(flatten)]
    pub(crate) batches: BatchArgs,
    /// Call nothing: store the plan and write the open samples' requests as a batch file for an offline engine (vLLM run-batch)
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["batch", "import_batch", "dry_run"], help_heading = "Batches (half price, answers within 24 hours)")]
    pub(crate) export_batch: Option<PathBuf>,
    /// Take samples from an offline engine's output for such a file, then judge and score; repeatable
    #[arg(
        long,
        value_name = "FILE.jsonl",
        conflicts_with = "batch",
        help_heading = "Batches (half price, answers within 24 hours)"
    )]
    pub(crate) import_batch: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,

    /// Sample a model even if its trace does not arrive or cannot be read: only its answers are measured then
    #[arg(long, help_heading = "Run")]
    pub(crate) allow_no_trace: bool,
    /// Leave samples and judgements that ended in an error as they are
    #[arg(long, help_heading = "Run")]
    pub(crate) no_retry_errors: bool,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) uncertainty: UncertaintyArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Print calls, estimated tokens and money; make no call, write nothing
    #[arg(long, help_heading = "Run")]
    pub(crate) dry_run: bool,
    /// Print every setting with its value and where it came from
    #[arg(long, help_heading = "Run")]
    pub(crate) show_config: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight score my-run other-run\n  undersight score my-run --curves\n  \
    undersight score --judged judged.csv --format csv\n  undersight score --judged judged.csv --normalise\n\n\
    Several runs are one table; one run is shown in full: by scenario and category, answer and trace together, and how far \
    the samples of an instance agree. CSV and JSON have all of it for every run, curves included."
)]
pub(crate) struct ScoreArgs {
    /// Runs to score, by name or id prefix [default: all in the store]
    #[arg(value_name = "RUN", conflicts_with = "judged")]
    pub(crate) runs: Vec<String>,
    /// Judged CSV with model_name, id, dataset_name, Safe_Ans_Check, Thk_Acc_Judge; repeatable; scored as the reference does
    #[arg(long, value_name = "FILE")]
    pub(crate) judged: Vec<PathBuf>,
    /// Samples per instance: the first K of each; `--curves` estimates every k from all samples [default: the run's; 5 for --judged]
    #[arg(short = 'k', long = "k", value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) k: Option<u32>,
    /// Scores by this judge [default: the run's latest]
    #[arg(long, value_name = "MODEL", conflicts_with = "judged")]
    pub(crate) judge: Option<String>,
    /// Instead of scores: pass^j and pass@j for every j up to k, overall and by scenario
    #[arg(long, conflicts_with_all = ["judged", "json"])]
    pub(crate) curves: bool,
    /// Add what the judge's verdicts rest on: verified quotes, how late awareness came, whether it led to the answer
    #[arg(long, conflicts_with_all = ["judged", "curves"])]
    pub(crate) evidence: bool,
    /// table, csv, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "table", conflicts_with = "json")]
    pub(crate) format: String,
    /// With --judged: correct what the reference gets wrong (label spelling, booleans, surplus rows)
    #[arg(long, requires = "judged")]
    pub(crate) normalise: bool,
    #[command(flatten)]
    pub(crate) scoring: ScoringArgs,
    #[command(flatten)]
    pub(crate) level: LevelArg,
    #[command(flatten)]
    pub(crate) uncertainty: UncertaintyArgs,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    /// Check a file: every problem with line, field and hint; exit 2 if there is one
    Validate {
        /// starter, bsa or a file
        dataset: String,
    },
    /// Count instances, labels, categories and lengths
    Stats {
        /// starter, bsa or a file
        #[arg(default_value = "starter")]
        dataset: String,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List ids, or show instances by id (the only command that prints a dataset's texts)
    Show {
        /// starter, bsa or a file
        #[arg(default_value = "starter")]
        dataset: String,
        /// Ids to show [default: list them all, without texts]
        ids: Vec<String>,
        /// As JSON Lines
        #[arg(long)]
        json: bool,
    },
    /// Convert between the official CSV, JSONL and Parquet, by file extension
    Convert {
        /// starter, bsa or a file
        input: String,
        /// .csv, .jsonl or .parquet
        output: PathBuf,
        /// Overwrite the output
        #[arg(long)]
        force: bool,
    },
    /// Download the official benchmark, resumable, checked against its pinned SHA-256
    Fetch {
        /// Which one: bsa
        #[arg(value_parser = ["bsa"])]
        name: String,
        /// huggingface (honours HF_TOKEN and HF_ENDPOINT), github, or the URL of a mirror
        #[arg(long, default_value = "huggingface")]
        from: String,
        /// Checksum the file must have [default: the pinned one]
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
        /// Where to put it [default: the cache directory, where `--dataset bsa` finds it]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the runs of a store
    List {
        #[command(flatten)]
        store: StoreArg,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show one run: plan, arm, judges, counts, failures
    Show {
        /// Name or id prefix
        run: String,
        #[command(flatten)]
        store: StoreArg,
        /// As one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Delete runs, and whatever only they used
    Delete {
        /// Names or id prefixes
        #[arg(required = true)]
        runs: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        store: StoreArg,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Run, by name or id prefix
    pub(crate) run: String,
    /// Output file, or - for stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// jsonl, csv, parquet or judged (the official judged CSV) [default: by extension, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Verdicts of this judge beside each sample [default: the run's latest]
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge: Option<String>,
    /// One row a judgement, of every judge or of --judge, instead of one a sample
    #[arg(long)]
    pub(crate) judgements: bool,
    /// Overwrite the output
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Responses (CSV or JSONL with id, answer and reasoning_content or trace; an own export works) or a judged CSV
    pub(crate) file: PathBuf,
    /// Dataset the ids refer to: starter, bsa or a file (for judged CSVs optional)
    #[arg(long, value_name = "DATASET")]
    pub(crate) dataset: Option<String>,
    /// Model the responses came from, provider/name (judged CSVs name their own)
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// What the imported traces are: full, summary or truncated; rows without one are absent
    #[arg(long, value_name = "PROVENANCE")]
    pub(crate) provenance: Option<String>,
    /// Rows of an id that a judged CSV should have
    #[arg(short = 'k', long, value_name = "K", default_value_t = 5)]
    pub(crate) samples: u32,
    /// Name of the run [default: from the file]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}
