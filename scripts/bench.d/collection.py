"""Notifications to samples and events, and signed datagrams: ours beside the real Ceilometer. Called by measure.py."""
import gzip
import json
import os
import statistics
import subprocess

from harness import interleaved, median, section

# The real one converts about two thousand a CPU second, and starts for seven.
THEIR_NOTIFICATIONS = 4_000
OUR_NOTIFICATIONS = 200_000
FRAMES = 50_000


def collection(page, options, datagrams):
    """Both, where there is a Ceilometer."""
    if not options.peers:
        page += ["", "## Notifications and signed datagrams", "", "Not measured: no Ceilometer could be installed."]
        return
    if options.notifications:
        notifications(page, options)
    else:
        page += ["", "## Notifications", "", "Not measured: TELEMETRY_SHARED, which has a real cloud's, was not set."]
    signed(page, options, datagrams)


def notifications(page, options):
    """Of a real cloud, to samples and events."""
    with gzip.open(options.notifications, "rt") as lines:
        bodies = [json.loads(line)["body"] for line in lines]
    bodies = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    path = os.path.join(options.work, "notifications.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for number in range(OUR_NOTIFICATIONS):
            file.write(bodies[number % len(bodies)] + "\n")
    theirs = f"{options.peers} scripts/bench.d/ceilometer_convert.py {path}"
    commands = {
        "telemetry-listen": f"{options.bin}/telemetry-listen --emit samples,events {path}",
        "Ceilometer 27.0.0": f"{theirs} {THEIR_NOTIFICATIONS}",
    }
    text = (
        f"Envelopes of a real cloud ({len(bodies)} of them, again and again, {os.path.getsize(path) / OUR_NOTIFICATIONS:.0f} "
        "bytes each) to samples and events as JSON, under the stock definitions of each. Ceilometer without its broker and "
        "less its start-up, which is measured apart."
    )
    section(page, "Notifications", text, commands.values())
    results = interleaved({**commands, "start-up": f"{theirs} 0"}, options.rounds)
    start = results.pop("start-up")
    counts = {"telemetry-listen": OUR_NOTIFICATIONS, "Ceilometer 27.0.0": THEIR_NOTIFICATIONS}
    net = {
        name: [row[1] - (one[1] if name != "telemetry-listen" else 0) for row, one in zip(rows, start)]
        for name, rows in results.items()
    }
    speeds = {name: [counts[name] / max(seconds, 1e-3) for seconds in rows] for name, rows in net.items()}
    page += ["| | notifications | CPU s | peak MiB | per CPU s | of Ceilometer's |", "|---|---:|---:|---:|---:|---:|"]
    for name, rows in results.items():
        ratio = statistics.median(ours / his for ours, his in zip(speeds[name], speeds["Ceilometer 27.0.0"]))
        page.append(
            f"| {name} | {counts[name]:,} | {statistics.median(net[name]):.3f} | {median(rows, 2):.1f} | "
            f"{statistics.median(speeds[name]):,.0f} | {ratio:.1f}× |"
        )


def signed(page, options, datagrams):
    """From a socket to verified lines."""
    frames = os.path.join(options.work, "signed.frames")
    lines = os.path.join(options.work, "verified.jsonl")
    secret = os.path.join(options.work, "secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("a secret of the figures\n")
    peer = f"{options.peers} scripts/bench.d/ceilometer_frames.py"
    subprocess.run(f"{peer} sign {options.small} {frames} {FRAMES}", shell=True, check=True)
    arguments = ["--secret-file", secret]
    verify = f"{peer} verify {frames} {lines}"
    shown = [f"telemetry-listen udp://127.0.0.1:0 {' '.join(arguments)} >/dev/null", f"{verify} {FRAMES}"]
    text = (
        f"{FRAMES:,} different samples that the real Ceilometer signed and packed, sent over loopback at 100,000 a second, "
        "to verified JSON lines; Ceilometer's own functions do the same from a file, without a socket, less their start-up."
    )
    section(page, "Signed datagrams", text, shown)
    page += ["| | lost, worst round | CPU µs each | per CPU s |", "|---|---:|---:|---:|"]
    ours = [datagrams(options, frames, 100_000, 3 * FRAMES, *arguments) for _ in range(options.rounds)]
    theirs = interleaved({"all": f"{verify} {FRAMES}", "none": f"{verify} 0"}, options.rounds)
    each = statistics.median(
        (whole[1] - start[1]) * 1e6 / FRAMES for whole, start in zip(theirs["all"], theirs["none"])
    )
    lost = max(row[0] for row in ours) / (3 * FRAMES)
    cost = median(ours, 2)
    page.append(f"| telemetry-listen | {lost:.3%} | {cost:.2f} | {1e6 / cost:,.0f} |")
    page.append(f"| Ceilometer 27.0.0 | | {each:.1f} | {1e6 / each:,.0f} |")
