"""`serve` as systemd starts it: a socket is handed over (sd_listen_fds(3)), readiness and the end are told (sd_notify(3)).

systemd-analyze reads the units where it is installed.
"""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import recording
from peers import DEADLINE_SECONDS, ROOT, check, equal, finish, running

UNITS = os.path.join(ROOT, "contrib", "systemd")


def units():
    """systemd finds nothing to say about them, a program that is there given."""
    if not shutil.which("systemd-analyze"):
        print("SKIPPED: there is no systemd-analyze: nobody reads the units", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="telemetry-units-") as scratch:
        for path in glob.glob(os.path.join(UNITS, "*.*")):
            with open(path, encoding="utf-8") as unit, open(os.path.join(scratch, os.path.basename(path)), "w", encoding="utf-8") as copy:
                copy.write(unit.read().replace("/usr/bin/telemetry-aggregate", recording.BINARY).replace("man:telemetry-aggregate(1)", "man:sh(1)"))
        found = sorted(glob.glob(os.path.join(scratch, "*.*")))
        equal("there are a service and its socket", [os.path.splitext(path)[1] for path in found], [".service", ".socket"])
        ended = subprocess.run(["systemd-analyze", "verify", "--man=no", *found], capture_output=True, text=True, check=False)
        # What it says of units of this machine is not ours to mend.
        said = [line for line in (ended.stdout + ended.stderr).splitlines() if "telemetry" in line]
        equal("systemd-analyze verify says nothing of ours", said, [])


def life():
    """From a caller who comes before the service to the end."""
    with tempfile.TemporaryDirectory(prefix="telemetry-systemd-") as scratch, socket.socket() as listener, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        manager.bind(os.path.join(scratch, "notify"))
        manager.settimeout(DEADLINE_SECONDS)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # systemd starts the service because of it.
        early = socket.create_connection(listener.getsockname(), DEADLINE_SECONDS)
        early.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        # The shell becomes the service, so that LISTEN_PID is its own.
        script = f'exec 3<&{listener.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        command = ["bash", "-c", script, "bash", recording.BINARY, "serve", "--store", os.path.join(scratch, "store"), "--listen",
                   "127.0.0.1:1"]
        said = os.path.join(scratch, "said")
        with open(said, "wb") as log, running(command, stdin=subprocess.DEVNULL, stderr=log, pass_fds=[listener.fileno()],
                                              env={**os.environ, "NOTIFY_SOCKET": manager.getsockname()}) as process:
            equal("it says when it is ready", manager.recv(4096), b"READY=1\n")
            early.settimeout(DEADLINE_SECONDS)
            check("who came before it is answered", early.recv(4096).startswith(b"HTTP/1.1 200 "))
            equal("the socket is the one that was handed over", recording.ask(address, "GET", "/v1/capabilities")[0], 200)
            process.send_signal(signal.SIGTERM)
            equal("it says that it ends", manager.recv(4096), b"STOPPING=1\n")
            equal("and ends", process.wait(DEADLINE_SECONDS), 0)
        early.close()


units()
life()
finish()
