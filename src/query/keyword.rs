//! The words and signs of the language, and what may have been meant by others.

use super::Comparison;

/// A word or sign with a meaning; the spellings are Gnocchi's, and the case of letters does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Compare(Comparison),
    Like,
    In,
    And,
    Or,
    Not,
    Null,
    True,
    False,
}

/// Every spelling; the first of a keyword is the one that is written.
const SPELLINGS: [(&str, Keyword); 27] = [
    ("=", Keyword::Compare(Comparison::Equal)),
    ("==", Keyword::Compare(Comparison::Equal)),
    ("eq", Keyword::Compare(Comparison::Equal)),
    ("!=", Keyword::Compare(Comparison::NotEqual)),
    ("≠", Keyword::Compare(Comparison::NotEqual)),
    ("ne", Keyword::Compare(Comparison::NotEqual)),
    ("<", Keyword::Compare(Comparison::Less)),
    ("lt", Keyword::Compare(Comparison::Less)),
    ("<=", Keyword::Compare(Comparison::LessOrEqual)),
    ("≤", Keyword::Compare(Comparison::LessOrEqual)),
    ("le", Keyword::Compare(Comparison::LessOrEqual)),
    (">", Keyword::Compare(Comparison::Greater)),
    ("gt", Keyword::Compare(Comparison::Greater)),
    (">=", Keyword::Compare(Comparison::GreaterOrEqual)),
    ("≥", Keyword::Compare(Comparison::GreaterOrEqual)),
    ("ge", Keyword::Compare(Comparison::GreaterOrEqual)),
    ("like", Keyword::Like),
    ("in", Keyword::In),
    ("and", Keyword::And),
    ("∧", Keyword::And),
    ("or", Keyword::Or),
    ("∨", Keyword::Or),
    ("not", Keyword::Not),
    ("null", Keyword::Null),
    ("none", Keyword::Null),
    ("true", Keyword::True),
    ("false", Keyword::False),
];

/// How other languages write the same; those of two signs are Aodh's.
const FOREIGN: [(&str, &str); 12] = [
    ("<>", "!="),
    ("=>", ">="),
    ("=<", "<="),
    ("=~", "like"),
    ("~", "like"),
    ("&&", "and"),
    ("&", "and"),
    ("||", "or"),
    ("|", "or"),
    ("!", "not"),
    ("is", "="),
    ("nil", "null"),
];

impl Keyword {
    /// The keyword that `text` spells.
    pub(super) fn of(text: &str) -> Option<Keyword> {
        SPELLINGS
            .iter()
            .find(|(spelling, _)| spelling.eq_ignore_ascii_case(text))
            .map(|&(_, keyword)| keyword)
    }

    /// Its first spelling.
    pub(super) fn as_str(self) -> &'static str {
        SPELLINGS.iter().find(|(_, keyword)| *keyword == self).map_or("", |(spelling, _)| spelling)
    }
}

/// The spelling that `word` may have been meant for, out of those that `fits` admits.
pub(super) fn suggestion(word: &str, fits: fn(Keyword) -> bool) -> Option<&'static str> {
    let word = word.to_lowercase();
    let foreign = FOREIGN.iter().find(|(theirs, _)| *theirs == word).map(|&(_, ours)| ours);
    let similar = SPELLINGS.iter().find(|&&(ours, keyword)| fits(keyword) && is_slip_of(&word, ours));
    foreign.filter(|ours| Keyword::of(ours).is_some_and(fits)).or(similar.map(|&(ours, _)| ours))
}

/// Whether `typed` is `meant` with one letter missing, added or changed, or two neighbours swapped.
///
/// Words of one or two letters are too near to everything to say.
fn is_slip_of(typed: &str, meant: &str) -> bool {
    let (typed, meant): (Vec<char>, Vec<char>) = (typed.chars().collect(), meant.chars().collect());
    if typed.len() < 3 || typed.len().abs_diff(meant.len()) > 1 || !meant.iter().all(char::is_ascii_lowercase)
    {
        return false;
    }
    let same_start = typed.iter().zip(&meant).take_while(|(a, b)| a == b).count();
    let (typed, meant) = (&typed[same_start..], &meant[same_start..]);
    match (typed, meant) {
        ([a, b, typed @ ..], [c, d, meant @ ..]) if (a, b) == (d, c) && typed == meant => true,
        ([_, typed_tail @ ..], [_, meant_tail @ ..]) if typed_tail == meant_tail => true,
        ([_, typed_tail @ ..], meant) if typed_tail == meant => true,
        (typed, [_, meant_tail @ ..]) => typed == meant_tail,
        (typed, []) => typed.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_keywords_in_any_case() {
        assert_eq!(Keyword::of("AND"), Some(Keyword::And));
        assert_eq!(Keyword::of("None"), Some(Keyword::Null));
        assert_eq!(Keyword::of("≥"), Some(Keyword::Compare(Comparison::GreaterOrEqual)));
        assert_eq!(Keyword::of("lik"), None);
        assert_eq!(Keyword::Compare(Comparison::LessOrEqual).as_str(), "<=");
    }

    #[test]
    fn one_slip_of_the_finger_is_recognised() {
        for (typed, meant) in [
            ("lik", Some("like")),
            ("LIEK", Some("like")),
            ("lime", Some("like")),
            ("likes", Some("like")),
            ("adn", Some("and")),
            ("annd", Some("and")),
            ("orr", Some("or")),
            ("nto", Some("not")),
            ("inn", Some("in")),
            ("<>", Some("!=")),
            ("=>", Some(">=")),
            ("is", Some("=")),
            ("li", None),
            ("lkei", None),
            ("contains", None),
        ] {
            assert_eq!(suggestion(typed, |_| true), meant, "{typed}");
        }
    }

    #[test]
    fn only_what_fits_the_place_is_suggested() {
        assert_eq!(suggestion("adn", |keyword| keyword == Keyword::Or), None);
    }
}
