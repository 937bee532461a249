//! "Did you mean …?": the known word nearest to one that is not known.

/// Edits within which a word counts as a slip of the finger; more turned up words that nobody meant.
const EDITS_MAX: usize = 2;

/// The word of `known` that `word` is most likely a slip of; the first of equals.
///
/// A word of three letters or less must be within one edit: with two, anything is near anything.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let edits_max = if word.len() <= 3 { 1 } else { EDITS_MAX };
    let near = known.iter().map(|known| (edits(word, known), *known));
    near.filter(|(edits, _)| *edits <= edits_max).min_by_key(|(edits, _)| *edits).map(|(_, known)| known)
}

/// ` (did you mean "WORD"?)`, to stand at the end of a message; empty when nothing is near.
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!(" (did you mean \"{near}\"?)"))
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
///
/// O(length × length); words from a command line are short.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_a_stranger_finds_none() {
        let known = ["file", "udp", "tcp", "unix"];
        assert_eq!(nearest("udpp", &known), Some("udp"));
        assert_eq!(nearest("tpc", &known), Some("tcp"));
        assert_eq!(nearest("fiel", &known), Some("file"));
        assert_eq!(nearest("kafka", &known), None);
        assert_eq!(did_you_mean("unx", &known), " (did you mean \"unix\"?)");
    }
}
