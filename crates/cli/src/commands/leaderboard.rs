//! `undersight leaderboard`: runs in order, with confidence sets for their ranks; published figures beside them.

use std::fs::File;
use std::path::Path;

use clap::ArgMatches;
use undersight_metrics::Panel;
use undersight_metrics::compare::{
    ArmFacts, LeaderboardOptions, MetricSpec, align, leaderboard, mismatches, refusal,
};
use undersight_metrics::published::{self, Finding, Table};
use undersight_report::published::Shown;
use undersight_report::{leaderboard as report, published as reference};

use crate::args::statistics::LeaderboardArgs;
use crate::arms::{Arm, Desk};
use crate::fail::{Exit, Fail};
use crate::render::Format;
use crate::settings::eval::SCORING;
use crate::terminal;

/// Runs the command.
pub(crate) fn command(args: &LeaderboardArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let format = Format::of(&args.format, args.scoring.json)?;
    let by: MetricSpec = args.by.parse().map_err(|e| Fail::advised(Exit::Usage, e))?;
    if format == Format::Csv && args.with_published.is_some() {
        return Err(Fail::usage("a leaderboard and published figures are two tables, which no CSV holds")
            .hint("--format json has both; without --with-published, CSV has the leaderboard"));
    }
    if format == Format::Csv && args.alpha_sweep {
        return Err(Fail::usage("a leaderboard and an α-sweep are two tables, which no CSV holds")
            .hint("--format json has both; without --alpha-sweep, CSV has the leaderboard"));
    }
    let published = args.with_published.as_deref().map(Published::load).transpose()?;
    if args.alpha_sweep && !args.by.starts_with('f') {
        return Err(Fail::usage("--alpha-sweep is about the order by F-score")
            .hint("leave --by out, or say `--by f`"));
    }
    let desk = Desk::open(matches, &args.store, SCORING)?;
    let arms = desk.runs(&args.runs, args.judge.as_deref(), None)?;
    // Without a metric at k, runs of different k may stand in one table; its @k columns are left out then.
    let at_k = args.at_k.or((!by.needs_k()).then_some(1));
    let facts: Vec<ArmFacts> = arms.iter().map(Arm::facts).collect();
    let found = mismatches(&facts, at_k);
    if let Some(refused) = refusal(&found) {
        let hint = "name the runs that belong together: `undersight leaderboard RUN RUN…`";
        return Err(Fail::usage(&refused.message).hint(refused.hint.clone()).hint(hint));
    }
    let panels = in_common(&arms)?;
    let options = LeaderboardOptions { scoring: desk.scoring, by, at_k: args.at_k };
    let board = leaderboard(&panels.iter().collect::<Vec<_>>(), found, &options)
        .map_err(|e| Fail::advised(Exit::Usage, e))?;
    let alpha = desk.scoring.alpha;
    let heads: Vec<_> = arms.iter().map(Arm::head).collect();
    terminal::print(&format.write(
        |layout| {
            let mut text = report::table(&board, &heads, layout);
            if args.alpha_sweep {
                text += &format!("\n{}", report::sweep(&board, layout));
            }
            if let Some(p) = &published {
                let shown = Shown::Few;
                text += &format!("\n{}", reference::table(&p.tables, &p.findings, alpha, shown, layout));
            }
            text
        },
        || {
            let mut document = report::json(&board, &heads);
            if let (Some(p), Some(members)) = (&published, document.as_object_mut()) {
                members.insert("published".to_owned(), reference::json(&p.tables, &p.findings, alpha));
            }
            document
        },
        |out| report::csv(&board, out),
    )?)
}

/// The runs over the instances that all have, so that their order is not one of selections.
fn in_common(arms: &[Arm]) -> Result<Vec<Panel>, Fail> {
    let panels: Vec<Panel> = arms.iter().map(Arm::panel).collect();
    if panels.len() < 2 {
        return Ok(panels);
    }
    align(&panels.iter().collect::<Vec<_>>()).map_err(|e| Fail::advised(Exit::Usage, e))
}

/// Reference figures, and what is odd about them.
struct Published {
    tables: Vec<Table>,
    findings: Vec<Finding>,
}

impl Published {
    fn load(folder: &str) -> Result<Self, Fail> {
        let tables = tables(folder)?;
        Ok(Self { findings: published::check(&tables), tables })
    }
}

/// The embedded tables, or the CSV files of a folder.
fn tables(folder: &str) -> Result<Vec<Table>, Fail> {
    if folder.is_empty() {
        return Ok(published::embedded());
    }
    let cannot = |path: &Path, e: &std::io::Error| {
        Fail::usage(format!("cannot read {}: {e}", path.display())).hint(
            "--with-published alone takes the embedded figures; --with-published=DIR a folder of CSV files",
        )
    };
    let folder = Path::new(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|e| cannot(folder, &e))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "csv"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Fail::usage(format!("there is no CSV file in {}", folder.display())));
    }
    files
        .iter()
        .map(|path| {
            let file = File::open(path).map_err(|e| cannot(path, &e))?;
            published::read(&path.display().to_string(), file).map_err(|e| Fail::advised(Exit::Usage, e))
        })
        .collect()
}
