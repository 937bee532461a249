//! This host and libvirt's test driver, measured for real: what is polled goes through all that comes after it.

use std::collections::HashSet;

use serde_json::Value;

use crate::run::{Directory, run, shell, skipped, tool};

/// One round of `source`; none where the source is not there.
fn round(source: &str) -> Option<String> {
    let ended = run(tool("poll", &[source, "--once"]), b"");
    if ended.code() == Some(69) {
        skipped(&format!("{source}: {}", ended.stderr.trim()));
        return None;
    }
    assert_eq!(ended.code(), Some(0), "{source}: {}", ended.stderr);
    Some(ended.text().to_owned())
}

#[test]
fn what_is_polled_is_accepted_by_all_that_comes_after() {
    for source in ["host", "libvirt:test:///default"] {
        let Some(samples) = round(source) else { continue };
        let count = samples.lines().count();
        assert!(count > 5, "{source}: {samples}");
        for (tool_name, arguments) in [
            ("listen", &["--stats", "-"][..]),
            ("publish", &["--stats", "-"]),
            ("aggregate", &["--stats", "-"]),
        ] {
            let ended = run(tool(tool_name, arguments), samples.as_bytes());
            let books = ended.books();
            assert_eq!((ended.code(), &books["read"]), (Some(0), &count.into()), "{source}: {books}");
            assert_eq!(books["rejected"], serde_json::json!({}), "{source}");
            assert_eq!(books["skipped"], serde_json::json!({}), "{source}");
            assert!(tool_name == "aggregate" || ended.text() == samples, "{source}: not what was polled");
        }
    }
}

#[test]
fn every_sample_is_of_a_listed_meter_with_its_type_and_unit() {
    let listed = run(tool("poll", &["list", "-o", "jsonl"]), b"");
    let meters: Vec<Value> = listed.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut names = HashSet::new();
    for meter in &meters {
        assert!(names.insert((meter["source"].clone(), meter["name"].clone())), "{meter} is listed twice");
        assert!(!meter["meaning"].as_str().unwrap().is_empty(), "{meter}");
    }
    for source in ["host", "libvirt:test:///default"] {
        let Some(samples) = round(source) else { continue };
        for line in samples.lines() {
            let sample: Value = serde_json::from_str(line).unwrap();
            let kind = source.split(':').next().unwrap();
            let meter = meters
                .iter()
                .find(|meter| meter["source"] == kind && meter["name"] == sample["name"])
                .unwrap_or_else(|| panic!("{line} is of no listed meter"));
            assert_eq!(meter["type"], sample["type"], "{line}");
            assert_eq!(meter["unit"], sample["unit"], "{line}");
        }
    }
}

#[test]
fn one_round_has_no_sample_twice() {
    for source in ["host", "libvirt:test:///default"] {
        let Some(samples) = round(source) else { continue };
        let (mut series, mut ids) = (HashSet::new(), HashSet::new());
        for line in samples.lines() {
            let sample: Value = serde_json::from_str(line).unwrap();
            let of = (sample["name"].clone(), sample["resource_id"].clone());
            assert!(series.insert(of), "two samples of one series: {line}");
            assert!(ids.insert(sample["id"].clone()), "two samples with one id: {line}");
        }
    }
}

#[test]
fn a_rule_that_must_fire_fires_at_the_end_of_the_pipe() {
    let directory = Directory::new();
    let rules = "- name: there is time\n  threshold_rule: {meter_name: hardware.system_stats.uptime, \
                 aggregation_method: max, comparison_operator: gt, threshold: 0, granularity: 1m}\n";
    directory.write("rules.yaml", rules.as_bytes());
    let listed = run(tool("poll", &["list", "host", "-o", "jsonl"]), b"");
    let uptime = listed.text().lines().find(|line| line.contains("uptime")).unwrap_or_default();
    let name = serde_json::from_str::<Value>(uptime).unwrap()["name"].as_str().unwrap().to_owned();
    directory.write("rules.yaml", rules.replace("hardware.system_stats.uptime", &name).as_bytes());
    let mut command = shell(
        "telemetry-poll host -i 0.1 -n 3 | telemetry-aggregate -a max | telemetry-alarm -r rules.yaml --exit-status",
    );
    command.current_dir(directory.path());
    let ended = run(command, b"");
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
    let transition: Value = serde_json::from_str(ended.text().lines().next().unwrap()).unwrap();
    assert_eq!(
        (&transition["previous"], &transition["current"]),
        (&"insufficient data".into(), &"alarm".into())
    );
    assert_eq!(transition["alarm_name"], "there is time");
}
