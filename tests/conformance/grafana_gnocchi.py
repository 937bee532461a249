"""The requests of Grafana's Gnocchi plugin in each of its modes, with CORS; answered as by a real Gnocchi 4.7.1.

The plugin (gnocchixyz/grafana-gnocchi-datasource) asks from the browser: with an Origin, behind a preflight, with the
Accept of a script, with times in milliseconds and "Z", and with `end` besides `stop`, which nobody reads. See recording.py.
"""

import urllib.parse

import recording

BROWSER = {"Origin": "http://foobar.com", "Accept": "application/json, text/plain, */*", "Authorization": "Basic YWRtaW46"}
SPAN = {"start": "2015-03-06T14:00:00.000Z", "stop": "2015-03-06T15:00:00.000Z", "end": "2015-03-06T15:00:00.000Z"}
VMS = [f"5a1d9f6e-1111-5111-8111-00000000000{at}" for at in (1, 2, 3)]
KEPT = ("access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
        "access-control-allow-headers", "access-control-max-age", "content-type")


class Grafana:
    """Asks, and takes down."""

    def __init__(self, address, book):
        self.address = address
        self.book = book

    def __call__(self, method, path, body=None, headers=(), words=True, prepare=lambda answer: answer, **parameters):
        """The answer's body. `words=False` leaves out a refusal in the words of a library of the original's; and of the
        others the detail is left out, which is how Python writes it."""
        if parameters:
            path += "?" + urllib.parse.urlencode(parameters, doseq=True)
        status, found, answer = recording.ask(self.address, method, path, body, {**BROWSER, **dict(headers)})
        kept = {name: found[name] for name in KEPT if name in found}
        for name in ("access-control-allow-methods", "access-control-allow-headers"):  # sets
            if name in kept:
                kept[name] = sorted(one.strip().lower() for one in kept[name].split(","))
        shown = None if not words else prepare(answer) if status == 200 else answer.split("&#x27;detail&")[0]
        self.book.take(f"{method} {path} {body or ''}", [status, kept, shown])
        return answer


def world(ask):
    """Three instances of two projects on two hosts; the third has a point less and ends. Not taken down."""
    def must(method, path, body):
        status, _, answer = recording.ask(ask.address, method, path, body, BROWSER)
        assert status < 300, (method, path, status, answer)
        return answer

    must("POST", "/v1/archive_policy", {"name": "fine", "back_window": 0, "aggregation_methods": ["mean", "max", "rate:mean"],
                                        "definition": [{"granularity": 60, "points": 600}, {"granularity": 300, "points": 600}]})
    text = {"type": "string", "required": False}
    must("POST", "/v1/resource_type", {"name": "instance", "attributes": {"host": text, "display_name": text}})
    for at, vm in enumerate(VMS):
        made = {"id": vm, "host": f"compute-{at % 2}", "display_name": f"vm {at}", "project_id": f"p-{at // 2}", "user_id": "u",
                "started_at": "2015-03-06T14:00:00", "metrics": {
                    name: {"archive_policy_name": "fine", "unit": unit} for name, unit in (("cpu", "%"), ("memory", "MB"))}}
        must("POST", "/v1/resource/instance", made)
        must("POST", "/v1/batch/resources/metrics/measures", {vm: {name: [
            {"timestamp": f"2015-03-06T14:{minute:02}:10", "value": (at + 1) * factor * minute}
            for minute in range(0, 12 - 2 * (at == 2), 2)] for name, factor in (("cpu", 1), ("memory", 10.5))}})
    ids = [must("GET", f"/v1/resource/instance/{vm}", None)["metrics"]["cpu"] for vm in VMS]
    for vm in VMS:
        for name in ("cpu", "memory"):
            must("GET", f"/v1/resource/instance/{vm}/metric/{name}/measures?refresh=true", None)
    return ids


def preflights(ask):
    """What a browser asks before it asks."""
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-auth-token"}
    for path in ("/v1/aggregates", "/v1/resource"):
        ask("OPTIONS", path, headers=wanted)
    ask("OPTIONS", "/v1/aggregates", headers={**wanted, "Access-Control-Request-Headers": "authorization,x-project-id,x-roles"})
    ask("OPTIONS", "/v1/aggregates", headers={**wanted, "Access-Control-Request-Headers": "x-nobody"}, words=False)
    ask("OPTIONS", "/v1/aggregates", headers={**wanted, "Origin": "http://elsewhere.org"}, words=False)
    ask("OPTIONS", "/v1/aggregates", headers={**wanted, "Access-Control-Request-Method": "BREW"}, words=False)
    ask("GET", "/v1/archive_policy/fine", headers={"Origin": "http://elsewhere.org"})


def names(ask, ids):
    """The test of the data source, its lists and its template variables."""
    ask("GET", "", prepare=lambda answer: sorted(answer))
    ask("GET", "/v1/resource", prepare=lambda answer: {name: url.removeprefix(ask.address) for name, url in answer.items()})
    ask("GET", "/v1/resource_type", prepare=lambda answer: sorted(answer, key=lambda one: one["name"]))
    ask("GET", f"/v1/resource/generic/{VMS[0]}")
    ask("GET", f"/v1/resource/instance/{VMS[0]}")
    ask("GET", f"/v1/metric/{ids[0]}")
    ask("GET", f"/v1/resource/instance/{VMS[0]}x")
    by_id = lambda answer: sorted(answer, key=lambda one: one["id"])
    search = "/v1/search/resource/instance"
    ask("POST", search, {"=": {"host": "compute-0"}}, prepare=by_id, attrs=["id", "display_name", "metrics"])
    ask("POST", search, {"and": [{"like": {"display_name": "vm%"}}, {"!=": {"project_id": "p-1"}}]}, prepare=by_id)
    ask("POST", search, prepare=by_id, filter="project_id = 'p-0' and host like 'compute-%'", attrs=["id", "host"])
    ask("POST", search, prepare=by_id, filter="", attrs=["id", "display_name"])
    ask("POST", search, filter="host = ", words=False)
    ask("POST", search, filter="colour = 1")


def legacy(ask, ids):
    """Its older modes: one metric, metrics, and metrics of resources, each with the parameters of a panel."""
    for method, granularity in (("mean", None), ("max", 60), ("rate:mean", 300), ("sum", None)):
        more = {"aggregation": method, **({"granularity": granularity} if granularity else {}), **SPAN}
        ask("GET", f"/v1/metric/{ids[0]}/measures", **more)
        ask("GET", f"/v1/resource/instance/{VMS[1]}/metric/cpu/measures", **more)
    ask("GET", f"/v1/metric/{ids[0]}/measures", aggregation="mean", granularity=7, **SPAN)
    ask("GET", f"/v1/metric/{ids[0]}/measures", aggregation="mean", start="yesterday noon", stop=SPAN["stop"])
    ask("GET", f"/v1/resource/instance/{VMS[1]}/metric/nothing/measures", aggregation="mean", **SPAN)
    many = {"metric": ids, "aggregation": "mean", "reaggregation": "max", "granularity": 60, **SPAN}
    ask("GET", "/v1/aggregation/metric", **many)
    ask("GET", "/v1/aggregation/metric", needed_overlap=0, **many)
    ask("GET", "/v1/aggregation/metric", fill=0, **many)
    ask("GET", "/v1/aggregation/metric", fill="null", **many)
    ask("GET", "/v1/aggregation/metric", **{**many, "metric": [*ids, VMS[0]]})
    of_resources = "/v1/aggregation/resource/instance/metric/cpu"
    by_group = lambda answer: sorted(answer, key=str)
    one = {"aggregation": "mean", "granularity": 60, "needed_overlap": 0, **SPAN}
    ask("POST", of_resources, {"like": {"host": "compute-%"}}, **one)
    ask("POST", of_resources, {"like": {"host": "compute-%"}}, prepare=by_group, groupby=["host", "project_id"], **one)
    ask("POST", of_resources, {"=": {"host": "nobody"}}, **one)
    ask("POST", of_resources, prepare=by_group, filter="project_id = 'p-0'", groupby="display_name", **one)


def dynamic(ask, ids):
    """Dynamic aggregates, the mode it recommends."""
    def aggregates(operations, prepare=lambda answer: answer, search=None, words=True, **more):
        body = {"operations": operations, **({"search": search, "resource_type": "instance"} if search else {})}
        return ask("POST", "/v1/aggregates", body, details="true", words=words, prepare=prepare, **{**SPAN, **more})

    def references(answer):
        """References stand in any order."""
        for one in answer if isinstance(answer, list) else [answer]:
            found = one["measures"] if "group" in one else one
            found["references"] = sorted(found["references"], key=lambda one: one["id"] if one["name"] is None else str(one.get("resource", one)["id"]))
        return sorted(answer, key=lambda one: str(one["group"])) if isinstance(answer, list) else answer

    one = {"granularity": 60}
    by_metric = lambda answer: references({**answer, "references": [{
        **one, "name": one.get("name")} for one in answer["references"]]})
    of_metric = f"(metric {ids[0]} mean)"
    aggregates(of_metric, by_metric, **one)
    aggregates(f"(metric ({ids[0]} mean) ({ids[1]} max))", by_metric, **one)
    aggregates(f"(* 2 {of_metric})", by_metric, **one)
    aggregates(f"(rolling mean 2 {of_metric})", by_metric, **one)
    aggregates(f"(resample max 300 {of_metric})", by_metric, **one)
    aggregates(f"(aggregate mean (metric ({ids[0]} mean) ({ids[1]} mean) ({ids[2]} mean)))", by_metric, **one)
    aggregates(f"(aggregate mean (metric ({ids[0]} mean) ({ids[2]} mean)))", by_metric, fill="null", **one)
    aggregates(f"(aggregate sum (metric ({ids[0]} mean) ({ids[2]} mean)))", by_metric, fill=0, needed_overlap=0, **one)
    aggregates(["rateofchange", ["metric", ids[0], "mean"]], by_metric, **one)
    aggregates(of_metric, by_metric)

    def resources(answer):
        """Of a search: the references are resources, each with its metrics."""
        for one in answer if isinstance(answer, list) else [answer]:
            found = one["measures"] if "group" in one else one
            found["references"] = sorted(found["references"], key=lambda one: one["id"])
        return sorted(answer, key=lambda one: str(one["group"])) if isinstance(answer, list) else answer

    for search in ("host like 'compute-%'", {"like": {"host": "compute-%"}}, {"=": {"project_id": "p-0"}}):
        aggregates("(metric cpu mean)", resources, search, **one)
        aggregates("(aggregate sum (metric cpu mean))", resources, search, needed_overlap=0, **one)
        aggregates("(aggregate max (metric c* max))", resources, search, groupby="host", **one)
        aggregates("(/ (metric cpu mean) (metric memory mean))", resources, search, groupby=["host", "display_name"], **one)
    aggregates("(metric cpu mean)", search="host = nobody", **one)
    aggregates("(metric cpu sum)", search="host = 'compute-1'", **one)
    aggregates("(metric cpu mean)", search="colour = 1", **one)
    aggregates(f"(metric {VMS[0]} mean)", **one)
    aggregates("(metric cpu", search="host = 'compute-1'", words=False, **one)
    aggregates("(nonsense (metric cpu mean))", search="host = 'compute-1'", words=False, **one)
    aggregates(of_metric, granularity=7)
    aggregates(of_metric, start="yesterday noon")
    aggregates(of_metric, fill="sometimes")


def scenario(address, book):
    """All a dashboard asks."""
    ask = Grafana(address, book)
    ids = world(ask)
    preflights(ask)
    names(ask, ids)
    legacy(ask, ids)
    dynamic(ask, ids)


recording.main(scenario, "grafana_gnocchi.jsonl.gz")
