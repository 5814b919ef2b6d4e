//! Counts per model and id while judged rows stream by, and which chunks pandas would read as booleans.
//!
//! Memory grows with models × ids, not with rows; the text of a row is dropped once it is counted.

use rustc_hash::FxHashMap;
use undersight_core::text::excerpt;
use undersight_core::{Item, Scenario, Task};

use super::chunk::{BooleanChunk, Chunk};
use super::error::JudgedError;
use super::input::{Header, Row, is_missing};
use super::labels::{OddLabels, Spelling, spelling};
use super::names::Names;
use crate::panel::{Cells, Panel};

/// Rows of one (model, id) under one scenario.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ThinkTally {
    pub(crate) rows: u32,
    /// Passing as text.
    pub(crate) pass: u32,
    /// Of these, those the reference would lose by reading booleans.
    pub(crate) lost: u32,
    /// Passing once normalised, among the first k rows of the id.
    pub(crate) normalised: u32,
}

/// Rows of one (model, id).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct IdTally {
    pub(crate) rows: u32,
    pub(crate) safe: u32,
    pub(crate) safe_normalised: u32,
    pub(crate) think: [ThinkTally; 3],
    /// Its first k rows, normalised; what does not pass fails, as the reference has it.
    pub(crate) cells: Cells,
}

/// Everything counted.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) models: Names,
    pub(crate) ids: Names,
    pub(crate) cells: FxHashMap<(u32, u32), IdTally>,
    /// The scenario each id first appeared under.
    scenarios: Vec<Option<Scenario>>,
    pub(crate) rows: u64,
    /// Labels that would pass if they were spelled officially.
    pub(crate) near: OddLabels,
    pub(crate) unknown: OddLabels,
    pub(crate) empty_labels: u64,
    /// Rows without a model or an id.
    pub(crate) nameless: u64,
    pub(crate) no_scenario: u64,
    /// Scenario spellings that only normalising reads: first place and count.
    pub(crate) respelled: Option<(String, u64)>,
    pub(crate) booleans: Vec<BooleanChunk>,
    chunk: Chunk,
}

impl Tallies {
    /// Counts one row.
    pub(crate) fn add(
        &mut self,
        file: &str,
        header: &Header,
        row: Row<'_>,
        k: u32,
        normalise: bool,
    ) -> Result<(), JudgedError> {
        self.rows += 1;
        if is_missing(row.model) || is_missing(row.id) {
            self.nameless += 1;
            self.advance(file, header, row.thinking, None);
            return Ok(());
        }
        let scenario = self.scenario(file, &row, normalise)?;
        let key = (self.models.intern(row.model), self.ids.intern(row.id));
        let safe = self.read(Task::Safety, scenario.unwrap_or(Scenario::RiskOmission), row.safety);
        let think = scenario.map(|s| (s, self.read(Task::Thinking, s, row.thinking)));
        let place = key.1 as usize;
        if self.scenarios.len() <= place {
            self.scenarios.resize(place + 1, None);
        }
        self.scenarios[place] = self.scenarios[place].or(scenario);
        let cell = self.cells.entry(key).or_default();
        let kept = cell.rows < k;
        cell.rows = cell.rows.saturating_add(1);
        cell.safe += u32::from(safe.0);
        cell.safe_normalised += u32::from(kept && safe.1);
        if kept {
            cell.cells.count(Some(safe.1), Some(think.is_some_and(|(_, (_, passes))| passes)));
        }
        if let Some((scenario, (exact, normalised))) = think {
            let tally = &mut cell.think[scenario as usize];
            tally.rows += 1;
            tally.pass += u32::from(exact);
            tally.normalised += u32::from(kept && normalised);
        }
        let at_risk = matches!(think, Some((Scenario::RiskOmission, (true, _))));
        self.advance(file, header, row.thinking, at_risk.then_some(key));
        Ok(())
    }

    fn scenario(
        &mut self,
        file: &str,
        row: &Row<'_>,
        normalise: bool,
    ) -> Result<Option<Scenario>, JudgedError> {
        if let Some(scenario) = Scenario::ALL.into_iter().find(|s| s.official() == row.scenario) {
            return Ok(Some(scenario));
        }
        if is_missing(row.scenario) {
            self.no_scenario += 1;
            return Ok(None);
        }
        let near = Scenario::parse(row.scenario);
        if normalise && near.is_some() {
            self.respelled
                .get_or_insert_with(|| {
                    (format!("{file}: line {}: \"{}\"", row.line, excerpt(row.scenario, 60)), 0)
                })
                .1 += 1;
            return Ok(near);
        }
        Err(JudgedError::Scenario {
            file: file.to_owned(),
            line: row.line,
            value: excerpt(row.scenario, 60),
            near: near.is_some(),
        })
    }

    /// Whether a label passes as text, and whether it does once normalised.
    fn read(&mut self, task: Task, scenario: Scenario, text: &str) -> (bool, bool) {
        let column = if task.of_answer() { "Safe_Ans_Check" } else { "Thk_Acc_Judge" };
        match spelling(task, scenario, text) {
            Spelling::Exact(label) => (label.passes(), label.passes()),
            Spelling::Near(label) => {
                if label.passes() {
                    self.near.note(column, text);
                }
                (false, label.passes())
            }
            Spelling::Empty => {
                self.empty_labels += 1;
                (false, false)
            }
            Spelling::Unknown => {
                self.unknown.note(column, text);
                (false, false)
            }
        }
    }

    /// Moves the chunk on by one row; `passing` is the cell of a risk-omission row labelled `True`.
    fn advance(&mut self, file: &str, header: &Header, thinking: &str, passing: Option<(u32, u32)>) {
        self.chunk.add(thinking, passing);
        if self.chunk.is_full(header.width()) {
            self.end_chunk(file);
        }
    }

    fn end_chunk(&mut self, file: &str) {
        let (found, lost) = self.chunk.end(file);
        self.booleans.extend(found);
        for key in lost {
            if let Some(cell) = self.cells.get_mut(&key) {
                cell.think[Scenario::RiskOmission as usize].lost += 1;
            }
        }
    }

    /// Closes a file: the next one has chunks of its own.
    pub(crate) fn end_file(&mut self, file: &str) {
        self.end_chunk(file);
        self.chunk = Chunk::default();
    }

    /// Each of these models' rows as counts over all ids that have a scenario, ids it lacks unknown.
    pub(crate) fn panels(&self, models: &[ModelTally<'_>], k: u32) -> Vec<Panel> {
        let mut places: FxHashMap<&str, usize> = FxHashMap::default();
        let mut items = Vec::new();
        for (at, name) in self.ids.iter() {
            if let Some(scenario) = self.scenarios.get(at as usize).copied().flatten() {
                places.insert(name, items.len());
                let (subcategories, shared_texts) = (Vec::new(), Vec::new());
                items.push(Item { id: name.to_owned(), scenario, subcategories, shared_texts });
            }
        }
        let empty = Panel::new(String::new(), items, k);
        let of_model = |model: &ModelTally<'_>| {
            let mut panel = empty.beside(model.name.to_owned());
            for (id, tally) in &model.ids {
                if let Some(place) = places.get(id) {
                    panel.cells[*place] = tally.cells;
                }
            }
            panel.fill();
            panel
        };
        models.iter().map(of_model).collect()
    }

    /// Each model, in the reference's order, with its ids in the reference's order.
    pub(crate) fn by_model(&self) -> Vec<ModelTally<'_>> {
        let (models, ids) = (self.models.ranks(), self.ids.ranks());
        let mut cells: Vec<_> = self
            .cells
            .iter()
            .map(|(&(model, id), cell)| ((models[model as usize], ids[id as usize]), (model, id), cell))
            .collect();
        cells.sort_unstable_by_key(|(rank, ..)| *rank);
        let mut all: Vec<ModelTally<'_>> = Vec::new();
        for (_, (model, id), cell) in cells {
            let name = self.models.get(model);
            if all.last().is_none_or(|m| m.name != name) {
                all.push(ModelTally { name, ids: Vec::new() });
            }
            if let Some(last) = all.last_mut() {
                last.ids.push((self.ids.get(id), cell));
            }
        }
        all
    }
}

/// What was counted of one model.
#[derive(Debug)]
pub(crate) struct ModelTally<'a> {
    pub(crate) name: &'a str,
    pub(crate) ids: Vec<(&'a str, &'a IdTally)>,
}
