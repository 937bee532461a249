//! `gnocchi:` · Gnocchi's REST API, as Ceilometer's gnocchi publisher uses it.
//!
//! Ceilometer 27.0.0, seen from outside: the archive policies are made once; measures go in batches that create
//! metrics; resources that Gnocchi does not know are created, and the batch is sent again; attributes that changed are
//! patched; events create, change and end resources.
//!
//! Deliberately different: a resource ends when the event says, not when it is published; no request is made for
//! nothing; a batch that is refused for something else than unknown resources is halved until what is wrong is alone.

mod batch;
mod definitions;
mod resources;

use std::path::Path as FilePath;

use ureq::http::Method;

use super::super::courier::Abandoned;
use super::client::Request;
use super::delivery::Round;
use super::dialect::Dialect;
use super::keystone::Keystone;
use super::records::batch_size;
use super::target::Target;
use crate::base::percent::encoded;
use crate::base::{Failure, Url};
use crate::model::Node;
use crate::wire::json::{read_node, write_node};
use batch::Known;
pub use definitions::{Definitions, Resource};
use resources::{Resources, Sample};

/// Options of this dialect.
pub const OPTIONS: [&str; 5] =
    ["archive_policy", "resources_definition_file", "filter_project", "auth", "batch_size"];
/// Who we are where Gnocchi believes everybody (its auth_mode remoteuser or a proxy before it).
const WORDS: [(&str, &str); 3] = [("x-user-id", "admin"), ("x-project-id", "admin"), ("x-roles", "admin")];

/// Posts measures and resources.
pub struct Gnocchi {
    definitions: Definitions,
    archive_policy: Option<String>,
    /// A project whose samples are not sent: that of Gnocchi's own storage.
    filter_project: Option<String>,
    batch_size: usize,
    has_policies: bool,
    known: Known,
}

/// How `url` is authenticated to: by its user, by `auth=`, or by what the environment says.
///
/// # Errors
/// When what is asked for is not there.
pub fn authenticate(url: &Url, target: &mut Target) -> Result<(), Failure> {
    let is_somebody = target.user.is_some() || target.token_file.is_some();
    let asked = url.value("auth")?;
    match asked.map(|_| url.choice("auth", &["keystone", "none"])).transpose()? {
        Some("none") => target.words = &WORDS,
        _ if is_somebody => {}
        Some(_) => target.keystone = Keystone::from_environment(|name| std::env::var(name).ok())?,
        None => {
            target.keystone = Keystone::from_environment(|name| std::env::var(name).ok())?;
            if target.keystone.is_none() {
                target.words = &WORDS;
            }
        }
    }
    if target.keystone.is_none() && (asked == Some("keystone") || target.base.ends_with("://")) {
        return Err(url.usage(&"OS_AUTH_URL is not set: name a host, or set what Keystone needs"));
    }
    Ok(())
}

impl Gnocchi {
    /// Reads the options and the definitions.
    ///
    /// # Errors
    /// When an option makes no sense, or the definitions cannot be used.
    pub fn new(url: &Url) -> Result<Gnocchi, Failure> {
        let file = url.value("resources_definition_file")?.map(FilePath::new);
        let text =
            |key: &str| Ok::<_, Failure>(url.value(key)?.filter(|text| !text.is_empty()).map(str::to_owned));
        Ok(Gnocchi {
            definitions: Definitions::open(file)?,
            archive_policy: text("archive_policy")?,
            filter_project: text("filter_project")?,
            batch_size: batch_size(url)?,
            has_policies: false,
            known: Known::default(),
        })
    }

    /// Makes the archive policies, once a run. Those that are there stay as they are.
    fn make_policies(&mut self, round: &mut Round<'_>) -> Result<(), Abandoned> {
        if std::mem::replace(&mut self.has_policies, true) {
            return Ok(());
        }
        for policy in &self.definitions.archive_policies {
            let made =
                round.exchange(&request(Method::POST, "/v1/archive_policy/", policy.to_string().into()))?;
            if let Some(answer) = made.filter(|answer| !answer.is_success() && answer.status != 409) {
                round.say(
                    "archive policy",
                    &format_args!("cannot make archive policy {}: {answer}", policy["name"]),
                );
            }
        }
        Ok(())
    }

    /// What an event says of a resource.
    fn event(&self, event: &Node<'_>, bytes: u64, round: &mut Round<'_>) -> Result<(), Abandoned> {
        let event_type = event.get("event_type").and_then(Node::as_text).unwrap_or_default();
        let mut done = false;
        for resource in &self.definitions.resources {
            let any = |globs: &[crate::define::Glob]| globs.iter().any(|glob| glob.matches(event_type));
            let (creates, updates, deletes) =
                (any(&resource.event_create), any(&resource.event_update), any(&resource.event_delete));
            if !(creates || updates || deletes) {
                continue;
            }
            let attributes = resource.event_attributes(event);
            let Some(id) = attributes.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| id.as_text())
            else {
                round.say("event without resource", &format_args!("event {event_type} names no resource"));
                continue;
            };
            let id = id.replace('/', "_");
            let of_type = &resource.resource_type;
            if creates {
                self.created_by_event(resource, &id, &attributes, round)?;
            } else if updates {
                round
                    .tell(&request(Method::PATCH, &resource_path(of_type, &id), change(&attributes)), 404)?;
            }
            if deletes {
                let ended_at = event.get("generated").cloned().unwrap_or_default();
                end(resource, &id, &ended_at, round)?;
            }
            done = true;
        }
        if done { round.delivered(1, bytes) } else { round.skipped("event", 1) }
    }

    fn created_by_event(
        &self,
        resource: &Resource,
        id: &str,
        attributes: &[(&str, Node<'_>)],
        round: &mut Round<'_>,
    ) -> Result<(), Abandoned> {
        let of_type = &resource.resource_type;
        let mut body = Vec::new();
        let entries = attributes.iter().map(|(name, value)| {
            let value = if *name == "id" { Node::from(id) } else { value.clone() };
            ((*name).into(), value)
        });
        write_node(&Node::Map(entries.collect()), &mut body);
        let posted = request(Method::POST, &format!("/v1/resource/{of_type}"), body);
        let Some(answer) = round.exchange(&posted)? else { return Ok(()) };
        match answer.status {
            409 => round.tell(&request(Method::PATCH, &resource_path(of_type, id), change(attributes)), 404),
            _ if answer.is_success() => Ok(()),
            _ => {
                round.say("resource", &format_args!("cannot create {of_type} {id}: {answer}"));
                Ok(())
            }
        }
    }
}

impl Dialect for Gnocchi {
    fn remark(&self) -> Option<&'static str> {
        Some(
            "(resources that Gnocchi says it does not know are posted to /v1/resource/TYPE, and the batch again)",
        )
    }

    fn deliver(&mut self, lines: &[&[u8]], round: &mut Round<'_>) -> Result<(), Abandoned> {
        self.make_policies(round)?;
        for lines in lines.chunks(self.batch_size) {
            let mut events = Vec::new();
            let mut all = Resources::default();
            for &line in lines {
                let bytes = line.len() as u64;
                let node = match read_node(line) {
                    Ok(node) => node,
                    Err(error) => {
                        round.unusable("not readable", &error)?;
                        continue;
                    }
                };
                if node.get("traits").is_some() && node.get("event_type").is_some() {
                    events.push((node, bytes));
                    continue;
                }
                let Some(sample) = Sample::of(node) else {
                    round.skipped("no sample or event", 1)?;
                    continue;
                };
                if sample.is_of_project(self.filter_project.as_deref()) {
                    round.skipped("filtered project", 1)?;
                    continue;
                }
                let Some((resource, policy)) = self.definitions.of_metric(&sample.name) else {
                    let name = sample.name.clone();
                    round.unusable("unknown metric", &format_args!("no resource type has metric {name}"))?;
                    continue;
                };
                let policy = self.archive_policy.as_deref().unwrap_or(policy).to_owned();
                all.add(sample, resource, policy, bytes);
            }
            let ids: Vec<&str> = all.ids().collect();
            self.known.send(&ids, &all, round)?;
            for (event, bytes) in &events {
                self.event(event, *bytes, round)?;
            }
        }
        Ok(())
    }
}

/// Ends a resource, and those that go with it.
fn end(resource: &Resource, id: &str, ended_at: &Node<'_>, round: &mut Round<'_>) -> Result<(), Abandoned> {
    let mut body = Vec::new();
    write_node(&Node::Map(vec![("ended_at".into(), ended_at.clone())]), &mut body);
    round.tell(&request(Method::PATCH, &resource_path(&resource.resource_type, id), body.clone()), 404)?;
    for (of_type, search) in &resource.associated {
        let mut quoted = Vec::new();
        write_node(&Node::from(id), &mut quoted);
        // The search is JSON with its %s in quotes; the id must not end them.
        let inner = String::from_utf8_lossy(&quoted[1..quoted.len() - 1]).into_owned();
        let search = search.replace("%s", &inner).into_bytes();
        let asked = request(Method::POST, &format!("/v1/search/resource/{of_type}"), search);
        let Some(answer) = round.exchange(&asked)? else { continue };
        if !answer.is_success() {
            round.say("search", &format_args!("cannot search {of_type} of {id}: {answer}"));
            continue;
        }
        let Ok(Node::List(found)) = read_node(&answer.body) else { continue };
        for found in &found {
            if let Some(id) = found.get("id").and_then(Node::as_text) {
                round.tell(&request(Method::PATCH, &resource_path(of_type, id), body.clone()), 404)?;
            }
        }
    }
    Ok(())
}

/// What may change of a resource: not what it is called, nor whose creation it was.
fn change(attributes: &[(&str, Node<'_>)]) -> Vec<u8> {
    let mut body = Vec::new();
    let kept = attributes.iter().filter(|(name, _)| !matches!(*name, "id" | "user_id"));
    let entries = kept.map(|(name, value)| ((*name).into(), value.clone())).collect();
    write_node(&Node::Map(entries), &mut body);
    body
}

fn request(method: Method, path: &str, body: Vec<u8>) -> Request {
    let headers =
        vec![("accept", "application/json".to_owned()), ("content-type", "application/json".to_owned())];
    Request { method, path: path.to_owned(), headers, body }
}

fn resource_path(of_type: &str, id: &str) -> String {
    format!("/v1/resource/{of_type}/{}", encoded(id, b":@"))
}
