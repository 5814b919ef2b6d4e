# Short names for what is done often; `just --list` shows them. Plain cargo does the same, see CONTRIBUTING.md.

# What must pass before a change lands
ci:
    .ci/run

# Every test, as in the README
test *args:
    cargo test --workspace {{ args }}

# Rules of the workspace: dependencies, licences, files, README
tidy:
    cargo run --quiet -p xtask -- tidy

# Formats in place
fmt:
    cargo fmt --all

# Clippy with warnings as errors
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Starter set, simulated models, offline judge
demo *args:
    cargo run --release -- demo {{ args }}

# The engine beside wrk on the same fake server
bench-engine *args:
    testkit/bench/engine.py {{ args }}

# Two servers of unequal speed, alone and together
bench-balance *args:
    testkit/bench/balance.py {{ args }}

# Everything against implementations nobody here wrote; the last part needs several GB
interop: interop-aimock interop-litellm interop-transformers

# Installs aimock under testkit/interop and runs the tests against it; those are part of `ci` too
interop-aimock:
    cd testkit/interop && npm ci --ignore-scripts
    CI=true cargo test -p testkit -p undersight-endpoint --test aimock --test aimock_batch --test probe
    CI=true cargo test -p undersight --test card_interop

# Installs LiteLLM's proxy under target/ and runs the interop tests through it, in all its wire formats
interop-litellm:
    [ -x target/interop-litellm/bin/python ] || python3 -m venv target/interop-litellm
    target/interop-litellm/bin/python -m pip install --quiet --requirement testkit/interop/litellm/requirements.txt
    CI=true UNDERSIGHT_TEST_LITELLM="$PWD/target/interop-litellm/bin/litellm" cargo test -p undersight-endpoint --test litellm -- --ignored

# Installs `transformers serve` under target/ (several GB), builds tiny models and runs the interop test that starts it
interop-transformers:
    [ -x target/interop-transformers/venv/bin/python ] || python3 -m venv target/interop-transformers/venv
    target/interop-transformers/venv/bin/python -m pip install --quiet --requirement testkit/interop/transformers/requirements.txt
    target/interop-transformers/venv/bin/python testkit/interop/transformers/build_model.py target/interop-transformers/models
    UNDERSIGHT_TEST_TRANSFORMERS="$PWD/target/interop-transformers" cargo test -p undersight --test transformers -- --ignored

# Installs the reference packages of statistics under target/ and writes their values anew
oracles:
    [ -x target/oracles/bin/python ] || python3 -m venv target/oracles
    target/oracles/bin/python -m pip install --quiet --requirement testkit/interop/statistics/requirements.txt
    target/oracles/bin/python testkit/scripts/statistics_oracles.py crates/metrics/tests/vectors/statistics.json
    cargo test -p undersight-metrics --test oracles

# Scoring of 23 models × 2,000 × 5 judged rows, then of ten million
bench-score:
    cargo run --release -p undersight-metrics --example score_speed
    cargo run --release -p undersight-metrics --example score_speed 100 50

# Every interval of 23 models × 2,000 × 5, with 10,000 bootstrap replicates
bench-bootstrap *args:
    cargo run --release -p undersight-metrics --example bootstrap_speed {{ args }}

# How often intervals hold the truth, by method and size (about a minute)
bench-coverage *args:
    cargo run --release -p undersight-metrics --example coverage {{ args }}

# Likewise paired differences and rank sets
bench-ranks *args:
    cargo run --release -p undersight-metrics --example rank_coverage {{ args }}

# Likewise scores corrected for the judge's error
bench-corrections *args:
    cargo run --release -p undersight-metrics --example correction_coverage {{ args }}

# Likewise through the whole pipeline: eval, labels draw, labels correct (about ten minutes)
bench-recovery *args:
    cargo build --release --locked -p undersight
    testkit/bench/recovery.py {{ args }}

# A cold release build with default features, timed; and the binary's size
bench-build:
    #!/usr/bin/env bash
    set -euo pipefail
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
    cargo fetch --locked
    time CARGO_TARGET_DIR=$target cargo build --release --locked --offline
    ls -l "$target/release/undersight"
