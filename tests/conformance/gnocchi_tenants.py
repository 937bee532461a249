"""Who may read, write, find, aggregate and delete whose resources and metrics: as with a real Gnocchi 4.7.1.

    gnocchi_tenants.py basic|headers [record|ADDRESS]

"basic" is Gnocchi's basic authentication; "headers" is what it does behind Keystone's middleware, which says in headers who
asks. Every actor tries every action on every object; a status, and of a list the names in it, is taken down. See recording.py.
"""

import base64
import sys

import recording
from peers import equal

AT = "2015-03-06T14:33:00"
# Taken and thrown away, as the policy has no back window: what was written first stays, whoever may write.
BEFORE = "2015-03-06T13:00:00"
RESOURCE = "5a1d9f6e-1111-5111-8111-00000000000"
TEXT = {"type": "string", "required": False}


def by_header(user=None, project=None, roles=None):
    """Who Keystone's middleware says that somebody is."""
    named = {"X-User-Id": user, "X-Project-Id": project, "X-Roles": roles}
    return {name: value for name, value in named.items() if value is not None}


def by_name(user):
    """Basic authentication; no password is looked at."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:x".encode()).decode()}


ACTORS = {
    "headers": {
        "admin": by_header("admin", "p-admin", "admin"), "service": by_header("ceilometer", "p-service", "service"),
        "alice": by_header("alice", "p-a", "member,reader"), "amy": by_header("amy", "p-a", "reader"),
        "bob": by_header("bob", "p-b", "member"), "carol of no project": by_header("carol", None, "member"),
        "a project of no user": by_header(None, "p-a", "member"), "nobody": {}, "ADMIN": by_header("root", "p-x", "ADMIN"),
        "two roles": by_header("dave", "p-d", "member,admin"),
    },
    "basic": {
        "admin": by_name("admin"), "alice": by_name("alice"), "bob": by_name("bob"), "service": by_name("service"),
        "nobody": {}, "nonsense": {"Authorization": "Basic !!!"}, "a token": {"Authorization": "Bearer abc"},
        "headers only": by_header("admin", "p-admin", "admin"), "Admin": by_name("Admin"), "no name": by_name(""),
    },
}


class World:
    """Who asks, and what there is: names for its resources and metrics."""

    def __init__(self, address, book, actors):
        self.address, self.book, self.actors = address, book, actors
        self.names = {}
        self.made = 0

    def ask(self, actor, method, path, body=None):
        """(status, answer) of one request."""
        patch = isinstance(body, list) and method == "PATCH"
        headers = {"Accept": "application/json", **({"Content-Type": "application/json-patch+json"} if patch else {}),
                   **self.actors[actor]}
        status, _, answer = recording.ask(self.address, method, path, body, headers)
        return status, answer

    def must(self, *arguments):
        """The answer of one that is not refused."""
        status, answer = self.ask(*arguments)
        assert status < 300, (arguments, status, answer)
        return answer

    def known(self, answer):
        """Names in place of what is found: lists sorted, a refusal in its words, measures as they are."""
        if isinstance(answer, dict):
            return answer.get("description", answer.get("measures"))
        if isinstance(answer, list) and answer and isinstance(answer[0], dict):
            # Only what there was in the beginning, not what others made meanwhile.
            return sorted(self.names[one["id"]] if "id" in one else one["name"] for one in answer
                          if "id" not in one or one["id"] in self.names)
        return answer if isinstance(answer, list) else None

    def tried(self, actor, what, *arguments):
        """Takes down what becomes of one request."""
        status, answer = self.ask(actor, *arguments)
        self.book.take(f"{actor}: {what}", [status, self.known(answer)])

    def spare(self, owner, project=None):
        """A resource with a metric that may go: (resource, metric)."""
        self.made += 1
        body = {"id": f"spare-{self.made}", "metrics": {"cpu": {"archive_policy_name": "fine"}}}
        made = self.must(owner, "POST", "/v1/resource/vm", {**body, **({"project_id": project} if project else {})})
        return made["id"], made["metrics"]["cpu"]


def begin(world):
    """Resources of alice, bob and the service, which made one for alice's project and one for bob's."""
    must = world.must
    must("admin", "POST", "/v1/archive_policy", {"name": "fine", "definition": [{"granularity": 60, "points": 60}]})
    must("admin", "POST", "/v1/resource_type", {"name": "vm", "attributes": {"host": TEXT}})
    owners = [("alice", "alice", "p-a"), ("bob", "bob", "p-b"), ("service's for p-a", "service", "p-a"),
              ("service's for p-b", "service", "p-b"), ("alice's for nobody", "alice", None)]
    objects = []
    for number, (name, owner, project) in enumerate(owners):
        made = must(owner, "POST", "/v1/resource/vm", {"id": RESOURCE + str(number), "project_id": project, "user_id": "u",
                                                       "metrics": {"cpu": {"archive_policy_name": "fine"}}})
        metric = made["metrics"]["cpu"]
        must(owner, "POST", f"/v1/metric/{metric}/measures", [{"timestamp": AT, "value": number + 1}])
        world.names |= {made["id"]: name, metric: f"cpu of {name}"}
        objects.append((name, owner, project, made["id"], metric))
    alone = must("alice", "POST", "/v1/metric", {"archive_policy_name": "fine", "name": "alone"})["id"]
    must("alice", "POST", f"/v1/metric/{alone}/measures", [{"timestamp": AT, "value": 9}])
    for metric in [alone, *(one[-1] for one in objects)]:
        must("admin", "GET", f"/v1/metric/{metric}/measures?refresh=true")
    world.names[alone] = "alone"
    return objects, alone


def on_one(world, actor, one):
    """What somebody does to one resource and its metric."""
    name, owner, project, resource, metric = one
    tried = lambda what, *arguments: world.tried(actor, f"{what} {name}", *arguments)
    measures = [{"timestamp": BEFORE, "value": 5}]
    tried("reads", "GET", f"/v1/resource/vm/{resource}")
    tried("reads generic", "GET", f"/v1/resource/generic/{resource}")
    tried("reads the history of", "GET", f"/v1/resource/vm/{resource}/history")
    tried("lists the metrics of", "GET", f"/v1/resource/vm/{resource}/metric")
    tried("reads the metric of", "GET", f"/v1/resource/vm/{resource}/metric/cpu")
    tried("reads the metric by id of", "GET", f"/v1/metric/{metric}")
    tried("reads measures of", "GET", f"/v1/metric/{metric}/measures")
    tried("reads measures by name of", "GET", f"/v1/resource/vm/{resource}/metric/cpu/measures")
    tried("aggregates by id", "POST", "/v1/aggregates", {"operations": f"(metric {metric} mean)"})
    tried("aggregates (legacy) by id", "GET", f"/v1/aggregation/metric?metric={metric}&aggregation=mean")
    tried("changes", "PATCH", f"/v1/resource/vm/{resource}", {"host": "compute-1"})
    tried("adds a metric that is there to", "POST", f"/v1/resource/vm/{resource}/metric", {"cpu": {"archive_policy_name": "fine"}})
    tried("posts to", "POST", f"/v1/metric/{metric}/measures", measures)
    tried("posts by name to", "POST", f"/v1/resource/vm/{resource}/metric/cpu/measures", measures)
    tried("posts a batch to", "POST", "/v1/batch/metrics/measures", {metric: measures})
    tried("posts a batch by name to", "POST", "/v1/batch/resources/metrics/measures", {resource: {"cpu": measures}})
    spare, of_spare = world.spare(owner, project)
    tried("deletes a metric like that of", "DELETE", f"/v1/metric/{of_spare}")
    tried("deletes one like", "DELETE", f"/v1/resource/vm/{spare}")
    spare, _ = world.spare(owner, project)
    tried("deletes by search ones like", "DELETE", "/v1/resource/vm", {"=": {"id": spare}})


def on_all(world, actor, objects, alone):
    """What somebody finds, and what is for administrators."""
    tried = lambda what, *arguments: world.tried(actor, what, *arguments)
    every = {"like": {"original_resource_id": "5a1d9f6e%"}}
    measures = [{"timestamp": BEFORE, "value": 5}]
    metrics = [alone, *(one[-1] for one in objects)]
    tried("lists resources", "GET", "/v1/resource/vm?limit=1000")
    tried("lists generic resources", "GET", "/v1/resource/generic?limit=1000")
    tried("searches resources", "POST", "/v1/search/resource/vm", every)
    tried("searches resources of p-a", "POST", "/v1/search/resource/vm", {"=": {"project_id": "p-a"}})
    tried("lists metrics", "GET", "/v1/metric?limit=1000")
    tried("lists metrics of a creator", "GET", "/v1/metric?limit=1000&creator=alice:p-a")
    tried("lists metrics of a user", "GET", "/v1/metric?limit=1000&user_id=alice")
    tried("searches values", "POST", f"/v1/search/metric?metric_id={metrics[1]}", {">": 0})
    tried("aggregates all", "POST", "/v1/aggregates", {"operations": "(aggregate sum (metric cpu mean))", "resource_type": "vm",
                                                       "search": every})
    tried("aggregates (legacy) all", "POST", "/v1/aggregation/resource/vm/metric/cpu?aggregation=mean", every)
    tried("aggregates all by id", "POST", "/v1/aggregates", {
        "operations": "(aggregate sum (metric " + " ".join(f"({one} mean)" for one in metrics) + "))"})
    tried("posts a batch to all", "POST", "/v1/batch/metrics/measures", {one: measures for one in metrics})
    tried("reads the metric alone", "GET", f"/v1/metric/{alone}")
    tried("reads its measures", "GET", f"/v1/metric/{alone}/measures")
    tried("posts to the metric alone", "POST", f"/v1/metric/{alone}/measures", measures)
    tried("makes a resource", "POST", "/v1/resource/vm", {"id": f"of {actor}"})
    tried("makes a resource for another project", "POST", "/v1/resource/vm", {"id": f"other of {actor}", "project_id": "p-b"})
    tried("makes a resource of a name that others have", "POST", "/v1/resource/vm", {"id": "of all"})
    tried("makes a metric", "POST", "/v1/metric", {"archive_policy_name": "fine"})
    word = "".join(letter for letter in actor if letter.isalnum())
    for path in ("/v1/status", "/v1/capabilities", "/v1/archive_policy", "/v1/archive_policy/fine", "/v1/archive_policy_rule",
                 "/v1/resource_type", "/v1/resource_type/vm", "/v1/resource", "/", "/healthcheck"):
        tried(f"gets {path}", "GET", path)
    policy = {"name": f"p{word}", "definition": [{"granularity": 60, "points": 60}]}
    tried("makes a policy", "POST", "/v1/archive_policy", policy)
    tried("changes a policy", "PATCH", "/v1/archive_policy/fine", {"definition": [{"granularity": 60, "points": 60}]})
    tried("makes a rule", "POST", "/v1/archive_policy_rule", {"name": f"r{word}", "archive_policy_name": "fine",
                                                              "metric_pattern": f"{word}.*"})
    tried("renames a rule", "PATCH", f"/v1/archive_policy_rule/r{word}", {"name": f"s{word}"})
    tried("deletes a rule", "DELETE", f"/v1/archive_policy_rule/s{word}")
    tried("deletes a policy", "DELETE", f"/v1/archive_policy/p{word}")
    tried("makes a type", "POST", "/v1/resource_type", {"name": f"t{word}"})
    tried("changes a type", "PATCH", f"/v1/resource_type/t{word}", [{"op": "add", "path": "/attributes/zone", "value": TEXT}])
    tried("deletes a type", "DELETE", f"/v1/resource_type/t{word}")


def wildcards(world, objects):
    """Nobody's project is a pattern. Gnocchi itself compares with LIKE: the project "%" lists everything there."""
    world.actors = {**world.actors, "percent": by_header("eve", "%", "member"), "underscore": by_header("eve", "p-_", "member")}
    for actor in ("percent", "underscore"):
        for path in ("/v1/resource/vm?limit=1000", "/v1/metric?limit=1000"):
            equal(f"{actor} lists nothing of others at {path}", world.known(world.ask(actor, "GET", path)[1]), [])
        found = world.ask(actor, "POST", "/v1/search/resource/vm", {"=": {"id": objects[0][3]}})
        equal(f"{actor} finds nothing of others", found, (200, []))


def scenario(mode):
    """The whole matrix of a kind of authentication."""
    def run(address, book):
        world = World(address, book, ACTORS[mode])
        objects, alone = begin(world)
        for actor in ACTORS[mode]:
            for one in objects:
                on_one(world, actor, one)
            on_all(world, actor, objects, alone)
        if mode == "headers" and not book.write:
            wildcards(world, objects)
    return run


if sys.argv[1:2] not in (["basic"], ["headers"]):
    sys.exit(__doc__)
recording.main(scenario(sys.argv[1]), f"gnocchi_tenants_{sys.argv[1]}.jsonl.gz", sys.argv[1], sys.argv[2:])
