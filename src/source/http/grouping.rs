//! The labels in the path of what is pushed as to a Prometheus Pushgateway: `/metrics/job/NAME/LABEL/VALUE`.
//!
//! A value with a slash in it, or an empty one, is written in base64 behind `LABEL@base64`, as the Pushgateway's
//! interface has it.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;

use crate::base::percent;

/// Base64 for URLs; the Pushgateway takes it with and without padding.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a path names no group.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadGrouping {
    /// It does not begin with a job.
    #[error("the path is not /metrics/job/NAME/LABEL/VALUE")]
    NoJob,
    /// A label stands there without its value.
    #[error("label {0:?} has no value")]
    NoValue(String),
    /// No metric can have a label of this name.
    #[error("{0:?} is no name of a label")]
    BadName(String),
    /// Its value cannot be read.
    #[error("the value of label {0:?} is not UTF-8 in %XX or base64")]
    BadValue(String),
}

/// The labels of `path`, which begins with `/metrics/`; `job` first.
///
/// # Errors
/// [`BadGrouping`] says what is wrong with it.
pub fn labels(path: &str) -> Result<Vec<(String, String)>, BadGrouping> {
    let path = path.strip_prefix("/metrics/").ok_or(BadGrouping::NoJob)?;
    let mut parts = path.strip_suffix('/').unwrap_or(path).split('/');
    let mut labels = Vec::new();
    while let Some(name) = parts.next() {
        let (name, is_base64) = name.strip_suffix("@base64").map_or((name, false), |name| (name, true));
        if labels.is_empty() && name != "job" {
            return Err(BadGrouping::NoJob);
        }
        if !is_label(name) {
            return Err(BadGrouping::BadName(name.to_owned()));
        }
        let text = parts.next().ok_or_else(|| BadGrouping::NoValue(name.to_owned()))?;
        let bytes = percent::decoded(text);
        let bytes = match is_base64 {
            // A padding alone stands for nothing: two slashes in a row may not reach a server.
            true => bytes.and_then(|text| URL_SAFE.decode(text.strip_suffix(b"=").unwrap_or(&text)).ok()),
            false => bytes,
        };
        let value = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        labels.push((name.to_owned(), value.ok_or_else(|| BadGrouping::BadValue(name.to_owned()))?));
    }
    match labels.first() {
        Some((_, job)) if !job.is_empty() => Ok(labels),
        _ => Err(BadGrouping::NoJob),
    }
}

/// Letters, digits and underscores, no digit first; names with two underscores first are Prometheus' own.
fn is_label(name: &str) -> bool {
    let byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty()
        && !name.starts_with("__")
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Vec<(String, String)> {
        labels(path).unwrap()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn labels_stand_in_the_path() {
        assert_eq!(read("/metrics/job/some"), [pair("job", "some")]);
        // What Ceilometer's publisher asks for with the resource r/2 x?#.
        let of_ceilometer = read("/metrics/job/ceilometer/resource_id/r%2F2%20x%3F%23");
        assert_eq!(of_ceilometer, [pair("job", "ceilometer"), pair("resource_id", "r/2 x?#")]);
        // The examples of the Pushgateway's README.
        let titan = read("/metrics/job/titan/name/%CE%A0%CF%81%CE%BF%CE%BC%CE%B7%CE%B8%CE%B5%CF%8D%CF%82");
        assert_eq!(titan[1], pair("name", "Προμηθεύς"));
        assert_eq!(read("/metrics/job/titan/name@base64/zqDPgc6_zrzOt864zrXPjc-C"), titan);
        let directory = read("/metrics/job/directory_cleaner/path@base64/L3Zhci90bXA");
        assert_eq!(directory[1], pair("path", "/var/tmp"));
        assert_eq!(
            read("/metrics/job@base64/L3Zhcg==/empty@base64/="),
            [pair("job", "/var"), pair("empty", "")]
        );
    }

    #[test]
    fn a_path_that_names_no_group_is_refused() {
        let why = |path: &str| labels(path).unwrap_err().to_string();
        for path in ["/metrics/", "/metrics/instance/x", "/metrics/job/", "/metrics/job@base64/=", "/metrics"]
        {
            assert!(labels(path).is_err(), "{path}");
        }
        assert_eq!(why("/metrics/job/a/b"), "label \"b\" has no value");
        assert_eq!(why("/metrics/job/a/b-c/d"), "\"b-c\" is no name of a label");
        assert_eq!(why("/metrics/job/a/__b/d"), "\"__b\" is no name of a label");
        for path in ["/metrics/job/%zz", "/metrics/job/%f", "/metrics/job/%ff", "/metrics/job@base64/!"] {
            assert!(why(path).contains("not UTF-8 in %XX or base64"), "{path}");
        }
    }
}
