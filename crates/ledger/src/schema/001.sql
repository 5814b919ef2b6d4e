-- Format 1. Digests are 32-byte blobs, enums their names, times and durations integer microseconds, money integer
-- nano-USD; unknown is NULL. Small columns come first so that scoring never reads the pages of text behind them.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE instance (
    hash     BLOB PRIMARY KEY CHECK (length(hash) = 32),
    id       TEXT NOT NULL,
    scenario TEXT NOT NULL,
    json     TEXT NOT NULL
) STRICT;

CREATE TABLE dataset (
    hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
    name    TEXT NOT NULL,
    n       INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_instance (
    dataset  BLOB NOT NULL REFERENCES dataset (hash) ON DELETE CASCADE,
    ord      INTEGER NOT NULL,
    instance BLOB NOT NULL REFERENCES instance (hash),
    PRIMARY KEY (dataset, ord)
) STRICT, WITHOUT ROWID;

CREATE INDEX dataset_instance_by_instance ON dataset_instance (instance);

CREATE TABLE arm (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    json TEXT NOT NULL
) STRICT;

CREATE TABLE judge (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    json TEXT NOT NULL
) STRICT;

CREATE TABLE run (
    id           BLOB PRIMARY KEY CHECK (length(id) = 32),
    name         TEXT NOT NULL UNIQUE,
    arm          BLOB NOT NULL REFERENCES arm (hash),
    dataset      BLOB NOT NULL REFERENCES dataset (hash),
    dataset_name TEXT NOT NULL,
    created      INTEGER NOT NULL,
    k            INTEGER NOT NULL,
    selection    TEXT NOT NULL
) STRICT;

CREATE INDEX run_by_arm ON run (arm);
CREATE INDEX run_by_dataset ON run (dataset);

-- The selection as it has grown: what the run covers, whatever each command line asked for.
CREATE TABLE run_instance (
    run      BLOB NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    ord      INTEGER NOT NULL,
    instance BLOB NOT NULL REFERENCES instance (hash),
    messages BLOB NOT NULL CHECK (length(messages) = 32),
    PRIMARY KEY (run, ord)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_instance_by_instance ON run_instance (instance);

CREATE TABLE run_judge (
    run   BLOB NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    judge BLOB NOT NULL REFERENCES judge (hash),
    ord   INTEGER NOT NULL,
    PRIMARY KEY (run, judge)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_judge_by_judge ON run_judge (judge);

-- `raw` is one zstd frame: the request's length (4 bytes, little-endian), the request, the response.
-- Every attempt is kept; `current` marks the last of its key. Only an error is ever followed by another attempt, so
-- the last terminal attempt and the current one are the same wherever there is one.
CREATE TABLE sample (
    id               INTEGER PRIMARY KEY,
    key              BLOB NOT NULL CHECK (length(key) = 32),
    attempt          INTEGER NOT NULL,
    current          INTEGER NOT NULL,
    arm              BLOB NOT NULL REFERENCES arm (hash),
    messages         BLOB NOT NULL CHECK (length(messages) = 32),
    idx              INTEGER NOT NULL,
    status           TEXT NOT NULL,
    terminal         INTEGER GENERATED ALWAYS AS (status <> 'error') VIRTUAL,
    provenance       TEXT NOT NULL,
    cause_kind       TEXT,
    cost             INTEGER,
    stored           INTEGER NOT NULL,
    sim_truth        TEXT,
    finish           TEXT NOT NULL,
    started          INTEGER NOT NULL,
    first_byte_us    INTEGER,
    total_us         INTEGER NOT NULL,
    tokens_input     INTEGER,
    tokens_output    INTEGER,
    tokens_reasoning INTEGER,
    tokens_cached    INTEGER,
    price_version    TEXT,
    requested_model  TEXT NOT NULL,
    returned_model   TEXT,
    fingerprint      TEXT,
    url              TEXT NOT NULL,
    request_id       TEXT,
    request_seed     INTEGER,
    cause            TEXT,
    retries          TEXT,
    spans            TEXT NOT NULL,
    parts            TEXT NOT NULL,
    raw              BLOB,
    UNIQUE (key, attempt)
) STRICT;

-- In the order of arrival within an arm: appending touches one page of it, reading an arm runs through the table.
CREATE INDEX sample_by_arm ON sample (arm);

CREATE TABLE judgement (
    id               INTEGER PRIMARY KEY,
    key              BLOB NOT NULL CHECK (length(key) = 32),
    attempt          INTEGER NOT NULL,
    current          INTEGER NOT NULL,
    sample           BLOB NOT NULL CHECK (length(sample) = 32),
    judge            BLOB NOT NULL REFERENCES judge (hash),
    task             TEXT NOT NULL,
    repeat           INTEGER NOT NULL,
    inputs           BLOB NOT NULL CHECK (length(inputs) = 32),
    status           TEXT NOT NULL,
    terminal         INTEGER GENERATED ALWAYS AS (status <> 'error') VIRTUAL,
    label            TEXT,
    cause_kind       TEXT,
    cost             INTEGER,
    stored           INTEGER NOT NULL,
    scenario         TEXT NOT NULL,
    truncated_trace  INTEGER NOT NULL,
    repaired         INTEGER NOT NULL,
    reasks           INTEGER NOT NULL,
    parser_version   INTEGER NOT NULL,
    prompt_hash      BLOB,
    started          INTEGER NOT NULL,
    first_byte_us    INTEGER,
    total_us         INTEGER NOT NULL,
    tokens_input     INTEGER,
    tokens_output    INTEGER,
    tokens_reasoning INTEGER,
    tokens_cached    INTEGER,
    returned_model   TEXT,
    cause            TEXT,
    risks            TEXT,
    explanation      TEXT,
    raw_verdict      TEXT NOT NULL,
    raw              BLOB,
    -- The sample is part of the key; before it here, it keeps the judgements of a sample on one page.
    UNIQUE (sample, key, attempt)
) STRICT;
