//! `undersight`: arguments and configuration become settings, settings become a run; terminal and exit codes.

mod args;
mod arms;
mod batches;
mod clock;
mod commands;
mod conclude;
mod connections;
mod dataset_source;
mod engine;
mod engines;
mod fail;
mod progress;
mod render;
mod settings;
mod terminal;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::args::{Cli, Command};
use crate::fail::Fail;

/// Replies and records are many small allocations made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if let Command::EngineGuard { command } = &cli.command {
        return engines::guard(command);
    }
    match dispatch(cli.command, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            terminal::note(&fail.to_string());
            ExitCode::from(fail.exit as u8)
        }
    }
}

fn dispatch(command: Command, matches: &ArgMatches) -> Result<(), Fail> {
    undersight_endpoint::install_crypto();
    let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
    match command {
        Command::Demo(args) => commands::demo::command(&args),
        Command::Eval(args) => commands::eval::command(&args, matches),
        Command::Probe(args) => commands::probe::command(&args, matches),
        Command::Judge(args) => commands::judge::command(&args, matches),
        Command::Score(args) => commands::score::command(&args, matches),
        Command::Compare(args) => commands::compare::command(&args, matches),
        Command::Leaderboard(args) => commands::leaderboard::command(&args, matches),
        Command::Gate(args) => commands::gate::command(&args, matches),
        Command::Plan(args) => commands::plan::command(&args, matches),
        Command::Labels(command) => commands::labels::command(*command, matches),
        Command::Dataset(command) => commands::dataset::command(command),
        Command::Runs(command) => commands::runs::command(command, matches),
        Command::Export(args) => commands::export::command(&args, matches),
        Command::Import(args) => commands::import::command(&args, matches),
        // Taken before: its exit code is the engine's.
        Command::EngineGuard { .. } => Ok(()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "undersight", &mut script);
            terminal::print(&script)
        }
    }
}
