"""The real OpenTelemetry exporter sends to telemetry-listen."""

import logging

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from peers import Listen, check, equal, finish

logging.basicConfig(level=logging.WARNING)
for compression in (Compression.NoCompression, Compression.Gzip, Compression.Deflate):
    listen = Listen("http://127.0.0.1:0")
    exporter = OTLPMetricExporter(endpoint=f"http://127.0.0.1:{listen.port()}/v1/metrics", compression=compression)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=Resource({"service.name": "shop", "service.instance.id": "shop-1"}))
    meter = provider.get_meter("test")
    meter.create_counter("orders", "1").add(7, {"kind": "é"})
    meter.create_up_down_counter("active", "1").add(-2)
    meter.create_gauge("temperature", "Cel").set(21.5)
    histogram = meter.create_histogram("latency", "ms")
    for value in (1, 5, 250):
        histogram.record(value)
    check(f"{compression.value}: the exporter is content", provider.force_flush())
    provider.shutdown()
    listen.end()
    found = {}
    for record in listen.last_records:
        found.setdefault(record["name"], record)
    orders, active, temperature = (found.get(name, {}) for name in ("orders", "active", "temperature"))
    equal(f"{compression.value}: a counter is cumulative", (orders.get("volume"), orders.get("type"), orders.get("unit")),
          (7, "cumulative", "1"))
    equal(f"{compression.value}: its resource is the service's instance", orders.get("resource_id"), "shop-1")
    equal(f"{compression.value}: an up-down counter is a gauge", (active.get("volume"), active.get("type")), (-2, "gauge"))
    equal(f"{compression.value}: a gauge keeps its unit", (temperature.get("volume"), temperature.get("unit")), (21.5, "Cel"))
    counts = [record["volume"] for record in listen.last_records if record["name"] == "latency.count"]
    check(f"{compression.value}: a histogram has its count once or once more", set(counts) == {3}, listen.last_records)
finish()
