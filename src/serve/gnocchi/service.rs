//! The service as a whole: its threads, and the one that keeps the store in order.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::desk::Options;
use super::{Desk, routes};
use crate::base::{Books, Failure, arenas, threads};
use crate::serve::http::{Counters, Front, Limits, Place, Workers};
use crate::store::Store;
use crate::store::measures::Effort;

/// How often it is looked whether others have filled a journal, and how much memory is free.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long its end is waited for.
const LINGER: Duration = Duration::from_secs(5);

/// Keeps a store in order while others append to it.
pub struct Keeper {
    due: Option<Sender<()>>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be none.
    pub fn start(store: Store, books: &Arc<Books>) -> Result<Keeper, Failure> {
        let (due, told) = channel();
        let books = Arc::clone(books);
        let thread = thread::Builder::new().name("keeper".into()).spawn(move || keep(&store, &told, &books));
        let thread = thread.map_err(|source| Failure::io("cannot start", "a thread", source))?;
        Ok(Keeper { due: Some(due), thread })
    }

    /// What a thread that appends tells it with.
    pub fn due(&self) -> Option<Sender<()>> {
        self.due.clone()
    }
}

impl Drop for Keeper {
    /// Waits for what is in hand, for a while: a thread that hangs in a request has a [`Keeper::due`], and keeps it from ending.
    fn drop(&mut self) {
        self.due = None;
        threads::await_end(std::slice::from_ref(&self.thread), LINGER);
    }
}

fn keep(store: &Store, told: &Receiver<()>, books: &Books) {
    loop {
        match told.recv_timeout(LOOK_EVERY) {
            Ok(()) => while told.try_recv().is_ok() {},
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Err(error) = store.maintain(Effort::Due) {
            books.warn("maintenance", &format_args!("{}: {error}", store.folder().display()));
        }
        arenas::give_back();
    }
}

/// The front of a service over the store in `folder`.
///
/// # Errors
/// When the store cannot be opened, or there can be no thread.
pub fn front(
    store: &Store,
    options: Arc<Options>,
    place: Place,
    limits: Limits,
    keeper: &Keeper,
    books: &Arc<Books>,
) -> Result<Front<Desk>, Failure> {
    let counters = Arc::new(Counters::default());
    let threads = options.threads.max(1);
    let due = Mutex::new(keeper.due());
    let another = Mutex::new(store.another()?);
    let desk = {
        let (counters, books) = (Arc::clone(&counters), Arc::clone(books));
        move |store: Store| Desk {
            store,
            options: Arc::clone(&options),
            counters: Arc::clone(&counters),
            books: Arc::clone(&books),
            writer: RefCell::new(None),
            due: due.lock().ok().and_then(|due| due.clone()),
        }
    };
    let desks = (0..threads).map(|_| Ok(desk(store.another()?)));
    let desks = desks.collect::<Result<Vec<_>, Failure>>()?;
    let again = move || Ok(desk(another.lock().unwrap_or_else(PoisonError::into_inner).another()?));
    let workers = Workers::start(desks, again, books)?;
    Ok(Front::new(&routes(), workers, place, limits, counters, books))
}
