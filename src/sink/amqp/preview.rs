//! The messages that would be published.

use super::batch::Batches;
use super::delivery::properties;
use super::options::SinkOptions;
use super::queue::Outgoing;
use crate::base::{Books, Failure, Url};
use crate::sink::Options;
use crate::sink::preview::{Message, Preview};

/// Shows what `url` would be sent; nobody is connected to.
///
/// # Errors
/// [`Failure::Usage`] for an address that makes no sense.
pub fn preview(url: &Url, options: &Options) -> Result<Box<dyn Preview>, Failure> {
    let ours = SinkOptions::of_url(url, &silent_books())?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let batches = Batches::new(url.name(), &host, &options.secret, &ours);
    Ok(Box::new(Published { batches, options: ours }))
}

struct Published {
    batches: Batches,
    options: SinkOptions,
}

fn silent_books() -> Books {
    Books::new("preview", None, true)
}

impl Published {
    fn shown(&self, message: &Outgoing) -> Message {
        let exchange = &self.options.exchange;
        let properties = properties();
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        let number = |value: Option<u8>| value.unwrap_or_default();
        Message::new(format!("publish to exchange {exchange}, routing key {}", message.topic))
            .with(format!("content_type: {}", text(properties.content_type())))
            .with(format!("content_encoding: {}", text(properties.content_encoding())))
            .with(format!("delivery_mode: {}", number(properties.delivery_mode())))
            .with(format!("priority: {}", number(properties.priority())))
            .with("")
            .with(message.body.clone())
    }
}

impl Preview for Published {
    fn messages(&mut self, record: &[u8], out: &mut Vec<Message>) {
        let (books, mut messages) = (silent_books(), Vec::new());
        self.batches.add(record, &books, &mut messages);
        self.batches.finish(&mut messages);
        out.extend(messages.iter().map(|message| self.shown(message)));
        if messages.is_empty() {
            let entered = books.to_json();
            let kind = entered["skipped"].as_object().and_then(|kinds| kinds.keys().next().cloned());
            let reason = entered["dropped"].as_object().and_then(|whose| whose.keys().next().cloned());
            let why = kind.map(|kind| format!("skipped {kind}")).or(reason);
            out.push(Message::nothing(&why.unwrap_or_else(|| "not sendable".to_owned())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::preview;

    fn shown(record: &str) -> Vec<String> {
        let mut messages = Vec::new();
        let address = "notifier://u:secret@nobody.invalid/?topic=t";
        preview(address, &Options::default()).unwrap().messages(record.as_bytes(), &mut messages);
        let lines = messages.iter().flat_map(|message| [&message.title].into_iter().chain(&message.lines));
        lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn a_message_is_shown_with_its_route_and_its_properties() {
        let lines = shown(r#"{"name":"cpu","volume":1}"#);
        let expected = [
            "publish to exchange ceilometer, routing key t.sample",
            "content_type: application/json",
            "content_encoding: utf-8",
            "delivery_mode: 2",
            "priority: 0",
            "",
        ];
        assert_eq!(lines[..6], expected);
        assert!(lines[6].contains(r#"\"counter_name\": \"cpu\""#), "{}", lines[6]);
        assert!(lines.iter().all(|line| !line.contains("secret")));
        assert_eq!(shown("{}"), ["nothing: notifier://u:***@nobody.invalid/?topic=t no record"]);
    }
}
