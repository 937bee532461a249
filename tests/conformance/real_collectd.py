"""A real collectd sends to telemetry-listen, by its network plugin and by write_http."""

import os
import tempfile

from peers import Listen, check, finish, need, running, wait_for

collectd = need("collectd")

with tempfile.TemporaryDirectory() as scratch:
    listen = Listen("collectd://127.0.0.1:0", "http://127.0.0.1:0")
    udp, http = listen.ports()
    path = os.path.join(scratch, "collectd.conf")
    with open(path, "w", encoding="utf-8") as config:
        config.write(f"""
Hostname "peer.example"
BaseDir "{scratch}"
PIDFile "{scratch}/pid"
Interval 1
LoadPlugin memory
LoadPlugin load
LoadPlugin network
LoadPlugin write_http
<Plugin network>
  Server "127.0.0.1" "{udp}"
</Plugin>
<Plugin write_http>
  <Node "ours">
    URL "http://127.0.0.1:{http}/collectd"
    Format "JSON"
    BufferSize 4096
  </Node>
</Plugin>
""")
    with open(os.path.join(scratch, "log"), "wb") as log, running([collectd, "-f", "-C", path], stdout=log, stderr=log):
        def of(name):
            """Records whose name holds a word."""
            return [one for one in listen.records() if name in one["name"]]

        wait_for("memory and load arrive", lambda: len(of("memory")) > 20 and len(of("load")) > 4)
    records = of("memory")
    check("the host is the resource, or known", all("peer.example" in str(one) for one in records), records[:1])
    check("values are plausible", all(one["volume"] >= 0 for one in records))
    sources = {one.get("source") for one in records}
    books = listen.end()
    check("nothing was rejected", not books.get("rejected"), (books.get("rejected"), listen.messages, sources))
finish()
