//! The query of a URL.

use super::Problem;

/// Names and values of a query, decoded, in their order; a name may stand several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads what stands behind the question mark (WHATWG URL, application/x-www-form-urlencoded).
    pub fn parse(query: &str) -> Parameters {
        Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The value of `name`; of several the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All values of `name`, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// All names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A value that is true or false; false when it is not there. Takes the words of oslo.utils.
    ///
    /// # Errors
    /// 400 for any other word.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        let Some(word) = self.get(name) else { return Ok(false) };
        match word.trim().to_lowercase().as_str() {
            "1" | "t" | "true" | "on" | "y" | "yes" => Ok(true),
            "0" | "f" | "false" | "off" | "n" | "no" => Ok(false),
            _ => Err(Problem::bad(format!(
                "Unable to parse `{name}': Unrecognized value '{word}', acceptable values are: '0', '1', 'f', \
                 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'"
            ))),
        }
    }

    /// The query with `name` set to `value` alone, sorted by names, as a URL wants it.
    pub fn with(&self, changes: &[(&str, &[String])]) -> String {
        let kept = self.0.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let mut pairs: Vec<(&str, &str)> =
            kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for (name, values) in changes {
            pairs.extend(values.iter().map(|value| (*name, value.as_str())));
        }
        pairs.sort_by_key(|(name, _)| *name);
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_may_stand_several_times() {
        let query = Parameters::parse("sort=a%3Aasc&sort=b&filter=x+%3D+1&empty=&flag");
        assert_eq!(query.all("sort").collect::<Vec<_>>(), ["a:asc", "b"]);
        assert_eq!(
            (query.get("filter"), query.get("empty"), query.get("flag")),
            (Some("x = 1"), Some(""), Some(""))
        );
        assert_eq!(query.get("nothing"), None);
    }

    #[test]
    fn flags_take_the_words_of_the_original() {
        let query = Parameters::parse("a=True&b=off&c=maybe");
        assert_eq!(
            (query.flag("a").unwrap(), query.flag("b").unwrap(), query.flag("d").unwrap()),
            (true, false, false)
        );
        assert!(query.flag("c").is_err());
    }

    #[test]
    fn a_query_is_written_with_changes() {
        let query = Parameters::parse("z=1&limit=3&marker=a&x=é");
        let changed =
            query.with(&[("marker", &["b c".to_owned()]), ("sort", &["m".to_owned(), "n".to_owned()])]);
        assert_eq!(changed, "limit=3&marker=b+c&sort=m&sort=n&x=%C3%A9&z=1");
    }
}
