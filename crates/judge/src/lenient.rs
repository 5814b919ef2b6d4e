//! A tolerant JSON reader for what language models write: finds whole objects in a text, notes every repair, and
//! never guesses. Feeds `verdict`. Time is linear in the text by a budget of steps.

/// A JSON value; members keep their order and their duplicates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Why an object that had begun could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ended inside it.
    Truncated,
    /// It breaks the rules at this byte.
    Malformed(usize),
}

/// One whole object and where it stood.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) members: Vec<(String, Value)>,
    pub(crate) repaired: bool,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

const MAX_DEPTH: usize = 32;
/// A longer opening "key" is prose behind a brace.
const MAX_FIRST_KEY: usize = 64;

/// All top-level objects of `text`, in order. A brace that opens no member is prose; an object that opens one and
/// then breaks is a fault for the whole text, because what stands inside it could be somebody else's object.
pub(crate) fn objects(text: &str) -> Result<Vec<Found>, Fault> {
    let mut found = Vec::new();
    let mut reader =
        Reader { text, at: 0, budget: 1024 + 32 * text.len(), repaired: false, committed: false };
    while let Some(brace) = text[reader.at..].find('{') {
        let start = reader.at + brace;
        reader.at = start;
        reader.repaired = false;
        reader.committed = false;
        match reader.object(0) {
            Ok(members) => {
                found.push(Found { members, repaired: reader.repaired, start, end: reader.at });
            }
            Err(fault) if reader.committed || reader.budget == 0 => return Err(fault),
            Err(_) => reader.at = start + 1,
        }
    }
    Ok(found)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    budget: usize,
    repaired: bool,
    /// A member has begun: this is an object, not a brace in prose.
    committed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    InObject,
    InList,
}

impl Reader<'_> {
    fn peek(&mut self) -> Result<char, Fault> {
        self.budget = self.budget.checked_sub(1).ok_or(Fault::Malformed(self.at))?;
        self.text[self.at..].chars().next().ok_or(Fault::Truncated)
    }

    fn skip(&mut self, c: char) {
        self.at += c.len_utf8();
    }

    fn space(&mut self) -> Result<char, Fault> {
        loop {
            let c = self.peek()?;
            match c {
                ' ' | '\n' | '\t' | '\r' => self.at += 1,
                '/' => self.comment()?,
                c if c.is_whitespace() || c == '\u{feff}' => {
                    self.repaired = true;
                    self.skip(c);
                }
                c => return Ok(c),
            }
        }
    }

    /// A comment to the end of its line. One that holds what could be part of an object is not passed over.
    fn comment(&mut self) -> Result<(), Fault> {
        let line = self.text[self.at..].lines().next().unwrap_or_default();
        if !line.starts_with("//") || line.contains(|c| is_quote(c) || "{}[]".contains(c)) {
            return self.malformed();
        }
        self.budget = self.budget.checked_sub(line.len()).ok_or(Fault::Malformed(self.at))?;
        self.at += line.len();
        self.repaired = true;
        Ok(())
    }

    fn malformed<T>(&self) -> Result<T, Fault> {
        Err(Fault::Malformed(self.at))
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(String, Value)>, Fault> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            let next = self.space();
            self.committed |= next == Err(Fault::Truncated);
            match next? {
                '}' => {
                    self.at += 1;
                    self.repaired |= !members.is_empty();
                    return Ok(members);
                }
                _ => {
                    let key = self.key()?;
                    if self.space()? != ':' {
                        return self.malformed();
                    }
                    self.at += 1;
                    self.committed = true;
                    let value = self.value(Place::InObject, depth + 1)?;
                    members.push((key, value));
                }
            }
            match self.space()? {
                ',' => self.at += 1,
                '}' => {
                    self.at += 1;
                    return Ok(members);
                }
                _ => return self.malformed(),
            }
        }
    }

    fn key(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let key = match self.peek()? {
            c if is_quote(c) => self.string(c, Place::Key),
            c if c.is_ascii_alphabetic() || c == '_' => {
                self.repaired = true;
                Ok(self.word()?.to_owned())
            }
            _ => return self.malformed(),
        };
        // A key cut off by the end of the text is a truncated object, unless it was never a key.
        match key {
            Err(Fault::Truncated) if self.at - start <= MAX_FIRST_KEY => {
                self.committed = true;
                Err(Fault::Truncated)
            }
            Ok(key) if !self.committed && key.len() > MAX_FIRST_KEY => self.malformed(),
            key => key,
        }
    }

    fn value(&mut self, place: Place, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return self.malformed();
        }
        match self.space()? {
            '{' => Ok(Value::Object(self.object(depth)?)),
            '[' => self.list(depth),
            c if is_quote(c) => Ok(Value::Text(self.string(c, place)?)),
            '-' | '0'..='9' => self.number(),
            c if c.is_ascii_alphabetic() => self.literal(),
            _ => self.malformed(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.space()? == ']' {
                self.at += 1;
                self.repaired |= !items.is_empty();
                return Ok(Value::List(items));
            }
            items.push(self.value(Place::InList, depth + 1)?);
            match self.space()? {
                ',' => self.at += 1,
                ']' => {
                    self.at += 1;
                    return Ok(Value::List(items));
                }
                _ => return self.malformed(),
            }
        }
    }

    fn word(&mut self) -> Result<&str, Fault> {
        let start = self.at;
        while let c @ ('a'..='z' | 'A'..='Z' | '0'..='9' | '_') = self.peek()? {
            self.skip(c);
        }
        Ok(&self.text[start..self.at])
    }

    fn literal(&mut self) -> Result<Value, Fault> {
        let (value, python) = match self.word()? {
            "true" => (Value::Bool(true), false),
            "false" => (Value::Bool(false), false),
            "null" => (Value::Null, false),
            "True" => (Value::Bool(true), true),
            "False" => (Value::Bool(false), true),
            "None" => (Value::Null, true),
            _ => return self.malformed(),
        };
        self.repaired |= python;
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        while let '-' | '+' | '.' | 'e' | 'E' | '0'..='9' = self.peek()? {
            self.at += 1;
        }
        let number = &self.text[start..self.at];
        if serde_json::from_str::<serde_json::Number>(number).is_err() {
            return self.malformed();
        }
        Ok(Value::Number(number.to_owned()))
    }

    /// Reads a string from its opening quote on. A plain `"` string ends at the first unescaped `"`, as in JSON; in
    /// the others an apostrophe may stand inside, so they end where what follows can only be structure.
    fn string(&mut self, open: char, place: Place) -> Result<String, Fault> {
        self.repaired |= open != '"';
        self.skip(open);
        let mut out = String::new();
        loop {
            let c = self.peek()?;
            self.skip(c);
            match c {
                '\\' => self.escape(&mut out)?,
                '"' if open == '"' => return Ok(out),
                c if open != '"' && closes(open, c) && self.structure_follows(place)? => return Ok(out),
                c => {
                    self.repaired |= c < ' ';
                    out.push(c);
                }
            }
        }
    }

    /// Whether what follows a quote is what must follow a string that ended.
    fn structure_follows(&mut self, place: Place) -> Result<bool, Fault> {
        let back = self.at;
        let follows = match self.space() {
            Ok(':') => place == Place::Key,
            Ok('}') => place == Place::InObject,
            Ok(']') => place == Place::InList,
            Ok(',') => {
                self.at += 1;
                match self.space() {
                    Ok('}') => place == Place::InObject,
                    Ok(']') => place == Place::InList,
                    Ok(c) if is_quote(c) => place != Place::Key,
                    Ok(_) | Err(Fault::Truncated) => false,
                    Err(fault) => return Err(fault),
                }
            }
            Ok(_) | Err(Fault::Truncated) => false,
            Err(fault) => return Err(fault),
        };
        self.at = back;
        Ok(follows)
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Fault> {
        let c = self.peek()?;
        self.skip(c);
        let meant = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(out),
            other => {
                self.repaired = true;
                if !is_quote(other) {
                    out.push('\\');
                }
                other
            }
        };
        out.push(meant);
        Ok(())
    }

    fn unicode(&mut self, out: &mut String) -> Result<(), Fault> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                let back = self.at;
                self.at += 2;
                match self.hex4()? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00),
                    _ => {
                        self.at = back;
                        first
                    }
                }
            }
            code => code,
        };
        let c = char::from_u32(code);
        self.repaired |= c.is_none();
        out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let c = self.peek()?;
            let Some(digit) = c.to_digit(16) else { return self.malformed() };
            code = code * 16 + digit;
            self.skip(c);
        }
        Ok(code)
    }
}

/// Any of the quotation marks a string may open with.
pub(crate) const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '”' | '„' | '‘' | '’')
}

const fn closes(open: char, c: char) -> bool {
    match open {
        '\'' => c == '\'',
        '‘' | '’' => matches!(c, '‘' | '’' | '\''),
        _ => matches!(c, '“' | '”' | '"'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn as_json(value: &Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => serde_json::from_str(n).unwrap(),
            Value::Text(t) => t.as_str().into(),
            Value::List(items) => items.iter().map(as_json).collect(),
            Value::Object(members) => {
                serde_json::Value::Object(members.iter().map(|(k, v)| (k.clone(), as_json(v))).collect())
            }
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn strict_objects_read_as_serde_reads_them(inner in json(), pretty: bool) {
            let value = serde_json::json!({ "only": inner });
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let found = objects(&text).unwrap();
            prop_assert_eq!(found.len(), 1);
            prop_assert!(!found[0].repaired);
            prop_assert_eq!((found[0].start, found[0].end), (0, text.len()));
            prop_assert_eq!(as_json(&Value::Object(found[0].members.clone())), value);
        }

        #[test]
        fn unrepaired_objects_are_strict_json(text in r#"[ \n]{0,2}\{"a"[ :]{1,2}["'\[\]{}a-c:,0-9tue\\ -]{0,24}\}"#) {
            if let Ok(found) = objects(&text) {
                for one in found.iter().filter(|f| !f.repaired) {
                    let slice = &text[one.start..one.end];
                    prop_assert!(serde_json::from_str::<serde_json::Value>(slice).is_ok(), "{}", slice);
                }
            }
        }
    }
}
