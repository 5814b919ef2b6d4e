//! JSON Lines: one object of our schema a line.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Map, Value};
use undersight_core::Instance;

use crate::object::{self, Record};
use crate::row::{Collector, Report};

pub(super) fn sniff(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

pub(super) fn read(bytes: &[u8], collector: &mut Collector) {
    objects(bytes, collector, |line, map, collector| {
        let mut report = Report::default();
        let draft = object::draft(map, &mut report);
        collector.push(line, draft, &object::NAMES, report);
    });
}

/// Takes a file apart into its objects, each with its line; lines that hold none are reported.
pub(crate) fn objects(
    bytes: &[u8],
    collector: &mut Collector,
    mut take: impl FnMut(u64, Map<String, Value>, &mut Collector),
) {
    for (line, bytes) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("not valid UTF-8 (byte {} of the line)", error.valid_up_to() + 1);
                collector.broken(line, message, "save the file as UTF-8");
                continue;
            }
        };
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => take(line, map, collector),
            Ok(_) => {
                collector.broken(line, "not a JSON object", "write one object a line, without a list around");
            }
            Err(error) => collector.broken(
                line,
                object::not_json(&error),
                "write one whole object a line; line breaks in texts are written \\n",
            ),
        }
    }
}

pub(super) fn write(instances: &[Arc<Instance>], writer: &mut (dyn Write + Send)) -> io::Result<()> {
    let mut writer = io::BufWriter::new(writer);
    for instance in instances {
        serde_json::to_writer(&mut writer, &Record::from(instance.as_ref()))?;
        writer.write_all(b"\n")?;
    }
    writer.flush()
}
