//! Progress on stderr: two bars on a terminal, nothing but warnings elsewhere. Reads events only.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use undersight_core::{Event, JudgementStatus, NanoUsd, Observer, SampleStatus, Stage, Usage, text};
use undersight_report::number::count;

/// What one stage has counted.
#[derive(Default)]
struct Counts {
    done: u64,
    tokens: u64,
    retries: u64,
    failures: u64,
    cost: Option<NanoUsd>,
    /// Records of unknown cost.
    unpriced: u64,
}

impl Counts {
    fn add(&mut self, usage: Usage, cost: Option<NanoUsd>, failed: bool) {
        self.done += 1;
        self.failures += u64::from(failed);
        self.spend(usage, cost);
    }

    fn spend(&mut self, usage: Usage, cost: Option<NanoUsd>) {
        self.tokens += usage.input.unwrap_or(0) + usage.output.unwrap_or(0);
        match cost {
            Some(cost) => self.cost = Some(self.cost.unwrap_or_default().plus(cost)),
            None => self.unpriced += 1,
        }
    }

    fn line(&self) -> String {
        let mut line = format!("{} tokens", count(self.tokens));
        if self.retries > 0 {
            line += &format!(", {} retries", count(self.retries));
        }
        if self.failures > 0 {
            line += &format!(", {} not ok", count(self.failures));
        }
        if let Some(cost) = self.cost.filter(|c| c.0 > 0) {
            line += &format!(", {cost}");
            if self.unpriced > 0 {
                line += &format!(" and {} of unknown cost", count(self.unpriced));
            }
        }
        line
    }
}

struct Bars {
    multi: MultiProgress,
    bars: [ProgressBar; 2],
    counts: [Counts; 2],
    started: Instant,
}

/// What the two stages make, in their order.
const STAGES: [&str; 2] = ["samples", "judgements"];

/// An observer that draws on stderr when it is a terminal and writes warnings there in any case.
pub(crate) fn observer() -> Observer {
    let terminal = std::io::stderr().is_terminal();
    let target = if terminal { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
    let state = Mutex::new(Bars {
        multi: MultiProgress::with_draw_target(target),
        bars: [ProgressBar::hidden(), ProgressBar::hidden()],
        counts: [Counts::default(), Counts::default()],
        started: Instant::now(),
    });
    Arc::new(move |event| {
        let mut bars = state.lock().unwrap_or_else(PoisonError::into_inner);
        bars.handle(event, terminal);
    })
}

impl Bars {
    fn handle(&mut self, event: Event, terminal: bool) {
        match event {
            Event::Started { run, samples, samples_stored, judgements, judgements_stored } => {
                self.start(&run, [(samples, samples_stored), (judgements, judgements_stored)], terminal);
            }
            Event::SampleStored { status, usage, cost } => {
                self.advance(0, usage, cost, status != SampleStatus::Ok);
            }
            Event::JudgementStored { status, usage, cost } => {
                let failed = !matches!(status, JudgementStatus::Ok | JudgementStatus::Skipped);
                self.advance(1, usage, cost, failed);
            }
            Event::VoteStored { usage, cost } => self.counts[1].spend(usage, cost),
            Event::Retrying { stage, .. } => {
                let i = usize::from(stage == Stage::Judge);
                self.counts[i].retries += 1;
                self.bars[i].set_message(self.message(i));
            }
            Event::Warning(message) => self.say(&format!("warning: {message}"), terminal),
            Event::Note(message) | Event::Stopping(message) => self.say(&message, terminal),
            Event::Finished => self.finish(terminal),
        }
    }

    fn start(&mut self, run: &str, totals: [(u64, u64); 2], terminal: bool) {
        let [(samples, stored), (judgements, judged)] = totals;
        if terminal {
            self.say(&format!("run {run}"), terminal);
        }
        if stored + judged > 0 {
            let of = |done, all, what| format!("{} of {} {what}", count(done), count(all));
            let samples = if samples > 0 { of(stored, samples, "samples and ") } else { String::new() };
            let judgements = of(judged, judgements, "judgements");
            self.say(&format!("resuming {run}: {samples}{judgements} are already stored"), terminal);
        }
        self.counts = [Counts::default(), Counts::default()];
        self.started = Instant::now();
        for (i, (name, (total, done))) in STAGES.into_iter().zip(totals).enumerate() {
            let bar = self.multi.add(ProgressBar::new(total).with_position(done));
            if let Ok(style) =
                ProgressStyle::with_template("{prefix:>11} {bar:24} {human_pos}/{human_len} {msg}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(name);
            if terminal {
                bar.enable_steady_tick(Duration::from_millis(250));
            }
            self.bars[i] = bar;
        }
    }

    /// The bars give way to a line a stage.
    fn finish(&self, terminal: bool) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
        if terminal {
            let elapsed = self.started.elapsed();
            for (name, counts) in STAGES.into_iter().zip(&self.counts).filter(|(_, counts)| counts.done > 0) {
                let line = format!("{} {name} in {elapsed:.1?}, {}", count(counts.done), counts.line());
                crate::terminal::note(&line);
            }
        }
    }

    /// Rate and time left, of this command alone, with the counts.
    fn message(&self, stage: usize) -> String {
        let (bar, counts) = (&self.bars[stage], &self.counts[stage]);
        let rate = counts.done as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let left = bar.length().unwrap_or(0).saturating_sub(bar.position());
        let eta = if counts.done == 0 {
            "?".to_owned()
        } else {
            HumanDuration(Duration::from_secs_f64(left as f64 / rate)).to_string()
        };
        format!("{rate:.1}/s eta {eta} · {}", counts.line())
    }

    fn advance(&mut self, i: usize, usage: Usage, cost: Option<NanoUsd>, failed: bool) {
        self.counts[i].add(usage, cost, failed);
        self.bars[i].inc(1);
        if !self.bars[i].is_hidden() {
            self.bars[i].set_message(self.message(i));
        }
    }

    fn say(&self, line: &str, terminal: bool) {
        let line = text::printable(line);
        if terminal {
            let _ = self.multi.println(line);
        } else {
            crate::terminal::note(&line);
        }
    }
}
