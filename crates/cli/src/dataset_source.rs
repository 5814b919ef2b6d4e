//! `--dataset NAME`: the embedded starter set, the downloaded official file, or a file.

use std::path::{Path, PathBuf};

use undersight_dataset::Dataset;

use crate::fail::{Exit, Fail};
use crate::settings::Environment;

/// Where `dataset fetch bsa` puts the official file and `--dataset bsa` looks for it.
pub(crate) fn bsa_path(env: &Environment) -> Result<PathBuf, Fail> {
    let cache = env
        .get("UNDERSIGHT_CACHE")
        .map(PathBuf::from)
        .or_else(|| env.get("XDG_CACHE_HOME").map(|dir| Path::new(&dir).join("undersight")))
        .or_else(|| env.get("HOME").map(|dir| Path::new(&dir).join(".cache/undersight")));
    cache.map(|dir| dir.join("bsa.csv")).ok_or_else(|| {
        Fail::usage("no cache directory: neither UNDERSIGHT_CACHE, XDG_CACHE_HOME nor HOME is set")
            .hint("set UNDERSIGHT_CACHE to a directory")
    })
}

/// Loads a dataset by name or path.
pub(crate) fn load(name: &str, env: &Environment) -> Result<Dataset, Fail> {
    match name {
        "starter" => Ok(undersight_dataset::starter()),
        "bsa" => {
            let path = bsa_path(env)?;
            if !path.is_file() {
                return Err(Fail::usage("the official benchmark is not on this machine yet")
                    .hint("download it with `undersight dataset fetch bsa`")
                    .hint("or pass a copy: --dataset path/to/dataset.csv"));
            }
            let mut dataset = from_file(&path)?;
            dataset.name = "bsa".to_owned();
            Ok(dataset)
        }
        path => from_file(Path::new(path)),
    }
}

fn from_file(path: &Path) -> Result<Dataset, Fail> {
    undersight_dataset::load(path).map_err(|error| Fail::advised(Exit::Usage, error))
}
