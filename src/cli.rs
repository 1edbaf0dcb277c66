//! The command line: what was typed, and one function per command.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

mod advise;
mod clients;
mod elsewhere;
mod engine;
mod handshake;
mod report;
mod run;
mod scenarios;
mod serve;
mod signals;
mod stage;
mod sweep;
mod with_parent;

/// What a command returns: the exit code, or an error that `main` prints.
type Exit = anyhow::Result<u8>;

/// A mistake of the user, not of the program: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Exit code of a usage error, an invalid scenario, or a part that is not built yet.
pub const USAGE: u8 = 2;
/// Exit code of a failed threshold (k6's).
pub const THRESHOLD_FAILED: u8 = 99;

/// What stdout gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// A document, and nothing else
    Json,
}

#[derive(Debug, Parser)]
#[command(
    name = "anynews",
    version,
    about = "Any new messages? — Nope. What polling wastes and what push delivers."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario over real sockets, in virtual time or by formula, and write a report
    Run(run::Args),
    /// The server alone, for browsers, curl and other clients
    Serve(Box<serve::Args>),
    /// Draw a report again from an outcome.json, or compare several
    Report(report::Args),
    /// A scenario at several values of one or two settings: trade-offs, heat maps, crossovers
    Sweep(sweep::Args),
    /// Which transport to use, with numbers for each, and where the answer turns round
    Advise(advise::Args),
    /// The WebSocket upgrade and its first frames, byte for byte, annotated
    Handshake(handshake::Args),
    /// List, show or check scenarios; their JSON Schema
    Scenarios(scenarios::Args),
    /// Shell completions
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Another program, ended when its parent is
    #[command(hide = true)]
    WithParent(with_parent::Args),
    /// Some of the people of a run
    #[command(hide = true)]
    Clients(clients::Args),
    /// The classroom (not built yet)
    #[command(hide = true)]
    Demo(Later),
}

/// Arguments of a command that is not built yet.
#[derive(Debug, clap::Args)]
struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<String>,
}

/// Parses the command line, runs the command and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("anynews: {error:#}"));
            ExitCode::from(if error.is::<Usage>() { USAGE } else { 1 })
        }
    }
}

/// Parses a command line without running it, for tests of what the documents tell people to type.
///
/// # Errors
/// What clap would print.
pub fn check<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let words = std::iter::once("anynews").chain(words);
    Cli::try_parse_from(words).map(|_| ()).map_err(|error| error.to_string())
}

fn dispatch(cli: Cli) -> Exit {
    match cli.command {
        None => {
            print(WELCOME)?;
            Ok(0)
        }
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Serve(args)) => serve::run(*args),
        Some(Command::Report(args)) => report::run(args),
        Some(Command::Sweep(args)) => sweep::run(args),
        Some(Command::Advise(args)) => advise::run(args),
        Some(Command::Handshake(args)) => handshake::run(args),
        Some(Command::Scenarios(args)) => scenarios::run(args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "anynews", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(0)
        }
        Some(Command::WithParent(args)) => with_parent::run(&args),
        Some(Command::Clients(args)) => clients::run(&args),
        Some(Command::Demo(_)) => not_yet("demo"),
    }
}

/// To stdout; a reader that has seen enough, like `head`, is no error.
fn print(text: &str) -> std::io::Result<()> {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A line to stderr, which may be gone: nothing is lost that the user could still read.
fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn not_yet(command: &str) -> Exit {
    Err(Usage(format!("`anynews {command}` is not built yet; see `anynews --help` for what is")).into())
}

const WELCOME: &str = "\
anynews: what polling wastes and what push delivers, measured on this machine.

  “Any new messages?” — “Nope.” — “Any new messages?” — “Nope.”

Try:
  anynews run letters    letters against a phone call: half a minute, a table, a report
  anynews handshake      how a WebSocket begins, byte for byte
  anynews scenarios      the whole course: chat, cricket, a stock ticker, a game …

All commands: anynews --help
";
