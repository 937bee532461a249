//! Certificates made by openssl, for two days.

use std::process::Command;

use crate::run::{Directory, skipped};

/// An authority, a server and a client that it knows, and a stranger: `NAME.pem` and `NAME.key` of each. The server is
/// 127.0.0.1 and localhost. None, and said, where openssl is not installed.
pub fn make(what: &str) -> Option<Directory> {
    if Command::new("openssl").arg("version").output().is_err() {
        skipped(&format!("{what}: openssl is not there"));
        return None;
    }
    let directory = Directory::new();
    directory.write("server.ext", b"subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n");
    directory.write("client.ext", b"extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n");
    let openssl = |arguments: &str| {
        let ended = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(ended.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ca", "stranger"] {
        openssl(&format!("req -x509 {key} -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"));
    }
    for name in ["server", "client"] {
        openssl(&format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile {name}.ext"
        ));
    }
    Some(directory)
}
