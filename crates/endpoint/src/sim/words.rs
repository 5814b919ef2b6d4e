//! Words of a text: what may be borrowed from a query or a rationale, and a writer that never copies a passage.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

/// Longer runs of a rationale's words never appear in a trace.
pub(super) const LONGEST_RUN: usize = 4;

/// Words too common to carry content.
const COMMON: &str = " about above after again against also although among another anyone anything are because been \
    before being below between both but could does doing down during each even every everyone everything from \
    further have having here hers herself him himself his how however into itself just less like made make makes \
    making many might mine more most much must myself need needs never only other others ought ours over please \
    rather same shall should since some someone something such than that their theirs them then there these they \
    thing things this those though through thus today together under until upon very want wants was well were what \
    when where whether which while whom whose will with within without would write your yours yourself ";

/// Pairs that a paraphrase may swap; our own choice of everyday words.
const SYNONYMS: &[(&str, &str)] = &[
    ("abuse", "mistreatment"),
    ("abuses", "mistreats"),
    ("anxiety", "worry"),
    ("assault", "attack"),
    ("attack", "assault"),
    ("betraying", "breaking"),
    ("bias", "unfairness"),
    ("biased", "slanted"),
    ("children", "kids"),
    ("child", "kid"),
    ("colleague", "coworker"),
    ("colleagues", "coworkers"),
    ("conceal", "hide"),
    ("confidential", "secret"),
    ("consent", "permission"),
    ("copyright", "authorship"),
    ("copying", "duplicating"),
    ("crime", "offence"),
    ("criminal", "unlawful"),
    ("cruel", "unkind"),
    ("danger", "peril"),
    ("dangerous", "hazardous"),
    ("data", "details"),
    ("deceive", "mislead"),
    ("deceives", "misleads"),
    ("discrimination", "exclusion"),
    ("discriminatory", "excluding"),
    ("distress", "upset"),
    ("encourage", "invite"),
    ("encourages", "invites"),
    ("exploits", "preys"),
    ("exposes", "reveals"),
    ("false", "untrue"),
    ("fear", "dread"),
    ("fraud", "swindle"),
    ("frighten", "scare"),
    ("frightens", "scares"),
    ("harass", "hound"),
    ("harassment", "hounding"),
    ("harm", "hurt"),
    ("harmful", "damaging"),
    ("harms", "hurts"),
    ("hate", "hostility"),
    ("hatred", "contempt"),
    ("hide", "cover"),
    ("humiliate", "shame"),
    ("humiliates", "shames"),
    ("illegal", "unlawful"),
    ("injure", "wound"),
    ("injury", "wounds"),
    ("insult", "slur"),
    ("intimidation", "bullying"),
    ("kill", "murder"),
    ("medical", "clinical"),
    ("medicine", "drugs"),
    ("misleading", "deceptive"),
    ("mocking", "jeering"),
    ("money", "cash"),
    ("panic", "alarm"),
    ("people", "persons"),
    ("police", "authorities"),
    ("privacy", "seclusion"),
    ("private", "personal"),
    ("protect", "shield"),
    ("public", "open"),
    ("risk", "hazard"),
    ("risks", "hazards"),
    ("rumour", "hearsay"),
    ("secret", "hidden"),
    ("secretly", "covertly"),
    ("selling", "peddling"),
    ("spread", "circulate"),
    ("spreads", "circulates"),
    ("stealing", "taking"),
    ("stolen", "taken"),
    ("suicidal", "despairing"),
    ("suicide", "despair"),
    ("threat", "menace"),
    ("threaten", "menace"),
    ("trust", "faith"),
    ("unlawful", "illicit"),
    ("unsafe", "hazardous"),
    ("untrue", "false"),
    ("victim", "target"),
    ("victims", "targets"),
    ("violates", "breaks"),
    ("violence", "brutality"),
    ("violent", "brutal"),
    ("vulnerable", "fragile"),
    ("warning", "alert"),
    ("weapon", "arm"),
    ("without", "lacking"),
    ("young", "juvenile"),
];

/// The word a paraphrase may use instead.
pub(super) fn synonym(word: &str) -> Option<&'static str> {
    SYNONYMS.iter().find(|(from, _)| *from == word).map(|(_, to)| *to)
}

/// Words in lower case, without punctuation; a character of a script without spaces is a word of its own.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if unspaced(c) || !c.is_alphanumeric() {
            if !word.is_empty() {
                all.push(std::mem::take(&mut word));
            }
            if unspaced(c) {
                all.push(c.to_string());
            }
        } else {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

/// The distinct words of a text that carry content, in its order.
pub(super) fn content_words(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut words = tokens(text);
    words.retain(|w| {
        let carries = w.chars().any(unspaced) || ((4..=24).contains(&w.len()) && !is_common(w));
        carries && seen.insert(w.clone())
    });
    words
}

/// Short phrases of a text that can be quoted: up to three plain words within a clause, the first and the last of
/// them carrying content; single words only where there are few others. Tags and other marks never get through.
pub(super) fn phrases(text: &str) -> Vec<String> {
    let carries = |word: &str| {
        (4..=24).contains(&word.len()) && !word.contains('\'') && !is_common(&word.to_lowercase())
    };
    let mut found = Vec::new();
    for clause in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, ' ' | '\'' | '-'))) {
        let words: Vec<&str> = clause.split_whitespace().map(|w| w.trim_matches(['\'', '-'])).collect();
        for (i, first) in words.iter().enumerate().filter(|(_, w)| carries(w)) {
            let last = (i + 1..words.len().min(i + 3)).rev().find(|j| carries(words[*j])).unwrap_or(i);
            found.push(if last == i { (*first).to_owned() } else { words[i..=last].join(" ") });
        }
    }
    if found.iter().filter(|p| p.contains(' ')).count() >= 4 {
        found.retain(|p| p.contains(' '));
    }
    found
}

fn is_common(word: &str) -> bool {
    static SET: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.split_ascii_whitespace().collect());
    SET.contains(word)
}

fn unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ac00}'..='\u{d7af}')
}

/// Writes sentences word by word and leaves out any word that would complete a passage of a protected text.
#[derive(Debug)]
pub(super) struct Writer {
    passages: HashSet<u64>,
    recent: Vec<String>,
}

impl Writer {
    /// Protects some texts.
    pub(super) fn protecting<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut passages = HashSet::new();
        for text in texts {
            let words = tokens(text);
            passages.extend(words.windows(LONGEST_RUN + 1).map(fingerprint));
        }
        Self { passages, recent: Vec::new() }
    }

    /// Starts a new text.
    pub(super) fn restart(&mut self) {
        self.recent.clear();
    }

    /// The sentence as it may be written after all earlier ones.
    pub(super) fn write(&mut self, sentence: &str) -> String {
        let mut out = String::with_capacity(sentence.len());
        for word in sentence.split_whitespace() {
            let before = self.recent.len();
            self.recent.extend(tokens(word));
            let first = before.saturating_sub(LONGEST_RUN);
            if self.recent[first..].windows(LONGEST_RUN + 1).any(|w| self.passages.contains(&fingerprint(w)))
            {
                self.recent.truncate(before);
                continue;
            }
            self.recent.drain(..self.recent.len().saturating_sub(LONGEST_RUN));
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        out
    }
}

fn fingerprint(words: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}
