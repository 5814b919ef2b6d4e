//! Probes as tables and as JSON.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::model;
use undersight_core::probe::{
    Advice, AdviceKind, Check, CheckKind, Depth, Facts, LimitFound, Outcome, Probe, TraceFound, Unusable,
};
use undersight_core::{Cause, CauseKind, FinishReason, Micros, NanoUsd, Provenance, Usage};
use undersight_report::{Layout, probe};

/// One that was answered.
fn answered() -> Probe {
    Probe {
        model: model("vllm/m"),
        url: "http://localhost:8000/v1/chat/completions".to_owned(),
        started: Micros(7),
        depth: Depth::Full,
        facts: Facts {
            returned_model: Some("m".to_owned()),
            total_us: Some(4_200_000),
            trace: Some(TraceFound {
                provenance: Provenance::Full,
                fields: vec!["reasoning".to_owned()],
                characters: 40,
            }),
            finish_whole: Some(FinishReason::Stop),
            finish_cut: Some(FinishReason::Unknown),
            usage: Some(Usage { input: Some(20), output: Some(16), ..Usage::default() }),
            reasoning_reported: Some(0),
            limits: vec![LimitFound {
                name: "x-ratelimit requests".to_owned(),
                limit: Some(60),
                remaining: Some(58),
                reset_us: None,
            }],
            cost: Some(NanoUsd(1_230_000_000)),
            calls: 12,
            ..Facts::default()
        },
        checks: vec![
            Check::new(CheckKind::Trace, Outcome::Yes, "full, 40 characters in `reasoning`"),
            Check::new(CheckKind::Seed, Outcome::Unknown, "all replies are the same"),
            Check::new(CheckKind::N, Outcome::Skipped, "it takes none"),
        ],
        advice: vec![Advice { kind: AdviceKind::Price, text: "no price is known".to_owned() }],
    }
}

/// One that was refused, by a server with bad manners.
fn refused() -> Probe {
    let cause = Cause { kind: CauseKind::Auth, http_status: Some(401), message: "no".to_owned() };
    let unusable = Unusable {
        cause,
        fatal: true,
        message: "\u{1b}[2Jno <script>".to_owned(),
        hint: "set KEY".to_owned(),
    };
    Probe {
        facts: Facts { unusable: Some(unusable), calls: 1, ..Facts::default() },
        checks: vec![Check::new(CheckKind::Authorised, Outcome::No, "\u{1b}[2Jno | <script>")],
        advice: Vec::new(),
        ..answered()
    }
}

#[test]
fn tables_say_what_was_found() {
    let text = probe::table(&[answered(), refused()], Layout::Terminal { width: None });
    for line in [
        "vllm/m at http://localhost:8000/v1/chat/completions (12 calls, $1.23)",
        "trace       yes  full, 40 characters in `reasoning`",
        "seed        ?    all replies are the same",
        "n           –    it takes none",
        "advice: no price is known",
        "vllm/m at http://localhost:8000/v1/chat/completions (1 call, cost unknown)",
        "hint: set KEY",
    ] {
        let told = |l: &str| l.split_whitespace().eq(line.split_whitespace());
        assert!(text.lines().any(told), "{line}\n{text}");
    }
    let narrow = probe::table(&[answered()], Layout::Terminal { width: Some(30) });
    assert!(narrow.contains("  Found: full, 40 characters"), "{narrow}");
}

#[test]
fn what_a_server_says_is_only_text() {
    for layout in [Layout::Terminal { width: Some(80) }, Layout::Markdown] {
        let text = probe::table(&[refused()], layout);
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(layout != Layout::Markdown || !text.contains("<script>"), "{text}");
    }
}

#[test]
fn json_keeps_unknown_apart() {
    let json = probe::json(&[answered(), refused()]);
    let [one, two] = [&json["probes"][0], &json["probes"][1]];
    assert_eq!(one["usage"]["reasoning_tokens"], 0, "as it was reported");
    assert_eq!(one["finish"]["whole"], "stop");
    assert!(one["finish"]["cut"].is_null() && one["first_byte_us"].is_null());
    assert_eq!((&one["usable"], &two["usable"]), (&true.into(), &false.into()));
    assert_eq!(two["unusable"]["cause"], "auth");
    assert!(two["trace"].is_null() && two["usage"].is_null() && two["cost_nano_usd"].is_null());
}

#[test]
fn the_page_about_outputs_lists_members() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outputs.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("### `undersight.probe/v1`\n").unwrap();
    let section = section.split("\n### ").next().unwrap();
    let json = probe::json(&[answered(), refused()]);
    let (one, two) = (&json["probes"][0], &json["probes"][1]);
    let inner = ["trace", "finish", "usage"].map(|name| &one[name]);
    let lists = ["limits", "checks", "advice"].map(|name| &one[name][0]);
    let objects = [one, &two["unusable"]].into_iter().chain(inner).chain(lists);
    for name in objects.flat_map(|object| object.as_object().unwrap().keys()) {
        assert!(section.contains(&format!("`{name}`")), "{name}");
    }
    for outcome in Outcome::ALL {
        assert!(section.contains(&format!("`{outcome}`")), "{outcome}");
    }
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/probe.md");
    let page = std::fs::read_to_string(page).unwrap();
    for kind in CheckKind::ALL {
        assert!(page.contains(&format!("\n| {} |", kind.name().replace('-', " "))), "{kind}");
    }
    for kind in AdviceKind::ALL {
        assert!(page.contains(&format!("`{kind}`")), "{kind}");
    }
}
