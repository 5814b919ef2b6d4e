//! A generated dataset of the official file's shape and quirks, so that a clone without that file proves as much.
//! Its texts are about recognising risks and hold none.

use std::collections::HashSet;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

const RO: usize = 600;
const CS: usize = 1200;
const OS: usize = 200;
/// Connected components of the cognitive-shortcut instances: the rows with two fresh sub-risk texts. Each further
/// row repeats one text of an earlier row and so joins its component: 2 × 736 + 464 = 1,936 distinct texts.
const COMPONENTS: usize = 736;
/// Cognitive-shortcut rows with both risks in one category.
const SAME_CATEGORY: usize = 56;

/// Category, subcategory, and what a text about it is about.
const LABELS: [(&str, &str, &str); 17] = [
    ("Offense and Prejudice", "Abuse and Hate Speech", "wording that demeans a group"),
    ("Offense and Prejudice", "Discrimination and Prejudice", "a rule that treats applicants unequally"),
    (
        "Specially Regulated Items",
        "Psychotropic / Narcotic / Pathogenic Controlled Substances",
        "a substance under prescription, or a culture under lock",
    ),
    ("Specially Regulated Items", "Military and Police-Controlled Items", "equipment reserved for officers"),
    ("Specially Regulated Items", "Controlled Items for Illegal Use", "a tool sold for a forbidden purpose"),
    ("Property Infringement", "Economic Crimes", "an offer that looks like a fraud"),
    ("Property Infringement", "Intellectual Property", "a copy made without a licence"),
    (
        "Invasion of Privacy and Confidentiality",
        "Invasion of Personal Privacy",
        "an address kept without consent",
    ),
    ("Invasion of Privacy and Confidentiality", "Invasion of Corporate Trade Secrets", "a recipe under seal"),
    ("Physical and Mental Health", "Mental Health", "a friend who sounds hopeless"),
    ("Physical and Mental Health", "Personal Physical Health", "a cure that no doctor has seen"),
    ("Violence and Terrorism", "Violent Content", "a threat between neighbours"),
    ("Violence and Terrorism", "Terrorism", "a leaflet that recruits for an extremist group"),
    ("Ethics and Morality", "AI Ethics", "a machine that decides about people unseen"),
    ("Ethics and Morality", "Disturbing or Unhealthy Scenes", "a scene that would upset its viewers"),
    ("Rumors", "Rumors with Negative Impact", "a claim about a shop that nobody has checked"),
    ("Pornography", "Child Pornography", "how a teacher reports a worry to a child protection helpline"),
];

const PLACES: [&str; 12] = [
    "at the library desk",
    "in a night class",
    "on the ferry",
    "behind the counter of a repair shop",
    "in the archive's reading room",
    "at a parents' evening",
    "between two shifts",
    "in the canteen, by the window",
    "at the allotment gate",
    "during the audit",
    "in the choir's newsletter",
    "on the works council",
];

const FILLERS: [&str; 16] = [
    "The note came without a date.",
    "Two colleagues read it differently, and both were sure.",
    "Somebody had underlined the word \"harmless\" twice.",
    "We would rather ask once too often than once too rarely.",
    "The handbook has a page on this, but it is older than the building.",
    "My manager said to take care; she did not say of what.",
    "Please keep the reply short, plain and fit for a notice board.",
    "What should a careful reader notice first?",
    "It may be nothing, or it may be the part that matters.",
    "A volunteer offered to look into it on Thursday, weather permitting.",
    "The second half of the message is ordinary: opening hours, a map, a thank-you.",
    "I have left out all names, places and amounts.",
    "Last year a similar case ended with an apology, a new form and a cake.",
    "Nobody wants to blame anyone, least of all the newest of us.",
    "List what you would check, in order, and say why.",
    "If there is a risk in here, name it before you answer.",
];

const NOTICES: [&str; 8] =
    ["points to", "mentions", "hints at", "plays down", "touches upon", "asks about", "turns on", "takes up"];

struct Generator {
    random: Pcg64,
    ids: HashSet<String>,
    serial: usize,
}

/// A sub-risk: its text and the index of its label.
type SubRisk = (String, usize);

/// The bytes of a CSV like the official one: 2,000 rows (600 RO, then 1,200 CS, then 200 OS), no final line break.
#[must_use]
pub fn official_like(seed: u64) -> Vec<u8> {
    let random = Pcg64::seed_from_u64(seed);
    let mut generator = Generator { random, ids: HashSet::new(), serial: 0 };
    let mut rows = vec![["id", "query", "risk_summary", "dataset_name", "label"].map(str::to_owned)];
    for i in 0..RO {
        let label = generator.label(i);
        let (query, summary) = (generator.query(i), generator.summary(label));
        rows.push(generator.row(query, summary, "Risk Omission", official(label)));
    }
    for (i, [a, b]) in generator.sub_risks().into_iter().enumerate() {
        let query = generator.query(RO + i);
        let summary = format!("Query A: {}\nQuery B: {}", a.0, b.0);
        let label = format!("Query A: {}\nQuery B: {}", official(a.1), official(b.1));
        rows.push(generator.row(query, summary, "Cognitive Shortcut", label));
    }
    for i in 0..OS {
        let label = generator.label(i);
        let end = if i == 40 || i == 120 { "\n" } else { "" };
        let query = format!("{}{end}", generator.query(RO + CS + i));
        let summary = generator.summary(label);
        rows.push(generator.row(query, summary, "Over Sensitivity", official(label)));
    }
    let lines: Vec<String> =
        rows.iter().map(|row| row.each_ref().map(|cell| quoted(cell)).join(",")).collect();
    lines.join("\n").into_bytes()
}

fn official(label: usize) -> String {
    let (category, subcategory, _) = LABELS[label];
    format!("{category}-{subcategory}")
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

impl Generator {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())]
    }

    /// Every label early, then some more often than others, as in the official file.
    fn label(&mut self, i: usize) -> usize {
        if i < LABELS.len() {
            return i;
        }
        let (a, b) = (self.random.random_range(0..LABELS.len()), self.random.random_range(0..LABELS.len()));
        a.min(b)
    }

    /// A label whose category is, or is not, that of `other`.
    fn beside(&mut self, other: usize, same: bool) -> usize {
        let fitting: Vec<usize> =
            (0..LABELS.len()).filter(|&i| (LABELS[i].0 == LABELS[other].0) == same).collect();
        self.pick(&fitting)
    }

    /// The two sub-risks of every cognitive-shortcut row, in a mixed order.
    fn sub_risks(&mut self) -> Vec<[SubRisk; 2]> {
        let mut pairs: Vec<[SubRisk; 2]> = Vec::with_capacity(CS);
        for i in 0..CS {
            let repeated = (i >= COMPONENTS).then(|| {
                let (row, side) = (self.random.random_range(0..i), self.random.random_range(0..2));
                pairs[row][side].clone()
            });
            let first = repeated.unwrap_or_else(|| {
                let label = self.label(i);
                (self.summary(label), label)
            });
            let label = self
                .beside(first.1, i % (CS / SAME_CATEGORY) == 0 && i / (CS / SAME_CATEGORY) < SAME_CATEGORY);
            let second = (self.summary(label), label);
            pairs.push(if self.random.random() { [first, second] } else { [second, first] });
        }
        for i in (1..pairs.len()).rev() {
            let other = self.random.random_range(0..=i);
            pairs.swap(i, other);
        }
        pairs
    }

    /// A text no other row has.
    fn summary(&mut self, label: usize) -> String {
        self.serial += 1;
        let (verb, place) = (self.pick(&NOTICES), self.pick(&PLACES));
        format!("Case {} {verb} {}, met {place}; a careful reader names it.", self.serial, LABELS[label].2)
    }

    /// A query no other row has: 17 to about 1,550 characters, most of them a few hundred.
    fn query(&mut self, row: usize) -> String {
        if row % 500 == 7 {
            return format!("Is case {row:04} risky?");
        }
        let length = match row % 100 {
            99 => 1500,
            98 => self.random.random_range(900..1400),
            _ => self.random.random_range(120..700),
        };
        let place = self.pick(&PLACES);
        let mut text = match row % 1000 {
            // As in the official file, a handful of rows hold other scripts.
            250 => format!("第{row}号：请帮我看看这段话里有什么风险，并说明理由。"),
            550 => format!("Café note nº {row}, “déjà vu” {place}."),
            _ => format!("Enquiry {row}, {place}:"),
        };
        while text.chars().count() < length {
            // Cells that span lines are few, too.
            text.push(if row % 250 == 11 { '\n' } else { ' ' });
            text.push_str(self.pick(&FILLERS));
        }
        text
    }

    fn row(&mut self, query: String, summary: String, scenario: &str, label: String) -> [String; 5] {
        let mut id = String::new();
        while id.is_empty() || !self.ids.insert(id.clone()) {
            id = format!("{:032x}", self.random.random::<u128>());
        }
        [id, query, summary, scenario.to_owned(), label]
    }
}
