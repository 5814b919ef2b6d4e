//! Parameters into the body of a request, at the places the provider's row gives them: one way for all wire formats.

use serde_json::{Map, Value};

use super::table::{Literal, Literals, Member};
use super::wire::Ask;

/// Puts a value at a place, making the objects on the way.
pub(super) fn put(body: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            body.insert(path.to_owned(), value);
        }
        Some((outer, rest)) => {
            let inner = body.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            // A table whose rows contradict each other is a mistake of ours, which the tests of the rows see.
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Everything the request sets and the provider takes, then what the row says is always sent. In a fixed order, so that
/// the bytes of a request repeat.
pub(super) fn parameters(body: &mut Map<String, Value>, ask: &Ask<'_>) {
    let (params, takes) = (&ask.request.params, &ask.row.params);
    let set: [(Option<Member>, Option<Value>); 8] = [
        (takes.temperature, params.temperature.map(Value::from)),
        (takes.top_p, params.top_p.map(Value::from)),
        (takes.top_k, params.top_k.map(Value::from)),
        (takes.max_tokens, params.max_tokens.map(Value::from)),
        (takes.seed, ask.request.seed.map(Value::from)),
        (takes.effort, params.reasoning_effort.as_deref().map(Value::from)),
        (takes.budget, params.thinking_budget.map(Value::from)),
        (takes.n, ask.request.n.map(Value::from)),
    ];
    for (member, value) in set {
        if let (Some(member), Some(value)) = (member, value) {
            put(body, member.path, value);
            literals(body, member.with);
        }
    }
    literals(body, ask.row.always);
}

fn literals(body: &mut Map<String, Value>, literals: Literals) {
    for (path, literal) in literals {
        let value = match literal {
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Text(text) => Value::from(*text),
        };
        put(body, path, value);
    }
}
