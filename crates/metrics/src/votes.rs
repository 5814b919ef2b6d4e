//! How a panel's members vote: how often all agree, how far beyond chance, who abstains, and who sides with the outcome.
//! Judgements are counted one by one, as the ledger streams them.

use std::collections::BTreeMap;

use undersight_core::{Digest, Judgement, JudgementStatus, Label, Task};

use crate::card::Rate;
use crate::inference::Level;
use crate::stats::krippendorff_alpha;

/// One seat of a panel: a member's votes of one number.
type Seat = (Digest, u32);

/// A panel's votes on one task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskVotes {
    /// What was judged.
    pub task: Task,
    /// Judgements with votes.
    pub judgements: u64,
    /// Of these, those that ended without a verdict.
    pub undecided: u64,
    /// Votes cast, abstentions included.
    pub votes: u64,
    /// The share of judgements with two votes or more: of a cascade, the cases handed on.
    pub several: Rate,
    /// Of the judgements with two votes or more that stand, the share whose votes are all the same; Wilson's interval by
    /// instance. Where asking stops once the outcome is decided, disagreement after that is never seen.
    pub unanimous: Rate,
    /// Krippendorff's α of the labels over all votes; `None` where it is undefined.
    pub alpha: Option<f64>,
    /// By the order in which members first voted.
    pub members: Vec<MemberVotes>,
}

/// The votes of one member.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberVotes {
    /// Hash of the member.
    pub judge: Digest,
    /// Its votes.
    pub votes: u64,
    /// Of these, those without a standing label.
    pub abstained: u64,
    /// Of those with one where the panel reached a verdict and another vote stands, the share that is the panel's.
    pub sided: Rate,
}

/// Counts judgements of a panel.
#[derive(Debug, Clone, Default)]
pub struct VotesTally {
    rows: BTreeMap<Task, Vec<Row>>,
}

#[derive(Debug, Clone)]
struct Row {
    item: String,
    verdict: Option<Label>,
    votes: Vec<(Seat, Option<Label>)>,
}

impl VotesTally {
    /// Counts a judgement of the instance with an id; one without votes says nothing.
    pub fn add(&mut self, item: &str, judgement: &Judgement) {
        let votes = &judgement.details.votes;
        if votes.is_empty() {
            return;
        }
        self.rows.entry(judgement.task).or_default().push(Row {
            item: item.to_owned(),
            verdict: judgement.label.filter(|_| judgement.status == JudgementStatus::Ok),
            votes: votes.iter().map(|v| ((v.judge, v.repeat), v.label)).collect(),
        });
    }

    /// What was counted, by task.
    #[must_use]
    pub fn votes(&self, level: Level) -> Vec<TaskVotes> {
        self.rows.iter().map(|(task, rows)| of_task(*task, rows, level)).collect()
    }
}

fn of_task(task: Task, rows: &[Row], level: Level) -> TaskVotes {
    let mut seats: Vec<Seat> = Vec::new();
    for (seat, _) in rows.iter().flat_map(|row| &row.votes) {
        if !seats.contains(seat) {
            seats.push(*seat);
        }
    }
    let mut judges: Vec<Digest> = Vec::new();
    for (judge, _) in &seats {
        if !judges.contains(judge) {
            judges.push(*judge);
        }
    }
    let category = |label: Label| Label::ALL.iter().position(|l| *l == label);
    let ratings: Vec<Vec<Option<usize>>> = rows
        .iter()
        .map(|row| {
            let given = |seat: &Seat| row.votes.iter().find(|(s, _)| s == seat).and_then(|(_, label)| *label);
            seats.iter().map(|seat| given(seat).and_then(category)).collect()
        })
        .collect();
    let several = rows.iter().filter_map(|row| {
        let labels: Vec<Label> = row.votes.iter().filter_map(|(_, label)| *label).collect();
        (labels.len() > 1).then(|| (row.item.as_str(), labels.windows(2).all(|pair| pair[0] == pair[1])))
    });
    TaskVotes {
        task,
        judgements: rows.len() as u64,
        undecided: rows.iter().filter(|row| row.verdict.is_none()).count() as u64,
        votes: rows.iter().map(|row| row.votes.len() as u64).sum(),
        several: Rate::of(rows.iter().map(|row| (row.item.as_str(), row.votes.len() > 1)), level),
        unanimous: Rate::of(several, level),
        alpha: krippendorff_alpha(&ratings, Label::ALL.len()),
        members: judges.into_iter().map(|judge| member(judge, rows, level)).collect(),
    }
}

fn member(judge: Digest, rows: &[Row], level: Level) -> MemberVotes {
    let own = |row: &'_ Row| -> Vec<Option<Label>> {
        row.votes.iter().filter(|((j, _), _)| *j == judge).map(|(_, label)| *label).collect()
    };
    let votes: Vec<Option<Label>> = rows.iter().flat_map(own).collect();
    let beside = |row: &&Row| row.votes.iter().filter(|(_, label)| label.is_some()).count() > 1;
    let decided = rows.iter().filter(beside).filter_map(|row| Some((row, row.verdict?)));
    let sided = decided.flat_map(|(row, verdict)| {
        own(row).into_iter().flatten().map(move |label| (row.item.as_str(), label == verdict))
    });
    MemberVotes {
        judge,
        votes: votes.len() as u64,
        abstained: votes.iter().filter(|label| label.is_none()).count() as u64,
        sided: Rate::of(sided, level),
    }
}
