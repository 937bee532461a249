//! Which granularities an answer has: those that every series has.

use thiserror::Error;

use crate::model::Granularity;

/// There is no granularity that all have; the texts are Gnocchi's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BadGranularities {
    /// None was asked for, and none is common to all.
    #[error("No granularity match")]
    NoMatch,
    /// The one that was asked for is not there everywhere.
    #[error("Granularities are missing")]
    Missing {
        /// Those without it, by their place in the list.
        indices: Vec<usize>,
    },
}

/// The granularities that an answer is computed for, the coarsest first.
///
/// - `asked`: the one that the query names
/// - `of_each`: what each series is kept at, none twice
///
/// # Errors
/// [`BadGranularities`]
pub fn common_granularities(
    asked: Option<Granularity>,
    of_each: &[Vec<Granularity>],
) -> Result<Vec<Granularity>, BadGranularities> {
    if let Some(asked) = asked {
        let missing = of_each.iter().enumerate().filter(|(_, has)| !has.contains(&asked));
        let indices: Vec<usize> = missing.map(|(index, _)| index).collect();
        return if indices.is_empty() { Ok(vec![asked]) } else { Err(BadGranularities::Missing { indices }) };
    }
    let (first, others) = of_each.split_first().ok_or(BadGranularities::NoMatch)?;
    let everywhere = |wanted: &&Granularity| others.iter().all(|has| has.contains(wanted));
    let mut common: Vec<Granularity> = first.iter().filter(everywhere).copied().collect();
    common.sort_by(|a, b| b.cmp(a));
    if common.is_empty() { Err(BadGranularities::NoMatch) } else { Ok(common) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_have_is_common() {
        let seconds =
            |list: &[i64]| list.iter().map(|s| Granularity::from_seconds(*s).unwrap()).collect::<Vec<_>>();
        let each = [seconds(&[1, 60, 3600]), seconds(&[60, 300, 3600])];
        assert_eq!(common_granularities(None, &each), Ok(seconds(&[3600, 60])));
        let asked = |s| common_granularities(Granularity::from_seconds(s), &each);
        assert_eq!(asked(60), Ok(seconds(&[60])));
        assert_eq!(asked(300), Err(BadGranularities::Missing { indices: vec![0] }));
        let apart = [seconds(&[1]), seconds(&[60])];
        assert_eq!(common_granularities(None, &apart), Err(BadGranularities::NoMatch));
        assert_eq!(common_granularities(None, &[]), Err(BadGranularities::NoMatch));
    }
}
