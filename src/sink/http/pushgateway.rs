//! `prometheus:` · Pushes to a Prometheus Pushgateway, as Ceilometer's prometheus publisher does.
//!
//! Ceilometer 27.0.0, seen from outside: one push for each resource, to the path of the URL and `/resource_id/ID`;
//! where the URL names a grouping of its own (`/metrics/job/NAME/LABEL/VALUE`), one push with everything. The content
//! type is its `plain/text`, which a Pushgateway reads as text.

use std::borrow::Cow;

use foldhash::HashMap;

use super::super::courier::Abandoned;
use super::client::Request;
use super::delivery::Round;
use super::dialect::Dialect;
use super::metrics::{Placed, parcel, samples};
use crate::base::Url;
use crate::base::percent::encoded;
use crate::wire::prometheus::Push;
use crate::wire::reading::Readings;

/// Pushes text.
pub struct Pushgateway {
    readings: Readings,
    /// Whether the URL groups already.
    is_grouped: bool,
}

impl Pushgateway {
    /// Pushes to `url`.
    pub fn new(url: &Url) -> Pushgateway {
        let path = url.place().trim_start_matches('/').split_once('/').map_or("", |(_, path)| path);
        let grouping = path.strip_prefix("metrics/job/").and_then(|job| job.split_once('/'));
        let is_grouped = grouping.is_some_and(|(job, labels)| !job.is_empty() && !labels.is_empty());
        Pushgateway { readings: Readings::new(), is_grouped }
    }
}

impl Dialect for Pushgateway {
    fn deliver(&mut self, lines: &[&[u8]], round: &mut Round<'_>) -> Result<(), Abandoned> {
        let samples = samples(&mut self.readings, lines, round)?;
        if self.is_grouped {
            return push(&samples, String::new(), round);
        }
        let mut groups: Vec<(Cow<'_, str>, Vec<Placed<'_>>)> = Vec::new();
        let mut by_resource = HashMap::default();
        for sample in samples {
            let resource = sample.0.resource_id.clone().unwrap_or(Cow::Borrowed("None"));
            let at = *by_resource.entry(resource.clone()).or_insert_with(|| {
                groups.push((resource, Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push(sample);
        }
        for (resource, samples) in groups {
            push(&samples, group_path(&resource), round)?;
        }
        Ok(())
    }
}

fn push(samples: &[Placed<'_>], path: String, round: &mut Round<'_>) -> Result<(), Abandoned> {
    if samples.is_empty() {
        return Ok(());
    }
    let mut push = Push::default();
    samples.iter().for_each(|(reading, _)| push.add(reading));
    let mut body = Vec::new();
    push.write(&mut body);
    let mut request = Request::post("plain/text", body);
    request.path = path;
    round.post(&parcel(request, samples)).map(|_| ())
}

/// `/resource_id/ID`, everything but letters, digits and `_.-~` as `%XX`; an empty value as the Pushgateway has it.
fn group_path(resource: &str) -> String {
    if resource.is_empty() {
        return "/resource_id@base64/=".to_owned();
    }
    format!("/resource_id/{}", encoded(resource, b""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Address;

    #[test]
    fn a_url_that_names_labels_behind_the_job_groups() {
        let is_grouped = |path: &str| {
            let Address::Url(url) = Address::parse(&format!("prometheus://h:1{path}")).unwrap() else {
                panic!()
            };
            Pushgateway::new(&url).is_grouped
        };
        // What Ceilometer 27.0.0 did with each.
        for path in ["/metrics/job/c/x", "/metrics/job/c/x/y/", "/metrics/job/c/resource_id/9"] {
            assert!(is_grouped(path), "{path}");
        }
        for path in
            ["", "/metrics", "/metrics/job/c", "/metrics/job/c/", "/a/b/c/d/e", "/metrics/job/c?x=/y/z"]
        {
            assert!(!is_grouped(path), "{path}");
        }
    }

    #[test]
    fn a_resource_is_quoted_in_the_path() {
        assert_eq!(group_path("r/2 x?#"), "/resource_id/r%2F2%20x%3F%23");
        assert_eq!(group_path("é~-_."), "/resource_id/%C3%A9~-_.");
        assert_eq!(group_path(""), "/resource_id@base64/=");
    }
}
