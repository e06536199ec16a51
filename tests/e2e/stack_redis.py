"""As much Redis (RESP2) as the tests need, over a unix socket."""
import functools
import os
import socket
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@functools.lru_cache(None)
def script_text(name):
    """A script of the store as the programs load it."""
    return subprocess.run([os.path.join(ROOT, "tools", "embed"), "script",
                           os.path.join(ROOT, "src", "store", "lua", name + ".lua")],
                          capture_output=True, text=True, check=True).stdout


class RedisError(ValueError):
    """An error reply; LOADING right after a start, for example."""


class Redis:
    def __init__(self, path, user=None, password=None, timeout=60):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        try:
            self.s.connect(path)
        except OSError:
            self.s.close()
            raise
        self.f = self.s.makefile("rb")
        if password:
            self("AUTH", user or "default", password)

    def __call__(self, *args):
        out = [b"*%d\r\n" % len(args)]
        for a in args:
            a = a if isinstance(a, bytes) else str(a).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(a), a))
        self.s.sendall(b"".join(out))
        return self.read()

    def read(self):
        line = self.f.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        n = int(rest)
        if n < 0:
            return None
        if kind == b"$":
            return self.f.read(n + 2)[:-2].decode("utf-8", "surrogateescape")
        return [self.read() for _ in range(n)]

    def close(self):
        self.f.close()
        self.s.close()
