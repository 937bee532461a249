//! The way out of a build without AMQP: it can be named, and says why it cannot be opened.

use std::sync::Arc;

use crate::base::{Books, Failure, Stop, Url};
use crate::sink::{Options, Preview, Sink};

/// Fails.
///
/// # Errors
/// Always: [`Failure::Unavailable`], with what to rebuild.
pub fn open(
    url: &Url,
    _options: &Options,
    _books: &Arc<Books>,
    _stop: &Arc<Stop>,
) -> Result<Box<dyn Sink>, Failure> {
    Err(missing(url))
}

/// Fails.
///
/// # Errors
/// As [`open`].
pub fn preview(url: &Url, _options: &Options) -> Result<Box<dyn Preview>, Failure> {
    Err(missing(url))
}

fn missing(url: &Url) -> Failure {
    let name = url.name();
    Failure::Unavailable(format!("{name}: built without AMQP; rebuild with --features amqp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::books;

    #[test]
    fn a_build_without_amqp_says_what_to_rebuild() {
        let stop = Arc::new(Stop::new().unwrap());
        for address in ["amqp://bus/", "notifier://"] {
            let failure = crate::sink::open(address, &Options::default(), &books(), &stop).err().unwrap();
            assert_eq!(
                failure.to_string(),
                format!("{address}: built without AMQP; rebuild with --features amqp")
            );
            assert_eq!(failure.status(), 69);
        }
    }
}
