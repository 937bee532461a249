"""The real Ceilometer signs samples, and verifies them: ceilometer_frames.py sign|verify FROM TO COUNT.

`sign` makes frames (a length of 8 bytes, little-endian, and MessagePack) of JSON lines, as its tcp publisher sends them.
`verify` opens such frames, checks their signatures and writes those that hold as JSON lines: what its collector did, without
a socket.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")

# pylint: disable=wrong-import-position
import msgpack

from ceilometer import sample
from ceilometer.publisher import utils

SECRET = "a secret of the figures"
what, source, target, count = sys.argv[1:]
with open(source, "rb") as read, open(target, "wb") as write:
    for _ in range(int(count)):
        if what == "sign":
            record = json.loads(read.readline())
            one = sample.Sample(
                record["name"], record["type"], record["unit"], record["volume"], record["user_id"], record["project_id"],
                record["resource_id"], timestamp=record["timestamp"], resource_metadata=record["resource_metadata"])
            frame = msgpack.dumps(utils.meter_message_from_counter(one, SECRET), use_bin_type=True)
            write.write(len(frame).to_bytes(8, "little") + frame)
        else:
            message = msgpack.loads(read.read(int.from_bytes(read.read(8), "little")), raw=False)
            if not utils.verify_signature(message, SECRET):
                sys.exit("a signature does not hold")
            write.write(json.dumps(message).encode() + b"\n")
