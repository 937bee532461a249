//! The values of a rules file: what each key takes, and what is said of anything else.

use uuid::Uuid;

use super::{Action, BadAction, Comparison, GRANULARITY_SECONDS_MAX, PERIODS_MAX};
use crate::define::document::{Node, Placed, line};
use crate::model::{Granularity, NS_PER_SECOND, Severity};

/// A value, or all that is wrong with it; the line of a fault where it is not the value's first.
pub type Converted<T> = Result<T, Vec<(Option<u64>, String)>>;

fn bad<T>(why: String) -> Converted<T> {
    Err(vec![(None, why)])
}

/// Text; a number or a truth that was meant as text needs quotes.
pub fn text(key: &str, node: &Node) -> Converted<String> {
    match node {
        Node::Text(text) => Ok(text.clone()),
        Node::Integer(_) | Node::Number(_) | Node::Bool(_) => {
            bad(format!("{key} must be a text, not {}: put it in quotes", node.kind()))
        }
        _ => bad(format!("{key} must be a text, not {}", node.kind())),
    }
}

/// Text that is more than blanks.
pub fn name_text(key: &str, node: &Node) -> Converted<String> {
    match text(key, node)? {
        empty if empty.trim().is_empty() => bad(format!("{key} is empty")),
        name => Ok(name),
    }
}

/// A UUID in its usual spelling.
pub fn alarm_id(key: &str, node: &Node) -> Converted<Option<String>> {
    let id = text(key, node)?;
    match Uuid::try_parse(&id) {
        // One spelling, so that two spellings of one identity are found.
        Ok(uuid) => Ok(Some(uuid.hyphenated().to_string())),
        Err(_) => bad(format!("alarm_id \"{id}\" is no UUID")),
    }
}

/// `true` or `false`.
pub fn truth(key: &str, node: &Node) -> Converted<bool> {
    match node {
        Node::Bool(truth) => Ok(*truth),
        other => bad(format!("{key} must be true or false, not {}", other.kind())),
    }
}

/// The only type there is.
pub fn alarm_type(key: &str, node: &Node) -> Converted<()> {
    match text(key, node)?.as_str() {
        "threshold" => Ok(()),
        other => bad(format!("unsupported type \"{other}\" (threshold is the only one)")),
    }
}

/// One of Aodh's three words.
pub fn severity(key: &str, node: &Node) -> Converted<Severity> {
    let word = text(key, node)?;
    let all = [Severity::Low, Severity::Moderate, Severity::Critical];
    match all.into_iter().find(|severity| severity.name() == word) {
        Some(severity) => Ok(severity),
        None => bad(unknown(key, &word, all.map(Severity::name).into_iter())),
    }
}

/// One of Aodh's words or of our symbols.
pub fn comparison(key: &str, node: &Node) -> Converted<Comparison> {
    let word = text(key, node)?;
    let words = Comparison::NAMES.iter().map(|(word, ..)| *word);
    word.parse().or_else(|()| bad(unknown(key, &word, words)))
}

/// A number, neither infinite nor NaN.
pub fn finite(key: &str, node: &Node) -> Converted<f64> {
    match node.number() {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => bad(format!("{key} must be a finite number")),
        None => bad(format!("{key} must be a number, not {}", node.kind())),
    }
}

/// A whole number, 1 ..= [`PERIODS_MAX`].
pub fn periods(key: &str, node: &Node) -> Converted<usize> {
    let number = finite(key, node)?;
    if number.fract() == 0.0 && (1.0..=PERIODS_MAX as f64).contains(&number) {
        Ok(number as usize)
    } else {
        bad(format!("{key} must be a whole number from 1 to {PERIODS_MAX}, not {number}"))
    }
}

/// Seconds, or a text like `5m`; at most a year.
pub fn granularity(key: &str, node: &Node) -> Converted<Granularity> {
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
pub fn group_keys(key: &str, node: &Node) -> Converted<Vec<String>> {
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
pub fn actions(key: &str, node: &Node) -> Converted<Vec<Action>> {
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
fn texts(key: &str, node: &Node, otherwise: impl Fn(&Node) -> Option<String>) -> Converted<Texts> {
    let Node::List(list) = node else { return bad(format!("{key} must be a list, not {}", node.kind())) };
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for item in list {
        let text = match &item.value {
            Node::Text(text) => Some(text.clone()),
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
fn url_of_table(node: &Node) -> Option<String> {
    let Node::Table(table) = node else { return None };
    match table.as_slice() {
        [(scheme, Placed { value: Node::Null, .. })] => Some(format!("{}:", scheme.value)),
        [(scheme, Placed { value: Node::Text(rest), .. })] => Some(format!("{}:{rest}", scheme.value)),
        _ => None,
    }
}

fn unknown<'w>(key: &str, word: &str, words: impl Iterator<Item = &'w str> + Clone) -> String {
    let hint = match hint(word, words.clone()) {
        none if none.is_empty() => format!(" (one of {})", words.collect::<Vec<_>>().join(", ")),
        hint => hint,
    };
    format!("unknown {key} \"{word}\"{hint}")
}

/// ` (did you mean "...")`, when one of `words` is at most a third of its letters away.
pub fn hint<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> String {
    let near = words.map(|known| (distance(word, known), known)).min_by_key(|(distance, _)| *distance);
    match near {
        Some((distance, known)) if distance <= known.len().div_ceil(3) => {
            format!(" (did you mean \"{known}\"?)")
        }
        _ => String::new(),
    }
}

/// How many letters must be put in, taken out or changed (Levenshtein 1966). O(letters × letters).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    // Longer than any word of ours: far away from all of them.
    for (above, letter) in from.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_given_for_a_near_word_only() {
        let of = |word: &str| hint(word, ["lt", "ge", "threshold"].into_iter());
        assert_eq!(of("treshold"), " (did you mean \"threshold\"?)");
        assert_eq!(of("gte"), " (did you mean \"ge\"?)");
        assert_eq!(of("above"), "");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
