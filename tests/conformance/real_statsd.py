"""A real statsd client sends to telemetry-listen."""

import statsd

from peers import Listen, check, equal, finish, wait_for

listen = Listen("statsd://127.0.0.1:0?interval=3600")
client = statsd.StatsClient("127.0.0.1", listen.port(), prefix="app")
for milliseconds in range(1, 101):
    client.timing("request", milliseconds)
client.incr("hits", 3)
client.incr("hits", 4)
client.decr("hits")
client.incr("sampled", 5, rate=0.999999999)
client.gauge("queue", 10)
client.gauge("queue", 5, delta=True)
client.gauge("queue", -7, delta=True)
client.set("users", "alice")
client.set("users", "bob")
client.set("users", "alice")
with client.pipeline() as pipe:
    pipe.incr("batched", 2)
    pipe.gauge("level", 1.5)
wait_for("the datagrams are read", lambda: True)
listen.end()
found = {record["name"]: record for record in listen.last_records}


def volume(name):
    """Of one of the samples."""
    record = found.get(name)
    return record and round(record["volume"], 6)


for name, expected in [("app.hits", 6), ("app.sampled", 5), ("app.queue", 8), ("app.users", 2), ("app.batched", 2),
                       ("app.level", 1.5)]:
    equal(name, volume(name), expected)
timers = {name.removeprefix("app.request"): record["volume"] for name, record in found.items() if name.startswith("app.request")}
check("a timer of 1 to 100 ms has its statistics", {100, 1, 50.5} <= set(timers.values()), timers)
check("all is of kind sample", all({"name", "type", "unit", "volume", "timestamp"} <= set(one) for one in listen.last_records))
finish()
