//! `http:` and `https:` · A POST of the transition, as Aodh's notifier `rest` sends it.

use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;
use uuid::Uuid;

use super::{Notifier, NotifyError};
use crate::model::Transition;

/// Ours, drawn once: request identities are made of this and the body.
const REQUEST_NAMESPACE: Uuid = Uuid::from_u128(0x9f2a_6d40_17c3_4b8e_a5d1_3e70_c864_f21b);

/// Posts each transition as JSON: Aodh's keys in Aodh's order, then `timestamp` and `group`.
///
/// The header `x-openstack-request-id` is the same for the same transition, so that a receiver can tell a second
/// delivery from a second transition. No redirect is followed (a changed address is for the user to write down),
/// and nothing of the answer's body is read. `aodh-alarm-ssl-verify=0` in the query of an `https:` URL switches the
/// check of the certificate off, as in Aodh. A user and password in the URL are sent as basic authentication.
/// Proxies are those of `HTTPS_PROXY` and its kin.
pub struct Webhook {
    label: String,
    url: String,
    agent: Agent,
    pause: Duration,
}

/// How long a webhook may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For one attempt, from the look-up of the name to the head of the answer. Aodh has no limit, and hangs.
    pub attempt: Duration,
    /// Before the only second attempt.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { attempt: Duration::from_secs(10), pause: Duration::from_millis(500) }
    }
}

impl Webhook {
    /// - `label`: what messages call it
    /// - `url`: as the user wrote it
    pub fn new(label: String, url: String) -> Webhook {
        Webhook::with_limits(label, url, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(label: String, url: String, limits: Limits) -> Webhook {
        let config = Agent::config_builder()
            .timeout_global(Some(limits.attempt))
            .max_redirects(0)
            .http_status_as_error(false)
            .max_response_header_size(64 * 1024)
            .user_agent(concat!("telemetry/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().disable_verification(!verifies(&url)).build())
            .build();
        Webhook { label, url, agent: Agent::new_with_config(config), pause: limits.pause }
    }

    fn post(&self, body: &[u8], request_id: &str) -> Result<(), NotifyError> {
        let response = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-openstack-request-id", request_id)
            .send(body);
        match response {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => {
                Err(NotifyError::Refused { url: self.label.clone(), status: response.status().as_u16() })
            }
            Err(source) => {
                Err(NotifyError::Unreachable { url: self.label.clone(), source: Box::new(source) })
            }
        }
    }
}

impl Notifier for Webhook {
    fn name(&self) -> &str {
        &self.label
    }

    fn notify(&mut self, transition: &Transition) -> Result<(), NotifyError> {
        let body =
            serde_json::to_vec(transition).expect("a transition has text keys and finite numbers only");
        let request_id = format!("req-{}", Uuid::new_v5(&REQUEST_NAMESPACE, &body));
        match self.post(&body, &request_id) {
            Err(error) if may_help(&error) => {
                thread::sleep(self.pause);
                self.post(&body, &request_id)
            }
            result => result,
        }
    }
}

/// Whether a second attempt may end better: not after a timeout, which has cost enough, nor after a clear answer.
fn may_help(error: &NotifyError) -> bool {
    match error {
        NotifyError::Refused { status, .. } => *status >= 500,
        NotifyError::Unreachable { source, .. } => {
            matches!(**source, ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound)
        }
        _ => false,
    }
}

/// Whether the certificate of `url` is checked; Aodh 23.0.0, `notifier/rest.py`: the last of several options counts.
fn verifies(url: &str) -> bool {
    let query = url.split('#').next().unwrap_or(url).split_once('?').map_or("", |(_, query)| query);
    let mut options = query.split('&').filter_map(|option| option.strip_prefix("aodh-alarm-ssl-verify="));
    options.next_back() != Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::{JSON, transition};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const ERROR: &str = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    /// The lines of the head, and the body.
    type Request = (Vec<String>, String);

    /// A server that gives `answers`, one a connection, and returns what it was sent.
    fn server(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<Request>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let one = |answer: &&str| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = Vec::new();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    match line.trim_end() {
                        "" => break,
                        text => head.push(text.to_owned()),
                    }
                }
                let length = header(&head, "content-length").parse().unwrap();
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
                (head, String::from_utf8(body).unwrap())
            };
            answers.iter().map(one).collect()
        });
        (url, thread)
    }

    fn header(head: &[String], name: &str) -> String {
        let named = head.iter().filter_map(|line| line.split_once(": "));
        named.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
    }

    fn webhook(url: &str) -> Webhook {
        let limits = Limits { attempt: Duration::from_secs(5), pause: Duration::ZERO };
        Webhook::with_limits("http://h".to_owned(), url.to_owned(), limits)
    }

    #[test]
    fn a_webhook_gets_aodhs_payload() {
        let (url, server) = server(&[OK]);
        webhook(&url).notify(&transition()).unwrap();
        let (head, body) = server.join().unwrap().remove(0);
        assert_eq!(head[0], "POST /hook?x=1 HTTP/1.1");
        assert_eq!(header(&head, "content-type"), "application/json");
        assert!(header(&head, "x-openstack-request-id").starts_with("req-"));
        assert_eq!(body, JSON);
    }

    #[test]
    fn a_server_error_is_tried_again_once_under_the_same_identity() {
        let (url, first) = server(&[ERROR, OK]);
        webhook(&url).notify(&transition()).unwrap();
        let requests = first.join().unwrap();
        let id = |index: usize| header(&requests[index].0, "x-openstack-request-id");
        assert_eq!((requests.len(), id(0)), (2, id(1)));

        let (url, server) = server(&[ERROR, ERROR]);
        let error = webhook(&url).notify(&transition()).unwrap_err();
        assert_eq!(error.to_string(), "http://h answered 500");
        assert_eq!(server.join().unwrap().len(), 2);
    }

    #[test]
    fn redirects_and_refusals_are_final() {
        for (answers, status) in [
            (&["HTTP/1.1 302 Go\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n"][..], 302),
            (&["HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"], 404),
        ] {
            let (url, server) = server(answers);
            let error = webhook(&url).notify(&transition()).unwrap_err();
            assert_eq!(error.to_string(), format!("http://h answered {status}"));
            assert_eq!(server.join().unwrap().len(), 1);
        }
    }

    #[test]
    fn a_connection_that_breaks_is_tried_again() {
        let (url, server) = server(&["", OK]);
        webhook(&url).notify(&transition()).unwrap();
        assert_eq!(server.join().unwrap().len(), 2);
    }

    #[test]
    fn a_server_that_never_answers_costs_the_limit_and_no_more() {
        // The system accepts the connection, nobody ever reads it.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let limits = Limits { attempt: Duration::from_millis(200), pause: Duration::ZERO };
        let mut webhook = Webhook::with_limits("http://h".to_owned(), url, limits);
        let begun = std::time::Instant::now();
        let error = webhook.notify(&transition()).unwrap_err();
        assert!(error.to_string().contains("timeout"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_port_where_nobody_listens_is_reported() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let error = webhook(&url).notify(&transition()).unwrap_err();
        assert!(matches!(error, NotifyError::Unreachable { .. }), "{error}");
    }

    #[test]
    fn only_aodhs_option_switches_the_check_off() {
        assert!(verifies("https://h/"));
        assert!(!verifies("https://h/?a=b&aodh-alarm-ssl-verify=0"));
        assert!(verifies("https://h/?aodh-alarm-ssl-verify=0&aodh-alarm-ssl-verify=1"));
        assert!(verifies("https://h/#?aodh-alarm-ssl-verify=0"));
    }
}
