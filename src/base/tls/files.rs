//! PEM files, and why one is no good.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use crate::base::Failure;

/// A chain of certificates is a few kilobytes, all authorities of the web are 200 KiB.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a file is no good for TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// A part of a sentence.
        why: String,
    },
    /// Two files do not belong together.
    #[error("the key in {} is not that of the certificate in {}", key.display(), certificates.display())]
    Mismatch {
        /// The file of the certificate.
        certificates: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// No authorities are named, and the system has none.
    #[error("no certificates to trust: there is none of {places}; name a file with ca=")]
    NoAuthorities {
        /// Where they were looked for.
        places: String,
    },
    /// The library cannot be set up; no file is to blame.
    #[error("TLS cannot be set up: {0}")]
    Library(rustls::Error),
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Failure {
        match error {
            TlsError::Library(_) => Failure::Bug(error.to_string()),
            error => Failure::Configuration(vec![error.to_string()]),
        }
    }
}

/// All certificates of a file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| unusable(path, &error))?;
    match found.is_empty() {
        true => Err(unusable(path, &"has no certificate in it (a PEM file has -----BEGIN CERTIFICATE-----)")),
        false => Ok(found),
    }
}

/// The first private key of a file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound if memchr::memmem::find(&text, b"ENCRYPTED PRIVATE KEY").is_some() => {
            unusable(path, &"the key is encrypted: a daemon has nobody to ask for the password")
        }
        pem::Error::NoItemsFound => {
            unusable(path, &"has no private key in it (a PEM file has -----BEGIN PRIVATE KEY-----)")
        }
        error => unusable(path, &error),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > FILE_BYTES_MAX {
        return Err(unusable(path, &format_args!("{size} bytes are no certificates")));
    }
    std::fs::read(path).map_err(unreadable)
}

/// A file that is not what it should be.
pub fn unusable(path: &Path, why: &dyn fmt::Display) -> TlsError {
    TlsError::Unusable { path: path.to_owned(), why: why.to_string() }
}

/// What rustls says of a certificate and a key together.
pub fn of_pair(error: rustls::Error, certificates: &Path, key: &Path) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { certificates: certificates.to_owned(), key: key.to_owned() }
        }
        rustls::Error::InvalidCertificate(_) => unusable(certificates, &error),
        _ => unusable(key, &error),
    }
}
