//! Every format gives back what was written into it, and no bytes make a reader panic.

use std::sync::Arc;

use proptest::prelude::*;
use undersight_core::instance::dataset_hash;
use undersight_core::{Instance, Scenario};
use undersight_dataset::{Dataset, Format, losses, parse, write};

use crate::strategies::instances;

fn through(format: Format, instances: &[Arc<Instance>]) -> Dataset {
    let mut file = Vec::new();
    write(format, instances, &mut file).unwrap();
    parse(format, "written", &file).unwrap()
}

/// What the official columns keep of an instance.
fn in_official_columns(instance: &Instance) -> Instance {
    let mut kept = Instance { parts: None, ..instance.clone() };
    if instance.scenario == Scenario::CognitiveShortcut {
        let [a, b] = [0, 1].map(|i| instance.risk_rationale(i).trim().to_owned());
        kept.rationale = format!("Query A: {a}\nQuery B: {b}");
        kept.risks[0].rationale = Some(a);
        kept.risks[1].rationale = Some(b);
    } else {
        kept.risks[0].rationale = None;
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn jsonl_and_parquet_keep_everything(instances in instances()) {
        for format in [Format::Jsonl, Format::Parquet] {
            let read = through(format, &instances);
            prop_assert_eq!(&read.instances, &instances);
            prop_assert_eq!(read.hash, dataset_hash(instances.iter().map(AsRef::as_ref)));
            prop_assert!(losses(format, &instances).is_empty());
        }
    }

    #[test]
    fn csv_keeps_what_its_columns_can_hold(instances in instances()) {
        let kept: Vec<_> = instances.iter().map(|i| Arc::new(in_official_columns(i))).collect();
        prop_assert_eq!(&through(Format::Csv, &kept).instances, &kept);
        prop_assert_eq!(losses(Format::Csv, &kept), Vec::<String>::new());
        prop_assert_eq!(losses(Format::Csv, &instances).is_empty(), kept == instances);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), lines in "([{}\\[\\]\":,a-z\"\r\n]|id,query|risks){0,60}") {
        for format in Format::ALL {
            let _ = parse(format, "noise", &bytes);
            let _ = parse(format, "noise", lines.as_bytes());
            let headed = [b"id,query,risk_summary,dataset_name,label\n", lines.as_bytes()].concat();
            let _ = parse(format, "noise", &headed);
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_or_a_dataset(instances in instances(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        for format in Format::ALL {
            let mut file = Vec::new();
            write(format, &instances, &mut file).unwrap();
            let at = at.index(file.len());
            if cut { file.truncate(at) } else { file[at] = byte }
            let _ = parse(format, "damaged", &file);
        }
    }
}
