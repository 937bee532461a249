"""The points that stores are measured with: the same for each, in the form each takes. See store.py.

Tick by tick, as they arrive: every tick brings one point of each metric. Of ten metrics four are counters of bytes, three
gauges of two decimals, two integers that seldom change, and one is noise of full precision. Times are microseconds, up to two
seconds after the tick, or the tick itself. No arrival is late.
"""
import json
import random
import struct
import time

# 2025-11-01T00:00:00Z: VictoriaMetrics takes no points of the future.
BEGIN_US = 1_761_955_200_000_000
TICK_US = 60_000_000
JITTER_US = 2_000_000


def name(number):
    """The metric's name: ten of them, each of many resources."""
    return ["disk.device.read.bytes", "disk.device.write.bytes", "network.incoming.bytes", "network.outgoing.bytes", "cpu_util",
            "memory.usage", "hardware.cpu.load.1min", "vcpus", "disk.root.size", "power"][number % 10]


def resource(number):
    """The resource's id, the same in each run."""
    text = f"{random.Random(number // 10).getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def points(metrics, ticks, jitter, seed=1, begin_us=BEGIN_US):
    """For each tick [(µs, value of metric 0), …]."""
    chance = random.Random(seed)
    state = [chance.randrange(10 ** 11) if number % 10 < 4 else chance.uniform(0, 100) if number % 10 < 7 else
             chance.choice([1, 2, 4, 8, 20, 40]) for number in range(metrics)]
    for tick in range(ticks):
        when, row = begin_us + tick * TICK_US, []
        for number in range(metrics):
            kind = number % 10
            if kind < 4:
                state[number] += chance.randrange(4 * 10 ** 6) if chance.random() < 0.7 else 0
            elif kind < 7:
                state[number] = round(min(100, max(0, state[number] + chance.gauss(0, 2))), 2)
            elif kind < 9:
                if chance.random() < 0.01:
                    state[number] = chance.choice([1, 2, 4, 8, 20, 40])
            else:
                state[number] = chance.uniform(0, 400)
            row.append((when + (chance.randrange(JITTER_US) if jitter else 0), state[number]))
        yield row


def number_text(value):
    """The shortest text of a value."""
    return str(value) if isinstance(value, int) else repr(value)


def timestamp(us):
    """As Ceilometer writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(us // 1_000_000)) + f".{us % 1_000_000:06}"


def samples(path, metrics, rows):
    """JSON lines of samples, about 550 bytes each."""
    kinds = ["cumulative"] * 4 + ["gauge"] * 6
    units = ["B", "B", "B", "B", "%", "MB", "process", "vcpu", "GB", "W"]
    heads, tails = [], []
    for at in range(metrics):
        project = f"{random.Random(at // 1000).getrandbits(128):032x}"
        heads.append(f'"name":"{name(at)}","type":"{kinds[at % 10]}","unit":"{units[at % 10]}","volume":')
        metadata = {"display_name": f"instance-{at // 10}", "host": f"compute-{at // 400}", "status": "active", "memory_mb": 4096,
                    "flavor": {"id": "m1.medium", "name": "m1.medium", "vcpus": 2}, "image_ref": None, "os_type": "hvm"}
        tails.append(f',"user_id":"{project[::-1]}","project_id":"{project}","resource_id":"{resource(at)}",'
                     f'"resource_metadata":{json.dumps(metadata, separators=(",", ":"))},"source":"openstack","monotonic_time":null')
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            lines = []
            for at, (when, value) in enumerate(row):
                count += 1
                lines.append(f'{{"id":"{count:08x}-0000-4000-8000-000000000000",{heads[at]}{number_text(value)}{tails[at]},'
                             f'"timestamp":"{timestamp(when)}"}}\n')
            file.write("".join(lines))


def labels(at):
    """A Prometheus name and its one label."""
    return name(at).replace(".", "_"), resource(at)


def prometheus_text(metrics, row):
    """One tick as Prometheus's text, in milliseconds."""
    return "".join(f'{heads}{number_text(value)} {when // 1000}\n'
                   for heads, (when, value) in zip(text_heads(metrics), row)).encode()


def text_heads(metrics, known={}):
    """`name{resource_id="…"} ` of each metric."""
    if metrics not in known:
        known[metrics] = ['%s{resource_id="%s"} ' % labels(at) for at in range(metrics)]
    return known[metrics]


def victoria_lines(metrics, rows):
    """VictoriaMetrics' own JSON lines: one of each metric with all its points, which spares it most."""
    columns = [[] for _ in range(metrics)]
    for row in rows:
        for column, point in zip(columns, row):
            column.append(point)
    for at, column in enumerate(columns):
        metric, resource_id = labels(at)
        yield (json.dumps({"metric": {"__name__": metric, "resource_id": resource_id}, "values": [value for _, value in column],
                           "timestamps": [when // 1000 for when, _ in column]}, separators=(",", ":")) + "\n").encode()


def openmetrics(path, metrics, rows):
    """What promtool makes blocks of."""
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write("".join(f"{head}{number_text(value)} {when / 1e6:.3f}\n"
                               for head, (when, value) in zip(text_heads(metrics), row)))
        file.write("# EOF\n")


def remote_write(metrics, row, heads={}):
    """One tick as Prometheus's remote write: protobuf below snappy (without its compression, which costs it least)."""
    if metrics not in heads:
        heads[metrics] = []
        for at in range(metrics):
            metric, resource_id = labels(at)
            pairs = [("__name__", metric), ("resource_id", resource_id)]
            heads[metrics].append(b"".join(field(1, field(1, key.encode()) + field(2, text.encode())) for key, text in pairs))
    body = b"".join(field(1, head + field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(when // 1000)))
                    for head, (when, value) in zip(heads[metrics], row))
    packed = [varint(len(body))]
    for start in range(0, len(body), 60_000):
        literal = body[start:start + 60_000]
        packed.append(b"\xf4" + struct.pack("<H", len(literal) - 1) + literal)
    return b"".join(packed)


def field(number, content):
    """A protobuf field of bytes."""
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(value):
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
