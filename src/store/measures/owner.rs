//! Whose the files of a store are: those who own its folders.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Gid, OFlags, Uid, fchown};

use super::MeasuresError;

/// How files of a store are opened: never through a link, which whoever owns the folder may have put there for root to follow.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NOFOLLOW.bits() as i32);
    options
}

/// Gives a file or folder that root has just made to the owner of the folder that it is in: a service that runs as somebody else
/// could not write to it any more. What is not new is left alone, whoever's it is.
pub(super) fn give_to_owner(made: &File, path: &Path) -> Result<(), MeasuresError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let given = || {
        let folder = fs::metadata(path.parent().unwrap_or(Path::new(".")))?;
        let found = made.metadata()?;
        let is_new =
            found.uid() == 0 && (found.is_dir() || found.is_file() && found.nlink() == 1 && found.len() == 0);
        if !is_new || (found.uid(), found.gid()) == (folder.uid(), folder.gid()) {
            return Ok(());
        }
        Ok(fchown(made, Some(Uid::from_raw(folder.uid())), Some(Gid::from_raw(folder.gid())))?)
    };
    given().map_err(MeasuresError::io("cannot give away", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

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

    #[test]
    fn nothing_is_given_away_that_was_there_before() {
        let folder = Directory::new("measures-owner-before");
        let (secret, inside) = (folder.0.join("secret"), folder.0.join("inside"));
        fs::create_dir(&inside).unwrap();
        fs::write(&secret, "root's").unwrap();
        let owner = fs::metadata(&secret).unwrap().uid();
        if owner == 0 {
            chown(&inside, Some(65_534), Some(65_534)).unwrap();
        }
        let path = inside.join("lock");
        symlink(&secret, &path).unwrap();
        assert!(options().write(true).create(true).truncate(false).open(&path).is_err());
        fs::remove_file(&path).unwrap();
        fs::hard_link(&secret, &path).unwrap();
        let file = options().write(true).create(true).truncate(false).open(&path).unwrap();
        give_to_owner(&file, &path).unwrap();
        assert_eq!(fs::metadata(&secret).unwrap().uid(), owner);
    }
}
