"""What tests of the sandbox's Google side share: a client that knows only the wire documents."""
import base64
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time
import urllib.parse

from stack_sandbox import Sandbox

ISS = ("https://www.googleapis.com/robot/v1/metadata/x509/"
       "cloud-commerce-partner@system.gserviceaccount.com")
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "lastmile@acme-public.iam.gserviceaccount.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
METADATA = "/gcp/metadata/computeMetadata/v1/instance/service-accounts/default/"


def listing(name, **more):
    p = {"name": name, "title": "Acme " + name, "channel": "gcp", "provider_id": "acme-public",
         "audience": "saas.example", "product_name": name + ".endpoints.acme-public.cloud.goog",
         "signup_url": "http://127.0.0.1:9/marketplace/gcp/" + name,
         "login_url": "http://127.0.0.1:9/marketplace/gcp/%s/login" % name,
         "subscription": "projects/acme-public/subscriptions/lastmile",
         "plans": [{"plan": "pro", "title": "Pro", "price": "$100 a month"},
                   {"plan": "ultimate", "title": "Ultimate", "price": "$300 a month"}]}
    p.update(more)
    return p


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*args, data=None):
    """(exit status, standard output)"""
    r = subprocess.run(("openssl",) + args, input=data, capture_output=True, timeout=60)
    return r.returncode, r.stdout


def sign(claims, pem, header):
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as f:
        f.write(pem)
        f.flush()
        _, sig = openssl("dgst", "-sha256", "-sign", f.name, data=text.encode())
    return text + "." + b64(sig)


def decode(token):
    head, claims, _ = token.split(".")
    return json.loads(unb64(head)), json.loads(unb64(claims))


def verified(token, certs):
    """Is it signed RS256 by the certificate that its kid names?"""
    head, _ = decode(token)
    if head["alg"] != "RS256" or head.get("kid") not in certs:
        return False
    text, _, sig = token.rpartition(".")
    with tempfile.TemporaryDirectory() as d:
        names = {n: os.path.join(d, n) for n in ("cert", "pub", "sig")}
        with open(names["cert"], "w", encoding="ascii") as f:
            f.write(certs[head["kid"]])
        with open(names["sig"], "wb") as f:
            f.write(unb64(sig))
        with open(names["pub"], "wb") as f:
            f.write(openssl("x509", "-in", names["cert"], "-pubkey", "-noout")[1])
        return openssl("dgst", "-sha256", "-verify", names["pub"], "-signature", names["sig"],
                       data=text.encode())[0] == 0


class Google(Sandbox):
    """The sandbox, and a seller who calls it."""
    token = None

    def __init__(self, products=None, *args):
        super().__init__(products or [listing("acme")], *args)

    def settings(self, **values):
        return self.api("POST", "gcp/settings", values)

    def get_token(self):
        status, _, text = self.http("GET", METADATA + "token", None, {"Metadata-Flavor": "Google"})
        assert status == 200, text
        return json.loads(text)["access_token"]

    def call(self, method, path, body=None, token=None, ctype="application/json"):
        """(status, document) of a call below /gcp/."""
        if self.token is None:
            self.token = self.get_token()
        headers = {"Authorization": "Bearer " + (token or self.token)}
        if body is not None:
            headers["Content-Type"] = ctype
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, text = self.http(method, "/gcp/" + path, body, headers)
        return status, json.loads(text)

    def proc(self, method, path, body=None, provider="acme-public", **more):
        return self.call(method, "procurement/v1/providers/%s/%s" % (provider, path), body, **more)

    def listed(self, what, **query):
        return self.proc("GET", what + "?" + urllib.parse.urlencode(query))

    def pubsub(self, verb, body, name="projects/acme-public/subscriptions/lastmile"):
        return self.call("POST", "pubsub/v1/%s:%s" % (name, verb), body)

    def pull(self, n=100, **more):
        status, doc = self.pubsub("pull", dict(more, maxMessages=n))
        assert status == 200, doc
        return doc.get("receivedMessages", [])

    def ack(self, messages):
        return self.pubsub("acknowledge", {"ackIds": [m["ackId"] for m in messages]})

    def drain(self):
        """Data of all messages that are there now, acknowledged."""
        got = []
        while True:
            messages = self.pull(returnImmediately=True)
            if not messages:
                return got
            self.ack(messages)
            got += [data(m) for m in messages]

    def order(self, product="acme", **more):
        return self.api("POST", "gcp/purchases", dict(more, product=product))

    def look(self, order):
        return self.api("GET", "gcp/purchases/" + order["id"])

    def do(self, order, action, **body):
        return self.api("POST", "gcp/purchases/%s/%s" % (order["id"], action), body)

    def approve_account(self, order):
        return self.proc("POST", "accounts/%s:approve" % order["account"],
                         {"approvalName": "signup"})

    def approve(self, order):
        return self.proc("POST", "entitlements/%s:approve" % order["entitlement_id"], {})

    def ent(self, order):
        return self.proc("GET", "entitlements/" + order["entitlement_id"])[1]

    def active(self, **more):
        """An order that is active."""
        order = self.order(**dict({"settle_ms": 0}, **more))
        self.approve_account(order)
        self.approve(order)
        return order

    def certs(self):
        status, headers, text = self.http(
            "GET", "/gcp/certs/robot/v1/metadata/x509/"
            "cloud-commerce-partner@system.gserviceaccount.com")
        assert status == 200 and "max-age=" in headers["Cache-Control"]
        return json.loads(text)


def data(message):
    return json.loads(base64.b64decode(message["message"]["data"]))


def types(events):
    return [e.get("eventType") for e in events]


class Receiver:
    """A push endpoint; answers what `status` says at the time."""

    def __init__(self):
        me = self
        self.got, self.status = [], 200

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                me.got.append((self.headers.get("Authorization", ""), json.loads(body)))
                self.send_response(me.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/hooks/gcp/acme" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def eventually(check, seconds=30):
    """The first true value of check()."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)
