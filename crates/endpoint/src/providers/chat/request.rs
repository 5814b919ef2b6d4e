//! The OpenAI-style chat codec's writing half: a request to bytes. Only what is set is sent, because some servers
//! refuse members they do not know.

use serde_json::{Map, Value, json};

use crate::providers::members;
use crate::providers::wire::Ask;

/// The body of a request.
pub(super) fn write(ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(ask.model));
    body.insert("messages".to_owned(), serde_json::to_value(&ask.request.messages)?);
    members::parameters(&mut body, ask);
    if let Some(schema) = ask.request.schema.as_ref().filter(|_| ask.row.json_schema) {
        let schema = json!({ "name": schema.name, "strict": true, "schema": schema.schema });
        body.insert("response_format".to_owned(), json!({ "type": "json_schema", "json_schema": schema }));
    }
    if ask.stream {
        body.insert("stream".to_owned(), Value::Bool(true));
        if ask.row.include_usage {
            body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        }
    }
    serde_json::to_vec(&body)
}
