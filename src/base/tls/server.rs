//! What TLS servers are set up with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::TlsError;
use super::files::{certificates, of_pair, private_key, unusable};
use crate::base::{Failure, Url};

/// The options of an address that [`ServerFiles::of_url`] reads.
pub const SERVER_OPTIONS: [&str; 3] = ["cert", "key", "client_ca"];

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

impl ServerFiles {
    /// Those that [`SERVER_OPTIONS`] name.
    ///
    /// # Errors
    /// [`Failure::Usage`] when the certificate or the key is missing.
    pub fn of_url(url: &Url) -> Result<ServerFiles, Failure> {
        match (url.value("cert")?, url.value("key")?) {
            (Some(certificates), Some(key)) => Ok(ServerFiles {
                certificates: certificates.into(),
                key: key.into(),
                client_authorities: url.value("client_ca")?.map(Into::into),
            }),
            _ => Err(url.usage(&format_args!("{} needs cert=FILE and key=FILE", url.scheme()))),
        }
    }
}

/// What a server that speaks TLS is set up with.
pub type ServerTls = Arc<ServerConfig>;

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
        .map_err(TlsError::Library)?;
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

/// The authorities of a file, all of which must be usable.
fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    Ok(roots)
}
