#!/usr/bin/python3
"""kill -9 at every named crash point that only Azure and Google have: sign-in, the words to the
marketplace, changes, the reconciler, key sets, webhooks and pushes (test_fault_crash.py: what AWS
passes too).

Every point gets purchases of its own, whose buyers wait while the process dies and comes back with
the next point. At the end the sandbox's own state must show every purchase activated once, and the
outside ledger one environment for each."""
import base64
import collections
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
import test_fault_crash as crash
from markets import NEED, SUBSCRIPTION, Azure, Buyer, Gcp, Markets
from stack import StackError, missing

BOTH, AZURE, GCP = ("azure", "gcp"), ("azure",), ("gcp",)

# Points that a purchase meets in the worker, and on which marketplace.
PURCHASE = [(p, AZURE) for p in crash.around("reg_identity", "keys_put") +
            ["sign_in.before_market", "sign_in.after_market", "sign_in.after_market:2"]] + \
           [(p, GCP) for p in ("poll.before_store", "poll.before_ack", "tell.before_market:2",
                               "tell.after_market:2", "tell.after_market:3",
                               "store.event_put.before", "store.event_put.after")] + \
           [(p, BOTH) for p in crash.around("task_step", "task_add", "order_upsert", "reg_resolved",
                                            "order_write") +
            ["resolve.before_market", "resolve.after_market", "resolve.before_registration",
             "truth.before_market", "truth.after_market", "truth.before_order",
             "truth.before_order:2", "tell.before_market", "tell.after_market",
             "fulfil.before_commit", "store.order_write.after:6", "store.order_write.after:7",
             "reconcile.before_market", "reconcile.after_market", "reconcile.before_note",
             "reconcile.before_note:2"]]
# Points of a change of plan.
CHANGE = ["truth.before_answer", "truth.after_answer", "store.order_upsert.before",
          "store.order_upsert.after", "store.order_upsert.before:2", "truth.before_market",
          "truth.after_market", "fulfil.before_intent", "fulfil.after_engine",
          "fulfil.before_applied"]
# Points of an end.
END = ["truth.after_market", "store.order_upsert.after"]
FRONT = crash.around("land", "sign_in", "reg_get", "submit", "keys_get", "keys_want", "event_put")
# Points of a buyer who comes to an order that he has.
AGAIN = crash.around("claim", "cap_add")
RUNNING = {"azure": "Subscribed", "gcp": "ENTITLEMENT_ACTIVE"}


def event_of(raw):
    """(type, id) of Google's event as it was stored: as it was pulled, or in a push's envelope."""
    e = json.loads(raw)
    if "message" in e:
        e = json.loads(base64.b64decode(e["message"]["data"]))
    return e.get("eventType"), e["eventId"]


class Pushed(Gcp):
    """A subscription of the same provider that is pushed: the sandbox's only, no listing here."""

    def __init__(self):
        super().__init__("pushed", subscription=SUBSCRIPTION + "-pushed",
                         push_url="http://127.0.0.1:${port}/marketplace/hooks/gcp/notes")

    def market(self):
        return ""


class Sweep(unittest.TestCase):
    options, more = {}, ()

    def setUp(self):
        absent = missing(NEED)
        if absent:
            self.skipTest("not installed or not built: " + ", ".join(absent))
        self.s = Markets(products=[Azure(), Gcp(push=True), *self.more], lease="2s", reconcile="1h",
                         **self.options)
        self.s.start()
        self.addCleanup(self.s.stop)
        self.s.quicken(accept=600000)  # nothing is true because nobody answered
        self.buyers = []

    def die_at(self, point, seconds=crash.DEATH):
        """Waits for the point's SIGKILL."""
        p, deadline = self.s.parts["worker"], time.monotonic() + seconds
        while not self.s.settle(lambda: not p.running(), 1):
            if time.monotonic() > deadline:
                self.fail("never at %s\n%s" % (point, self.s.tails()))
            self.s.redeliver()
        self.assertTrue(p.died_at(point), "the worker ended, but not at " + point)

    def arrive(self, channel, point):
        b = Buyer(self.s, self.s.purchase(channel, "starter"), seconds=240)
        b.point = point
        self.buyers.append(b)
        b.start()
        return b

    def all_ready(self, seconds=90):
        for b in self.buyers:
            b.join(240)
            self.assertIsNone(b.error, b.point)
        last = []

        def ready():
            self.s.redeliver()
            last[:] = ["%s %s: %s" % (b.purchase["channel"], b.point, o) for b in self.buyers
                       for o in [self.order(b)] if not o or o["fulfilment"] != "READY" or
                       o["contract"] != "ACTIVE"]
            return not last
        self.s.until(ready, seconds, "not all is ready: %r" % last)

    def order(self, b):
        rows = self.s.orders_by_purchase().get((b.purchase["channel"],
                                                b.purchase[self.s.key_of(b.purchase)]), [])
        self.assertLess(len(rows), 2, b.point)
        return rows[0] if rows else None

    def check(self, specs=None):
        """specs: by buyer, how many plans its environment has had. The outside's own account."""
        s = self.s
        s.invariants()
        subs = {x["id"]: x for x in s.sandbox("GET", "state")["azure"]["subscriptions"]}
        active = collections.Counter(r["purchase"] for r in s.ledger() if r["op"] == "gcp.event" and
                                     r.get("detail") == "ENTITLEMENT_ACTIVE")
        tenants = s.environments()
        for b in self.buyers:
            with self.subTest(point=b.point, channel=b.purchase["channel"]):
                o = self.order(b)
                there = s.market_state(b.purchase)
                if b.purchase["channel"] == "azure":
                    self.assertEqual(there["status"], "Subscribed")
                    self.assertEqual(subs[there["id"]]["activated"], 1)
                else:
                    self.assertEqual(there["state"], "ENTITLEMENT_ACTIVE")
                    self.assertEqual(active[there["id"]], 1)
                self.assertEqual((o["contract"], o["fulfilment"], o["plan"]),
                                 ("ACTIVE", "READY", there["plan"]))
                n = (specs or {}).get(b, 1)
                self.assertEqual(sorted(tenants[o["tenant"]]),
                                 sorted(["create", "serve"] + ["spec"] * n))
                self.assertEqual(s.environment(o["tenant"]), (there["plan"], 1, True))
                subjects = [m["Subject"] for m in s.wait_mails(b.mail, 2)]
                self.assertEqual(len([x for x in subjects if "ready" in x.lower()]), 1, subjects)
        self.assertEqual(len(tenants), len(self.buyers))
        dead = [s.redis("ZRANGE", "{p%d}:dead" % n, 0, -1) for n in range(s.shards)]
        self.assertEqual([d for d in dead if d], [])


class WorkerDies(Sweep):
    options = {"shards": 4}

    def test_every_point_of_a_purchase_then_of_a_change(self):
        worker = self.s.parts["worker"]
        for point, channels in PURCHASE:
            with self.subTest(point=point):
                worker.kill()
                for channel in channels:
                    self.arrive(channel, point)
                worker.start(env={"LASTMILE_CRASH": point}, wait=0)
                self.die_at(point)
        worker.kill()
        worker.start(wait=0)
        self.all_ready()
        self.check()
        self.changes()

    def changes(self):
        s, worker, specs = self.s, self.s.parts["worker"], {}
        ready = {c: [b for b in self.buyers if b.purchase["channel"] == c] for c in BOTH}
        for i, point in enumerate(CHANGE):
            with self.subTest(point=point):
                worker.kill()
                for channel in BOTH:
                    b = ready[channel][i]
                    self.assertIsNotNone(s.act(b.purchase, "change-plan", plan="pro", when="now"))
                    specs[b] = 2
                worker.start(env={"LASTMILE_CRASH": point}, wait=0)
                self.die_at(point)
        worker.kill()
        worker.start(wait=0)

        def changed():
            s.redeliver()
            return all(s.market_state(b.purchase)["plan"] == "pro" and
                       s.environment(self.order(b)["tenant"]) == ("pro", 1, True) and
                       self.order(b)["fulfilment"] == "READY" for b in specs)
        s.until(changed, 90, "not all changes came through")
        self.check(specs)
        for op in s.sandbox("GET", "state")["azure"]["operations"]:
            if op["action"] == "ChangePlan":
                self.assertEqual((op["status"], op["by"]), ("Succeeded", "publisher"))
        self.ends(ready)

    def ends(self, ready):
        s, worker, ended = self.s, self.s.parts["worker"], []
        for i, point in enumerate(END):
            with self.subTest(point=point):
                worker.kill()
                for channel in BOTH:
                    b = ready[channel][i]
                    self.assertIsNotNone(s.act(b.purchase, "cancel", when="now"))
                    ended.append(b)
                worker.start(env={"LASTMILE_CRASH": point}, wait=0)
                self.die_at(point)
        worker.kill()
        worker.start(wait=0)

        def over():
            s.redeliver()
            return all(o["contract"] == "CANCELLED" and o["fulfilment"] == "SUSPENDED" and
                       not s.environment(o["tenant"])[2] for o in map(self.order, ended))
        s.until(over, 60, "not all ends came through")
        s.invariants()
        effects = s.environments()
        for b in ended:
            self.assertEqual(effects[self.order(b)["tenant"]].count("suspend"), 1, b.point)


class FrontDies(Sweep):
    more = (Pushed(),)
    died = crash.FrontDies.died
    again = crash.FrontDies.again
    answers = crash.FrontDies.answers

    def test_every_call_of_the_front(self):
        """Also the same event by push and by pull: it is one."""
        s, front = self.s, self.s.parts["front"]
        s.sandbox("POST", "gcp/settings", {"push_retry_ms": 200})
        for point in FRONT:
            with self.subTest(point=point):
                if "keys_want" in point:  # somebody has to ask for them: nobody may have read them
                    front.kill()
                    s.redis("DEL", "{p0}:keys:azure/notes", "{p0}:keysask:azure/notes")
                self.again(front, {"LASTMILE_CRASH": point})
                mine = [self.arrive(channel, point) for channel in BOTH]
                if "event_put" in point or "keys_" in point:  # a webhook, of one who is there
                    auto = s.purchase("azure", "auto")
                    self.assertIsNotNone(s.act(auto, "change-plan", plan="pro"))
                s.until(lambda p=point: self.died(front, p), crash.DEATH,
                        "the front was never at " + point)
                self.again(front)
                for b in mine:
                    b.join(60)
        self.all_ready()
        s.until(self.changes_answered, 60, "a change was not answered")
        self.pushed_and_pulled()

    def changes_answered(self):
        """By us: what nobody answers goes through by itself after ten minutes only."""
        ops = [o for o in self.s.sandbox("GET", "state")["azure"]["operations"]
               if o["action"] == "ChangePlan"]
        return ops and all((o["status"], o["by"]) == ("Succeeded", "publisher") for o in ops)

    def pushed_and_pulled(self):
        s = self.s
        for b in self.buyers:
            if b.purchase["channel"] == "gcp":
                s.act(b.purchase, "renew")

        def drained():
            s.redeliver()
            return all(q["visible"] + q["in_flight"] + q["delayed"] == 0
                       for q in s.sandbox("GET", "gcp/state")["subscriptions"])
        s.until(drained, 60, "messages are left")
        pushes = [r for r in s.ledger() if r["op"] == "gcp.push" and r["result"][0] == "2"]
        self.assertGreater(len(pushes), 0)
        bodies = collections.Counter(event_of(e["raw"]) for e in s.rows("e:*")
                                     if e["channel"] == "gcp")
        self.assertEqual({k: n for k, n in bodies.items() if n > 1}, {})


class ComesAgain(Sweep):
    options = {"shards": 4}
    again = crash.FrontDies.again
    answers = crash.FrontDies.answers

    def test_every_call(self):
        """The marketplace's "Manage" button: straight to the status page, also in another shard."""
        s, front = self.s, self.s.parts["front"]
        b = self.arrive("gcp", "first")
        self.all_ready()
        for point in AGAIN:
            with self.subTest(point=point):
                self.again(front, {"LASTMILE_CRASH": point})

                def died(p=point):
                    self.look_in(b)
                    return front.died_at(p)
                s.until(died, crash.DEATH, "the front was never at " + point)
                self.again(front)
                where = []

                def led():
                    where[:] = [self.look_in(b)]
                    return where[0]
                s.until(led, 30, "not led to the order")
                self.assertEqual(s.status(where[0])["state"], "ready")
        self.check()

    def look_in(self, b):
        """The status page that a new landing leads to; None while there is none."""
        try:
            a = stack_http.request("GET", self.s.land(self.s.sandbox(
                "POST", "gcp/tokens", {"purchase": b.purchase["id"]})))
        except (OSError, StackError, ValueError):
            return None
        where = a.headers.get("Location") or ""
        return self.s.origin() + where if a.status == 303 and "/s/" in where else None


if __name__ == "__main__":
    unittest.main()
