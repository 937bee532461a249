"""How commands are measured beside each other, and how a page says it. See measure.py."""
import os
import statistics
import subprocess
import sys
import tempfile
import time


def run(command, stdin=os.devnull):
    """Runs a shell command line; gives (wall seconds, CPU seconds, peak MiB)."""
    with tempfile.NamedTemporaryFile("r") as report, open(stdin) as given, open(os.devnull, "w") as nowhere:
        timed = ["/usr/bin/time", "-f", "%M", "-o", report.name, "sh", "-c", "exec " + command]
        begun = time.monotonic()
        child = subprocess.Popen(timed, stdin=given, stdout=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"measure: exit status {child.returncode}: {command}")
        return wall, usage.ru_utime + usage.ru_stime, int(report.read().split()[-1]) / 1024


def interleaved(commands, rounds):
    """commands: {name: command line}; gives {name: [(wall, CPU, MiB), one for each round]}."""
    results = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            results[name].append(run(command))
        print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    return results


def median(rows, column):
    return statistics.median(row[column] for row in rows)


def load():
    return "load " + ", ".join(open("/proc/loadavg").read().split()[:3])


def table(page, results, megabytes, base=None, ratio_of="speed"):
    """One row for each command; with `base`, its speed or its CPU time as a multiple of that one's."""
    head = ["", "CPU s (least)", "wall s", "peak MiB", "MB per CPU s"] + ([f"{ratio_of}, of {base}'s"] if base else [])
    page.append("| " + " | ".join(head) + " |")
    page.append("|---|" + "---:|" * (len(head) - 1))
    for name, rows in results.items():
        cpu = median(rows, 1)
        least = min(row[1] for row in rows)
        cells = [name, f"{cpu:.3f} ({least:.3f})", f"{median(rows, 0):.2f}", f"{median(rows, 2):.1f}"]
        cells.append(f"{megabytes / cpu:.0f}")
        if base:
            ratio = statistics.median(row[1] / of[1] for row, of in zip(rows, results[base]))
            faster = statistics.median(of[1] / row[1] for row, of in zip(rows, results[base]))
            cells.append(f"{faster:.2f}×" if ratio_of == "speed" else f"{ratio:.1f}×")
        page.append("| " + " | ".join(cells) + " |")


def section(page, title, text, commands):
    page += ["", f"## {title}", "", text, "", "```sh", *commands, "```", "", f"Before: {load()}.", ""]
    print(title, file=sys.stderr)


def size(path):
    return os.path.getsize(path) / 1e6
