//! TLS towards a broker: whom to trust, and who we are.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use amqprs::tls::TlsAdaptor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::base::Failure;

/// Where systems keep the authorities they trust: Debian, Fedora, Alpine and others.
const SYSTEM_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// How a broker's certificate is checked, and which one is shown to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities that are trusted, PEM; the system's when there is none.
    pub ca: Option<PathBuf>,
    /// Our certificate with its chain, PEM, when the broker asks for one.
    pub cert: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<PathBuf>,
    /// Whether any certificate is taken.
    pub unverified: bool,
}

impl Tls {
    /// Everything a connection to `host` needs. Reads the files.
    ///
    /// # Errors
    /// [`Failure::Configuration`] with the file that cannot be used.
    pub fn adaptor(&self, host: &str) -> Result<TlsAdaptor, Failure> {
        Ok(TlsAdaptor::new(self.connector()?, host.to_owned()))
    }

    /// As [`Tls::adaptor`], to connect by hand.
    ///
    /// # Errors
    /// As [`Tls::adaptor`].
    pub fn connector(&self) -> Result<TlsConnector, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::Bug(error.to_string()))?;
        let config = if self.unverified {
            config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            config.with_root_certificates(self.roots()?)
        };
        let config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
                config.with_client_auth_cert(chain, private).map_err(|error| unusable(cert, &error))?
            }
            _ => config.with_no_client_auth(),
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore, Failure> {
        let system = || SYSTEM_BUNDLES.iter().map(PathBuf::from).find(|path| path.exists());
        let Some(path) = self.ca.clone().or_else(system) else {
            let bundles = SYSTEM_BUNDLES.join(", ");
            return Err(Failure::Configuration(vec![format!(
                "no certificates to trust: there is none of {bundles}; name a file with ca="
            )]));
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates(&path)?);
        if added == 0 {
            return Err(unusable(&path, &"holds no certificate"));
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, &error))?;
    read.collect::<Result<Vec<_>, _>>().map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> Failure {
    Failure::Configuration(vec![format!("{}: {why}", path.display())])
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
