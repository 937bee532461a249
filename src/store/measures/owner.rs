//! Whose the files of a store are: those who own its folders.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Gid, Uid, fchown};

use super::MeasuresError;

/// Gives a file that root made to the owner of its folder, as SQLite does with its own: a service that runs as somebody else
/// could not write to it any more.
pub(super) fn give_to_owner(file: &File, path: &Path) -> Result<(), MeasuresError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let cannot = MeasuresError::io("cannot give away", path);
    let given = || {
        let folder = fs::metadata(path.parent().unwrap_or(Path::new(".")))?;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) == (folder.uid(), folder.gid()) {
            return Ok(());
        }
        Ok(fchown(file, Some(Uid::from_raw(folder.uid())), Some(Gid::from_raw(folder.gid())))?)
    };
    given().map_err(cannot)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;
    use crate::base::testing::Directory;

    #[test]
    fn what_root_makes_is_the_folders_owners() {
        let folder = Directory::new("measures-owner");
        let path = folder.0.join("file");
        let file = File::create(&path).unwrap();
        // Only root may give away, and only then is there anything to give.
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            chown(&folder.0, Some(65_534), Some(65_533)).unwrap();
        }
        give_to_owner(&file, &path).unwrap();
        let (made, owner) = (fs::metadata(&path).unwrap(), fs::metadata(&folder.0).unwrap());
        assert_eq!((made.uid(), made.gid() == owner.gid() || !is_root), (owner.uid(), true));
    }
}
