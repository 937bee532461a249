//! The rules file: YAML in, alarms out, or every fault of it with its line.

use std::collections::HashMap;

use super::value::{self, Converted};
use super::{Alarm, Comparison, ThresholdRule, default_alarm_id};
use crate::base::nearest::did_you_mean;
use crate::define::Glob;
use crate::define::document::{self, Fault, Manner, Placed, Table, Yaml, line};
use crate::model::{Granularity, Severity};

/// What the rules file leaves to others to judge: each answers with why a text cannot be.
pub struct Checks<'a> {
    /// Of a rule's `aggregation_method`.
    pub aggregation_method: &'a dyn Fn(&str) -> Result<(), String>,
    /// Of a rule's `query`.
    pub query: &'a dyn Fn(&str) -> Result<(), String>,
}

/// Reads the alarms of a rules file: a list of them, or a table whose only key `alarms` is one.
///
/// - `path`: what messages call the file
/// - `text`: all of it; YAML or JSON
///
/// # Errors
/// Every fault, in the order of lines. A text that is no YAML has one.
pub fn read(path: &str, text: &str, checks: &Checks<'_>) -> Result<Vec<Alarm>, Vec<Fault>> {
    let mut reader = Reader { path, checks, faults: Vec::new() };
    let alarms = match document::parse(text, Manner::Own) {
        Ok(root) => reader.alarms(&root),
        Err((line, message)) => {
            reader.fault(line, message);
            Vec::new()
        }
    };
    let mut faults = reader.faults;
    // Stable: faults of one line stay in the order found.
    faults.sort_by_key(|fault| fault.line);
    if faults.is_empty() { Ok(alarms) } else { Err(faults) }
}

const FILE_KEYS: &[&str] = &["alarms"];
const ALARM_KEYS: &[&str] = &[
    "name",
    "alarm_id",
    "description",
    "enabled",
    "severity",
    "type",
    "threshold_rule",
    "alarm_actions",
    "ok_actions",
    "insufficient_data_actions",
    "repeat_actions",
];
const RULE_KEYS: &[&str] = &[
    "meter_name",
    "query",
    "aggregation_method",
    "comparison_operator",
    "threshold",
    "evaluation_periods",
    "granularity",
    "group_by",
];

struct Reader<'a> {
    path: &'a str,
    checks: &'a Checks<'a>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn alarms(&mut self, root: &Placed) -> Vec<Alarm> {
        let list = match &root.value {
            Yaml::List(list) => list,
            Yaml::Table(table) => {
                self.keys(table, FILE_KEYS);
                match document::entry(table, "alarms") {
                    Some((_, Placed { value: Yaml::List(list), .. })) => list,
                    Some((key, _)) => {
                        self.fault(line(key), "alarms must be a list".into());
                        return Vec::new();
                    }
                    None => {
                        self.fault(line(root), "alarms is missing".into());
                        return Vec::new();
                    }
                }
            }
            other => {
                let message = format!("expected a list of alarms, found {}", other.kind());
                self.fault(line(root), message);
                return Vec::new();
            }
        };
        let (mut names, mut ids) = (HashMap::new(), HashMap::new());
        let mut alarms = Vec::new();
        for item in list {
            let Yaml::Table(table) = &item.value else {
                self.fault(line(item), format!("expected an alarm, found {}", item.value.kind()));
                continue;
            };
            let name = self.field(table, line(item), "name", None, value::name_text);
            let alarm_id = self.field(table, line(item), "alarm_id", Some(None), value::alarm_id);
            let is_new =
                name.as_ref().is_none_or(|name| self.unique(&mut names, "name", name, place(table, "name")));
            let (Some(name), Some(alarm_id)) = (name, alarm_id) else {
                self.alarm(table, line(item), String::new(), String::new());
                continue;
            };
            let id = alarm_id.unwrap_or_else(|| default_alarm_id(&name));
            // The default identities of two equal names are equal: one fault is enough.
            if is_new {
                self.unique(&mut ids, "alarm_id", &id, place(table, "alarm_id"));
            }
            alarms.extend(self.alarm(table, line(item), name, id));
        }
        alarms
    }

    fn alarm(&mut self, table: &Table, at: Option<u64>, name: String, alarm_id: String) -> Option<Alarm> {
        self.keys(table, ALARM_KEYS);
        let description =
            self.field(table, at, "description", Some(None), |key, node| value::text(key, node).map(Some));
        let enabled = self.field(table, at, "enabled", Some(true), value::truth);
        let severity = self.field(table, at, "severity", Some(Severity::Low), value::severity);
        let typed = self.field(table, at, "type", Some(()), value::alarm_type);
        let alarm_actions = self.field(table, at, "alarm_actions", Some(Vec::new()), value::actions);
        let ok_actions = self.field(table, at, "ok_actions", Some(Vec::new()), value::actions);
        let insufficient =
            self.field(table, at, "insufficient_data_actions", Some(Vec::new()), value::actions);
        let repeat_actions = self.field(table, at, "repeat_actions", Some(false), value::truth);
        let rule = match document::entry(table, "threshold_rule") {
            Some((key, Placed { value: Yaml::Table(rule), .. })) => self.rule(rule, line(key)),
            Some((key, other)) => {
                let message =
                    format!("threshold_rule must be a table of keys and values, not {}", other.value.kind());
                self.fault(line(key), message);
                None
            }
            // Of an alarm of another type, that is fault enough.
            None if typed.is_none() => None,
            None => {
                self.fault(at, "threshold_rule is missing".into());
                None
            }
        };
        typed?;
        Some(Alarm {
            name,
            alarm_id,
            // Aodh's default, `api/controllers/v2/alarm_rules`.
            description: description?.unwrap_or_else(|| "threshold alarm rule".to_owned()),
            enabled: enabled?,
            severity: severity?,
            rule: rule?,
            alarm_actions: alarm_actions?,
            ok_actions: ok_actions?,
            insufficient_data_actions: insufficient?,
            repeat_actions: repeat_actions?,
        })
    }

    fn rule(&mut self, table: &Table, at: Option<u64>) -> Option<ThresholdRule> {
        let checks = self.checks;
        self.keys(table, RULE_KEYS);
        let meter = self.field(table, at, "meter_name", None, value::name_text);
        let query = self.field(table, at, "query", Some(None), |key, node| {
            let query = value::text(key, node)?;
            (checks.query)(&query).map_err(|why| vec![(None, format!("query \"{query}\": {why}"))])?;
            Ok(Some(query))
        });
        let mean = Some("mean".to_owned());
        let aggregation_method = self.field(table, at, "aggregation_method", mean, |key, node| {
            let method = value::text(key, node)?;
            (checks.aggregation_method)(&method).map_err(|why| vec![(None, why)])?;
            Ok(method)
        });
        let comparison =
            self.field(table, at, "comparison_operator", Some(Comparison::default()), value::comparison);
        let threshold = self.field(table, at, "threshold", None, value::finite);
        let evaluation_periods = self.field(table, at, "evaluation_periods", Some(1), value::periods);
        let granularity =
            self.field(table, at, "granularity", Granularity::from_seconds(60), value::granularity);
        let group_by =
            self.field(table, at, "group_by", Some(vec!["resource_id".to_owned()]), value::group_keys);
        Some(ThresholdRule {
            meter: Glob::new(&meter?),
            query: query?,
            aggregation_method: aggregation_method?,
            comparison: comparison?,
            threshold: threshold?,
            evaluation_periods: evaluation_periods?,
            granularity: granularity?,
            group_by: group_by?,
        })
    }

    /// What `convert` makes of the value of `key`; `default` where there is none. Without default the key must be there.
    fn field<T>(
        &mut self,
        table: &Table,
        at: Option<u64>,
        key: &'static str,
        default: Option<T>,
        convert: impl Fn(&str, &Yaml) -> Converted<T>,
    ) -> Option<T> {
        let value = document::entry(table, key);
        match value {
            Some((known, value)) if !matches!(value.value, Yaml::Null) => match convert(key, &value.value) {
                Ok(converted) => Some(converted),
                Err(whys) => {
                    for (place, why) in whys {
                        self.fault(place.or_else(|| line(value)).or_else(|| line(known)), why);
                    }
                    None
                }
            },
            _ if default.is_some() => default,
            _ => {
                self.fault(at, format!("{key} is missing"));
                None
            }
        }
    }

    fn keys(&mut self, table: &Table, known: &[&str]) {
        for (key, _) in table {
            let name = key.value.shown();
            if !known.contains(&name.as_str()) {
                let hint = did_you_mean(&name, known);
                self.fault(line(key), format!("unknown key \"{name}\"{hint}"));
            }
        }
    }

    /// Whether `value` was not seen before; a fault when it was.
    fn unique(
        &mut self,
        seen: &mut HashMap<String, Option<u64>>,
        what: &str,
        value: &str,
        at: Option<u64>,
    ) -> bool {
        let Some(first) = seen.get(value) else {
            seen.insert(value.to_owned(), at);
            return true;
        };
        let whose =
            first.map_or_else(|| "another alarm".to_owned(), |line| format!("the alarm in line {line}"));
        self.fault(at, format!("{what} \"{value}\" is taken by {whose}"));
        false
    }

    fn fault(&mut self, line: Option<u64>, message: String) {
        self.faults.push(Fault { path: self.path.to_owned(), line, message });
    }
}

/// The line of a key that is there, else of the table's first.
fn place(table: &Table, key: &str) -> Option<u64> {
    let found = document::entry(table, key).or(table.first());
    found.and_then(|(known, _)| line(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Action;

    const METHODS: &[&str] = &["mean", "max"];

    fn read_text(text: &str) -> Result<Vec<Alarm>, Vec<String>> {
        let aggregation_method = |method: &str| match METHODS.contains(&method) {
            true => Ok(()),
            false => Err(format!("unknown aggregation_method \"{method}\"")),
        };
        let query = |query: &str| if query.contains('=') { Ok(()) } else { Err("no comparison".to_owned()) };
        let checks = Checks { aggregation_method: &aggregation_method, query: &query };
        read("r", text, &checks).map_err(|faults| faults.iter().map(Fault::to_string).collect())
    }

    const LEAST: &str = "- {name: a, threshold_rule: {meter_name: cpu, threshold: 1}}\n";

    #[test]
    fn the_least_alarm_has_aodhs_defaults() {
        let alarms = read_text(LEAST).unwrap();
        let rule = ThresholdRule {
            meter: Glob::new("cpu"),
            query: None,
            aggregation_method: "mean".into(),
            comparison: Comparison::Eq,
            threshold: 1.0,
            evaluation_periods: 1,
            granularity: Granularity::from_seconds(60).unwrap(),
            group_by: vec!["resource_id".into()],
        };
        let alarm = Alarm {
            name: "a".into(),
            alarm_id: default_alarm_id("a"),
            description: "threshold alarm rule".into(),
            enabled: true,
            severity: Severity::Low,
            rule,
            alarm_actions: vec![],
            ok_actions: vec![],
            insufficient_data_actions: vec![],
            repeat_actions: false,
        };
        assert_eq!(alarms, [alarm]);
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
alarms:
  - name: disks
    alarm_id: 6C5EDB0C-8C5B-4A4F-9D5C-0C8E4E4B9B11
    description: busy
    enabled: false
    severity: critical
    type: threshold
    threshold_rule:
      meter_name: disk.*.bytes
      query: project_id=p
      aggregation_method: max
      comparison_operator: ">="
      threshold: -1.5e3
      evaluation_periods: 100
      granularity: 5m
      group_by: [project_id, resource_id]
    alarm_actions: ["log://", "log://", "exec:/bin/page 'on call'"]
    ok_actions: ["https://h/x"]
    insufficient_data_actions: [log:, {exec: /bin/page x}]
    repeat_actions: true
"#;
        let alarm = read_text(text).unwrap().remove(0);
        assert_eq!(alarm.alarm_id, "6c5edb0c-8c5b-4a4f-9d5c-0c8e4e4b9b11");
        assert_eq!((alarm.enabled, alarm.repeat_actions), (false, true));
        assert_eq!((alarm.description.as_str(), alarm.severity), ("busy", Severity::Critical));
        assert_eq!(alarm.rule.query.as_deref(), Some("project_id=p"));
        assert_eq!((alarm.rule.comparison, alarm.rule.threshold), (Comparison::Ge, -1500.0));
        assert_eq!((alarm.rule.evaluation_periods, alarm.rule.granularity.ns()), (100, 300_000_000_000));
        assert_eq!(alarm.rule.aggregation_method, "max");
        assert_eq!(
            alarm.rule.group_keys().collect::<Vec<_>>(),
            ["name", "project_id", "resource_id"],
            "a glob makes a group of each meter"
        );
        let urls = |actions: &[Action]| actions.iter().map(|a| a.url().to_owned()).collect::<Vec<_>>();
        assert_eq!(urls(&alarm.alarm_actions), ["log://", "exec:/bin/page 'on call'"]);
        assert_eq!(urls(&alarm.ok_actions), ["https://h/x"]);
        assert_eq!(urls(&alarm.insufficient_data_actions), ["log:", "exec:/bin/page x"]);
    }

    #[test]
    fn json_and_anchors_are_yaml() {
        let json = r#"[{"name": "a", "threshold_rule": {"meter_name": "cpu", "threshold": 1}}]"#;
        assert_eq!(read_text(json).unwrap(), read_text(LEAST).unwrap());
        let merged = "alarms:\n- name: a\n  threshold_rule: &cpu {meter_name: cpu, threshold: 1}\n\
                      - name: b\n  threshold_rule:\n    <<: *cpu\n    threshold: 2\n";
        let alarms = read_text(merged).unwrap();
        assert_eq!((alarms[1].rule.threshold, alarms[1].rule.meter.as_str()), (2.0, "cpu"));
        assert_eq!(read_text("[]").unwrap(), []);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let text = r#"- name: a
  severity: critcal
  enabled: 1
  nmae: x
  threshold_rule:
    threshold: high
    comparison_operator: gtt
    evaluation_periods: 101
    granularity: 5x
    aggregation_method: median
    query: nothing
    group_by: [a, a, 7]
  alarm_actions:
    - log:
    - mail:root
    - http://
- name: a
  type: event
- 7
- name: c
  alarm_id: c
"#;
        assert_eq!(
            read_text(text).unwrap_err(),
            [
                "r:2: unknown severity \"critcal\" (did you mean \"critical\"?)",
                "r:3: enabled must be true or false, not a number",
                "r:4: unknown key \"nmae\" (did you mean \"name\"?)",
                "r:5: meter_name is missing",
                "r:6: threshold must be a number, not a text",
                "r:7: unknown comparison_operator \"gtt\" (did you mean \"gt\"?)",
                "r:8: evaluation_periods must be a whole number from 1 to 100, not 101",
                "r:9: granularity \"5x\" is no length of time: write seconds (300, 0.5), a unit (5m, 1h30m, 2d) \
                 or H:MM:SS",
                "r:10: unknown aggregation_method \"median\"",
                "r:11: query \"nothing\": no comparison",
                "r:12: group_by must hold texts, not a number",
                "r:12: group_by holds \"a\" twice",
                "r:15: alarm_actions: unsupported action \"mail:root\" (log:, exec:, http: and https: are supported)",
                "r:16: alarm_actions: action \"http://\" is no URL of the form http://HOST[:PORT]/PATH",
                "r:17: name \"a\" is taken by the alarm in line 1",
                "r:18: unsupported type \"event\" (threshold is the only one)",
                "r:19: expected an alarm, found a number",
                "r:20: threshold_rule is missing",
                "r:21: alarm_id \"c\" is no UUID",
            ]
        );
    }

    #[test]
    fn a_text_that_is_no_rules_file_is_one_fault() {
        for (text, fault) in [
            ("", "expected a list of alarms, found nothing"),
            ("7", "r:1: expected a list of alarms, found a number"),
            ("{}", "r:1: alarms is missing"),
            ("alarms: 7", "r:1: alarms must be a list"),
            ("alarms:\n- name: [", "r:2:"),
            ("- {name: a,\n  name: b, threshold_rule: {meter_name: cpu, threshold: 1}}", "r:2:"),
            ("- {threshold_rule: {meter_name: cpu, threshold: 1}}", "r:1: name is missing"),
            (
                "- {name: a, threshold_rule: [1]}",
                "r:1: threshold_rule must be a table of keys and values, not a list",
            ),
            (
                "- {name: 5, threshold_rule: {meter_name: cpu, threshold: 1}}",
                "r:1: name must be a text, not a number: put it in quotes",
            ),
            ("- {name: a, threshold_rule: {meter_name: cpu, threshold: 1e999}}", "r:1:"),
            ("- {name: a, threshold_rule: {meter_name: cpu, threshold: .inf}}", "r:1:"),
            (
                "- {name: a, threshold_rule: {meter_name: cpu, threshold: 1, granularity: 0}}",
                "r:1: granularity",
            ),
            (
                "- {name: a, threshold_rule: {meter_name: cpu, threshold: 1, granularity: 2000w}}",
                "r:1: granularity must not be over 31536000 seconds, a year",
            ),
        ] {
            let faults = read_text(text).unwrap_err();
            assert_eq!(faults.len(), 1, "{text} {faults:?}");
            assert!(faults[0].contains(fault), "{text} {faults:?}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{},", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(',')));
        }
        assert!(read_text(&text).is_err());
    }
}
