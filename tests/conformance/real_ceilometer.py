"""The real Ceilometer sends to telemetry-listen by each of its publishers, and reads what telemetry-publish sends."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer

warnings.filterwarnings("ignore")

# pylint: disable=wrong-import-position
import msgpack
from oslo_utils import netutils

from ceilometer import sample, service
from ceilometer.event import models
from ceilometer.publisher import file as file_publisher
from ceilometer.publisher import http, messaging, tcp, udp
from ceilometer.publisher import utils
from peers import DEADLINE_SECONDS, ROOT, Listen, check, equal, finish, publish, running, wait_for

SECRET = "sekrit-ü"
STAMP = "2026-03-01T10:20:30.123456+00:00"

conf = service.prepare_service([], [])
conf.set_override("telemetry_secret", SECRET, group="publisher")

SAMPLES = [
    sample.Sample("cpu", "cumulative", "ns", 1234567890123, "u-1", "p-1", "r-1", timestamp=STAMP,
                  resource_metadata={"display_name": "vm-é", "tags": ["a", "it's"], "flavor": {"id": "2", "e": {}},
                                     "deep": [{"k": [1.5, None, True]}]},
                  monotonic_time=98765.4321),
    sample.Sample("memory.usage", "gauge", "MiB", 512.25, None, None, "r/2 x?#", timestamp=STAMP, resource_metadata={}),
    sample.Sample("disk.device.read.bytes", "cumulative", "B", 18446744073709551615, "u-1", "p-1", "r-1-vda",
                  timestamp=STAMP, resource_metadata={"f": 1e-07, "big": 9223372036854775808, "neg": -5}),
    sample.Sample("image.download", "delta", "B", 0, "u", "p", "i", timestamp=STAMP, resource_metadata={"z": 0.0}),
]
DICTS = [json.loads(json.dumps(one.as_dict())) for one in SAMPLES]
EVENTS = [
    models.Event("11111111-2222-4333-8444-555555555555", "compute.instance.create.end", __import__("datetime").datetime(
        2026, 3, 1, 10, 20, 30), [models.Trait("vcpus", models.Trait.INT_TYPE, 2), models.Trait("name", 1, "é")], {}),
]


def secret_file(directory):
    """A file with the secret."""
    path = os.path.join(directory, "secret")
    with open(path, "w", encoding="utf-8") as out:
        out.write(SECRET + "\n")
    return path


def url(text):
    """A URL as Ceilometer's publishers want it."""
    return netutils.urlsplit(text)


def sends_to_us(directory):
    """Ceilometer's publishers to our sources."""
    listen = Listen("udp://127.0.0.1:0", "--secret-file", secret_file(directory))
    udp.UDPPublisher(conf, url(f"udp://127.0.0.1:{listen.port()}")).publish_samples(SAMPLES)
    equal("udp samples arrive as they were", listen.wait_for_records(len(SAMPLES)), DICTS)
    conf.set_override("telemetry_secret", "another", group="publisher")
    udp.UDPPublisher(conf, url(f"udp://127.0.0.1:{listen.port()}")).publish_samples(SAMPLES[:1])
    conf.set_override("telemetry_secret", SECRET, group="publisher")
    udp.UDPPublisher(conf, url(f"udp://127.0.0.1:{listen.port()}")).publish_samples(SAMPLES[:1])
    listen.wait_for_records(len(SAMPLES) + 1)
    books = listen.end()
    equal("a datagram of another secret is rejected and counted",
          (len(listen.last_records), sum(books["rejected"].values())), (len(SAMPLES) + 1, 1))

    listen = Listen("tcp://127.0.0.1:0", "--secret-file", secret_file(directory))
    publisher = tcp.TCPPublisher(conf, url(f"tcp://127.0.0.1:{listen.port()}"))
    for _ in range(50):
        publisher.publish_samples(SAMPLES)
    named = [{**one, "publisher_id": os.uname().nodename} for one in DICTS]
    equal("tcp samples arrive as they were, with who sent them", listen.wait_for_records(200)[:4], named)
    listen.end()

    for batch in ("True", "False"):
        listen = Listen("http://127.0.0.1:0")
        publisher = http.HttpPublisher(conf, url(f"http://127.0.0.1:{listen.port()}/samples?batch={batch}"))
        publisher.publish_samples(SAMPLES)
        equal(f"http samples arrive as they were (batch={batch})", listen.wait_for_records(len(SAMPLES)), DICTS)
        publisher.publish_events(EVENTS)
        event = listen.wait_for_records(len(SAMPLES) + 1)[-1]
        equal(f"http events arrive (batch={batch})", (event["event_type"], event["traits"]),
              ("compute.instance.create.end", [["vcpus", 2, 2], ["name", 1, "é"]]))
        listen.end()

    path = os.path.join(directory, "samples.jsonl")
    file_publisher.FilePublisher(conf, url(f"file://{path}?json")).publish_samples(SAMPLES)
    listen = Listen(path)
    equal("file?json is read as it was", listen.wait_for_records(len(SAMPLES)), DICTS)
    listen.end()
    path = os.path.join(directory, "samples.txt")
    file_publisher.FilePublisher(conf, url(f"file://{path}")).publish_samples(SAMPLES)
    listen = Listen(path)
    listen.process.wait(DEADLINE_SECONDS)
    books = listen.end()
    equal("lines of Python dicts are rejected", sum(books["rejected"].values()), len(SAMPLES))
    check("and it is said what they are", "Python" in listen.messages, listen.messages)


def over_a_broker(directory):
    """Ceilometer's notifier publisher, a real RabbitMQ, and we."""
    if not shutil.which("rabbitmq-server", path="/usr/sbin:" + os.environ["PATH"]):
        print("SKIPPED: there is no rabbitmq-server")
        return
    with running([os.path.join(ROOT, "scripts/rabbitmq"), os.path.join(directory, "rabbit")],
                 stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as broker:
        port = int(re.search(r"\d+", broker.stdout.readline()).group())
        place = f"guest:guest@127.0.0.1:{port}"
        listen = Listen(f"amqp://{place}/?queue=peers&topic=metering,event&exchange=ceilometer", "--secret-file",
                        secret_file(directory))
        wait_for("telemetry-listen consumes", lambda: "consum" in open(listen.said, encoding="utf-8").read(), 5)
        samples = messaging.SampleNotifierPublisher(conf, url(f"notifier://{place}/"))
        samples.publish_samples(SAMPLES)
        equal("notifier samples arrive as they were", listen.wait_for_records(len(SAMPLES)), DICTS)
        messaging.EventNotifierPublisher(conf, url(f"notifier://{place}/")).publish_events(EVENTS)
        event = listen.wait_for_records(len(SAMPLES) + 1)[-1]
        equal("notifier events arrive", event["event_type"], "compute.instance.create.end")
        books = listen.end()
        check("nothing was rejected", not books.get("rejected"), books)


def reads_what_we_send(directory):
    """Our sinks, and Ceilometer's own check of signatures."""
    secret = secret_file(directory)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(DEADLINE_SECONDS)
    publish([f"udp://127.0.0.1:{receiver.getsockname()[1]}", "--secret-file", secret], DICTS)
    for one, expected in zip(SAMPLES, DICTS):
        datagram = receiver.recv(65536)
        message = msgpack.loads(datagram, raw=False)
        check(f"udp {expected['name']}: Ceilometer verifies our signature", utils.verify_signature(message, SECRET), message)
        theirs = utils.meter_message_from_counter(one, SECRET)
        check(f"udp {expected['name']}: the datagram is Ceilometer's byte for byte",
              msgpack.dumps(theirs, use_bin_type=True) == datagram, f"{theirs} {message}")

    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(DEADLINE_SECONDS)
    taken = bytearray()

    def take():
        connection, _ = server.accept()
        connection.settimeout(DEADLINE_SECONDS)
        while True:
            some = connection.recv(65536)
            if not some:
                break
            taken.extend(some)

    thread = threading.Thread(target=take)
    thread.start()
    publish([f"tcp://127.0.0.1:{server.getsockname()[1]}", "--secret-file", secret], DICTS)
    thread.join(DEADLINE_SECONDS)
    messages = []
    while taken:
        length = int.from_bytes(taken[:8], "little")
        messages.append(msgpack.loads(bytes(taken[8:8 + length]), raw=False))
        del taken[:8 + length]
    equal("tcp: all samples are framed", [one["counter_name"] for one in messages], [one["name"] for one in DICTS])
    check("tcp: Ceilometer verifies our signatures", all(utils.verify_signature(one, SECRET) for one in messages))

    bodies = []

    class Taker(BaseHTTPRequestHandler):
        """Keeps the bodies it is sent."""

        def do_POST(self):  # pylint: disable=invalid-name
            """Takes one."""
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    publish([f"http://127.0.0.1:{server.server_port}/x?batch=True"], DICTS)
    equal("http: one list of the samples as they are", wait_for("a request arrives", lambda: bodies and list(bodies)), [DICTS])
    server.shutdown()


with tempfile.TemporaryDirectory() as scratch:
    sends_to_us(scratch)
    over_a_broker(scratch)
    reads_what_we_send(scratch)
finish()
