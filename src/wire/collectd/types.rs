//! What the values of a type are called when it has more than one: the network protocol does not say it.

use std::collections::BTreeMap;

/// Types with more than one data source that collectd 5's own plugins send.
const KNOWN: [(&str, &[&str]); 33] = [
    ("compression", &["uncompressed", "compressed"]),
    ("df", &["used", "free"]),
    ("disk_io_time", &["io_time", "weighted_io_time"]),
    ("disk_latency", &["read", "write"]),
    ("disk_merged", &["read", "write"]),
    ("disk_octets", &["read", "write"]),
    ("disk_ops", &["read", "write"]),
    ("disk_time", &["read", "write"]),
    ("dns_octets", &["queries", "responses"]),
    ("domain_state", &["state", "reason"]),
    ("if_dropped", &["rx", "tx"]),
    ("if_errors", &["rx", "tx"]),
    ("if_octets", &["rx", "tx"]),
    ("if_packets", &["rx", "tx"]),
    ("io_octets", &["rx", "tx"]),
    ("io_ops", &["read", "write"]),
    ("io_packets", &["rx", "tx"]),
    ("load", &["shortterm", "midterm", "longterm"]),
    ("memcached_octets", &["rx", "tx"]),
    ("mysql_octets", &["rx", "tx"]),
    ("node_octets", &["rx", "tx"]),
    ("ps_count", &["processes", "threads"]),
    ("ps_cputime", &["user", "syst"]),
    ("ps_disk_octets", &["read", "write"]),
    ("ps_disk_ops", &["read", "write"]),
    ("ps_pagefaults", &["minflt", "majflt"]),
    ("serial_octets", &["rx", "tx"]),
    ("smart_attribute", &["current", "worst", "threshold", "pretty"]),
    ("vf_bytes", &["vf_rx", "vf_tx"]),
    ("vf_dropped", &["vf_rx", "vf_tx"]),
    ("vf_packets", &["vf_rx", "vf_tx"]),
    ("vmpage_faults", &["minflt", "majflt"]),
    ("vmpage_io", &["in", "out"]),
];

/// The names of data sources, by type: those that are known, and those of a file like collectd's types.db.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    of_file: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Types {
    /// Reads lines `TYPE NAME:KIND:MIN:MAX, NAME:KIND:MIN:MAX`; comments begin with `#`. The types of the file count
    /// before those that are known.
    ///
    /// # Errors
    /// The number of the first line that is of another form, counted from 1.
    pub fn parse(text: &str) -> Result<Types, usize> {
        let mut of_file = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (name, sources) = line.split_once([' ', '\t']).ok_or(number + 1)?;
            let source = |source: &str| Some(source.trim().split_once(':')?.0.into());
            let sources: Option<Vec<Box<str>>> = sources.split(',').map(source).collect();
            of_file.insert(name.into(), sources.ok_or(number + 1)?);
        }
        Ok(Types { of_file })
    }

    /// What value `index` of `count` is called; none when the type has but one, or is not known with as many.
    pub(super) fn source(&self, name: &str, index: usize, count: usize) -> Option<&str> {
        if count < 2 {
            return None;
        }
        if let Some(sources) = self.of_file.get(name) {
            return sources.get(index).filter(|_| sources.len() == count).map(|source| &**source);
        }
        let known = KNOWN.binary_search_by_key(&name, |(known, _)| known).ok()?;
        KNOWN[known].1.get(index).filter(|_| KNOWN[known].1.len() == count).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_a_file_counts_before_it() {
        assert!(KNOWN.is_sorted());
        let types =
            Types::parse("# x\n\nload a:GAUGE:0:1, b:GAUGE:0:1\nmine\tx:DERIVE:0:U,y:DERIVE:0:U # y\n")
                .unwrap();
        assert_eq!(types.source("load", 1, 2), Some("b"));
        assert_eq!(types.source("mine", 0, 2), Some("x"));
        assert_eq!(types.source("if_octets", 1, 2), Some("tx"));
        assert_eq!(types.source("if_octets", 1, 3), None, "another number of values");
        assert_eq!(types.source("if_octets", 0, 1), None);
        assert_eq!(Types::parse("one\n"), Err(1));
        assert_eq!(Types::parse("ok x:GAUGE:0:1\nload a\n"), Err(2));
    }
}
