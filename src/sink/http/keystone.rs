//! Tokens of Keystone's v3 API, for the user and project that `OS_*` name.

use std::fmt;

use serde_json::{Value, json};

use super::client::{Answer, Request};
use crate::base::{Failure, Secret};

/// Gnocchi's type in a catalogue.
const SERVICE_TYPE: &str = "metric";

/// Who asks for a token, and for which service.
#[derive(Clone)]
pub struct Keystone {
    auth_url: String,
    /// The body of the request; holds the password.
    body: Vec<u8>,
    interface: String,
    region: Option<String>,
}

/// A token, and where its service is.
pub struct Session {
    /// The token.
    pub token: Secret,
    /// The service's address without a slash at its end; none where the catalogue has none, which is fine for a user
    /// who wrote the address.
    pub endpoint: Option<String>,
}

impl fmt::Debug for Keystone {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keystone({})", self.auth_url)
    }
}

impl Keystone {
    /// Reads `OS_*` as `variable` gives them; none when there is no `OS_AUTH_URL`.
    ///
    /// # Errors
    /// [`Failure::Configuration`] names every variable that is missing.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Keystone>, Failure> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let Some(auth_url) = variable("OS_AUTH_URL") else { return Ok(None) };
        let interface = variable("OS_INTERFACE").or_else(|| variable("OS_ENDPOINT_TYPE"));
        let interface = interface.map_or("public".to_owned(), |name| name.trim_end_matches("URL").to_owned());
        let mut missing = Vec::new();
        let identity =
            match (variable("OS_APPLICATION_CREDENTIAL_ID"), variable("OS_APPLICATION_CREDENTIAL_SECRET")) {
                (Some(id), Some(secret)) => json!({
                    "methods": ["application_credential"],
                    "application_credential": {"id": id, "secret": secret},
                }),
                _ => {
                    let password = variable("OS_PASSWORD");
                    let mut user = json!({"password": password});
                    match (variable("OS_USER_ID"), variable("OS_USERNAME")) {
                        (Some(id), _) => user["id"] = json!(id),
                        (None, Some(name)) => {
                            user["name"] = json!(name);
                            user["domain"] = domain(&variable, "OS_USER_DOMAIN");
                        }
                        (None, None) => missing.push("OS_USERNAME"),
                    }
                    if password.is_none() {
                        missing.push("OS_PASSWORD");
                    }
                    json!({"methods": ["password"], "password": {"user": user}})
                }
            };
        let project = match (
            variable("OS_PROJECT_ID").or_else(|| variable("OS_TENANT_ID")),
            variable("OS_PROJECT_NAME").or_else(|| variable("OS_TENANT_NAME")),
        ) {
            (Some(id), _) => Some(json!({"id": id})),
            (None, Some(name)) => {
                Some(json!({"name": name, "domain": domain(&variable, "OS_PROJECT_DOMAIN")}))
            }
            (None, None) => None,
        };
        let mut auth = json!({"identity": identity});
        if let Some(project) = project.filter(|_| auth["identity"]["methods"][0] == "password") {
            auth["scope"] = json!({"project": project});
        } else if auth["identity"]["methods"][0] == "password" {
            missing.push("OS_PROJECT_NAME");
        }
        if !missing.is_empty() {
            let missing = missing.iter().map(|name| format!("OS_AUTH_URL is set, and {name} is not"));
            return Err(Failure::Configuration(missing.collect()));
        }
        let auth_url = auth_url.trim_end_matches('/');
        let auth_url = if auth_url.ends_with("/v3") { auth_url.to_owned() } else { format!("{auth_url}/v3") };
        let body = json!({"auth": auth}).to_string().into_bytes();
        Ok(Some(Keystone { auth_url, body, interface, region: variable("OS_REGION_NAME") }))
    }

    /// Where it is, of whatever version.
    pub fn address(&self) -> &str {
        self.auth_url.trim_end_matches("/v3")
    }

    /// Where tokens are asked for.
    pub fn tokens_url(&self) -> String {
        format!("{}/auth/tokens", self.auth_url)
    }

    /// The body of that request.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What is asked.
    pub(super) fn request(&self) -> Request {
        let mut request = Request::post("application/json", self.body.clone());
        request.headers.push(("accept", "application/json".to_owned()));
        request
    }

    /// What is said where the catalogue does not have what is needed.
    pub(super) fn no_endpoint(&self) -> String {
        let region = self.region.as_ref().map_or(String::new(), |region| format!(" in region {region}"));
        format!("the catalogue has no {} endpoint of type {SERVICE_TYPE}{region}", self.interface)
    }

    /// The token and the endpoint in Keystone's answer.
    ///
    /// # Errors
    /// What is wrong with the answer.
    pub(super) fn session(&self, answer: &Answer) -> Result<Session, String> {
        if !answer.is_success() {
            return Err(answer.to_string());
        }
        let token = answer.token.clone().ok_or("the answer has no X-Subject-Token")?;
        let body: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        let services = body["token"]["catalog"].as_array().into_iter().flatten();
        let endpoints = services
            .filter(|service| service["type"] == SERVICE_TYPE)
            .flat_map(|service| service["endpoints"].as_array().into_iter().flatten());
        let mut ours = endpoints.filter(|endpoint| {
            let region = self.region.as_deref();
            endpoint["interface"] == *self.interface
                && region.is_none_or(|region| endpoint["region"] == region || endpoint["region_id"] == region)
        });
        let url = ours.next().and_then(|endpoint| endpoint["url"].as_str());
        let endpoint = url.map(|url| url.trim_end_matches('/').to_owned());
        Ok(Session { token, endpoint })
    }
}

/// `PREFIX_ID`, else `PREFIX_NAME`, else the domain that every cloud has.
fn domain(variable: &dyn Fn(&str) -> Option<String>, prefix: &str) -> Value {
    let default = || variable("OS_DEFAULT_DOMAIN").unwrap_or_else(|| "default".to_owned());
    match (variable(&format!("{prefix}_ID")), variable(&format!("{prefix}_NAME"))) {
        (Some(id), _) => json!({"id": id}),
        (None, Some(name)) => json!({"name": name}),
        (None, None) => json!({"id": default()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keystone(variables: &[(&str, &str)]) -> Result<Option<Keystone>, String> {
        let of =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Keystone::from_environment(of).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_usual_variables_make_a_request_for_a_token() {
        let made = keystone(&[
            ("OS_AUTH_URL", "http://k:5000/"),
            ("OS_USERNAME", "u"),
            ("OS_PASSWORD", "p"),
            ("OS_PROJECT_NAME", "service"),
            ("OS_PROJECT_DOMAIN_NAME", "Default"),
            ("OS_INTERFACE", "internalURL"),
        ]);
        let made = made.unwrap().unwrap();
        assert_eq!(
            (made.tokens_url().as_str(), made.interface.as_str()),
            ("http://k:5000/v3/auth/tokens", "internal")
        );
        let body: Value = serde_json::from_slice(&made.body).unwrap();
        let expected = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {"password": "p", "name": "u", "domain": {"id": "default"}}}},
            "scope": {"project": {"name": "service", "domain": {"name": "Default"}}},
        }});
        assert_eq!(body, expected);
        assert!(keystone(&[]).unwrap().is_none());
        let missing = keystone(&[("OS_AUTH_URL", "http://k/v3"), ("OS_USERNAME", "u")]).err().unwrap();
        assert_eq!(
            missing,
            "OS_AUTH_URL is set, and OS_PASSWORD is not\nOS_AUTH_URL is set, and OS_PROJECT_NAME is not"
        );
    }
}
