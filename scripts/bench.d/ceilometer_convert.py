"""The real Ceilometer makes samples and events of notifications: ceilometer_convert.py FILE COUNT.

What its notification agent does with each, without the broker: the envelope is opened, samples and events are made under
its stock definitions and written as JSON. Prints how many were made.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

# pylint: disable=wrong-import-position
from stevedore import extension

from ceilometer import service
from ceilometer.event import converter
from ceilometer.meter import notifications

conf = service.prepare_service([], [])
meters = notifications.ProcessMeterNotifications(conf, lambda _: None)
events = converter.setup_events(conf, extension.ExtensionManager("ceilometer.event.trait_plugin"))
made = {"samples": 0, "events": 0, "bytes": 0}
with open(sys.argv[1], encoding="utf-8") as lines:
    for _, line in zip(range(int(sys.argv[2])), lines):
        message = json.loads(json.loads(line)["oslo.message"])
        context = {key[9:]: value for key, value in message.items() if key.startswith("_context_")}
        notification = {
            "event_type": message["event_type"], "publisher_id": message["publisher_id"], "payload": message["payload"],
            "ctxt": context, "metadata": {"message_id": message["message_id"], "timestamp": message["timestamp"]},
        }
        for sample in meters.build_sample(notification):
            made["samples"] += 1
            made["bytes"] += len(json.dumps(sample.as_dict()))
        event = events.to_event("info", notification)
        if event is not None:
            made["events"] += 1
            made["bytes"] += len(json.dumps(event.serialize(), default=str))
print(json.dumps(made))
