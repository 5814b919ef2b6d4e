//! The Gemini codec's writing half: a request to bytes.

use serde_json::{Map, Value, json};
use undersight_core::Role;

use crate::providers::wire::Ask;
use crate::providers::{documented, members};

/// The body of a request. The model and whether to stream are in the address.
pub(super) fn write(ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let (mut system, mut turns) = (Vec::new(), Vec::new());
    for message in &ask.request.messages {
        let part = json!({ "text": message.content });
        match message.role {
            Role::System => system.push(part),
            Role::User => turns.push(json!({ "role": "user", "parts": [part] })),
            Role::Assistant => turns.push(json!({ "role": "model", "parts": [part] })),
        }
    }
    let mut body = Map::new();
    if !system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({ "parts": system }));
    }
    body.insert("contents".to_owned(), Value::Array(turns));
    members::parameters(&mut body, ask);
    thinking(&mut body, ask.model);
    if let Some(schema) = ask.request.schema.as_ref().filter(|_| ask.row.json_schema) {
        members::put(&mut body, "generationConfig.responseMimeType", Value::from("application/json"));
        members::put(&mut body, "generationConfig.responseJsonSchema", schema.schema.clone());
    }
    serde_json::to_vec(&body)
}

/// What the row says of thinking holds for most models; this is for the others.
fn thinking(body: &mut Map<String, Value>, model: &str) {
    let Some(Value::Object(config)) = body.get_mut("generationConfig") else { return };
    let Some(Value::Object(thinking)) = config.get_mut("thinkingConfig") else { return };
    if !documented::thoughts_on_request(model) {
        thinking.remove("includeThoughts");
        if thinking.is_empty() {
            config.remove("thinkingConfig");
        }
    } else if documented::is_gemini_2_5(model) && !thinking.contains_key("thinkingBudget") {
        // It refuses levels.
        let level = thinking.get("thinkingLevel").and_then(Value::as_str).map(str::to_ascii_lowercase);
        if let Some(budget) = level.and_then(|level| equivalent(&level)) {
            thinking.remove("thinkingLevel");
            thinking.insert("thinkingBudget".to_owned(), Value::from(budget));
        }
    }
}

/// The budget that Google's OpenAI-style API makes of an effort.
fn equivalent(level: &str) -> Option<u32> {
    match level {
        "minimal" | "low" => Some(1024),
        "medium" => Some(8192),
        "high" => Some(24_576),
        _ => None,
    }
}
