//! The Converse codec's writing half: a request to bytes.

use serde_json::{Map, Value, json};
use undersight_core::Role;

use crate::providers::members;
use crate::providers::wire::Ask;

/// The body of a request. The model and whether to stream are in the address.
pub(super) fn write(ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &ask.request.messages {
        let block = json!({ "text": message.content });
        let role = match message.role {
            Role::System => {
                system.push(block);
                continue;
            }
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        // Roles must alternate.
        match turns.last_mut() {
            Some((last, blocks)) if *last == role => blocks.push(block),
            _ => turns.push((role, vec![block])),
        }
    }
    let turns = turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content }));
    let mut body = Map::new();
    body.insert("messages".to_owned(), turns.collect());
    if !system.is_empty() {
        body.insert("system".to_owned(), Value::Array(system));
    }
    members::parameters(&mut body, ask);
    serde_json::to_vec(&body)
}
