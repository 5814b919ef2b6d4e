//! Where imported records come from, and the identity this gives them: everything that determines a record of an
//! import is in its arm (model, file content, declared provenance), its instance's id and its index.

use std::fmt::Write as _;
use std::path::Path;

use undersight_core::arm::messages_hash;
use undersight_core::{
    Arm, Digest, Extraction, JudgeKind, JudgeSpec, Message, Micros, ModelName, Provenance, Role, Run, Sample,
    SampleStatus, Timing,
};
use undersight_dataset::Dataset;

use crate::args::ImportArgs;
use crate::commands::eval::slug;
use crate::fail::Fail;

/// Provider of models whose responses were generated elsewhere.
pub(super) const RESPONSES: &str = "imported";
/// Provider of models of which only verdicts are known.
pub(crate) const VERDICTS_ONLY: &str = "judged";

/// The file, read once.
pub(super) struct Source {
    /// As given, for messages.
    pub(super) path: String,
    /// Its name without directory and extension.
    pub(super) stem: String,
    /// Its name without directory.
    name: String,
    pub(super) bytes: Vec<u8>,
    /// Stands for the content in names.
    tag: String,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, Fail> {
        let bytes = std::fs::read(path).map_err(|e| {
            Fail::usage(format!("cannot read {}: {e}", path.display()))
                .hint("a CSV or JSONL of responses, or a judged CSV")
        })?;
        let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self {
            path: path.display().to_string(),
            stem: text(path.file_stem()),
            name: text(path.file_name()),
            // A key, so longer than the short hashes made for people.
            tag: format!("{:016x}", Digest::of_bytes(&bytes).as_u64()),
            bytes,
        })
    }

    /// A judged CSV is known by its columns.
    pub(super) fn is_judged(&self) -> bool {
        let head = self.bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(head)
            .split(',')
            .map(|cell| cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\u{feff}')))
            .any(|column| matches!(column, "Safe_Ans_Check" | "Thk_Acc_Judge"))
    }

    /// The judge of the file's verdicts.
    pub(super) fn judge(&self) -> Result<JudgeSpec, Fail> {
        let name = format!("imported/{}@{}", escaped(&self.stem), self.tag);
        Ok(JudgeSpec::new(JudgeKind::Imported, ModelName::parse(&name).map_err(Fail::failed)?))
    }
}

/// Model names hold no white space; different names stay different.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_whitespace() || c.is_control() || c == '%' {
            let mut utf8 = [0; 4];
            for byte in c.encode_utf8(&mut utf8).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(c);
        }
        out
    })
}

/// What is imported, as asked for.
pub(super) struct Request<'a> {
    pub(super) args: &'a ImportArgs,
    /// Of the run, where one was given.
    pub(super) name: Option<String>,
    pub(super) source: Source,
    /// What the traces were declared to be.
    pub(super) provenance: Provenance,
}

impl Request<'_> {
    /// The arm that stands for a model of the file. Two files never share one, nor do two declarations.
    pub(super) fn origin(&self, provider: &'static str, model: &str) -> Result<Origin, Fail> {
        let name = format!("{provider}/{}@{}+{}", escaped(model), self.source.tag, self.provenance.name());
        let arm = Arm::of(ModelName::parse(&name).map_err(Fail::failed)?);
        Ok(Origin {
            hash: arm.hash(),
            arm,
            label: slug(&format!("{provider}/{model}")),
            url: format!("file:{}", self.source.name),
            now: crate::clock::now(),
        })
    }

    /// The run of an origin; `one_of_many` when the file holds several.
    pub(super) fn run(&self, origin: &Origin, dataset: &Dataset, one_of_many: bool) -> Run {
        let name = match &self.name {
            Some(name) if one_of_many => format!("{name}-{}", origin.label),
            Some(name) => name.clone(),
            None => format!("{}.{}.{}", origin.label, slug(&dataset.name), &origin.hash.short()[..6]),
        };
        Run {
            id: Run::id_of(&origin.hash, &dataset.hash, &name),
            name,
            arm: origin.arm.clone(),
            dataset: dataset.hash,
            dataset_name: dataset.name.clone(),
            created: origin.now,
        }
    }
}

/// One model of the file.
pub(super) struct Origin {
    arm: Arm,
    hash: Digest,
    /// For names of runs.
    label: String,
    url: String,
    now: Micros,
}

impl Origin {
    /// A sample without a call.
    pub(super) fn sample(
        &self,
        messages: Digest,
        index: u32,
        status: SampleStatus,
        extraction: Extraction,
    ) -> Sample {
        Sample {
            status,
            extraction,
            timing: Timing { started: self.now, ..Timing::default() },
            url: self.url.clone(),
            ..Sample::blank(self.hash, messages, index, self.arm.model.clone())
        }
    }
}

/// What was sent elsewhere is not known: the id stands for it, so that rows of two ids stay apart even when their
/// queries are equal.
pub(super) fn asked(id: &str) -> Digest {
    messages_hash(&[Message::new(Role::User, id)])
}
