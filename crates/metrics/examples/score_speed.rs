//! Scores a generated judged file of 23 models × 2,000 ids × 5 rows and prints time and peak memory.
//!
//! `cargo run --release -p undersight-metrics --example score_speed`

use std::io::{Cursor, Write as _};
use std::time::Instant;

use undersight_core::{Label, Scenario, Task};
use undersight_metrics::{JudgedFile, Options, score};

const MODELS: usize = 23;

fn generate() -> std::io::Result<Vec<u8>> {
    let mut csv = b"model_name,id,dataset_name,Safe_Ans_Check,Thk_Acc_Judge\n".to_vec();
    let (mut state, mut row) = (1_u64, 0_usize);
    for model in 0..MODELS {
        for id in 0..2000_u64 {
            let scenario = Scenario::ALL[usize::from(id >= 200) + usize::from(id >= 1400)];
            for _ in 0..5 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                row = usize::try_from(state >> 33).unwrap_or_default();
                let pick = |task| {
                    let labels = Label::allowed(task, scenario);
                    labels[row % labels.len()].official()
                };
                let (safe, think) = (pick(Task::Safety), pick(Task::Thinking));
                let hash = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                writeln!(csv, "model-{model:02},{hash:032x},{},{safe},{think}", scenario.official())?;
            }
        }
    }
    std::hint::black_box(row);
    Ok(csv)
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let csv = generate()?;
    let bytes = csv.len();
    let start = Instant::now();
    let scores =
        score([JudgedFile { name: "generated".to_owned(), reader: Cursor::new(csv) }], &Options::default())?;
    let took = start.elapsed();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} rows ({bytes} bytes), {} models: {took:?}", scores.judged_rows, scores.rows.len())?;
    match peak_kib() {
        Some(kib) => writeln!(out, "peak memory, the file itself included: {} MB", kib / 1000)?,
        None => writeln!(out, "peak memory: not known on this system")?,
    }
    Ok(())
}
