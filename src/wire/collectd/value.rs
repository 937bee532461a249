//! One value with what it is called, as both wires of collectd say it.

use crate::model::{Node, SampleType, Timestamp};
use crate::wire::json::{write_node, write_text};
use crate::wire::sample::{Owner, Reading, SampleWriter, Volume};

/// What a list of values is of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identifier<'a> {
    pub(super) host: &'a str,
    pub(super) plugin: &'a str,
    pub(super) plugin_instance: &'a str,
    pub(super) type_name: &'a str,
    pub(super) type_instance: &'a str,
    /// Seconds; 0 when it was not said.
    pub(super) interval: f64,
}

/// How collectd calls the type of a data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceType {
    Counter,
    Gauge,
    Derive,
    Absolute,
}

impl SourceType {
    /// The word in JSON.
    pub(super) fn from_word(word: &str) -> Option<SourceType> {
        Some(match word {
            "counter" => SourceType::Counter,
            "gauge" => SourceType::Gauge,
            "derive" => SourceType::Derive,
            "absolute" => SourceType::Absolute,
            _ => return None,
        })
    }

    fn sample_type(self) -> SampleType {
        match self {
            SourceType::Gauge => SampleType::Gauge,
            SourceType::Counter | SourceType::Derive => SampleType::Cumulative,
            SourceType::Absolute => SampleType::Delta,
        }
    }
}

/// One value of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// What it is called, when there are several.
    pub(super) source: Option<&'a str>,
    pub(super) source_type: SourceType,
    pub(super) volume: Volume,
}

/// Writes values as samples.
pub(super) struct ValueWriter {
    pub(super) writer: SampleWriter,
    name: String,
    metadata: Vec<u8>,
}

impl ValueWriter {
    pub(super) fn new(writer: SampleWriter) -> ValueWriter {
        ValueWriter { writer, name: String::new(), metadata: Vec::new() }
    }

    /// Writes one value; `meta` is what else is known of it. False when no line can say it.
    pub(super) fn write(
        &mut self,
        of: &Identifier<'_>,
        value: &Value<'_>,
        timestamp: Timestamp,
        meta: Option<&Node<'_>>,
        lines: &mut Vec<u8>,
    ) -> bool {
        let Value { source, source_type, volume } = *value;
        if !volume.is_finite() {
            return false;
        }
        self.name.clear();
        self.name.push_str(of.plugin);
        for (between, part) in [
            ("-", of.plugin_instance),
            ("@", of.type_name),
            ("-", of.type_instance),
            ("-", source.unwrap_or_default()),
        ] {
            if !part.is_empty() {
                self.name.extend([between, part]);
            }
        }
        let metadata = &mut self.metadata;
        metadata.clear();
        metadata.push(b'{');
        for (key, text) in [
            ("plugin", of.plugin),
            ("plugin_instance", of.plugin_instance),
            ("type", of.type_name),
            ("type_instance", of.type_instance),
            ("dsname", source.unwrap_or_default()),
        ] {
            if !text.is_empty() {
                begin_member(key, metadata);
                write_text(text.as_bytes(), metadata);
            }
        }
        if of.interval > 0.0 && of.interval.is_finite() {
            begin_member("interval", metadata);
            Volume::Float(of.interval).write(metadata);
        }
        if let Some(meta) = meta {
            begin_member("meta", metadata);
            write_node(meta, metadata);
        }
        metadata.push(b'}');
        let owner = Owner { resource_id: Some(of.host).filter(|host| !host.is_empty()), ..Owner::default() };
        self.writer.write(
            &Reading {
                name: &self.name,
                suffix: "",
                sample_type: source_type.sample_type(),
                unit: "",
                volume,
                owner,
                timestamp,
                metadata: &self.metadata,
            },
            lines,
        );
        true
    }
}

fn begin_member(key: &str, metadata: &mut Vec<u8>) {
    if metadata.len() > 1 {
        metadata.push(b',');
    }
    write_text(key.as_bytes(), metadata);
    metadata.push(b':');
}
