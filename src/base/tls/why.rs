//! Why TLS with somebody came to nothing, in words for whoever can do something about it.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// What `error` means; "it" is the other side.
pub fn write(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => f.write_str("it does not speak TLS"),
        Error::NoCertificatesPresented => f.write_str("it shows no certificate"),
        Error::InvalidCertificate(error) => certificate(error, f),
        Error::AlertReceived(alert) => alerted(*alert, f),
        error => write!(f, "{error}"),
    }
}

fn certificate(error: &CertificateError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        CertificateError::UnknownIssuer => {
            f.write_str("its certificate comes from an authority that is not among those trusted")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            f.write_str("its certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            f.write_str("its certificate is not valid yet: is the clock right?")
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let names: Vec<&str> = presented.iter().map(|name| plain_name(name)).collect();
            match names.is_empty() {
                true => write!(f, "its certificate names nobody (no subjectAltName), and not {expected}"),
                false => write!(f, "its certificate is for {}, not for {expected}", names.join(", ")),
            }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            f.write_str("its certificate is for another purpose (extendedKeyUsage)")
        }
        // What openssl makes of `req -x509` unless told otherwise.
        CertificateError::Other(other) if other.0.to_string().contains("CaUsedAsEndEntity") => f.write_str(
            "its certificate is an authority's own (basicConstraints=CA:TRUE), which is no server's",
        ),
        error => write!(f, "its certificate is no good: {error}"),
    }
}

/// rustls shows names as `DnsName("x")` and `IpAddress(1.2.3.4)`.
fn plain_name(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

fn alerted(alert: AlertDescription, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match alert {
        AlertDescription::UnknownCA => {
            f.write_str("it does not trust our certificate: it does not know the authority")
        }
        AlertDescription::CertificateRequired => f.write_str("it wants a certificate of us"),
        AlertDescription::CertificateExpired => f.write_str("it says that our certificate has expired"),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => {
            write!(f, "it does not take our certificate (alert {alert:?})")
        }
        alert => write!(f, "it refuses us (alert {alert:?})"),
    }
}
