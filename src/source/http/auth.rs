//! Who may post: a token or a user and password, compared without a hint of how much of them was right.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::base::{Failure, Secret, small_file};

/// A list of users is short; more than this is the wrong file.
const USERS_BYTES_MAX: u64 = 1024 * 1024;

/// The digest of a secret: of one length whatever the secret, so that comparing two tells nothing of it.
type Fingerprint = [u8; 32];

/// What a request must show.
#[derive(Clone, Default)]
pub struct Guard {
    token: Option<Fingerprint>,
    users: Vec<Fingerprint>,
}

impl Guard {
    /// Takes up what is in the files: one token; lines of `user:password`. With neither, everybody is let in.
    ///
    /// # Errors
    /// [`Failure::Configuration`] when a file cannot be used.
    pub fn from_files(token: Option<&Path>, users: Option<&Path>) -> Result<Guard, Failure> {
        let token = token
            .map(|path| match Secret::from_file(path)? {
                secret if secret.bytes().is_empty() => {
                    Err(refuse(path, &"a token is needed, and this is empty"))
                }
                secret => Ok(fingerprint(secret.bytes())),
            })
            .transpose()?;
        let users = users.map(read_users).transpose()?.unwrap_or_default();
        Ok(Guard { token, users })
    }

    /// Whether everybody is let in.
    pub fn is_open(&self) -> bool {
        self.token.is_none() && self.users.is_empty()
    }

    /// Whether a request with this `Authorization` is let in.
    pub fn admits(&self, header: Option<&[u8]>) -> bool {
        if self.is_open() {
            return true;
        }
        let Some((scheme, rest)) = header.and_then(|header| {
            let at = memchr::memchr(b' ', header)?;
            Some((&header[..at], header[at..].trim_ascii()))
        }) else {
            return false;
        };
        // "Token" is the word of InfluxDB's clients.
        if scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"token") {
            let shown = fingerprint(rest);
            return self.token.iter().fold(false, |found, known| found | same(&shown, known));
        }
        if scheme.eq_ignore_ascii_case(b"basic") {
            let shown = STANDARD.decode(rest).map(|pair| fingerprint(&pair));
            // Every user is compared with, so that the time does not say which one it was.
            return shown.is_ok_and(|shown| {
                self.users.iter().fold(false, |found, known| found | same(&shown, known))
            });
        }
        false
    }

    /// What `WWW-Authenticate` says to somebody who is not let in.
    pub fn challenge(&self) -> &'static str {
        match (self.token.is_some(), self.users.is_empty()) {
            (true, false) => "Bearer realm=\"telemetry\", Basic realm=\"telemetry\"",
            (true, true) => "Bearer realm=\"telemetry\"",
            _ => "Basic realm=\"telemetry\", charset=\"UTF-8\"",
        }
    }
}

fn read_users(path: &Path) -> Result<Vec<Fingerprint>, Failure> {
    let text = small_file::read(path, USERS_BYTES_MAX).map_err(|error| refuse(path, &error))?;
    let mut users = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if !line.contains(&b':') {
            return Err(refuse(path, &format_args!("line {}: a line is user:password", index + 1)));
        }
        users.push(fingerprint(line));
    }
    match users.is_empty() {
        true => Err(refuse(path, &"has no user in it: lines are user:password")),
        false => Ok(users),
    }
}

fn refuse(path: &Path, why: &dyn fmt::Display) -> Failure {
    Failure::Configuration(vec![format!("{}: {why}", path.display())])
}

fn fingerprint(secret: &[u8]) -> Fingerprint {
    Sha256::digest(secret).into()
}

/// Whether two are the same, in a time that does not depend on where they differ.
fn same(one: &Fingerprint, other: &Fingerprint) -> bool {
    one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::base::testing::Directory;

    #[test]
    fn a_token_or_a_user_is_let_in_and_nobody_else() {
        let directory = Directory::new("http-auth");
        let (token, users) = (directory.0.join("token"), directory.0.join("users"));
        fs::write(&token, "s3cret\n").unwrap();
        fs::write(&users, "ann:a:b\r\n\nbob:\u{fc}\n").unwrap();
        let both = Guard::from_files(Some(&token), Some(&users)).unwrap();
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        let admits = |guard: &Guard, header: &str| guard.admits(Some(header.as_bytes()));
        assert!(admits(&both, "Bearer s3cret") && admits(&both, "bearer  s3cret"));
        assert!(admits(&both, "Token s3cret"));
        assert!(admits(&both, &basic("ann:a:b")) && admits(&both, &basic("bob:\u{fc}")));
        for wrong in ["", "Bearer", "Bearer ", "Bearer s3cre", "Basic s3cret", "Digest s3cret"] {
            assert!(!admits(&both, wrong), "{wrong}");
        }
        for wrong in ["ann:a", "ann:", ":", "", "bob", "eve:a:b"] {
            assert!(!admits(&both, &basic(wrong)), "{wrong}");
        }
        assert!(!both.admits(None));
        let token_only = Guard::from_files(Some(&token), None).unwrap();
        assert!(!admits(&token_only, &basic("ann:a:b")));
        assert!(both.challenge().contains("Basic") && !token_only.challenge().contains("Basic"));
        assert!(Guard::default().admits(None));
    }

    #[test]
    fn a_file_without_a_secret_is_refused() {
        let directory = Directory::new("http-auth-bad");
        let path = directory.0.join("file");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            let users = Guard::from_files(None, Some(&path)).err().map(|failure| failure.to_string());
            users.unwrap_or_default()
        };
        assert!(refused("").ends_with("has no user in it: lines are user:password"));
        assert!(refused("ann:x\nbob\n").ends_with("line 2: a line is user:password"));
        fs::write(&path, "\n").unwrap();
        assert!(Guard::from_files(Some(&path), None).is_err());
    }
}
