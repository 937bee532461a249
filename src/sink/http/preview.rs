//! The requests that a dialect would make, were every one of them taken.

use std::cell::RefCell;
use std::sync::Arc;

use snap::raw::Decoder;

use super::super::courier::{Courier, Shared};
use super::super::preview::{Message, Preview, hexadecimal};
use super::client::{Answer, ExchangeError, Receiver, Request, uri};
use super::delivery::Round;
use super::dialect::Dialect;
use super::target::Target;
use crate::base::Books;
use crate::wire::prometheus::readable;

/// Shows requests.
pub struct Requests {
    name: String,
    target: Target,
    dialect: Box<dyn Dialect>,
    /// Whether what happens once a run was shown.
    has_begun: bool,
}

/// A receiver that takes everything, and keeps it.
#[derive(Default)]
struct Recorder {
    requests: RefCell<Vec<Request>>,
}

impl Receiver for Recorder {
    fn exchange(&self, request: &Request) -> Result<Answer, ExchangeError> {
        self.requests.borrow_mut().push(request.clone());
        Ok(Answer { status: 200, retry_after: None, token: None, body: Vec::new() })
    }
}

impl Requests {
    /// Those that `dialect` would make of `target`; `name` is what messages call it.
    pub fn new(name: &str, target: Target, dialect: Box<dyn Dialect>) -> Requests {
        Requests { name: name.to_owned(), target, dialect, has_begun: false }
    }

    fn shown(&self, request: &Request) -> Message {
        let target = &self.target;
        // Where the catalogue says where, nobody was asked.
        let base = match target.base.strip_suffix("://") {
            Some(_) => "(endpoint of Keystone's catalogue)",
            None => &target.base,
        };
        let mut shown = Message::new(format!("{} {}", request.method, uri(base, &target.query, request)));
        for (name, value) in &request.headers {
            shown = shown.with(format!("{name}: {value}"));
        }
        match (&target.token_file, &target.user, &target.keystone) {
            (Some(_), ..) => shown = shown.with("authorization: Bearer ***"),
            (None, Some(_), _) => shown = shown.with("authorization: Basic ***"),
            (None, None, Some(_)) => shown = shown.with("x-auth-token: ***"),
            (None, None, None) => {
                for (name, value) in target.words {
                    shown = shown.with(format!("{name}: {value}"));
                }
            }
        }
        shown = shown.with(format!("content-length: {}", request.body.len()));
        let is_snappy = request.headers.iter().any(|(_, value)| value == "snappy");
        shown = shown.with("");
        if is_snappy {
            let series = Decoder::new().decompress_vec(&request.body).ok();
            let series = series.and_then(|message| readable(&message)).unwrap_or_default();
            shown = shown.with(hexadecimal(&request.body));
            return series.into_iter().fold(shown, Message::with);
        }
        let body = request.body.strip_suffix(b"\n").unwrap_or(&request.body);
        body.split(|byte| *byte == b'\n').fold(shown, Message::with)
    }
}

impl Preview for Requests {
    fn messages(&mut self, record: &[u8], out: &mut Vec<Message>) {
        let books = Arc::new(Books::new("preview", None, true));
        let courier =
            Courier { name: self.name.clone(), shared: Arc::new(Shared::new()), books: Arc::clone(&books) };
        let recorder = Recorder::default();
        let line = [record, b"\n"].concat();
        let mut round = Round::new(&recorder, &courier, Some(0), self.dialect.passing(), 1);
        // Nobody gives it up, so it does not end early.
        let _ = self.dialect.deliver(&[&line], &mut round);
        let requests = recorder.requests.take();
        if !requests.is_empty() && !std::mem::replace(&mut self.has_begun, true) {
            if let Some(keystone) = &self.target.keystone {
                let asked = Message::new(format!("POST {}", keystone.tokens_url()));
                out.push(asked.with("asks for a token; the credentials are not shown"));
            }
            if let Some(remark) = self.dialect.remark() {
                out.push(Message::new(remark));
            }
        }
        out.extend(requests.iter().map(|request| self.shown(request)));
        not_sent(&books, out);
    }
}

/// Appends what `books` say was neither sent nor written.
fn not_sent(books: &Books, out: &mut Vec<Message>) {
    let entered = books.to_json();
    let keys =
        |table: &str| entered[table].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    let (skipped, dropped): (Vec<String>, Vec<String>) = (keys("skipped"), keys("dropped"));
    out.extend(skipped.iter().map(|kind| Message::nothing(&format_args!("skipped {kind}"))));
    out.extend(dropped.iter().map(|why| Message::nothing(why)));
}
