//! Several judges, one verdict: members are asked in their order until the outcome is decided. Each vote is a
//! judgement of its own in the docket; the panel's judgement says how they were counted.

use undersight_core::{
    Cause, CauseKind, Escalate, Instance, Judgement, JudgementStatus, Label, MemberSpec, NanoUsd, PanelRule,
    PanelSpec, Sample, Task, Usage, Vote,
};

use crate::judge::{Clock, Desk, Halt, Judge};

/// Asks the members of a panel.
pub(crate) async fn judge(
    spec: &PanelSpec,
    members: &[Judge],
    (sample, instance, task): (&Sample, &Instance, Task),
    mut judgement: Judgement,
    desk: &Desk<'_>,
) -> Result<Judgement, Halt> {
    let clock = Clock::start();
    let ballots: Vec<(&MemberSpec, &Judge, u32)> = spec
        .members
        .iter()
        .zip(members)
        .filter(|(_, judge)| judge.judges(task))
        .flat_map(|(member, judge)| {
            let votes = member.votes.unwrap_or(1);
            let first = judgement.repeat * votes;
            (first..first + votes).map(move |repeat| (member, judge, repeat))
        })
        .collect();
    let mut cast: Vec<Judgement> = Vec::with_capacity(ballots.len());
    let mut unasked = 0.0;
    for (at, (member, judge, repeat)) in ballots.iter().enumerate() {
        let verdict = ask(judge, sample, instance, task, *repeat, desk).await?;
        judgement.details.votes.push(Vote {
            judge: verdict.judge,
            repeat: *repeat,
            status: verdict.status,
            label: verdict.label.filter(|_| verdict.status == JudgementStatus::Ok),
            weight: weight(spec, member),
        });
        let goes_on = match &spec.rule {
            PanelRule::Cascade { escalate } => escalates(escalate, &verdict),
            rule => {
                unasked = ballots[at + 1..].iter().map(|(m, ..)| weight(spec, m)).sum();
                spec.ask_all || !decided(rule, &judgement.details.votes, unasked)
            }
        };
        cast.push(verdict);
        if !goes_on {
            break;
        }
    }
    settle(&mut judgement, &spec.rule, &cast, unasked);
    judgement.flags.repaired = cast.iter().any(|j| j.flags.repaired);
    judgement.flags.reasks = cast.iter().map(|j| j.flags.reasks).sum();
    judgement.flags.truncated_trace = cast.iter().any(|j| j.flags.truncated_trace);
    judgement.details.excerpted = cast.iter().any(|j| j.details.excerpted);
    // What the votes cost is booked with them.
    judgement.cost = Some(NanoUsd(0));
    judgement.usage = Usage { input: Some(0), output: Some(0), reasoning: Some(0), cached: Some(0) };
    judgement.timing = clock.timing();
    Ok(judgement)
}

fn weight(spec: &PanelSpec, member: &MemberSpec) -> f64 {
    match spec.rule {
        PanelRule::Weighted => member.weight.unwrap_or(1.0),
        _ => 1.0,
    }
}

/// A member's judgement: the one it has given, or a new one that is kept at once.
async fn ask(
    judge: &Judge,
    sample: &Sample,
    instance: &Instance,
    task: Task,
    repeat: u32,
    desk: &Desk<'_>,
) -> Result<Judgement, Halt> {
    let key = judge.key(&sample.key, instance, task, repeat);
    if let Some(given) = desk.docket.recall(sample.key, key).await? {
        return Ok(given);
    }
    let verdict = Box::pin(judge.judge(sample, instance, task, repeat, desk)).await?;
    desk.docket.keep(&verdict).await?;
    Ok(verdict)
}

fn escalates(escalate: &[Escalate], verdict: &Judgement) -> bool {
    escalate.iter().any(|rule| match rule {
        Escalate::Unsettled => verdict.status != JudgementStatus::Ok,
        Escalate::Passing => verdict.passes() == Some(true),
        Escalate::Failing => verdict.passes() == Some(false),
        Escalate::Shaky => verdict.flags.repaired || verdict.flags.reasks > 0,
    })
}

/// How much each label has, heaviest first.
fn tally(votes: &[Vote]) -> Vec<(Label, f64)> {
    let mut tally: Vec<(Label, f64)> = Vec::new();
    for vote in votes {
        let Some(label) = vote.label else { continue };
        match tally.iter_mut().find(|(l, _)| *l == label) {
            Some((_, weight)) => *weight += vote.weight,
            None => tally.push((label, vote.weight)),
        }
    }
    tally.sort_by(|a, b| b.1.total_cmp(&a.1));
    tally
}

/// Whether votes worth `left` more cannot change the outcome any more. Votes that failed for a passing reason are
/// asked for again, so they are still to come.
fn decided(rule: &PanelRule, votes: &[Vote], left: f64) -> bool {
    let failed = votes.iter().filter(|v| v.status == JudgementStatus::Error);
    let left = left + failed.map(|v| v.weight).sum::<f64>();
    let tally = tally(votes);
    let cast: f64 = tally.iter().map(|(_, w)| w).sum();
    let most = tally.first().map_or(0.0, |(_, w)| *w);
    match rule {
        // Unanimity is lost by the second label and never won before the last vote.
        PanelRule::Unanimous => tally.len() > 1,
        // Won whatever the others vote, or out of reach for every label.
        PanelRule::Majority | PanelRule::Weighted => {
            most > (cast + left) / 2.0 || (cast > 0.0 && most + left <= (cast + left) / 2.0)
        }
        PanelRule::Cascade { .. } => true,
    }
}

/// The label that the rule makes of the votes.
fn outcome(rule: &PanelRule, votes: &[Vote]) -> Option<Label> {
    let tally = tally(votes);
    let cast: f64 = tally.iter().map(|(_, w)| w).sum();
    let (label, most) = *tally.first()?;
    let wins = match rule {
        PanelRule::Unanimous => tally.len() == 1,
        PanelRule::Majority | PanelRule::Weighted => most > cast / 2.0,
        PanelRule::Cascade { .. } => true,
    };
    wins.then_some(label)
}

/// Counts the votes; those of members not asked are worth `unasked`.
fn settle(judgement: &mut Judgement, rule: &PanelRule, cast: &[Judgement], unasked: f64) {
    if let (PanelRule::Cascade { .. }, Some(last)) = (rule, cast.last()) {
        let steps = cast.len();
        judgement.status = last.status;
        judgement.label = last.label;
        judgement.risks.clone_from(&last.risks);
        judgement.details.parts = last.details.parts;
        judgement.cause.clone_from(&last.cause);
        judgement.explanation =
            last.explanation.as_ref().map(|e| format!("step {steps} of the cascade: {e}"));
        return;
    }
    let votes = &judgement.details.votes;
    let abstained = votes.iter().filter(|v| v.label.is_none()).count();
    let done = decided(rule, votes, unasked) || !cast.iter().any(|j| j.status == JudgementStatus::Error);
    let standing = outcome(rule, votes).filter(|_| done);
    if let Some(label) = standing {
        let agreeing: Vec<&Judgement> =
            cast.iter().filter(|j| j.status == JudgementStatus::Ok && j.label == Some(label)).collect();
        let reasons = agreeing.iter().find_map(|j| j.explanation.as_deref()).unwrap_or_default();
        judgement.explanation =
            Some(format!("{} of {} votes: {reasons}", agreeing.len(), votes.len()).trim_end().to_owned());
        if let Some(first) = agreeing.first() {
            judgement.risks.clone_from(&first.risks);
            judgement.details.parts = first.details.parts;
        }
        judgement.status = JudgementStatus::Ok;
        judgement.label = Some(label);
        return;
    }
    let counted: Vec<String> = tally(votes).iter().map(|(label, w)| format!("{w} {label}")).collect();
    let mut said = if counted.is_empty() { "no vote".to_owned() } else { counted.join(", ") };
    if abstained > 0 {
        said += &format!(", {abstained} abstained");
    }
    let failed = cast.iter().find(|j| j.status == JudgementStatus::Error && !done);
    judgement.status = if failed.is_some() { JudgementStatus::Error } else { JudgementStatus::Undecided };
    judgement.cause = failed.and_then(|j| j.cause.clone()).or(Some(Cause {
        kind: CauseKind::Verdict,
        http_status: None,
        message: format!("the panel is undecided: {said}"),
    }));
}
