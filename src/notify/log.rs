//! `log:` · One line on standard error.

use std::sync::Arc;

use serde_json::Value;

use super::{Notifier, NotifyError};
use crate::base::Books;
use crate::model::Transition;

/// Says each transition on standard error, even with `--quiet`: somebody asked for it.
pub struct Log {
    books: Arc<Books>,
}

impl Log {
    /// Speaks with the voice of `books`.
    pub fn new(books: &Arc<Books>) -> Log {
        Log { books: Arc::clone(books) }
    }
}

impl Notifier for Log {
    fn name(&self) -> &str {
        "log:"
    }

    fn notify(&mut self, transition: &Transition) -> Result<(), NotifyError> {
        self.books.complain(&line(transition));
        Ok(())
    }
}

/// Aodh's order: name, identity, severity, states, reason; before them the time, after the states the group.
fn line(t: &Transition) -> String {
    let group = match t.group.is_empty() {
        true => String::new(),
        false => format!(" for {}", Value::Object(t.group.clone())),
    };
    let line = format!(
        "{} alarm {} {} of {} severity from {} to {}{group}: {}",
        t.timestamp,
        t.alarm_name,
        t.alarm_id,
        t.severity.name(),
        t.previous,
        t.current,
        t.reason
    );
    // Names and groups come from outside: neither a second line nor a terminal's escape sequence may come with them.
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::transition;

    #[test]
    fn a_transition_is_one_line() {
        let mut transition = transition();
        assert_eq!(
            line(&transition),
            "2026-11-22T10:00:00Z alarm high 6c5edb0c-8c5b-4a4f-9d5c-0c8e4e4b9b11 of critical severity \
             from ok to alarm for {\"resource_id\":\"vm-1\"}: \
             Transition to alarm due to 1 samples outside threshold, most recent: 97.5"
        );
        transition.alarm_name = "a\n\u{1b}[2Jb".to_owned();
        assert!(line(&transition).contains("alarm a\u{fffd}\u{fffd}[2Jb 6c5e"));
    }
}
