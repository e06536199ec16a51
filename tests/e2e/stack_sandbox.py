"""lastmile-sandbox for tests: started on a free port with a scratch directory, stopped by pid."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import sanitize

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("LASTMILE_BUILD", os.path.join(ROOT, "build"))
CONTRACTS = os.environ.get("LASTMILE_CONTRACTS",
                           os.path.join(os.path.dirname(ROOT), "shared", "contracts"))
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LANDING = "http://127.0.0.1:9/marketplace/aws/"


def product(name, mode="concurrent", pricing="contract", **more):
    p = {"name": name, "title": "Acme " + name, "channel": "aws", "mode": mode, "pricing": pricing,
         "product_code": "code-" + name, "product_id": "prod-" + name,
         "landing_url": LANDING + name}
    if pricing != "usage":
        p["plans"] = [
            {"dimension": "starter", "title": "Starter", "price": "$100", "unit": "users",
             "quantity": 5},
            {"dimension": "enterprise", "title": "Enterprise", "price": "$900", "unit": "users",
             "quantity": 100}]
    if pricing != "contract":
        p["usage_dimensions"] = ["gb_stored", "api_calls"]
    p.update(more)
    return p


PRODUCTS = [product("acme", pricing="contract-with-consumption"), product("plain"),
            product("payg", pricing="usage"), product("old", mode="legacy", pricing="usage"),
            product("oldc", mode="legacy", pricing="contract-with-consumption")]


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__("%d %s" % (status, body))
        self.status, self.body = status, body


class Sandbox:
    def __init__(self, products=None, *args):
        self.dir = tempfile.mkdtemp(prefix="lastmile-sandbox-")
        self.args = list(args)
        self.write("products.json", json.dumps(products or PRODUCTS))
        self.write("secret", SECRET + "\n", 0o600)
        self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def command(self, listen="127.0.0.1:0"):
        return [os.path.join(BUILD, "lastmile-sandbox"), "--listen", listen, "--products",
                self.path("products.json"), "--access-key", KEY, "--secret-file",
                self.path("secret"), "--ledger", self.path("ledger")] + self.args

    def start(self):
        self.p = subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        if not line.startswith("lastmile-sandbox: ready http://127.0.0.1:"):
            self.stop()
            raise RuntimeError("sandbox did not start: %r" % line)
        self.url = line.split()[-1]
        self.queue = self.url + "/000000000000/lastmile-events"

    def halt(self, sig=signal.SIGTERM):
        """Ends the program; the scratch directory stays. Its exit status."""
        self.p.send_signal(sig)
        try:
            return self.p.wait(60)
        finally:
            self.p.stdout.close()

    def stop(self):
        if self.p.poll() is None:
            self.halt()
        self.p.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        if self.p.returncode == sanitize.STATUS:
            raise RuntimeError("a sanitizer reported: see the sandbox's stderr above")

    def http(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, body bytes); redirects are not followed."""
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None
        req = urllib.request.Request(self.url + path, body, headers or {}, method=method)
        opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
        try:
            with opener.open(req, timeout=timeout) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.headers, e.read()

    def api(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, _, text = self.http(method, "/sandbox/api/" + path, data,
                                    {"Content-Type": "application/json"})
        if status >= 300:
            raise ApiError(status, text.decode())
        return json.loads(text)

    def buy(self, name, **more):
        return self.api("POST", "purchases", dict(more, product=name))

    def act(self, purchase, action, **body):
        return self.api("POST", "purchases/%s/%s" % (purchase["id"], action), body)

    def fault(self, op, kind, **more):
        return self.api("POST", "faults", dict(more, op=op, kind=kind))

    def advance(self, **by):
        ms = int(sum(v * {"hours": 3600000, "days": 86400000, "minutes": 60000, "seconds": 1000}[k]
                     for k, v in by.items()))
        return self.api("POST", "clock", {"advance_ms": ms})

    def state(self):
        return self.api("GET", "state")

    def now(self):
        """Seconds since 1970 by the sandbox's clock."""
        return time.time() + self.state()["offset_ms"] / 1000

    def ledger(self, after=0):
        _, _, text = self.http("GET", "/sandbox/api/ledger?after=%d" % after)
        return [json.loads(line) for line in text.decode().splitlines()]
