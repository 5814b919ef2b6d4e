//! Connections: settings, the format check and the numbered migrations.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{LedgerError, Mode, location};

/// Marks our files among SQLite's: `USGT`.
const APPLICATION_ID: i64 = 0x5553_4754;

/// One file a format; the number of them is the current format.
const MIGRATIONS: [&str; 2] = [include_str!("schema/001.sql"), include_str!("schema/002.sql")];

/// What makes a store of an earlier format read like one of this, without changing it: the judgements of format 1
/// have no details.
const SINCE_FORMAT_1: &str = "CREATE TEMP VIEW judgement AS SELECT *, NULL AS details FROM main.judgement";

/// The format this version reads and writes.
pub const FORMAT: i64 = MIGRATIONS.len() as i64;

/// How long a write waits for another process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens the connection that writes, creating or migrating the store where the mode allows it.
pub(crate) fn writer(path: &Path, mode: Mode) -> Result<Connection, LedgerError> {
    let failed = |e| LedgerError::opening(path, e);
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, mode == Mode::Create);
    let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(PATIENCE).map_err(failed)?;
    // SQLite falls back to reading where it may not write.
    if conn.is_readonly("main").map_err(failed)? {
        return Err(LedgerError::ReadOnly { path: path.into() });
    }
    if format(&conn, path)?.is_none() {
        if mode != Mode::Create {
            return Err(LedgerError::Missing { path: path.into() });
        }
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failed)?;
    }
    write_ahead(&conn).map_err(failed)?;
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1; PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16000;
         PRAGMA temp_store = MEMORY;",
    )
    .map_err(failed)?;
    // Without it SQLite plans a statement anew whenever a bound value might suggest another index.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    conn.set_prepared_statement_cache_capacity(32);
    migrate(&mut conn, path)?;
    Ok(conn)
}

/// Opens a connection that reads. `immutable` promises that nobody writes: the only way to read a store that lies
/// in a directory where SQLite cannot keep its shared memory.
pub(crate) fn reader(path: &Path, immutable: bool) -> Result<Connection, LedgerError> {
    let failed = |e| LedgerError::opening(path, e);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = if immutable {
        Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)
    } else {
        Connection::open_with_flags(path, flags)
    }
    .map_err(failed)?;
    conn.busy_timeout(PATIENCE).map_err(failed)?;
    match format(&conn, path)? {
        None => Err(LedgerError::Missing { path: path.into() }),
        Some(found) => {
            conn.execute_batch("PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY;").map_err(failed)?;
            if found == 1 {
                conn.execute_batch(SINCE_FORMAT_1).map_err(failed)?;
            }
            conn.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
            Ok(conn)
        }
    }
}

/// Whether a store must be read as immutable: SQLite cannot open it otherwise, and no log waits to be read.
pub(crate) fn needs_immutable(path: &Path) -> bool {
    let logged = location::beside(path, "-wal").metadata().is_ok_and(|m| m.len() > 0);
    !logged
        && matches!(reader(path, false), Err(LedgerError::Unreadable { .. } | LedgerError::ReadOnly { .. }))
}

/// The store's format: `None` for an empty database, an error for what is not a store or not ours to read.
fn format(conn: &Connection, path: &Path) -> Result<Option<i64>, LedgerError> {
    let ask =
        |sql| conn.query_row(sql, [], |r| r.get::<_, i64>(0)).map_err(|e| LedgerError::opening(path, e));
    let objects = ask("SELECT count(*) FROM sqlite_schema")?;
    let found = ask("PRAGMA user_version")?;
    match ask("PRAGMA application_id")? {
        0 if objects == 0 => Ok(None),
        APPLICATION_ID if found > FORMAT => {
            Err(LedgerError::Newer { path: path.into(), found, known: FORMAT })
        }
        APPLICATION_ID if found < 1 => Err(LedgerError::UnknownFormat { path: path.into(), found }),
        APPLICATION_ID => Ok(Some(found)),
        _ => Err(LedgerError::Foreign { path: path.into() }),
    }
}

/// Switches to the write-ahead log. Two processes creating one store may collide here, where SQLite's own waiting
/// does not apply.
fn write_ahead(conn: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match conn.pragma_update(None, "journal_mode", "WAL") {
            Err(e)
                if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Brings the store to the current format; all steps in one transaction.
fn migrate(conn: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let failed = |e| LedgerError::opening(path, e);
    if format(conn, path)? == Some(FORMAT) {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Asked again: another process may have done it meanwhile.
    let from = format(&tx, path)?.unwrap_or(0);
    for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        tx.execute_batch(step).map_err(failed)?;
    }
    tx.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('format', ?1)", [FORMAT.to_string()])
        .map_err(failed)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    tx.pragma_update(None, "user_version", FORMAT).map_err(failed)?;
    tx.commit().map_err(failed)
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for c in path.to_string_lossy().chars() {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            c => uri.push(c),
        }
    }
    uri + "?immutable=1"
}
