//! Templates filled in for one judgement. The material to grade is fenced with a code that does not occur in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use undersight_core::{Category, Digest, Instance, JudgementKey, Label, OsParts, Scenario, Task};

use crate::schema;

/// The variables a template may use.
pub(super) const VARIABLES: [&str; 8] =
    ["nonce", "categories", "labels", "query", "text", "rationale", "risks", "parts"];

/// The order in which the labels are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LabelOrder {
    Usual,
    Reversed,
    Swapped,
}

/// A template's name, which is its schema's, and its text.
pub(super) type Named = (&'static str, Cow<'static, str>);

/// A set of templates, parsed.
#[derive(Debug)]
pub(super) struct Templates {
    environment: Environment<'static>,
    order: LabelOrder,
    /// What each template uses.
    variables: BTreeMap<&'static str, BTreeSet<String>>,
    texts: Vec<Named>,
}

impl Templates {
    /// Parses them; on failure says in which.
    pub(super) fn new(
        texts: Vec<Named>,
        order: LabelOrder,
    ) -> Result<Self, (&'static str, minijinja::Error)> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| ("", error))?);
        let mut variables = BTreeMap::new();
        for (name, text) in &texts {
            environment.add_template_owned(*name, text.clone().into_owned()).map_err(|e| (*name, e))?;
            let template = environment.get_template(name).map_err(|e| (*name, e))?;
            variables.insert(*name, template.undeclared_variables(false).into_iter().collect());
        }
        Ok(Self { environment, order, variables, texts })
    }

    /// What identifies them.
    pub(super) fn texts(&self) -> BTreeMap<String, serde_json::Value> {
        self.texts.iter().map(|(name, text)| (format!("template {name}"), text.as_ref().into())).collect()
    }

    /// What a template uses.
    pub(super) fn variables(&self, name: &str) -> impl Iterator<Item = &str> {
        self.variables.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Whether there is a template of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    fn uses(&self, name: &str, variable: &str) -> bool {
        self.variables(name).any(|used| used == variable)
    }

    /// The tasks of which no template is missing.
    pub(super) fn tasks(&self) -> Vec<Task> {
        let whole = |task: &Task| Scenario::ALL.iter().all(|s| self.has(schema::name(*task, *s)));
        Task::ALL.iter().copied().filter(whole).collect()
    }

    /// Whether the judge of an answer is shown the annotation.
    pub(super) fn annotated(&self) -> bool {
        ["safety", "handling", "handling-os"]
            .iter()
            .any(|name| self.uses(name, "rationale") || self.uses(name, "risks"))
    }

    /// Whether all of them use the code.
    pub(super) fn fenced(&self) -> bool {
        self.variables.keys().all(|name| self.uses(name, "nonce"))
    }

    pub(super) fn render(
        &self,
        task: Task,
        instance: &Instance,
        text: &str,
        key: &JudgementKey,
    ) -> Result<String, String> {
        self.try_render(task, instance, text, key).map_err(|e| e.to_string())
    }

    pub(super) fn try_render(
        &self,
        task: Task,
        instance: &Instance,
        text: &str,
        key: &JudgementKey,
    ) -> Result<String, minijinja::Error> {
        let annotated = task == Task::Thinking || self.annotated();
        let view = View {
            nonce: nonce(key, instance, text),
            categories: Category::ALL.map(Category::name).join("; "),
            labels: self.labels(task, instance.scenario),
            query: &instance.query,
            text,
            // What a judgement's key does not cover is not shown.
            rationale: if annotated { &instance.rationale } else { "" },
            risks: if annotated { ShownRisk::all(instance) } else { Vec::new() },
            parts: instance.parts.as_ref().filter(|_| annotated || task == Task::Handling),
        };
        self.environment.get_template(schema::name(task, instance.scenario))?.render(Serde(&view))
    }

    fn labels(&self, task: Task, scenario: Scenario) -> String {
        let mut labels: Vec<String> =
            Label::allowed(task, scenario).iter().map(|l| format!("\"{}\"", l.official())).collect();
        match self.order {
            LabelOrder::Usual => {}
            LabelOrder::Reversed => labels.reverse(),
            LabelOrder::Swapped => labels.swap(0, 1),
        }
        labels.join(" or ")
    }
}

#[derive(Serialize)]
struct View<'a> {
    nonce: String,
    categories: String,
    labels: String,
    query: &'a str,
    text: &'a str,
    rationale: &'a str,
    risks: Vec<ShownRisk<'a>>,
    parts: Option<&'a OsParts>,
}

#[derive(Serialize)]
struct ShownRisk<'a> {
    index: usize,
    category: &'static str,
    subcategory: &'static str,
    rationale: Option<&'a str>,
}

impl<'a> ShownRisk<'a> {
    fn all(instance: &'a Instance) -> Vec<Self> {
        let shown = |(index, risk): (usize, &'a undersight_core::Risk)| Self {
            index,
            category: risk.category.name(),
            subcategory: risk.subcategory.name(),
            rationale: risk.rationale.as_deref(),
        };
        instance.risks.iter().enumerate().map(shown).collect()
    }
}

/// A code that looks random, repeats for the same judgement, and stands nowhere in what it fences.
fn nonce(key: &JudgementKey, instance: &Instance, text: &str) -> String {
    let parts = instance.parts.iter().flat_map(|p| [p.risky.as_str(), p.harmless.as_str()]);
    let rationales = instance.risks.iter().filter_map(|r| r.rationale.as_deref());
    let fenced: Vec<&str> = [instance.query.as_str(), instance.rationale.as_str(), text]
        .into_iter()
        .chain(parts)
        .chain(rationales)
        .collect();
    let mut round = 0_u32;
    loop {
        let code = Digest::of("fence/v1", &(key, round)).short();
        if !fenced.iter().any(|t| t.contains(&code)) {
            return code;
        }
        round += 1;
    }
}
