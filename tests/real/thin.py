"""A thin model: the first layers of a GGUF file, which answers nonsense, and quickly. python thin.py FROM TO LAYERS"""
import struct
import sys

ALIGN = 32
SIZES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def get(self, kind):
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return value

    def text(self):
        n = self.get("Q")
        self.at += n
        return self.data[self.at - n:self.at]

    def skip(self, kind):
        if kind == STRING:
            self.text()
        elif kind == ARRAY:
            of, n = self.get("I"), self.get("Q")
            for _ in range(n):
                self.skip(of)
        else:
            self.get(SIZES[kind])


def is_kept(name, layers):
    return not name.startswith(b"blk.") or int(name.split(b".")[1]) < layers


def thin(data, layers):
    r = Reader(data)
    magic, version, tensors, members = r.get("I"), r.get("I"), r.get("Q"), r.get("Q")
    head = b""
    for _ in range(members):
        begin = r.at
        key, kind = r.text(), r.get("I")
        value = r.at
        r.skip(kind)
        counts = key.endswith(b".block_count")
        head += data[begin:value] + struct.pack("<I", layers) if counts else data[begin:r.at]
    infos = []
    for _ in range(tensors):
        name, dims = r.text(), r.get("I")
        shape = [r.get("Q") for _ in range(dims)]
        infos.append((r.get("I"), r.get("Q"), name, shape))
    base = -(-r.at // ALIGN) * ALIGN
    ends = sorted(info[1] for info in infos) + [len(data) - base]
    kept = [info for info in infos if is_kept(info[2], layers)]
    body, table = bytearray(), b""
    for kind, off, name, shape in kept:
        table += struct.pack("<Q", len(name)) + name + struct.pack("<I", len(shape))
        table += b"".join(struct.pack("<Q", n) for n in shape) + struct.pack("<IQ", kind, len(body))
        body += data[base + off:base + next(end for end in ends if end > off)]
        body += bytes(-len(body) % ALIGN)
    head = struct.pack("<IIQQ", magic, version, len(kept), members) + head + table
    return head + bytes(-len(head) % ALIGN) + bytes(body)


source, to, layers = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(source, "rb") as file:
    content = file.read()
with open(to, "wb") as file:
    file.write(thin(content, layers))
