//! The lexical judge against the hidden truth of simulated models, over the starter set: weak, but better than chance.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::sample;
use undersight_core::{Digest, GenParams, Instance, JudgementStatus, Message, Role, Sample, Task};
use undersight_endpoint::client::{ChatRequest, Client, SideChannel};
use undersight_endpoint::sim::SimClient;

fn starter() -> Vec<Arc<Instance>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../dataset/starter/starter.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| Arc::new(serde_json::from_str(line).unwrap())).collect()
}

async fn generated(client: &SimClient, instance: &Arc<Instance>, index: u32) -> Sample {
    let request = ChatRequest {
        messages: vec![Message::new(Role::User, instance.query.as_str())],
        params: GenParams::default(),
        seed: Some(u64::from(index)),
        side: Some(SideChannel { instance: Arc::clone(instance), index }),
        ..ChatRequest::default()
    };
    let reply = client.call(&request).await.unwrap();
    Sample {
        key: Digest::of("test/v1", &(client.url(), &instance.id, index)),
        extraction: reply.extraction,
        sim_truth: reply.sim_truth,
        ..sample("", "")
    }
}

/// Verdicts by what was true and what was said.
#[derive(Debug, Default)]
struct Table([[u32; 2]; 2]);

impl Table {
    /// Sensitivity plus specificity minus one: 0 for a coin, 1 for a perfect judge.
    fn youden(&self) -> f64 {
        let rate = |row: [u32; 2], hit: usize| f64::from(row[hit]) / f64::from(row[0] + row[1]);
        rate(self.0[1], 1) + rate(self.0[0], 0) - 1.0
    }
}

#[tokio::test]
async fn the_lexical_judge_beats_chance_on_every_scenario() {
    let judge = common::offline("sim/judge");
    let mut tables: BTreeMap<(&str, Task), Table> = BTreeMap::new();
    let instances = starter();
    for profile in ["risk-aware", "superficial", "over-sensitive", "careless"] {
        let client = SimClient::parse(profile).unwrap();
        for instance in &instances {
            for index in 0..5 {
                let sample = generated(&client, instance, index).await;
                let truth = sample.sim_truth.clone().unwrap();
                for (task, label) in [(Task::Safety, truth.safety), (Task::Thinking, truth.thinking)] {
                    let judgement = judge.judge(&sample, instance, task, 0, &common::ALONE).await.unwrap();
                    assert_eq!(judgement.status, JudgementStatus::Ok, "{judgement:?}");
                    let said = judgement.passes().unwrap();
                    let table = tables.entry((instance.scenario.name(), task)).or_default();
                    table.0[usize::from(label.passes())][usize::from(said)] += 1;
                }
            }
        }
    }
    assert_eq!(tables.len(), 6);
    for (setting, table) in tables {
        assert!(table.youden() > 0.5, "{setting:?}: {table:?}");
    }
}
