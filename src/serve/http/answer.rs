//! What a request is answered with.

use std::{fmt, io};

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::{Problem, Site};

/// A status, headers and a body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers; the length is not among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub content: Content,
}

/// A body: what is long is written while it is sent.
pub enum Content {
    /// None.
    Empty,
    /// All of it.
    Whole(Vec<u8>),
    /// Parts that are made as they are needed, some ten thousand bytes each.
    Parts {
        /// Makes them.
        parts: Box<dyn Iterator<Item = Vec<u8>> + Send>,
        /// Bytes that are held until the last is made.
        held: usize,
    },
}

impl Content {
    /// Bytes that are held until all of it has left.
    pub fn held(&self) -> usize {
        match self {
            Content::Empty => 0,
            Content::Whole(bytes) => bytes.len(),
            Content::Parts { held, .. } => *held,
        }
    }
}

impl Answer {
    /// 200 with JSON.
    ///
    /// # Errors
    /// 500 when it is no JSON, which is a fault of ours.
    pub fn json(value: &impl Serialize) -> Result<Answer, Problem> {
        let mut bytes = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut bytes, Spaced);
        value.serialize(&mut serializer).map_err(|error| Problem::ours(format!("an answer: {error}")))?;
        Ok(Answer::json_content(Content::Whole(bytes)))
    }

    /// 200 with a body that is JSON already.
    pub fn json_content(content: Content) -> Answer {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Answer { status: StatusCode::OK, headers, content }
    }

    /// 200 with text.
    pub fn text(media: &'static str, text: impl Into<Vec<u8>>) -> Answer {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(media))];
        Answer { status: StatusCode::OK, headers, content: Content::Whole(text.into()) }
    }

    /// A status alone.
    pub fn empty(status: StatusCode) -> Answer {
        Answer { status, headers: Vec::new(), content: Content::Empty }
    }

    /// 201 with JSON of what was made.
    ///
    /// - `location`: its path below the service's root
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub fn created(value: &impl Serialize, site: &Site, location: &str) -> Result<Answer, Problem> {
        let answer = Answer::json(value)?.with(LOCATION, &site.url(location));
        Ok(Answer { status: StatusCode::CREATED, ..answer })
    }

    /// The same with a header. One whose value could not stand in a header is left out: what callers named must not add lines.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// A space behind commas and colons, as Python writes JSON: there are programs that look for `"name": "x"`.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Empty => f.write_str("Empty"),
            Content::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Content::Parts { .. } => f.write_str("Parts"),
        }
    }
}
