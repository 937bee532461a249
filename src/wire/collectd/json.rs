//! The JSON of collectd's write_http plugin, which its AMQP plugins send too: a list of lists of values.

use thiserror::Error;

use super::value::{Identifier, SourceType, Value, ValueWriter};
use crate::model::{Node, Timestamp};
use crate::wire::sample::{Origin, SampleWriter, Volume};
use crate::wire::{Decoder, Faults};

/// Values in one list: types have four data sources at most.
const VALUES_MAX: usize = 1024;

/// Reads bodies of write_http with `Format "JSON"`, and files of such bodies, one behind the other.
pub struct Json {
    writer: ValueWriter,
}

impl Default for Json {
    fn default() -> Json {
        Json::new(&Origin::default())
    }
}

impl Json {
    /// A reader of bodies.
    pub fn new(origin: &Origin) -> Json {
        Json { writer: ValueWriter::new(SampleWriter::new(origin, "collectd")) }
    }

    fn read(
        &mut self,
        node: &Node<'_>,
        at: Timestamp,
        lines: &mut Vec<u8>,
        faults: &mut dyn Faults,
    ) -> Result<(), BadValues> {
        let Node::Map(_) = node else { return Err(BadValues::Shape) };
        if node.get("severity").is_some() {
            faults.skip("collectd notification", 1);
            return Ok(());
        }
        let text = |key: &str| node.get(key).and_then(Node::as_text).unwrap_or_default();
        let of = Identifier {
            host: text("host"),
            plugin: text("plugin"),
            plugin_instance: text("plugin_instance"),
            type_name: text("type"),
            type_instance: text("type_instance"),
            interval: node.get("interval").and_then(Node::as_f64).unwrap_or_default(),
        };
        if of.plugin.is_empty() || of.type_name.is_empty() {
            return Err(BadValues::NoName);
        }
        let time = match node.get("time") {
            None | Some(Node::Null) => at,
            Some(time) => {
                let seconds = time.as_f64().ok_or(BadValues::Time)?;
                Timestamp::from_seconds(seconds).map_err(|_| BadValues::Time)?
            }
        };
        let list = |key: &str| match node.get(key) {
            Some(Node::List(items)) if items.len() <= VALUES_MAX => Ok(&items[..]),
            Some(Node::List(_)) => Err(BadValues::TooMany),
            _ => Err(BadValues::Lists),
        };
        let (values, types) = (list("values")?, list("dstypes")?);
        let sources = if values.len() > 1 { list("dsnames")? } else { &[] };
        if types.len() != values.len() || (values.len() > 1 && sources.len() != values.len()) {
            return Err(BadValues::Lists);
        }
        let meta = node.get("meta").filter(|meta| matches!(meta, Node::Map(entries) if !entries.is_empty()));
        let mut not_finite = 0;
        for (index, (value, source_type)) in values.iter().zip(types).enumerate() {
            let source_type = source_type.as_text().and_then(SourceType::from_word).ok_or(BadValues::Type)?;
            let volume = match value {
                Node::Integer(number) => Volume::Integer(*number),
                Node::Unsigned(number) => Volume::Unsigned(*number),
                Node::Float(number) => Volume::Float(*number),
                // What collectd writes for NaN.
                Node::Null => Volume::Float(f64::NAN),
                _ => return Err(BadValues::Value),
            };
            let source =
                sources.get(index).map(|source| source.as_text().ok_or(BadValues::Lists)).transpose()?;
            let value = Value { source, source_type, volume };
            not_finite += u64::from(!self.writer.write(&of, &value, time, meta, lines));
        }
        faults.skip("not finite", not_finite);
        Ok(())
    }
}

impl Decoder for Json {
    fn decode(&mut self, message: &[u8], at: Timestamp, lines: &mut Vec<u8>, faults: &mut dyn Faults) {
        self.writer.writer.open(message.len());
        for body in serde_json::Deserializer::from_slice(message).into_iter::<Node<'_>>() {
            let body = match body {
                Ok(body) => body,
                Err(error) => {
                    faults.fault("not JSON", &format_args!("no JSON of collectd: {error}"));
                    break;
                }
            };
            let lists = match &body {
                Node::List(lists) => &lists[..],
                one => std::slice::from_ref(one),
            };
            for list in lists {
                if let Err(error) = self.read(list, at, lines, faults) {
                    faults.fault(error.reason(), &error);
                }
            }
        }
        self.writer.writer.close(faults);
    }
}

/// Why a list of values cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
enum BadValues {
    #[error("no values of collectd: not an object")]
    Shape,
    #[error("values without plugin or type")]
    NoName,
    #[error("values, dstypes and dsnames are not lists of one length")]
    Lists,
    #[error("more than {VALUES_MAX} values in one list")]
    TooMany,
    #[error("a dstype is none of counter, gauge, derive, absolute")]
    Type,
    #[error("a value is not a number")]
    Value,
    #[error("the time is not in seconds between the years 1678 and 2261")]
    Time,
}

impl BadValues {
    /// What the books count it under.
    fn reason(self) -> &'static str {
        match self {
            BadValues::NoName => "missing key",
            BadValues::TooMany => "limit reached",
            BadValues::Time => "bad timestamp",
            _ => "wrong type",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{decode, shown};

    #[test]
    fn each_value_is_a_sample_named_as_gnocchi_names_it() {
        let body = br#"[{"values":[1.5,null],"dstypes":["derive","derive"],"dsnames":["rx","tx"],"time":1431061834.125,
            "interval":10.000,"host":"h","plugin":"interface","plugin_instance":"eth0","type":"if_octets",
            "type_instance":"","meta":{"a":1}},
            {"values":[7],"dstypes":["gauge"],"dsnames":["value"],"time":1431061834,"interval":10,"host":"h",
            "plugin":"memory","plugin_instance":"","type":"memory","type_instance":"used"}]"#;
        let (samples, told) = decode(&mut Json::default(), body);
        assert_eq!(
            shown(&samples),
            [
                r#"interface-eth0@if_octets-rx cumulative 1.5 h {"plugin":"interface","plugin_instance":"eth0","type":"if_octets","dsname":"rx","interval":10,"meta":{"a":1}} 2015-05-08T05:10:34.125Z"#,
                r#"memory@memory-used gauge 7 h {"plugin":"memory","type":"memory","type_instance":"used","interval":10} 2015-05-08T05:10:34Z"#,
            ]
        );
        assert_eq!(told, ["not finite ×1"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |body: &str| decode(&mut Json::default(), body.as_bytes()).1;
        assert!(wrong("[1]")[0].starts_with("wrong type: no values of collectd"));
        assert!(wrong("{}")[0].starts_with("missing key"));
        assert!(wrong("[")[0].starts_with("not JSON"));
        assert!(
            wrong(r#"{"plugin":"p","type":"t","values":[1,2],"dstypes":["gauge"]}"#)[0]
                .starts_with("wrong type")
        );
        assert!(
            wrong(r#"{"plugin":"p","type":"t","values":[1],"dstypes":["gauge"],"time":1e30}"#)[0]
                .starts_with("bad time")
        );
        assert_eq!(wrong(r#"{"severity":"OKAY","message":"m"}"#), ["collectd notification ×1"]);
    }
}
