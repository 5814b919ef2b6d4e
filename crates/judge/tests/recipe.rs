//! Judge files: what they may say, and what is said of the ones that are wrong.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use undersight_core::{Escalate, JudgeKind, Label, PanelRule, Task, VerdictFormat};
use undersight_judge::{Prompts, Recipe};

fn write(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn one_judge_with_everything_set() {
    let dir = TempDir::new().unwrap();
    let file = write(
        dir.path(),
        "strict.toml",
        "model = \"openai/gpt-4.1\"\nbase_url = \"http://localhost:1/v1\"\ntemperature = 0.0\ntop_p = 0.9\n\
         max_tokens = 800\nreasoning_effort = \"low\"\nseed = 4\ntasks = [\"safety\", \"handling\"]\n\
         structured = false\nmax_chars = 20000\n[labels.safety]\nharmful = \"unsafe\"\n\"No Harm\" = \"Safe\"\n",
    );
    let recipe = Recipe::load(&file).unwrap();
    let spec = recipe.spec();
    assert_eq!((spec.kind, spec.model.as_str()), (JudgeKind::Model, "openai/gpt-4.1"));
    assert_eq!((spec.params.temperature, spec.params.max_tokens, spec.seed), (Some(0.0), Some(800), Some(4)));
    assert_eq!((spec.structured, spec.max_chars), (Some(false), Some(20_000)));
    assert!(spec.judges(Task::Handling) && !spec.judges(Task::Thinking));
    let words = &spec.labels[&Task::Safety];
    assert_eq!((words["harmful"], words["no harm"]), (Label::Unsafe, Label::Safe));
    assert_eq!(recipe.base_url(), Some("http://localhost:1/v1"));
    // Where it is reached does not determine its verdicts.
    let text = fs::read_to_string(&file).unwrap();
    let elsewhere = write(dir.path(), "other.toml", &text.replace("localhost:1", "localhost:2"));
    assert_eq!(Recipe::load(&elsewhere).unwrap().hash(), recipe.hash());
    let warmer = write(dir.path(), "warmer.toml", &text.replace("temperature = 0.0", "temperature = 0.5"));
    assert_ne!(Recipe::load(&warmer).unwrap().hash(), recipe.hash());
}

#[test]
fn panels_and_cascades() {
    let dir = TempDir::new().unwrap();
    write(
        dir.path(),
        "guard.toml",
        "model = \"vllm/some-guard\"\nformat = \"qwen3guard\"\n[labels.safety]\ncontroversial = \"unsafe\"",
    );
    let panel = write(
        dir.path(),
        "trio.toml",
        "rule = \"weighted\"\nask_all = true\n[[member]]\njudge = \"guard.toml\"\nweight = 2.0\n\
         [[member]]\nmodel = \"openai/a\"\ntemperature = 1.0\nvotes = 3\n[[member]]\njudge = \"sim/judge\"\n",
    );
    let recipe = Recipe::load(&panel).unwrap();
    let spec = recipe.spec();
    assert_eq!((spec.kind, spec.model.as_str()), (JudgeKind::Panel, "panel/trio"));
    let members = spec.members();
    assert_eq!(
        members.iter().map(|m| (m.weight, m.votes)).collect::<Vec<_>>(),
        [(Some(2.0), None), (None, Some(3)), (None, None)]
    );
    assert_eq!(members[0].judge.format(), VerdictFormat::Qwen3Guard);
    assert_eq!(members[0].judge.tasks, [Task::Safety]);
    assert!(Task::ALL.iter().all(|t| spec.judges(*t)), "what one member judges the panel judges");
    assert_eq!(recipe.asks().iter().map(|(_, n)| *n).collect::<Vec<_>>(), [1, 3, 1]);
    let cascade = write(
        dir.path(),
        "cascade.toml",
        "rule = \"cascade\"\nescalate = [\"failing\", \"unsettled\"]\nname = \"two-step\"\n\
         [[member]]\nmodel = \"openai/small\"\n[[member]]\njudge = \"trio.toml\"\n",
    );
    let recipe = Recipe::load(&cascade).unwrap();
    assert_eq!(recipe.spec().model.as_str(), "panel/two-step");
    let rule = &recipe.spec().panel.as_ref().unwrap().rule;
    assert_eq!(*rule, PanelRule::Cascade { escalate: vec![Escalate::Unsettled, Escalate::Failing] });
    assert_eq!(recipe.leaves().len(), 4);
    let votes = write(dir.path(), "votes.toml", "model = \"openai/a\"\nvotes = 5\n");
    let recipe = Recipe::load(&votes).unwrap();
    assert_eq!((recipe.spec().model.as_str(), recipe.asks()[0].1), ("panel/votes", 5));
}

#[test]
fn what_is_wrong_is_named() {
    let check = |text: &str, line: Option<usize>, part: &str| {
        let dir = TempDir::new().unwrap();
        let error = Recipe::load(&write(dir.path(), "judge.toml", text)).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("judge.toml") && said.contains(part), "{text:?}: {said}");
        if let Some(line) = line {
            assert!(said.contains(&format!("line {line}:")), "{text:?}: {said}");
        }
        assert!(!error.hint().is_empty());
    };
    check("", None, "neither `model` nor a `[[member]]`");
    check("model = ", Some(1), "");
    check("model = \"gpt\"", Some(1), "model: expected provider/name");
    check("model = \"a/b\"\ntemprature = 1.0", Some(2), "temprature");
    check("model = \"a/b\"\ntemperature = 3.0", Some(2), "temperature: 3 is out of range");
    check("model = \"a/b\"\ntop_p = nan", Some(2), "top_p");
    check("model = \"a/b\"\nmax_tokens = 0", Some(2), "max_tokens: 0 is too small");
    check("model = \"a/b\"\nmax_chars = 5", Some(2), "max_chars: 5 is too small");
    check("model = \"a/b\"\nvotes = 0", Some(2), "votes: 0 is out of range");
    check("model = \"a/b\"\ntasks = [\"safty\"]", Some(2), "unknown task \"safty\"");
    check("model = \"a/b\"\nformat = \"lama-guard\"", Some(2), "format: unknown value");
    check("model = \"a/b\"\nformat = \"official\"", Some(2), "needs its prompts");
    check("model = \"a/b\"\nprompts = \"nowhere\"", Some(2), "nowhere");
    check("model = \"sim/jugde\"", Some(1), "jugde");
    check("model = \"sim/judge\"\nmax_chars = 1000", Some(1), "takes no max_chars");
    check("model = \"a/b\"\n[labels.safety]\nbad = \"True\"", Some(3), "is no label");
    check("model = \"a/b\"\n[labels.wisdom]\nbad = \"True\"", None, "unknown task");
    check("model = \"a/b\"\nrule = \"majority\"", Some(2), "belongs to a panel");
    check("model = \"a/b\"\nweight = 1.0", None, "belongs to a [[member]]");
    check("model = \"a/b\"\n[[member]]\nmodel = \"a/c\"", Some(1), "not both");
    check("rule = \"plurality\"\n[[member]]\nmodel = \"a/c\"", Some(1), "rule: unknown value");
    check(
        "rule = \"majority\"\nescalate = [\"failing\"]\n[[member]]\nmodel = \"a/c\"",
        Some(2),
        "belongs to a cascade",
    );
    check("rule = \"cascade\"\nescalate = []\n[[member]]\nmodel = \"a/c\"", Some(2), "nothing would ever");
    check(
        "rule = \"cascade\"\nescalate = [\"doubt\"]\n[[member]]\nmodel = \"a/c\"",
        Some(2),
        "escalate: unknown value",
    );
    check("rule = \"cascade\"\n[[member]]\nmodel = \"a/c\"\nvotes = 3", None, "has one verdict");
    check("[[member]]\nweight = 1.0", None, "either `judge` or `model`");
    check("[[member]]\nmodel = \"a/b\"\nweight = 2.0", Some(3), "weights count only under");
    check("rule = \"weighted\"\n[[member]]\nmodel = \"a/b\"\nweight = 0.0", Some(4), "is no weight");
    check("[[member]]\njudge = \"judge.toml\"", None, "panels within panels");
    check("temperature = 0.5\n[[member]]\nmodel = \"a/b\"", Some(1), "`temperature` belongs to one judge");
    check(
        "[labels.safety]\nbad = \"unsafe\"\n[[member]]\nmodel = \"a/b\"",
        None,
        "`labels` belongs to one judge",
    );
    check(
        "[[member]]\njudge = \"x.toml\"\nmax_chars = 500",
        Some(1),
        "`max_chars` does not go with a judge file",
    );
    check("[[member]]\nmodel = \"a/b\"\nrule = \"majority\"", Some(1), "`rule` belongs to a panel");
    check(
        "[[member]]\nmodel = \"a/b\"\n[[member]]\nmodel = \"a/b\"\nbase_url = \"http://x\"",
        Some(3),
        "the same judge as one above",
    );
    check(
        "model = \"a/b\"\n[labels.safety]\nYES = \"safe\"\nyes = \"unsafe\"",
        None,
        "stands for two labels",
    );
    check("rule = \"weighted\"\n[[member]]\nmodel = \"a/b\"\nweight = 1e300", Some(4), "is no weight");
    check(
        "model = \"a/guard\"\nformat = \"qwen3guard\"\ntasks = [\"thinking\"]",
        Some(1),
        "is told nothing about thinking",
    );
    check("model = \"sim/oracle-judge\"\ntasks = [\"handling\"]", Some(1), "is told nothing about handling");
    check("name = \"two words\"\n[[member]]\nmodel = \"a/b\"", Some(1), "name: expected a word");
    let missing = Recipe::load(Path::new("nowhere/judge.toml")).unwrap_err();
    assert!(missing.to_string().contains("nowhere/judge.toml"), "{missing}");
}

#[test]
fn equal_judges_have_one_hash() {
    let dir = TempDir::new().unwrap();
    let hash = |text: &str| Recipe::load(&write(dir.path(), "judge.toml", text)).unwrap().hash();
    let same = |one: &str, other: &str| assert_eq!(hash(one), hash(other), "{one:?} {other:?}");
    same(
        "model = \"a/b\"\ntasks = [\"safety\", \"thinking\"]",
        "model = \"a/b\"\ntasks = [\"thinking\", \"safety\", \"safety\"]",
    );
    same("model = \"a/b\"", "model = \"a/b\"\ntasks = [\"handling\", \"thinking\", \"safety\"]");
    same("model = \"a/b\"", "model = \"a/b\"\nstructured = true");
    same("model = \"a/b\"", "model = \"a/b\"\nvotes = 1");
    let panel = "rule = \"weighted\"\n[[member]]\nmodel = \"a/b\"\n[[member]]\nmodel = \"a/c\"";
    same(panel, &panel.replace("\"a/c\"", "\"a/c\"\nweight = 1.0"));
}

#[test]
fn only_judges_told_our_prompts_can_be_told_other_words() {
    let dir = TempDir::new().unwrap();
    let told = |text: &str| {
        let recipe = Recipe::load(&write(dir.path(), "judge.toml", text)).unwrap();
        recipe.told(&Prompts::reworded(0)).map(|told| told.hash() != recipe.hash())
    };
    assert_eq!(told("model = \"a/b\""), Some(true));
    assert_eq!(told("model = \"sim/gullible-judge\""), Some(true));
    assert_eq!(told("model = \"sim/judge\""), None);
    assert_eq!(told("model = \"a/b\"\nprompts = \"naive\""), None);
    assert_eq!(told("model = \"a/b\"\nformat = \"llama-guard\""), None);
    let panel = |other: &str| format!("[[member]]\nmodel = \"sim/judge\"\n[[member]]\nmodel = \"{other}\"");
    assert_eq!(told(&panel("a/b")), Some(true));
    assert_eq!(told(&panel("sim/gullible-judge")), Some(true));
}

/// The judge files in the documentation are ones that load.
#[test]
fn the_examples_in_the_documentation_load() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/judges.md");
    let page = fs::read_to_string(page).unwrap();
    let dir = TempDir::new().unwrap();
    let examples: Vec<_> = page
        .split("```toml\n# ")
        .skip(1)
        .map(|rest| {
            let text = rest.split("```").next().unwrap();
            let name = text.split([':', '\n']).next().unwrap().to_owned();
            // The official prompts are the user's.
            let text = format!("# {text}").replace("\"BSA/Prompt\"", "\"shielded\"");
            write(dir.path(), &name, &text)
        })
        .collect();
    assert_eq!(examples.len(), 3, "{examples:?}");
    let members: Vec<usize> =
        examples.iter().map(|path| Recipe::load(path).unwrap().spec().members().len()).collect();
    assert_eq!(members, [0, 3, 2]);
}
