#!/usr/bin/python3
"""Puts a stack into any state a page can show. Line protocol for run.js: the name of a scene on
stdin gives {"url": ...} as JSON on stdout; "set REG field=value ..." changes an order. The first
line on stdout is {"origin": ..., "build": ...}."""
import html
import http.server
import json
import os
import sys
import threading
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
sys.dont_write_bytecode = True

import stack  # noqa: E402
from scripted import Registration, Scripted  # noqa: E402

DAY = 86400000
URL = "https://acme-7k2m.apps.acme.example/"


def progress(s, **more):
    now = s.now()
    return dict(at_confirmed=now - 300000, at_registered=now - 312000, **more)


def done(s, **more):
    now = s.now()
    return dict(at_registered=now - 400000, at_confirmed=now - 390000, at_applied=now - 200000,
                at_verified=now - 190000, at_ready=now - 190000, endpoint=URL, **more)


ORDERS = {
    "confirming": lambda s: dict(contract="PENDING", confirmed="0"),
    "queued": lambda s: dict(),
    "provisioning": lambda s: progress(s, fulfilment="PROVISIONING", pct=40,
                                       note="Creating the database"),
    "late": lambda s: progress(s, fulfilment="PROVISIONING", late=1),
    "verifying": lambda s: progress(s, fulfilment="VERIFYING", at_applied=s.now() - 60000),
    "ready": lambda s: done(s, fulfilment="READY"),
    "updating": lambda s: done(s, fulfilment="UPDATING"),
    "degraded": lambda s: done(s, fulfilment="DEGRADED"),
    "failed": lambda s: progress(s, fulfilment="FAILED", code="quota"),
    "failed-later": lambda s: done(s, fulfilment="FAILED", code="update_failed"),
    "stuck": lambda s: progress(s, fulfilment="STUCK"),
    "suspended": lambda s: done(s, fulfilment="SUSPENDED"),
    "ending": lambda s: done(s, fulfilment="SUSPENDED", contract="CANCELLED",
                             delete_at=s.now() + 30 * DAY),
    "ended": lambda s: progress(s, fulfilment="IDENTIFIED", contract="EXPIRED"),
    "deleting": lambda s: done(s, fulfilment="DELETING", contract="CANCELLED"),
    "closed": lambda s: done(s, fulfilment="CLOSED", contract="CANCELLED"),
}
# Of marketplaces that can wait with the charge: what the channel said, then the order.
HELD = {"granted": "0", "commit": "held", "standing": "held"}
CHANNEL_ORDERS = {
    "held": (HELD, lambda s: progress(s, fulfilment="PROVISIONING")),
    "held-failed": (HELD, lambda s: progress(s, fulfilment="FAILED", code="quota")),
    "committing": (HELD, lambda s: progress(s, fulfilment="VERIFYING", commit="asked",
                                            at_applied=s.now() - 60000)),
    "approving": (HELD, lambda s: progress(s, fulfilment="VERIFYING", hold="approval",
                                           at_applied=s.now() - 60000)),
    "never": (HELD, lambda s: progress(s, fulfilment="CLOSED", contract="CANCELLED")),
    "declined": (HELD, lambda s: progress(s, fulfilment="CLOSED", contract="CANCELLED",
                                          commit="rejected")),
    "removed": ({}, lambda s: done(s, fulfilment="CLOSED", commit="done")),
    "at-once": ({}, lambda s: progress(s, fulfilment="PROVISIONING")),
    "scheduled": ({"granted": "0", "standing": "scheduled", "starts": "4102444800000"},
                  lambda s: {}),
    "activating": ({"granted": "0", "standing": "scheduled", "starts": "0"}, lambda s: {}),
    "trial": ({}, lambda s: done(s, fulfilment="READY", commit="done", trial=1)),
    "changing": ({"next_plan": "Professional", "next_quantity": "25", "next_at": "4102444800000"},
                 lambda s: done(s, fulfilment="READY", commit="done")),
    "last": ({}, lambda s: done(s, fulfilment="READY", commit="done", no_renewal=1)),
    "payment": ({}, lambda s: done(s, fulfilment="SUSPENDED", contract="SUSPENDED",
                                   commit="done")),
    "ending": ({}, lambda s: done(s, fulfilment="SUSPENDED", contract="CANCELLED", commit="done",
                                  delete_at=s.now() + 30 * DAY)),
}
PRODUCTS = {"azure": "acme-docs", "gcp": "acme-charts"}
REFUSED = ("token_expired", "token_invalid", "product_unknown", "purchase_ended")


class Scenes:
    def __init__(self, s):
        self.s, self.kept = s, {}

    def keep(self, reg, url):
        self.kept[reg.id] = reg
        return {"url": url, "reg": reg.id}

    def order(self, name, plan="starter"):
        reg, page = self.s.ready_to_watch(plan)
        fields = ORDERS[name](self.s)
        if fields:
            self.s.order(reg, **fields)
        return self.keep(reg, page)

    def registration(self, kind):
        s = self.s
        reg = s.arrive("acme-metrics" if kind == "usage" else "acme-notes")
        if kind == "parked":
            s.refuse(reg, "delayed", 0)
        elif kind == "refused-later":
            s.refuse(reg, "delayed", 0)
            page = s.register(reg.url)
            s.refuse(reg, "token_expired")
            return self.keep(reg, page)
        elif kind == "usage":
            s.resolve(reg, plan="payg", product="acme-metrics", ends=0, trial=1)
        elif kind == "resume":
            s.resolve(reg)
            s.register(reg.url)
            again = s.arrive()
            s.resolve(again, order=reg.order)
            reg = again
        elif kind in REFUSED:
            s.refuse(reg, kind)
        elif kind != "checking":
            s.resolve(reg, plan=kind)
        return self.keep(reg, reg.url)

    def channel_order(self, channel, name):
        said, fields = CHANNEL_ORDERS[name]
        reg, page = self.s.ready_to_watch(product=PRODUCTS[channel], upsert=said)
        fields = fields(self.s)
        if fields:
            self.s.order(reg, **fields)
        return self.keep(reg, page)

    def channel_registration(self, channel, kind):
        s = self.s
        reg = s.arrive(PRODUCTS[channel])
        if kind == "signin":
            return self.keep(reg, reg.url)
        if kind == "unfinished":
            return self.keep(reg, reg.url + "/signin")
        if channel == "azure":
            s.sign_in(reg)
        if kind in ("wrong_account", "sign_in_again", "delayed"):
            s.refuse(reg, kind, 0)
        elif kind in REFUSED:
            s.refuse(reg, kind)
        elif kind == "form":
            s.resolve(reg)
        return self.keep(reg, reg.url)

    def adopt(self, url, product):
        """A registration that a browser began."""
        return self.keep(Registration(url, product), url)

    def signed_in(self, reg):
        """The worker's part after the way back: who it is, and what he bought."""
        reg, s = self.kept[reg], self.s
        s.run("reg_identity", "resolve:" + reg.hash, s.claim("resolve:" + reg.hash), reg.hash,
              "id_tenant", "t1", "id_object", "o1", "id_name", "Ann Example",
              "id_email", "ann@example.com")
        s.resolve(reg)
        return {}

    def resolve(self, reg):
        self.s.resolve(self.kept[reg])
        return {}

    def set(self, reg, *pairs):
        self.s.order(self.kept[reg], **dict(p.split("=", 1) for p in pairs))
        return {}

    def redis(self, what):
        part = self.s.parts["redis"]
        part.stop() if what == "stop" else part.start()
        return {}

    def front(self, what):
        part = self.s.parts["front"]
        part.stop() if what == "stop" else part.start()
        return {}

    def orders(self):
        return {"count": len(self.s.client("KEYS", "{p0}:o:*"))}


class Entra(http.server.BaseHTTPRequestHandler):
    """A sign-in page of another site: two links back, as response_mode=query has them."""

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        q = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        links = "".join('<p><a id="%s" href="%s">%s</a></p>' % (name, html.escape(
            "%s?%s" % (q.get("redirect_uri", ""), urllib.parse.urlencode(
                dict(answer, state=q.get("state", "")))), True), name)
            for name, answer in (("ann", {"code": "0.AX-code/+=="}),
                                 ("cancel", {"error": "access_denied"})))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(("<!doctype html><title>Sign in</title>" + links).encode())

    def log_message(self, *args):
        pass


def main():
    absent = stack.missing(("redis", "front", "nginx"))
    if absent:
        print(json.dumps({"missing": absent}), flush=True)
        return
    entra = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Entra)
    threading.Thread(target=entra.serve_forever, daemon=True).start()
    with Scripted(entra="http://localhost:%d/entra" % entra.server_port) as s:
        print(json.dumps({"origin": s.origin(), "build": s.build}), flush=True)
        scenes = Scenes(s)
        for line in sys.stdin:
            verb, *args = line.rstrip("\n").split("\t")
            try:
                answer = getattr(scenes, verb)(*args)
            except Exception as e:  # the test that asked fails, not the run
                answer = {"error": repr(e)}
            print(json.dumps(answer), flush=True)


main()
