//! Where the records of pipelines go: one sink an address, however many pipelines publish there.

use std::sync::Arc;

use crate::base::{Books, Failure, LineSink};
use crate::model::RecordKind;
use crate::pipeline::Publisher;
use crate::sink::{Message, Preview, Sink};
use crate::work::records::Line;

/// Opens a publisher's address.
pub type Opener = Box<dyn FnMut(&str) -> Result<Way, Failure>>;

/// Where the records of an outlet go.
pub enum Way {
    /// Out.
    Out(Box<dyn Sink>),
    /// Only to be shown.
    Shown(Box<dyn Preview>),
    /// Nowhere.
    Nowhere,
}

/// All outlets of a run.
pub struct Outlets {
    open: Opener,
    all: Vec<Outlet>,
    witness: Option<Box<dyn Witness>>,
    books: Arc<Books>,
    /// Why the last outlet that could take anything was given up.
    failure: Option<Failure>,
}

struct Outlet {
    /// None once the outlet is closed while the run goes on: nothing is handed to it, and its place is free.
    publisher: Option<Publisher>,
    way: Way,
    has_failed: bool,
    is_used: bool,
    taken: u64,
}

/// Watches what becomes of each record: a rehearsal.
pub trait Witness {
    /// The next things happen to this record.
    fn see(&mut self, line: Line<'_>, kind: RecordKind, name: &str);

    /// A batch, or the input, has ended: what happens next comes of what was held.
    fn ends(&mut self);

    /// What happens.
    fn shows(&mut self, shown: Shown<'_>);

    /// Hands what there is to tell to `out`.
    ///
    /// # Errors
    /// As [`LineSink::line`].
    fn tell(&mut self, out: &mut dyn LineSink) -> Result<(), Failure>;
}

/// What happens to a record.
pub enum Shown<'a> {
    /// No source takes it.
    NotTaken,
    /// A source takes it for a sink.
    Taken {
        /// The source's name.
        source: &'a str,
        /// The sink's name.
        sink: &'a str,
    },
    /// A transformer makes nothing of it.
    Dropped {
        /// The sink's name.
        sink: &'a str,
        /// The transformer's name.
        transformer: &'a str,
        /// Why.
        why: &'a str,
    },
    /// Transformers of a sink hold it, or have made it part of something.
    Held {
        /// The sink's name.
        sink: &'a str,
    },
    /// The transformers of its sinks cannot use it.
    Refused {
        /// Why.
        why: &'a str,
    },
    /// A publisher gets this record.
    Published {
        /// The sink's name.
        sink: &'a str,
        /// The publisher's address.
        publisher: &'a str,
        /// What leaves for it.
        message: &'a Message,
    },
}

impl Outlets {
    /// None yet; addresses are opened by `open`.
    pub fn new(open: Opener, books: &Arc<Books>) -> Outlets {
        Outlets { open, all: Vec::new(), witness: None, books: Arc::clone(books), failure: None }
    }

    /// Tells `witness` of everything.
    pub fn watched_by(mut self, witness: Box<dyn Witness>) -> Outlets {
        self.witness = Some(witness);
        self
    }

    /// Opens those of `publishers` that are not open, or have failed; from now on the others are not in use. One file
    /// has one writer and rotates in one place, and one receiver gets one connection, so equal addresses are one
    /// outlet; Ceilometer opens each anew.
    ///
    /// # Errors
    /// When one cannot be opened: all is then as it was before.
    pub fn open<'p>(&mut self, publishers: impl Iterator<Item = &'p Publisher>) -> Result<(), Failure> {
        let before: Vec<bool> =
            self.all.iter_mut().map(|outlet| std::mem::take(&mut outlet.is_used)).collect();
        let mut result = Ok(());
        for publisher in publishers {
            result = self.open_one(publisher);
            if result.is_err() {
                break;
            }
        }
        if result.is_err() {
            for (place, outlet) in self.all.iter_mut().enumerate() {
                if before.get(place) == Some(&true) {
                    outlet.is_used = true;
                } else if outlet.is_used {
                    // Nothing was handed to it.
                    let _ = outlet.close();
                    outlet.forget();
                }
            }
        }
        result
    }

    fn open_one(&mut self, publisher: &Publisher) -> Result<(), Failure> {
        if let Some(place) = self.place(publisher) {
            self.all[place].is_used = true;
            return Ok(());
        }
        let way = match publisher {
            Publisher::Nowhere => Way::Nowhere,
            Publisher::Address(url) => (self.open)(url)?,
        };
        let publisher = Some(publisher.clone());
        let opened = Outlet { publisher, way, has_failed: false, is_used: true, taken: 0 };
        // The place of one that was closed is free, so that reloads do not make the list longer and longer.
        match self.all.iter_mut().find(|outlet| outlet.publisher.is_none()) {
            Some(free) => *free = opened,
            None => self.all.push(opened),
        }
        Ok(())
    }

    /// The place of `publisher`, if it is open.
    pub fn place(&self, publisher: &Publisher) -> Option<usize> {
        let is_this = |outlet: &Outlet| !outlet.has_failed && outlet.publisher.as_ref() == Some(publisher);
        self.all.iter().position(is_this)
    }

    /// Hands a record of the sink `sink` to the outlets at `places`.
    pub fn line(&mut self, places: &[usize], sink: &str, record: &[u8]) {
        for &place in places {
            let outlet = &mut self.all[place];
            match &mut outlet.way {
                Way::Out(_) => {
                    outlet.taken += 1;
                    self.try_on(place, |sink| sink.line(record));
                }
                Way::Shown(preview) => {
                    let mut messages = Vec::new();
                    preview.messages(record, &mut messages);
                    let publisher = outlet.name();
                    for message in &messages {
                        if let Some(witness) = &mut self.witness {
                            witness.shows(Shown::Published { sink, publisher: &publisher, message });
                        }
                    }
                }
                Way::Nowhere => outlet.taken += u64::from(!outlet.has_failed),
            }
        }
    }

    /// The next things happen to this record.
    pub fn see(&mut self, line: Line<'_>, kind: RecordKind, name: &[u8]) {
        if let Some(witness) = &mut self.witness {
            witness.see(line, kind, &String::from_utf8_lossy(name));
        }
    }

    /// What happens next comes of what was held.
    pub fn ends(&mut self) {
        if let Some(witness) = &mut self.witness {
            witness.ends();
        }
    }

    /// Hands what a witness has to tell to `out`.
    ///
    /// # Errors
    /// As [`LineSink::line`].
    pub fn tell(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.witness.as_mut().map_or(Ok(()), |witness| witness.tell(out))
    }

    /// Tells the witness, if there is one.
    pub fn shows(&mut self, shown: Shown<'_>) {
        if let Some(witness) = &mut self.witness {
            witness.shows(shown);
        }
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        self.witness.is_some()
    }

    /// Hands on what waits in all outlets.
    pub fn flush(&mut self) {
        self.each(|sink| sink.flush());
    }

    /// Waits until all has left.
    pub fn settle(&mut self) {
        self.each(|sink| sink.settle());
    }

    /// Opens files anew.
    pub fn reopen(&mut self) {
        for outlet in &mut self.all {
            if let Way::Out(sink) = &mut outlet.way
                && let Err(failure) = sink.reopen()
            {
                self.books.trouble(&failure);
            }
        }
    }

    /// Closes the outlets that the last [`Outlets::open`] did not ask for.
    pub fn close_unused(&mut self) {
        self.count();
        for outlet in self.all.iter_mut().filter(|outlet| !outlet.is_used) {
            if let Err(failure) = outlet.close() {
                self.books.trouble(&failure);
            }
            outlet.forget();
        }
    }

    /// Closes all.
    ///
    /// # Errors
    /// The first failure.
    pub fn close(&mut self) -> Result<(), Failure> {
        self.all.iter_mut().map(Outlet::close).fold(Ok(()), Result::and)
    }

    /// Puts in the books what was handed out since the last time.
    pub fn count(&mut self) {
        for outlet in self.all.iter_mut().filter(|outlet| outlet.taken > 0) {
            self.books.published(&outlet.name(), std::mem::take(&mut outlet.taken));
        }
    }

    /// Whether the run can go on.
    ///
    /// # Errors
    /// The failure of the last outlet that was left.
    pub fn check(&mut self) -> Result<(), Failure> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Sink) -> Result<(), Failure>) {
        for place in 0..self.all.len() {
            self.try_on(place, &mut act);
        }
    }

    /// A sink that fails for good is given up, and the others go on; when none is left, the run fails.
    fn try_on(&mut self, place: usize, act: impl FnOnce(&mut dyn Sink) -> Result<(), Failure>) {
        let outlet = &mut self.all[place];
        let Way::Out(sink) = &mut outlet.way else { return };
        let Err(failure) = act(sink.as_mut()) else { return };
        self.books.published(sink.name(), std::mem::take(&mut outlet.taken));
        (outlet.way, outlet.has_failed) = (Way::Nowhere, true);
        if self.all.iter().all(|outlet| outlet.has_failed) {
            self.failure = Some(failure);
        } else if !matches!(failure, Failure::OutputClosed) {
            self.books.trouble(&failure);
        }
    }
}

impl Outlet {
    /// What messages and books call it, without secrets.
    fn name(&self) -> String {
        match (&self.way, &self.publisher) {
            (Way::Out(sink), _) => sink.name().to_owned(),
            (_, Some(publisher)) => publisher.name(),
            (_, None) => String::new(),
        }
    }

    /// Its place is free.
    fn forget(&mut self) {
        (self.publisher, self.has_failed, self.is_used) = (None, true, false);
    }

    fn close(&mut self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.way, Way::Nowhere) {
            Way::Out(mut sink) => {
                // Its name goes with it, and what it took last is not in the books yet.
                let closed = sink.close();
                self.has_failed = closed.is_err();
                closed
            }
            _ => Ok(()),
        }
    }
}
