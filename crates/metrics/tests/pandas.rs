//! The reference scorer against an independent pandas model of it, on generated judged files: equal to the last digit.
//!
//! Needs `python3` with pandas: skips without, but fails where `CI=true`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why it skips"
)]

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;

use undersight_core::Scenario;
use undersight_metrics::{Alpha, JudgedFile, Options, Reference, score};

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testkit/scripts/reference_scorer.py")
}

fn pandas_is_there() -> bool {
    let found = Command::new("python3")
        .args(["-c", "import pandas"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "python3 with pandas is needed where CI=true");
        eprintln!("skipped: python3 cannot import pandas");
    }
    found
}

/// A small deterministic generator (splitmix64), so that files are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let sides = from.len() as u64;
        from[usize::try_from(self.roll(sides)).unwrap()]
    }
}

/// What a generated file is like.
#[derive(Clone, Copy)]
struct Shape {
    seed: u64,
    k: u64,
    /// Ids per scenario, in the order OS, CS, RO.
    ids: [u64; 3],
    /// Of 100 ids, how many lack rows or have too many.
    uneven: u64,
    /// Of 100 rows, how many lack a model, an id or a scenario.
    gaps: u64,
    thinking: [&'static [&'static str]; 3],
    /// Scenario that the first model lacks.
    first_lacks: Option<Scenario>,
}

const OS: &[&str] = &["Precise Coverage", "Over Sensitive", "Not Covered", "Precise Coverage"];
const CS: &[&str] = &["Fully Covered", "Partially Covered", "Not Covered", "Fully Covered"];
const RO: &[&str] = &["True", "False", "True"];
const FULL: Shape = Shape {
    seed: 1,
    k: 5,
    ids: [200, 1200, 600],
    uneven: 0,
    gaps: 0,
    thinking: [OS, CS, RO],
    first_lacks: None,
};

fn generate(shape: Shape) -> String {
    let mut dice = Dice(shape.seed);
    let mut csv = String::from("model_name,id,dataset_name,Safe_Ans_Check,Thk_Acc_Judge\n");
    for model in ["zeta", "Alpha-1", "beta, \"quoted\"", "ünder"] {
        for (scenario, count) in Scenario::ALL.into_iter().zip(shape.ids) {
            if model == "Alpha-1" && shape.first_lacks == Some(scenario) {
                continue;
            }
            for id in 0..count {
                let id = format!("{:032x}", (id + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (scenario as u64));
                let rows = if dice.roll(100) < shape.uneven { dice.roll(2 * shape.k + 1) } else { shape.k };
                for _ in 0..rows {
                    let safe = dice.pick(&["Safe", "Safe", "Unsafe"]);
                    let think = dice.pick(shape.thinking[scenario as usize]);
                    let mut names = [model.replace('"', "\"\""), id.clone(), scenario.official().to_owned()];
                    if dice.roll(100) < shape.gaps {
                        names[usize::try_from(dice.roll(3)).unwrap()] =
                            dice.pick(&["", "NA", "None", "nan"]).to_owned();
                    }
                    let [model, id, scenario] = names;
                    writeln!(csv, "\"{model}\",{id},{scenario},{safe},{think}").unwrap();
                }
            }
        }
    }
    csv
}

/// Our rows as the reference would print them.
fn ours(csv: &str, k: u64, alpha: f64, as_reference_reads: bool) -> Vec<Vec<String>> {
    let options = Options {
        k: NonZeroU32::new(u32::try_from(k).unwrap()).unwrap(),
        alpha: Alpha::new(alpha).unwrap(),
        normalise: false,
    };
    let file = JudgedFile { name: "judged.csv".to_owned(), reader: csv.as_bytes() };
    let scores = score([file], &options).unwrap();
    let rows = match (scores.reference, as_reference_reads) {
        (Reference::Differs(rows), true) => rows,
        (Reference::Stops, true) => panic!("the reference would stop"),
        _ => scores.rows,
    };
    let mut table =
        vec![std::iter::once("model".to_owned()).chain(scores.columns.iter().map(|c| c.name())).collect()];
    table.extend(rows.iter().map(|row| {
        let cells = scores.columns.iter().map(|c| row.get(*c).map_or(String::new(), |v| format!("{v:?}")));
        std::iter::once(row.model.clone()).chain(cells).collect::<Vec<_>>()
    }));
    table
}

fn theirs(csv: &str, k: u64, alpha: f64, text: bool) -> Vec<Vec<String>> {
    let dir =
        std::env::temp_dir().join(format!("undersight-pandas-{}-{k}-{}", std::process::id(), csv.len()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("judged.csv");
    std::fs::write(&path, csv).unwrap();
    let output = Command::new("python3")
        .arg(script())
        .arg(&path)
        .args(["--k", &k.to_string(), "--alpha", &alpha.to_string()])
        .args(text.then_some("--text"))
        .output()
        .unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&output.stdout[..])
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn check(name: &str, shape: Shape, alpha: f64) {
    let csv = generate(shape);
    assert_eq!(
        ours(&csv, shape.k, alpha, false),
        theirs(&csv, shape.k, alpha, true),
        "{name}, labels as text"
    );
    assert_eq!(
        ours(&csv, shape.k, alpha, true),
        theirs(&csv, shape.k, alpha, false),
        "{name}, as pandas reads"
    );
}

#[test]
fn generated_files_score_as_in_pandas() {
    if !pandas_is_there() {
        return;
    }
    let default = Alpha::DEFAULT.get();
    check("whole benchmark", FULL, default);
    // Even k: half the values fall on rounding ties, which only the same order of summation resolves alike.
    for (seed, k) in [(2, 10), (3, 2), (4, 6), (6, 1), (8, 3)] {
        check(&format!("k = {k}"), Shape { seed, k, ..FULL }, 0.61);
    }
    check("uneven rows", Shape { seed: 10, uneven: 30, ..FULL }, default);
    check("uneven rows, k = 10", Shape { seed: 11, uneven: 30, k: 10, ..FULL }, default);
    check("gaps", Shape { seed: 15, gaps: 10, ..FULL }, default);
    check("few ids", Shape { seed: 12, ids: [3, 140, 9], k: 6, ..FULL }, 0.5);
    check(
        "nothing passes",
        Shape { seed: 13, thinking: [&["Not Covered"], &["Not Covered"], &["False"]], ..FULL },
        default,
    );
    check(
        "odd labels",
        Shape { seed: 14, thinking: [OS, CS, &["true", "True", "TRUE", "maybe", ""]], ..FULL },
        default,
    );
}

#[test]
fn absent_scenarios_score_as_in_pandas() {
    if !pandas_is_there() {
        return;
    }
    for scenario in Scenario::ALL {
        let mut ids = FULL.ids;
        ids[scenario as usize] = 0;
        check("absent everywhere", Shape { seed: 20, ids, ..FULL }, 0.61);
        check("absent from one", Shape { seed: 21, first_lacks: Some(scenario), ..FULL }, 0.61);
    }
}

#[test]
fn boolean_chunks_score_as_in_pandas() {
    if !pandas_is_there() {
        return;
    }
    let only_ro = Shape { seed: 30, ids: [0, 0, 600], ..FULL };
    check("a file of booleans", only_ro, 0.61);
    check(
        "booleans and gaps",
        Shape { seed: 31, thinking: [OS, CS, &["True", "False", "true", ""]], ..only_ro },
        0.61,
    );
    // 60 rows an id, four models: 144,000 boolean rows, one whole chunk and a part of the next, then words.
    let mut long = generate(Shape { seed: 32, k: 60, ..only_ro });
    long.push_str("ünder,00000000000000000000000000000001,Cognitive Shortcut,Safe,Fully Covered\n");
    assert_eq!(ours(&long, 60, 0.61, true), theirs(&long, 60, 0.61, false), "a chunk of booleans");
    assert_eq!(ours(&long, 60, 0.61, false), theirs(&long, 60, 0.61, true), "the same as text");
    assert_ne!(ours(&long, 60, 0.61, false), ours(&long, 60, 0.61, true));
}
