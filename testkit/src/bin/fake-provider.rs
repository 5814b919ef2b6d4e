//! The fake provider as a program, for benchmarks and for tests that kill it: prints its base URL, then serves.

use std::io::Write as _;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use testkit::{Config, Dialect, FakeServer, Fault};

const USAGE: &str = "\
usage: fake-provider [OPTIONS]
  --port N             0, the default, takes any free port
  --latency-ms N       wait before every reply
  --workers N          requests answered at a time; all when unset
  --body-bytes N       size of a generation reply (default 2400)
  --dialect NAME       openai (default) or vllm
  --key KEY            the key to expect; any when unset
  --model NAME         a model there is (repeatable); any when unset
  --journal FILE       append every request to FILE before answering it
  --fault NAME=RATE    share of requests that meet a fault (repeatable)
  --script NAME,NAME   what happens to the first requests; `ok` is a plain reply
  --retry-after-ms N   the wait a refusal names (default 1000)
  --slow-ms N          how late a slow reply is (default 2000)
  --seed N             decides which requests meet which fault
  -h, --help           print this
";

fn main() -> ExitCode {
    if std::env::args().skip(1).any(|arg| arg == "--help" || arg == "-h") {
        return match std::io::stdout().write_all(usage().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let outcome = parse(std::env::args().skip(1))
        .and_then(|config| FakeServer::try_start(config).map_err(|error| format!("cannot start: {error}")));
    match outcome {
        Ok(server) => {
            let mut stdout = std::io::stdout();
            if writeln!(stdout, "{}", server.url()).and_then(|()| stdout.flush()).is_err() {
                return ExitCode::FAILURE;
            }
            server.wait();
            ExitCode::SUCCESS
        }
        Err(message) => {
            let _ = write!(std::io::stderr(), "{message}\n{}", usage());
            ExitCode::from(2)
        }
    }
}

fn usage() -> String {
    let names: Vec<&str> = Fault::ALL.iter().map(|(_, name)| *name).collect();
    format!("{USAGE}faults: {}\n", names.join(" "))
}

/// Nothing reads the journal of this process, so none is kept in memory.
fn parse(mut args: impl Iterator<Item = String>) -> Result<Config, String> {
    let mut config = Config { keep_journal: false, ..Config::default() };
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{flag} needs a value, or is unknown"))?;
        match flag.as_str() {
            "--port" => config.port = number(&flag, &value)?,
            "--latency-ms" => config.latency = Duration::from_millis(number(&flag, &value)?),
            "--workers" => config.workers = Some(number(&flag, &value)?),
            "--body-bytes" => config.body_bytes = number(&flag, &value)?,
            "--dialect" => {
                config.dialect = match value.as_str() {
                    "openai" => Dialect::OpenAi,
                    "vllm" => Dialect::Vllm,
                    _ => return Err(format!("unknown dialect {value:?}")),
                }
            }
            "--key" => config.key = Some(value),
            "--model" => config.models.get_or_insert_default().push(value),
            "--journal" => config.journal_file = Some(value.into()),
            "--fault" => {
                let (name, rate) = value.split_once('=').ok_or_else(|| format!("{flag} takes NAME=RATE"))?;
                config.rates.push((fault(name)?, number(&flag, rate)?));
            }
            "--script" => {
                let step = |name: &str| if name == "ok" { Ok(None) } else { fault(name).map(Some) };
                config.script = value.split(',').map(step).collect::<Result<_, _>>()?;
            }
            "--retry-after-ms" => config.retry_after = Duration::from_millis(number(&flag, &value)?),
            "--slow-ms" => config.slow = Duration::from_millis(number(&flag, &value)?),
            "--seed" => config.seed = number(&flag, &value)?,
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    Ok(config)
}

fn number<T: FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag} needs a number, got {value:?}"))
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::parse(name).ok_or_else(|| format!("unknown fault {name:?}"))
}
