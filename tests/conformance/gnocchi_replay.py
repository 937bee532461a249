"""Our store gives the values that a real Gnocchi gave, by its command line. See real_gnocchi.py for how they were recorded.

A seventh of the recorded metrics, since each asks for some fifty processes; the tests in Rust replay all of them.
"""

import gzip
import json
import os

import gnocchi_ours
from peers import ROOT, check, finish, skip

FIXTURES = os.path.join(ROOT, "tests", "fixtures")
EACH = 7
# Of several mixed series Gnocchi answers the first and forgets the others; we refuse.
SEVERAL = "the operations give 2 series where one is expected"


def close(left, right):
    """The same value, but for rounding in another order."""
    left, right = float(left), float(right)
    return left == right or (left != left and right != right) or abs(left - right) <= 1e-9 * max(abs(left), abs(right))


def same(left, right):
    """The same rows, but for rounding."""
    return len(left) == len(right) and all(one[:2] == other[:2] and close(one[2], other[2]) for one, other in zip(left, right))


def difference(found, expected):
    """Where two lists of rows differ first."""
    at = next((at for at, (one, other) in enumerate(zip(found, expected)) if not same([one], [other])),
              min(len(found), len(expected)))
    return f"{len(found)} rows, {len(expected)} expected; row {at}: {found[at:at + 2]}, expected {expected[at:at + 2]}"


def values(at, case):
    """One metric: all its measures, and ranges of them."""
    with gnocchi_ours.Ours() as ours:
        name = ours.metric(case["policy"], case["posts"])
        faults = []
        for method, measures in case["measures"].items():
            expected = case["known"].get(method, measures)
            found = ours.measures(name, method)
            if not same(found, expected):
                faults.append(f"{method}: {difference(found, expected)}")
        for one in case["queries"]:
            given = {key: one[key] for key in ("method", "start", "stop", "granularity", "resample")}
            found = ours.measures(name, **given)
            if not same(found, one["rows"]):
                faults.append(f"{given}: {difference(found, one['rows'])}")
    check(f"metric {at}, {case['about']}", not faults, "".join(f"\n    {fault}" for fault in faults) + f"\n    {json.dumps(case)}")


def operations(at, world):
    """Three metrics, and what is computed of them."""
    with gnocchi_ours.Ours() as ours:
        for name, one in world["metrics"].items():
            ours.metric(one["policy"], one["posts"], name)
        for one in world["requests"]:
            given = {key: value for key, value in one.items()
                     if key in ("start", "stop", "granularity", "fill", "needed_overlap")}
            answered, found, said = ours.aggregates(one["operations"], **given)
            what = f"world {at}: {one['operations']} {given or ''}"
            if one["status"] == 500:
                # It cannot write integers as JSON: nothing to compare with.
                continue
            if one["status"] == 200 and SEVERAL in said:
                check(f"{what} is refused", one["operations"].startswith("(+ (metric (A mean) (B mean)) (metric "), said)
                continue
            check(f"{what} is {'answered' if one['status'] == 200 else 'refused'}", answered == (one["status"] == 200),
                  said or one.get("why"))
            if one["status"] != 200 or not answered:
                continue
            expected = {(None, None): one["aggregated"]} if "aggregated" in one else {
                (name, method): rows for name, methods in one["measures"].items() for method, rows in methods.items()}
            # A series without a row is written as no line.
            expected = {key: rows for key, rows in expected.items() if rows}
            check(what, found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in found),
                  "".join(f"\n    {key}: {difference(found.get(key, []), rows)}" for key, rows in expected.items()))


def recorded(name):
    """The lines of a fixture."""
    with gzip.open(os.path.join(FIXTURES, name), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    if not gnocchi_ours.able():
        skip("telemetry-aggregate knows no measures")
    for number, line in enumerate(recorded("gnocchi_values.jsonl.gz")):
        if number % EACH == 0:
            values(number, line)
    for number, line in enumerate(recorded("gnocchi_operations.jsonl.gz")):
        operations(number, line)
    finish()
