//! Notifications to samples and events: what telemetry-listen does in the place of Ceilometer's notification agent.

mod write;

use std::fmt;
use std::sync::Arc;

use uuid::fmt::Hyphenated;

use super::records::{Line, Trouble, Worker};
use crate::base::{Books, Failure, LineSink, Stop};
use crate::define::{EventDefinitions, Lost, MeterDefinitions, Subject, endpoint};
use crate::model::{Node, Notification, RecordKind};
use crate::wire::json::{Records, Reject, Slot, ValueKind};
use crate::wire::meter::{Form, MeterReader};
use crate::wire::signature::Verification;
use crate::wire::{Faults, Identities, oslo};

/// What is made of notifications. Records of other kinds always pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emit {
    /// Samples, by the meter definitions and the endpoints.
    pub samples: bool,
    /// Events, by the event definitions.
    pub events: bool,
    /// The notifications themselves, as they came.
    pub notifications: bool,
}

/// What samples and events are made by.
#[derive(Debug, Default)]
pub struct Definitions {
    /// Of samples.
    pub meters: MeterDefinitions,
    /// Of events.
    pub events: EventDefinitions,
}

/// Reads the definitions again.
pub type Reread = Box<dyn Fn() -> Result<Definitions, Failure> + Send>;

/// Passes records, and makes samples and events of notifications.
pub struct Collect {
    definitions: Definitions,
    /// Reads the definitions when the first notification comes; none when they were read.
    unread: Option<Reread>,
    emit: Emit,
    trees: bool,
    messages: MeterReader,
    identities: Identities,
    books: Arc<Books>,
    reload: Option<(Arc<Stop>, u64, Reread)>,
    counts: Counts,
    /// What was lost of the notification at hand because it does not say when; the first thing.
    untimed: Option<String>,
    message: Vec<u8>,
    softened: Vec<u8>,
    lines: Vec<u8>,
}

/// What was done since the books were told.
#[derive(Default)]
struct Counts {
    notifications: u64,
    samples: u64,
    events: u64,
    unmatched: u64,
}

impl Collect {
    /// A worker that makes what `emit` asks for.
    ///
    /// - `trees`: whether a record that no tree can hold is rejected, because columns will be cut out of it
    /// - `verification`: how the samples and events are checked that come packed in notifications
    pub fn new(
        definitions: Definitions,
        emit: Emit,
        trees: bool,
        verification: &Verification,
        books: &Arc<Books>,
    ) -> Collect {
        Collect {
            definitions,
            unread: None,
            emit,
            trees,
            messages: MeterReader::new(Form::Json, verification),
            identities: Identities::random(),
            books: Arc::clone(books),
            reload: None,
            counts: Counts::default(),
            untimed: None,
            message: Vec::new(),
            softened: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Leaves the reading of the definitions to the first notification: a run that meets none need not wait for it.
    pub fn read_with_first(&mut self, read: Reread) {
        self.unread = Some(read);
    }

    /// Takes up the definitions that `reread` gives, between two blocks, when a HUP asked for it. Definitions that
    /// cannot be read leave the old ones in use.
    pub fn reload_with(&mut self, stop: &Arc<Stop>, reread: Reread) {
        self.reload = Some((Arc::clone(stop), stop.reloads(), reread));
    }

    /// Tells the books what was done.
    pub fn close(&mut self) {
        let Counts { notifications, samples, events, unmatched } = std::mem::take(&mut self.counts);
        self.books.count("notifications", notifications);
        self.books.count("samples_made", samples);
        self.books.count("events_made", events);
        self.books.count("notifications_unmatched", unmatched);
    }

    /// Makes all that can be made of the notification in a line; gives how many records stand in the lines.
    fn made(&mut self, slot: Slot, line: Line<'_>) -> Result<u64, Reject> {
        let mut message = std::mem::take(&mut self.message);
        let mut softened = std::mem::take(&mut self.softened);
        self.lines.clear();
        self.untimed = None;
        let made = opened(slot, line.bytes, &mut message, &mut softened).map(|(notification, unfit)| {
            if unfit > 0 {
                self.soften(unfit, line);
            }
            self.convert(&notification, line)
        });
        (self.message, self.softened) = (message, softened);
        let made = made.map_err(Reject::Notification)?;
        match self.untimed.take() {
            None => self.counts.unmatched += u64::from(made == 0),
            Some(why) if made == 0 && !self.emit.notifications => {
                return Err(Reject::NotificationTimestamp(why));
            }
            Some(why) => {
                let Line { source, number, .. } = line;
                self.books.warn("without timestamp", &format_args!("{source}:{number}: {why}"));
            }
        }
        Ok(made)
    }

    /// Says that numbers of a notification became null.
    fn soften(&self, unfit: u64, line: Line<'_>) {
        self.books.count("numbers_unfit", unfit);
        let Line { source, number, .. } = line;
        let why = format_args!(
            "{source}:{number}: notification: NaN, Infinity or a number over the range, taken as null: {unfit}"
        );
        self.books.warn("unfit number", &why);
    }

    /// Appends the samples and the event of a notification to the lines; gives how many.
    fn convert(&mut self, notification: &Notification<'_>, line: Line<'_>) -> u64 {
        let subject = Subject::new(notification);
        let priority = notification.priority.as_deref().unwrap_or("info");
        let before = self.counts.samples + self.counts.events;
        if let Some(batch) = oslo::batch(notification) {
            self.unpack(notification, batch, line);
            return self.counts.samples + self.counts.events - before;
        }
        // As Ceilometer 27.0.0: samples of these two priorities, events of these two, and of others nothing.
        if self.emit.samples && matches!(priority, "info" | "sample") {
            self.samples(notification, &subject, line);
        }
        if self.emit.events && matches!(priority, "info" | "error") {
            self.event(notification, &subject, line);
        }
        self.counts.samples + self.counts.events - before
    }

    /// The samples or events that another telemetry packed into a notification.
    fn unpack(
        &mut self,
        notification: &Notification<'_>,
        batch: Result<&[Node<'_>], oslo::NoList>,
        line: Line<'_>,
    ) {
        let is_event = &*notification.event_type == "event";
        if !(if is_event { self.emit.events } else { self.emit.samples }) {
            return;
        }
        let mut told = Told { books: &self.books, line };
        let records = match batch {
            Ok(records) => records,
            Err(why) => return told.fault("wrong type", &why),
        };
        for record in records {
            let before = self.lines.len();
            self.messages.read_node(record, &mut self.lines, &mut told);
            let made = u64::from(self.lines.len() > before);
            *(if is_event { &mut self.counts.events } else { &mut self.counts.samples }) += made;
        }
    }

    fn samples(&mut self, notification: &Notification<'_>, subject: &Subject<'_>, line: Line<'_>) {
        let Collect { definitions, identities, books, counts, untimed, lines, .. } = self;
        let mut buffer = [0; Hyphenated::LENGTH];
        definitions.meters.samples(notification, subject, &mut |made| match made {
            Ok(draft) => {
                write::sample(&draft, notification, identities.next(&mut buffer), lines);
                counts.samples += 1;
            }
            Err(lost @ Lost::Timestamp { .. }) => {
                books.count(lost.reason(), 1);
                untimed.get_or_insert_with(|| lost.to_string());
            }
            Err(lost) => lose(books, line, &lost),
        });
        endpoint::samples(notification, &mut |made| match made {
            Ok(made) => {
                let Some(draft) = write::draft(&made) else {
                    let (name, found) = (made.name.to_string(), "no number".to_owned());
                    return lose(books, line, &Lost::Volume { name, found });
                };
                match &made.sent {
                    Some(sent) => write::sent_sample(&draft, notification, sent, lines),
                    None => write::sample(&draft, notification, identities.next(&mut buffer), lines),
                }
                counts.samples += 1;
            }
            Err(malformed) => {
                books.count(malformed.reason(), 1);
                let Line { source, number, .. } = line;
                books.warn(malformed.reason(), &format_args!("{source}:{number}: {malformed}"));
            }
        });
    }

    fn event(&mut self, notification: &Notification<'_>, subject: &Subject<'_>, line: Line<'_>) {
        let event_type = &notification.event_type;
        let draft = match self.definitions.events.event(notification, subject) {
            Ok(Some(draft)) => draft,
            Ok(None) => return,
            Err(timestamp) => {
                self.books.count("events_without_timestamp", 1);
                let why = || format!("event {event_type}: timestamp cannot be read: {timestamp}");
                self.untimed.get_or_insert_with(why);
                return;
            }
        };
        for (name, kind, found) in &draft.unfit {
            self.books.count("traits_unfit", 1);
            let Line { source, number, .. } = line;
            let why = format_args!(
                "{source}:{number}: event {event_type}: trait {name} is no {kind}, and left out: {found}"
            );
            self.books.warn("unfit trait", &why);
        }
        let mut buffer = [0; Hyphenated::LENGTH];
        let message_id = match &notification.message_id {
            Some(message_id) => message_id,
            // What the sender forgot must not cost the event.
            None => self.identities.next(&mut buffer),
        };
        write::event(&draft, notification, message_id, &mut self.lines);
        self.counts.events += 1;
    }
}

/// Rejects a record of those that came in one line.
struct Told<'a> {
    books: &'a Books,
    line: Line<'a>,
}

impl Faults for Told<'_> {
    fn fault(&mut self, reason: &'static str, why: &dyn fmt::Display) {
        self.books.reject(self.line.source, self.line.number, reason, why);
    }
}

fn lose(books: &Books, line: Line<'_>, lost: &Lost) {
    books.count(lost.reason(), 1);
    books.warn(lost.reason(), &format_args!("{}:{}: {lost}", line.source, line.number));
}

impl Worker for Collect {
    #[inline]
    fn record(
        &mut self,
        records: &mut Records,
        line: Line<'_>,
        out: &mut dyn LineSink,
    ) -> Result<(), Trouble> {
        let kind = records.check(line.bytes)?;
        // Of a notification that is not passed no columns are cut.
        if self.trees && (kind != RecordKind::Notification || self.emit.notifications) {
            line.tree()?;
        }
        if kind != RecordKind::Notification {
            return Ok(out.line(line.bytes)?);
        }
        if self.emit.samples || self.emit.events {
            if let Some(read) = self.unread.take() {
                self.definitions = read()?;
            }
            let made = self.made(records.oslo_message(), line)?;
            self.counts.notifications += 1;
            if self.emit.notifications {
                out.line(line.bytes)?;
            }
            if made > 0 {
                out.lines(&self.lines, made)?;
            }
            return Ok(());
        }
        if self.emit.notifications {
            out.line(line.bytes)?;
        }
        Ok(())
    }

    fn refresh(&mut self, _records: &mut Records) -> Result<(), Failure> {
        self.close();
        let Some((stop, seen, reread)) = &mut self.reload else { return Ok(()) };
        if stop.reloads() != *seen {
            *seen = stop.reloads();
            match reread() {
                Ok(definitions) => {
                    self.definitions = definitions;
                    self.unread = None;
                }
                Err(failure) => self.books.trouble(&failure),
            }
        }
        Ok(())
    }

    fn pause(&mut self, out: &mut dyn LineSink) -> Result<(), Failure> {
        self.close();
        out.flush()
    }
}

/// The notification in a line, with or without its envelope, which is unpacked into `message`; and how many numbers
/// of it are null because JSON does not have them, which Python writes and reads all the same.
fn opened<'a>(
    slot: Slot,
    line: &'a [u8],
    message: &'a mut Vec<u8>,
    softened: &'a mut Vec<u8>,
) -> Result<(Notification<'a>, u64), oslo::BadNotification> {
    let text: &'a [u8] = if slot.kind == ValueKind::Absent {
        line
    } else {
        oslo::open(slot, line, message)?;
        message
    };
    match oslo::read(text) {
        // What is JSON pays nothing for it.
        Err(wrong @ oslo::BadNotification::NotJson { .. }) => match oslo::soften(text, softened) {
            0 => Err(wrong),
            unfit => Ok((oslo::read(softened)?, unfit)),
        },
        read => Ok((read?, 0)),
    }
}

impl fmt::Debug for Collect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").field("emit", &self.emit).finish_non_exhaustive()
    }
}
