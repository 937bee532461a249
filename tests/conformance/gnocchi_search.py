"""Searches over what is null, answered as by a real Gnocchi 4.7.1: its `not` leaves out what is null, its `!=` does not.

CloudKitty's fetcher of scopes asks until `not in` finds nothing. See recording.py.
"""

import sys

import recording

ADMIN = {"Authorization": "Basic YWRtaW46"}
THINGS = {
    "5a1d9f6e-1111-5111-8111-000000000001": {"project_id": "a", "ended_at": "2015-03-06T14:00:00", "size": 1, "host": "h1"},
    "5a1d9f6e-1111-5111-8111-000000000002": {"project_id": "b", "size": 2},
    "5a1d9f6e-1111-5111-8111-000000000003": {"host": "h2"},
    "5a1d9f6e-1111-5111-8111-000000000004": {"project_id": "ab", "ended_at": "2016-03-06T14:00:00"},
}
LEAVES = [
    {"=": {"project_id": "a"}}, {"!=": {"project_id": "a"}}, {"in": {"project_id": ["a", "b"]}}, {"like": {"project_id": "a%"}},
    {"=": {"project_id": None}}, {"!=": {"project_id": None}}, {"in": {"project_id": [None, "a"]}}, {"in": {"project_id": [None]}},
    {"=": {"ended_at": None}}, {"!=": {"ended_at": None}}, {"<": {"ended_at": "2015-06-01"}}, {">=": {"ended_at": "2015-06-01"}},
    {"<": {"ended_at": None}}, {"=": {"size": 1}}, {"!=": {"size": 1}}, {">": {"size": 1}}, {"in": {"size": [1, 2]}},
    {"=": {"size": None}}, {"like": {"host": "%1"}}, {"!=": {"host": "h1"}}, {"in": {"host": ["h1"]}},
    {"in": {"ended_at": ["2015-03-06T14:00:00", None]}},
]
TEXTS = ["not project_id = a", "not (project_id = a or size = 2)", "project_id != a and ended_at = null", "not ended_at = null"]


def scenario(address, book):
    """Each leaf, its opposite, and the opposite of that; then in threes."""
    def must(path, body):
        status, _, answer = recording.ask(address, "POST", path, body, ADMIN)
        assert status < 300, (path, status, answer)

    must("/v1/resource_type", {"name": "thing", "attributes": {
        "size": {"type": "number", "required": False}, "host": {"type": "string", "required": False}}})
    for name, thing in THINGS.items():
        must("/v1/resource/thing", {"id": name, "started_at": "2014-01-01T00:00:00", **thing})

    def search(condition):
        status, _, answer = recording.ask(address, "POST", "/v1/search/resource/thing", condition, ADMIN)
        found = sorted(one["id"][-1] for one in answer) if status == 200 else None
        book.take(str(condition), [status, found])

    for leaf in LEAVES:
        for condition in (leaf, {"not": leaf}, {"not": {"not": leaf}}):
            search(condition)
    for one, other in zip(LEAVES, LEAVES[1:] + LEAVES[:1]):
        for condition in ({"and": [one, other]}, {"or": [one, {"not": other}]}):
            search({"not": condition})
    for text in TEXTS:
        status, _, answer = recording.ask(address, "POST", f"/v1/search/resource/thing?filter={text.replace(' ', '%20')}", None, ADMIN)
        book.take(text, [status, sorted(one["id"][-1] for one in answer) if status == 200 else None])


recording.main(scenario, "gnocchi_search.jsonl.gz", "basic", sys.argv[1:])
