#!/usr/bin/python3
"""An HTTP server that answers what it is told and remembers what it was asked.

Prints its port, serves until stdin closes.
  PUT /_rules   JSON list of rules; replaces the old ones and empties the log. A rule is
                {"method","path","status","headers","body","times","wait"}: path matches the
                target up to "?" when it has no "?" itself, a trailing "*" matches any rest;
                body is text or JSON; times: how often it applies (default: always);
                wait: seconds before the answer.
  GET  /_log    what was asked since: [{"method","target","headers","body"}]
"""
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
rules = []
log = []


def matches(rule, method, target):
    want = rule["path"]
    have = target if "?" in want else target.partition("?")[0]
    if rule.get("method", method) != method or rule.get("times", 1) == 0:
        return False
    return have.startswith(want[:-1]) if want.endswith("*") else have == want


def pick(method, target):
    for rule in rules:
        if matches(rule, method, target):
            if "times" in rule:
                rule["times"] -= 1
            return rule
    return {"status": 404, "body": {"code": "NoRule", "message": target}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=None):
        data = body if isinstance(body, str) else json.dumps(body)
        data = data.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with lock:
            if self.path == "/_rules":
                rules[:] = json.loads(body)
                log.clear()
                rule = {"body": ""}
            elif self.path == "/_log":
                rule = {"body": list(log)}
            else:
                log.append({"method": self.command, "target": self.path, "body": body,
                            "headers": {k.lower(): v for k, v in self.headers.items()}})
                rule = pick(self.command, self.path)
        time.sleep(rule.get("wait", 0))
        self.reply(rule.get("status", 200), rule.get("body", ""), rule.get("headers"))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
