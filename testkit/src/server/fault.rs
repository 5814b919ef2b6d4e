//! What can go wrong with a reply, by name.

/// How a refusal for too many requests names the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryAfter {
    /// `retry-after: 1`.
    Seconds,
    /// `retry-after` with an HTTP date.
    Date,
    /// `retry-after-ms: 1000`.
    Millis,
    /// `llm_provider-retry-after: 1`, as a proxy passes on what its upstream said.
    Proxied,
    /// Not at all.
    Absent,
}

macro_rules! faults {
    ($($variant:ident $( ( $inner:ident ) )? = $name:literal),+ $(,)?) => {
        impl Fault {
            /// Every fault, with the name the command line uses.
            pub const ALL: &[(Self, &str)] = &[$((Self::$variant $((RetryAfter::$inner))?, $name)),+];
        }
    };
}

/// Something that goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// 429.
    RateLimited(RetryAfter),
    /// 500 with `text/plain`.
    ServerError,
    /// 503 with an error object.
    Unavailable,
    /// 529, without a wait.
    Overloaded,
    /// 503 whose `error` is a bare string.
    ErrorString,
    /// 400: the prompt exceeds the context.
    ContextLength,
    /// 400: the provider's filter refuses the request.
    Refused,
    /// 429, but no wait will help: the credit is used up.
    NoCredit,
    /// 200 with JSON that breaks off, its length declared as it is.
    Malformed,
    /// 200 with a page, as from a captive proxy.
    Html,
    /// Stopped without an answer.
    Empty,
    /// Cut off inside the thought.
    Truncated,
    /// Withheld by the provider's filter.
    Blocked,
    /// Arrives late.
    Slow,
    /// Never arrives.
    Hang,
    /// The connection closes in the middle of the body.
    Cut,
    /// The thought arrives inside the content, between tags.
    Tags,
    /// The thought arrives inside the content with only the closing tag.
    StrayClose,
}

faults! {
    RateLimited(Seconds) = "rate-limit",
    RateLimited(Date) = "rate-limit-date",
    RateLimited(Millis) = "rate-limit-ms",
    RateLimited(Proxied) = "rate-limit-proxied",
    RateLimited(Absent) = "rate-limit-bare",
    ServerError = "server-error",
    Unavailable = "unavailable",
    Overloaded = "overloaded",
    ErrorString = "error-string",
    ContextLength = "context-length",
    Refused = "refused",
    NoCredit = "no-credit",
    Malformed = "malformed",
    Html = "html",
    Empty = "empty",
    Truncated = "truncated",
    Blocked = "blocked",
    Slow = "slow",
    Hang = "hang",
    Cut = "cut",
    Tags = "tags",
    StrayClose = "stray-close",
}

impl Fault {
    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(fault, _)| *fault)
    }
}
