//! Files that are read whole: configurations and secrets, up to a size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Definitions, rules and pipelines: a thousand times the largest that are known.
pub const CONFIGURATION_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// All bytes of a file. Devices have no size that could be asked for: what is read is what is counted.
///
/// # Errors
/// What the system said; [`io::ErrorKind::InvalidData`] for more than `bytes_max` bytes.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let why = format!("more than {bytes_max} bytes, which are read at most");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

/// As [`read`], of a file that is text.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8");
    String::from_utf8(read(path, bytes_max)?).map_err(not_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::Directory;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_a_device_is_refused() {
        let directory = Directory::new("small-file");
        let path = directory.0.join("f");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(Path::new("/dev/zero"), 1000).unwrap_err().kind(), io::ErrorKind::InvalidData);
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 5).unwrap_err().to_string(), "not UTF-8");
    }
}
