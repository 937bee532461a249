"""A real Prometheus scrapes itself and writes to telemetry-listen; telemetry-publish writes to a real Prometheus."""

import json
import os
import socket
import tempfile
import time
import urllib.parse
import urllib.request

from peers import Listen, check, equal, finish, need, publish, running, wait_for

prometheus = need("prometheus")


def free_port():
    """A port that nobody has at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


with tempfile.TemporaryDirectory() as scratch:
    port = free_port()
    listen = Listen("http://127.0.0.1:0")
    with open(os.path.join(scratch, "prometheus.yml"), "w", encoding="utf-8") as config:
        config.write(
            "global: {scrape_interval: 1s, external_labels: {site: here}}\n"
            "scrape_configs:\n"
            f"  - {{job_name: self, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
            "remote_write:\n"
            f"  - {{url: 'http://127.0.0.1:{listen.port()}/api/v1/write', metadata_config: {{send_interval: 1s}}}}\n")
    with open(os.path.join(scratch, "log"), "wb") as log, running(
            [prometheus, f"--config.file={scratch}/prometheus.yml", f"--storage.tsdb.path={scratch}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"], stderr=log, stdout=log):

        def query(text):
            """What Prometheus answers."""
            target = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
            try:
                with urllib.request.urlopen(target, timeout=10) as answer:
                    return json.load(answer)["data"]["result"]
            except OSError:
                return None

        samples = wait_for("Prometheus writes its own series to us", lambda: [
            one for one in listen.records() if one["name"] == "prometheus_tsdb_head_series"] and listen.records())
        names = {one["name"] for one in samples or []}
        check("many series arrive", len(names) > 100, len(names))
        one = next((one for one in samples or [] if one["name"] == "prometheus_tsdb_head_series"), {})
        equal("labels are metadata", (one.get("resource_metadata", {}).get("job"), one.get("resource_metadata", {}).get("site")),
              ("self", "here"))
        sent = lambda: (query("prometheus_remote_storage_samples_failed_total") or [{}])[0].get("value", [0, None])[1]
        equal("Prometheus counts none as failed", wait_for("its own count", sent), "0")

        now = int(time.time())
        record = {"name": "disk.device.read.bytes", "type": "cumulative", "unit": "B", "volume": 4096.5, "user_id": "u",
                  "project_id": "p", "resource_id": "r/1 \"é\"", "resource_metadata": {}, "source": "openstack", "id": "x",
                  "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))}
        publish([f"prometheus+write://127.0.0.1:{port}/api/v1/write"], [record])
        found = wait_for("Prometheus has what we sent", lambda: query('{resource_id=~"r/1.*"}'))
        check("with its value and labels", found and found[0]["value"][1] == "4096.5"
              and found[0]["metric"]["resource_id"] == "r/1 \"é\"" and found[0]["metric"]["project_id"] == "p", found)
    books = listen.end()
    check("nothing was rejected", not books.get("rejected"), books.get("rejected"))
finish()
