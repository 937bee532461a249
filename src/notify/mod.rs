//! Floor 3 · Who is told of a transition, and how: a line, a program, a webhook. One file each.
//!
//! What is told was decided in `rule`; nothing here changes a state. A notifier may be slow: [`Queue`] keeps them
//! all on a thread of their own, so that the evaluation never waits.

mod command;
mod log;
mod queue;
mod webhook;

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

pub use command::Command;
pub use log::Log;
pub use queue::{DRAIN_LIMIT, QUEUE_MAX, Queue};
pub use webhook::{Limits, Webhook};

use crate::base::Books;
use crate::model::Transition;
use crate::rule::{Action, Target};

/// A way to tell somebody of a transition.
pub trait Notifier: Send {
    /// What messages and books call it, without secrets.
    fn name(&self) -> &str;

    /// Tells of one transition; returns when it was taken, or not, within a limited time.
    ///
    /// # Errors
    /// Why nobody took it. It has been tried again where that could help.
    fn notify(&mut self, transition: &Transition) -> Result<(), NotifyError>;
}

/// Why a notification did not arrive.
#[derive(Debug, Error)]
pub enum NotifyError {
    /// The program cannot be started or waited for.
    #[error("cannot run {program}: {source}")]
    Run {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The program ended by a signal, or with a status other than 0.
    #[error("{program}: {status}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The program took too long.
    #[error("{program} was killed after {} s", limit.as_secs_f64())]
    Killed {
        /// The program.
        program: String,
        /// How long it had.
        limit: Duration,
    },
    /// No answer: no connection, a connection that broke, or the time was up.
    #[error("{url}: {source}")]
    Unreachable {
        /// The webhook, without secrets.
        url: String,
        /// What the HTTP client said.
        source: Box<ureq::Error>,
    },
    /// An answer that is not of the 200s.
    #[error("{url} answered {status}")]
    Refused {
        /// The webhook, without secrets.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

/// The notifier that an action asks for. Nothing is connected or started before the first notification.
pub fn open(action: &Action, books: &Arc<Books>) -> Box<dyn Notifier> {
    match action.target() {
        Target::Log => Box::new(Log::new(books)),
        Target::Command(words) => Box::new(Command::new(action.label(), words.clone())),
        Target::Webhook => Box::new(Webhook::new(action.label(), action.url().to_owned())),
    }
}

#[cfg(test)]
mod testing {
    use crate::model::{AlarmState, Severity, Timestamp, Transition};
    use serde_json::json;

    /// "high" went from ok to alarm for the resource "vm-1".
    pub fn transition() -> Transition {
        let group = json!({"resource_id": "vm-1"});
        Transition {
            alarm_name: "high".to_owned(),
            alarm_id: "6c5edb0c-8c5b-4a4f-9d5c-0c8e4e4b9b11".to_owned(),
            severity: Severity::Critical,
            previous: AlarmState::Ok,
            current: AlarmState::Alarm,
            reason: "Transition to alarm due to 1 samples outside threshold, most recent: 97.5".to_owned(),
            reason_data: json!({"type": "threshold", "disposition": "outside", "count": 1, "most_recent": 97.5}),
            timestamp: Timestamp::parse(b"2026-11-22T10:00:00Z").unwrap(),
            group: group.as_object().unwrap().clone(),
        }
    }

    /// [`transition`] as it goes out.
    pub const JSON: &str = concat!(
        r#"{"alarm_name":"high","alarm_id":"6c5edb0c-8c5b-4a4f-9d5c-0c8e4e4b9b11","severity":"critical","#,
        r#""previous":"ok","current":"alarm","#,
        r#""reason":"Transition to alarm due to 1 samples outside threshold, most recent: 97.5","#,
        r#""reason_data":{"type":"threshold","disposition":"outside","count":1,"most_recent":97.5},"#,
        r#""timestamp":"2026-11-22T10:00:00Z","group":{"resource_id":"vm-1"}}"#
    );
}
