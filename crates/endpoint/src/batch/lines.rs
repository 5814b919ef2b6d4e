//! Result files, line by line as they arrive: no more of one is held than its longest line, and lines have a bound.

/// Cuts a byte stream into lines.
#[derive(Debug)]
pub(crate) struct Lines {
    held: Vec<u8>,
    bound: usize,
    /// Within a line beyond the bound, which is passed over.
    skipping: bool,
}

impl Lines {
    /// Lines of at most so many bytes; longer ones are passed over.
    pub(crate) const fn new(bound: usize) -> Self {
        Self { held: Vec::new(), bound, skipping: false }
    }

    /// Takes a chunk and gives every line that it completes.
    pub(crate) fn feed(&mut self, chunk: &[u8], each: &mut dyn FnMut(&[u8])) {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.hold(&rest[..end]);
            self.give(each);
            rest = &rest[end + 1..];
        }
        self.hold(rest);
    }

    /// Gives the last line, which may lack its end.
    pub(crate) fn finish(mut self, each: &mut dyn FnMut(&[u8])) {
        self.give(each);
    }

    fn hold(&mut self, part: &[u8]) {
        if self.skipping || self.held.len() + part.len() > self.bound {
            self.skipping = true;
            self.held.clear();
        } else {
            self.held.extend_from_slice(part);
        }
    }

    fn give(&mut self, each: &mut dyn FnMut(&[u8])) {
        let line = self.held.trim_ascii();
        if !self.skipping && !line.is_empty() {
            each(line);
        }
        self.held.clear();
        self.skipping = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the bytes are cut, the lines are those of the whole; long ones are left out.
        #[test]
        fn any_split_gives_the_same_lines(text in "[a-c\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut lines = Lines::new(4);
            let mut found = Vec::new();
            for pair in cuts.windows(2) {
                lines.feed(&text.as_bytes()[pair[0]..pair[1]], &mut |line| found.push(line.to_vec()));
            }
            lines.finish(&mut |line| found.push(line.to_vec()));
            let expected: Vec<Vec<u8>> =
                text.split('\n').filter(|l| !l.is_empty() && l.len() <= 4).map(|l| l.as_bytes().to_vec()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
