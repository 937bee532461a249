"""What a real server answered, written down once, and what ours answers to the same, compared with it.

A scenario asks something and hands each answer to `Recording.take`. On the real server the answers become gzipped JSON
lines below tests/fixtures; on ours each has to be the line it was. Names that a server makes up are taken out first:
random ids become "id-1", "id-2"... in the order they are first seen, and times of today "<now>". Ids that are computed
(UUID version 5) stay, as do the times of the measures, which are all in 2015. Aggregation methods are a set: sorted.

    SCRIPT record            asks a real Gnocchi and writes the recording (GNOCCHI_PYTHON, see real_gnocchi.py)
    SCRIPT                   starts our server and compares
    SCRIPT ADDRESS           compares a server that runs, as http://127.0.0.1:8041
"""

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from peers import DEADLINE_SECONDS, ROOT, TOOLS, check, equal, finish, running, skip, wait_for

BINARY = os.environ.get("TELEMETRY_BIN", os.path.join(TOOLS, "telemetry-aggregate"))
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-46-9a-f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
NOW = re.compile(r"\b(?!2015)2\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?")


# Where ours differs on purpose, the status alone is compared: the first pattern that is found in what was asked.
DIFFERENT = {
    r"^gnocchi resource-type list$": "attributes are sorted by name",
    r"^gnocchi archive-policy create odd ": "ours says which methods there are",
    r"colour": "ours says which attributes there are",
    r"^gnocchi aggregates '\(metric cpu nonsense\)'": "ours names the metric and its resource",
    r"^gnocchi resource list -t vm --details --sort host:desc$": "ours is sorted as it is asked for",
    r"^(alice|amy|bob|a project of no user): lists metrics": "ours shows a caller also those of its own metrics that are of no resource",
}
# Where even the status differs on purpose: what ours is.
OTHER_STATUS = {
    r"^(alice|amy|bob|a project of no user): aggregates \(legacy\)": (200, "whose the resource is may aggregate what it may read"),
    r"^(carol of no project|nobody): ": (403, "what is of no project is not of everybody who has none"),
}


class Recording:
    """The answers in their order: to be written, or to be the same."""

    def __init__(self, name, write):
        self.path = os.path.join(ROOT, "tests", "fixtures", name)
        self.write = write
        self.lines = []
        self.ids = {}
        if not write:
            with gzip.open(self.path, "rt", encoding="utf-8") as lines:
                self.lines = [json.loads(line) for line in lines]
        self.at = 0

    def known(self, text):
        """Text without what a server makes up."""
        return NOW.sub("<now>", UUID.sub(lambda found: self.ids.setdefault(found[0], f"id-{len(self.ids) + 1}"), text))

    def sorted(self, items):
        """A list in an order that does not hang on ids nobody has seen before."""
        return sorted(items, key=lambda one: NOW.sub("", UUID.sub(lambda id: self.ids.get(id[0], ""), json.dumps(one))))

    def take(self, what, answer):
        """Takes down, or compares, the answer to `what`."""
        line = json.loads(self.known(json.dumps([what, in_order(answer)])))
        if self.write:
            self.lines.append(line)
            print(json.dumps(line)[:2000], flush=True)
        elif self.at >= len(self.lines):
            check(what, False, "the recording ends before this")
        else:
            recorded = self.lines[self.at]
            self.at += 1
            if line[0] == recorded[0] and is_fault(recorded[1]):
                # A fault of the original's: whatever we answer, it is none of ours.
                check(line[0], not is_fault(line[1]), line[1])
                return
            line, recorded = ([one[0], [reason(part) for part in one[1]] if isinstance(one[1], list) else one[1]]
                              for one in (line, recorded))
            alike = line[0] == recorded[0]
            known = next((why for pattern, why in DIFFERENT.items() if re.search(pattern, line[0])), None)
            if alike and known and line[1] != recorded[1]:
                equal(f"{line[0]} ({known})", line[1][0], recorded[1][0])
                return
            other = next((other for pattern, other in OTHER_STATUS.items() if re.search(pattern, line[0])), None)
            if alike and other and line[1] != recorded[1]:
                equal(f"{line[0]} ({other[1]})", line[1][0], other[0])
                return
            if line[0].startswith(("a token: ", "no name: ")) and line[1][0] == 401:
                # A caller without a name is refused; Gnocchi takes it for one called None, or nothing.
                check(line[0], recorded[1][0] in (200, 201, 202, 204, 400, 403, 404), recorded[1])
                return
            equal(line[0], line, recorded) if line[0] != recorded[0] else equal(line[0], line[1], recorded[1])

    def end(self):
        """Writes the recording, or ends the process with what was found."""
        if self.write:
            with open(self.path, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
                for line in self.lines:
                    packed.write((json.dumps(line, separators=(",", ":")) + "\n").encode())
            print(f"{len(self.lines)} answers recorded")
            return
        check("all that was recorded was asked", self.at == len(self.lines), f"{self.at} of {len(self.lines)}")
        finish()


def ask(address, method, path, body=None, headers=()):
    """(status, headers in lower case, body: as JSON, or as text where it is none)."""
    data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {**({"Content-Type": "application/json"} if data else {}), **dict(headers)}
    request = urllib.request.Request(address + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            status, found, text = answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, found, text = error.code, error.headers, error.read().decode(errors="replace")
    try:
        text = json.loads(text)
    except ValueError:
        pass
    return status, {name.lower(): value for name, value in found.items()}, text


def is_fault(answer):
    """Whether a server answers that it failed."""
    return isinstance(answer, list) and answer[:1] >= [500] if answer and isinstance(answer[0], int) else False


def in_order(answer):
    """An answer with its sets, which Gnocchi writes in any order, sorted."""
    if isinstance(answer, dict):
        return {name: sorted(value) if name == "aggregation_methods" else in_order(value) for name, value in answer.items()}
    # Our stores begin with Ceilometer's policies too.
    if isinstance(answer, (list, tuple)):
        answer = [one for one in answer if not name_of(one).startswith("ceilometer-")]
    return [in_order(one) for one in answer] if isinstance(answer, (list, tuple)) else answer


def reason(page):
    """What a page of a refusal says behind the sentence that all of its status have, up to its detail: Gnocchi writes a
    dictionary of Python there, we JSON."""
    if not isinstance(page, str) or not page.startswith("<html>"):
        return page
    said = page.split("<br /><br />")[-1].replace("</body>", "").replace("</html>", "")
    said = said.replace("&quot;", "&#x27;").split("&#x27;detail&")[0]
    return " ".join(said.replace("&#x27;: ", "&#x27;:").replace(", &#x27;", ",&#x27;").split()).rstrip(",")


def name_of(thing):
    """What something in a list is called."""
    name = thing.get("name") if isinstance(thing, dict) else thing
    return name if isinstance(name, str) else ""


def shape(answer):
    """The keys and types of an answer whose values are of one run only."""
    if isinstance(answer, dict):
        return {name: shape(value) for name, value in answer.items()}
    return "number" if isinstance(answer, (int, float)) else type(answer).__name__


@contextlib.contextmanager
def our_server(*options):
    """A `telemetry-aggregate serve` with a new store; gives its address. A panic in its log is a failure."""
    from real_gnocchi import free_port  # pylint: disable=import-outside-toplevel
    listed = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=False).stdout
    if not re.search(r"^\s+serve\b", listed, re.M):
        skip(f"{BINARY} has no command serve")
    with tempfile.TemporaryDirectory(prefix="telemetry-serve-") as scratch:
        address = f"127.0.0.1:{free_port()}"
        said = os.path.join(scratch, "said")
        command = [BINARY, "serve", "--store", os.path.join(scratch, "store"), "--listen", address, *options]
        with open(said, "wb") as log, running(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            if not wait_for("our server answers", lambda: answers(f"http://{address}/") or process.poll() is not None):
                sys.exit(1)
            yield f"http://{address}"
            check("our server still runs", process.poll() is None, process.returncode)
            check("our server still answers", answers(f"http://{address}/"))
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(DEADLINE_SECONDS)
            equal("our server ends when it is told to", process.returncode, 0)
        with open(said, encoding="utf-8", errors="replace") as log:
            panics = [line for line in log if "panicked" in line]
        equal("our server's log has no panic", panics, [])


def answers(address):
    """Whether something answers there."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def main(scenario, fixture, auth="basic", arguments=tuple(sys.argv[1:])):
    """Records or compares, as the arguments say. `scenario(address, recording)`."""
    arguments = list(arguments)
    if arguments == ["record"]:
        from real_gnocchi import gnocchi  # pylint: disable=import-outside-toplevel
        recording = Recording(fixture, True)
        with gnocchi(metricd=True, auth=auth) as client:
            scenario(client.address, recording)
    else:
        recording = Recording(fixture, False)
        if arguments:
            scenario(arguments[0], recording)
        else:
            with our_server("--auth", auth, "--cors-origin", "http://foobar.com") as address:
                scenario(address, recording)
    recording.end()
