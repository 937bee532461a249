"""The real CloudKitty 25.0.0 finds who is to be charged and collects what for, as from a real Gnocchi 4.7.1.

Its fetcher of scopes and its collector, as they are; what they make of the answers is taken down. See recording.py.
"""

import datetime
import sys
import time
import warnings

warnings.filterwarnings("ignore")

# pylint: disable=wrong-import-position
import recording
from cloudkitty import service as _  # noqa: F401, its options are registered there
from cloudkitty.collector import gnocchi as collector
from cloudkitty.fetcher import gnocchi as fetcher
from oslo_config import cfg
from peers import check, wait_for

HOUR = 3600
# An hour that ends meanwhile would be another one; on a Gnocchi that is slow all of it takes 20 seconds.
while time.time() % HOUR > HOUR - 60:
    time.sleep(1)
# Of the hour that is over; what is collected is charged when it cannot change any more.
BEGIN = int(time.time()) // HOUR * HOUR - HOUR
ADMIN = {"Authorization": "Basic YWRtaW46"}
TEXT = {"type": "string", "required": False}
VMS = [f"5a1d9f6e-1111-5111-8111-00000000000{at}" for at in (1, 2, 3, 4)]
EXTRA = {"resource_type": "instance", "force_granularity": HOUR}
METRICS = {
    "cpu": [
        {"unit": "instance", "alt_name": "instance", "groupby": ["id", "user_id", "project_id"],
         "metadata": ["flavor_name", "host"], "mutate": "NUMBOOL", "extra_args": EXTRA},
        {"unit": "%", "alt_name": "revisions", "groupby": ["id", "flavor_name"],
         "extra_args": {**EXTRA, "aggregation_method": "mean", "re_aggregation_method": "mean"}},
        {"unit": "%", "alt_name": "no revisions", "groupby": ["id", "flavor_name", "revision_start"],
         "extra_args": {**EXTRA, "use_all_resource_revisions": False}},
        {"unit": "%", "alt_name": "of projects", "groupby": ["project_id"],
         "extra_args": {**EXTRA, "aggregation_method": "mean", "re_aggregation_method": "sum"}},
        {"unit": "%", "alt_name": "query", "groupby": ["id"], "extra_args": {
            **EXTRA, "custom_query": "(* 2 (aggregate RE_AGGREGATION_METHOD (metric METRIC_NAME AGGREGATION_METHOD)))"}},
        {"unit": "%", "alt_name": "rates", "groupby": ["id"], "extra_args": {
            **EXTRA, "aggregation_method": "mean", "re_aggregation_method": "rate:mean"}},
    ],
    "memory": {"unit": "GiB", "factor": "1/1024", "groupby": ["id", "project_id"], "metadata": ["host"], "mutate": "CEIL",
               "extra_args": {**EXTRA, "aggregation_method": "max"}},
    "nothing": {"unit": "x", "groupby": ["id"], "extra_args": EXTRA},
}


def configure(address):
    """Where it asks, and as whom."""
    conf = cfg.CONF
    conf([], project="cloudkitty", default_config_files=[], default_config_dirs=[])
    conf.set_override("period", HOUR, "collect")
    conf.set_override("scope_key", "project_id", "collect")
    for group in ("collector_gnocchi", "fetcher_gnocchi"):
        conf.set_override("gnocchi_auth_type", "basic", group)
        conf.set_override("gnocchi_user", "admin", group)
        conf.set_override("gnocchi_endpoint", address, group)
    conf.set_override("resource_types", ["instance", "volume"], "fetcher_gnocchi")


def world(address):
    """Four instances of three projects; one was resized, one has ended; one volume; one thing of nobody."""
    def must(method, path, body=None):
        status, _, answer = recording.ask(address, method, path, body, ADMIN)
        assert status < 300, (method, path, status, answer)
        return answer

    must("POST", "/v1/archive_policy", {"name": "hours", "back_window": 3, "aggregation_methods": ["mean", "max", "rate:mean"],
                                        "definition": [{"granularity": HOUR, "points": 100}, {"granularity": 300, "points": 1000}]})
    for name in ("instance", "volume"):
        must("POST", "/v1/resource_type", {"name": name, "attributes": {"host": TEXT, "flavor_name": TEXT}})
    at, ended = (datetime.datetime.fromtimestamp(time, datetime.timezone.utc).isoformat() for time in (BEGIN - 2 * HOUR, BEGIN))
    for number, vm in enumerate(VMS):
        must("POST", "/v1/resource/instance", {
            "id": vm, "host": f"compute-{number % 2}", "flavor_name": "small", "project_id": f"p-{number // 2}", "user_id": f"u-{number}",
            "started_at": at, **({"ended_at": ended} if number == 3 else {}), "metrics": {name: {"archive_policy_name": "hours"} for name in ("cpu", "memory")}})
        points = range(BEGIN - HOUR, BEGIN + 3 * HOUR, 300)
        must("POST", "/v1/batch/resources/metrics/measures", {vm: {
            "cpu": [{"timestamp": time, "value": (number + 1) * 7 + (time - BEGIN) / 300} for time in points],
            "memory": [{"timestamp": time, "value": 700 * (number + 1)} for time in points]}})
    must("PATCH", f"/v1/resource/instance/{VMS[0]}", {"flavor_name": "large"})
    must("POST", "/v1/resource/volume", {"id": "5a1d9f6e-1111-5111-8111-000000000009", "project_id": "p-2"})
    must("POST", "/v1/resource/volume", {"id": "5a1d9f6e-1111-5111-8111-00000000000a"})

    def processed():
        return must("GET", "/v1/status?details=false")["storage"]["summary"]["measures"] == 0
    wait_for("all measures are processed", processed)


def shown(points):
    """Data points without their order, which hangs on ids that a server makes up."""
    def one(point):
        groupby = {name: value for name, value in point.groupby.items() if not name.endswith("_of_the_year") and name not in (
            "week", "day", "month", "year", "revision_start")}
        return [dict(sorted(groupby.items())), dict(sorted(point.metadata.items())), float(point.qty), point.unit]
    return sorted((one(point) for point in points), key=str)


def scenario(address, book):
    """A run of its orchestrator over the hour before the resources were known, and over the next one; in the hour between a
    resource is divided between its revisions by the time that it is now."""
    configure(address)
    world(address)
    book.take("the scopes", sorted(fetcher.GnocchiFetcher().get_tenants()))
    collects = collector.GnocchiCollector(period=HOUR, conf={"metrics": METRICS})
    for hours in (0, 2):
        start = datetime.datetime.fromtimestamp(BEGIN + hours * HOUR, datetime.timezone.utc)
        end = start + datetime.timedelta(hours=1)
        for name in sorted(collects.conf):
            for scope in ("p-0", "p-1", "p-2"):
                book.take(f"hour {hours}: {name} of {scope}", shown(collects.fetch_all(name, start, end, project_id=scope)))
        book.take(f"hour {hours}: all memory on a host", shown(
            collects.fetch_all("memory", start, end, q_filter={"=": {"host": "compute-1"}})))
    check("the hour did not end meanwhile", int(time.time()) // HOUR * HOUR - HOUR == BEGIN)


recording.main(scenario, "gnocchi_cloudkitty.jsonl.gz", "basic", sys.argv[1:])
