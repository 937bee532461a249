"""A real Gnocchi with a PostgreSQL of its own: asked about random measures, and its answers written down or compared.

    real_gnocchi.py serve [OPTION=VALUE...]      runs it with gnocchi-metricd until it is told to end; says its address
                                                 port=8041, prefix=/gnocchi, auth=basic or headers (who asks is in X-User-Id,
                                                 X-Project-Id, X-Roles), limit=10000, policies=no for none to begin with
    real_gnocchi.py record VALUES OPERATIONS     writes what it answers, as gzipped JSON lines
    real_gnocchi.py compare                      asks telemetry-aggregate too, about what nobody has asked before

GNOCCHI_PYTHON   a Python that has gnocchi 4.7.1 [target/gnocchi/bin/python]
GNOCCHI_SEED     the seed of `compare`, to see a failure again

All it starts listens on loopback or a socket in its own directory, and is ended by its number. PostgreSQL refuses root:
then it runs as the user postgres.
"""

import calendar
import contextlib
import glob
import gzip
import json
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import gnocchi_cases
import gnocchi_model
import gnocchi_ours
import gnocchi_replay
from peers import ROOT, finish, running, skip

PYTHON = os.environ.get("GNOCCHI_PYTHON", os.path.join(ROOT, "target", "gnocchi", "bin", "python"))
SECOND = gnocchi_cases.SECOND
RECORDED = 239
COMPARED = 60

# gnocchi-api without uWSGI: the same application below Python's own server.
API = """\
import socketserver, sys
from wsgiref import simple_server
from gnocchi.cli import api
from gnocchi.rest import app

class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *arguments):
        pass

class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True

port = int(sys.argv.pop())
prefix = sys.argv.pop()
application = app.load_app(api.prepare_service())

def below(environ, start_response):
    # A prefix is what the application is mounted below.
    if environ["PATH_INFO"].startswith(prefix):
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, environ["PATH_INFO"][len(prefix):]
    return application(environ, start_response)

server = simple_server.make_server("127.0.0.1", port, below, Server, Quiet)
server.serve_forever()
"""

# What Gnocchi's own mode "keystone" is behind the middleware that asks Keystone: who asks stands in the headers.
PASTE = """\
[composite:gnocchi+keystone]
use = egg:Paste#urlmap
/ = versions
/v1 = v1
/healthcheck = healthcheck
[app:healthcheck]
use = egg:oslo.middleware#healthcheck
oslo_config_project = gnocchi
[app:versions]
paste.app_factory = gnocchi.rest.app:app_factory
root = gnocchi.rest.api.VersionsController
[app:v1]
paste.app_factory = gnocchi.rest.app:app_factory
root = gnocchi.rest.api.V1Controller
"""


def free_port():
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def postgresql(directory):
    """A cluster of its own without a port; gives the URL of an empty database."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
        skip("there is no PostgreSQL server (apt-get install postgresql)")
    as_user = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chown(directory, user.pw_uid, user.pw_gid)
    run = lambda name, *arguments: subprocess.run([os.path.join(programs[-1], name), *arguments], check=True, cwd=directory,
                                                  stdout=subprocess.DEVNULL, **as_user)
    run("initdb", "--pgdata=data", "--auth=trust", "--username=gnocchi", "--encoding=UTF8", "--locale=C", "--no-sync")
    settings = ["listen_addresses=", f"unix_socket_directories={directory}", "fsync=off", "max_connections=50",
                "shared_buffers=32MB"]
    command = [os.path.join(programs[-1], "postgres"), "-D", "data"]
    for setting in settings:
        command += ["-c", setting]
    with open(os.path.join(directory, "log"), "wb") as log, running(command, cwd=directory, stdout=log, stderr=log, **as_user):
        ready = [os.path.join(programs[-1], "pg_isready"), "-q", "-h", directory]
        while subprocess.run(ready, check=False).returncode != 0:
            time.sleep(0.1)
        run("createdb", f"--host={directory}", "--username=gnocchi", "gnocchi")
        yield f"postgresql://gnocchi@/gnocchi?host={directory}"


@contextlib.contextmanager
def gnocchi(metricd, port=None, prefix="", auth="basic", limit=10000, policies="yes"):
    """A running Gnocchi; gives a Client. The options are those of `serve`."""
    if subprocess.run([PYTHON, "-c", "import gnocchi, psycopg2"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        skip(f"{PYTHON} has no gnocchi")
    with tempfile.TemporaryDirectory(prefix="telemetry-gnocchi-", ignore_cleanup_errors=True) as scratch:
        os.chmod(scratch, 0o711)
        database = os.path.join(scratch, "postgresql")
        os.mkdir(database, 0o700)
        with postgresql(database) as url:
            config = os.path.join(scratch, "gnocchi.conf")
            with open(config, "w", encoding="utf-8") as text:
                text.write(f"[DEFAULT]\ncoordination_url = file://{scratch}/coordination\nparallel_operations = 1\n"
                           f"[indexer]\nurl = {url}\n"
                           f"[storage]\ndriver = file\nfile_basepath = {scratch}/storage\n"
                           f"[incoming]\ndriver = file\nfile_basepath = {scratch}/storage\n"
                           f"[api]\nauth_mode = {'keystone' if auth == 'headers' else auth}\nmax_limit = {limit}\n"
                           f"enable_proxy_headers_parsing = true\n"
                           + (f"paste_config = {scratch}/paste.ini\n" if auth == "headers" else "") +
                           f"[cors]\nallowed_origin = http://foobar.com\n"
                           f"[metricd]\nworkers = 1\nmetric_processing_delay = 1\nmetric_cleanup_delay = 1\n")
            with open(os.path.join(scratch, "paste.ini"), "w", encoding="utf-8") as text:
                text.write(PASTE)
            programs = os.path.dirname(PYTHON)
            with open(os.path.join(scratch, "log"), "w+b") as log:
                upgrade = [os.path.join(programs, "gnocchi-upgrade"), "--config-file", config, "--sacks-number", "8"]
                upgrade += ["--skip-archive-policies-creation"] if policies == "no" else []
                if subprocess.run(upgrade, check=False, stdout=log, stderr=log).returncode != 0:
                    log.seek(0)
                    sys.exit(log.read().decode())
                port = port or free_port()
                with contextlib.ExitStack() as stack:
                    stack.enter_context(running([PYTHON, "-c", API, "--config-file", config, prefix, str(port)], stdout=log, stderr=log))
                    if metricd:
                        stack.enter_context(running([os.path.join(programs, "gnocchi-metricd"), "--config-file", config],
                                                    stdout=log, stderr=log))
                    client = Client(f"http://127.0.0.1:{port}{prefix}")
                    # The status fails until the first gnocchi-metricd is there.
                    client.wait("/v1/status" if metricd else "/v1/capabilities")
                    yield client


class Client:
    """What is asked of its API."""

    def __init__(self, address):
        self.address = address
        self.policies = {}

    def ask(self, method, path, body=None, **parameters):
        """(status, what is answered)."""
        parameters = {name: value for name, value in parameters.items() if value is not None}
        url = self.address + path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        data = None if body is None else json.dumps(body).encode()
        # Basic authentication of "admin"; the password is not looked at. And the same for auth=headers.
        headers = {"Authorization": "Basic YWRtaW46", "Content-Type": "application/json", "Accept": "application/json",
                   "X-User-Id": "admin", "X-Project-Id": "admin", "X-Roles": "admin"}
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, text.decode(errors="replace")

    def must(self, *arguments, **parameters):
        """What is answered, where it must not be refused."""
        status, answer = self.ask(*arguments, **parameters)
        if status >= 300:
            sys.exit(f"Gnocchi answers {status}: {answer}")
        return answer

    def wait(self, path):
        """Until it answers."""
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                if self.ask("GET", path)[0] == 200:
                    return
            if time.monotonic() > deadline:
                sys.exit("Gnocchi did not answer for two minutes")
            time.sleep(0.2)

    def metric(self, archive, posts):
        """Makes a metric and brings its measures, each call processed before the next; its id."""
        body = {"back_window": archive["back_window"], "aggregation_methods": archive["aggregation_methods"],
                "definition": [{"granularity": one["granularity"] / SECOND,
                                **({"points": one["points"]} if one["points"] else {})} for one in archive["definition"]]}
        key = json.dumps(body)
        if key not in self.policies:
            self.policies[key] = f"policy-{len(self.policies)}"
            self.must("POST", "/v1/archive_policy", {"name": self.policies[key], **body})
        metric = self.must("POST", "/v1/metric", {"archive_policy_name": self.policies[key]})["id"]
        for call in posts:
            measures = [{"timestamp": iso(when), "value": value} for when, value in call]
            self.must("POST", f"/v1/metric/{metric}/measures", measures)
            self.must("GET", f"/v1/metric/{metric}/measures", refresh="true", aggregation=archive["aggregation_methods"][0])
        return metric

    def measures(self, metric, method, start=None, stop=None, granularity=None, resample=None):
        """Rows of [start, granularity, value], coarse first."""
        seconds = lambda ns: ns and f"{ns / SECOND:.9g}"
        return rows(self.must("GET", f"/v1/metric/{metric}/measures", aggregation=method, start=start and iso(start),
                              stop=stop and iso(stop), granularity=seconds(granularity), resample=seconds(resample)))


def iso(ns):
    """A time with all its nanoseconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // SECOND)) + f".{ns % SECOND:09}"


def ns(text):
    """A time of Gnocchi's, which are whole seconds."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S+00:00")) * SECOND


def rows(answer):
    """Gnocchi's triples as nanoseconds."""
    return [[ns(when), round(granularity * SECOND), gnocchi_cases.number(float(value))] for when, granularity, value in answer]


def value_answers(client, chance, case):
    """A case with what the real one answers, and where we know better."""
    metric = client.metric(case["policy"], case["posts"])
    case["measures"] = {method: client.measures(metric, method) for method in case["policy"]["aggregation_methods"]}
    model = gnocchi_model.answer(case)
    case["known"] = {method: [[when, step, gnocchi_cases.number(value)] for when, step, value in model[method]]
                     for method in model if not gnocchi_replay.same(case["measures"][method], model[method])}
    case["queries"] = [{"method": method, "start": start, "stop": stop, "granularity": granularity, "resample": resample,
                        "rows": client.measures(metric, method, start, stop, granularity, resample)}
                       for method, start, stop, granularity, resample in gnocchi_cases.queries(chance, case)
                       if method not in case["known"]]
    return case


def operation_answers(client, chance, at, count):
    """A world, and what the real one answers about it."""
    world = gnocchi_cases.operations_world(chance, at)
    ids = {name: client.metric(one["policy"], one["posts"]) for name, one in world.items()}
    answers = []
    for operations, given in gnocchi_cases.requests(chance, count):
        text = operations
        for name, metric in ids.items():
            text = text.replace(f"metric {name} ", f"metric {metric} ").replace(f"({name} ", f"({metric} ")
        parameters = dict(given)
        for name in ("start", "stop"):
            if name in parameters:
                parameters[name] = iso(parameters[name])
        if "granularity" in parameters:
            parameters["granularity"] = parameters["granularity"] // SECOND
        status, answer = client.ask("POST", "/v1/aggregates", {"operations": text}, **parameters)
        one = {"operations": operations, **given, "status": status}
        if status == 200:
            names = {metric: name for name, metric in ids.items()}
            measures = answer["measures"]
            if "aggregated" in measures:
                one["aggregated"] = rows(measures["aggregated"])
            else:
                one["measures"] = {names[metric]: {method: rows(found) for method, found in methods.items()}
                                   for metric, methods in measures.items()}
        else:
            one["why"] = json.dumps(answer, ensure_ascii=False)
            for name, metric in ids.items():
                one["why"] = one["why"].replace(metric, name)
        answers.append(one)
    return {"metrics": world, "requests": answers}


def write(path, lines):
    """Gzipped JSON lines, the same for the same lines."""
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        for line in lines:
            packed.write((json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n").encode())


def record(values, operations):
    """Writes the two files."""
    chance = random.Random(4)
    with gnocchi(metricd=False) as client:
        begun = time.monotonic()
        cases = [gnocchi_cases.border_case()] + [gnocchi_cases.value_case(chance, at) for at in range(RECORDED)]
        write(values, [value_answers(client, chance, case) for case in cases])
        write(operations, [operation_answers(client, chance, at, 3) for at in range(3)])
        print(f"{len(cases)} cases in {time.monotonic() - begun:.0f} s")


def compare():
    """Asks both about what nobody has asked before."""
    seed = int(os.environ.get("GNOCCHI_SEED") or time.time())
    print(f"GNOCCHI_SEED={seed}", flush=True)
    if not gnocchi_ours.able():
        skip("telemetry-aggregate knows no measures")
    chance = random.Random(seed)
    with gnocchi(metricd=False) as client:
        for at in range(COMPARED):
            gnocchi_replay.values(at, value_answers(client, chance, gnocchi_cases.value_case(chance, chance.randrange(10 ** 6))))
        for at in range(3):
            gnocchi_replay.operations(at, operation_answers(client, chance, at, 3))
    finish()


def main(arguments):
    """What the arguments say."""
    if arguments[:1] == ["serve"]:
        # As a signal would end it without its children.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with gnocchi(metricd=True, **dict(one.split("=", 1) for one in arguments[1:])) as client:
            print(client.address, flush=True)
            while True:
                signal.pause()
    elif arguments == ["compare"]:
        compare()
    elif len(arguments) == 3 and arguments[0] == "record":
        record(*arguments[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
