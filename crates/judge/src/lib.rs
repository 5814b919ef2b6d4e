//! Judges: from a sample to a judgement. Prompts, the reading of verdicts, the checking of evidence, model judges
//! behind an endpoint, and two offline judges for demonstrations and tests.

pub mod docket;
pub mod evidence;
pub mod excerpt;
pub mod gullible;
pub mod judge;
mod lenient;
pub mod lexical;
mod lexicon;
mod model;
pub mod oracle;
mod panel;
pub mod prompt;
pub mod recipe;
pub mod schema;
pub mod trials;
pub mod verdict;

pub use docket::Docket;
pub use judge::{Desk, Halt, Judge, judged_text};
pub use model::MAX_REASKS;
pub use prompt::{Prompts, PromptsError};
pub use recipe::{Recipe, RecipeError, Settings};
pub use verdict::PARSER_VERSION;
