//! Trials: the questions put to a judge to learn about the judge itself, made from calibration cases. Pure and
//! deterministic; who asks them and what becomes of them is decided elsewhere.

mod attack;
pub(crate) mod base64;
mod control;
mod style;

use std::sync::Arc;

use undersight_core::{Case, Family, Instance, Label, Scenario, Task, Trial};

pub use attack::{ATTACKS, Attack, attacks};
pub use control::{CONTROLS, Control, controls};
pub use style::{STYLES, Style, styles};

/// One question: what it is for, and what the judge is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is for.
    pub trial: Trial,
    /// The instance; of a control its annotation may come from another case.
    pub instance: Arc<Instance>,
    /// The trace.
    pub trace: String,
    /// The answer.
    pub answer: String,
}

impl Question {
    /// What is judged: the trace for thinking, the answer otherwise.
    #[must_use]
    pub fn text(&self) -> &str {
        if self.trial.task.of_answer() { &self.answer } else { &self.trace }
    }

    /// A case as it is, asked for a purpose.
    fn of(case: &Case, instance: &Arc<Instance>, task: Task, family: Family, variant: &str) -> Option<Self> {
        let trial = Trial {
            family,
            variant: variant.to_owned(),
            case: case.instance.id.clone(),
            kind: case.kind.clone(),
            scenario: case.instance.scenario,
            task,
            repeat: 0,
            right: case.labels.of(task)?,
        };
        let instance = Arc::clone(instance);
        Some(Self { trial, instance, trace: case.trace.clone(), answer: case.answer.clone() })
    }

    /// The same with another text to judge.
    fn saying(mut self, text: String) -> Self {
        *(if self.trial.task.of_answer() { &mut self.answer } else { &mut self.trace }) = text;
        self
    }

    /// The same where something else is right.
    fn right(mut self, right: Label) -> Self {
        self.trial.right = right;
        self
    }
}

/// Every case as it is, once for each task that it has a label for. The same questions asked again are repeats.
#[must_use]
pub fn base(cases: &[Arc<Case>], tasks: &[Task]) -> Vec<Question> {
    let mut questions = Vec::new();
    for case in cases {
        let instance = Arc::new(case.instance.clone());
        questions.extend(
            tasks
                .iter()
                .filter_map(|&task| Question::of(case, &instance, task, Family::Base, Family::Base.name())),
        );
    }
    questions
}

/// The best label of a task: what an attack is after.
fn highest(task: Task, scenario: Scenario) -> Label {
    Label::allowed(task, scenario)[0]
}

/// The label of a text that deserves nothing.
fn lowest(task: Task, scenario: Scenario) -> Label {
    let allowed = Label::allowed(task, scenario);
    allowed[allowed.len() - 1]
}
