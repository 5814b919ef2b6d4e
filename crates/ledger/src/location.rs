//! Where a store is: reads `--store` and looks at the path before SQLite does, for messages that name the cause.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{LedgerError, Mode};

/// Reads `sqlite:PATH` or a bare path.
pub(crate) fn parse(location: &str) -> Result<PathBuf, LedgerError> {
    let unsupported = || LedgerError::Unsupported { location: location.to_owned() };
    let path = match location.split_once(':') {
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        // One letter is a drive, more a scheme; a path may still hold a colon further on.
        Some((scheme, _))
            if scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') =>
        {
            return Err(unsupported());
        }
        _ => location,
    };
    if path.is_empty() || path.contains('\0') {
        return Err(unsupported());
    }
    Ok(PathBuf::from(path))
}

/// Checks what can be checked without opening the file: closing a second descriptor of it would drop the locks SQLite
/// holds in this process.
pub(crate) fn check(path: &Path, mode: Mode) -> Result<(), LedgerError> {
    let unreadable =
        |e: &std::io::Error| LedgerError::Unreadable { path: path.into(), detail: e.to_string() };
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Err(LedgerError::Directory { path: path.into() }),
        Ok(meta) if meta.len() == 0 && mode != Mode::Create => {
            Err(LedgerError::Missing { path: path.into() })
        }
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound && mode == Mode::Create => {
            let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match fs::metadata(dir) {
                Ok(meta) if meta.permissions().readonly() => Err(LedgerError::ReadOnly { path: path.into() }),
                Ok(meta) if meta.is_dir() => Ok(()),
                Ok(_) => Err(LedgerError::MissingDir { path: path.into() }),
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    Err(LedgerError::MissingDir { path: path.into() })
                }
                Err(e) => Err(unreadable(&e)),
            }
        }
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(LedgerError::Missing { path: path.into() })
        }
        Err(e) => Err(unreadable(&e)),
    }
}

/// `<path><suffix>`, e.g. the directory of locks beside a store.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
