//! The table of providers as a whole: names, variables, places of parameters, and what a request with everything set
//! holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use undersight_core::{GenParams, Message, ModelName, Role};
use undersight_endpoint::ChatRequest;
use undersight_endpoint::providers::rows;
use undersight_endpoint::providers::table::{self, KeyNeed, Literal, Member, Row};
use undersight_endpoint::providers::wire::{Ask, Style};

/// Every parameter with its place and the value the full request gives it.
fn places(row: &Row) -> [(&'static str, Option<Member>, Value); 8] {
    let takes = &row.params;
    [
        ("temperature", takes.temperature, json!(0.5)),
        ("top-p", takes.top_p, json!(0.9)),
        ("top-k", takes.top_k, json!(20)),
        ("max-tokens", takes.max_tokens, json!(4096)),
        ("seed", takes.seed, json!(3)),
        ("reasoning-effort", takes.effort, json!("high")),
        ("thinking-budget", takes.budget, json!(1024)),
        ("n", takes.n, json!(2)),
    ]
}

fn bare() -> ChatRequest {
    ChatRequest { messages: vec![Message::new(Role::User, "what is 2 + 3?")], ..ChatRequest::default() }
}

fn full() -> ChatRequest {
    ChatRequest {
        params: GenParams {
            temperature: Some(0.5),
            top_p: Some(0.9),
            top_k: Some(20),
            max_tokens: Some(4096),
            reasoning_effort: Some("high".to_owned()),
            thinking_budget: Some(1024),
        },
        seed: Some(3),
        n: Some(2),
        ..bare()
    }
}

/// The values at the ends of a body, by their places.
fn leaves(row: &'static Row, request: &ChatRequest) -> BTreeMap<String, Value> {
    fn walk(at: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
        match value.as_object().filter(|o| !o.is_empty()) {
            None => drop(out.insert(at.to_owned(), value.clone())),
            Some(members) => members.iter().for_each(|(name, value)| {
                let place = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                walk(&place, value, out);
            }),
        }
    }
    let ask = Ask { row, model: "m", request, stream: false };
    let body = serde_json::from_slice(&row.style.wire().write(&ask).unwrap()).unwrap();
    let mut out = BTreeMap::new();
    walk("", &body, &mut out);
    out
}

fn literal(literal: Literal) -> Value {
    match literal {
        Literal::Bool(value) => json!(value),
        Literal::Text(text) => json!(text),
    }
}

fn chat_rows() -> impl Iterator<Item = &'static Row> {
    rows::all().filter(|row| row.style == Style::Chat)
}

#[test]
fn names_are_unique_and_lead_to_their_rows() {
    let mut seen = BTreeSet::new();
    for row in rows::all() {
        assert!(seen.insert(row.name), "{} twice", row.name);
        assert_eq!(table::row(row.name).map(|found| found.title), Some(row.title));
        let name = if row.by_service() { "service/some/model" } else { "some/model" };
        let model = ModelName::parse(&format!("{}/{name}", row.name)).unwrap();
        let target = table::find(&model).unwrap_or_else(|| panic!("{model} is not found"));
        assert_eq!(target.model, "some/model", "{model}");
        assert_eq!(target.row.name, row.name);
        for (vars, suffix) in [(&target.key_vars, "_API_KEY"), (&target.base_url_vars, "_BASE_URL")] {
            assert!(!vars.is_empty(), "{}", row.name);
            for var in vars {
                let prefix =
                    var.strip_suffix(suffix).unwrap_or_else(|| panic!("{var} does not end in {suffix}"));
                let spelt = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                assert!(!prefix.is_empty() && prefix.chars().all(spelt), "{}: {var}", row.name);
            }
        }
    }
}

#[test]
fn variables_of_the_usual_names_are_found() {
    for (provider, vars) in [
        ("openai", "OPENAI_API_KEY"),
        ("dashscope", "DASHSCOPE_API_KEY"),
        ("moonshot", "MOONSHOT_API_KEY KIMI_API_KEY"),
        ("zhipu", "ZAI_API_KEY ZHIPUAI_API_KEY ZHIPU_API_KEY"),
        ("volcengine", "ARK_API_KEY VOLCENGINE_API_KEY"),
        ("together", "TOGETHER_API_KEY TOGETHERAI_API_KEY"),
        ("llama-cpp", "LLAMA_CPP_API_KEY"),
        ("lmstudio", "LMSTUDIO_API_KEY LM_STUDIO_API_KEY"),
        ("litellm", "LITELLM_API_KEY LITELLM_PROXY_API_KEY"),
    ] {
        let model = ModelName::parse(&format!("{provider}/m")).unwrap();
        assert_eq!(table::find(&model).unwrap().key_vars.join(" "), vars, "{provider}");
    }
}

#[test]
fn rows_say_what_people_need() {
    for row in rows::all() {
        let name = row.name;
        assert!(row.docs.starts_with("https://"), "{name}: {}", row.docs);
        assert!(!row.title.is_empty() && !row.unreachable.is_empty(), "{name}");
        assert!(!row.note.contains("  "), "{name}: {}", row.note);
        let Some(base) = row.base_url else { continue };
        let local = base.starts_with("http://localhost:");
        assert!(local || base.starts_with("https://"), "{name}: {base}");
        assert!(!base.ends_with('/'), "{name}: {base}");
        assert_eq!(
            local,
            row.key == KeyNeed::Optional,
            "{name}: keys are optional on one's own machine alone"
        );
        assert!(local || row.engine.is_none(), "{name}: an engine answers on this machine");
    }
}

#[test]
fn places_do_not_collide() {
    for row in rows::all() {
        let members: Vec<Member> = places(row).into_iter().filter_map(|(_, member, _)| member).collect();
        let mut all: Vec<&str> = members.iter().map(|member| member.path).collect();
        let mut beside = BTreeMap::new();
        for (path, value) in members.iter().flat_map(|member| member.with).chain(row.always) {
            let before = beside.insert(*path, *value);
            // Of effort and budget together the budget says how Claude thinks.
            let told = (row.name, *path) == ("anthropic", "thinking.type");
            assert!(
                told || before.is_none_or(|before| before == *value),
                "{}: {path} is two things",
                row.name
            );
        }
        all.extend(beside.into_keys());
        for (i, one) in all.iter().enumerate() {
            for other in &all[i + 1..] {
                let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
                assert!(one != other, "{}: {one} twice", row.name);
                assert!(!within(one, other) && !within(other, one), "{}: {one} and {other}", row.name);
            }
        }
    }
}

#[test]
fn a_request_with_everything_set_holds_what_is_taken_and_nothing_else() {
    for row in chat_rows() {
        let mut expected = leaves(row, &bare());
        for (path, value) in row.always {
            assert_eq!(expected.get(*path), Some(&literal(*value)), "{}: {path} is always sent", row.name);
        }
        let mut put = |path: &str, value: Value| {
            let before = expected.insert(path.to_owned(), value);
            assert_eq!(before, None, "{}: {path}", row.name);
        };
        for (_, member, value) in places(row) {
            let Some(member) = member else { continue };
            put(member.path, value);
            member.with.iter().for_each(|(path, value)| put(path, literal(*value)));
        }
        assert_eq!(leaves(row, &full()), expected, "{}", row.name);
    }
}

#[test]
fn what_is_not_taken_is_named() {
    for row in rows::all() {
        let expected: Vec<&str> = places(row)
            .into_iter()
            .filter(|(name, member, _)| *name != "n" && member.is_none())
            .map(|(name, ..)| name)
            .collect();
        let mut found = row.unsent(&full().params, true);
        found.sort_by_key(|name| places(row).iter().position(|p| p.0 == *name));
        assert_eq!(found, expected, "{}", row.name);
        assert!(row.unsent(&GenParams::default(), false).is_empty(), "{}", row.name);
    }
}
