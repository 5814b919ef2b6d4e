//! The families of thought tags and the lines that open and close code fences.

/// An opening and a closing tag that belong together. A family is an index into this table: a new one is a row.
const FAMILIES: [(&str, &str); 6] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
];

/// How many families there are.
pub(super) const COUNT: usize = FAMILIES.len();

/// A tag found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    /// Index of the family.
    pub(super) family: usize,
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
}

/// The opening tag that starts at byte `at`.
pub(super) fn opening_at(text: &str, at: usize) -> Option<Tag> {
    tag_at(text, at, |family| FAMILIES[family].0)
}

/// The closing tag that starts at byte `at`.
pub(super) fn closing_at(text: &str, at: usize) -> Option<Tag> {
    tag_at(text, at, |family| FAMILIES[family].1)
}

fn tag_at(text: &str, at: usize, side: impl Fn(usize) -> &'static str) -> Option<Tag> {
    let rest = text.get(at..)?;
    (0..COUNT).find(|f| rest.starts_with(side(*f))).map(|family| Tag {
        family,
        start: at,
        end: at + side(family).len(),
    })
}

/// Where a closing tag starts that ends at byte `end`.
pub(super) fn closing_ending_at(text: &str, end: usize) -> Option<usize> {
    let head = text.get(..end)?;
    FAMILIES.iter().find_map(|(_, close)| head.ends_with(close).then(|| end - close.len()))
}

/// The first closing tag of a family at or after byte `from`.
pub(super) fn close_of(text: &str, family: usize, from: usize) -> Option<Tag> {
    let close = FAMILIES[family].1;
    let start = from + text.get(from..)?.find(close)?;
    Some(Tag { family, start, end: start + close.len() })
}

/// The first closing tag of any family at or after byte `from`.
pub(super) fn any_close(text: &str, from: usize) -> Option<Tag> {
    (0..COUNT).filter_map(|family| close_of(text, family, from)).min_by_key(|tag| tag.start)
}

/// For each family, where its last closing tag starts.
pub(super) fn last_closes(text: &str) -> [Option<usize>; COUNT] {
    std::array::from_fn(|family| text.rfind(FAMILIES[family].1))
}

/// An open code fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
}

impl Fence {
    /// The fence that `line` opens: up to three spaces, then three or more backticks or tildes. What follows
    /// backticks may not hold another backtick, or the line is inline code.
    pub(super) fn opened_by(line: &str) -> Option<Self> {
        let (mark, length, info) = Self::marks(line)?;
        (mark == b'~' || !info.contains('`')).then_some(Self { mark, length })
    }

    /// Whether `line` closes this fence.
    pub(super) fn closed_by(self, line: &str) -> bool {
        Self::marks(line).is_some_and(|(mark, length, rest)| {
            mark == self.mark && length >= self.length && rest.trim().is_empty()
        })
    }

    fn marks(line: &str) -> Option<(u8, usize, &str)> {
        let body = line.trim_start_matches(' ');
        let mark = *body.as_bytes().first()?;
        let length = body.bytes().take_while(|b| *b == mark).count();
        (line.len() - body.len() <= 3 && matches!(mark, b'`' | b'~') && length >= 3)
            .then(|| (mark, length, &body[length..]))
    }
}
