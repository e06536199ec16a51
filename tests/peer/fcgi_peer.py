"""The web server's side of FastCGI 1.0, bare: it sends what it is told, lies included."""
import socket
import struct

(BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, VALUES_RESULT,
 UNKNOWN) = range(1, 12)
KEEP = 1


def record(kind, rid, data=b"", pad=0, version=1, length=None):
    return struct.pack(">BBHHBB", version, kind, rid, len(data) if length is None else length,
                       pad, 0) + data + b"\0" * pad


def begin(rid=1, flags=KEEP, role=1):
    return record(BEGIN, rid, struct.pack(">HB5x", role, flags))


def size(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def pairs(items):
    out = b""
    for name, value in items:
        name, value = name.encode(), value if isinstance(value, bytes) else str(value).encode()
        out += size(len(name)) + size(len(value)) + name + value
    return out


def variables(path, method="GET", body=b"", **more):
    items = [("GATEWAY_INTERFACE", "CGI/1.1"), ("SERVER_PROTOCOL", "HTTP/1.1"),
             ("REQUEST_METHOD", method), ("SCRIPT_NAME", path), ("QUERY_STRING", ""),
             ("CONTENT_LENGTH", str(len(body)) if body else ""), ("REMOTE_ADDR", "127.0.0.1"),
             ("SERVER_NAME", "buy.example"), ("HTTP_HOST", "buy.example")]
    have = dict(items)
    have.update(more)
    return list(have.items())


def request(path, method="GET", body=b"", rid=1, flags=KEEP, chunk=65535, params=None, **more):
    p = pairs(variables(path, method, body, **more) if params is None else params)
    out = [begin(rid, flags)]
    out += [record(PARAMS, rid, p[i:i + 65535]) for i in range(0, len(p), 65535)]
    out.append(record(PARAMS, rid))
    out += [record(STDIN, rid, body[i:i + chunk]) for i in range(0, len(body), chunk)]
    out.append(record(STDIN, rid))
    return b"".join(out)


class Answer:
    def __init__(self, raw, app_status, protocol_status):
        self.raw, self.app_status, self.protocol_status = raw, app_status, protocol_status
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.headers = {}
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            self.headers[name] = value
        self.status = int(self.headers.get("Status", "0").split()[0]) if raw else 0


class Peer:
    """One connection. address: unix path or (host, port)."""

    def __init__(self, address, timeout=60):
        self.sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.buffer = b""

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data, step=None):
        if step is None:
            self.sock.sendall(data)
            return
        for i in range(0, len(data), step):
            self.sock.sendall(data[i:i + step])

    def exactly(self, n):
        while len(self.buffer) < n:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("closed after %d of %d bytes" % (len(self.buffer), n))
            self.buffer += more
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def record(self):
        """(kind, id, data)"""
        version, kind, rid, length, pad, _ = struct.unpack(">BBHHBB", self.exactly(8))
        if version != 1:
            raise ValueError("version %d" % version)
        data = self.exactly(length)
        self.exactly(pad)
        return kind, rid, data

    def answer(self, rid=1):
        out = b""
        while True:
            kind, got, data = self.record()
            if got != rid:
                raise ValueError("record %d for id %d" % (kind, got))
            if kind == STDOUT:
                out += data
            elif kind == END:
                return Answer(out, *struct.unpack(">IB3x", data))
            elif kind != STDERR:
                raise ValueError("record %d" % kind)

    def ask(self, path, **kw):
        self.send(request(path, **kw))
        return self.answer(kw.get("rid", 1))

    def closed(self):
        """Reads on; True when the other side has closed and nothing more came."""
        try:
            return not self.buffer and self.sock.recv(1) == b""
        except ConnectionResetError:
            return True


def ask(address, path, **kw):
    with Peer(address) as p:
        return p.ask(path, **kw)
