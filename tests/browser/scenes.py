#!/usr/bin/python3
"""Puts a stack into any state a page can show. Line protocol for run.js: the name of a scene on
stdin gives {"url": ...} as JSON on stdout; "set REG field=value ..." changes an order. The first
line on stdout is {"origin": ..., "build": ...}."""
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
sys.dont_write_bytecode = True

import stack  # noqa: E402
from scripted import Scripted  # noqa: E402

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


def main():
    absent = stack.missing(("redis", "front", "nginx"))
    if absent:
        print(json.dumps({"missing": absent}), flush=True)
        return
    with Scripted() as s:
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
