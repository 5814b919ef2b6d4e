//! Stored runs as the statistics take them: the run, the judge whose verdicts count, and the outcomes.

use std::path::Path;

use clap::ArgMatches;
use undersight_core::text::nearest;
use undersight_core::{Digest, JudgeKind, JudgeSpec, ModelName, Run, Study};
use undersight_judge::Recipe;
use undersight_judge::recipe::is_file;
use undersight_ledger::{Ledger, Mode};
use undersight_metrics::compare::ArmFacts;
use undersight_metrics::{Counts, Panel, Scoring};
use undersight_report::view::{Head, traces};

use crate::args::StoreArg;
use crate::engine::ledger_fail;
use crate::fail::{Exit, Fail};
use crate::settings::eval::{NAMES, Reader, SCORING};
use crate::settings::{Environment, Layers};
use crate::terminal;

/// A store to read, and how to score what is in it.
pub(crate) struct Desk {
    pub(crate) ledger: Ledger,
    pub(crate) scoring: Scoring,
}

impl Desk {
    /// Reads the settings, of scores only those the command uses, and opens the store.
    pub(crate) fn open(matches: &ArgMatches, store: &StoreArg, used: &[&'static str]) -> Result<Self, Fail> {
        let unused = SCORING.iter().copied().filter(|name| !used.contains(name));
        let layers =
            Layers::gather(matches, Environment::read()?, store.config.as_deref(), NAMES)?.ignoring(unused);
        let reader = Reader::new(&layers);
        let scoring = reader.scoring()?;
        let ledger = Ledger::open(&reader.store()?, Mode::ReadOnly).map_err(ledger_fail)?;
        Ok(Self { ledger, scoring })
    }

    /// A run by name or id prefix.
    pub(crate) fn run(&self, name: &str, judge: Option<&str>) -> Result<Arm, Fail> {
        let run = self.ledger.find_run(name).map_err(ledger_fail)?;
        Arm::load(&self.ledger, run, judge, None)
    }

    /// Runs by name or id prefix; all there are when none is named.
    pub(crate) fn runs(
        &self,
        names: &[String],
        judge: Option<&str>,
        k: Option<u32>,
    ) -> Result<Vec<Arm>, Fail> {
        let runs: Vec<Run> = if names.is_empty() {
            self.ledger.runs().and_then(|runs| runs.iter().map(|r| self.ledger.run(r.id)).collect())
        } else {
            names.iter().map(|name| self.ledger.find_run(name)).collect()
        }
        .map_err(ledger_fail)?;
        if runs.is_empty() {
            return Err(Fail::usage("there is no run in the store").hint("make one with `undersight eval`"));
        }
        runs.into_iter().map(|run| Arm::load(&self.ledger, run, judge, k)).collect()
    }
}

/// A run with the outcomes that one judge's verdicts give it.
pub(crate) struct Arm {
    pub(crate) run: Run,
    pub(crate) judge: Option<JudgeSpec>,
    pub(crate) study: Study,
}

impl Arm {
    /// By one judge, or by the latest that has judged; for k samples, or as many as planned.
    pub(crate) fn load(ledger: &Ledger, run: Run, judge: Option<&str>, k: Option<u32>) -> Result<Self, Fail> {
        let judge = match judge {
            Some(name) => Some(judge_of(ledger, &run, name)?),
            None => ledger.latest_judge(run.id).map_err(ledger_fail)?,
        };
        Self::judged(ledger, run, judge, k)
    }

    /// By a judge that is known.
    pub(crate) fn judged(
        ledger: &Ledger,
        run: Run,
        judge: Option<JudgeSpec>,
        k: Option<u32>,
    ) -> Result<Self, Fail> {
        let study = ledger.outcomes(run.id, judge.as_ref().map(JudgeSpec::hash), k).map_err(ledger_fail)?;
        Ok(Self { run, judge, study })
    }

    /// As counts.
    pub(crate) fn panel(&self) -> Panel {
        Panel::of(&self.study)
    }

    /// As reports on human labels name it.
    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            run: &self.run.name,
            model: Some(&self.run.arm.model),
            judge: self.judge.as_ref(),
            simulated_model: self.run.arm.model.is_simulated(),
            traces: {
                let counts = Counts::of(&self.study);
                Some(traces(&counts.provenance, counts.missing))
            },
        }
    }

    /// What has to be alike for it to be compared.
    pub(crate) fn facts(&self) -> ArmFacts {
        let judge = self.judge.as_ref().map(|j| (j.hash(), j.model.as_str().to_owned()));
        ArmFacts::of(&self.study, Some(self.run.dataset), judge)
    }
}

/// The judge of a run that a person means by a model name or an id prefix: the latest of that name.
pub(crate) fn judge_of(ledger: &Ledger, run: &Run, name: &str) -> Result<JudgeSpec, Fail> {
    let mut judges = ledger.judges(run.id).map_err(ledger_fail)?;
    if is_file(name) {
        let recipe = Recipe::load(Path::new(name)).map_err(|e| Fail::advised(Exit::Usage, e))?;
        let hash = recipe.hash();
        return judges.into_iter().find(|j| j.hash() == hash).ok_or_else(|| not_judged(run, name, &[]));
    }
    let wanted = ModelName::parse(name).ok();
    // A simulated judge is stored with all its settings; its name alone means any of them.
    let bare = |j: &JudgeSpec| j.model.as_str().split_once('?').is_some_and(|(bare, _)| bare == name);
    let is = |j: &JudgeSpec| {
        wanted.as_ref() == Some(&j.model) || bare(j) || j.hash().to_string().starts_with(name)
    };
    if let Some(at) = judges.iter().rposition(is) {
        let alike: Vec<String> = judges.iter().filter(|j| is(j)).map(|j| j.hash().short()).collect();
        if alike.len() > 1 {
            terminal::note(&format!(
                "{} judges of run {} are called {name}: taking the latest; by the start of a hash: {}",
                alike.len(),
                run.name,
                alike.join(", ")
            ));
        }
        return Ok(judges.swap_remove(at));
    }
    let known: Vec<&str> =
        judges.iter().filter(|j| j.kind != JudgeKind::Human).map(|j| j.model.as_str()).collect();
    Err(not_judged(run, name, &known))
}

/// How many judges a hint names.
const NAMED: usize = 8;

fn not_judged(run: &Run, name: &str, known: &[&str]) -> Fail {
    let fail = Fail::usage(format!("{name} has not judged run {}", run.name));
    let fail = match (nearest(name, known.iter().copied()), known.len()) {
        (Some(near), _) => fail.hint(format!("did you mean {near}?")),
        (None, 0) => fail,
        (None, n) => {
            let more = if n > NAMED { format!(" and {} more", n - NAMED) } else { String::new() };
            fail.hint(format!("its judges: {}{more}", known[..n.min(NAMED)].join(", ")))
        }
    };
    fail.hint(format!("`undersight judge {} --judge {name}` judges it without generating anything", run.name))
}

/// The hash of the judge a person named, if any.
pub(crate) fn judge_hash(ledger: &Ledger, run: &Run, name: Option<&str>) -> Result<Option<Digest>, Fail> {
    match name {
        Some(name) => judge_of(ledger, run, name).map(|judge| Some(judge.hash())),
        None => Ok(ledger.latest_judge(run.id).map_err(ledger_fail)?.as_ref().map(JudgeSpec::hash)),
    }
}
