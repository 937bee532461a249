"""Random measures, archive policies and operations that a real Gnocchi and our store are both asked about.

All times are whole nanoseconds since 1970; a value that is no finite number is the text "nan", "inf" or "-inf".
Nothing here knows Gnocchi or our tools: see real_gnocchi.py.
"""

import math

SECOND = 1_000_000_000
# 2026-11-22T10:00:00Z: on a minute, an hour and a multiple of 7 seconds at none.
BEGIN = 1_795_341_600 * SECOND
# Gnocchi divides times as doubles: what is up to 120 ns before a border is behind it. That is for a case of its own.
NEAR = 1_000

PLAIN = ["mean", "min", "max", "sum", "std", "count", "first", "last", "median"]
PERCENTILES = ["1pct", "25pct", "50pct", "90pct", "95pct", "99pct"]
RATES = ["rate:mean", "rate:min", "rate:max", "rate:sum", "rate:std", "rate:count", "rate:first", "rate:last",
         "rate:median", "rate:95pct"]

# (seconds, points or None for all) of each granularity, finest first.
DEFINITIONS = [
    [(60, None)],
    [(1, None)],
    [(300, None)],
    [(10, None), (60, None)],
    [(60, None), (300, None), (3600, None)],
    [(60, 5)],
    [(60, 10), (300, 4)],
    [(1, 60), (60, 10), (300, None)],
    [(60, 1), (3600, 2)],
    # The finer is no divisor of the coarser.
    [(7, None), (60, None)],
    [(40, 20), (60, None)],
]


def number(value):
    """A value as it is written: JSON has no NaN."""
    return value if math.isfinite(value) else str(value)


def values(random, kind, count):
    """So many values of one kind."""
    if kind == "gauge":
        return [round(random.uniform(0, 100), 3) for _ in range(count)]
    if kind == "counter":
        total, found = random.randrange(10 ** 9), []
        for _ in range(count):
            total = 0 if random.random() < 0.03 else total + random.randrange(5000)
            found.append(float(total))
        return found
    if kind == "negative":
        return [random.gauss(-5, 20) for _ in range(count)]
    if kind == "nan":
        return [math.nan if random.random() < 0.25 else round(random.uniform(-9, 9), 2) for _ in range(count)]
    if kind == "constant":
        return [random.choice([0.0, 1.0, 0.1])] * count
    if kind == "huge":
        return [random.choice([-1, 1]) * random.uniform(1, 9) * 10.0 ** random.randrange(150, 300) for _ in range(count)]
    if kind == "tiny":
        return [random.choice([-1, 1]) * random.uniform(1, 9) * 10.0 ** -random.randrange(150, 300) for _ in range(count)]
    if kind == "mixed":
        return [random.choice([0.0, -0.0, 1e15, -1e-15, 3.5, 2.0 ** 53, 0.1 + 0.2]) for _ in range(count)]
    raise ValueError(kind)


KINDS = ["gauge", "counter", "negative", "nan", "constant", "huge", "tiny", "mixed"]


def times(random, kind, count, step):
    """So many times of one kind, ascending; none twice."""
    if kind == "regular":
        return [BEGIN + at * step * SECOND for at in range(count)]
    if kind == "jittered":
        jitter = lambda: random.randrange(min(2, step) * 1_000_000) * 1000
        return [BEGIN + at * step * SECOND + jitter() for at in range(count)]
    if kind == "nanoseconds":
        return sorted({BEGIN + random.randrange(count * step * SECOND) for _ in range(count)})
    if kind == "edges":
        # On a border, and right before and behind it.
        return sorted({BEGIN + at // 3 * step * SECOND + (at % 3 - 1) * NEAR for at in range(1, count + 1)})
    if kind == "gaps":
        found, now = [], BEGIN
        for _ in range(count):
            now += step * SECOND * random.choice([1, 1, 1, 1, 2, 7, 40])
            found.append(now)
        return found
    raise ValueError(kind)


CLOCKS = ["regular", "jittered", "nanoseconds", "edges", "gaps"]


def posts(random, points, coarsest):
    """The points in several calls: in order, overlapping, late within the window and behind it, some repeated."""
    found, rest = [], list(points)
    how = random.choice(["one", "ordered", "ordered", "late", "late", "shuffled"])
    if how == "one":
        found = [rest]
    elif how == "shuffled":
        random.shuffle(rest)
    while how != "one" and rest:
        count = random.choice([1, 2, 5, 10, 25])
        found.append(rest[:count])
        rest = rest[count:]
    if how == "late":
        # Some points wait for one to three calls.
        for at in range(len(found) - 1):
            for point in list(found[at]):
                if random.random() < 0.25:
                    found[at].remove(point)
                    found[min(len(found) - 1, at + random.randrange(1, 4))].append(point)
        newest = max(at for at, _ in points)
        # And strangers that come last: two blocks of the coarsest granularity around its border.
        found.append([(newest - newest % coarsest - blocks * coarsest + shift, 7.25)
                      for blocks in (0, 1, 3) for shift in (-NEAR, 0, NEAR)])
    # Repeated: in the same call, and in a later one, with another value.
    for at, call in enumerate(list(found)):
        for point in list(call):
            if random.random() < 0.05:
                other = (point[0], random.choice([point[1], 3.5, -1e3]))
                found[random.choice([at, len(found) - 1])].append(other)
    for call in found:
        if random.random() < 0.3:
            random.shuffle(call)
    return [call for call in found if call]


def policy(random, with_rates):
    """An archive policy."""
    definition = random.choice(DEFINITIONS)
    methods = random.sample(PLAIN + PERCENTILES, random.choice([3, 6, 9]))
    if with_rates:
        methods += random.sample(RATES, 4)
    return {
        "back_window": random.choice([0, 0, 1, 3]),
        "aggregation_methods": methods,
        "definition": [{"granularity": seconds * SECOND, "points": points} for seconds, points in definition],
    }


def value_case(random, at):
    """A policy, and the calls that bring the points of one metric."""
    archive = policy(random, with_rates=at % 3 == 2)
    finest = archive["definition"][0]["granularity"] // SECOND
    coarsest = archive["definition"][-1]["granularity"]
    # From many points in a span to one in several.
    step = max(1, round(finest * random.choice([0.1, 0.3, 1, 1, 2.5])))
    clock, kind = CLOCKS[at % len(CLOCKS)], KINDS[at // len(CLOCKS) % len(KINDS)]
    count = random.choice([1, 3, 20, 60])
    # Long enough for three blocks of the coarsest, where so many points are enough for it.
    step = max(step, min(round(3 * coarsest / SECOND / count), 10 * finest)) if count > 3 else step
    moments = times(random, clock, count, step)
    points = list(zip(moments, values(random, kind, len(moments))))
    calls = [[[when, number(value)] for when, value in call] for call in posts(random, points, coarsest)]
    return {"about": f"{clock} {kind}", "policy": archive, "posts": calls}


def border_case():
    """One nanosecond before a border."""
    archive = {"back_window": 0, "aggregation_methods": ["count", "last"],
               "definition": [{"granularity": 60 * SECOND, "points": None}]}
    return {"about": "a nanosecond before", "policy": archive, "posts": [[[BEGIN - 1, 1.0], [BEGIN, 2.0], [BEGIN + 1, 3.0]]]}


def queries(random, case):
    """Ranges of the measures of a case: (method, start, stop, granularity, resample), each but the first perhaps None."""
    archive = case["policy"]
    moments = [when for call in case["posts"] for when, _ in call]
    found = []
    for _ in range(2):
        granularity = random.choice(archive["definition"])["granularity"]
        ends = sorted(random.choice(moments) + random.choice([-granularity, -SECOND, 0, 0, SECOND, granularity // 2])
                      for _ in range(2))
        # Gnocchi cuts nothing off a fraction, but whole seconds are enough for its users.
        start, stop = (end - end % SECOND for end in ends)
        if start == stop:
            stop += granularity
        found.append([random.choice(archive["aggregation_methods"]), random.choice([start, start, None]),
                      random.choice([stop, stop, None]), random.choice([granularity, None]), None])
    granularity = archive["definition"][0]["granularity"]
    able = [method for method in archive["aggregation_methods"] if not method.startswith("rate:")]
    found.append([random.choice(able), None, None, granularity, granularity * random.choice([2, 3, 5])])
    return found


# What is asked about two metrics A and B, of one policy, and C of another that has but one granularity in common.
OPERATIONS = [
    "(metric A mean)", "(metric (A mean) (B max))",
    "(aggregate sum (metric (A mean) (B mean)))", "(aggregate mean (metric (A mean) (B mean) (C mean)))",
    "(aggregate min (metric (A max) (B min)))", "(aggregate max (metric (A max) (B max) (C mean)))",
    "(aggregate std (metric (A mean) (B mean) (C mean)))", "(aggregate var (metric (A mean) (B mean) (C mean)))",
    "(aggregate median (metric (A mean) (B mean) (C mean)))", "(aggregate count (metric (A mean) (B mean)))",
    "(aggregate rate:sum (metric (A mean) (B mean)))", "(aggregate sum (metric A mean))",
    "(+ (metric A mean) 2)", "(- (metric A mean) (metric B mean))", "(* (metric A mean) (metric B mean))",
    "(/ (metric A mean) (metric B mean))", "(/ (metric A mean) 0)", "(% (metric A mean) 7)", "(% (metric A mean) -7)",
    "(** (metric A mean) 2)", "(- 2 (metric A mean))", "(pow 2 (/ (metric A mean) 10))",
    "(> (metric A mean) 50)", "(<= (metric A mean) (metric B mean))", "(= (metric A count) 1)", "(!= (metric A mean) 1)",
    "(ge (metric A mean) 50)", "(lt 50 (metric A mean))",
    "(clip_min (metric A mean) 20)", "(clip_max (metric A mean) 60)", "(clip (metric A mean) 20 60)",
    "(clip (metric A mean) 20)", "(max (metric A mean) (metric B mean))", "(max (metric A mean) 40)",
    "(abs (negative (metric A mean)))", "(neg (metric A mean))", "(cos (metric A mean))", "(sin (metric A mean))",
    "(tan (metric A mean))", "(floor (metric A mean))", "(ceil (metric A mean))",
    "(rateofchange (metric A mean))", "(rateofchangesec (metric A mean))",
    "(rateofchange (aggregate sum (metric (A mean) (B mean))))",
    "(rolling mean 2 (metric A mean))", "(rolling sum 3 (metric (A mean) (B mean)))", "(rolling std 3 (metric A max))",
    "(rolling median 4 (metric A mean))", "(rolling count 2 (metric A mean))", "(rolling max 1 (metric A mean))",
    "(rolling var 3 (aggregate sum (metric (A mean) (B mean))))",
    "(resample mean 120 (metric A mean))", "(resample sum 600 (metric (A sum) (B sum)))",
    "(resample max 90 (metric A max))", "(resample count 300 (metric A mean))", "(resample std 300 (metric A mean))",
    "(resample median 300 (metric A mean))", "(aggregate sum (resample mean 300 (metric (A mean) (B mean))))",
    "(+ (aggregate sum (metric (A mean) (B mean))) (metric A max))",
    "(+ (metric (A mean) (B mean)) (metric (A max) (B max)))", "(+ (metric (A mean) (B mean)) (metric A max))",
    "(aggregate mean (* 100 (/ (metric (A mean) (B mean)) 3)))",
]

# What cannot be answered.
WRONG = ["(metric A nosuch)", "(rolling mean 1000 (metric A mean))", "(- (resample mean 120 (metric A mean)) (metric A mean))",
         "(frobnicate (metric A mean))", "(aggregate nosuch (metric A mean))", "(rolling mean 0 (metric A mean))",
         "(aggregate sum)", "(", "(metric)", "(+ 1 2)"]

FILLS = [{}, {"fill": "0"}, {"fill": "-3.5"}, {"fill": "null"}, {"fill": "dropna"}, {"fill": "ffill"}, {"fill": "bfill"},
         {"fill": "full_ffill"}, {"fill": "full_bfill"}, {"needed_overlap": "0"}, {"needed_overlap": "50"},
         {"needed_overlap": "100"}, {"granularity": 60 * SECOND}, {"granularity": 300 * SECOND},
         {"granularity": 60 * SECOND, "fill": "null"}, {"granularity": 60 * SECOND, "needed_overlap": "0"},
         {"granularity": 60 * SECOND, "fill": "ffill"}, {"granularity": 3600 * SECOND},
         {"start": BEGIN + 330 * SECOND, "stop": BEGIN + 1500 * SECOND, "needed_overlap": "30"},
         {"start": BEGIN + 330 * SECOND, "granularity": 60 * SECOND, "fill": "0"},
         {"start": BEGIN - 86400 * SECOND, "stop": BEGIN - 3600 * SECOND, "granularity": 60 * SECOND}]


def operations_world(random, at):
    """Three metrics: {name: {policy, posts}}; with holes from the second world on."""
    methods = ["mean", "min", "max", "sum", "count", "std"]
    two = {"back_window": 0, "aggregation_methods": methods,
           "definition": [{"granularity": 60 * SECOND, "points": None}, {"granularity": 300 * SECOND, "points": None}]}
    one = {**two, "definition": two["definition"][:1]}
    world = {}
    for name, archive, first in (("A", two, 0), ("B", two, 2 * at), ("C", one, at)):
        points = []
        for minute in range(first, 30 + first):
            if at and random.random() < 0.15:
                continue
            for second in random.sample(range(60), random.choice([1, 2])):
                value = round(random.uniform(-20 if at == 2 else 0, 100), 2)
                if at == 2 and random.random() < 0.1:
                    value = random.choice([0.0, math.nan])
                points.append([BEGIN + (minute * 60 + second) * SECOND, number(value)])
        world[name] = {"policy": archive, "posts": [points]}
    return world


def requests(random, count):
    """(operations, parameters) about a world: every operation, and so many of them with other parameters."""
    found = [(operation, {}) for operation in OPERATIONS + WRONG]
    found += [(random.choice(OPERATIONS), fill) for fill in FILLS for _ in range(count)]
    return found
