//! The suite every wire format passes: one table of what a model may say, put into the format's own words, whole and
//! streamed. A format joins with a file below that implements [`Format`] and a line of [`wire_suite!`].

mod cases;
mod chat;
mod checks;
mod gemini;
mod messages;
mod responses;
mod travel;

use undersight_core::{FinishReason, Usage};
use undersight_endpoint::Classified;
use undersight_endpoint::providers::table::Row;
use undersight_endpoint::providers::wire::{Reading, Style, Wire, WireReply};

/// What a model said, before any format puts it into words.
#[derive(Debug, Clone)]
struct Said {
    /// What its server tells of its reasoning, apart from the content.
    trace: Trace,
    /// The text of the answer as sent, tags included; `None` where there is none.
    content: Option<String>,
    /// A refusal in a member of its own.
    refusal: Option<String>,
    ending: Ending,
    usage: Option<Usage>,
}

/// The reasoning as the provider gives it out.
#[derive(Debug, Clone)]
enum Trace {
    Nothing,
    /// The model's own text.
    Own(String),
    /// A summary of it.
    Summary(String),
    /// Bytes that only the provider reads.
    Encrypted(String),
    /// A summary beside the unreadable original.
    Both {
        summary: String,
        encrypted: String,
    },
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Stop,
    /// The limit of the reply was reached.
    Length,
    /// The provider's filter stepped in.
    Filtered,
}

/// Errors that a server sends with status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    RateLimited,
    Overloaded,
    TooLong,
}

/// A stream in pieces, for the suite to put together in all the ways servers do.
#[derive(Debug, Clone)]
enum Stream {
    /// Server-sent events.
    Events(Vec<Event>),
    /// Binary frames, each whole.
    #[expect(dead_code, reason = "the formats so far have none")]
    Frames(Vec<Vec<u8>>),
}

/// One server-sent event.
#[derive(Debug, Clone)]
struct Event {
    /// Its `event:` line, where the format has them.
    name: Option<String>,
    data: String,
}

/// One wire format in its own words. `None` where it has no word for what was said.
trait Format {
    const STYLE: Style;
    /// What its streams are declared to be.
    const STREAM_TYPE: &'static [u8] = b"text/event-stream";
    /// Whether a stream has an end mark that says nothing more will come.
    const END_MARK: bool = true;
    /// Whether replies name the model.
    const NAMES_MODEL: bool = true;

    fn row() -> &'static Row;

    /// The model that would have said it, asked for and returned: what its trace is may depend on it.
    fn model(_said: &Said) -> &'static str {
        "m"
    }

    fn whole(said: &Said) -> Option<Vec<u8>>;

    /// Every text cut into the deltas `cuts` makes of it.
    fn stream(said: &Said, cuts: &Cuts) -> Option<Stream>;

    /// The body of an error.
    fn error(wrong: Wrong) -> Option<Vec<u8>>;

    /// The end of a stream that an error ends.
    fn error_in_stream(wrong: Wrong) -> Option<Stream>;

    /// What of the counts the format can tell.
    fn counts(usage: Usage) -> Usage {
        usage
    }
}

/// How a text is cut into deltas: sizes in characters, taken in turn. A size of 0 is an empty delta.
#[derive(Debug, Clone)]
struct Cuts(Vec<usize>);

impl Cuts {
    fn new(sizes: &[usize]) -> Self {
        assert!(sizes.iter().any(|s| *s > 0), "only empty deltas would never end");
        Self(sizes.to_vec())
    }

    fn of<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut rest = text;
        let mut out = Vec::new();
        for size in self.0.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let end = rest.char_indices().nth(*size).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            out.push(piece);
            rest = after;
        }
        out
    }
}

/// How a server lays its events out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    line_end: &'static str,
    /// Whether `event:` lines are sent.
    named: bool,
    /// Whether comments come between events.
    comments: bool,
    /// Whether the last event has its blank line.
    closed: bool,
}

impl Layout {
    const PLAIN: Self = Self { line_end: "\n", named: true, comments: false, closed: true };

    const ALL: [Self; 6] = [
        Self::PLAIN,
        Self { line_end: "\r\n", ..Self::PLAIN },
        Self { named: false, ..Self::PLAIN },
        Self { comments: true, ..Self::PLAIN },
        Self { closed: false, ..Self::PLAIN },
        Self { line_end: "\r\n", named: false, comments: true, closed: false },
    ];
}

impl Stream {
    /// Events from names and data.
    fn events<N: Into<String>>(events: impl IntoIterator<Item = (Option<N>, String)>) -> Self {
        Self::Events(
            events.into_iter().map(|(name, data)| Event { name: name.map(Into::into), data }).collect(),
        )
    }

    fn bytes(&self, layout: Layout) -> Vec<u8> {
        match self {
            Self::Frames(frames) => frames.concat(),
            Self::Events(events) => {
                let Layout { line_end, named, comments, closed } = layout;
                let mut out = String::new();
                for (i, event) in events.iter().enumerate() {
                    if comments {
                        out.push_str(&format!(": keep-alive{line_end}{line_end}"));
                    }
                    if let Some(name) = event.name.as_ref().filter(|_| named) {
                        out.push_str(&format!("event: {name}{line_end}"));
                    }
                    out.push_str(&format!("data: {}", event.data));
                    if closed || i + 1 < events.len() {
                        out.push_str(&format!("{line_end}{line_end}"));
                    }
                }
                out.into_bytes()
            }
        }
    }

    /// The first half of it, then another.
    fn broken_by(mut self, end: Self) -> Self {
        match (&mut self, end) {
            (Self::Events(all), Self::Events(end)) => {
                all.truncate(all.len() / 2);
                all.extend(end);
            }
            (Self::Frames(all), Self::Frames(end)) => {
                all.truncate(all.len() / 2);
                all.extend(end);
            }
            (all, end) => panic!("a stream has one kind of pieces: {all:?}, {end:?}"),
        }
        self
    }
}

impl Said {
    /// An answer and nothing else.
    fn answer(text: &str) -> Self {
        Self {
            trace: Trace::Nothing,
            content: Some(text.to_owned()),
            refusal: None,
            ending: Ending::Stop,
            usage: None,
        }
    }

    fn finish(&self) -> FinishReason {
        match self.ending {
            Ending::Stop => FinishReason::Stop,
            Ending::Length => FinishReason::Length,
            Ending::Filtered => FinishReason::ContentFilter,
        }
    }
}

/// The format under test, read as its row says.
struct Reader<F>(std::marker::PhantomData<F>);

impl<F: Format> Reader<F> {
    fn wire() -> &'static dyn Wire {
        F::STYLE.wire()
    }

    fn reading(said: &Said) -> Reading<'static> {
        Reading { row: F::row(), model: F::model(said), hint: None, max_tokens: None }
    }

    fn whole(said: &Said, body: &[u8]) -> Result<WireReply, Box<Classified>> {
        Self::wire().whole(body, &Self::reading(said))
    }

    fn streamed(said: &Said, bytes: &[u8]) -> Result<WireReply, Box<Classified>> {
        Self::wire().streamed(bytes, &Self::reading(said))
    }
}

/// Registers a format: each check is a test of its own.
macro_rules! wire_suite {
    ($name:ident, $format:ty) => {
        mod $name {
            use proptest::prelude::*;

            use super::super::{checks, travel};
            use super::*;

            #[test]
            fn every_case_reads_as_said_whole_and_streamed() {
                checks::every_case_reads_as_said::<$format>();
            }

            #[test]
            fn what_every_format_must_be_able_to_say_is_said() {
                checks::needed_cases_are_there::<$format>();
            }

            #[test]
            fn a_stream_that_breaks_off_never_settles_for_less() {
                checks::no_prefix_settles_for_less::<$format>();
            }

            #[test]
            fn errors_that_come_as_replies_are_classified() {
                checks::errors_are_classified::<$format>();
            }

            #[test]
            fn members_of_any_other_type_do_no_harm() {
                checks::odd_members_do_no_harm::<$format>();
            }

            proptest! {
                #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
                #[test]
                fn however_the_bytes_travel_they_read_the_same(
                    said in checks::said(), sizes in checks::sizes(), layout in checks::layout(), at in travel::splits(),
                ) {
                    travel::however_the_bytes_travel::<$format>(&said, &sizes, layout, &at);
                }
            }

            proptest! {
                #[test]
                fn any_cut_reads_like_the_whole(said in checks::said(), sizes in checks::sizes(), layout in checks::layout()) {
                    checks::any_cut_reads_like_the_whole::<$format>(&said, &sizes, layout);
                }

                #[test]
                fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
                    checks::no_bytes_make_it_panic::<$format>(&bytes, &text);
                }
            }
        }
    };
}
use wire_suite;
