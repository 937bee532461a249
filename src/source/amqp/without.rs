//! The way in of a build without AMQP: it can be named, and says why it cannot be opened.

use std::sync::Arc;

use crate::base::{Books, Failure, Url};
use crate::source::{Options, Source};

/// Fails.
///
/// # Errors
/// Always: [`Failure::Unavailable`], with what to rebuild.
pub fn open(url: &Url, _options: &Options, _books: &Arc<Books>) -> Result<Box<dyn Source>, Failure> {
    let name = url.name();
    Err(Failure::Unavailable(format!("{name}: built without AMQP; rebuild with --features amqp")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::testing::books;

    #[test]
    fn a_build_without_amqp_says_what_to_rebuild() {
        let failure = crate::source::open("amqp://bus/", &Options::default(), &books()).err().unwrap();
        assert_eq!(failure.to_string(), "amqp://bus/: built without AMQP; rebuild with --features amqp");
        assert_eq!(failure.status(), 69);
    }
}
