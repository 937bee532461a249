//! What a worker's thread has: the store, and how it is to be served.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::base::Books;
use crate::serve::auth::{Identity, Mode, Policy, Target};
use crate::serve::http::{Call, Counters, Problem};
use crate::store::Store;

/// How a store is served.
#[derive(Debug)]
pub struct Options {
    /// How callers are known.
    pub mode: Mode,
    /// What they may do.
    pub policy: Policy,
    /// Rows of a list at most, and where nothing is said.
    pub page_max: u32,
    /// Points of an answer at most.
    pub points_max: usize,
}

/// What a worker's thread has to itself.
pub struct Desk {
    /// The store.
    pub store: Store,
    /// How it is served.
    pub options: Arc<Options>,
    /// What was done so far.
    pub counters: Arc<Counters>,
    /// Where trouble is said.
    pub books: Arc<Books>,
    /// Tells whoever keeps the store in order that it is time.
    pub due: Option<Sender<()>>,
}

impl Desk {
    /// Who makes a request.
    ///
    /// # Errors
    /// 401
    pub fn identify(&self, call: &Call) -> Result<Identity, Problem> {
        self.options.mode.identify(call)
    }

    /// Who makes a request, if a rule allows it.
    ///
    /// # Errors
    /// 401 when nobody says who it is, 403 when the rule does not allow it.
    pub fn enforce(&self, call: &Call, rule: &str, target: &Target) -> Result<Identity, Problem> {
        let who = self.identify(call)?;
        self.allow(&who, rule, target)?;
        Ok(who)
    }

    /// Whether a rule allows it to somebody.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn allow(&self, who: &Identity, rule: &str, target: &Target) -> Result<(), Problem> {
        if self.options.policy.allows(rule, who, target) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// To be called behind an append, with how long the journal is now.
    pub fn appended(&self, journal_bytes: u64) {
        if let (true, Some(due)) = (self.store.is_due(journal_bytes), &self.due) {
            // Nobody keeps it in order any more when the service ends: the next one does.
            let _ = due.send(());
        }
    }
}
