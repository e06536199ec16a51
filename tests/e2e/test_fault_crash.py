#!/usr/bin/python3
"""kill -9 at every named crash point of a purchase: before and after each Redis call and each
outside call of worker and front (test_fault_keeper.py: the keeper). One stack runs through; only
what died is started again.

Every point gets a purchase of its own, whose buyer waits while the worker dies and comes back with
the next point, so each recovery meets the next crash. At the end the outside ledger must show for
every accepted registration exactly one environment and every effect exactly once.
"""
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import FaultStack, Product, buyer
from stack import StackError, missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")


def around(*scripts):
    return ["store.%s.%s" % (s, when) for s in scripts for when in ("before", "after")]


def passes(name, n):
    return ["%s:%d" % (name, i) for i in range(2, n + 1)]


# Points that a purchase meets in the worker; "name:3" is the third pass.
PURCHASE = (
    around("init", "task_claim", "reg_load", "order_find", "order_upsert", "account_add",
           "reg_refused", "reg_resolved", "cap_add",
           "order_place", "reg_placed", "event_put", "event_get", "agreement", "order_get",
           "fulfil_load", "order_write", "task_finish", "beat", "sweep") +
    ["task.claimed", "task.finishing", "task.finished", "resolve.before_market",
     "resolve.after_market", "resolve.before_order", "resolve.before_registration",
     "place.between", "event.before_market", "event.before_order", "poll.before_store",
     "poll.before_ack", "fulfil.before_intent", "fulfil.before_engine", "fulfil.after_engine",
     "fulfil.external_id", "fulfil.before_applied", "fulfil.before_ready", "exec.before_request",
     "exec.after_request", "exec.after_end", "mail.before_send", "mail.after_send"] +
    passes("store.order_write.after", 7) + passes("store.task_finish.after", 5) +
    passes("store.fulfil_load.before", 4) + passes("store.task_claim.after", 5) +
    passes("task.claimed", 5) + passes("mail.after_send", 2))
# Points of a renewal.
RENEWAL = around("order_alias") + ["event.aliased", "store.order_upsert.after",
                                   "store.event_put.after",
                                   "event.before_order", "poll.before_ack:2", "task.finishing:3"]
FRONT = around("land", "reg_get", "submit", "status")
DEATH = 60  # seconds within which a process must have reached its point


class Buyer(threading.Thread):
    """Buys, lands, registers and waits, as patient as a person with a reload button."""

    def __init__(self, s, point):
        super().__init__(daemon=True)
        self.s, self.point, self.mail = s, point, buyer()
        self.purchase = self.page = self.error = None

    def insist(self, what, step, seconds=180):
        """Repeats a step that a fault refused: 502, 503 and a lost connection mean: try again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return step()
            except (OSError, StackError, ValueError) as e:
                if time.monotonic() > deadline:
                    raise StackError("%s: %s: %s" % (self.point, what, e)) from e
                time.sleep(0.1)

    def run(self):
        try:
            self.purchase = self.s.buy()
            where = self.where = self.insist("landing", lambda: self.s.land(self.purchase))
            self.page = self.insist("form", lambda: self.s.register(where, self.mail, 60))
            self.insist("ready", self.look)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e

    def look(self):
        page = stack_http.request("GET", self.page)
        if page.status not in (200, 303):  # 303: it lives in another shard
            raise StackError("the page answered %r" % page)
        state = self.s.status(self.page).get("state")
        if state != "ready":
            raise StackError("the page says %s" % state)


class Sweep(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, lease="2s", **cls.options)
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def die_at(self, part, point, seconds=DEATH):
        """Waits for the point's SIGKILL. A point that waits for events gets more."""
        p, deadline = self.s.parts[part], time.monotonic() + seconds
        while not self.s.settle(lambda: not p.running(), 2):
            if time.monotonic() > deadline:
                self.fail("%s was never at %s\n%s" % (part, point, self.s.tails()))
            self.s.sandbox("POST", "redeliver")
            self.s.buy()
        self.assertTrue(p.died_at(point), "%s ended, but not at %s" % (part, point))

    def ledger(self, buyers):
        """What the outside saw against what was accepted. A mail whose worker died between the
        server's 250 and the record goes out again, as the same message (docs/worker.md)."""
        s = self.s
        tenants, orders = s.environments(), {o["purchase"]: o for o in s.orders()
                                              if o["registered"] == "1"}
        for b in buyers:
            with self.subTest(point=b.point):
                self.assertIsNone(b.error)
                o = orders[b.purchase["license_id"]]
                self.assertEqual((o["fulfilment"], o["contract"], o["registered"]),
                                 ("READY", "ACTIVE", "1"))
                self.assertEqual(tenants.get(o["tenant"]), ["create", "spec", "serve"])
                subjects = [m["Subject"] for m in s.wait_mails(b.mail, 2)]
                self.assertEqual(len(subjects), 2, subjects)
        self.assertEqual(len(orders), len(buyers))
        self.assertEqual(sorted(tenants), sorted(orders[b.purchase["license_id"]]["tenant"]
                                                 for b in buyers))
        self.assertEqual(s.redis("ZCARD", "{p0}:dead"), 0)


class WorkerDies(Sweep):
    options = {"shards": 4, "products": [Product(template="exec")]}

    def test_every_point_of_a_purchase_then_of_a_renewal(self):
        s, worker, buyers = self.s, self.s.parts["worker"], []
        began = time.monotonic()
        for i, point in enumerate(PURCHASE):
            with self.subTest(point=point):
                worker.kill()
                if "reg_refused" in point:  # told to the buyer while it goes on trying
                    s.sandbox("POST", "faults",
                              {"op": "ResolveCustomer", "kind": "5xx", "count": 3})
                if point.endswith(".after"):  # Redis dies at the same moment
                    s.parts["redis"].kill()
                    s.parts["redis"].start()
                worker.start(env={"LASTMILE_CRASH": point}, wait=0)
                buyers.append(Buyer(s, point))
                buyers[-1].start()
                self.die_at("worker", point)
        worker.start()
        for b in buyers:
            b.join(240)
        s.quiet(90)
        s.invariants()
        self.ledger(buyers)
        self.renewals(buyers)
        print("%d points, %d purchases, %.0f s" % (len(PURCHASE) + len(RENEWAL), len(buyers),
                                                   time.monotonic() - began))

    def renewals(self, buyers):
        s, worker, renewed = self.s, self.s.parts["worker"], []
        for point, b in zip(RENEWAL, buyers):
            with self.subTest(point=point):
                worker.kill()
                worker.start(env={"LASTMILE_CRASH": point}, wait=0)
                before = s.order_of(b.purchase)
                q = s.sandbox("POST", "purchases/%s/renew" % b.purchase["id"],
                              {"order": "ended-first" if len(renewed) % 2 else "created-first"})
                renewed.append((point, before, q))
                self.die_at("worker", point)
        worker.kill()
        worker.start()
        for point, before, q in renewed:
            with self.subTest(point=point):
                after = s.wait_order(q, seconds=60, fulfilment="READY", contract="ACTIVE")
                self.assertEqual(after["tenant"], before["tenant"])
                self.assertEqual(after["renewals"], "1")
        s.quiet(90)
        s.invariants()
        tenants = s.environments()
        for _, before, q in renewed:
            self.assertEqual(tenants[before["tenant"]], ["create", "spec", "serve"])
            self.assertEqual(s.order_of(q)["contract"], "ACTIVE")


class FrontDies(Sweep):
    options = {"products": [Product(template="exec")]}

    def test_every_call_of_the_front(self):
        s, front, buyers = self.s, self.s.parts["front"], []
        for point in FRONT:
            with self.subTest(point=point):
                self.again(front, {"LASTMILE_CRASH": point})
                b = Buyer(s, point)
                buyers.append(b)
                b.start()
                self.s.until(lambda p=point: self.died(front, p), DEATH,
                             "the front was never at " + point)
                self.again(front)
                b.join(60)
        s.quiet(60)
        s.invariants()
        self.ledger(buyers)

    def died(self, front, point):
        """The serving processes die; their parent tells and starts others, which die too."""
        return front.died_at(point) and "front.child_died" in front.written()

    def again(self, front, env=None):
        """As a service manager does it: nothing of the old one is left when the new one starts."""
        front.kill()
        self.s.until(lambda: not self.answers(), 20, "the old front still answers")
        front.start(env)

    def answers(self):
        try:
            return self.s.connects(self.s.v["run"] + "/front.sock")
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
