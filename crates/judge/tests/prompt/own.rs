//! The loader of a user's templates.

use undersight_core::{Instance, Scenario, Task, VerdictFormat};
use undersight_judge::{Prompts, PromptsError};

use super::common::{INSTANCES, instance};
use super::{check_refused, directory, told};

const PLAIN: &[u8] = b"{{ query }} / {{ text }} / {{ labels }}\n";

fn thinking(template: &[u8]) -> Vec<(&'static str, &[u8])> {
    ["thinking-os.md.j2", "thinking-cs.md.j2", "thinking-ro.md.j2"].map(|name| (name, template)).to_vec()
}

fn check_template(template: &str, message: &str, hint: &str) {
    check_refused(directory(&[("safety.md.j2", template.as_bytes())]).path(), message, hint);
}

#[test]
fn tasks_are_those_with_templates() {
    let tasks = |files: &[(&str, &[u8])]| Prompts::load(directory(files).path()).unwrap().tasks();
    assert_eq!(tasks(&[("safety.md.j2", PLAIN)]), [Task::Safety]);
    assert_eq!(tasks(&thinking(PLAIN)), [Task::Thinking]);
    let mut all = thinking(PLAIN);
    all.push(("safety.md.j2", PLAIN));
    assert_eq!(tasks(&all), Task::SCORED);
    all.extend([("handling.md.j2", PLAIN), ("handling-os.md.j2", PLAIN), ("README.md", b"notes")]);
    assert_eq!(tasks(&all), [], "nothing is left out");
}

#[test]
fn templates_are_filled_with_what_ours_are() {
    let mut files = thinking(
        b"{{ nonce }}|{{ query }}|{{ rationale }}|{% for risk in risks %}{{ risk.index }} {{ risk.category }} {{ risk.subcategory }}{% if risk.rationale %} {{ risk.rationale }}{% endif %};{% endfor %}|{% if parts %}{{ parts.risky }}{% endif %}|{{ text }}",
    );
    files.push(("safety.md.j2", b"\xef\xbb\xbf{{ categories }}\r\n{{ labels }}\r\n{{ text }} {{ nonce }}"));
    let dir = directory(&files);
    let set = Prompts::load(dir.path()).unwrap();
    assert_eq!((set.format(), set.annotated(), set.shielded_by_fences()), (VerdictFormat::Json, false, true));
    assert_eq!(Some(set.name()), dir.path().file_name().and_then(|n| n.to_str()));
    let subject = instance(Scenario::OverSensitivity);
    let trace = told(&set, Task::Thinking, &subject, "{{ query }}");
    let risk = &subject.risks[0];
    let after = format!(
        "|{}|{}|0 {} {} {};|{}|{{{{ query }}}}",
        subject.query,
        subject.rationale,
        risk.category,
        risk.subcategory,
        risk.rationale.as_ref().unwrap(),
        subject.parts.as_ref().unwrap().risky,
    );
    assert!(trace.ends_with(&after) && trace.len() > after.len(), "{trace}");
    let answer = told(&set, Task::Safety, &subject, "No.");
    assert!(answer.contains("\n\"Safe\" or \"Unsafe\"\nNo. ") && !answer.contains('\r'), "{answer:?}");
}

#[test]
fn what_a_template_uses_says_what_it_is() {
    let load = |files: &[(&str, &[u8])]| Prompts::load(directory(files).path()).unwrap();
    let with = |extra: &str| format!("{{{{ text }}}} {extra}").into_bytes();
    let safety = |extra: &str| load(&[("safety.md.j2", with(extra).as_slice())]);
    assert!(!safety("").annotated() && !safety("{{ query }} {{ categories }}").annotated());
    assert!(!safety("{% if parts %}p{% endif %}").annotated());
    assert!(safety("{{ rationale }}").annotated());
    assert!(safety("{% for risk in risks %}{{ loop.index }}{{ risk.category }}{% endfor %}").annotated());
    assert!(!load(&thinking(&with("{{ rationale }}"))).annotated(), "a judge of traces always is");
    assert!(safety("{{ nonce }}").shielded_by_fences() && !safety("").shielded_by_fences());
    assert!(
        !load(&[
            ("safety.md.j2", &with("{{ nonce }}")),
            ("thinking-os.md.j2", PLAIN),
            ("thinking-cs.md.j2", PLAIN),
            ("thinking-ro.md.j2", PLAIN)
        ])
        .shielded_by_fences()
    );
    assert_ne!(safety("a").hash(), safety("b").hash());
    assert_eq!(safety("a").hash(), safety("a").hash(), "the directory's name is no part of it");

    let subject = instance(Scenario::OverSensitivity);
    let parts = safety("{% if parts %}{{ parts.risky }}{% endif %}");
    assert!(!told(&parts, Task::Safety, &subject, "x").contains(&subject.parts.as_ref().unwrap().risky));
    let annotated = safety("{{ rationale }}{% if parts %}{{ parts.risky }}{% endif %}");
    let told = told(&annotated, Task::Safety, &subject, "x");
    assert!(told.contains(&subject.rationale) && told.contains(&subject.parts.as_ref().unwrap().risky));
}

#[test]
fn what_is_wrong_is_named_with_file_and_line() {
    check_template(
        "{{ text }}\n{{ nonse }}",
        "safety.md.j2, line 2: there is no variable nonse",
        "did you mean nonce?",
    );
    check_template(
        "{{ text }}\n\n{{ something }}",
        "line 3: there is no variable something",
        "the variables are nonce",
    );
    check_template(
        "{% if false %}{{ answer }}{% endif %}{{ text }}",
        "there is no variable answer",
        "variables",
    );
    check_template("{{ text }}\n{% if query %}", "safety.md.j2, line 2: syntax error", "MiniJinja");
    check_template("{{ text }\n", "line 1: syntax error", "MiniJinja");
    check_template("{{ text }}\n{{ text.length }}", "line 2: undefined value", "MiniJinja");
    check_template("{{ text }}\n{% include 'other' %}", "line 2: syntax error", "MiniJinja");
    check_template("{{ text | shout }}", "line 1: unknown filter", "MiniJinja");
    check_template("{{ text }} {{ 1 / 0 }}", "line 1", "MiniJinja");
    check_template("{{ text }} {{ parts.risky }}", "line 1: undefined value", "MiniJinja");
    check_template("{{ query }}", "does not show {{ text }}", "nothing to judge");
    check_template("", "does not show {{ text }}", "nothing to judge");
    // One risk is shown to two of the scenarios and two to the third.
    let dir = directory(&thinking(b"{{ text }}\n{{ risks[1].category }}"));
    check_refused(dir.path(), "thinking-os.md.j2, line 2: undefined value", "MiniJinja");
}

#[test]
fn directories_that_hold_no_set() {
    check_refused(directory(&[]).path(), "no prompts are found here", "directory Prompt");
    check_refused(&directory(&[]).path().join("missing"), "no prompts are found here", "safety.md.j2");
    check_refused(directory(&[("notes.md", b"x")]).path(), "no prompts are found here", "Prompt");
    let both = directory(&[("safety.md.j2", PLAIN), ("Safe_Ans_Judge.md", b"{answer}")]);
    check_refused(both.path(), "official prompts and templates are in one directory", "move the templates");
    let misnamed = directory(&[("safty.md.j2", PLAIN)]);
    check_refused(misnamed.path(), "safty.md.j2: no template is called that", "did you mean safety.md.j2?");
    let strange = directory(&[("prompt.j2", PLAIN), ("safety.md.j2", PLAIN)]);
    check_refused(strange.path(), "prompt.j2: no template is called that", "one of safety, thinking-os");
    let two = directory(&thinking(PLAIN)[..2]);
    check_refused(
        two.path(),
        "thinking-ro.md.j2: the task thinking lacks this template",
        "all of its templates",
    );
    let half = directory(&[("handling.md.j2", PLAIN)]);
    check_refused(half.path(), "handling-os.md.j2: the task handling lacks this template", "all of");
    check_refused(directory(&[("safety.md.j2", b"\xff")]).path(), "safety.md.j2: not UTF-8", "UTF-8");
}

#[test]
fn a_template_that_fails_on_some_material_asks_for_no_verdict() {
    let dir = directory(&[("safety.md.j2", b"{% if query == 'boom' %}{{ 1 / 0 }}{% endif %}{{ text }}")]);
    let set = Prompts::load(dir.path()).unwrap();
    let subject = |query: &str| Instance { query: query.into(), ..instance(Scenario::RiskOmission) };
    assert_eq!(told(&set, Task::Safety, &subject("fine"), "an answer"), "an answer");
    let failed = told(&set, Task::Safety, &subject("boom"), "an answer");
    assert!(failed.contains("could not be made") && failed.contains("empty JSON object"), "{failed}");
    assert!(!failed.contains("an answer"));
}

#[test]
fn own_templates_may_be_for_another_format() {
    let mut files = thinking(PLAIN);
    files.extend([("safety.md.j2", PLAIN), ("handling.md.j2", PLAIN), ("handling-os.md.j2", PLAIN)]);
    let set = Prompts::load(directory(&files).path()).unwrap();
    let mut hashes = Vec::new();
    for &format in VerdictFormat::ALL {
        let written = set.written_in(format).unwrap();
        let tasks = match format {
            VerdictFormat::Json => vec![],
            VerdictFormat::Official => Task::SCORED.to_vec(),
            _ => vec![Task::Safety],
        };
        assert_eq!((written.format(), written.tasks(), written.name()), (format, tasks, set.name()));
        for scenario in INSTANCES {
            let text = |set: &Prompts| told(set, Task::Safety, &instance(scenario), "x");
            assert_eq!(text(&written), text(&set));
        }
        hashes.push(written.hash());
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), VerdictFormat::ALL.len());

    let traces = Prompts::load(directory(&thinking(PLAIN)).path()).unwrap();
    let error = traces.written_in(VerdictFormat::WildGuard).unwrap_err();
    assert!(matches!(&error, PromptsError::Format { format: VerdictFormat::WildGuard, .. }));
    assert!(error.hint().contains("safety.md.j2"));
    assert!(Prompts::shielded().written_in(VerdictFormat::Official).is_err(), "ours ask for our JSON");
    assert!(Prompts::guard(VerdictFormat::LlamaGuard).written_in(VerdictFormat::WildGuard).is_err());
}

#[test]
fn the_example_in_the_documentation_works() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/judges.md")).unwrap();
    let example = page.split_once("```jinja\n").unwrap().1.split_once("```").unwrap().0;
    let set = Prompts::load(directory(&[("safety.md.j2", example.as_bytes())]).path()).unwrap();
    assert!(set.shielded_by_fences() && !set.annotated());
    let told = told(&set, Task::Safety, &instance(Scenario::RiskOmission), "No.");
    assert!(
        told.contains("\nNo.\n<<end answer ") && told.contains(r#""label": "Safe" or "Unsafe"}"#),
        "{told}"
    );
}

#[test]
fn schemas_of_ones_own_go_along() {
    let set = |files: &[(&str, &[u8])]| Prompts::load(directory(files).path()).unwrap();
    let (template, schema): (_, &[u8]) =
        (("safety.md.j2", PLAIN), br#"{"type": "object", "required": ["label"]}"#);
    let plain = set(&[template]);
    let ours = plain.schema(Task::Safety, Scenario::RiskOmission).unwrap();
    assert_eq!(ours.schema["properties"]["label"]["enum"], serde_json::json!(["Safe", "Unsafe"]));
    let own = set(&[template, ("safety.schema.json", schema)]);
    let sent = own.schema(Task::Safety, Scenario::RiskOmission).unwrap();
    assert_eq!((sent.name.as_str(), &sent.schema), ("safety", &serde_json::from_slice(schema).unwrap()));
    assert_ne!(plain.hash(), own.hash());
    let guard = own.written_in(VerdictFormat::ShieldGemma).unwrap();
    assert!(guard.schema(Task::Safety, Scenario::RiskOmission).is_some());
    assert!(
        Prompts::guard(VerdictFormat::ShieldGemma).schema(Task::Safety, Scenario::RiskOmission).is_none()
    );
    for (name, text, message) in [
        ("safty.schema.json", schema, "no schema is called that"),
        ("safety.schema.json", b"{\n\"type\":".as_slice(), "safety.schema.json, line 2: not JSON"),
        ("safety.schema.json", b"[]", "not a JSON object"),
    ] {
        check_refused(directory(&[template, (name, text)]).path(), message, "");
    }
}
