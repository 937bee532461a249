//! The publishers of a sink: Ceilometer's URLs, which are addresses of ours.

use crate::base::Address;
use crate::base::nearest::did_you_mean;

/// Where a sink sends what it has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Publisher {
    /// Nowhere: Ceilometer's `test`, which keeps samples for its own tests.
    Nowhere,
    /// An address for `sink::open`.
    Address(String),
}

/// Publishers that Ceilometer had in one release or another, and why there is none here.
const GONE: [(&str, &str); 6] = [
    (
        "direct",
        "wrote into a dispatcher of the collector: write the publisher that it stood for, as gnocchi:",
    ),
    (
        "database",
        "wrote into Ceilometer's own database, which is gone: keep samples with telemetry-aggregate",
    ),
    ("panko", "wrote into Panko, which is gone: keep events with telemetry-events"),
    ("rpc", "became notifier: in Juno"),
    ("zaqar", "sent to Zaqar's queues, which are not supported"),
    ("kafka", "sent to Kafka, which is not supported"),
];

impl Publisher {
    /// Reads a publisher's URL; a word alone means `word://`, as in Ceilometer. `-` is standard output.
    ///
    /// - `schemes`: those that there are
    ///
    /// # Errors
    /// Why there is no such publisher. Ceilometer logs it and goes on without; here nothing is lost unseen.
    pub fn parse(text: &str, schemes: &[&str]) -> Result<Publisher, String> {
        if text == "-" {
            return Ok(Publisher::Address(text.to_owned()));
        }
        let url = if text.contains(':') { text.to_owned() } else { format!("{text}://") };
        let scheme = url.split(':').next().unwrap_or_default();
        if scheme == "test" {
            Ok(Publisher::Nowhere)
        } else if schemes.contains(&scheme) {
            Ok(Publisher::Address(url))
        } else if let Some((_, why)) = GONE.iter().find(|(gone, _)| *gone == scheme) {
            Err(format!("publisher {scheme}: {why}"))
        } else {
            let known = schemes.join(":, ");
            Err(format!(
                "unknown publisher {scheme}:{} (known: {known}:, test:, -)",
                did_you_mean(scheme, schemes)
            ))
        }
    }

    /// Whether it prints.
    pub fn is_standard_output(&self) -> bool {
        matches!(self, Publisher::Address(address) if address == "-")
    }

    /// The address as it was written, a password replaced.
    pub fn name(&self) -> String {
        match self {
            Publisher::Nowhere => "test://".to_owned(),
            Publisher::Address(text) => match Address::parse(text) {
                Ok(Address::Url(url)) => url.name().to_owned(),
                _ => text.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_is_an_address_or_is_refused_with_the_reason() {
        let parse = |text: &str| Publisher::parse(text, &["udp", "file"]);
        assert_eq!(parse("test"), Ok(Publisher::Nowhere));
        assert_eq!(parse("udp://h:1"), Ok(Publisher::Address("udp://h:1".into())));
        assert_eq!(parse("udp"), Ok(Publisher::Address("udp://".into())));
        assert!(parse("upd://h").unwrap_err().contains("did you mean \"udp\"?"));
        assert!(parse("panko://").unwrap_err().contains("gone"));
    }
}
