//! What TLS clients are set up with: whom to trust, and who we are.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::TlsError;
use super::files::{certificates, of_pair, private_key, unusable};
use crate::base::{Failure, Url};

/// The options of an address that [`ClientFiles::of_url`] reads.
pub const CLIENT_OPTIONS: [&str; 4] = ["ca", "cert", "key", "verify"];

/// Where systems keep the authorities they trust: Debian, Fedora, Alpine and others.
const SYSTEM_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// How a server's certificate is checked, and which one is shown to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// Authorities that are trusted, PEM; the system's when there is none.
    pub ca: Option<PathBuf>,
    /// Our certificate with its chain, PEM, when the server asks for one.
    pub cert: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<PathBuf>,
    /// Whether any certificate is taken.
    pub unverified: bool,
}

impl ClientFiles {
    /// Those that [`CLIENT_OPTIONS`] name.
    ///
    /// # Errors
    /// [`Failure::Usage`] when there is a certificate without a key, a key without a certificate, or a word other
    /// than yes and no.
    pub fn of_url(url: &Url) -> Result<ClientFiles, Failure> {
        let path = |key: &str| Ok::<_, Failure>(url.value(key)?.map(Into::into));
        let files = ClientFiles {
            ca: path("ca")?,
            cert: path("cert")?,
            key: path("key")?,
            unverified: url.choice("verify", &["yes", "no"])? == "no",
        };
        if files.cert.is_some() != files.key.is_some() {
            return Err(url.usage(&"cert and key belong together: give both or none"));
        }
        Ok(files)
    }
}

/// The set-up of a client. Reads the files; keeps what resumes sessions, so one serves all connections to a receiver.
///
/// # Errors
/// [`TlsError`] names the file that cannot be used.
pub fn client(files: &ClientFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Library)?;
    let config = if files.unverified {
        config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        config.with_root_certificates(roots(files)?)
    };
    let config = match (&files.cert, &files.key) {
        (Some(cert), Some(key)) => config
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|error| of_pair(error, cert, key))?,
        _ => config.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(files: &ClientFiles) -> Result<RootCertStore, TlsError> {
    let system = || SYSTEM_BUNDLES.iter().map(PathBuf::from).find(|path| path.exists());
    let Some(path) = files.ca.clone().or_else(system) else {
        return Err(TlsError::NoAuthorities { places: SYSTEM_BUNDLES.join(", ") });
    };
    // A bundle may hold some that are out of date or fashion; the others are no worse for it.
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(&path)?);
    if added == 0 {
        return Err(unusable(&path, &"holds no certificate that can be used"));
    }
    Ok(roots)
}

/// Takes every certificate, as `verify=no` asks; what is signed with it is still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
