//! What all six programs share: options with one meaning everywhere, the start and the end of a run.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, ValueEnum, ValueHint};

use super::progress;
use crate::base::{Books, Failure, Outcome, Secret, Stop, exit, lines, signals};
use crate::model::Granularity;
use crate::source::{self, Source};
use crate::wire::signature::{DEFAULT_SECRET, Unverified, Verification};

/// Options about the run itself.
#[derive(Args, Debug)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Write the books as JSON to FILE at the end and on SIGUSR1; - is standard error
    ///
    /// Without it SIGUSR1 writes them to standard error. See telemetry(7), BOOKS.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub stats: Option<PathBuf>,

    /// Say nothing of single records; what ends the run is still said
    #[arg(long)]
    pub quiet: bool,

    /// Reject lines longer than BYTES, 262144 to 1073741824
    #[arg(long, value_name = "BYTES", default_value_t = lines::LINE_MAX, value_parser = line_max)]
    pub max_line: usize,
}

/// Options about the signatures of records.
#[derive(Args, Debug)]
#[command(next_help_heading = "Signatures")]
pub struct SignatureArgs {
    /// Sign and verify with the secret in FILE, which is one line
    ///
    /// What Ceilometer calls telemetry_secret; without it, its default signs. TELEMETRY_SECRET_FILE in the environment
    /// names the file too. With it, records that come over udp:, tcp: and tls: must carry a signature
    /// that fits, and elsewhere those that carry one; see --unverified.
    #[arg(long, value_name = "FILE", env = "TELEMETRY_SECRET_FILE", hide_env = true, value_hint = ValueHint::FilePath)]
    pub secret_file: Option<PathBuf>,

    /// What to do with records that are not verified
    ///
    /// With --secret-file the default is reject, without it accept: the default secret proves nothing.
    #[arg(long, value_name = "ACTION")]
    pub unverified: Option<UnverifiedAction>,
}

/// What to do with records whose signature does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UnverifiedAction {
    /// Reject and count them
    Reject,
    /// Take them, and say so in each: signature is unverified
    Mark,
    /// Take them; look at no signature
    Accept,
}

impl SignatureArgs {
    /// The secret and what is done with what does not fit it.
    ///
    /// # Errors
    /// When the file cannot be read, or is empty where it is to verify something.
    pub fn verification(&self) -> Result<Verification, Failure> {
        let file = self.secret_file.as_deref();
        let secret = file.map(Secret::from_file).transpose()?;
        let unverified = match self.unverified {
            Some(UnverifiedAction::Reject) => Unverified::Reject,
            Some(UnverifiedAction::Mark) => Unverified::Mark,
            Some(UnverifiedAction::Accept) => Unverified::Accept,
            None if secret.is_some() => Unverified::Reject,
            None => Unverified::Accept,
        };
        let empty = secret.as_ref().is_some_and(|secret| secret.bytes().is_empty());
        if let (true, Some(file)) = (empty && unverified != Unverified::Accept, file) {
            let why = "an empty secret verifies nothing: every record would pass";
            return Err(Failure::Configuration(vec![format!("{}: {why}", file.display())]));
        }
        Ok(Verification { secret: secret.unwrap_or_else(|| Secret::new(DEFAULT_SECRET)), unverified })
    }
}

fn line_max(text: &str) -> Result<usize, String> {
    let bytes: usize = text.parse().map_err(|_| "not a number of bytes".to_owned())?;
    let range = lines::READ_BYTES..=1 << 30;
    if range.contains(&bytes) {
        Ok(bytes)
    } else {
        Err(format!("must be {} to {}", range.start(), range.end()))
    }
}

/// Reads a length of time, or `0` for none, in nanoseconds.
///
/// # Errors
/// What to write instead.
pub fn length_or_zero(text: &str) -> Result<i64, String> {
    if text == "0" {
        return Ok(0);
    }
    text.parse::<Granularity>().map(Granularity::ns).map_err(|error| error.to_string())
}

/// Options about what standard output looks like.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Form of the output [default: table on a terminal, else jsonl]
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<OutputFormat>,

    /// Columns of csv and table, as timestamp,aggregates.mean
    ///
    /// Dotted paths into the records. Without it, those that matter of the first record's kind.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub columns: Vec<String>,

    /// When to colour a table; NO_COLOR in the environment is honoured
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

/// What standard output looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header (RFC 4180)
    Csv,
    /// Aligned columns for people
    Table,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl OutputArgs {
    /// The form asked for, or the one that fits where standard output goes.
    pub fn format(&self) -> OutputFormat {
        let terminal = std::io::stdout().is_terminal();
        self.output.unwrap_or(if terminal { OutputFormat::Table } else { OutputFormat::Jsonl })
    }

    /// Whether to use colours (no-color.org).
    pub fn colors(&self) -> bool {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => std::io::stdout().is_terminal() && !no_color,
        }
    }
}

/// What a run works with.
pub struct Context {
    /// The books of this process.
    pub books: Arc<Books>,
    /// Asked between records.
    pub stop: Arc<Stop>,
}

/// Runs a program: parses the command line, takes the signals, runs, closes the books, gives the exit status.
pub fn main<A: Parser>(
    program: &'static str,
    takes_hup: fn(&A) -> bool,
    run_args: fn(&A) -> &RunArgs,
    run: fn(&A, &Context) -> Result<Outcome, Failure>,
) -> ExitCode {
    main_from(program, std::env::args_os(), takes_hup, run_args, run)
}

fn main_from<A: Parser>(
    program: &'static str,
    command_line: impl Iterator<Item = OsString>,
    takes_hup: fn(&A) -> bool,
    run_args: fn(&A) -> &RunArgs,
    run: fn(&A, &Context) -> Result<Outcome, Failure>,
) -> ExitCode {
    let args = match A::try_parse_from(command_line) {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output and are no error; clap knows which is which.
            if !error.use_stderr() {
                let _ = error.print();
                return ExitCode::SUCCESS;
            }
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            // A standard error that is closed must not hide the status.
            let _ = write!(std::io::stderr(), "{program}: {text}");
            return ExitCode::from(2);
        }
    };
    let options = run_args(&args);
    let books = Arc::new(Books::new(program, options.stats.clone(), options.quiet));
    let result = books
        .open_stats()
        .and_then(|()| {
            signals::install(&books, takes_hup(&args))
                .map_err(|source| Failure::io("cannot take", "signals", source))
        })
        .and_then(|stop| run(&args, &Context { books: Arc::clone(&books), stop }));
    exit::finish(&books, result)
}

/// Says what a filter waits for when a person starts it without input.
pub fn hint_at_terminal(context: &Context) {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        context.books.note(&"reading records from this terminal, one a line; Ctrl-D ends");
    }
}

/// Opens all `urls`, standard input when there is none.
///
/// A file that cannot be read is reported, costs the exit status, and the others go on; a place that cannot be listened
/// at ends the run, because whoever sends there would not be heard.
///
/// # Errors
/// [`Failure::Usage`] for an address that makes no sense, else what the system said of a listener.
pub fn open_sources(
    urls: &[String],
    options: &source::Options,
    context: &Context,
) -> Result<Vec<Box<dyn Source>>, Failure> {
    let stdin = ["-".to_owned()];
    let mut sources = Vec::new();
    for url in if urls.is_empty() { &stdin[..] } else { urls } {
        match source::open(url, options, &context.books) {
            Ok(source) => sources.push(source),
            Err(failure @ Failure::Io { doing: "cannot read", .. }) => context.books.trouble(&failure),
            Err(failure) => return Err(failure),
        }
    }
    Ok(sources)
}

/// Calls `each` for every operand in turn, standard input when there is none.
///
/// An operand that cannot be opened or read is reported, costs the exit status, and the others go on.
///
/// # Errors
/// What `each` cannot recover from: the output's failures.
pub fn for_each_input(
    operands: &[String],
    options: &RunArgs,
    context: &Context,
    mut each: impl FnMut(&mut dyn Source) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stdin = ["-".to_owned()];
    let names = if operands.is_empty() { &stdin[..] } else { operands };
    if operands.is_empty() {
        hint_at_terminal(context);
    }
    let source_options = source::Options { line_max: options.max_line, ..source::Options::default() };
    let mut progress = progress::Progress::new(names, options.quiet);
    for name in names {
        if context.stop.requested() {
            break;
        }
        let opened = source::open(name, &source_options, &context.books);
        let result = opened.and_then(|mut source| each(&mut progress.watch(source.as_mut())));
        match result {
            Err(failure @ Failure::Io { doing: "cannot read", .. }) => context.books.trouble(&failure),
            other => other?,
        }
    }
    Ok(())
}
