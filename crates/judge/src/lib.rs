//! Judges: from a sample to a judgement. Prompts, the reading of verdicts, the checking of evidence, model judges
//! behind an endpoint, and two offline judges for demonstrations and tests.

pub mod evidence;
pub mod judge;
mod lenient;
pub mod lexical;
mod lexicon;
mod model;
pub mod oracle;
pub mod prompt;
pub mod schema;
pub mod verdict;

pub use judge::{Halt, Judge, JudgeError, judged_text};
pub use model::MAX_REASKS;
pub use prompt::{prompt_for, prompt_set_hash};
pub use verdict::PARSER_VERSION;
