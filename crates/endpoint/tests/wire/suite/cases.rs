//! The table: what was said, and what must be read.

use undersight_core::{Provenance, Usage};

use super::{Ending, Said, Trace};

/// One thing a model may say.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// Every format has words for at least one case of each of [`NEEDED`].
    pub(super) group: &'static str,
    pub(super) said: Said,
    pub(super) trace: &'static str,
    pub(super) answer: &'static str,
    pub(super) provenance: Provenance,
    /// The counts as they are to be believed, where they differ from what was sent.
    pub(super) usage: Option<Usage>,
}

pub(super) const NEEDED: [&str; 8] =
    ["answer", "tags", "trace", "cut in the trace", "cut in the answer", "filtered", "nothing", "counted"];

const COUNTS: Usage = Usage { input: Some(23), output: Some(14), reasoning: Some(6), cached: Some(8) };

fn case(
    group: &'static str,
    name: &'static str,
    said: Said,
    read: (&'static str, &'static str, Provenance),
) -> Case {
    let (trace, answer, provenance) = read;
    Case { name, group, said, trace, answer, provenance, usage: None }
}

fn own(text: &str) -> Trace {
    Trace::Own(text.to_owned())
}

fn summary(text: &str) -> Trace {
    Trace::Summary(text.to_owned())
}

fn encrypted() -> Trace {
    Trace::Encrypted("gAAAAB==".to_owned())
}

fn both(text: &str) -> Trace {
    Trace::Both { summary: text.to_owned(), encrypted: "gAAAAB==".to_owned() }
}

fn said(trace: Trace, content: &str) -> Said {
    Said { trace, ..Said::answer(content) }
}

fn silent(trace: Trace, ending: Ending) -> Said {
    Said { trace, content: None, ending, ..Said::answer("") }
}

fn ended(ending: Ending, said: Said) -> Said {
    Said { ending, ..said }
}

fn counted(usage: Usage, said: Said) -> Said {
    Said { usage: Some(usage), ..said }
}

pub(super) fn all() -> Vec<Case> {
    [answers(), traces(), cut_traces(), counts()].into_iter().flatten().collect()
}

fn nothing() -> Trace {
    Trace::Nothing
}

fn answers() -> Vec<Case> {
    use Ending::{Filtered, Length, Stop};
    use Provenance::{Absent, Full, Truncated};
    vec![
        case("answer", "an answer alone", said(nothing(), "5"), ("", "5", Absent)),
        case(
            "answer",
            "an answer of many lines and scripts",
            said(nothing(), "Fünf.\n\n五 \u{1f600}\n```\nlet x = \"5\";\n```"),
            ("", "Fünf.\n\n五 \u{1f600}\n```\nlet x = \"5\";\n```", Absent),
        ),
        case("answer", "space around the answer", said(nothing(), "\n\n5\n"), ("", "5", Absent)),
        case("tags", "tags in the content", said(nothing(), "<think>R</think>5"), ("R", "5", Full)),
        case("tags", "a closing tag alone", said(nothing(), "R\n</think>\n\n5"), ("R", "5", Full)),
        case(
            "tags",
            "an opening tag, then the limit",
            ended(Length, said(nothing(), "<think>R")),
            ("R", "", Truncated),
        ),
        case(
            "tags",
            "tags that are quoted",
            said(own("R"), "write `<think>` first"),
            ("R", "write `<think>` first", Full),
        ),
        case("nothing", "nothing at all", silent(nothing(), Stop), ("", "", Absent)),
        case("nothing", "nothing before the limit", silent(nothing(), Length), ("", "", Absent)),
        case(
            "refusal",
            "a refusal of its own",
            Said { refusal: Some("I cannot help.".to_owned()), ..silent(nothing(), Stop) },
            ("", "I cannot help.", Absent),
        ),
        case(
            "refusal",
            "a refusal after thinking",
            Said { refusal: Some("I cannot help.".to_owned()), ..silent(own("R"), Stop) },
            ("R", "I cannot help.", Full),
        ),
        case(
            "cut in the answer",
            "the limit in the answer",
            ended(Length, said(nothing(), "It is")),
            ("", "It is", Absent),
        ),
        case(
            "filtered",
            "filtered in the answer",
            ended(Filtered, said(nothing(), "It")),
            ("", "It", Absent),
        ),
        case("filtered", "filtered before anything", silent(nothing(), Filtered), ("", "", Absent)),
    ]
}

fn traces() -> Vec<Case> {
    use Ending::Stop;
    use Provenance::{Encrypted, Full, Summary};
    vec![
        case("trace", "its own trace", said(own("2 and 3.\nSo 五."), "5"), ("2 and 3.\nSo 五.", "5", Full)),
        case("trace", "a summary", said(summary("**Adding**\n\nS"), "5"), ("**Adding**\n\nS", "5", Summary)),
        case("encrypted", "an encrypted trace", said(encrypted(), "5"), ("", "5", Encrypted)),
        case("both", "a summary beside it", said(both("S"), "5"), ("S", "5", Summary)),
        case("trace alone", "its own trace and no answer", silent(own("R"), Stop), ("R", "", Full)),
        case("trace alone", "a summary and no answer", silent(summary("S"), Stop), ("S", "", Summary)),
    ]
}

fn cut_traces() -> Vec<Case> {
    use Ending::{Filtered, Length};
    use Provenance::{Encrypted, Full, Summary, Truncated};
    vec![
        case(
            "cut in the trace",
            "the limit in its own trace",
            silent(own("R"), Length),
            ("R", "", Truncated),
        ),
        case(
            "cut in the trace",
            "the limit in a summary",
            silent(summary("S"), Length),
            ("S", "", Truncated),
        ),
        case(
            "encrypted",
            "the limit in an encrypted trace",
            silent(encrypted(), Length),
            ("", "", Encrypted),
        ),
        case(
            "cut after the trace",
            "the limit after its own trace",
            ended(Length, said(own("R"), "It")),
            ("R", "It", Full),
        ),
        case(
            "cut after the trace",
            "the limit after a summary",
            ended(Length, said(summary("S"), "It")),
            ("S", "It", Summary),
        ),
        case(
            "filtered after the trace",
            "filtered after its own trace",
            silent(own("R"), Filtered),
            ("R", "", Full),
        ),
        case(
            "filtered after the trace",
            "filtered after a summary",
            silent(summary("S"), Filtered),
            ("S", "", Summary),
        ),
    ]
}

fn counts() -> Vec<Case> {
    use Provenance::{Absent, Full, Summary};
    let zero = Usage { reasoning: Some(0), ..COUNTS };
    vec![
        case("counted", "counts", counted(COUNTS, said(nothing(), "5")), ("", "5", Absent)),
        case(
            "counted",
            "counts beside its own trace",
            counted(COUNTS, said(own("R"), "5")),
            ("R", "5", Full),
        ),
        case(
            "counted",
            "counts beside a summary",
            counted(COUNTS, said(summary("S"), "5")),
            ("S", "5", Summary),
        ),
        case("counted", "none reasoned, none shown", counted(zero, said(nothing(), "5")), ("", "5", Absent)),
        Case {
            usage: Some(Usage { reasoning: None, ..COUNTS }),
            ..case(
                "counted",
                "none reasoned, yet shown",
                counted(zero, said(own("R"), "5")),
                ("R", "5", Full),
            )
        },
    ]
}
