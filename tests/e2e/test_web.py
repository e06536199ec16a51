"""The shipped nginx and Apache files, with the real front behind them and without it."""
import concurrent.futures
import os
import re
import signal
import socket
import time
import unittest

import stack
import stack_http

SECRET = "0.CANARYCANARYCANARYCANARYCANARYCANARYCANARYC"
SERVERS = ("nginx", "apache")


def raw(port, text):
    """The answer to bytes that no HTTP library would send."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.sendall(text)
        out = b""
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            out += piece
    return out.decode("latin-1")


@unittest.skipIf(stack.missing(), "missing: " + ", ".join(stack.missing()))
class Web(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = stack.Stack(patience="8s")
        cls.s.start()
        cls.addClassCleanup(cls.s.stop)

    def port(self, server):
        return self.s.v["port" if server == "nginx" else "apache_port"]

    def logs(self):
        texts = []
        for name in os.listdir(self.s.v["log"]):
            with open(os.path.join(self.s.v["log"], name), errors="replace") as f:
                texts.append(f.read())
        return "\n".join(texts)

    def test_answers_through_both(self):
        for server in SERVERS:
            a = self.s.get("/livez", server)
            self.assertEqual((a.status, a.text), (200, "ok\n"), server)
            self.assertEqual(self.s.get("/readyz", server).status, 200, server)
            self.assertEqual(self.s.get("/nothing/like/this/here", server).status, 404, server)

    def test_secrets_stay_out_of_the_logs(self):
        for server in SERVERS:
            for path in ("/s/%s", "/s/%s/status.json", "/r/%s", "/livez?token=%s",
                         "/api/v1/registrations/%s", "/api/v1/status/%s"):
                self.s.get(path % SECRET, server, headers={"Referer": "http://x/" + SECRET})
            stack_http.request("POST", self.s.origin(server) + "/marketplace/aws/acme-notes",
                               {"x-amzn-marketplace-token": SECRET})
        for name in SERVERS:
            self.s.parts[name].signal(signal.SIGUSR1)  # nginx: reopen; Apache: graceful, flushed
        self.assertTrue(self.s.settle(lambda: self.logs().count("/marketplace/s/***") >= 4, 60))
        self.assertNotIn("CANARY", self.logs())

    def test_secrets_stay_out_of_the_logs_while_the_front_is_down(self):
        self.s.parts["front"].stop()
        try:
            for server in SERVERS:
                self.assertEqual(self.s.get("/s/" + SECRET, server).status, 503, server)
            self.assertNotIn("CANARY", self.logs())
        finally:
            self.s.parts["front"].start()

    def test_front_down(self):
        self.s.parts["front"].kill()
        try:
            for server in SERVERS:
                for method, path, kind in (("GET", "/s/x", "text/html; charset=utf-8"),
                                           ("POST", "/aws/acme-notes", "text/html; charset=utf-8"),
                                           ("GET", "/api/v1/x", "application/problem+json")):
                    a = stack_http.request(method, self.s.origin(server) + "/marketplace" + path,
                                           {"a": "b"} if method == "POST" else None)
                    self.assertEqual(a.status, 503, (server, path))
                    self.assertEqual(a.headers["Retry-After"], "30", (server, path))
                    self.assertEqual(a.headers["Content-Type"], kind, (server, path))
                    self.assertEqual(a.headers["Cache-Control"], "no-store", (server, path))
                    self.assertIn("default-src 'none'", a.headers["Content-Security-Policy"])
        finally:
            self.s.parts["front"].start()
        for server in SERVERS:
            self.assertEqual(self.s.get("/livez", server).status, 200, server + " afterwards")

    def test_too_large(self):
        for server in SERVERS:
            a = stack_http.request("POST", self.s.origin(server) + "/marketplace/aws/acme-notes",
                                   b"x" * 300000, {"Content-Type": "text/plain"})
            self.assertEqual(a.status, 413, server)
            self.assertEqual(a.headers["Content-Type"], "text/html; charset=utf-8", server)
            self.assertRegex(a.text, r"nothing\s+has been charged", server)
            self.assertIn("default-src 'none'", a.headers["Content-Security-Policy"], server)
            a = stack_http.request("POST",
                                   self.s.origin(server) + "/marketplace/api/v1/registrations",
                                   b"x" * 300000, {"Content-Type": "application/json"})
            self.assertEqual((a.status, a.headers["Content-Type"]),
                             (413, "application/problem+json"), server)

    def test_chunked_body_is_whole(self):
        """A chunked form arrives like any other: the landing finds its token."""
        body = b"x-amzn-marketplace-token=" + b"t" * 4000
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 700]), body[i:i + 700])
                          for i in range(0, len(body), 700)) + b"0\r\n\r\n"
        for server in SERVERS:
            answer = raw(self.port(server),
                         b"POST /marketplace/aws/acme-notes HTTP/1.1\r\nHost: x\r\n"
                         b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
                         b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + chunks)
            self.assertRegex(answer, r"^HTTP/1.1 303 ", server)

    def test_odd_paths(self):
        for server in SERVERS:
            for path in ("/marketplace/%2e%2e/%2e%2e/etc/passwd", "/marketplace/s/a%00b",
                         "/marketplace/s/a%0d%0aX: y", "/marketplace//s//x", "/marketplace/%ff"):
                answer = raw(self.port(server), b"GET " + path.encode().replace(b" ", b"%20") +
                             b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertRegex(answer, r"^HTTP/1.1 (400|403|404) ", (server, path))
                self.assertNotIn("\nX: y", answer)

    def test_methods(self):
        for server in SERVERS:
            a = stack_http.request("PUT", self.s.origin(server) + "/marketplace/livez", b"")
            self.assertEqual(a.status, 405, server)
            a = stack_http.request("TRACE", self.s.origin(server) + "/marketplace/livez")
            self.assertEqual(a.status, 405, server)

    def test_versions_are_not_told(self):
        for server in SERVERS:
            name = self.s.get("/livez", server).headers.get("Server", "")
            self.assertIsNone(re.search(r"\d", name), name)


@unittest.skipIf(stack.missing(), "missing: " + ", ".join(stack.missing()))
class Limits(unittest.TestCase):
    def test_writes_are_limited_by_address(self):
        """Loopback is exempt as shipped; here it is treated like any other address."""
        s = stack.Stack(parts=("redis", "front", "nginx", "sandbox", "worker"),
                        web_changes=[("127.0.0.0/8 1;", "127.0.0.0/8 0;")])
        with s:
            def post(_):
                return stack_http.request("POST", s.origin() + "/marketplace/aws/acme-notes",
                                          {"x": "y"})
            self.assertNotIn(429, [post(n).status for n in range(20)])
            refused, until = None, time.monotonic() + 60
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                while not refused and time.monotonic() < until:
                    refused = next((a for a in pool.map(post, range(40)) if a.status == 429), None)
        self.assertTrue(refused, "nobody is refused")
        self.assertIn("has been charged", refused.text)
        self.assertEqual(refused.headers["Retry-After"], "30")


@unittest.skipIf(stack.missing(("redis", "front", "nginx")),
                 "missing: " + ", ".join(stack.missing(("redis", "front", "nginx"))))
class OtherLocations(unittest.TestCase):
    """A host has patterns of its own, for files and scripts: they never take our addresses."""

    def test_patterns_of_the_host(self):
        mine = 'location ~* "\\.(css|js|json|svg|php)$" { return 418; }\n'
        ours = "location ^~ /marketplace/ {"
        with stack.Stack(("redis", "front", "nginx"), web_changes=((ours, mine + ours),)) as s:
            def get(path):
                return stack_http.request("GET", s.origin() + path)
            self.assertEqual(get("/a.css").status, 418)
            for path in ("/static/style.css", "/static/poll.js", "/api/openapi.json",
                         "/hooks/a.php", "/x/status.json", "/s/%s/status.json" % SECRET, "/"):
                self.assertNotEqual(get("/marketplace" + path).status, 418, path)
            self.assertEqual(get("/marketplace/api/openapi.json").status, 200)
            self.assertEqual(get("/marketplace/s/%s/status.json" % SECRET).headers["Content-Type"],
                             "application/problem+json")


if __name__ == "__main__":
    unittest.main(verbosity=1)
