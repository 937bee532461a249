//! Where the store is, and how it is opened.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::base::Failure;
use crate::store::Store;

/// Of the machine's own store, for root.
const SYSTEM_FOLDER: &str = "/var/lib/telemetry";

/// Which store.
#[derive(Args, Debug)]
#[command(next_help_heading = "Store")]
pub struct StoreArgs {
    /// The store, a folder
    ///
    /// Without it $TELEMETRY_STORE; else /var/lib/telemetry for root, and for others telemetry in $XDG_DATA_HOME or
    /// ~/.local/share.
    #[arg(long, value_name = "FOLDER", env = "TELEMETRY_STORE", hide_env = true, value_hint = ValueHint::DirPath)]
    store: Option<PathBuf>,
}

impl StoreArgs {
    /// Opens the store.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.folder()?)?)
    }

    /// Opens the store, and makes it where there is none.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn open_or_create(&self, defaults: bool) -> Result<Store, Failure> {
        Ok(Store::open_or_create(&self.folder()?, defaults)?)
    }

    /// The folder of the store.
    ///
    /// # Errors
    /// When nothing says where it is.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.store {
            return Ok(folder.clone());
        }
        if rustix::process::geteuid().is_root() {
            return Ok(PathBuf::from(SYSTEM_FOLDER));
        }
        // A relative path is no path there (XDG Base Directory Specification).
        let absolute =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        data.map(|data| data.join("telemetry"))
            .ok_or_else(|| Failure::Usage("where is the store? Neither --store nor $HOME says it".to_owned()))
    }
}
