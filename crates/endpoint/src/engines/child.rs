//! An engine as a child of this process: started under its guard, on a port nobody uses, with its log in a file and
//! without the secrets that are none of its business.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::log::Log;

/// How long the guard may take beyond the grace it gives the engine.
const GUARD: Duration = Duration::from_secs(10);
/// How often an end is looked for.
const GLANCE: Duration = Duration::from_millis(20);

/// The running guard of an engine. Dropping it ends both; so does the end of this process.
#[derive(Debug)]
pub(crate) struct Guarded {
    guard: Child,
    /// Closing it is the signal to stop.
    hold: Option<ChildStdin>,
    pub(crate) log: Log,
}

impl Guarded {
    /// Starts a guard, given with its own arguments, over an engine's command line.
    /// `extra` is a variable it gets beside those of this process.
    pub(crate) fn start(
        guard: &[OsString],
        engine: &[OsString],
        extra: Option<(&str, String)>,
        log: PathBuf,
    ) -> io::Result<Self> {
        let [program, own @ ..] = guard else { return Err(io::Error::other("there is no guard")) };
        let (log, file) = Log::create(log)?;
        let mut command = Command::new(program);
        command
            .args(own)
            .args(engine)
            .stdin(Stdio::piped())
            .stdout(file.try_clone()?)
            .stderr(file)
            // Away from the terminal's interrupts: calls in flight are finished first.
            .process_group(0);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_secret(name)) {
            command.env_remove(name);
        }
        command.envs(extra);
        let mut guard = command.spawn().inspect_err(|_| log.remove())?;
        let hold = guard.stdin.take();
        Ok(Self { guard, hold, log })
    }

    /// The exit code, once the engine has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<Option<i32>> {
        self.guard.try_wait().ok().flatten().map(|status| status.code())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.hold.take());
        let patience = Instant::now() + super::GRACE + GUARD;
        while Instant::now() < patience {
            if self.ended().is_some() {
                return;
            }
            std::thread::sleep(GLANCE);
        }
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

/// Keys of providers and clouds, passwords, and our own settings. An engine runs code that came with a model or a
/// package, so it gets none of them. It keeps the rest: it needs `HF_TOKEN` to download weights, `CUDA_*` and the like
/// to find its devices.
fn is_secret(name: &OsStr) -> bool {
    const BEGIN: [&str; 2] = ["AWS_", "UNDERSIGHT_"];
    const END: [&str; 5] = ["_API_KEY", "_ACCESS_KEY", "_SECRET", "_SECRET_KEY", "_PASSWORD"];
    // What is no UTF-8 is compared with its odd bytes replaced: those are in no such word.
    let name = name.to_string_lossy().to_uppercase();
    BEGIN.iter().any(|begin| name.starts_with(begin)) || END.iter().any(|end| name.ends_with(end))
}

/// A port that nobody listens on at the moment.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A program on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let executable = |path: &Path| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| executable(path))
}

/// Whether a Python has a module.
pub(crate) fn has_module(python: &Path, module: &str) -> bool {
    let look = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)";
    Command::new(python)
        .args(["-c", look, module])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
