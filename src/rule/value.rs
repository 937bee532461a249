//! The values of a rules file: what each key takes, and what is said of anything else.

use uuid::Uuid;

use super::{Action, BadAction, Comparison, GRANULARITY_SECONDS_MAX, PERIODS_MAX};
use crate::base::nearest::did_you_mean;
use crate::define::document::{Placed, Yaml, line};
use crate::model::{Granularity, NS_PER_SECOND, Severity};

/// A value, or all that is wrong with it; the line of a fault where it is not the value's first.
pub type Converted<T> = Result<T, Vec<(Option<u64>, String)>>;

fn bad<T>(why: String) -> Converted<T> {
    Err(vec![(None, why)])
}

/// Text; a number or a truth that was meant as text needs quotes.
pub fn text(key: &str, node: &Yaml) -> Converted<String> {
    match node {
        Yaml::Text(text) => Ok(text.clone()),
        Yaml::Integer(_) | Yaml::Float(_) | Yaml::Bool(_) => {
            bad(format!("{key} must be a text, not {}: put it in quotes", node.kind()))
        }
        _ => bad(format!("{key} must be a text, not {}", node.kind())),
    }
}

/// Text that is more than blanks.
pub fn name_text(key: &str, node: &Yaml) -> Converted<String> {
    match text(key, node)? {
        empty if empty.trim().is_empty() => bad(format!("{key} is empty")),
        name => Ok(name),
    }
}

/// A UUID in its usual spelling.
pub fn alarm_id(key: &str, node: &Yaml) -> Converted<Option<String>> {
    let id = text(key, node)?;
    match Uuid::try_parse(&id) {
        // One spelling, so that two spellings of one identity are found.
        Ok(uuid) => Ok(Some(uuid.hyphenated().to_string())),
        Err(_) => bad(format!("alarm_id \"{id}\" is no UUID")),
    }
}

/// `true` or `false`.
pub fn truth(key: &str, node: &Yaml) -> Converted<bool> {
    match node {
        Yaml::Bool(truth) => Ok(*truth),
        other => bad(format!("{key} must be true or false, not {}", other.kind())),
    }
}

/// The only type there is.
pub fn alarm_type(key: &str, node: &Yaml) -> Converted<()> {
    match text(key, node)?.as_str() {
        "threshold" => Ok(()),
        other => bad(format!("unsupported type \"{other}\" (threshold is the only one)")),
    }
}

/// One of Aodh's three words.
pub fn severity(key: &str, node: &Yaml) -> Converted<Severity> {
    let word = text(key, node)?;
    let all = [Severity::Low, Severity::Moderate, Severity::Critical];
    match all.into_iter().find(|severity| severity.name() == word) {
        Some(severity) => Ok(severity),
        None => bad(unknown(key, &word, all.map(Severity::name).into_iter())),
    }
}

/// One of Aodh's words or of our symbols.
pub fn comparison(key: &str, node: &Yaml) -> Converted<Comparison> {
    let word = text(key, node)?;
    let words = Comparison::NAMES.iter().map(|(word, ..)| *word);
    word.parse().or_else(|()| bad(unknown(key, &word, words)))
}

/// A number, neither infinite nor NaN.
pub fn finite(key: &str, node: &Yaml) -> Converted<f64> {
    match node.number() {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => bad(format!("{key} must be a finite number")),
        None => bad(format!("{key} must be a number, not {}", node.kind())),
    }
}

/// A whole number, 1 ..= [`PERIODS_MAX`].
pub fn periods(key: &str, node: &Yaml) -> Converted<usize> {
    let number = finite(key, node)?;
    if number.fract() == 0.0 && (1.0..=PERIODS_MAX as f64).contains(&number) {
        Ok(number as usize)
    } else {
        bad(format!("{key} must be a whole number from 1 to {PERIODS_MAX}, not {number}"))
    }
}

/// Seconds, or a text like `5m`; at most a year.
pub fn granularity(key: &str, node: &Yaml) -> Converted<Granularity> {
    let parsed = match node.number() {
        Some(number) => number.to_string().parse::<Granularity>(),
        None => text(key, node)?.parse(),
    };
    match parsed {
        Ok(long) if long.ns() > GRANULARITY_SECONDS_MAX * NS_PER_SECOND => {
            bad(format!("{key} must not be over {GRANULARITY_SECONDS_MAX} seconds, a year"))
        }
        Ok(granularity) => Ok(granularity),
        Err(why) => bad(format!("{key} {why}")),
    }
}

/// A list of different names.
pub fn group_keys(key: &str, node: &Yaml) -> Converted<Vec<String>> {
    let (keys, mut faults) = texts(key, node, |_| None)?;
    let mut seen: Vec<String> = Vec::new();
    for (at, name) in keys {
        if name.trim().is_empty() {
            faults.push((at, format!("{key} holds an empty key")));
        } else if seen.contains(&name) {
            faults.push((at, format!("{key} holds \"{name}\" twice")));
        } else {
            seen.push(name);
        }
    }
    if faults.is_empty() { Ok(seen) } else { Err(faults) }
}

/// A list of URLs; of two equal actions one stays, as in Aodh.
pub fn actions(key: &str, node: &Yaml) -> Converted<Vec<Action>> {
    let (urls, mut faults) = texts(key, node, url_of_table)?;
    let mut actions: Vec<Action> = Vec::new();
    for (at, url) in urls {
        match url.parse() {
            Ok(action) if actions.contains(&action) => {}
            Ok(action) => actions.push(action),
            Err(why) => {
                let why: BadAction = why;
                faults.push((at, format!("{key}: {why}")));
            }
        }
    }
    if faults.is_empty() { Ok(actions) } else { Err(faults) }
}

/// The texts of a list with their lines, and the faults of those that are none.
type Texts = (Vec<(Option<u64>, String)>, Vec<(Option<u64>, String)>);

/// `otherwise` gives the text that an item stands for which is none.
fn texts(key: &str, node: &Yaml, otherwise: impl Fn(&Yaml) -> Option<String>) -> Converted<Texts> {
    let Yaml::List(list) = node else { return bad(format!("{key} must be a list, not {}", node.kind())) };
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for item in list {
        let text = match &item.value {
            Yaml::Text(text) => Some(text.clone()),
            other => otherwise(other),
        };
        match text {
            Some(text) => texts.push((line(item), text)),
            None => faults.push((line(item), format!("{key} must hold texts, not {}", item.value.kind()))),
        }
    }
    Ok((texts, faults))
}

/// YAML takes an unquoted `log:` or `exec: PROGRAM` for a table of one key; whoever wrote it meant a URL.
fn url_of_table(node: &Yaml) -> Option<String> {
    let Yaml::Table(table) = node else { return None };
    match table.as_slice() {
        [(scheme, Placed { value: Yaml::Null, .. })] => Some(format!("{}:", scheme.value.shown())),
        [(scheme, Placed { value: Yaml::Text(rest), .. })] => {
            Some(format!("{}:{rest}", scheme.value.shown()))
        }
        _ => None,
    }
}

fn unknown<'w>(key: &str, word: &str, words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<&str> = words.collect();
    let hint = match did_you_mean(word, &words) {
        none if none.is_empty() => format!(" (one of {})", words.join(", ")),
        hint => hint,
    };
    format!("unknown {key} \"{word}\"{hint}")
}
