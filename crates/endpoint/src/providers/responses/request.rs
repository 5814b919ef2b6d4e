//! The Responses codec's writing half: a request to bytes.

use serde_json::{Map, Value, json};

use crate::providers::wire::Ask;
use crate::providers::{documented, members};

/// The body of a request. System messages stay items in their place, a role the reference documents for `input`;
/// `instructions` would take only one, and always put it first.
pub(super) fn write(ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(ask.model));
    body.insert("input".to_owned(), serde_json::to_value(&ask.request.messages)?);
    members::parameters(&mut body, ask);
    if documented::reasoning_on_request(ask.model) {
        members::put(&mut body, "reasoning.summary", Value::from("auto"));
        // Shows that a model reasoned when it gives no summary; nothing is stored that could show it later.
        members::put(&mut body, "include", json!(["reasoning.encrypted_content"]));
    }
    if let Some(schema) = ask.request.schema.as_ref().filter(|_| ask.row.json_schema) {
        let format =
            json!({ "type": "json_schema", "name": schema.name, "strict": true, "schema": schema.schema });
        members::put(&mut body, "text.format", format);
    }
    // Said either way: transformers streams unless told otherwise.
    body.insert("stream".to_owned(), Value::Bool(ask.stream));
    serde_json::to_vec(&body)
}
