//! JSON schemas of a user's own, beside the prompts that ask for such verdicts: `NAME.schema.json`, named like the
//! templates. They are sent to providers that take one; verdicts are read by the rules of the format all the same.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use undersight_core::text::nearest;

use super::error::{PromptsError, read};
use super::own::{NAMES, names_in};

const EXTENSION: &str = ".schema.json";

/// The schemas in a directory, by name.
pub(super) fn load(dir: &Path) -> Result<BTreeMap<&'static str, Value>, PromptsError> {
    let mut schemas = BTreeMap::new();
    for file in names_in(dir, EXTENSION) {
        let path = dir.join(&file);
        let stem = file.strip_suffix(EXTENSION).unwrap_or(&file);
        let Some(name) = NAMES.into_iter().find(|known| *known == stem) else {
            let hint = match nearest(stem, NAMES) {
                Some(near) => format!("did you mean {near}{EXTENSION}?"),
                None => format!("one of {}, each with {EXTENSION}", NAMES.join(", ")),
            };
            return Err(PromptsError::file(&path, None, "no schema is called that", hint));
        };
        let hint = "a JSON schema is one object, such as {\"type\": \"object\", …}";
        let value: Value = serde_json::from_str(&read(&path)?)
            .map_err(|e| PromptsError::file(&path, e.line(), format!("not JSON: {e}"), hint))?;
        if !value.is_object() {
            return Err(PromptsError::file(&path, None, "not a JSON object", hint));
        }
        schemas.insert(name, value);
    }
    Ok(schemas)
}
