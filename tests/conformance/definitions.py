#!/usr/bin/env python3
"""Loads our stock definitions into the real Ceilometer and compares what it makes with what it made with its own.

    python3 tests/conformance/definitions.py GOLDEN    # the directory with the recorded notifications

Needs a Python with ceilometer 27.0.0. The exit status is 1 if a sample or an event differs.
"""

import json
import logging
import pathlib
import shutil
import sys
import tempfile

from ceilometer import service
from ceilometer.event import converter
from ceilometer.meter import notifications as meters
from stevedore import extension

STOCK = pathlib.Path(__file__).resolve().parents[2] / "src/define/stock"


def plain(value):
    return json.loads(json.dumps(value, default=lambda one: one.isoformat() if hasattr(one, "isoformat") else str(one)))


class Ceilometer:
    def __init__(self, directory):
        shutil.copy(STOCK / "meters.yaml", directory)
        conf = service.prepare_service([], [])
        logging.disable(logging.CRITICAL)
        conf.set_override("meter_definitions_dirs", [directory], group="meter")
        conf.set_override("definitions_cfg_file", str(STOCK / "event_definitions.yaml"), group="event")
        self.meters = meters.ProcessMeterNotifications(conf, None)
        plugins = extension.ExtensionManager(namespace="ceilometer.event.trait_plugin")
        self.events = converter.setup_events(conf, plugins)

    def samples(self, notification, priority):
        if priority not in ("info", "sample"):
            return []
        return [plain({**sample.as_dict(), "id": "*"}) for sample in self.meters.build_sample(notification)]

    def event(self, notification, priority):
        event = self.events.to_event(priority, notification)
        if event is None:
            return None
        traits = [[trait.name, trait.dtype, trait.value] for trait in event.traits]
        return plain({**event.as_dict(), "traits": traits})


def dispatched(message):
    """The form in which oslo.messaging hands a message to its endpoints."""
    context = {key[len("_context_"):]: value for key, value in message.items() if key.startswith("_context_")}
    metadata = {key: message[key] for key in ("message_id", "timestamp")}
    return {"event_type": message["event_type"], "publisher_id": message["publisher_id"], "ctxt": context,
            "payload": message["payload"], "metadata": metadata}


def rows(golden, name):
    with open(golden / name, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if "oslo_message" in row:
                row["notification"] = dispatched(json.loads(row["oslo_message"]["oslo.message"]))
            yield row


def main():
    golden = pathlib.Path(sys.argv[1])
    compared = different = 0
    with tempfile.TemporaryDirectory() as directory:
        ceilometer = Ceilometer(directory)
        for name in ("notification_samples.jsonl", "notification_events.jsonl", "real_notifications.jsonl"):
            for row in rows(golden, name):
                pairs = []
                if "samples" in row:
                    of_meters = [one.get("sample", one) for one in row["samples"] if one.get("endpoint", "meter") == "meter"]
                    pairs.append((of_meters, ceilometer.samples(row["notification"], row["priority"])))
                if "event" in row:
                    pairs.append((row["event"], ceilometer.event(row["notification"], row["priority"])))
                for recorded, made in pairs:
                    compared += 1
                    if recorded != made:
                        different += 1
                        print(f"{name}: {row['notification']['event_type']}\n  was {recorded}\n  is  {made}")
    print(f"{compared} compared, {different} different")
    sys.exit(different > 0 or compared == 0)


if __name__ == "__main__":
    main()
