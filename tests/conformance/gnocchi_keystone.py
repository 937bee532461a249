"""Our server behind a Keystone: whose a token is, what it may, and what happens when Keystone says no, or nothing.

    gnocchi_keystone.py           a Keystone that answers what a real one did
    gnocchi_keystone.py record    a real one (Debian's keystone, on SQLite), whose answers are written down
    gnocchi_keystone.py live      a real one, and the real gnocchiclient with it

Between our server and Keystone stands `Keystone`, which names the tokens that it sees ("own-1", "alice"): as names they
are in the recording, as they are on the wire.
"""

import calendar
import contextlib
import gzip
import http.server
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import recording
from peers import DEADLINE_SECONDS, ROOT, check, equal, finish, need, running, wait_for
from real_gnocchi import free_port

FIXTURE = os.path.join(ROOT, "tests", "fixtures", "keystone.jsonl.gz")
PASSWORD = "sesame"
# Written down as how long it still was: an answer of last year must not be of a token that has ended.
EXPIRES = re.compile(r'("expires_at": ?")([^"]+)(")')


def ask(address, method, path, body=None, headers=()):
    """(status, headers, bytes) of a request."""
    request = urllib.request.Request(address + path, body, dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Keystone:
    """What our server takes for Keystone: in front of a real one, or in its place."""

    def __init__(self, behind=None):
        self.behind = behind
        self.tokens, self.own, self.asked, self.answers = {}, 0, [], {}
        self.lines = []
        self.silent = False
        if behind is None:
            with gzip.open(FIXTURE, "rt", encoding="utf-8") as lines:
                for line in map(json.loads, lines):
                    self.answers.setdefault(tuple(line[:3]), []).append(line[3:])
        keystone = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Hands a request to `keystone`."""

            def do_GET(self):  # pylint: disable=invalid-name
                """A validation, or the giving of a token."""
                keystone.handle(self)

            do_POST = do_GET

            def log_message(self, *_):
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def name(self, token, name):
        """From now on a token is called so; without a real Keystone the name is the token."""
        self.tokens[token] = name
        return token

    def handle(self, call):
        """Answers one request of our server."""
        body = call.rfile.read(int(call.headers.get("content-length") or 0))
        if self.silent:
            call.close_connection = True
            return
        auth, subject = (self.tokens.get(call.headers.get(name), call.headers.get(name))
                         for name in ("x-auth-token", "x-subject-token"))
        # What is nobody's may be of any form.
        key = (call.command, auth, subject)
        self.asked.append(key)
        if self.behind:
            headers = {name: value for name, value in call.headers.items() if name.lower() not in ("host", "connection")}
            status, found, answer = ask(self.behind, call.command, call.path, body or None, headers)
            token = found.get("x-subject-token")
            self.lines.append([*key, status, EXPIRES.sub(lambda end: end[1] + str(left(end[2])) + end[3], answer.decode())])
        else:
            known = self.answers.get(key)
            if not known:
                check(f"Keystone was asked {key} when it was recorded", False)
                call.send_error(500)
                return
            status, text = known.pop(0) if len(known) > 1 else known[0]
            answer, token = EXPIRES.sub(lambda end: end[1] + after(int(end[2])) + end[3], text).encode(), None
        if status == 201:
            self.own += 1
            token = self.name(token or f"own-{self.own}", f"own-{self.own}")
        elif call.command == "GET" and token:
            # It says again whose token it is.
            token = call.headers.get("x-subject-token")
        call.send_response(status)
        for name, value in (("content-length", len(answer)), ("content-type", "application/json"), ("x-subject-token", token)):
            if value is not None:
                call.send_header(name, str(value))
        call.end_headers()
        call.wfile.write(answer)


def left(end):
    """Seconds until a time."""
    return round(calendar.timegm(time.strptime(end[:19], "%Y-%m-%dT%H:%M:%S")) - time.time())


def after(seconds):
    """The time so many seconds from now, as Keystone writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + seconds))


class Real:
    """A Keystone with users: what an administrator does there."""

    def __init__(self, address):
        self.address = address
        self.admin = self.token("admin", {"project": {"name": "admin", "domain": {"id": "default"}}})
        self.ids = {}

    def token(self, user, scope):
        """A token; no scope is one that says only who it is."""
        identity = {"methods": ["password"],
                    "password": {"user": {"name": user, "domain": {"id": "default"}, "password": PASSWORD}}}
        return self.authenticate({"identity": identity, **({"scope": scope} if scope else {})})

    def authenticate(self, auth):
        """A token for who says so."""
        status, headers, answer = ask(self.address, "POST", "/v3/auth/tokens", json.dumps({"auth": auth}).encode(),
                                      {"content-type": "application/json"})
        assert status == 201, answer
        return headers["x-subject-token"]

    def must(self, method, path, body=None, token=None):
        """The answer of something that is allowed."""
        data = None if body is None else json.dumps(body).encode()
        status, _, answer = ask(self.address, method, "/v3" + path, data,
                                {"content-type": "application/json", "x-auth-token": token or self.admin})
        assert status < 300, (path, status, answer)
        return json.loads(answer) if answer else None

    def make(self, kind, name, **more):
        """Makes something; its id is known by its name."""
        self.ids[name] = self.must("POST", f"/{kind}s", {kind: {"name": name, **more}})[kind]["id"]

    def give(self, user, role, where):
        """Gives a user a role in a project or a domain."""
        self.must("PUT", f"/{where}/users/{self.ids[user]}/roles/{self.ids[role]}")


@contextlib.contextmanager
def real():
    """A Keystone of our own with its users."""
    manage, wsgi = need("keystone-manage"), need("keystone-wsgi-public")
    with tempfile.TemporaryDirectory(prefix="telemetry-keystone-") as scratch:
        port = free_port()
        config = os.path.join(scratch, "keystone.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[database]\nconnection = sqlite:///{scratch}/keystone.db\n[token]\nprovider = fernet\n"
                       f"[fernet_tokens]\nkey_repository = {scratch}/fernet\n[credential]\nkey_repository = {scratch}/credential\n"
                       "[cache]\nenabled = false\n")
        for folder in ("fernet", "credential"):
            os.mkdir(os.path.join(scratch, folder), 0o700)
        owner = ["--keystone-user", "root", "--keystone-group", "root"] if os.geteuid() == 0 else []
        # Debian's programs ask the python of the system.
        env = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OS_KEYSTONE_CONFIG_FILES": config}
        with open(os.path.join(scratch, "log"), "wb") as log:
            def run(*words):
                ended = subprocess.run(["/usr/bin/python3", manage, "--config-file", config, *words], env=env, stdout=log, stderr=log,
                                       check=False)
                if ended.returncode:
                    with open(log.name, encoding="utf-8") as said:
                        sys.exit(f"keystone-manage {words[0]}: {said.read()[-2000:]}")
            run("db_sync")
            # A connection of its pool that still reads must not keep the next one from writing.
            with contextlib.closing(sqlite3.connect(os.path.join(scratch, "keystone.db"))) as database:
                database.execute("PRAGMA journal_mode=WAL")
            run("fernet_setup", *owner)
            run("credential_setup", *owner)
            run("bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-public-url", f"http://127.0.0.1:{port}",
                "--bootstrap-region-id", "RegionOne")
            with running(["/usr/bin/python3", wsgi, "--host", "127.0.0.1", "--port", str(port)], env=env, cwd=scratch, stdout=log,
                         stderr=log):
                address = f"http://127.0.0.1:{port}"
                if not wait_for("Keystone answers", lambda: recording.answers(address + "/v3")):
                    with open(log.name, encoding="utf-8") as said:
                        sys.exit(said.read()[-2000:])
                keystone = Real(address)
                try:
                    people(keystone)
                    yield keystone
                except AssertionError:
                    with open(log.name, encoding="utf-8") as said:
                        print(said.read()[-4000:], flush=True)
                    raise


def people(keystone):
    """Two projects and who is in them."""
    for role in keystone.must("GET", "/roles")["roles"]:
        keystone.ids[role["name"]] = role["id"]
    if "service" not in keystone.ids:
        keystone.make("role", "service")
    for project in ("service project", "a", "b"):
        keystone.make("project", project, domain_id="default")
    for user in ("gnocchi", "ceilometer", "alice", "bob", "carol"):
        keystone.make("user", user, domain_id="default", password=PASSWORD)
    for user, role, project in (("gnocchi", "service", "service project"), ("gnocchi", "admin", "service project"),
                                ("ceilometer", "service", "service project"), ("alice", "member", "a"), ("bob", "member", "b")):
        keystone.give(user, role, f"projects/{keystone.ids[project]}")
    keystone.give("carol", "admin", "domains/default")


def tokens(keystone):
    """Tokens of each kind, by who has them."""
    def project(name):
        return {"project": {"name": name, "domain": {"id": "default"}}}
    found = {"admin": keystone.token("admin", project("admin")),
             "ceilometer": keystone.token("ceilometer", project("service project")),
             "alice": keystone.token("alice", project("a")), "bob": keystone.token("bob", project("b")),
             "bob again": keystone.token("bob", project("b")),
             "alice unscoped": keystone.token("alice", None),
             "carol of a domain": keystone.token("carol", {"domain": {"id": "default"}}),
             "admin of the system": keystone.token("admin", {"system": {"all": True}})}
    made = keystone.must("POST", f"/users/{keystone.ids['alice']}/application_credentials",
                         {"application_credential": {"name": "robot", "secret": PASSWORD}}, found["alice"])
    found["alice's robot"] = keystone.authenticate({"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": made["application_credential"]["id"], "secret": PASSWORD}}})
    for gone in ("revoked", "of a user who was deleted"):
        if gone != "revoked":
            keystone.make("user", "dave", domain_id="default", password=PASSWORD)
            keystone.give("dave", "member", f"projects/{keystone.ids['a']}")
        found[gone] = keystone.token("bob" if gone == "revoked" else "dave", project("b" if gone == "revoked" else "a"))
    ask(keystone.address, "DELETE", "/v3/auth/tokens", None, {"x-auth-token": keystone.admin, "x-subject-token": found["revoked"]})
    keystone.must("DELETE", f"/users/{keystone.ids['dave']}")
    # One character of its signature is another.
    found["forged"] = found["alice"][:-10] + ("A" if found["alice"][-10] != "A" else "B") + found["alice"][-9:]
    found["of no form"] = "abc"
    return found


KINDS = ("admin", "ceilometer", "alice", "bob", "bob again", "alice unscoped", "carol of a domain", "admin of the system",
         "alice's robot", "revoked", "of a user who was deleted", "forged", "of no form")


def scenario(front, known, revoke):
    """What each may; `known` are the tokens, `revoke` takes back the one that is our server's."""
    with recording.our_server("--auth", "keystone") as ours:
        def status(who, method, path, body=None):
            headers = {"x-auth-token": known[who]} if who else {}
            return recording.ask(ours, method, path, body, headers)[0]

        def told(who, path):
            return recording.ask(ours, "GET", path, None, {"x-auth-token": known[who]})[2]

        # A policy is for administrators, of a project, a domain or all, and for services.
        policy = {"name": "low", "definition": [{"granularity": 60, "points": 60}]}
        for who, expected in (("alice", 403), ("alice unscoped", 403), ("ceilometer", 409), ("admin", 409)):
            equal(f"{who} makes a policy", status(who, "POST", "/v1/archive_policy", policy), expected)
        for who in ("carol of a domain", "admin of the system"):
            name = who.split()[0]
            equal(f"{who} makes a policy", status(who, "POST", "/v1/archive_policy", {**policy, "name": name}), 201)
        for who in ("revoked", "of a user who was deleted", "forged", "of no form"):
            answer = recording.ask(ours, "GET", "/v1/metric", None, {"x-auth-token": known[who]})
            equal(f"a token that is {who}", (answer[0], answer[1].get("www-authenticate")), (401, f'Keystone uri="{front.address}"'))
        equal("no token", status(None, "GET", "/v1/metric"), 401)
        equal("the root is everybody's", status(None, "GET", "/"), 200)

        # Alice's are hers and her project's, whoever of it made them; the service sees all.
        thing = {"id": "5a1d9f6e-1111-5111-8111-000000000001", "metrics": {"cpu": {"archive_policy_name": "low"}}}
        equal("alice makes a resource", status("alice", "POST", "/v1/resource/generic", thing), 201)
        measures = [{"timestamp": "2015-03-06T14:33:57", "value": 43.1}]
        at = "/v1/resource/generic/" + thing["id"]
        for who, expected in (("alice", 202), ("alice's robot", 202), ("admin", 202), ("bob", 403), ("alice unscoped", 403)):
            equal(f"{who} writes it", status(who, "POST", at + "/metric/cpu/measures", measures), expected)
        for who, expected in (("alice", 200), ("alice's robot", 200), ("admin", 200), ("bob", 403), ("alice unscoped", 403)):
            equal(f"{who} reads it", status(who, "GET", at), expected)
        made = told("alice", at)
        equal("who made it", (made["creator"], made["created_by_user_id"], made["created_by_project_id"]),
              (f"{made['created_by_user_id']}:{made['created_by_project_id']}",) + tuple(made["creator"].split(":")))
        for who, count in (("alice", 1), ("alice's robot", 1), ("bob", 0), ("bob again", 0)):
            equal(f"{who} lists", len(told(who, "/v1/resource/generic")), count)
        equal("a token is asked for once", max(front.asked.count(one) for one in front.asked if one[2]), 1)

        # A token that was believed goes on when Keystone does not; another is not refused for that, but put off.
        front.silent = True
        equal("a known token while Keystone is silent", status("alice", "GET", at), 200)
        front.tokens["late"] = "late"
        late = recording.ask(ours, "GET", "/v1/metric", None, {"x-auth-token": "late"})
        equal("an unknown one meanwhile", (late[0], "retry-after" in late[1]), (503, True))
        front.silent = False
    with recording.our_server("--auth", "keystone") as ours:
        equal("before ours is revoked", status("alice", "GET", "/v1/metric"), 200)
        revoke()
        equal("our own token is renewed", status("bob", "GET", "/v1/metric"), 200)


def client(keystone, known):
    """The real gnocchiclient finds us in the catalogue, and Keystone gives it its token."""
    program = need(os.path.join(ROOT, "target", "peers", "bin", "gnocchi"))
    with recording.our_server("--auth", "keystone") as ours:
        service = keystone.must("POST", "/services", {"service": {"type": "metric", "name": "gnocchi"}})["service"]["id"]
        keystone.must("POST", "/endpoints", {"endpoint": {"service_id": service, "interface": "public", "url": ours,
                                                          "region_id": "RegionOne"}})
        def run(user, project, *words):
            env = {**os.environ, "OS_AUTH_TYPE": "password", "OS_AUTH_URL": keystone.address + "/v3", "OS_USERNAME": user,
                   "OS_PASSWORD": PASSWORD, "OS_PROJECT_NAME": project, "OS_USER_DOMAIN_ID": "default",
                   "OS_PROJECT_DOMAIN_ID": "default"}
            ended = subprocess.run([program, *words], env=env, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
            return ended.returncode, ended.stdout, ended.stderr
        status, said, _ = run("alice", "a", "metric", "create", "x", "--archive-policy-name", "low", "-f", "json")
        equal("gnocchiclient makes a metric", status, 0)
        check("it is of alice's project", keystone.ids["a"] in said, said)
        equal("and lists it", len(json.loads(run("alice", "a", "metric", "list", "-f", "json")[1])), 1)
        equal("bob does not", json.loads(run("bob", "b", "metric", "list", "-f", "json")[1]), [])
        status, _, said = run("bob", "b", "archive-policy", "create", "z", "-d", "granularity:1s,points:1")
        check("bob makes no policy", status != 0 and "403" in said, said)
        equal("a token that Keystone knows", recording.ask(ours, "GET", "/v1/metric", None, {"x-auth-token": known["bob"]})[0], 200)


def begin(front):
    """Our server's way to Keystone."""
    os.environ.update({"OS_AUTH_URL": front.address, "OS_USERNAME": "gnocchi", "OS_PASSWORD": PASSWORD,
                       "OS_PROJECT_NAME": "service project", "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default"})


def main(how):
    """Records, compares, or tries a real one."""
    if how == []:
        front = Keystone()
        begin(front)
        scenario(front, {who: front.name(who.replace(" ", "-"), who) for who in KINDS}, lambda: None)
        finish()
    if how not in (["record"], ["live"]):
        sys.exit(__doc__)
    with real() as keystone:
        front = Keystone(keystone.address)
        begin(front)
        known = tokens(keystone)
        equal("a token of each kind", sorted(known), sorted(KINDS))
        for who, token in known.items():
            front.name(token, who)

        def revoke():
            own = next(token for token, name in front.tokens.items() if name == f"own-{front.own}")
            ask(keystone.address, "DELETE", "/v3/auth/tokens", None, {"x-auth-token": keystone.admin, "x-subject-token": own})
        if how == ["live"]:
            client(keystone, known)
            front.asked.clear()
        scenario(front, known, revoke)
        if how == ["record"]:
            with open(FIXTURE, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
                for line in front.lines:
                    packed.write((json.dumps(line, separators=(",", ":")) + "\n").encode())
            print(f"{len(front.lines)} answers recorded")
    finish()


main(sys.argv[1:])
