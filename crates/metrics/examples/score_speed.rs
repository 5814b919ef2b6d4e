//! Scores generated judged rows, made as they are read, and prints time and peak memory.
//!
//! `cargo run --release -p undersight-metrics --example score_speed [MODELS [ROWS_PER_ID]]`

use std::io::{self, Read, Write as _};
use std::num::NonZeroU32;
use std::time::Instant;

use undersight_core::{Label, Scenario, Task};
use undersight_metrics::{JudgedFile, Options, Scoring, score, score_panels};

const IDS: u64 = 2000;

/// A judged CSV that is made while it is read.
struct Rows {
    models: u64,
    k: u64,
    /// The next row, counted over models, ids and samples.
    next: u64,
    state: u64,
    buffer: Vec<u8>,
    read: usize,
    bytes: u64,
}

impl Rows {
    fn new(models: u64, k: u64) -> Self {
        let header = b"model_name,id,dataset_name,Safe_Ans_Check,Thk_Acc_Judge\n";
        Self { models, k, next: 0, state: 1, buffer: header.to_vec(), read: 0, bytes: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.read = 0;
        while self.buffer.len() < 1 << 16 && self.next < self.models * IDS * self.k {
            let (model, id) = (self.next / (IDS * self.k), self.next / self.k % IDS);
            self.next += 1;
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = usize::try_from(self.state >> 33).unwrap_or_default();
            let scenario = Scenario::ALL[usize::from(id >= 200) + usize::from(id >= 1400)];
            let pick = |task| {
                let labels = Label::allowed(task, scenario);
                labels[draw % labels.len()].official()
            };
            let (safe, think) = (pick(Task::Safety), pick(Task::Thinking));
            let hash = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            writeln!(self.buffer, "model-{model:03},{hash:032x},{},{safe},{think}", scenario.official())?;
        }
        Ok(())
    }
}

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.buffer.len() {
            self.fill()?;
        }
        let n = into.len().min(self.buffer.len() - self.read);
        into[..n].copy_from_slice(&self.buffer[self.read..self.read + n]);
        self.read += n;
        self.bytes += n as u64;
        Ok(n)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let models: u64 = given.next().map_or(Ok(23), |text| text.parse())?;
    let k: u32 = given.next().map_or(Ok(5), |text| text.parse())?;
    let mut rows = Rows::new(models, u64::from(k));
    let options = Options { k: NonZeroU32::new(k).ok_or("rows per id: at least 1")?, ..Options::default() };
    let start = Instant::now();
    let scores = score([JudgedFile { name: "generated".to_owned(), reader: &mut rows }], &options)?;
    let took = start.elapsed();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} rows ({} MB), {} models: {took:?}, making the rows included",
        scores.judged_rows,
        rows.bytes / 1_000_000,
        scores.rows.len()
    )?;
    let start = Instant::now();
    let intervals = score_panels(&scores.panels, &Scoring::default());
    writeln!(out, "intervals of {} models: {:?}", intervals.len(), start.elapsed())?;
    match testkit::env::peak_kib() {
        Some(kib) => writeln!(out, "peak memory: {} MB", kib / 1000)?,
        None => writeln!(out, "peak memory: not known on this system")?,
    }
    Ok(())
}
