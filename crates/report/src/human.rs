//! What human labels say, as tables, JSON and CSV: how far people agree among themselves, how far a judge agrees with them,
//! and rates corrected for where it does not.

mod agreement;
mod corrections;
mod people;

use serde_json::{Map, Value, json};
use undersight_core::text::excerpt;

use crate::table::notes;
use crate::view::{marked, simulated};

pub use crate::view::Head;

pub use agreement::{agreement_json, agreement_table};
pub use corrections::{corrections_csv, corrections_json, corrections_table};
pub use people::{people_json, people_table};

impl Head<'_> {
    /// Whose verdicts these are, and what is simulated.
    fn notes(&self) -> Vec<String> {
        let run = self.title();
        let judge = self.judge.map_or_else(String::new, |j| {
            format!(", judged by {}", marked(&excerpt(j.model.as_str(), 80), simulated(j)))
        });
        let simulation = notes::simulation_note(self.simulated_model, self.simulated_judge());
        std::iter::once(format!("Run {run}{judge}.")).chain(simulation).collect()
    }

    /// A document of a schema that begins with the run and goes on with the members of `body`.
    fn document(&self, schema: &str, body: Value) -> Value {
        let mut members = Map::new();
        members.insert("schema".to_owned(), Value::from(schema));
        members.insert("run".to_owned(), Value::from(self.run));
        members.insert("model".to_owned(), json!(self.model));
        members.insert("simulated_model".to_owned(), Value::from(self.simulated_model));
        let judge = self.judge.map(|j| json!({ "model": j.model, "kind": j.kind, "hash": j.hash() }));
        members.insert("judge".to_owned(), json!(judge));
        members.insert("simulated_judge".to_owned(), Value::from(self.simulated_judge()));
        if let Value::Object(body) = body {
            members.extend(body);
        }
        Value::Object(members)
    }
}

/// Where what surrounds a value is found.
const fn place(stacked: bool) -> &'static str {
    if stacked { "Below each value" } else { "In parentheses" }
}
