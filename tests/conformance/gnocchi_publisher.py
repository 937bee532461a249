"""The real Ceilometer 27.0.0 publishes to Gnocchi's API, and the real Aodh 23.0.0 reaches the right states from it.

    gnocchi_publisher.py                     our server, with each kind of authentication
    gnocchi_publisher.py basic|headers ADDRESS    a server that runs

Of Ceilometer's publisher and Aodh's evaluators only their sessions are ours, since those ask Keystone; and an alarm's new
state is kept in memory. TELEMETRY_SHARED: with it, what Ceilometer made of recorded notifications is published too.
"""

import collections
import datetime
import json
import logging
import math
import os
import sys
import time
import warnings
from unittest import mock

warnings.filterwarnings("ignore")

# pylint: disable=wrong-import-position
import keystoneauth1.session
from aodh import queue, keystone_client as aodh_keystone, service as aodh_service
from aodh.evaluator import gnocchi as evaluators
from aodh.storage.models import Alarm
from gnocchiclient import auth, client
from oslo_utils import netutils

from ceilometer import gnocchi_client, keystone_client, sample, service
from ceilometer.event import models
from ceilometer.publisher import gnocchi as publisher
from peers import check, equal, finish, wait_for
from recording import our_server

PUBLISHER = "gnocchi://?enable_filter_project=false"
# Far enough from "now" that no policy has thrown it away.
BEGIN = int(time.time()) // 3600 * 3600 - 7200
VMS = ["b6b1e6a0-0001-4000-8000-00000000000a", "b6b1e6a0-0001-4000-8000-00000000000b"]
VALUES = {VMS[0]: [80, 90, 95], VMS[1]: [10, 12, 14]}


class Said(logging.Handler):
    """What the publisher complains about: it logs errors and goes on."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []
        logging.getLogger("ceilometer.publisher.gnocchi").addHandler(self)

    def emit(self, record):
        self.lines.append(record.getMessage()[:600])


def quiet():
    """Ends their logging to standard error; what matters of it is in `Said`."""
    logging.getLogger().handlers = [logging.NullHandler()]


def session(mode, address):
    """A session as gnocchiclient makes it without Keystone."""
    plugin = (auth.GnocchiBasicPlugin("admin", address) if mode == "basic" else
              auth.GnocchiNoAuthPlugin("ceilometer", "service", "service,admin", address))
    return keystoneauth1.session.Session(auth=plugin)


def stamp(seconds):
    """A time as Ceilometer writes it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def of(name, kind, unit, volume, resource, at, /, **metadata):
    """A sample."""
    return sample.Sample(name, kind, unit, volume, "u-1", "p-1", resource, timestamp=stamp(at), resource_metadata=metadata)


def polled():
    """An hour of two instances, their disks and interfaces, an image, a volume and an address, as a poll has them."""
    taken = []
    for step in range(12):
        at = BEGIN + 300 * step
        for number, vm in enumerate(VMS):
            about = {"display_name": f"vm-é{number}", "host": "cmp-1", "flavor": {"id": "2", "name": "m1.small"}}
            taken.append(of("cpu", "cumulative", "ns", 10 ** 10 * (step + 1) * (number + 1), vm, at, **about))
            taken.append(of("memory.usage", "gauge", "MB", 512.25 + step, vm, at, **about))
            taken.append(of("disk.device.read.bytes", "cumulative", "B", 2 ** 53 + step * 4096, f"{vm}-vda", at,
                            disk_name="vda", instance_id=vm))
            taken.append(of("network.incoming.bytes", "cumulative", "B", 1000 * step, f"instance-1/{vm}-tap1", at,
                            vnic_name="tap1", instance_id=vm))
        taken.append(of("image.size", "gauge", "B", 117440512, "img-1", at, name="cirros", container_format="bare",
                        disk_format="qcow2"))
        taken.append(of("volume.size", "gauge", "GB", 10, "vol-1", at, display_name="data", volume_type="ssd"))
        taken.append(of("no.such.meter", "gauge", "x", 1, "vol-1", at))
    return taken


def recorded():
    """What Ceilometer made of recorded notifications, if there are any."""
    path = os.path.join(os.environ.get("TELEMETRY_SHARED", ""), "golden", "real_notifications.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        found = [one["sample"] for line in lines for one in json.loads(line).get("samples") or []]
    keep = ("name", "type", "unit", "volume", "user_id", "project_id", "resource_id", "timestamp", "resource_metadata")
    return [sample.Sample(**{name: one[name] for name in keep}) for one in found
            if one["resource_id"] and isinstance(one["volume"], (int, float))]


def points_arrive(asked, pushed, what, samples):
    """Publishes samples, and asks for each of their points."""
    said = Said()
    published = [one for one in samples if one.name in pushed.metric_map]
    pushed.publish_samples(list(samples))
    equal(f"{what}: Ceilometer has nothing to complain about", said.lines, [])
    buckets = collections.defaultdict(dict)
    for one in published:
        at = datetime.datetime.fromisoformat(one.timestamp)
        at = (at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)).timestamp()
        known = buckets[one.resource_id.replace("/", "_"), one.name].setdefault(at // 300 * 300, {})
        known[at] = min(float(one.volume), known.get(at, math.inf))  # of one time in one request the smallest value stays
    wrong = []
    for (resource, name), expected in buckets.items():
        found = asked.metric.get_measures(name, resource_id=resource, aggregation="mean", granularity=300, refresh=True)
        found = [(at.timestamp(), value) for at, _, value in found]
        expected = [(at, math.fsum(values.values()) / len(values)) for at, values in sorted(expected.items())]
        if [at for at, _ in found] != [at for at, _ in expected] or not all(
                math.isclose(one, other, rel_tol=1e-12) for (_, one), (_, other) in zip(found, expected)):
            wrong.append(f"{resource} {name}: {found} and not {expected}")
    check(f"{what}: all points of {len(buckets)} metrics are there", not wrong, f"{len(wrong)} differ: {wrong[:3]}")


def resources_are(asked, pushed):
    """What the publisher made and updates, and what its events do."""
    vm = asked.resource.get("instance", VMS[0])
    equal("an instance has its attributes", [vm[name] for name in ("display_name", "host", "flavor_name", "project_id", "user_id")],
          ["vm-é0", "cmp-1", "m1.small", "p-1", "u-1"])
    metric = asked.metric.get("cpu", resource_id=VMS[0])
    equal("its metric has Ceilometer's policy and unit", (metric["archive_policy"]["name"], metric["unit"]),
          ("ceilometer-low-rate", "ns"))
    pushed.publish_samples([of("cpu", "cumulative", "ns", 10 ** 12, VMS[0], BEGIN + 3600, display_name="renamed", host="cmp-2",
                               flavor={"id": "3", "name": "m1.large"})])
    history = asked.resource.history("instance", VMS[0], sorts=["revision_start:asc"])
    equal("a change of metadata is a revision", [one["host"] for one in history][-2:], ["cmp-1", "cmp-2"])

    trait = lambda name, value: models.Trait(name, models.Trait.TEXT_TYPE, value)
    event = lambda kind, *traits: pushed.publish_events([models.Event("e-1", kind, datetime.datetime(2026, 3, 1), list(traits), {})])
    event("compute.instance.create.end", trait("instance_id", "vm-new"), trait("display_name", "new"), trait("host", "cmp-1"),
          trait("instance_flavor_id", "2"), trait("instance_type", "m1"), trait("user_id", "u-1"), trait("project_id", "p-1"))
    equal("an event makes an instance", asked.resource.get("instance", "vm-new")["display_name"], "new")
    event("compute.instance.delete.start", trait("instance_id", VMS[0]))
    ended = [asked.resource.get(kind, resource)["ended_at"] for kind, resource in (
        ("instance", VMS[0]), ("instance_disk", f"{VMS[0]}-vda"), ("instance_network_interface", f"instance-1_{VMS[0]}-tap1"))]
    check("an event ends an instance, its disk and its interface", all(ended), ended)
    check("and no other", asked.resource.get("instance", VMS[1])["ended_at"] is None)


def alarms(asked, pushed, connection):
    """Aodh's evaluators on the minutes that just went by."""
    now = int(time.time()) // 60 * 60
    pushed.publish_samples([of(name, kind, "x", value, f"{vm}-live", now - 180 + 60 * at, display_name=vm, host="cmp-1",
                               flavor={"id": "2", "name": "m1"})
                            for vm in VMS for name, kind, factor in (("memory.usage", "gauge", 1), ("cpu", "cumulative", 1000))
                            for at, value in enumerate(factor * one for one in VALUES[vm])])
    first, second = f"{VMS[0]}-live", f"{VMS[1]}-live"
    wait_for("the points are processed", lambda: all(
        len(asked.metric.get_measures(name, resource_id=vm, granularity=60, refresh=True)) == 3
        for vm in (first, second) for name in ("memory.usage", "cpu")))
    ids = [asked.metric.get("memory.usage", resource_id=vm)["id"] for vm in (first, second)]
    counters = [asked.metric.get("cpu", resource_id=vm)["id"] for vm in (first, second)]
    nobody = "5a1d9f6e-1111-4111-8111-00000000000f"

    conf = aodh_service.prepare_service([], [], with_gmr=False)
    quiet()
    conf.set_override("enable_evaluation_results_metrics", False)
    by_resource, by_metrics, by_search = (
        evaluators.GnocchiResourceThresholdEvaluator, evaluators.GnocchiAggregationMetricsThresholdEvaluator,
        evaluators.GnocchiAggregationResourcesThresholdEvaluator)
    both = json.dumps({"and": [{"=": {"project_id": "p-1"}}, {"like": {"original_resource_id": "%-live"}}]})
    of_one = {"metric": "memory.usage", "resource_id": first, "resource_type": "instance"}
    of_many = {"metric": "memory.usage", "resource_type": "instance", "query": both}
    unknown, ok, alarm = Alarm.ALARM_INSUFFICIENT_DATA, Alarm.ALARM_OK, Alarm.ALARM_ALARM
    cases = [  # evaluator, rule, operator and threshold, state before, state behind
        (by_resource, of_one, ("gt", 50), unknown, alarm),
        (by_resource, of_one, ("lt", 50), alarm, ok),
        (by_resource, of_one, ("gt", 85), unknown, alarm),  # not all are, the newest is
        (by_resource, of_one, ("gt", 85), ok, ok),
        (by_resource, {**of_one, "evaluation_periods": 5}, ("gt", 50), ok, unknown),
        (by_resource, {**of_one, "granularity": 7}, ("gt", 50), ok, unknown),
        (by_resource, {**of_one, "aggregation_method": "max"}, ("gt", 50), ok, unknown),
        (by_resource, {**of_one, "metric": "no.such"}, ("gt", 50), ok, unknown),
        (by_resource, {**of_one, "resource_id": "nobody"}, ("gt", 50), ok, unknown),
        (by_resource, {**of_one, "metric": "cpu", "aggregation_method": "rate:mean", "evaluation_periods": 2}, ("ge", 5000), ok, alarm),
        (by_metrics, {"metrics": ids[:1]}, ("gt", 44), ok, alarm),
        (by_metrics, {"metrics": ids[:1]}, ("gt", 94), unknown, alarm),
        (by_metrics, {"metrics": ids[:1]}, ("gt", 96), alarm, ok),
        # Wrong, and a real Gnocchi's answer: Aodh 23 writes an operation a metric, which Gnocchi 4.7.1 refuses.
        (by_metrics, {"metrics": ids}, ("gt", 44), ok, unknown),
        (by_metrics, {"metrics": counters[:1], "aggregation_method": "rate:mean", "evaluation_periods": 2}, ("ge", 3500), ok, alarm),
        (by_metrics, {"metrics": [nobody]}, ("gt", 44), ok, unknown),
        (by_search, of_many, ("gt", 44), ok, alarm),
        (by_search, of_many, ("gt", 60), alarm, ok),
        (by_search, {**of_many, "query": json.dumps({"=": {"project_id": "nobody"}})}, ("gt", 44), ok, unknown),
        (by_search, {**of_many, "aggregation_method": "max"}, ("gt", 44), ok, unknown),
        (by_search, {**of_many, "metric": "cpu", "aggregation_method": "rate:mean", "evaluation_periods": 2}, ("ge", 3500), ok, alarm),
    ]

    def keep(_, alarm, state, *__, **___):
        alarm.state = state

    with mock.patch.object(aodh_keystone, "get_session", lambda conf: connection), mock.patch.object(queue, "AlarmNotifier"), \
            mock.patch.object(evaluators.GnocchiBase, "_refresh", keep):
        for evaluator, rule, (operator, threshold), before, behind in cases:
            whole = {"granularity": 60, "aggregation_method": "mean", "evaluation_periods": 3, **rule,
                     "comparison_operator": operator, "threshold": threshold}
            moment = datetime.datetime(2026, 1, 1)
            one = Alarm("a-1", "x", True, "x", "", moment, "u", "p", before, moment, "", [], [], [], False, whole, [])
            evaluator(conf).evaluate(one)
            equal(f"{evaluator.__name__}, {operator} {threshold}, {rule}", one.state, behind)


def publishes(mode, address):
    """All of it against one server."""
    print(f"== {mode} ==")
    connection = session(mode, address)
    conf = service.prepare_service([], [])
    quiet()
    asked = client.Client("1", connection)
    with mock.patch.object(gnocchi_client, "get_gnocchiclient", lambda *_, **__: asked), \
            mock.patch.object(keystone_client, "get_client", lambda *_: None):
        gnocchi_client.upgrade_resource_types(conf)
        gnocchi_client.upgrade_resource_types(conf)
        kinds = {one["name"] for one in asked.resource_type.list()}
        check("ceilometer-upgrade makes its resource types, and twice is once",
              kinds >= set(gnocchi_client.resources_initial) | {"manila_share", "loadbalancer", "dns_zone"}, sorted(kinds))
        pushed = publisher.GnocchiPublisher(conf, netutils.urlsplit(PUBLISHER))
        points_arrive(asked, pushed, "an hour of polls", polled())
        points_arrive(asked, pushed, "recorded notifications", recorded())
        resources_are(asked, pushed)
        fine = publisher.GnocchiPublisher(conf, netutils.urlsplit(PUBLISHER + "&archive_policy=ceilometer-high-rate"))
        alarms(asked, fine, connection)


if sys.argv[1:]:
    publishes(*sys.argv[1:])
else:
    for authentication in ("basic", "headers"):
        with our_server("--auth", authentication) as place:
            publishes(authentication, place)
finish()
