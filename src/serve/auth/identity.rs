//! Who makes a request.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::Keystone;
use crate::serve::http::{Call, Problem};

/// What callers without a name are asked for.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"telemetry\"");

/// How a service knows who calls (`api.auth_mode` of Gnocchi 4.7.1).
#[derive(Clone, Debug)]
pub enum Mode {
    /// The user of basic authentication; the password means nothing. `admin` is an administrator.
    Basic,
    /// The headers that Keystone's middleware sets, whoever sent them.
    Headers,
    /// The user that a web server before us has found out, in `X-Remote-User`. `admin` is an administrator.
    RemoteUser,
    /// Tokens of Keystone, in `X-Auth-Token`; what else the request says of its caller is not believed.
    Keystone(Arc<Keystone>),
}

/// Who makes a request, in the words of Keystone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Who makes what is made: a user, or `user:project`.
    pub creator: String,
    /// The user.
    pub user_id: Option<String>,
    /// The project.
    pub project_id: Option<String>,
    /// The domain.
    pub domain_id: Option<String>,
    /// The roles.
    pub roles: Vec<String>,
    /// Whether the name stands for no project, and lists are not cut down to one.
    pub is_local: bool,
}

impl Mode {
    /// Who makes a request.
    ///
    /// # Errors
    /// 401 when it does not say that.
    pub fn identify(&self, call: &Call) -> Result<Identity, Problem> {
        match self {
            Mode::Basic => {
                let user = call.header(AUTHORIZATION).and_then(basic_user);
                user.map(Identity::local).ok_or_else(|| Problem::unauthorized(Some(CHALLENGE)))
            }
            Mode::RemoteUser => {
                let user = header(call, "x-remote-user");
                user.map(Identity::local).ok_or_else(|| Problem::unauthorized(None))
            }
            Mode::Keystone(keystone) => {
                let token = call.header(HeaderName::from_static("x-auth-token"));
                keystone.identify(token)
            }
            Mode::Headers => Ok(Identity::of_headers(call)),
        }
    }
}

impl Identity {
    /// A user of this host alone.
    fn local(user: String) -> Identity {
        let roles = if user == "admin" { vec!["admin".to_owned()] } else { Vec::new() };
        Identity { creator: user, roles, is_local: true, ..Identity::default() }
    }

    /// What Keystone's middleware says.
    fn of_headers(call: &Call) -> Identity {
        let (user_id, project_id) = (header(call, "x-user-id"), header(call, "x-project-id"));
        let roles = header(call, "x-roles").unwrap_or_default();
        let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).map(ToOwned::to_owned);
        Identity::of_token(user_id, project_id, header(call, "x-domain-id"), roles.collect())
    }

    /// What a token says.
    pub fn of_token(
        user_id: Option<String>,
        project_id: Option<String>,
        domain_id: Option<String>,
        roles: Vec<String>,
    ) -> Identity {
        let text = |id: &Option<String>| id.clone().unwrap_or_default();
        let creator = format!("{}:{}", text(&user_id), text(&project_id));
        Identity { creator, user_id, project_id, domain_id, roles, is_local: false }
    }
}

fn header(call: &Call, name: &'static str) -> Option<String> {
    let value = call.header(HeaderName::from_static(name))?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// The user of `basic`, as RFC 7617 has it; none when it is something else.
fn basic_user(header: &str) -> Option<String> {
    let (scheme, secret) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(secret.trim()).ok()?).ok()?;
    let (user, _) = pair.split_once(':')?;
    Some(user.to_owned()).filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_basic_authentication_is_found() {
        assert_eq!(basic_user("Basic YWRtaW46").as_deref(), Some("admin"));
        assert_eq!(basic_user("basic Zm9vYmFyOng6eQ==").as_deref(), Some("foobar"));
        for wrong in ["", "Basic", "Basic !", "Bearer YWRtaW46", "Basic YWRtaW4=", "Basic Og=="] {
            assert_eq!(basic_user(wrong), None, "{wrong}");
        }
    }
}
