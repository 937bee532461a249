//! https, with certificates made by openssl and curl as the client.

use std::process::Command;

use super::{lines, list, record};
use crate::run::{Directory, Ended, Running, run, skipped, tool};

/// Those of [`crate::certificates`], where there is a curl to try them with.
fn certificates() -> Option<Directory> {
    if Command::new("curl").arg("--version").output().is_err() {
        skipped("https: curl is not there");
        return None;
    }
    crate::certificates::make("https")
}

fn listen(options: &str) -> (Running, String) {
    let running = Running::start(tool("listen", &[&format!("https://127.0.0.1:0{options}"), "--stats", "-"]));
    let address = running.address();
    (running, address)
}

/// What curl says of a POST of `body`: its exit status, and the status of the response on standard output.
fn curl(address: &str, arguments: &[&str], body: &str) -> Ended {
    let mut command = Command::new("curl");
    command.args(["-s", "-S", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "50"]);
    command.args(["-H", "Content-Type: application/json", "--data-binary", "@-"]);
    command.args(arguments).arg(format!("https://{address}/"));
    run(command, body.as_bytes())
}

#[test]
fn what_curl_posts_over_tls_is_printed() {
    let Some(directory) = certificates() else { return };
    let (cert, key, ca) =
        (directory.file("server.pem"), directory.file("server.key"), directory.file("ca.pem"));
    let (running, address) = listen(&format!("?cert={cert}&key={key}"));
    for (number, version) in ["--tlsv1.3", "--tls-max=1.2"].into_iter().enumerate() {
        let version: Vec<&str> = version.split('=').collect();
        let ended = curl(&address, &[&["--cacert", &ca], &version[..]].concat(), &list(number..number + 1));
        assert_eq!((ended.code(), ended.text()), (Some(0), "204"), "{}", ended.stderr);
    }
    // A body of many records, and one that waits for leave.
    assert_eq!(curl(&address, &["--cacert", &ca], &list(2..50_000)).text(), "204");
    // Somebody who speaks no TLS is not answered, and stops nobody.
    let mut plain = super::Client::connect(&address);
    plain.request("GET", "/", "", "");
    assert!(plain.try_response().is_none());
    assert_eq!(curl(&address, &["--insecure"], &record(50_000)).text(), "204");
    let ended = running.stop();
    assert!(ended.text() == lines(0..50_001));
    assert_eq!(ended.books()["tls_failed"], 1);
}

#[test]
fn a_sender_without_the_right_certificate_is_not_heard() {
    let Some(directory) = certificates() else { return };
    let file = |name: &str| directory.file(name);
    let (cert, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let (running, address) = listen(&format!("?cert={cert}&key={key}&client_ca={ca}"));
    for who in [&[][..], &["--cert", &file("stranger.pem"), "--key", &file("stranger.key")]] {
        let ended = curl(&address, &[&["--cacert", &ca], who].concat(), &record(9));
        assert!(ended.code() != Some(0) && ended.text() == "000", "{who:?} {}", ended.text());
    }
    let who = ["--cacert", &ca, "--cert", &file("client.pem"), "--key", &file("client.key")];
    assert_eq!(curl(&address, &who, &record(0)).text(), "204");
    let ended = running.stop();
    assert_eq!((ended.text(), &ended.books()["tls_failed"]), (&lines(0..1)[..], &serde_json::json!(2)));
}

#[test]
fn files_that_are_no_good_are_named() {
    let Some(directory) = certificates() else { return };
    let file = |name: &str| directory.file(name);
    let refused = |options: &str| {
        let ended = run(tool("listen", &[&format!("https://127.0.0.1:0{options}")]), b"");
        (ended.code(), ended.stderr)
    };
    let with = |cert: &str, key: &str| refused(&format!("?cert={}&key={}", file(cert), file(key)));
    let (code, said) = refused("");
    assert!(code == Some(2) && said.contains("https needs cert=FILE and key=FILE"), "{said}");
    for (cert, key, why) in [
        ("none.pem", "server.key", "cannot read"),
        ("server.key", "server.key", "server.key: has no certificate in it"),
        ("server.pem", "server.pem", "server.pem: has no private key in it"),
        ("server.pem", "client.key", "is not that of the certificate in"),
        ("server.ext", "server.key", "server.ext: has no certificate in it"),
    ] {
        let (code, said) = with(cert, key);
        assert!(code == Some(78) && said.contains(why), "{cert} {key}: {code:?} {said}");
    }
    let plain = run(tool("listen", &["http://127.0.0.1:0?cert=x"]), b"");
    assert!(plain.stderr.contains("unknown option \"cert\""), "{}", plain.stderr);
}
