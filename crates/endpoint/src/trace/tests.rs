//! Extraction as a table (the map's rows first), as properties over hostile text, and over a megabyte of it.

use proptest::prelude::*;

use super::*;

const STOP: FinishReason = FinishReason::Stop;
const CUT: FinishReason = FinishReason::Length;
const FULL: Provenance = Provenance::Full;
const ABSENT: Provenance = Provenance::Absent;
const TRUNCATED: Provenance = Provenance::Truncated;
const OPENS: Option<TraceHint> = Some(TraceHint::TemplateOpens);

fn run(fields: &[(&str, &str)], finish: &FinishReason, hint: Option<TraceHint>, claim: Claim) -> Extraction {
    let parts = fields.iter().map(|(f, t)| Part { field: (*f).to_owned(), text: (*t).to_owned() }).collect();
    let e = extract(parts, finish, hint, claim);
    assert!(e.covers(), "not covered: {fields:?} {:?}", e.spans);
    let raw: String = fields.iter().map(|(_, t)| *t).collect();
    let again: String = e.spans.iter().map(|s| e.text(s)).collect();
    assert_eq!(again, raw);
    for view in [e.trace(), e.answer()] {
        assert_eq!(view.trim(), view, "{fields:?}");
    }
    e
}

#[track_caller]
fn check(
    fields: &[(&str, &str)],
    how: (FinishReason, Option<TraceHint>, Claim),
    want: (&str, &str, Provenance),
) {
    let e = run(fields, &how.0, how.1, how.2);
    assert_eq!((e.trace().as_str(), e.answer().as_str(), e.provenance), want, "{fields:?} {how:?}");
}

/// One content field; the rest as usual.
#[track_caller]
fn content(rows: &[(&str, FinishReason, (&str, &str, Provenance))]) {
    for (text, finish, want) in rows {
        check(&[("content", text)], (finish.clone(), None, Claim::Own), *want);
    }
}

#[test]
fn the_map() {
    content(&[
        ("<think>R</think>A", STOP, ("R", "A", FULL)),
        ("R</think>A", STOP, ("R", "A", FULL)),
        ("<think>R", CUT, ("R", "", TRUNCATED)),
        ("<think>R1</think>A1\n<think>R2</think>A2", STOP, ("R1\nR2", "A1\nA2", FULL)),
        ("A", STOP, ("", "A", ABSENT)),
        ("A", CUT, ("", "A", ABSENT)),
        ("<think>R</think>write `<think>x</think>` so", STOP, ("R", "write `<think>x</think>` so", FULL)),
        (
            "<think>R</think>A\n```xml\n<think>\nx\n</think>\n```\nB",
            STOP,
            ("R", "A\n```xml\n<think>\nx\n</think>\n```\nB", FULL),
        ),
        (
            "<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>final<|message|>A<|return|>",
            STOP,
            ("R", "A", FULL),
        ),
        ("<thinking>R</thinking>A", STOP, ("R", "A", FULL)),
        ("<reasoning>R</reasoning>A", STOP, ("R", "A", FULL)),
        ("<seed:think>R</seed:think>A", STOP, ("R", "A", FULL)),
        ("◁think▷R◁/think▷A", STOP, ("R", "A", FULL)),
        ("<|begin_of_thought|>R<|end_of_thought|>A", STOP, ("R", "A", FULL)),
    ]);
    check(&[("content", "R so far")], (CUT, OPENS, Claim::Own), ("R so far", "", TRUNCATED));
    check(&[("content", "A whole")], (STOP, OPENS, Claim::Own), ("", "A whole", ABSENT));
}

#[test]
fn blocks_in_content() {
    content(&[
        ("\n<think>\nR\n\nR\n</think>\n\nA\n", STOP, ("R\n\nR", "A", FULL)),
        ("<think>\n\n</think>A", STOP, ("", "A", ABSENT)),
        ("<think></think>", STOP, ("", "", ABSENT)),
        ("<think>R", STOP, ("R", "", TRUNCATED)),
        ("<think>R", FinishReason::Unknown, ("R", "", TRUNCATED)),
        ("<think>", CUT, ("", "", ABSENT)),
        ("<think>R</think>", CUT, ("R", "", FULL)),
        ("<think>R</think>A", CUT, ("R", "A", FULL)),
        ("<think>R</thinking>A", STOP, ("R", "A", FULL)),
        ("<think>R of </reasoning> goes on", CUT, ("R of </reasoning> goes on", "", TRUNCATED)),
        ("<think>a<think>b</think>A</think>", STOP, ("a<think>b", "A</think>", FULL)),
        ("<think>R</think></think>A", STOP, ("R", "A", FULL)),
        ("<think>R</think>\n\n</think>\nA", STOP, ("R", "A", FULL)),
        ("<think>R</think>A</think>B", STOP, ("R", "A</think>B", FULL)),
        ("<think>R1</think><think>R2</think>A", STOP, ("R1\nR2", "A", FULL)),
        ("<think>R1</think>A\n  <reasoning>R2</reasoning> B", STOP, ("R1\nR2", "A\nB", FULL)),
        ("<think>R1</think>A\n    <think>x</think>", STOP, ("R1", "A\n    <think>x</think>", FULL)),
        ("Sure.\n<think>R</think>A", STOP, ("R", "Sure.\nA", FULL)),
        ("<think>R1</think>A1\n<think>R2", CUT, ("R1\nR2", "A1", TRUNCATED)),
        ("<think>R1</think>A1\n<think>\nis the tag", STOP, ("R1", "A1\n<think>\nis the tag", FULL)),
        ("<think>R</think>A\n~~~\n<think>x</think>\n", STOP, ("R", "A\n~~~\n<think>x</think>", FULL)),
        ("<think>R</think>A\n```a`\n<think>x</think>\nB", STOP, ("R\nx", "A\n```a`\nB", FULL)),
        ("<think>\n```\ncode\n</think>\nA\n<think>R</think>B", STOP, ("```\ncode\nR", "A\nB", FULL)),
        ("<Think>R</Think>A", STOP, ("", "<Think>R</Think>A", ABSENT)),
        ("", CUT, ("", "", ABSENT)),
        (" \n", STOP, ("", "", ABSENT)),
        ("<think>é💡</think>◁ü", STOP, ("é💡", "◁ü", FULL)),
    ]);
}

#[test]
fn closing_tags_alone() {
    content(&[
        ("R\n</think>\n\nA", STOP, ("R", "A", FULL)),
        ("R ends here.</think>A", CUT, ("R ends here.", "A", FULL)),
        ("</think>\n\nA", STOP, ("", "A", ABSENT)),
        ("R◁/think▷A", STOP, ("R", "A", FULL)),
        ("R<|end_of_thought|>\n<|begin_of_solution|>\nA\n<|end_of_solution|>", STOP, ("R", "A", FULL)),
        ("R1</think>A1\n<think>R2</think>A2", STOP, ("R1\nR2", "A1\nA2", FULL)),
        ("R</think>A </think> B", STOP, ("R", "A </think> B", FULL)),
        ("write <think> and </think> so", STOP, ("", "write <think> and </think> so", ABSENT)),
        ("`</think>` ends a thought", STOP, ("", "`</think>` ends a thought", ABSENT)),
        ("it says \"</think>\"; so R</think>A", STOP, ("it says \"</think>\"; so R", "A", FULL)),
        ("```\n</think>\n```\nA", STOP, ("", "```\n</think>\n```\nA", ABSENT)),
        ("R\n```\ncode\n</think>\nA", STOP, ("R\n```\ncode", "A", FULL)),
        ("a <think> in passing\nR\n</think>\nA", STOP, ("a <think> in passing\nR", "A", FULL)),
    ]);
    check(&[("content", "R <think> x </think>A")], (STOP, OPENS, Claim::Own), ("R <think> x", "A", FULL));
    check(&[("content", "<think>\nR</think>A")], (STOP, OPENS, Claim::Own), ("R", "A", FULL));
}

#[test]
fn other_forms() {
    content(&[
        (
            "<|begin_of_thought|>\n\nR\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nA\n\n<|end_of_solution|>",
            STOP,
            ("R", "A", FULL),
        ),
        ("<|begin_of_thought|>R", CUT, ("R", "", TRUNCATED)),
        ("<|begin_of_thought|>R<|end_of_thought|><|begin_of_solution|>A", CUT, ("R", "A", FULL)),
        (
            "<|begin_of_thought|>R<|end_of_thought|>A <|end_of_solution|> B",
            STOP,
            ("R", "A <|end_of_solution|> B", FULL),
        ),
        ("<|channel|>analysis<|message|>R", CUT, ("R", "", TRUNCATED)),
        ("<|channel|>analysis<|message|>R<|end|><|start|>assistant<|channel|>fin", CUT, ("R", "", FULL)),
        (
            "<|start|>assistant<|channel|>analysis<|message|>R<|end|>\n<|start|>assistant<|channel|>final<|message|>A",
            STOP,
            ("R", "A", FULL),
        ),
        (
            "<|channel|>analysis<|message|>R<|start|>assistant<|channel|>final <|constrain|>json<|message|>{}<|return|>",
            STOP,
            ("R", "{}", FULL),
        ),
        (
            "<|channel|>analysis<|message|>R1<|end|><|start|>assistant<|channel|>analysis<|message|>R2<|end|><|start|>assistant<|channel|>final<|message|>A",
            STOP,
            ("R1\nR2", "A", FULL),
        ),
        (
            "<|channel|>final<|message|>the mark <|end|> ends it<|return|>",
            STOP,
            ("", "the mark <|end|> ends it", ABSENT),
        ),
        ("<|channel|>analysis<|message|>R<|end|>left over", STOP, ("R", "left over", FULL)),
        ("<|channel|> is a mark", STOP, ("", "<|channel|> is a mark", ABSENT)),
        ("<|start|>assistant<|message|>A<|end|>", STOP, ("", "A", ABSENT)),
    ]);
}

#[test]
fn reasoning_fields() {
    type Row<'a> = (&'a [(&'a str, &'a str)], FinishReason, Claim, (&'a str, &'a str, Provenance));
    let rows: &[Row<'_>] = &[
        (&[("reasoning_content", "R\n"), ("content", "\n\nA")], STOP, Claim::Own, ("R", "A", FULL)),
        (&[("reasoning", "R")], CUT, Claim::Own, ("R", "", TRUNCATED)),
        (&[("reasoning_content", "R"), ("content", "")], CUT, Claim::Own, ("R", "", TRUNCATED)),
        (&[("reasoning_content", "R"), ("content", "\n")], STOP, Claim::Own, ("R", "", FULL)),
        (&[("reasoning_content", "R"), ("content", "A")], CUT, Claim::Own, ("R", "A", FULL)),
        (&[("reasoning_content", " \n"), ("content", "A")], STOP, Claim::Own, ("", "A", ABSENT)),
        (&[("reasoning_content", "\n"), ("content", "R</think>A")], STOP, Claim::Own, ("R", "A", FULL)),
        (
            &[("reasoning", "2 and"), ("content", "2.\n</think>\n\n4")],
            STOP,
            Claim::Own,
            ("2 and\n2.", "4", FULL),
        ),
        (&[("reasoning", "R"), ("content", "</think>\n\nA")], STOP, Claim::Own, ("R", "A", FULL)),
        (&[("reasoning", "R"), ("content", "</think>")], CUT, Claim::Own, ("R", "", FULL)),
        (&[("reasoning", "R"), ("content", "a </think> b")], STOP, Claim::Own, ("R", "a </think> b", FULL)),
        (&[("reasoning", "R1"), ("content", "<think>R2</think>A")], STOP, Claim::Own, ("R1\nR2", "A", FULL)),
        (&[("reasoning", "R"), ("content", "<think>\n\n</think>\nA")], STOP, Claim::Own, ("R", "A", FULL)),
        (&[("reasoning", "<think>\nR\n</think>\n"), ("content", "A")], STOP, Claim::Own, ("R", "A", FULL)),
        (&[("reasoning", "R</think>"), ("content", "")], CUT, Claim::Own, ("R", "", FULL)),
        (&[("reasoning", "</think>"), ("content", "A")], STOP, Claim::Own, ("", "A", ABSENT)),
        (&[("thinking", "R"), ("thinking", "R"), ("content", "A")], STOP, Claim::Own, ("R\nR", "A", FULL)),
        (&[("reasoning", "R"), ("refusal", "No.")], STOP, Claim::Own, ("R", "No.", FULL)),
        (&[("summary", "S"), ("content", "A")], STOP, Claim::Summary, ("S", "A", Provenance::Summary)),
        (&[("summary", "S")], CUT, Claim::Summary, ("S", "", TRUNCATED)),
        (&[("content", "<think>R</think>A")], STOP, Claim::Summary, ("R", "A", FULL)),
        (&[("content", "A")], STOP, Claim::Summary, ("", "A", ABSENT)),
        (&[("data", "zzz"), ("content", "A")], STOP, Claim::Encrypted, ("", "A", Provenance::Encrypted)),
        (&[("data", "zzz")], CUT, Claim::Encrypted, ("", "", Provenance::Encrypted)),
        (&[("content", "A")], STOP, Claim::Encrypted, ("", "A", ABSENT)),
        (
            &[("redacted_thinking", "zzz"), ("content", "A")],
            STOP,
            Claim::Own,
            ("", "A", Provenance::Encrypted),
        ),
        (
            &[("thinking", "R"), ("redacted_thinking", "zzz"), ("content", "A")],
            STOP,
            Claim::Own,
            ("R", "A", FULL),
        ),
        (
            &[("thinking", "R1"), ("content", "A1"), ("thinking", "R2"), ("content", "A2")],
            STOP,
            Claim::Own,
            ("R1\nR2", "A1\nA2", FULL),
        ),
        (&[("content", "A1"), ("content", "<think>R</think>A2")], STOP, Claim::Own, ("R", "A1\nA2", FULL)),
        (&[], STOP, Claim::Own, ("", "", ABSENT)),
    ];
    for (fields, finish, claim, want) in rows {
        check(fields, (finish.clone(), None, *claim), *want);
    }
    check(&[("reasoning", "R"), ("content", "A cut")], (CUT, OPENS, Claim::Own), ("R", "A cut", FULL));
}

#[test]
fn whole_and_streamed_replies_read_alike() {
    let whole = run(&[("reasoning", "R"), ("content", "5")], &STOP, None, Claim::Own);
    let streamed = run(&[("reasoning", "\nR\n"), ("content", "\n\n5")], &STOP, None, Claim::Own);
    assert_eq!((whole.trace(), whole.answer()), (streamed.trace(), streamed.answer()));
}

fn hostile_text() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<thinking>",
        "</thinking>",
        "<reasoning>",
        "</reasoning>",
        "<seed:think>",
        "</seed:think>",
        "◁think▷",
        "◁/think▷",
        "<|begin_of_thought|>",
        "<|end_of_thought|>",
        "<|begin_of_solution|>",
        "<|end_of_solution|>",
        "<|channel|>",
        "analysis",
        "final",
        "<|message|>",
        "<|end|>",
        "<|start|>",
        "assistant",
        "<|return|>",
        "<|constrain|>",
        "```",
        "~~~",
        "`",
        "\"",
        "\n",
        "\r\n",
        "\n\n",
        " ",
        "\t",
        "    ",
        "\u{3000}",
        "\u{feff}",
        "\u{200b}",
        "é",
        "💡",
        "e\u{301}",
        "\0",
        "<",
        "◁",
        "</",
        "<|",
        "think>",
        "word",
        "a sentence of words.",
    ]);
    let split = fragment
        .clone()
        .prop_flat_map(|f| (0..=f.len()).prop_map(move |at| f.get(..at).unwrap_or(f).to_owned()));
    prop::collection::vec(
        prop_oneof![4 => fragment.prop_map(str::to_owned), 1 => split, 1 => ".{0,4}"],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost(
        fields in prop::collection::vec(
            (prop::sample::select(vec!["content", "reasoning", "refusal", "redacted"]), hostile_text()), 0..4),
        finish in prop::sample::select(vec![STOP, CUT, FinishReason::ContentFilter, FinishReason::Unknown]),
        hint in prop::sample::select(vec![None, OPENS]),
        claim in prop::sample::select(vec![Claim::Own, Claim::Summary, Claim::Encrypted]),
    ) {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(f, t)| (*f, t.as_str())).collect();
        let e = run(&fields, &finish, hint, claim);
        prop_assert_eq!(e.provenance.readable(), !e.trace().is_empty());
        if !fields.iter().any(|(f, _)| *f == "redacted") && claim != Claim::Encrypted {
            prop_assert!(e.provenance != Provenance::Encrypted);
        }
    }

    #[test]
    fn a_block_then_plain_text(trace in "[a-z`\"\n éß◁<]{0,40}", answer in "[a-z`\"\n éß◁<]{0,40}") {
        let e = run(&[("content", &format!("<think>{trace}</think>{answer}"))], &STOP, None, Claim::Own);
        prop_assert_eq!(e.trace(), trace.trim());
        prop_assert_eq!(e.answer(), answer.trim());
    }
}

/// A quadratic algorithm would need hours for these; there is no clock here, only a test that ends.
#[test]
fn a_megabyte_of_hostility_ends() {
    let mega = |unit: &str| unit.repeat(1_000_000 / unit.len());
    let tail = |unit: &str, end: &str| format!("{}{end}", mega(unit));
    let spaces = " ".repeat(500_000);
    let half = |unit: &str| unit.repeat(500_000 / unit.len());
    let texts = [
        mega("<think>"),
        mega("</think>"),
        mega("<think></think>"),
        mega("<think></think>\n"),
        mega("\n<think>"),
        mega("a<think></think>"),
        mega("```\n</think>\n"),
        mega("```<think></think>"),
        mega("<|end|> "),
        mega("<|channel|>analysis<|message|>"),
        mega("<|channel|>final<|message|>x<|end|>"),
        mega("<"),
        mega("◁"),
        mega("\n"),
        mega(" "),
        mega("`</think>`"),
        tail("\n<think>", "</reasoning>"),
        tail("<think>x", "</think>A"),
        format!("<think>R</think>{spaces}x{}", half("</think>")),
        format!("{}{spaces}", half("a</think>b")),
        format!("<think>R</think>{spaces}\n{}", half("x</think>")),
        format!("<|start|>a<|message|>{}{spaces}", half("<|end|>")),
    ];
    for text in &texts {
        run(&[("content", text)], &STOP, None, Claim::Own);
        run(&[("reasoning", text), ("content", text)], &CUT, OPENS, Claim::Own);
    }
}
