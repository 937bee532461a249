"""Schemathesis asks our server, after its own /openapi.json, what nobody would ask; the server survives and keeps its word.

    gnocchi_fuzz.py SCHEMATHESIS [ADDRESS]    the program, and a server that runs

FUZZ_SECONDS  how long it asks [40]
FUZZ_SEED     another seed than the usual one [1]
"""

import contextlib
import os
import subprocess
import sys

import recording
from peers import check, finish

# What a server promises in its description: statuses, kinds and shapes of answers; and that it never fails.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def asks(program, address):
    """Runs it against one server."""
    status, found, description = recording.ask(address, "GET", "/openapi.json")
    if not check_description(status, found, description):
        return
    seconds = int(os.environ.get("FUZZ_SECONDS", "40"))
    command = [program, "run", f"{address}/openapi.json", "--checks", CHECKS, "--auth", "admin:",
               # Its 501 for every query that makes no database is the original's.
               "--exclude-path", "/v1/influxdb/query", "--workers", "1",
               "--max-time", str(seconds), "--seed", os.environ.get("FUZZ_SEED", "1"), "--phases", "examples,coverage,fuzzing",
               "--generation-database", "none", "--no-shrink", "--continue-on-failure", "--request-timeout", "20", "--no-color"]
    try:
        # It ends the request it is at; far more than that is a hang.
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 4 + 60, check=False)
    except subprocess.TimeoutExpired:
        check("schemathesis ends in time", False)
        return
    print(ended.stdout[-20000:] if ended.returncode else ended.stdout[-1500:])
    # An error without a failure is one of its own: CPython 3.11 ends some deep patterns of it with a SystemError.
    if ended.returncode and "= FAILURES =" not in ended.stdout and "Runtime Error" in ended.stdout:
        print("schemathesis failed by itself, see above; of the server it found nothing wrong until then")
        return
    check("the server keeps to its description", ended.returncode == 0, ended.stderr[-2000:])


def check_description(status, found, description):
    """Whether there is one, of more than a few paths."""
    ok = status == 200 and isinstance(description, dict) and str(description.get("openapi", "")).startswith("3")
    check("the server describes itself", ok, (status, found))
    if ok:
        check("with its paths", len(description.get("paths", {})) >= 20, list(description.get("paths", {})))
    return ok


def main(program, address=None):
    """Against a server of its own, whose log and end are looked at, or one that runs."""
    with contextlib.nullcontext(address) if address else recording.our_server("--auth", "basic") as place:
        asks(program, place)
    finish()


if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
main(*sys.argv[1:])
