//! The Messages codec's writing half: a request to bytes.

use serde_json::{Map, Value, json};
use undersight_core::Role;

use crate::providers::wire::Ask;
use crate::providers::{documented, members};

/// The body of a request. System messages have a member of their own.
pub(super) fn write(ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(ask.model));
    let (system, turns): (Vec<_>, Vec<_>) =
        ask.request.messages.iter().partition(|message| message.role == Role::System);
    if !system.is_empty() {
        let texts: Vec<&str> = system.iter().map(|message| message.content.as_str()).collect();
        body.insert("system".to_owned(), Value::from(texts.join("\n\n")));
    }
    body.insert("messages".to_owned(), serde_json::to_value(turns)?);
    members::parameters(&mut body, ask);
    thinking(&mut body, ask);
    // Claude before 4.5 refuses a schema.
    let takes_schema = ask.row.json_schema && !older(ask.model, (4, 5));
    if let Some(schema) = ask.request.schema.as_ref().filter(|_| takes_schema) {
        let format = json!({ "type": "json_schema", "schema": schema.schema });
        members::put(&mut body, "output_config.format", format);
    }
    if ask.stream {
        body.insert("stream".to_owned(), Value::Bool(true));
    }
    serde_json::to_vec(&body)
}

/// What the row says of thinking holds for most models; this is for the others.
fn thinking(body: &mut Map<String, Value>, ask: &Ask<'_>) {
    let params = &ask.request.params;
    match (params.thinking_budget, &params.reasoning_effort) {
        // Claude before 4.6 takes an effort, but does not adapt its thinking to it.
        (None, Some(_)) if older(ask.model, (4, 6)) => {
            body.remove("thinking");
        }
        // Whether a summary can be asked for beside a budget is not documented.
        (Some(_), Some(_)) => {
            if let Some(Value::Object(thinking)) = body.get_mut("thinking") {
                thinking.remove("display");
            }
        }
        (None, None) if documented::thinks_unasked(ask.model) => {
            body.insert("thinking".to_owned(), json!({ "type": "adaptive", "display": "summarized" }));
        }
        _ => {}
    }
}

/// Whether a model is known to be a Claude before this version.
fn older(model: &str, version: (u32, u32)) -> bool {
    documented::claude_version(model).is_some_and(|found| found < version)
}
