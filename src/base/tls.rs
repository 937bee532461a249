//! Certificates and keys from PEM files, as what TLS servers are set up with.
//!
//! TLS 1.2 and 1.3 by rustls; no choice of ciphers is offered, because none of its are weak.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use thiserror::Error;

use super::Failure;

/// A chain of certificates is a few kilobytes, all authorities of the web are 200 KiB.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where a server's identity is, and who may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// The server's certificate, then those between it and the authority.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities that clients' certificates come from; none when clients need no certificate.
    pub client_authorities: Option<PathBuf>,
}

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
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Failure {
        Failure::Configuration(vec![error.to_string()])
    }
}

/// The set-up of a server.
///
/// # Errors
/// [`TlsError`] names the file that cannot be used.
pub fn server(files: &ServerFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let certificates = certificates(&files.certificates)?;
    let key = private_key(&files.key)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&files.certificates, &error))?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| unusable(path, &error))?)
        }
    };
    let config = builder
        .with_single_cert(certificates, key)
        .map_err(|error| of_pair(error, &files.certificates, &files.key))?;
    Ok(Arc::new(config))
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    Ok(roots)
}

/// All certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| unusable(path, &error))?;
    match found.is_empty() {
        true => Err(unusable(path, &"has no certificate in it (a PEM file has -----BEGIN CERTIFICATE-----)")),
        false => Ok(found),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
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

fn unusable(path: &Path, why: &dyn fmt::Display) -> TlsError {
    TlsError::Unusable { path: path.to_owned(), why: why.to_string() }
}

/// What rustls says of a certificate and a key together.
fn of_pair(error: rustls::Error, certificates: &Path, key: &Path) -> TlsError {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { certificates: certificates.to_owned(), key: key.to_owned() }
        }
        rustls::Error::InvalidCertificate(_) => unusable(certificates, &error),
        _ => unusable(key, &error),
    }
}
