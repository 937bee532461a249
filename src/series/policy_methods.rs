//! Lists of aggregation methods as archive policies write them: `mean`, `*`, `+95pct`, `-std`.

use super::{BadMethod, Form, Method, Statistic};

/// What a policy computes that does not say (Gnocchi 4.7.1's `default_aggregation_methods`), in canonical order.
pub const DEFAULT_METHODS: [Method; 6] = [
    Method::plain(Statistic::Mean),
    Method::plain(Statistic::Min),
    Method::plain(Statistic::Max),
    Method::plain(Statistic::Sum),
    Method::plain(Statistic::Std),
    Method::plain(Statistic::Count),
];

/// All methods that Gnocchi 4.7.1 knows, in canonical order: nine statistics and 99 percentiles, each also as `rate:`.
///
/// We know more (`persec:`, percentiles with a fraction); those are ours alone and not listed to its clients.
pub fn gnocchi_methods() -> Vec<Method> {
    let others = [Statistic::Median, Statistic::First, Statistic::Last];
    let percentiles = (1..100).map(|percent| Statistic::Percentile(f64::from(percent)));
    let defaults = DEFAULT_METHODS.iter().map(|method| method.statistic);
    let statistics: Vec<Statistic> = defaults.chain(others).chain(percentiles).collect();
    let of = |form| statistics.iter().map(move |statistic| Method { form, statistic: *statistic });
    of(Form::Plain).chain(of(Form::Rate)).collect()
}

/// In canonical order, nothing twice.
pub fn canonical_methods(mut methods: Vec<Method>) -> Vec<Method> {
    methods.sort_by(Method::canonical_order);
    methods.dedup();
    methods
}

/// The methods that a list of words means, in canonical order.
///
/// `*` is all of [`gnocchi_methods`]; a list in which each word begins with `+` or `-`, the empty list too, changes
/// [`DEFAULT_METHODS`]. Additions and removals are done one after the other in the order they are written; Gnocchi,
/// which keeps the words in a set, leaves it open what `+x` with `-x` means.
///
/// # Errors
/// [`BadMethod`] is the first word that is no method.
pub fn methods_of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Method>, BadMethod> {
    let (mut named, mut changes) = (Vec::new(), Vec::new());
    let (mut all, mut any_named) = (false, false);
    for word in words {
        match (word, word.strip_prefix('+'), word.strip_prefix('-')) {
            ("*", ..) => all = true,
            (_, Some(added), _) => changes.push((true, added.parse::<Method>()?)),
            (_, _, Some(removed)) => changes.push((false, removed.parse()?)),
            _ => {
                named.push(word.parse()?);
                any_named = true;
            }
        }
    }
    let mut methods = match (all, any_named) {
        (true, _) => gnocchi_methods(),
        (false, true) => named,
        (false, false) => DEFAULT_METHODS.to_vec(),
    };
    for (add, method) in changes {
        methods.retain(|known| *known != method);
        if add {
            methods.push(method);
        }
    }
    Ok(canonical_methods(methods))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        methods_of_words(words.iter().copied()).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn there_are_216_methods_of_gnocchis_in_canonical_order() {
        let methods = gnocchi_methods();
        assert_eq!(methods.len(), 216);
        assert_eq!(canonical_methods(methods.clone()), methods);
        assert_eq!(methods_of_words(["*"]), Ok(methods));
    }

    #[test]
    fn signs_change_the_defaults_unless_methods_are_named() {
        assert_eq!(names(&[]), ["mean", "min", "max", "sum", "std", "count"]);
        assert_eq!(
            names(&["-std", "+95pct", "+rate:mean"]).join(" "),
            "mean min max sum count 95pct rate:mean"
        );
        assert_eq!(names(&["last", "mean", "-mean", "+sum"]), ["sum", "last"]);
        assert_eq!(names(&["mean", "-mean"]), [""; 0]);
        assert_eq!(names(&["*", "-std"]).len(), 215);
    }

    #[test]
    fn a_word_that_is_no_method_is_named() {
        assert_eq!(methods_of_words(["mean", "-avg"]).unwrap_err().0, "avg");
        assert!(methods_of_words(["mean", "**"]).is_err());
    }
}
