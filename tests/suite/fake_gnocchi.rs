//! A Gnocchi that knows resources by their ids, and a Keystone that gives tokens for it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::http_server::{Asked, Reply, Server, reply};

/// Starts one. Batches with resources that were not created are refused as Gnocchi 4.7.1 refuses them; a search finds
/// one disk and one interface; resources that begin with `taken` are there already when they are created. Tokens are
/// `token-1`, `token-2` and so on; with `expires_after`, a token ends after that many requests.
pub fn fake_gnocchi(known: &[&str], expires_after: Option<usize>) -> Server {
    let known: BTreeSet<String> = known.iter().map(|id| (*id).to_owned()).collect();
    let state = Mutex::new((known, 0_usize, 0_usize));
    Server::start(move |asked, _| {
        let (known, tokens, used) = &mut *state.lock().unwrap();
        if asked.path == "/v3/auth/tokens" {
            (*tokens, *used) = (*tokens + 1, 0);
            return token(asked, *tokens);
        }
        if let Some(most) = expires_after {
            let current = format!("token-{tokens}");
            *used += 1;
            if asked.header("x-auth-token") != Some(&current) || *used > most {
                return reply(401).with("The request you have made requires authentication.");
            }
        }
        answer(asked, known)
    })
}

fn answer(asked: &Asked, known: &mut BTreeSet<String>) -> Reply {
    let path = asked.path.strip_prefix("/metric").unwrap_or(&asked.path);
    match (&asked.method[..], path) {
        ("POST", "/v1/archive_policy/") => reply(200),
        ("POST", path) if path.starts_with("/v1/batch/resources/metrics/measures") => {
            let body = asked.json();
            let ids = body.as_object().unwrap().keys();
            let unknown: Vec<Value> = ids
                .filter(|id| !known.contains(*id))
                .map(|id| json!({"resource_id": format!("uuid-of-{id}"), "original_resource_id": id}))
                .collect();
            if !unknown.is_empty() {
                let description = json!({"cause": "Unknown resources", "detail": unknown});
                return reply(400).with(json!({"code": 400, "description": description}).to_string());
            }
            if asked.text().contains("\"value\":666") {
                return reply(400).with("{\"description\":{\"cause\":\"Invalid input\"}}");
            }
            reply(202)
        }
        ("POST", path) if path.starts_with("/v1/search/resource/") => {
            let of_type = path.rsplit('/').next().unwrap();
            reply(200).with(json!([{"id": format!("a {of_type}"), "type": of_type}]).to_string())
        }
        ("POST", "/v1/resource/unknown_type") => reply(404).with("No such type"),
        ("POST", _) => {
            let id = asked.json()["id"].as_str().unwrap().to_owned();
            let taken = id.starts_with("taken");
            known.insert(id);
            reply(if taken { 409 } else { 201 })
        }
        ("PATCH", _) => reply(200),
        other => panic!("{other:?}"),
    }
}

/// A token, and a catalogue whose only endpoint of Gnocchi's is this server's `/metric`.
fn token(asked: &Asked, number: usize) -> Reply {
    let base = format!("http://{}", asked.header("host").unwrap());
    let catalog = json!([
        {"type": "identity", "name": "keystone", "endpoints": [{"interface": "public", "region": "R", "url": base}]},
        {"type": "metric", "name": "gnocchi", "endpoints": [
            {"interface": "admin", "region": "R", "url": "http://127.0.0.1:9/"},
            {"interface": "public", "region": "R", "url": format!("{base}/metric/")},
        ]},
    ]);
    let token = format!("token-{number}");
    reply(201).header("x-subject-token", &token).with(json!({"token": {"catalog": catalog}}).to_string())
}
