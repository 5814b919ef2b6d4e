//! Parquet files that others wrote: official columns, `risks` as JSON text, binary strings, a pandas index.

use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use undersight_dataset::{Format, SCHEMA, parse};

/// A file of optional text columns, one row group a row, cells `None` for null.
fn file(columns: &[&str], kind: &str, rows: &[&[Option<&[u8]>]]) -> Vec<u8> {
    let fields: String = columns.iter().map(|name| format!("optional binary {name} {kind};")).collect();
    let schema = Arc::new(parse_message_type(&format!("message m {{ {fields} }}")).unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for row in rows {
        let mut group = writer.next_row_group().unwrap();
        for cell in *row {
            let mut column = group.next_column().unwrap().unwrap();
            let values: Vec<ByteArray> = cell.iter().map(|c| ByteArray::from(c.to_vec())).collect();
            let levels = [i16::from(cell.is_some())];
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn check(bytes: &[u8], expected: &str) {
    assert_eq!(parse(Format::Parquet, "F", bytes).unwrap_err().to_string(), expected.trim());
}

const OURS: [&str; 7] = ["schema", "id", "scenario", "query", "risks", "parts", "__index_level_0__"];
const RISKS: &[u8] =
    br#"[{"category": "Rumors", "subcategory": "Rumors with Negative Impact", "rationale": "why"}]"#;

#[test]
fn risks_and_parts_as_json_text() {
    let parts = br#"{"risky": "one", "harmless": "two"}"#;
    let marked: [Option<&[u8]>; 7] =
        [Some(SCHEMA.as_bytes()), Some(b"a"), Some(b"OS"), Some(b"one two"), Some(RISKS), Some(parts), None];
    let plain: [Option<&[u8]>; 7] =
        [None, Some(b"b"), Some(b"RO"), Some(b"q"), Some(RISKS), None, Some(b"1")];
    for kind in ["(STRING)", ""] {
        let dataset = parse(Format::Parquet, "F", &file(&OURS, kind, &[&marked, &plain])).unwrap();
        let [a, b] = dataset.instances.as_slice() else { panic!("two instances") };
        assert_eq!((a.rationale.as_str(), a.parts.as_ref().unwrap().risky.as_str()), ("why", "one"));
        assert_eq!((b.query.as_str(), &b.parts), ("q", &None));
    }
}

#[test]
fn official_columns() {
    let columns = ["id", "query", "risk_summary", "dataset_name", "label"];
    let label: &[u8] = b"Rumors-Rumors with Negative Impact";
    let row: [Option<&[u8]>; 5] =
        [Some(b"a"), Some(b"q\n"), Some(b"why"), Some(b"Risk Omission"), Some(label)];
    let dataset = parse(Format::Parquet, "F", &file(&columns, "(STRING)", &[&row])).unwrap();
    assert_eq!(dataset.instances[0].query, "q\n");
    let broken: [Option<&[u8]>; 5] =
        [Some(b"a"), None, None, Some(b"Risk Omission"), Some(b"Rumors-Terrorism")];
    check(
        &file(&columns, "(STRING)", &[&row, &broken]),
        r#"
F:2: label: "Terrorism" is not a subcategory of "Rumors"
  hint: one of: Rumors with Negative Impact
F:2: id: duplicate id "a", first on line 1
  hint: ids are unique within a dataset
F:2: query: missing
  hint: every instance needs it
F:2: risk_summary: empty
  hint: write the text or remove the instance
4 problems in F"#,
    );
}

#[test]
fn what_is_wrong_in_them() {
    check(
        &file(&["id", "scenario", "querry", "extra"], "(STRING)", &[]),
        r#"
F: columns: unexpected column "querry"
  hint: did you mean "query"? expected columns: id, scenario, query, risks, schema, rationale, parts
F: columns: unexpected column "extra"
  hint: expected columns: id, scenario, query, risks, schema, rationale, parts
F: columns: missing column "risks"
  hint: expected columns: id, scenario, query, risks, schema, rationale, parts
3 problems in F"#,
    );
    let columns = ["id", "scenario", "query", "risks"];
    let sound: [Option<&[u8]>; 4] = [Some(b"a"), Some(b"RO"), Some(b"q"), Some(RISKS)];
    let not_json: [Option<&[u8]>; 4] = [Some(b"b"), Some(b"RO"), Some(b"q"), Some(b"[{")];
    let not_utf8: [Option<&[u8]>; 4] = [Some(b"c"), Some(b"RO"), Some(b"\xffsecret"), Some(RISKS)];
    let nameless: [Option<&[u8]>; 4] = [None, Some(b"RO"), Some(b"q"), Some(RISKS)];
    check(
        &file(&columns, "(STRING)", &[&sound, &not_json, &not_utf8, &nameless]),
        r"
F:2: risks: not valid JSON: EOF while parsing an object (column 2)
  hint: nest the value itself, or write it as JSON text
F:3: the row cannot be read, nor those after it up to row 3: Parquet error: Error reading BYTE_ARRAY as String.
  hint: texts are strings in UTF-8; write the file again
F:4: id: missing
  hint: every instance needs it
3 problems in F",
    );
}
