"""Asks the functions of the real Gnocchi 4.7.1 for numbers, and records what they answer.

    python3 -m venv VENV && VENV/bin/pip install gnocchi==4.7.1
    VENV/bin/python tests/conformance/gnocchi_numbers.py > target/gnocchi_numbers.jsonl
    gzip -9n < target/gnocchi_numbers.jsonl > tests/fixtures/gnocchi_numbers.jsonl.gz

One question and its answer are one JSON object on one line; the suite's golden_gnocchi_numbers asks our code the
same. Random, but the same for the same seed (first argument) and count (second). A value that is no number is null,
an infinite one a text.
"""

import json
import math
import random
import sys
import warnings

import numpy

from gnocchi import carbonara
from gnocchi.rest.aggregates import api
from gnocchi.rest.aggregates import exceptions
from gnocchi.rest.aggregates import processor

NS = 10**9
SPAN_METHODS = ["mean", "sum", "min", "max", "std", "count", "median", "first", "last",
                "1pct", "5pct", "50pct", "95pct", "99pct"]
ACROSS = ["mean", "median", "std", "min", "max", "sum", "var", "count"]


def out(value):
    value = float(value)
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value


def rows(timestamps, values):
    return [[int(t.astype("datetime64[ns]").astype(int)), out(v)] for t, v in zip(timestamps, values)]


def value(rng):
    kind = rng.random()
    if kind < 0.55:
        return rng.uniform(-1000, 1000)
    if kind < 0.75:
        return float(rng.randint(-5, 5))
    if kind < 0.9:
        return rng.uniform(0, 1) * 10 ** rng.randint(-12, 12)
    return rng.choice([0.1, 1e16, -1e16, 0.3, 1 / 3])


def timeserie(points):
    return carbonara.TimeSerie.from_data(
        numpy.array([t for t, _ in points], dtype="datetime64[ns]"), [v for _, v in points])


def spans(rng):
    """Raw points to spans, as a new metric's first batch is aggregated."""
    granularity = rng.choice([1, 60, 300, 3600]) * NS
    at = rng.randint(0, 10**9) * NS
    points = []
    for _ in range(rng.choice([1, 2, 3, 10, 40])):
        at += 1 + int(rng.choice([0.1, 0.9, 3]) * rng.random() * granularity)
        points.append((at, math.nan if rng.random() < 0.02 else value(rng)))
    answers = {}
    for method in SPAN_METHODS + ["rate:" + m for m in SPAN_METHODS]:
        step = numpy.timedelta64(granularity, "ns")
        grouped = timeserie(points).group_serie(step)
        ts = carbonara.AggregatedTimeSerie.from_grouped_serie(grouped, carbonara.Aggregation(method, step, None))
        answers[method] = rows(ts.timestamps, ts.values)
    return {"kind": "spans", "granularity": granularity, "points": [[t, out(v)] for t, v in points],
            "answers": answers}


def resample(rng):
    """An aggregated series to longer spans and to those of the calendar."""
    granularity = rng.choice([60, 3600, 86400, 86400 * 11])
    at, points = rng.randint(0, 4 * 10**8) // granularity, []
    for _ in range(rng.choice([1, 3, 30])):
        at += rng.choice([1, 1, 1, 2, 9])
        points.append((at * granularity * NS, value(rng)))
    step = rng.choice(["Y", "H", "Q", "M", "W", granularity * 5, granularity * 7])
    sampling = step if isinstance(step, str) else numpy.timedelta64(step * NS, "ns")
    methods = SPAN_METHODS + ([] if isinstance(step, str) else ["rate:mean", "rate:std", "rate:last"])
    answers = {}
    for method in methods:
        series = carbonara.AggregatedTimeSerie.from_data(
            carbonara.Aggregation(method, numpy.timedelta64(granularity * NS, "ns"), None),
            numpy.array([t for t, _ in points], dtype="datetime64[ns]"), [v for _, v in points])
        ts = series.resample(sampling)
        answers[method] = rows(ts.timestamps, ts.values)
    return {"kind": "resample", "granularity": granularity * NS, "step": str(step),
            "points": [[t, out(v)] for t, v in points], "answers": answers}


class Reference:
    """What the processor needs of a metric."""

    resource = None

    def __init__(self, name, aggregation):
        self.name, self.aggregation = name, aggregation
        self.lookup_key = [name, aggregation]


def expression(rng, names, depth, mixed):
    """A random expression. `mixed`: it must give one series."""
    if depth == 0 or rng.random() < 0.15:
        if mixed:
            return "(aggregate %s %s)" % (rng.choice(ACROSS), metric(rng, names))
        return metric(rng, names)
    inner = lambda: expression(rng, names, depth - 1, mixed)
    kind = rng.randrange(9)
    number = rng.choice(["2", "-1.5", "0", "0.1", "1e3", "7"])
    if kind == 0:
        return "(aggregate %s%s %s)" % (
            rng.choice(["", "", "", "rate:"]), rng.choice(ACROSS), expression(rng, names, depth - 1, False))
    if kind == 1:
        return "(rolling %s%s %d %s)" % (
            rng.choice(["", "", "", "rate:"]), rng.choice(ACROSS), rng.choice([1, 2, 3, 9, 10]), inner())
    if kind == 2:
        return "(resample %s %d %s)" % (
            rng.choice([a for a in ACROSS if a != "var"]), rng.choice([120, 300, 3600]), inner())
    if kind == 3:
        return "(%s %s)" % (
            rng.choice(["abs", "neg", "floor", "ceil", "absolute", "negative", "rateofchange",
                        "rateofchangesec", "cos", "sin", "tan"]), inner())
    if kind == 4:
        return "(clip %s %s %s)" % (inner(), rng.choice(["-10", "0"]), rng.choice(["3", "100"]))
    if kind == 5:
        return "(clip %s %s)" % (inner(), number)
    operator = rng.choice(["+", "-", "*", "/", "%", "max", "clip_min", "clip_max", "add", "sub", "mul", "div",
                           "mod", "×", "÷"])
    if kind == 6:
        return "(%s %s %s)" % ((operator,) + rng.choice([(inner(), number), (number, inner())]))
    if mixed:
        return "(%s %s %s)" % (operator, inner(), inner())
    return "(%s %s %s)" % (operator, inner(), number)


def metric(rng, names):
    some = rng.sample(names, rng.randint(1, len(names)))
    if len(some) == 1:
        return "(metric %s mean)" % some[0]
    return "(metric %s)" % " ".join("(%s mean)" % name for name in some)


def operations(rng, text=None):
    """Series side by side, whole answers of the processor."""
    names = ["m%d" % i for i in range(rng.choice([1, 2, 3, 9, 20]))]
    granularities = rng.choice([[60], [60], [300, 60]])
    if text is None:
        mixed = rng.random() < 0.6
        text = expression(rng, names, rng.randint(0, 3), mixed)
        if mixed and rng.random() < 0.2:
            text = "(%s %s %s)" % (rng.choice(["<", ">", "<=", "≥", "==", "≠", "gt"]), text,
                                   rng.choice(["0", "5", text]))
    if "count" in text and ("(% " in text or "(mod " in text):
        # numpy's counts are integers, and the remainder of integers by zero is zero: a known difference.
        return None
    used = [n for n in names if "%s mean" % n in text]
    refs, inputs = [], []
    gaps = rng.choice([0, 0, 0.1, 0.5])
    base = rng.randint(0, 10**5) * 3600
    length = rng.choice([1, 2, 5, 12, 40])
    for name in used:
        series = []
        for granularity in granularities:
            kept = [i for i in range(length) if rng.random() >= gaps] or [0]
            points = [((base + i * granularity) * NS, math.nan if rng.random() < 0.01 else value(rng))
                      for i in kept]
            step = numpy.timedelta64(granularity * NS, "ns")
            refs.append((Reference(name, "mean"), carbonara.AggregatedTimeSerie.from_data(
                carbonara.Aggregation("mean", step, None),
                numpy.array([t for t, _ in points], dtype="datetime64[ns]"), [v for _, v in points])))
            series.append({"granularity": granularity * NS, "points": [[t, out(v)] for t, v in points]})
        inputs.append({"metric": name, "aggregation": "mean", "series": series})
    fill = rng.choice(["dropna", "dropna", "null", "ffill", "bfill", "full_ffill", "full_bfill", 0.0, -1.5, None])
    overlap = rng.choice([100.0, 50.0, 0.0])
    start = numpy.datetime64(base * NS, "ns") if rng.random() < 0.3 else None
    stop = numpy.datetime64((base + 10**7) * NS, "ns") if rng.random() < 0.3 else None
    question = {"kind": "operations", "operations": text, "inputs": inputs, "fill": fill, "overlap": overlap,
                "has_start": start is not None, "has_stop": stop is not None}
    try:
        answer = processor.aggregated(refs, api.OperationsSchema(text), start, stop, overlap, fill)
    except exceptions.UnAggregableTimeseries as error:
        return dict(question, error=error.reason)
    except Exception as error:
        # An internal error there: no answer to be like.
        sys.stderr.write("left out: %s: %r\n" % (text, error))
        return None
    flat = lambda measures: [[int(t.astype("datetime64[ns]").astype(int)),
                              int(g.astype("timedelta64[ns]").astype(int)), out(v)] for t, g, v in measures]
    if "aggregated" in answer:
        return dict(question, aggregated=flat(answer["aggregated"]))
    return dict(question, each={name: flat(answer[name]["mean"]) for name in used})


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    rng = random.Random(seed)
    warnings.simplefilter("ignore")
    numpy.seterr(all="ignore")
    for index in range(count):
        question = [spans, resample, operations, operations, operations, operations][index % 6](rng)
        if question is not None:
            print(json.dumps(question, ensure_ascii=False, separators=(",", ":")))
    # Known differences: see the suite.
    for text in ["(+ (> (metric m0 mean) -2000) (> (metric m0 mean) -3000))"]:
        print(json.dumps(dict(operations(rng, text), kind="truths"), ensure_ascii=False, separators=(",", ":")))


main()
