# SPDX-License-Identifier: MIT
"""python3 replay_checkpoint.py FILE: a checkpoint of replay as JSON; the format is in lpad-replay(5). Also to be imported."""
import json, struct, sys, zlib

TYPES = [None, "?", "B", "b", "H", "h", "e", "H", "I", "i", "f", "Q", "q", "d"]     # of struct; bf16 as its bits


def stream(data):
    """What the blocks hold."""
    assert data[:16] == b"lpad-replay\n\1\0\0\0", "byte 0: not a checkpoint of replay, or another version"
    at, out = 16, bytearray()
    while True:
        place, length, crc = struct.unpack_from("<QII", data, at)
        block = data[at + 16:at + 16 + length]
        assert place == len(out) and zlib.crc32(data[at:at + 12] + block) == crc, f"byte {at}: the block is damaged"
        at, out = at + 16 + length, out + block
        if not length:
            assert at == len(data), f"byte {at}: the end of the file expected"
            return bytes(out)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def get(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def list(self, form, count):
        values = struct.unpack_from(f"<{count}{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{count}{form}")
        return list(values)

    def text(self):
        length = self.get("I")
        self.at += length
        return self.data[self.at - length:self.at].decode()


def pool(r):
    columns = []
    for _ in range(r.get("I")):
        name, (kind, rank) = r.text(), r.get("II")
        columns.append((name, kind, r.list("q", rank), r.get("Q")))
    (size, steps), rows = r.get("QQ"), []
    for i in range(steps):
        row = {}
        for name, kind, shape, offset in columns:
            count = 1
            for extent in shape:
                count *= extent
            row[name] = list(struct.unpack_from(f"<{count}{TYPES[kind]}", r.data, r.at + i * size + offset))
        rows.append(row)
    r.at += steps * size
    return rows


def saved_stream(r):
    owner, name = r.text(), r.text()
    incarnation, items, first, end, where = r.get("iqqqi")
    return dict(owner=owner, name=name, incarnation=incarnation, items=items, first=first, next=end, pool=where, steps=r.list("I", end - first))


def table(r):
    names = "samples_per_insert min_size min_diff max_diff inserts samples deletes opened error_min error_max next_key places pool".split()
    out = dict(name=r.text(), **dict(zip(names, r.get("dqddqqqIddQIi"))), items=[])
    for _ in range(r.get("Q")):
        key, priority, times, count = r.get("QdqI")
        if count >> 31:     # they follow each other, and only the first is there
            first = r.get("I")
            steps = list(range(first, first + (count & 0x7fffffff)))
        else:
            steps = r.list("I", count)
        out["items"].append(dict(key=key, priority=priority, times_sampled=times, steps=steps))
    return out


def read(path):
    """{"time", "pools": [[{column: values}]], "streams", "tables"}; "steps" of items and streams are places in their pool's list."""
    r = Reader(stream(open(path, "rb").read()))
    time, pools, streams, tables = r.get("qIII")
    out = dict(time=time, pools=[pool(r) for _ in range(pools)], streams=[saved_stream(r) for _ in range(streams)],
               tables=[table(r) for _ in range(tables)])
    assert r.at == len(r.data), f"the stream has {len(r.data) - r.at} bytes more"
    return out


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout)
