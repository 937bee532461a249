//! Lines to messages as Ceilometer's udp and tcp publishers send them.

use std::borrow::Cow;

use thiserror::Error;

use super::{NAME, NAMES, PUBLISHER_ID, VOLUME, number_in_line, number_in_message};
use crate::base::Secret;
use crate::model::Node;
use crate::wire::json::read_node;
use crate::wire::msgpack;
use crate::wire::signature::{SIGNATURE, Signer};

/// Why a line cannot become a message.
#[derive(Debug, Error)]
pub enum NotSendable {
    /// It holds what no value can: half a character, a number over the range.
    #[error("not readable: {0}")]
    NotReadable(#[from] serde_json::Error),
    /// It is no object.
    #[error("not a record")]
    NoRecord,
}

/// Makes signed messages of lines.
pub struct MeterWriter {
    signer: Signer,
    /// Who sends, in samples that do not say so themselves.
    publisher_id: Option<String>,
}

impl MeterWriter {
    /// Signs with `secret`; `publisher_id` is given to samples that have none.
    pub fn new(secret: &Secret, publisher_id: Option<String>) -> MeterWriter {
        MeterWriter { signer: Signer::new(secret), publisher_id }
    }

    /// Appends the message of a line. A sample in either form has the keys of a meter message, in its order, and those
    /// that no meter message has behind them; any other record has its own. The signature is new always.
    ///
    /// # Errors
    /// [`NotSendable`]; nothing was appended then.
    pub fn write(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), NotSendable> {
        let entries = self.signed(read_node(line)?)?;
        msgpack::write_map_length(entries.len(), out);
        for (key, value) in &entries {
            msgpack::write_text(key, out);
            msgpack::write(value, out);
        }
        Ok(())
    }

    /// The message of a record, for wires that are not MessagePack; see [`MeterWriter::write`].
    ///
    /// # Errors
    /// [`NotSendable::NoRecord`].
    pub fn signed<'a>(&mut self, record: Node<'a>) -> Result<Vec<(Cow<'a, str>, Node<'a>)>, NotSendable> {
        let Node::Map(mut entries) = record else { return Err(NotSendable::NoRecord) };
        entries.retain(|(key, _)| key != SIGNATURE);
        let mut places = [None; NAMES.len()];
        let has = |number: usize| entries.iter().any(|(key, _)| key == NAMES[number].0);
        let number_of = if has(NAME) && has(VOLUME) { number_in_line } else { number_in_message };
        let mut clash = false;
        for (place, (key, _)) in entries.iter().enumerate() {
            match number_of(key) {
                Some(number) => places[number] = Some(place),
                // A key whose name the other form gives to something else: neither may be lost.
                None => clash |= number_in_message(key).or(number_in_line(key)).is_some(),
            }
        }
        if places[NAME].is_some() && places[VOLUME].is_some() && !clash {
            let mut message = Vec::with_capacity(entries.len() + 2);
            for (number, (_, name)) in NAMES.iter().enumerate() {
                if let Some(place) = places[number] {
                    message.push(((*name).into(), std::mem::take(&mut entries[place].1)));
                }
            }
            if let Some(publisher) = &self.publisher_id
                && !entries.iter().any(|(key, _)| key == PUBLISHER_ID)
            {
                message.push((PUBLISHER_ID.into(), Node::Text(publisher.clone().into())));
            }
            message.extend(entries.into_iter().filter(|(key, _)| number_of(key).is_none()));
            entries = message;
        }
        let signature = self.signer.sign(&entries);
        entries.push((SIGNATURE.into(), Node::Text(Cow::Owned(signature.as_str().to_owned()))));
        Ok(entries)
    }
}
