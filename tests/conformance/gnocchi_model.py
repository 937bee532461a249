"""What a store should answer, from every point there ever was: short, slow, and without anything of Gnocchi's.

A point is late when it is older than the window of the newest one that came before it; a later arrival at the same time
replaces the earlier; a difference is between one accepted point and the accepted one before it, however far. A real Gnocchi
forgets points, and so differs in places: real_gnocchi.py finds them by this.
"""

import math


def answer(case):
    """{method: [[start, granularity, value]]}, coarse first, of a case of gnocchi_cases.py."""
    archive = case["policy"]
    points = accepted(archive, case["posts"])
    granularities = sorted((one["granularity"], one["points"]) for one in archive["definition"])
    changes = list(zip(points[1:], points))
    changes = [(newer[0], minus(newer[1], older[1])) for newer, older in changes]
    found = {}
    for method in archive["aggregation_methods"]:
        form, _, statistic = method.rpartition(":")
        rows = found[method] = []
        for granularity, keep in reversed(granularities):
            spans = {}
            for when, value in changes if form else points:
                spans.setdefault(when - when % granularity, []).append(value)
            new = [[start, granularity, of_span(statistic, spans[start])] for start in sorted(spans)]
            new = [row for row in new if row[2] is not None]
            if keep and new:
                # By the newest span that has this very aggregate: where std is absent, Gnocchi keeps an older one.
                new = [row for row in new if row[0] > new[-1][0] - keep * granularity]
            rows += new
    return found


def accepted(archive, posts):
    """The points that are in, ascending."""
    coarsest = max(one["granularity"] for one in archive["definition"])
    blocks = archive["back_window"] + any(method.startswith("rate:") for method in archive["aggregation_methods"])
    points = {}
    for call in posts:
        # Of several at one time in one call the smallest is taken, and NaN last: Gnocchi sorts by time and value.
        chosen = {}
        for when, value in sorted(((when, float(value)) for when, value in call), key=lambda one: (one[0], *order(one[1]))):
            chosen.setdefault(when, value)
        oldest = None
        if points:
            newest = max(points)
            oldest = newest - newest % coarsest - blocks * coarsest
        for when, value in chosen.items():
            if oldest is None or when >= oldest:
                points[when] = value
    return sorted(points.items())


def order(value):
    """NaN behind all numbers."""
    return (math.isnan(value), 0 if math.isnan(value) else value)


def minus(left, right):
    """The difference; of two infinities NaN."""
    return left - right


def total(numbers):
    """From left to right: sum() of newer Pythons compensates."""
    found = 0.0
    for one in numbers:
        found += one
    return found


def of_span(statistic, found):
    """One statistic of the values of a span in order of time; None when it is absent."""
    count = len(found)
    ordered = sorted(found, key=order)
    if statistic == "mean":
        return total(found) / count
    if statistic == "sum":
        return total(found)
    if statistic == "count":
        return float(count)
    if statistic == "min":
        return ordered[0]
    if statistic == "max":
        return ordered[-1]
    if statistic == "first":
        return found[0]
    if statistic == "last":
        return found[-1]
    if statistic == "median":
        return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    if statistic == "std":
        if count < 2:
            return None
        mean = total(found) / count
        return math.sqrt(total(square(one - mean) for one in found) / (count - 1))
    position = (count - 1) * (int(statistic.removesuffix("pct")) / 100)
    below, above = math.floor(position), math.ceil(position)
    if below == above:
        return ordered[below]
    return ordered[below] * (above - position) + ordered[above] * (position - below)


def square(value):
    """Without the OverflowError of `**`."""
    return value * value
