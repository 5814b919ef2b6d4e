//! The checks, each for every format.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use undersight_core::CauseKind;
use undersight_endpoint::providers::wire::WireReply;

use super::cases::{self, Case, NEEDED};
use super::{Cuts, Ending, Event, Format, Layout, Reader, Said, Stream, Trace, Wrong};

const SIZES: [&[usize]; 3] = [&[1], &[2, 0, 3], &[1000]];

fn compare<F: Format>(case: &Case, found: &WireReply) {
    let Case { name, said, .. } = case;
    let read = &found.extraction;
    let style = F::STYLE;
    assert_eq!(read.trace(), case.trace, "{style:?}, {name}: trace of {read:?}");
    assert_eq!(read.answer(), case.answer, "{style:?}, {name}: answer of {read:?}");
    assert_eq!(read.provenance, case.provenance, "{style:?}, {name}: provenance of {read:?}");
    assert!(read.covers(), "{style:?}, {name}: spans cover the parts of {read:?}");
    assert_eq!(found.finish, said.finish(), "{style:?}, {name}: finish");
    assert_eq!(found.blocked, said.ending == Ending::Filtered, "{style:?}, {name}: blocked");
    let sent = case.usage.or(said.usage).unwrap_or_default();
    assert_eq!(found.usage, F::counts(sent), "{style:?}, {name}: usage");
    assert_eq!(
        found.returned_model.as_deref(),
        F::NAMES_MODEL.then(|| F::model(said)),
        "{style:?}, {name}: returned model"
    );
    assert_eq!(found.choices, 1, "{style:?}, {name}: choices");
}

/// The cases a format has words for, with its whole body.
fn expressed<F: Format>() -> Vec<(Case, Vec<u8>)> {
    cases::all().into_iter().filter_map(|case| F::whole(&case.said).map(|body| (case, body))).collect()
}

fn streamed<F: Format>(said: &Said, sizes: &[usize]) -> Stream {
    F::stream(said, &Cuts::new(sizes))
        .unwrap_or_else(|| panic!("what can be said whole can be streamed: {said:?}"))
}

pub(super) fn every_case_reads_as_said<F: Format>() {
    for (case, body) in expressed::<F>() {
        let name = case.name;
        assert!(!Reader::<F>::wire().is_stream(b"application/json", &body), "{name}: whole");
        let at_once = Reader::<F>::whole(&case.said, &body).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        compare::<F>(&case, &at_once);
        for sizes in SIZES {
            let stream = streamed::<F>(&case.said, sizes);
            for layout in Layout::ALL {
                let bytes = stream.bytes(layout);
                assert!(Reader::<F>::wire().is_stream(F::STREAM_TYPE, &bytes), "{name}: stream");
                let found = Reader::<F>::streamed(&case.said, &bytes)
                    .unwrap_or_else(|e| panic!("{name}, {sizes:?}, {layout:?}: {e:?}"));
                assert_eq!(found, at_once, "{name}, {sizes:?}, {layout:?}");
                // A server that leaves the last line open has not sent its mark yet.
                let marked = F::END_MARK && layout.closed;
                assert!(!marked || Reader::<F>::wire().finished(&bytes), "{name}, {layout:?}: finished");
            }
        }
    }
}

pub(super) fn needed_cases_are_there<F: Format>() {
    let there: BTreeSet<&str> = expressed::<F>().iter().map(|(case, _)| case.group).collect();
    let missing: Vec<&str> = NEEDED.into_iter().filter(|group| !there.contains(group)).collect();
    assert!(missing.is_empty(), "{:?} cannot say: {missing:?}", F::STYLE);
}

/// Whatever byte a stream breaks off at: it is an error, or all the text is there.
pub(super) fn no_prefix_settles_for_less<F: Format>() {
    for (case, body) in expressed::<F>() {
        let whole = Reader::<F>::whole(&case.said, &body).unwrap_or_else(|e| panic!("{}: {e:?}", case.name));
        let bytes = streamed::<F>(&case.said, &[3]).bytes(Layout::PLAIN);
        for end in 0..bytes.len() {
            let prefix = &bytes[..end];
            let found = Reader::<F>::streamed(&case.said, prefix);
            let shown = || format!("{}: {}", case.name, String::from_utf8_lossy(prefix));
            match &found {
                Ok(found) => {
                    assert_eq!(found.extraction, whole.extraction, "{}", shown());
                    assert_eq!(found.finish, whole.finish, "{}", shown());
                }
                Err(error) => assert!(
                    matches!(error.cause.kind, CauseKind::Disconnected | CauseKind::Malformed),
                    "{}: {error:?}",
                    shown()
                ),
            }
            if Reader::<F>::wire().finished(prefix) {
                assert_eq!(found.as_ref().ok(), Some(&whole), "finished too early: {}", shown());
            }
        }
    }
}

pub(super) fn errors_are_classified<F: Format>() {
    let said = Said::answer("It is five.");
    let mut some = false;
    for (wrong, kind) in [
        (Wrong::RateLimited, CauseKind::RateLimited),
        (Wrong::Overloaded, CauseKind::Server),
        (Wrong::TooLong, CauseKind::ContextLength),
    ] {
        if let Some(body) = F::error(wrong) {
            some = true;
            let found = Reader::<F>::whole(&said, &body).map_err(|e| e.cause.kind);
            assert_eq!(found.map(|_| ()), Err(kind), "{:?}, {wrong:?}: whole", F::STYLE);
        }
        let Some(end) = F::error_in_stream(wrong) else { continue };
        some = true;
        let after_some = streamed::<F>(&said, &[2]).broken_by(end.clone());
        for stream in [end, after_some] {
            for layout in Layout::ALL {
                let found = Reader::<F>::streamed(&said, &stream.bytes(layout)).map_err(|e| e.cause.kind);
                assert_eq!(found.map(|_| ()), Err(kind), "{:?}, {wrong:?}, {layout:?}: streamed", F::STYLE);
            }
        }
    }
    assert!(some, "{:?} has no errors", F::STYLE);
}

/// Every member of every body, replaced by something else.
pub(super) fn odd_members_do_no_harm<F: Format>() {
    for (case, body) in expressed::<F>() {
        let Ok(body) = serde_json::from_slice::<Value>(&body) else { continue };
        odd(&body, &mut |odd| {
            if let Ok(reply) = Reader::<F>::whole(&case.said, odd.to_string().as_bytes()) {
                assert!(reply.extraction.covers(), "{odd}");
            }
        });
        let Stream::Events(events) = streamed::<F>(&case.said, &[1000]) else { continue };
        for (i, event) in events.iter().enumerate() {
            let Ok(data) = serde_json::from_str::<Value>(&event.data) else { continue };
            odd(&data, &mut |odd| {
                let mut changed = events.clone();
                changed[i] = Event { data: odd.to_string(), ..event.clone() };
                let bytes = Stream::Events(changed).bytes(Layout::PLAIN);
                Reader::<F>::wire().finished(&bytes);
                if let Ok(reply) = Reader::<F>::streamed(&case.said, &bytes) {
                    assert!(reply.extraction.covers(), "{odd}");
                }
            });
        }
    }
}

/// Visits `value` with each of its members replaced in turn.
fn odd(value: &Value, visit: &mut dyn FnMut(&Value)) {
    let paths = {
        let mut paths = Vec::new();
        pointers(value, String::new(), &mut paths);
        paths
    };
    for path in paths {
        for other in [json!(null), json!(-3), json!("x"), json!([7]), json!({"type": 1}), json!(true)] {
            let mut changed = value.clone();
            if let Some(member) = changed.pointer_mut(&path) {
                *member = other;
            }
            visit(&changed);
        }
    }
}

fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                pointers(inner, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                pointers(inner, format!("{at}/{i}"), out);
            }
        }
        _ => {}
    }
    out.push(at);
}

pub(super) fn any_cut_reads_like_the_whole<F: Format>(said: &Said, sizes: &[usize], layout: Layout) {
    let Some(body) = F::whole(said) else { return };
    let at_once = Reader::<F>::whole(said, &body).unwrap_or_else(|e| panic!("{said:?}: {e:?}"));
    let bytes = streamed::<F>(said, sizes).bytes(layout);
    let found = Reader::<F>::streamed(said, &bytes).unwrap_or_else(|e| panic!("{said:?}: {e:?}"));
    assert_eq!(found, at_once, "{}", String::from_utf8_lossy(&bytes));
    assert!(found.extraction.covers());
}

pub(super) fn no_bytes_make_it_panic<F: Format>(bytes: &[u8], text: &str) {
    let said = Said::answer("5");
    for body in [
        bytes.to_vec(),
        text.as_bytes().to_vec(),
        format!("data: {text}\n\n").into_bytes(),
        [b"data: {\"type\":".as_slice(), bytes].concat(),
    ] {
        Reader::<F>::wire().finished(&body);
        Reader::<F>::wire().is_stream(F::STREAM_TYPE, &body);
        for reply in
            [Reader::<F>::whole(&said, &body), Reader::<F>::streamed(&said, &body)].into_iter().flatten()
        {
            assert!(reply.extraction.covers());
        }
    }
}

/// Texts with everything that may upset a reader of lines or of bytes.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-z \\n\\r\\t\"\\\\<>/:]{0,6}|</?think>|data: |é|五|\u{1f600}|\u{2028}", 0..6)
        .prop_map(|pieces| pieces.concat())
}

pub(super) fn said() -> impl Strategy<Value = Said> {
    let trace = prop_oneof![
        Just(Trace::Nothing),
        text().prop_map(Trace::Own),
        text().prop_map(Trace::Summary),
        "[A-Za-z0-9]{1,12}".prop_map(Trace::Encrypted),
        (text(), "[A-Za-z0-9]{1,12}").prop_map(|(summary, encrypted)| Trace::Both { summary, encrypted }),
    ];
    let ending = prop_oneof![Just(Ending::Stop), Just(Ending::Length), Just(Ending::Filtered)];
    (trace, prop::option::of(text()), prop::option::of("[a-z ]{1,8}"), ending)
        .prop_map(|(trace, content, refusal, ending)| Said { trace, content, refusal, ending, usage: None })
}

pub(super) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..5, 1..4).prop_map(|mut sizes| {
        sizes.push(1);
        sizes
    })
}

pub(super) fn layout() -> impl Strategy<Value = Layout> {
    prop::sample::select(Layout::ALL.to_vec())
}
