"""lastmile-sandbox as Microsoft: a publisher, its webhook, its calls, a buyer's browser."""
import base64
import hashlib
import http.server
import json
import os
import re
import secrets
import threading
import time
import urllib.parse

from stack_sandbox import Sandbox

TENANT = "8f4a0000-0000-4000-8000-00000000000a"
CLIENT = "8f4a0000-0000-4000-8000-00000000000b"
SIGNIN = "8f4a0000-0000-4000-8000-00000000000c"
SECRET = "the secret of the fulfilment app"
SIGNIN_SECRET = "the secret of the sign-in app"
REDIRECT = "https://saas.example/marketplace/signin/azure"
RESOURCE = "20e940b3-4c77-4b0b-9a53-9e16a1b010a7"
VERSION = "api-version=2018-08-31"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def product(name="acme", webhook="http://127.0.0.1:9/", **more):
    p = {"name": name, "title": "Acme " + name, "channel": "azure", "offer_id": name + "-offer",
         "publisher_id": "contoso", "landing_url": "http://127.0.0.1:9/marketplace/azure/" + name,
         "webhook_url": webhook,
         "plans": [
             {"plan_id": "silver", "title": "Silver", "price": "$100 a month", "trial_days": 30},
             {"plan_id": "gold", "title": "Gold", "price": "$900 a year", "term": "P3Y"},
             {"plan_id": "auto", "title": "Auto", "auto_activate": True},
             {"plan_id": "seats", "title": "Seats", "seats": True, "min_seats": 2,
              "max_seats": 50}]}
    p.update(more)
    return p


class Hook:
    """A webhook that answers what it is told to and remembers everything."""

    def __init__(self):
        self.got, self.status, self.cond = [], 200, threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.cond:
                    status = outer.status
                    outer.got.append((self.headers, body, status))
                    outer.cond.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/hooks/azure/acme" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, n, action=None, timeout=60):
        """The first n deliveries (of that action), as (headers, json, status)."""
        end = time.monotonic() + timeout
        with self.cond:
            while True:
                have = [(h, json.loads(b), s) for h, b, s in self.got if b[:1] == b"{"]
                have = [x for x in have if action in (None, x[1].get("action"))]
                if len(have) >= n:
                    return have
                if not self.cond.wait(end - time.monotonic()):
                    raise AssertionError("%d of %d deliveries" % (len(have), n))

    def clear(self, status=200):
        with self.cond:
            self.got.clear()
            self.status = status

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def b64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Azure(Sandbox):
    def __init__(self, products=None, *args, **seller):
        self.seller = dict({
            "tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET,
            "signin_client_id": SIGNIN, "signin_client_secret": SIGNIN_SECRET,
            "redirect_uris": [REDIRECT]}, **seller)
        self.bearer = None
        super().__init__(products or [product()], *args)

    def command(self, listen="127.0.0.1:0"):
        path = self.path("azure.json")
        if not os.path.exists(path):
            self.write("azure.json", json.dumps(self.seller), 0o600)
        return super().command(listen) + ["--azure-seller", path]

    # controls
    def az(self, path, body=None, method="POST"):
        return self.api(method, "azure/" + path, (body or {}) if method == "POST" else None)

    def subscribe(self, plan="silver", **more):
        return self.az("purchases", dict(more, product="acme", plan=plan))

    def do(self, _sub, _act, **body):
        return self.az("purchases/%s/%s" % (_sub["id"], _act), body)

    def settings(self, **values):
        return self.az("settings", values)

    def sub(self, sub):
        return self.az("purchases/" + sub["id"], method="GET")

    def operation(self, op):
        return next(o for o in self.state()["azure"]["operations"] if o["id"] == op)

    def eventually(self, what, timeout=60):
        end = time.monotonic() + timeout
        while True:
            v = what()
            if v or time.monotonic() > end:
                return v
            time.sleep(0.05)

    # the publisher
    def form(self, path, **fields):
        status, headers, body = self.http("POST", "/entra/" + path,
                                          urllib.parse.urlencode(fields).encode(), FORM)
        return status, headers, json.loads(body)

    def token(self, v1=False, **more):
        fields = dict({"grant_type": "client_credentials", "client_id": CLIENT,
                       "client_secret": SECRET}, **more)
        if v1:
            fields.setdefault("resource", RESOURCE)
        else:
            fields.setdefault("scope", RESOURCE + "/.default")
        fields = {k: v for k, v in fields.items() if v is not None}
        return self.form(TENANT + ("/oauth2/token" if v1 else "/oauth2/v2.0/token"), **fields)

    def call(self, method, path, body=None, headers=None, query=VERSION, bearer=True):
        """(status, headers, parsed body or None)."""
        if bearer is True:
            if not self.bearer:
                self.bearer = self.token()[2]["access_token"]
            bearer = self.bearer
        h = {"Content-Type": "application/json"}
        if bearer:
            h["Authorization"] = "Bearer " + bearer
        h.update(headers or {})
        data = None if body is None else json.dumps(body).encode()
        status, head, text = self.http(method, "/azure/api/saas/subscriptions%s%s%s" % (
            path, "&" if "?" in path else "?", query), data, h)
        return status, head, json.loads(text) if text else None

    def resolve(self, token):
        return self.call("POST", "/resolve", headers={"x-ms-marketplace-token": token})

    def keys(self, path="common/discovery/v2.0/keys"):
        return json.loads(self.http("GET", "/entra/" + path)[2])["keys"]

    def verify(self, token):
        """Header and claims of a token that one of the published keys signed."""
        header, claims, sig = token.split(".")
        h = json.loads(unb64url(header))
        key = next((k for k in self.keys() if k["kid"] == h.get("kid")), None)
        if not key or h["alg"] != "RS256":
            raise ValueError("no such key: %r" % h)
        n, e = (int.from_bytes(unb64url(key[x]), "big") for x in "ne")
        raw = pow(int.from_bytes(unb64url(sig), "big"), e, n).to_bytes(256, "big")
        digest = hashlib.sha256((header + "." + claims).encode()).digest()
        prefix = bytes.fromhex("3031300d060960864801650304020105000420")
        want = b"\x00\x01" + b"\xff" * (253 - len(prefix + digest)) + b"\x00" + prefix + digest
        if raw != want:
            raise ValueError("the signature is wrong")
        return h, json.loads(unb64url(claims))

    # a buyer's browser
    def authorize(self, account=None, tenant="common", verifier=None, **more):
        """(status, headers, page) of the sign-in page or of the choice of an account."""
        verifier = verifier or secrets.token_urlsafe(48)
        challenge = b64url(hashlib.sha256(verifier.encode()).digest())
        q = dict({"client_id": SIGNIN, "response_type": "code", "redirect_uri": REDIRECT,
                  "response_mode": "query", "scope": "openid profile email", "state": "st a/te",
                  "nonce": "n0nce", "code_challenge": challenge,
                  "code_challenge_method": "S256"}, **more)
        path = "/entra/%s/oauth2/v2.0/authorize?%s" % (
            tenant, urllib.parse.urlencode({k: v for k, v in q.items() if v is not None}))
        if account is None:
            status, headers, text = self.http("GET", path)
        else:
            status, headers, text = self.http("POST", path, b"account=" + account.encode(), FORM)
        return status, headers, text.decode()

    def code(self, account, verifier, **more):
        status, headers, text = self.authorize(account, verifier=verifier, **more)
        assert status == 303, text
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))
        assert q["state"] == "st a/te", q
        return q["code"]

    def redeem(self, code, verifier, **more):
        return self.form("common/oauth2/v2.0/token", **dict({
            "grant_type": "authorization_code", "client_id": SIGNIN, "code": code,
            "client_secret": SIGNIN_SECRET, "redirect_uri": REDIRECT, "code_verifier": verifier},
            **more))

    def aadsts(self, body):
        return re.match(r"AADSTS(\d+): ", body["error_description"]).group(1)
