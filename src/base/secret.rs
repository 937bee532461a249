//! A secret: read from a file, never printed.

use std::fmt;
use std::path::Path;

use super::{Failure, small_file};

/// A secret is a line; more than this is the wrong file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Bytes that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// These bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Secret {
        Secret(bytes.into())
    }

    /// The first line of a file, without its end: an editor's last line feed is no part of a secret.
    ///
    /// # Errors
    /// [`Failure::Configuration`] when it cannot be read, or holds more than one line.
    pub fn from_file(path: &Path) -> Result<Secret, Failure> {
        let refuse =
            |why: &dyn fmt::Display| Failure::Configuration(vec![format!("{}: {why}", path.display())]);
        let bytes = small_file::read(path, SECRET_BYTES_MAX).map_err(|error| refuse(&error))?;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.contains(&b'\n') {
            return Err(refuse(&"a secret is one line, and this has more"));
        }
        Ok(Secret(line.to_vec()))
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::base::testing::Directory;

    #[test]
    fn one_line_is_a_secret_and_is_not_shown() {
        let directory = Directory::new("secret");
        let path = directory.0.join("s");
        for text in ["pass\u{f6}rd", "pass\u{f6}rd\n", "pass\u{f6}rd\r\n"] {
            fs::write(&path, text).unwrap();
            let secret = Secret::from_file(&path).unwrap();
            assert_eq!(secret.bytes(), "pass\u{f6}rd".as_bytes());
            assert_eq!(format!("{secret:?}"), "Secret(***)");
        }
        fs::write(&path, "a\nb\n").unwrap();
        assert_eq!(Secret::from_file(&path).unwrap_err().status(), 78);
        assert_eq!(Secret::from_file(&directory.0.join("none")).unwrap_err().status(), 78);
        assert_eq!(Secret::from_file(Path::new("/dev/zero")).unwrap_err().status(), 78);
    }
}
