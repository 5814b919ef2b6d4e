//! The guard over an engine: a small process of its own that starts the engine, holds the reading end of a pipe whose
//! other end the command holds, and ends the engine with all its children once that end is gone, however it went.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// The exit code of a program that could not be started, as shells have it.
const NOT_STARTED: u8 = 127;

/// Runs a command until it ends or standard input closes; then its process group gets a polite signal and, after
/// `grace`, the one that cannot be ignored. Returns the exit code, 128 and the signal's number where one ended it.
///
/// # Errors
/// When the guard itself cannot be set up; the command was not started then.
pub fn guard(command: &[OsString], grace: Duration) -> io::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(watch(command, grace));
    // The thread that reads standard input may never wake up.
    runtime.shutdown_background();
    code
}

async fn watch(command: &[OsString], grace: Duration) -> io::Result<u8> {
    let [program, arguments @ ..] = command else { return Ok(NOT_STARTED) };
    // Before anything is started, so that none is missed.
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut hup = signal(SignalKind::hangup())?;
    let started = Command::new(program).args(arguments).stdin(Stdio::null()).process_group(0).spawn();
    let mut engine = match started {
        Ok(engine) => engine,
        Err(error) => {
            // Standard error is the engine's log.
            let _ = io::Write::write_all(
                &mut io::stderr(),
                format!("{}: {error}\n", program.display()).as_bytes(),
            );
            return Ok(NOT_STARTED);
        }
    };
    // The engine leads a group of its own, so this names both.
    let group = Pid::from_child(&engine);
    let released = on_a_thread(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
    })?;
    // It stays a zombie until it is waited for below, so its number cannot become somebody else's before that.
    let mut ended = on_a_thread(move || {
        let _ = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    })?;
    let running = tokio::select! {
        _ = &mut ended => false,
        _ = released => true,
        _ = int.recv() => true,
        _ = term.recv() => true,
        _ = hup.recv() => true,
    };
    if running {
        let _ = kill_process_group(group, Signal::TERM);
        let _ = tokio::time::timeout(grace, ended).await;
    }
    // Whatever is left of the group: an engine that does not listen, or children it left behind.
    let _ = kill_process_group(group, Signal::KILL);
    let status = engine.wait()?;
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(u8::try_from(number).unwrap_or(u8::MAX))
}

/// Tells when something that blocks is over.
fn on_a_thread(blocks: impl FnOnce() + Send + 'static) -> io::Result<oneshot::Receiver<()>> {
    let (over, told) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        blocks();
        let _ = over.send(());
    })?;
    Ok(told)
}
