//! An alarm action: where a notification goes, as a URL.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Where a notification goes; one that is here can be opened, as far as its text alone can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    url: String,
    target: Target,
}

/// What the URL of an [`Action`] asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `log:`: a line on standard error.
    Log,
    /// `exec:PROGRAM [ARGUMENT]...`: a program and its arguments, at least one word; no shell.
    Command(Vec<String>),
    /// `http:` or `https:`: a request to [`Action::url`].
    Webhook,
}

/// A URL that is no action.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadAction {
    /// A scheme without a notifier; Aodh's words.
    #[error("unsupported action \"{0}\" (log:, exec:, http: and https: are supported)")]
    Unsupported(String),
    /// `exec:` with no program, or with a quote that is not closed.
    #[error("action \"{url}\" {why}")]
    Command {
        /// The action.
        url: String,
        /// What its words lack.
        why: &'static str,
    },
    /// `http:` without a host, or with blanks or control characters.
    #[error("action \"{0}\" is no URL of the form http://HOST[:PORT]/PATH")]
    Url(String),
}

impl Action {
    /// The URL as it was written.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the URL asks for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The action as messages name it: a webhook without user, password, path and query, which often are secrets.
    pub fn label(&self) -> String {
        match &self.target {
            Target::Log => "log:".to_owned(),
            Target::Command(words) => format!("exec:{}", words.first().map_or("", String::as_str)),
            Target::Webhook => {
                let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
                format!("{scheme}://{}", host(rest))
            }
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

impl FromStr for Action {
    type Err = BadAction;

    fn from_str(url: &str) -> Result<Action, BadAction> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        // Aodh hands `log://` back as `log:`: both are the same.
        let after_slashes = rest.strip_prefix("//");
        let target = match scheme.to_ascii_lowercase().as_str() {
            "log" => Target::Log,
            "exec" => Target::Command(words(url, after_slashes.unwrap_or(rest))?),
            "http" | "https" => {
                let blank = |c: char| c.is_whitespace() || c.is_control();
                match after_slashes.map(host) {
                    Some(name) if !name.is_empty() && !name.starts_with(':') && !url.contains(blank) => {}
                    _ => return Err(BadAction::Url(url.to_owned())),
                }
                Target::Webhook
            }
            _ => return Err(BadAction::Unsupported(url.to_owned())),
        };
        Ok(Action { url: url.to_owned(), target })
    }
}

/// The words of a command line, as a POSIX shell splits and unquotes them; nothing is expanded.
fn words(url: &str, line: &str) -> Result<Vec<String>, BadAction> {
    let bad = |why| BadAction::Command { url: url.to_owned(), why };
    let words = shell_words::split(line).map_err(|_| bad("has a quote that is not closed"))?;
    if words.first().is_none_or(String::is_empty) {
        return Err(bad("names no program"));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(bad("holds a NUL"));
    }
    Ok(words)
}

/// `HOST[:PORT]` of what follows the `//` of a URL.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_gives_its_target() {
        let target = |url: &str| url.parse::<Action>().map(|action| action.target);
        let command = |words: &[&str]| Ok(Target::Command(words.iter().map(|&w| w.to_owned()).collect()));
        assert_eq!(target("log:"), Ok(Target::Log));
        assert_eq!(target("log://"), Ok(Target::Log));
        assert_eq!(
            target("exec:/bin/page -t 'on call' \"a b\" $HOME"),
            command(&["/bin/page", "-t", "on call", "a b", "$HOME"])
        );
        assert_eq!(target("exec:///bin/page"), command(&["/bin/page"]));
        assert_eq!(target("http://h:80/x?y=1"), Ok(Target::Webhook));
        assert_eq!(target("HTTPS://h"), Ok(Target::Webhook));
    }

    #[test]
    fn what_cannot_be_opened_is_refused() {
        for url in ["", "mail:x", "zaqar://?topic=x", "trust+http://h/", "h/x", "logs:"] {
            assert_eq!(url.parse::<Action>(), Err(BadAction::Unsupported(url.into())), "{url}");
        }
        for url in ["exec:", "exec://", "exec:'' x", "exec:/bin/x 'y"] {
            assert!(matches!(url.parse::<Action>(), Err(BadAction::Command { .. })), "{url}");
        }
        for url in ["http:", "http://", "http:///x", "https://:80/", "http:h", "http://h/a b"] {
            assert!(matches!(url.parse::<Action>(), Err(BadAction::Url(_))), "{url}");
        }
    }

    #[test]
    fn a_label_holds_no_secret() {
        let label = |url: &str| url.parse::<Action>().unwrap().label();
        assert_eq!(label("https://user:word@h.example:8443/hook/s3cret?token=x"), "https://h.example:8443");
        assert_eq!(label("exec:/bin/page --token x"), "exec:/bin/page");
    }
}
