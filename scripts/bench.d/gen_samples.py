#!/usr/bin/env python3
"""Deterministic Ceilometer-sample workload (JSON lines on stdout). Same arguments => same bytes.

gen_samples.py --lines 1000000 --resources 1000 --meters 5 --interval 10 \
       --disorder 0.01 --max-late 120 --dup 0.001 --reset 0.0005 --escape 0.01 --shuffle-keys 0 --seed 1
Samples come poll by poll: at each tick every resource reports every meter (timestamps jittered inside the tick).
  --disorder P   a line is held back with probability P and comes up to --max-late seconds later
  --dup P        a line is repeated verbatim with probability P
  --reset P      a cumulative counter restarts from a small value with probability P
  --escape P     display_name carries \\" \\\\ \\u00e9 and a decoy '"name":"cpu"' with probability P
  --shuffle-keys P  the keys come in another order with probability P
"""
import argparse, heapq, random, sys, uuid
from datetime import datetime, timedelta, timezone

METERS = [  # name, type, unit, kind
    ("cpu", "cumulative", "ns"), ("memory.usage", "gauge", "MB"), ("disk.device.read.bytes", "cumulative", "B"),
    ("network.incoming.bytes", "cumulative", "B"), ("cpu_util", "gauge", "%"), ("disk.device.write.bytes", "cumulative", "B"),
    ("network.outgoing.bytes", "cumulative", "B"), ("memory.resident", "gauge", "MB"), ("disk.root.size", "gauge", "GB"),
    ("vcpus", "gauge", "vcpu"), ("network.incoming.packets", "cumulative", "packet"), ("hardware.system_stats.cpu.idle", "gauge", "%"),
]

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--lines", type=int, default=1_000_000)
    a.add_argument("--resources", type=int, default=1000)
    a.add_argument("--meters", type=int, default=5)
    a.add_argument("--interval", type=float, default=10.0)
    a.add_argument("--start", default="2026-11-22T10:00:00+00:00")
    a.add_argument("--disorder", type=float, default=0.0)
    a.add_argument("--max-late", type=float, default=120.0)
    a.add_argument("--dup", type=float, default=0.0)
    a.add_argument("--reset", type=float, default=0.0)
    a.add_argument("--escape", type=float, default=0.0)
    a.add_argument("--shuffle-keys", type=float, default=0.0)
    a.add_argument("--seed", type=int, default=1)
    o = a.parse_args()
    R = random.Random(o.seed)
    rnd, bits = R.random, R.getrandbits
    hexs = lambda n: "%0*x" % (n, bits(4 * n))
    uid = lambda: str(uuid.UUID(int=bits(128), version=4))
    meters = METERS[:o.meters]
    proj = [hexs(32) for _ in range(max(1, o.resources // 20))]
    users = [hexs(32) for _ in range(max(1, o.resources // 40))]
    flav = [("m1.tiny", 1, 512), ("m1.small", 1, 2048), ("m1.medium", 2, 4096), ("m1.large", 4, 8192)]
    res = []
    for i in range(o.resources):
        p = R.randrange(len(proj)); f = flav[R.randrange(4)]
        name = "vm-%d" % i
        if rnd() < o.escape:
            name = 'vm \\"%d\\" caf\\u00e9 \\\\ {\\"name\\":\\"cpu\\",\\"volume\\":7}' % i
        meta = ('{"display_name":"%s","flavor":{"name":"%s","vcpus":%d,"ram":%d},"host":"compute-%d","status":"active",'
                '"server_group":null}') % (name, f[0], f[1], f[2], i % 40)
        res.append((users[p % len(users)], proj[p], uid(), meta))
    val = {}
    t0 = datetime.fromisoformat(o.start)
    out, held, n, tick = [], [], 0, 0
    w = sys.stdout.write
    epoch = t0.timestamp()
    fmt = ('{"id":"%s","name":"%s","type":"%s","unit":"%s","volume":%s,"user_id":"%s","project_id":"%s","resource_id":"%s",'
           '"timestamp":"%s","resource_metadata":%s,"source":"openstack","monotonic_time":null}\n')
    while n < o.lines:
        for ri, (u, p, rid, meta) in enumerate(res):
            ts = t0 + timedelta(seconds=tick * o.interval + rnd() * o.interval * 0.5)
            tss = ts.isoformat(timespec="microseconds")
            for mi, (m, ty, un) in enumerate(meters):
                if n >= o.lines: break
                k = ri * 16 + mi
                if ty == "cumulative":
                    if k not in val or rnd() < o.reset: val[k] = bits(20)
                    val[k] += int(rnd() * 6e8); v = str(val[k])
                elif un == "%": v = repr(rnd() * 100.0)
                else: v = str(512 + bits(11)) if rnd() < 0.5 else repr(round(512 + rnd() * 2000, 3))
                mid = "%032x" % bits(128)
                sid = mid[:8] + "-" + mid[8:12] + "-" + mid[12:16] + "-" + mid[16:20] + "-" + mid[20:]
                line = fmt % (sid, m, ty, un, v, u, p, rid, tss, meta)
                if o.shuffle_keys and rnd() < o.shuffle_keys:
                    parts = ['"id":"%s"' % sid, '"name":"%s"' % m, '"type":"%s"' % ty, '"unit":"%s"' % un, '"volume":' + v,
                             '"user_id":"%s"' % u, '"project_id":"%s"' % p, '"resource_id":"%s"' % rid, '"timestamp":"%s"' % tss,
                             '"resource_metadata":' + meta, '"source":"openstack"', '"monotonic_time":null']
                    R.shuffle(parts); line = "{" + ",".join(parts) + "}\n"
                n += 1
                if o.disorder and rnd() < o.disorder:
                    heapq.heappush(held, (tick + rnd() * o.max_late / o.interval, n, line)); continue
                out.append(line)
                if o.dup and rnd() < o.dup and n < o.lines:
                    out.append(line); n += 1
            if n >= o.lines: break
        tick += 1
        while held and held[0][0] <= tick: out.append(heapq.heappop(held)[2])
        if len(out) > 5000: w("".join(out)); out.clear()
    while held: out.append(heapq.heappop(held)[2])
    w("".join(out))

main()
