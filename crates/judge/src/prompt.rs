//! Prompts: our templates, filled in for one judgement. The material to grade is fenced with a code that does not
//! occur in it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use undersight_core::{
    Category, Digest, Instance, JudgementKey, Label, Message, OsParts, Role, Scenario, Task,
};

use crate::schema;
use crate::verdict::VerdictError;

const TEMPLATES: [(&str, &str); 4] = [
    ("safety", include_str!("../prompts/safety.md.j2")),
    ("thinking-os", include_str!("../prompts/thinking-os.md.j2")),
    ("thinking-cs", include_str!("../prompts/thinking-cs.md.j2")),
    ("thinking-ro", include_str!("../prompts/thinking-ro.md.j2")),
];

/// The hash over everything a model judge is told: templates, schemas and the wording of a re-ask.
#[must_use]
pub fn prompt_set_hash() -> Digest {
    static HASH: OnceLock<Digest> = OnceLock::new();
    *HASH.get_or_init(|| {
        let mut set: BTreeMap<String, serde_json::Value> =
            TEMPLATES.iter().map(|&(name, text)| (format!("template {name}"), text.into())).collect();
        for scenario in Scenario::ALL {
            for &task in Task::ALL {
                let name = schema::name(task, scenario);
                set.insert(format!("schema {name}"), schema::schema(task, scenario));
                set.insert(
                    format!("re-ask {name}"),
                    VerdictError::NoVerdict.correction(task, scenario).into(),
                );
            }
        }
        Digest::of("prompts/v1", &set)
    })
}

/// The messages a model judge is sent for a task. `text` is what is judged, the answer for safety and the trace
/// for thinking; `key` is the judgement's key, from which the code of the fences is drawn so that runs repeat.
/// For an estimate of size any text and any key will do.
#[must_use]
pub fn prompt_for(task: Task, instance: &Instance, text: &str, key: &JudgementKey) -> Vec<Message> {
    let risks: Vec<ShownRisk<'_>> = match task {
        Task::Safety => Vec::new(),
        Task::Thinking => ShownRisk::all(instance),
    };
    let labels: Vec<String> =
        Label::allowed(task, instance.scenario).iter().map(|l| format!("\"{}\"", l.official())).collect();
    let view = View {
        nonce: nonce(key, instance, text),
        categories: Category::ALL.map(Category::name).join("; "),
        labels: labels.join(" or "),
        query: &instance.query,
        text,
        rationale: &instance.rationale,
        risks,
        parts: instance.parts.as_ref(),
    };
    let content = environment()
        .get_template(schema::name(task, instance.scenario))
        .and_then(|template| template.render(Serde(&view)))
        .expect("the embedded templates and the view belong together; a test renders each");
    vec![Message::new(Role::User, content)]
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

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .set_syntax(SyntaxConfig::builder().trim_blocks(true).build().expect("no delimiter is changed"));
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).expect("the embedded templates parse; a test renders each");
        }
        environment
    })
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
