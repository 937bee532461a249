//! TLS towards a broker: the set-up of any client, as the two libraries want it.

use amqprs::tls::TlsAdaptor;
use tokio_rustls::TlsConnector;

use crate::base::tls::{ClientFiles, TlsError, client};

/// Everything a connection to `host` needs. Reads the files.
///
/// # Errors
/// [`TlsError`] with the file that cannot be used.
pub fn adaptor(files: &ClientFiles, host: &str) -> Result<TlsAdaptor, TlsError> {
    Ok(TlsAdaptor::new(connector(files)?, host.to_owned()))
}

/// As [`adaptor`], to connect by hand.
///
/// # Errors
/// As [`adaptor`].
pub fn connector(files: &ClientFiles) -> Result<TlsConnector, TlsError> {
    Ok(TlsConnector::from(client(files)?))
}
