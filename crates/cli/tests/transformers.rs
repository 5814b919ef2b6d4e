//! A managed engine that nobody here wrote: `transformers serve`, installed on demand (`just interop-transformers`),
//! started for a tiny model that says one reply by heart. What it thinks and answers is told apart, whole and cut off.
#![cfg(unix)]

mod common;

use std::path::{Path, PathBuf};

use common::{Place, arg};
use testkit::{InCi, skip};
use undersight_core::{Provenance, SampleStatus};
use undersight_ledger::{Detail, Ledger, LedgerError, Mode};

/// What `build_model.py` teaches.
const THOUGHT: &str = "two and three make five.";
const ANSWER: &str = "It is 5.";
/// As many tokens as the reply has room in, and so few that the thought is cut off.
const ROOM: &str = "48";
const CUT: &str = "5";

struct Case {
    /// Which of the built models: the server takes the thought of `split` out of the content, that of `plain` stays.
    model: &'static str,
    more: &'static [&'static str],
    status: SampleStatus,
    provenance: Provenance,
    trace: &'static str,
    answer: &'static str,
}

const CASES: &[Case] = &[
    Case {
        model: "split",
        more: &["--max-tokens", ROOM],
        status: SampleStatus::Ok,
        provenance: Provenance::Full,
        trace: THOUGHT,
        answer: ANSWER,
    },
    Case {
        model: "split",
        more: &["--max-tokens", CUT, "--seed", "1", "--temperature", "0.01"],
        status: SampleStatus::Truncated,
        provenance: Provenance::Truncated,
        trace: "two a",
        answer: "",
    },
    Case {
        model: "plain",
        more: &["--max-tokens", ROOM],
        status: SampleStatus::Ok,
        provenance: Provenance::Full,
        trace: THOUGHT,
        answer: ANSWER,
    },
    Case {
        model: "plain",
        more: &["--max-tokens", CUT, "--template-opens-thought"],
        status: SampleStatus::Truncated,
        provenance: Provenance::Truncated,
        trace: "two a",
        answer: "",
    },
    // Nothing tells that this is a thought.
    Case {
        model: "plain",
        more: &["--max-tokens", CUT],
        status: SampleStatus::Truncated,
        provenance: Provenance::Absent,
        trace: "",
        answer: "two a",
    },
];

/// Where the recipe installed it.
fn installed() -> Option<PathBuf> {
    let Some(directory) = std::env::var_os("UNDERSIGHT_TEST_TRANSFORMERS") else {
        skip(InCi::MaySkip, "UNDERSIGHT_TEST_TRANSFORMERS is not set");
        return None;
    };
    Some(directory.into())
}

#[track_caller]
fn check(place: &Place, directory: &Path, case: &Case, stream: bool) {
    let model = format!("transformers/{}", arg(&directory.join("models").join(case.model)));
    let store = place.path(&format!("{}-{}-{stream}.db", case.model, case.more.join("-")));
    let location = format!("sqlite:{}", arg(&store));
    let mut args = vec!["eval", "--model", &model, "--judge", "sim/judge", "--limit", "3", "-k", "2"];
    args.extend(["--store", &location, "--json"]);
    args.extend(case.more);
    args.extend(stream.then_some("--stream"));
    let path = format!("{}:/usr/bin:/bin", arg(&directory.join("venv/bin")));
    let ran = place.run_with(&args, &[("PATH", &path), ("HF_HUB_OFFLINE", "1")]).expect(0);
    assert!(ran.stderr.contains("transformers serves"), "{}", ran.stderr);
    let ledger = Ledger::open(&location, Mode::Existing).expect("a store");
    let run = ledger.runs().expect("runs").pop().expect("one run");
    let mut samples = 0;
    ledger
        .for_each_sample::<LedgerError>(run.id, Detail::Whole, |stored| {
            let sample = stored.sample;
            let seen = format!("{model} {:?} stream={stream}: {sample:?}", case.more);
            assert_eq!(
                (sample.status, sample.extraction.provenance),
                (case.status, case.provenance),
                "{seen}"
            );
            let said = (sample.extraction.trace(), sample.extraction.answer());
            assert_eq!((said.0.as_str(), said.1.as_str()), (case.trace, case.answer), "{seen}");
            assert_eq!(
                sample.returned_model,
                Some(format!("{}@main", &model["transformers/".len()..])),
                "{seen}"
            );
            samples += 1;
            Ok(())
        })
        .expect("readable");
    assert_eq!(samples, 6);
}

#[test]
#[ignore = "opt-in: just interop-transformers installs the server and builds its models"]
fn a_real_engine_is_started_and_understood() {
    let Some(directory) = installed() else { return };
    let place = Place::new();
    for case in CASES {
        check(&place, &directory, case, false);
        check(&place, &directory, case, true);
    }
}
