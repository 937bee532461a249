//! `exec:` · A program of the user's, started for each transition.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{self, Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::{Notifier, NotifyError};
use crate::model::Transition;

/// How long a program may take: those behind it in the queue wait as long.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Starts a program with the transition as one JSON line on its standard input, and waits for its end.
///
/// The environment is ours plus `ALARM_NAME`, `ALARM_STATE`, `ALARM_PREVIOUS` and `ALARM_SEVERITY`. What the program
/// writes goes to our standard error: standard output belongs to the records. No shell is run.
pub struct Command {
    label: String,
    words: Vec<String>,
    time_limit: Duration,
}

impl Command {
    /// - `label`: what messages call it
    /// - `words`: the program and its arguments
    pub fn new(label: String, words: Vec<String>) -> Command {
        Command { label, words, time_limit: TIME_LIMIT }
    }

    /// The same with another time limit; then the program and all it started in its group are killed.
    pub fn with_time_limit(self, time_limit: Duration) -> Command {
        Command { time_limit, ..self }
    }

    fn run(&self, transition: &Transition) -> io::Result<Option<ExitStatus>> {
        let (program, arguments) =
            self.words.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut child = process::Command::new(program)
            .args(arguments)
            .env("ALARM_NAME", &transition.alarm_name)
            .env("ALARM_STATE", transition.current.name())
            .env("ALARM_PREVIOUS", transition.previous.name())
            .env("ALARM_SEVERITY", transition.severity.name())
            .stdin(input(transition)?)
            .stdout(io::stderr())
            .stderr(Stdio::inherit())
            // A group of its own, so that what the program starts can be killed with it.
            .process_group(0)
            .spawn()?;
        match wait(&mut child, self.time_limit) {
            Ok(Some(status)) => Ok(Some(status)),
            not_ended => {
                let killed =
                    Pid::from_raw(child.id() as i32).map(|group| kill_process_group(group, Signal::KILL));
                if !matches!(killed, Some(Ok(()))) {
                    child.kill()?;
                }
                child.wait()?;
                not_ended
            }
        }
    }
}

impl Notifier for Command {
    fn name(&self) -> &str {
        &self.label
    }

    fn notify(&mut self, transition: &Transition) -> Result<(), NotifyError> {
        let program = self.label.clone();
        match self.run(transition) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(NotifyError::Failed { program, status }),
            Ok(None) => Err(NotifyError::Killed { program, limit: self.time_limit }),
            Err(source) => Err(NotifyError::Run { program, source }),
        }
    }
}

/// The transition as a file in memory: unlike a pipe, it never waits for a program that does not read.
fn input(transition: &Transition) -> io::Result<File> {
    let descriptor: OwnedFd = memfd_create("transition", MemfdFlags::CLOEXEC)?;
    let mut file = File::from(descriptor);
    serde_json::to_writer(&mut file, transition)?;
    file.write_all(b"\n")?;
    file.rewind()?;
    Ok(file)
}

/// The status of `child`, or none when it has not ended after `limit`.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let pid = Pid::from_raw(child.id() as i32).ok_or(Errno::SRCH)?;
    let ended = pidfd_open(pid, PidfdFlags::empty())?;
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return child.try_wait(),
            Ok(_) => return child.wait().map(Some),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::{JSON, transition};
    use std::fs;

    fn shell(script: &str, arguments: &[&str]) -> Command {
        let mut words = vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned(), "sh".to_owned()];
        words.extend(arguments.iter().map(|&argument| argument.to_owned()));
        Command::new("exec:test".to_owned(), words)
    }

    #[test]
    fn a_program_gets_the_transition_and_its_words() {
        let path = std::env::temp_dir().join(format!("telemetry-exec-{}", process::id()));
        let script = r#"{ cat; echo "$ALARM_NAME $ALARM_STATE $ALARM_PREVIOUS $ALARM_SEVERITY $2"; } > "$1""#;
        shell(script, &[path.to_str().unwrap(), "a b"]).notify(&transition()).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(written, format!("{JSON}\nhigh alarm ok critical a b\n"));
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_is_reported() {
        let failed = shell("exit 3", &[]).notify(&transition()).unwrap_err();
        assert_eq!(failed.to_string(), "exec:test: exit status: 3");
        let mut absent = Command::new("exec:/no/program".to_owned(), vec!["/no/program".to_owned()]);
        let absent = absent.notify(&transition()).unwrap_err();
        assert!(absent.to_string().starts_with("cannot run exec:/no/program: No such file"), "{absent}");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_what_it_started() {
        let path = std::env::temp_dir().join(format!("telemetry-hang-{}", process::id()));
        // The inner shell tells its number and never ends; the outer one waits for it.
        let script = r#"sh -c 'echo $$ > "$1"; while :; do sleep 1000; done' sh "$1"; :"#;
        let begun = Instant::now();
        let error = shell(script, &[path.to_str().unwrap()])
            .with_time_limit(Duration::from_secs(1))
            .notify(&transition())
            .unwrap_err();
        assert_eq!(error.to_string(), "exec:test was killed after 1 s");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let inner: i32 = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
        fs::remove_file(&path).unwrap();
        // An orphan's number stays until init reaps it: until then it is a zombie, which runs no more.
        let is_running = || {
            let status = fs::read_to_string(format!("/proc/{inner}/stat")).unwrap_or_default();
            !matches!(status.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]), None | Some(b'Z' | b'X'))
        };
        while is_running() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the inner program still runs");
            std::thread::yield_now();
        }
    }
}
