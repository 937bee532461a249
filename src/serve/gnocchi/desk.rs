//! What a worker's thread has: the store, and how it is to be served.

use std::cell::RefCell;
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError, RwLock};

use crate::base::Books;
use crate::serve::auth::{Identity, Mode, Policy, Target};
use crate::serve::http::{Call, Counters, Problem};
use crate::store::Store;
use crate::store::measures::{Arrival, Writer};

/// How a store is served.
#[derive(Debug)]
pub struct Options {
    /// How callers are known.
    pub mode: Mode,
    /// What they may do.
    pub policy: RwLock<Arc<Policy>>,
    /// Rows of a list at most, and where nothing is said.
    pub page_max: u32,
    /// Points of an answer at most.
    pub points_max: usize,
    /// Requests that are worked at at a time.
    pub threads: usize,
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
    /// What points are appended with; opened when the first come.
    pub writer: RefCell<Option<Writer>>,
    /// Tells whoever keeps the store in order that it is time.
    pub due: Option<Sender<()>>,
}

impl Options {
    /// What callers may do now.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Desk {
    /// Who makes a request.
    ///
    /// # Errors
    /// 401
    pub fn identify(&self, call: &Call) -> Result<Identity, Problem> {
        let who = self.options.mode.identify(call)?;
        let name = who.user_id.as_ref().unwrap_or(&who.creator);
        if !name.is_empty() {
            // Whoever said it before has found the same.
            let _ = call.caller.set(name.clone());
        }
        Ok(who)
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
        if self.options.policy().allows(rule, who, target) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// Appends points; on return they survive a power failure.
    ///
    /// # Errors
    /// 5xx when the system refuses; then none of them may be there.
    pub fn append(&self, arrivals: &mut Vec<Arrival>) -> Result<(), Problem> {
        if arrivals.is_empty() {
            return Ok(());
        }
        let mut kept = self.writer.borrow_mut();
        let mut writer = match kept.take() {
            Some(writer) => writer,
            None => self.store.writer()?,
        };
        let appended = writer.append(arrivals)?;
        // One that failed is not used again.
        *kept = Some(writer);
        appended.found.into_iter().for_each(|found| found.tell(&self.books));
        self.appended(appended.journal_bytes);
        Ok(())
    }

    /// To be called behind an append, with how long the journal is now.
    pub fn appended(&self, journal_bytes: u64) {
        if let (true, Some(due)) = (self.store.is_due(journal_bytes), &self.due) {
            // Nobody keeps it in order any more when the service ends: the next one does.
            let _ = due.send(());
        }
    }
}
