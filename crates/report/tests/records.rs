//! Record exports: what is written is read back, in every format.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use bytes::Bytes;
use common::{judge, model};
use insta::assert_snapshot;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use serde_json::Value;
use undersight_core::{
    Category, Cause, CauseKind, Details, Digest, Evidence, Extraction, FinishReason, Instance, Judgement,
    JudgementFlags, JudgementStatus, Label, Micros, NanoUsd, Provenance, RawExchange, Risk, RiskFinding,
    Sample, SampleStatus, Scenario, SimTruth, Subcategory, Task, Timing, Usage,
};
use undersight_report::records::{Kind, Records};
use undersight_report::{JudgementRow, Judgements, RecordFormat, RecordWriter, SampleRow, Samples};

const NASTY: &str = "=1+1,\"quoted\"\r\nsecond line \u{1F512} \u{0}";

fn instance() -> Instance {
    let risk = Risk { category: Category::Rumors, subcategory: Subcategory::NegativeRumors, rationale: None };
    Instance {
        id: "i1".to_owned(),
        query: NASTY.to_owned(),
        scenario: Scenario::RiskOmission,
        rationale: "a placeholder rationale".to_owned(),
        risks: vec![risk],
        parts: None,
    }
}

fn digest(of: &str) -> Digest {
    Digest::of_bytes(of.as_bytes())
}

fn sample(index: u32) -> Sample {
    Sample {
        key: digest(&format!("sample {index}")),
        arm: digest("arm"),
        messages: digest("messages"),
        index,
        status: SampleStatus::Ok,
        cause: None,
        extraction: Extraction::apart(Some(("reasoning", NASTY)), ("content", "-answer"), Provenance::Full),
        finish: FinishReason::Stop,
        requested_model: model("sim/careless"),
        returned_model: None,
        fingerprint: None,
        usage: Usage { input: Some(3), output: Some(u64::MAX), reasoning: None, cached: Some(0) },
        cost: Some(NanoUsd(1_500)),
        price_version: Some("2026-01".to_owned()),
        timing: Timing { started: Micros(1_700_000_000_000_001), first_byte_us: None, total_us: 12 },
        url: "sim:".to_owned(),
        request_id: None,
        request_seed: Some(7),
        retries: vec![],
        raw: RawExchange::default(),
        sim_truth: Some(SimTruth { safety: Label::Safe, thinking: Label::True, recognised: vec![true] }),
    }
}

fn failed(index: u32) -> Sample {
    Sample {
        status: SampleStatus::Error,
        cause: Some(Cause {
            kind: CauseKind::RateLimited,
            http_status: Some(429),
            message: "@slow".to_owned(),
        }),
        extraction: Extraction::none(),
        finish: FinishReason::Unknown,
        sim_truth: None,
        cost: None,
        ..sample(index)
    }
}

fn judgement(sample: &Sample, task: Task, repeat: u32, label: Option<Label>) -> Judgement {
    Judgement {
        key: digest(&format!("{task} {repeat}")),
        sample: sample.key,
        judge: judge("sim/judge").hash(),
        task,
        scenario: Scenario::RiskOmission,
        inputs: digest("inputs"),
        repeat,
        status: if label.is_some() { JudgementStatus::Ok } else { JudgementStatus::Refused },
        label,
        explanation: Some("because".to_owned()),
        risks: vec![RiskFinding {
            index: 0,
            recognised: true,
            quote: Some(Evidence { text: "=quote".to_owned(), verified: true, place: None }),
            led: None,
        }],
        flags: JudgementFlags::default(),
        details: Details::default(),
        raw_verdict: "{}".to_owned(),
        parser_version: 1,
        prompt_hash: None,
        cause: None,
        usage: Usage::default(),
        cost: None,
        timing: Timing::default(),
        returned_model: None,
        raw: RawExchange::default(),
    }
}

/// Two samples, the first judged twice for thinking, as every format writes them.
fn samples(format: RecordFormat) -> Vec<u8> {
    let (instance, spec, first, second) = (instance(), judge("sim/judge"), sample(0), failed(1));
    let judgements = [
        judgement(&first, Task::Safety, 0, Some(Label::Safe)),
        judgement(&first, Task::Thinking, 1, Some(Label::False)),
        judgement(&first, Task::Thinking, 0, Some(Label::True)),
        Judgement {
            judge: digest("another judge"),
            ..judgement(&first, Task::Thinking, 2, Some(Label::True))
        },
    ];
    let mut writer = RecordWriter::<Samples, _>::new(format, Vec::new()).unwrap();
    for sample in [&first, &second] {
        writer.write(&SampleRow::new("run", sample, &instance, &judgements, Some((&spec).into()))).unwrap();
    }
    writer.finish().unwrap()
}

fn judgements(format: RecordFormat) -> Vec<u8> {
    let (instance, spec, sample) = (instance(), judge("sim/judge"), sample(0));
    let all =
        [judgement(&sample, Task::Safety, 0, Some(Label::Safe)), judgement(&sample, Task::Thinking, 0, None)];
    let mut writer = RecordWriter::<Judgements, _>::new(format, Vec::new()).unwrap();
    for judgement in &all {
        let row =
            JudgementRow { run: "run", instance: &instance, index: 0, judgement, judge: (&spec).into() };
        writer.write(&row).unwrap();
    }
    writer.finish().unwrap()
}

fn jsonl(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_sample_as_json() {
    let rows = jsonl(&samples(RecordFormat::Jsonl));
    assert_eq!(rows[0]["trace"], NASTY, "text stays byte for byte");
    assert_snapshot!(format!("{:#}", rows[0]), @r#"
    {
      "schema": "undersight.sample/v1",
      "run": "run",
      "id": "i1",
      "scenario": "risk-omission",
      "subcategories": [
        "Rumors with Negative Impact"
      ],
      "query": "=1+1,\"quoted\"\r\nsecond line 🔒 \u0000",
      "rationale": "a placeholder rationale",
      "model": "sim/careless",
      "simulated_model": true,
      "returned_model": null,
      "fingerprint": null,
      "arm": "ddf7ff5ebd9d66ce161466c1c0262430fa04de32b0e420ee3f489e2e2112e386",
      "sample": "dfa508c296aabc444f15bd84157d736a2e69fe20043cf06f85fd7da6fc12f3db",
      "index": 0,
      "status": "ok",
      "cause": null,
      "http_status": null,
      "cause_message": null,
      "provenance": "full",
      "trace": "=1+1,\"quoted\"\r\nsecond line 🔒 \u0000",
      "answer": "-answer",
      "finish": "stop",
      "judge": "sim/judge",
      "simulated_judge": true,
      "safety_status": "ok",
      "safety": "safe",
      "safe": true,
      "thinking_status": "ok",
      "thinking": "true",
      "aware": true,
      "handling_status": null,
      "handling": null,
      "handling_parts": null,
      "input_tokens": 3,
      "output_tokens": 9223372036854775807,
      "reasoning_tokens": null,
      "reasoning_tokens_estimated": 9223372036854775807,
      "cached_tokens": 0,
      "cost_nano_usd": 1500,
      "price_version": "2026-01",
      "started": 1700000000000001,
      "first_byte_us": null,
      "total_us": 12,
      "url": "sim:",
      "request_id": null,
      "request_seed": 7,
      "retries": 0,
      "simulated_truth": {
        "safety": "safe",
        "thinking": "true",
        "recognised": [
          true
        ]
      }
    }
    "#);
    let unset: Vec<_> =
        rows[1].as_object().unwrap().iter().filter(|(_, v)| v.is_null()).map(|(k, _)| k.as_str()).collect();
    assert_snapshot!(unset.join(" "), @r#"
    returned_model fingerprint finish safety_status safety safe thinking_status thinking aware handling_status handling handling_parts reasoning_tokens reasoning_tokens_estimated cost_nano_usd first_byte_us request_id simulated_truth
    "#);
}

#[test]
fn a_judgement_as_json() {
    assert_snapshot!(format!("{:#}", jsonl(&judgements(RecordFormat::Jsonl))[1]), @r#"
    {
      "schema": "undersight.judgement/v1",
      "run": "run",
      "id": "i1",
      "scenario": "risk-omission",
      "index": 0,
      "sample": "dfa508c296aabc444f15bd84157d736a2e69fe20043cf06f85fd7da6fc12f3db",
      "judgement": "72adb859fe8691622f84452c1357d4ae50c1b9c248cfb9b7488fd76136bb9010",
      "judge": "sim/judge",
      "judge_hash": "932bfde6e3a7fb96c00dfd3a6109a896809624e32befb0cf1c816e41c2e79c37",
      "simulated_judge": true,
      "returned_model": null,
      "task": "thinking",
      "repeat": 0,
      "status": "refused",
      "label": null,
      "passes": null,
      "explanation": "because",
      "risks": [
        {
          "index": 0,
          "recognised": true,
          "quote": {
            "text": "=quote",
            "verified": true
          }
        }
      ],
      "parts": null,
      "votes": [],
      "by_hand": null,
      "excerpted": false,
      "truncated_trace": false,
      "repaired": false,
      "reasks": 0,
      "raw_verdict": "{}",
      "parser_version": 1,
      "prompt_hash": null,
      "inputs": "32381523e63197c929b67f793a8098bed0ae3a6fa902634fdbcc6fa4567f3346",
      "cause": null,
      "cause_message": null,
      "input_tokens": null,
      "output_tokens": null,
      "reasoning_tokens": null,
      "cached_tokens": null,
      "cost_nano_usd": null,
      "started": 0,
      "total_us": 0
    }
    "#);
}

#[test]
fn csv_holds_the_same_neutralised() {
    for (csv, json) in [
        (samples(RecordFormat::Csv), samples(RecordFormat::Jsonl)),
        (judgements(RecordFormat::Csv), judgements(RecordFormat::Jsonl)),
    ] {
        let mut reader = csv::Reader::from_reader(&csv[..]);
        let header = reader.headers().unwrap().clone();
        let mut rows = 0;
        for (record, json) in reader.records().zip(jsonl(&json)) {
            let record = record.unwrap();
            rows += 1;
            for (name, cell) in header.iter().zip(&record) {
                let expected = match &json[name] {
                    Value::Null => String::new(),
                    Value::String(text) if text.starts_with(['=', '@', '-']) => format!("'{text}"),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(cell, expected, "{name}");
            }
        }
        assert_eq!(rows, 2);
    }
}

fn read_parquet(bytes: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(bytes)).unwrap()
}

fn check_parquet<K: Records>(parquet: Vec<u8>, json: &[u8]) {
    let reader = read_parquet(parquet);
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.key_value_metadata().unwrap().iter().find(|kv| kv.key == "undersight.schema");
    assert_eq!(schema.unwrap().value.as_deref(), Some(K::SCHEMA));
    let mut rows = 0;
    for (row, json) in reader.get_row_iter(None).unwrap().zip(jsonl(json)) {
        let row = row.unwrap();
        rows += 1;
        assert_eq!(row.len(), K::COLUMNS.len());
        for ((name, field), column) in row.get_column_iter().zip(K::COLUMNS) {
            assert_eq!(name, column.name);
            let got = match field {
                Field::Null => Value::Null,
                Field::Str(text) if column.kind == Kind::Json => serde_json::from_str(text).unwrap(),
                Field::Str(text) => Value::from(text.as_str()),
                Field::Long(n) | Field::TimestampMicros(n) => Value::from(*n),
                Field::Bool(b) => Value::from(*b),
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(got, json[column.name], "{name}");
        }
    }
    assert_eq!(rows, 2);
}

#[test]
fn parquet_holds_the_same() {
    check_parquet::<Samples>(samples(RecordFormat::Parquet), &samples(RecordFormat::Jsonl));
    check_parquet::<Judgements>(judgements(RecordFormat::Parquet), &judgements(RecordFormat::Jsonl));
}

#[test]
fn parquet_row_groups_are_bounded() {
    let instance = instance();
    let mut writer = RecordWriter::<Samples, _>::new(RecordFormat::Parquet, Vec::new()).unwrap();
    for index in 0..5000 {
        writer.write(&SampleRow::new("run", &failed(index), &instance, &[], None)).unwrap();
    }
    let reader = read_parquet(writer.finish().unwrap());
    let groups: Vec<_> = reader.metadata().row_groups().iter().map(|g| g.num_rows()).collect();
    assert_eq!(groups, [4096, 904]);
    let at = Samples::COLUMNS.iter().position(|c| c.name == "index").unwrap();
    let indices: Vec<_> =
        reader.get_row_iter(None).unwrap().map(|r| r.unwrap().get_long(at).unwrap()).collect();
    assert_eq!(indices, (0..5000).collect::<Vec<_>>());
}

#[test]
fn an_export_of_nothing_is_a_whole_file() {
    let empty = |format| RecordWriter::<Samples, _>::new(format, Vec::new()).unwrap().finish().unwrap();
    assert_eq!(empty(RecordFormat::Jsonl), b"");
    assert_eq!(String::from_utf8(empty(RecordFormat::Csv)).unwrap().lines().count(), 1);
    let reader = read_parquet(empty(RecordFormat::Parquet));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn formats_are_read_by_name() {
    for format in RecordFormat::ALL {
        assert_eq!(RecordFormat::parse(format.name()), Some(format));
    }
    assert_eq!(RecordFormat::parse("xlsx"), None);
}

/// Fails after some bytes, as a full disk does.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::StorageFull))?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_reported_not_swallowed() {
    let instance = instance();
    for format in RecordFormat::ALL {
        let run = || {
            let mut writer = RecordWriter::<Samples, _>::new(format, Full(3000))?;
            for index in 0..20 {
                writer.write(&SampleRow::new("run", &sample(index), &instance, &[], None))?;
            }
            writer.finish().map(drop)
        };
        assert!(run().is_err(), "{format:?}");
    }
}
