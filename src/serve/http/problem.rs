//! Why a request was not answered as asked, in the three forms that WebOb and Pecan give it.
//!
//! Clients read them: without an `Accept` text/plain, for `*/*` and html a page, for JSON `{code, title, description}`
//! (Gnocchi 4.7.1 with WebOb 1.8, seen by running it).

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::{Answer, Content};

/// Why a request was not answered as asked.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// Boxed: every answer could be one of these.
    detail: Box<Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What went wrong on our side: for the log, not for the caller.
    pub trouble: Option<String>,
}

impl Problem {
    /// A problem of that status, and why: a text, or an object of `cause`, `reason` and `detail`.
    pub fn new(status: StatusCode, detail: impl Into<Value>) -> Problem {
        Problem { status, detail: Box::new(detail.into()), headers: Vec::new(), trouble: None }
    }

    /// 400: the request is wrong.
    pub fn bad(detail: impl Into<Value>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 400 for a value in a body that is not as it must be.
    ///
    /// - `path`: where in the body, outermost first
    pub fn invalid(reason: impl Into<String>, path: &[&str]) -> Problem {
        let at: String = path.iter().map(|part| format!("['{part}']")).collect();
        let mut reason = reason.into();
        if !at.is_empty() {
            reason = format!("{reason} @ data{at}");
        }
        Problem::bad(json!({"cause": "Invalid input", "reason": reason, "detail": path}))
    }

    /// 400 for a parameter of the query.
    pub fn argument(name: &str, reason: impl Into<String>) -> Problem {
        Problem::bad(json!({"cause": "Argument value error", "detail": name, "reason": reason.into()}))
    }

    /// 400 for a body that is no JSON.
    pub fn no_json(error: &serde_json::Error) -> Problem {
        // What clients of Gnocchi know an empty body by.
        let nothing = error.is_eof() && error.line() <= 1 && error.column() == 0;
        let reason = if nothing { "Expected object or value".to_owned() } else { error.to_string() };
        Problem::bad(json!({"cause": "Unable to decode body", "reason": reason, "detail": []}))
    }

    /// 401, asking for a user and a password where that helps.
    pub fn unauthorized(challenge: Option<HeaderValue>) -> Problem {
        let mut problem = Problem::new(StatusCode::UNAUTHORIZED, "");
        problem.headers.extend(challenge.map(|one| (WWW_AUTHENTICATE, one)));
        problem
    }

    /// 403
    pub fn forbidden() -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "")
    }

    /// 404
    pub fn not_found(detail: impl Into<Value>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// 409
    pub fn conflict(detail: impl Into<Value>) -> Problem {
        Problem::new(StatusCode::CONFLICT, detail)
    }

    /// 415
    pub fn other_media() -> Problem {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "")
    }

    /// 503: later it may go.
    pub fn busy(detail: impl Into<Value>) -> Problem {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        problem.with(hyper::header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 500: our fault, or that of the machine. The caller learns that, the log learns what.
    pub fn ours(trouble: impl Into<String>) -> Problem {
        let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the server's log says what happened");
        Problem { trouble: Some(trouble.into()), ..problem }
    }

    /// The same, with what the log is to say.
    #[must_use]
    pub fn with_trouble(self, trouble: String) -> Problem {
        Problem { trouble: Some(trouble), ..self }
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.headers.push((name, value));
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Problem {
        Problem { status, ..self }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer that says so, in the form that `accept`, a request's header, asks for.
    pub fn answer(self, accept: Option<&str>) -> Answer {
        if self.status == StatusCode::NOT_MODIFIED {
            return Answer { status: self.status, headers: self.headers, content: Content::Empty };
        }
        let accept = accept.unwrap_or_default();
        let title = self.status.canonical_reason().unwrap_or_default();
        let status = format!("{} {title}", self.status.as_u16());
        let explanation = explanation(self.status);
        let (media, text) = if accepts_json(accept) {
            let body = json!({"code": self.status.as_u16(), "title": title, "description": self.detail});
            ("application/json", body.to_string())
        } else if accept.contains("html") || accept.contains("*/*") {
            let (explanation, detail) = (escaped(explanation), escaped(&words(&self.detail)));
            let page = format!(
                "<html>\n <head>\n  <title>{status}</title>\n </head>\n <body>\n  <h1>{status}</h1>\n  \
                 {explanation}<br /><br />\n{detail}\n\n\n </body>\n</html>"
            );
            ("text/html; charset=UTF-8", page)
        } else {
            let detail = words(&self.detail);
            ("text/plain; charset=UTF-8", format!("{status}\n\n{explanation}\n\n{detail}\n\n"))
        };
        let mut headers = self.headers;
        headers.push((CONTENT_TYPE, HeaderValue::from_static(media)));
        Answer { status: self.status, headers, content: Content::Whole(text.into_bytes()) }
    }
}

/// Whether JSON is what is liked best: of what an `Accept` lists with the same weight the first of text, HTML and JSON.
fn accepts_json(accept: &str) -> bool {
    let json = weight(accept, "application/json");
    json > weight(accept, "text/plain") && json > weight(accept, "text/html")
}

/// Whether an `Accept` takes that media type at all.
pub(super) fn accepts(accept: &str, media: &str) -> bool {
    weight(accept, media) > 0.0
}

/// How much a media type is liked (RFC 9110, 12.5.1).
fn weight(accept: &str, media: &str) -> f64 {
    let (kind, _) = media.split_once('/').unwrap_or_default();
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?;
        let exactness = match name {
            _ if name.eq_ignore_ascii_case(media) => 3,
            _ if name.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(kind)) => 2,
            "*/*" => 1,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok());
        Some((exactness, quality.unwrap_or(1.0_f64)))
    });
    ranges.max_by_key(|(exactness, _)| *exactness).map_or(0.0, |(_, quality)| quality)
}

/// A detail as people read it: a text as it is, an object as JSON.
fn words(detail: &Value) -> String {
    match detail {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What WebOb does to a text on its way into a page: nothing but ASCII is left, and nothing that is HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            ascii if ascii.is_ascii() => out.push(ascii),
            other => out.push_str(&format!("&#{};", u32::from(other))),
        }
    }
    out
}

/// What a status means; that something is not there or denied in the words that clients of WebOb look for.
fn explanation(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request cannot be understood or is not as it must be.",
        StatusCode::UNAUTHORIZED => {
            "The request does not say who makes it, or not in a way that is believed here."
        }
        StatusCode::FORBIDDEN => "Access was denied to this resource.",
        StatusCode::NOT_FOUND => "The resource could not be found.",
        StatusCode::METHOD_NOT_ALLOWED => "This cannot be done with what is here.",
        StatusCode::CONFLICT => "There is something in the way.",
        StatusCode::PRECONDITION_FAILED => "The condition of the request does not hold.",
        StatusCode::PAYLOAD_TOO_LARGE => "The body is longer than is taken here.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "A body of this content type is not taken here.",
        StatusCode::NOT_IMPLEMENTED => "This is not done here.",
        StatusCode::SERVICE_UNAVAILABLE => "This cannot be done now; try again.",
        _ => "The request was not done.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(problem: Problem, accept: Option<&str>) -> (String, String) {
        let answer = problem.answer(accept);
        let media = answer.headers.iter().find(|(name, _)| name == CONTENT_TYPE).unwrap();
        let Content::Whole(bytes) = answer.content else { panic!("no body") };
        (media.1.to_str().unwrap().to_owned(), String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_problem_is_told_as_the_caller_accepts_it() {
        let problem = || Problem::not_found("Metric <é> does not exist");
        let (media, text) = told(problem(), None);
        assert_eq!(media, "text/plain; charset=UTF-8");
        assert!(
            text.starts_with("404 Not Found\n\n") && text.contains("Metric <é> does not exist"),
            "{text}"
        );
        let (media, page) = told(problem(), Some("*/*"));
        assert_eq!(media, "text/html; charset=UTF-8");
        assert!(page.contains("Metric &lt;&#233;&gt; does not exist"), "{page}");
        let (media, json) = told(problem(), Some("application/json"));
        assert_eq!(media, "application/json");
        assert_eq!(json, r#"{"code":404,"title":"Not Found","description":"Metric <é> does not exist"}"#);
    }

    #[test]
    fn json_is_told_when_it_is_liked_best() {
        assert!(accepts_json("application/json"));
        assert!(accepts_json("text/html;q=0.5, application/json;q=0.9"));
        for other in ["", "*/*", "text/html, application/json;q=0.9", "text/plain, application/json"] {
            assert!(!accepts_json(other), "{other}");
        }
    }

    #[test]
    fn an_invalid_value_is_named_with_its_place() {
        let (_, text) = told(Problem::invalid("expected str", &["metrics", "cpu"]), Some("application/json"));
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["description"]["reason"], "expected str @ data['metrics']['cpu']");
        assert_eq!(told["description"]["detail"], json!(["metrics", "cpu"]));
    }
}
