//! The rules of who may do what, in the language of oslo.policy.
//!
//! `role:admin or (rule:owner and not project_id:%(project_id)s)`: checks joined by `and`, `or`, `not` and parentheses. A check is
//! `role:NAME`, `rule:NAME`, or `KEY:VALUE`, where KEY is of the caller (`user`, `user_id`, `project_id`, `domain_id`, `system_scope`) or
//! a quoted text, and `%(NAME)s` in VALUE of what the rule is asked about. Nothing, and `@`, is everybody; `!` nobody. Unlike in
//! oslo.policy 5.0 a caller without a project is not the owner of what has no project.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Identity;

/// Deepest that rules call rules, and parentheses stand in each other.
const DEPTH_MAX: u32 = 32;
/// Longest rule, in bytes.
const RULE_BYTES_MAX: usize = 16 * 1024;

/// What a rule is asked about: names and values, those in other objects joined by points.
#[derive(Clone, Debug, Default)]
pub struct Target(BTreeMap<String, Option<String>>);

/// Rules that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("rule \"{name}\": {reason}")]
pub struct BadRules {
    /// The rule.
    pub name: String,
    /// What is wrong.
    pub reason: String,
}

/// Rules by their names.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: BTreeMap<String, Check>,
}

#[derive(Clone, Debug, PartialEq)]
enum Check {
    Always(bool),
    Role(String),
    Rule(String),
    /// Of the caller, and what it must be.
    Equal(String, String),
    And(Vec<Check>),
    Or(Vec<Check>),
    Not(Box<Check>),
}

impl Target {
    /// About nothing.
    pub fn new() -> Target {
        Target::default()
    }

    /// With a value; none is null.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Target {
        self.0.insert(name.to_owned(), value.map(ToOwned::to_owned));
        self
    }
}

impl Policy {
    /// Reads rules; of two of one name the later counts.
    ///
    /// # Errors
    /// The first rule that is none, or calls one that is not there.
    pub fn new<'a>(rules: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Policy, BadRules> {
        let mut read = BTreeMap::new();
        for (name, text) in rules {
            let bad = |reason: String| BadRules { name: name.to_owned(), reason };
            read.insert(name.to_owned(), parse(text).map_err(bad)?);
        }
        for (name, check) in &read {
            if let Some(called) = check.calls().into_iter().find(|called| !read.contains_key(*called)) {
                return Err(BadRules {
                    name: name.clone(),
                    reason: format!("there is no rule \"{called}\""),
                });
            }
        }
        Ok(Policy { rules: read })
    }

    /// Whether `who` may do what the rule is about; a rule that is not there lets nobody.
    pub fn allows(&self, rule: &str, who: &Identity, target: &Target) -> bool {
        self.rules.get(rule).is_some_and(|check| self.holds(check, who, target, 0))
    }

    /// Whether the rule, or one that it calls, has a value of what it is asked about whose name begins so.
    pub fn mentions(&self, rule: &str, beginning: &str) -> bool {
        let wanted = format!("%({beginning}");
        self.rules.get(rule).is_some_and(|check| self.has(check, &wanted, 0))
    }

    fn has(&self, check: &Check, wanted: &str, depth: u32) -> bool {
        let has = |check: &Check| self.has(check, wanted, depth + 1);
        match check {
            _ if depth > DEPTH_MAX => false,
            Check::Always(_) => false,
            Check::Role(value) | Check::Equal(_, value) => value.contains(wanted),
            Check::Rule(name) => self.rules.get(name).is_some_and(has),
            Check::And(checks) | Check::Or(checks) => checks.iter().any(has),
            Check::Not(check) => has(check),
        }
    }

    /// Names of all rules.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    fn holds(&self, check: &Check, who: &Identity, target: &Target, depth: u32) -> bool {
        if depth > DEPTH_MAX {
            return false;
        }
        let holds = |check: &Check| self.holds(check, who, target, depth + 1);
        match check {
            Check::Always(answer) => *answer,
            Check::Role(role) => {
                let Some(role) = filled(role, target) else { return false };
                who.roles.iter().any(|has| has.eq_ignore_ascii_case(&role))
            }
            Check::Rule(name) => self.rules.get(name).is_some_and(holds),
            Check::Equal(key, value) => {
                let Some(wanted) = filled(value, target) else { return false };
                match key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')) {
                    Some(text) => text == wanted,
                    None => who.value(key).is_some_and(|has| has == wanted),
                }
            }
            Check::And(checks) => checks.iter().all(holds),
            Check::Or(checks) => checks.iter().any(holds),
            Check::Not(check) => !holds(check),
        }
    }
}

impl Identity {
    /// What rules call the caller by.
    fn value(&self, key: &str) -> Option<&str> {
        match key {
            "user" => Some(&self.creator),
            "user_id" => self.user_id.as_deref(),
            "project_id" | "tenant_id" | "tenant" => self.project_id.as_deref(),
            "domain_id" => self.domain_id.as_deref(),
            "system" | "system_scope" if self.is_local => Some("all"),
            _ => None,
        }
    }
}

/// A value with `%(NAME)s` replaced; none when there is no such name, or it is null.
fn filled(value: &str, target: &Target) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("%(") {
        let (before, behind) = rest.split_at(at);
        let (name, after) = behind[2..].split_once(")s")?;
        out.push_str(before);
        out.push_str(target.0.get(name)?.as_deref()?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

impl Check {
    /// The rules that it calls.
    fn calls(&self) -> Vec<&str> {
        match self {
            Check::Rule(name) => vec![name],
            Check::And(checks) | Check::Or(checks) => checks.iter().flat_map(Check::calls).collect(),
            Check::Not(check) => check.calls(),
            _ => Vec::new(),
        }
    }
}

fn parse(text: &str) -> Result<Check, String> {
    if text.len() > RULE_BYTES_MAX {
        return Err(format!("longer than {RULE_BYTES_MAX} bytes"));
    }
    let words = words(text);
    if words.is_empty() {
        return Ok(Check::Always(true));
    }
    let mut parser = Parser { words: &words, depth: 0 };
    let check = parser.any()?;
    match parser.words.first() {
        None => Ok(check),
        Some(word) => Err(format!("\"{word}\" is not expected here")),
    }
}

/// Words, with parentheses as words of their own; those of `%(name)s` belong to their word.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in text.split_whitespace() {
        let mut part = part;
        while let Some(rest) = part.strip_prefix('(') {
            words.push("(".to_owned());
            part = rest;
        }
        let mut closing = 0;
        while part.ends_with(')') && part.matches(')').count() > part.matches("%(").count() {
            part = &part[..part.len() - 1];
            closing += 1;
        }
        if !part.is_empty() {
            words.push(part.to_owned());
        }
        words.extend(std::iter::repeat_n(")".to_owned(), closing));
    }
    words
}

struct Parser<'a> {
    words: &'a [String],
    depth: u32,
}

impl Parser<'_> {
    fn takes(&mut self, wanted: &str) -> bool {
        match self.words.split_first() {
            Some((word, rest)) if word.eq_ignore_ascii_case(wanted) => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<Check, String> {
        let mut checks = vec![self.all()?];
        while self.takes("or") {
            checks.push(self.all()?);
        }
        Ok(if checks.len() == 1 { checks.remove(0) } else { Check::Or(checks) })
    }

    fn all(&mut self) -> Result<Check, String> {
        let mut checks = vec![self.one()?];
        while self.takes("and") {
            checks.push(self.one()?);
        }
        Ok(if checks.len() == 1 { checks.remove(0) } else { Check::And(checks) })
    }

    fn one(&mut self) -> Result<Check, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX}"));
        }
        let check = if self.takes("not") {
            Check::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let check = self.any()?;
            if !self.takes(")") {
                return Err("a parenthesis is not closed".to_owned());
            }
            check
        } else {
            let Some((word, rest)) = self.words.split_first() else {
                return Err("it ends where a check is expected".to_owned());
            };
            self.words = rest;
            leaf(word)?
        };
        self.depth -= 1;
        Ok(check)
    }
}

fn leaf(word: &str) -> Result<Check, String> {
    match word {
        "@" => return Ok(Check::Always(true)),
        "!" => return Ok(Check::Always(false)),
        _ => {}
    }
    match word.split_once(':') {
        Some(("role", role)) => Ok(Check::Role(role.to_owned())),
        Some(("rule", rule)) => Ok(Check::Rule(rule.to_owned())),
        Some(("http" | "https", _)) => Err("rules that ask another server are not known here".to_owned()),
        Some((key, value)) if !key.is_empty() => Ok(Check::Equal(key.to_owned(), value.to_owned())),
        _ => Err(format!("\"{word}\" is no check: write KIND:VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(user: &str, project: Option<&str>, roles: &[&str]) -> Identity {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Identity::of_token(Some(user.to_owned()), project.map(ToOwned::to_owned), None, roles)
    }

    fn allows(rule: &str, who: &Identity, target: &Target) -> bool {
        Policy::new([("owner", "project_id:%(project_id)s"), ("x", rule)]).unwrap().allows("x", who, target)
    }

    #[test]
    fn rules_decide_by_role_owner_and_each_other() {
        let target = Target::new().with("project_id", Some("p1")).with("creator", Some("u1:p1"));
        let (owner, other, admin) =
            (who("u1", Some("p1"), &[]), who("u2", Some("p2"), &["member"]), who("u3", None, &["Admin"]));
        for (rule, expected) in [
            ("", [true, true, true]),
            ("@", [true, true, true]),
            ("!", [false, false, false]),
            ("role:admin", [false, false, true]),
            ("rule:owner", [true, false, false]),
            ("role:admin or rule:owner", [true, false, true]),
            ("not rule:owner and not role:admin", [false, true, false]),
            ("role:member or (rule:owner and user:%(creator)s)", [true, true, false]),
            ("'p1':%(project_id)s", [true, true, true]),
            ("user_id:u2", [false, true, false]),
            ("project_id:%(nothing)s", [false, false, false]),
        ] {
            let found = [&owner, &other, &admin].map(|who| allows(rule, who, &target));
            assert_eq!(found, expected, "{rule}");
        }
    }

    #[test]
    fn what_a_rule_asks_about_is_known() {
        let rules =
            [("a", "rule:b or role:x"), ("b", "not project_id:%(resource.project_id)s"), ("c", "rule:c")];
        let policy = Policy::new(rules).unwrap();
        assert!(policy.mentions("a", "resource.") && policy.mentions("b", "resource."));
        assert!(!policy.mentions("a", "creator") && !policy.mentions("c", "x") && !policy.mentions("z", "x"));
    }

    #[test]
    fn nobody_owns_what_has_no_project() {
        let target = Target::new().with("project_id", None);
        assert!(!allows("rule:owner", &who("u", None, &[]), &target));
        assert!(!allows("rule:owner", &who("u", Some("None"), &[]), &target));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in
            ["admin", "role:a or", "(role:a", "role:a)", "role:a role:b", "rule:missing", "http://x", ":a"]
        {
            assert!(Policy::new([("x", wrong)]).is_err(), "{wrong}");
        }
        let deep = format!("{}role:a{}", "(".repeat(100), ")".repeat(100));
        assert!(Policy::new([("x", deep.as_str())]).is_err());
        let round = Policy::new([("a", "rule:b"), ("b", "rule:a")]).unwrap();
        assert!(!round.allows("a", &who("u", None, &[]), &Target::new()));
    }
}
