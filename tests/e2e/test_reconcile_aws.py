#!/usr/bin/python3
"""AWS's own list of agreements against the orders: what lost events should have told is repaired by
the walk, and said once."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import FaultStack, Product, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")
TEAM = "team@acme.example"


class Walk(unittest.TestCase):
    """Every event is lost; walks follow each other closely, refreshes are far away."""
    options = {}

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, **{"reconcile": "1s", "lease": "30s", **cls.options})
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def setUp(self):
        self.two_walks()  # what the test before left to be repaired is told at the end of a walk
        self.s.quiet()
        self.s.sandbox("POST", "faults", {"op": "event", "kind": "drop", "count": 1000})
        self.before = self.reported()

    def tearDown(self):
        self.s.sandbox("DELETE", "faults")
        self.s.invariants()

    def act(self, purchase, what, **body):
        return self.s.sandbox("POST", "purchases/%s/%s" % (purchase["id"], what), body)

    def reported(self):
        """(repaired, created) of every mail about a walk."""
        found = [re.search(r"(\d+) repaired, (\d+) created", m.get_payload(decode=True).decode())
                 for m in self.s.mails(TEAM, "orders were repaired")]
        return sum(int(f.group(1)) for f in found), sum(int(f.group(2)) for f in found)

    def walks(self):
        return self.s.sandbox("GET", "state")["calls"].get("SearchAgreements", {}).get("ok", 0)

    def two_walks(self):
        start = self.walks()
        self.s.until(lambda: self.walks() >= start + 21, 90, "no more walks")

    def expect(self, repaired, created):
        """So much was reported, and two more walks report no more."""
        def told():
            now = self.reported()
            return (now[0] - self.before[0], now[1] - self.before[1])
        if not self.s.settle(lambda: told() == (repaired, created), 60):
            with open(self.s.parts["worker"].log) as f:
                walks = [line for line in f if "reconcile.repaired" in line]
            self.fail("reported %r\n%s" % (told(), "".join(walks[-10:])))
        self.two_walks()
        self.assertEqual(told(), (repaired, created))
        self.before = self.reported()

    def test_life_without_events(self):
        p = self.s.buy("notes", "starter")
        order = self.s.wait_order(p, contract="ACTIVE", plan="starter", fulfilment="RECEIVED")
        self.assertEqual(order["agreement"], p["agreement_id"])
        self.assertNotIn("tenant", order)  # nobody has landed
        self.expect(0, 1)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        order = self.s.wait_order(p, fulfilment="READY")
        self.expect(0, 0)

        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.expect(1, 0)

        q = self.act(p, "renew")
        after = self.s.wait_order(q, fulfilment="READY", contract="ACTIVE", renewals="1")
        self.assertEqual((after["id"], after["tenant"], after["endpoint"]),
                         (order["id"], order["tenant"], order["endpoint"]))
        self.expect(1, 0)
        r = self.act(q, "upgrade", plan="starter", mode="replace")
        after = self.s.wait_order(r, fulfilment="READY", contract="ACTIVE", renewals="2",
                                  plan="starter")
        self.assertEqual(after["tenant"], order["tenant"])
        self.expect(1, 0)
        self.assertEqual(stack_http.request("GET", after["endpoint"]).status, 200)

        self.act(r, "cancel")
        self.s.wait_order(r, contract="CANCELLED", fulfilment="SUSPENDED")
        self.expect(1, 0)

    def test_an_end_before_the_landing(self):
        p = self.s.buy("notes", "starter")
        self.s.wait_order(p, contract="ACTIVE")
        self.expect(0, 1)
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED")
        self.expect(1, 0)

    def test_two_of_one_account_stay_two(self):
        p = self.s.buy("notes", "starter")
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        q = self.s.buy("notes", "enterprise", account=p["account_id"])
        self.s.wait_order(q, contract="ACTIVE", plan="enterprise")
        order = self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
        self.assertNotEqual(self.s.order_of(q)["id"], order["id"])

    def test_landing_first(self):
        """ResolveCustomer names no agreement: the walk joins it, so that its end is seen."""
        p = self.s.buy("notes", "starter")
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        self.s.wait_order(p, agreement=p["agreement_id"], fulfilment="READY")
        self.act(p, "cancel", status="EXPIRED")
        self.s.wait_order(p, contract="EXPIRED", fulfilment="SUSPENDED")


class Sharded(Walk):
    """Agreements, orders, their account and the walk in shards of their own."""
    options = {"shards": 4}


class Usage(Walk):
    """Nothing but the licence says that it may be served."""
    options = {"products": [Product(pricing="usage")]}

    def test_life_without_events(self):
        p = self.s.buy("notes", None)
        self.s.wait_order(p, contract="ACTIVE")
        self.expect(0, 1)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.expect(1, 0)

    test_two_of_one_account_stay_two = test_landing_first = test_an_end_before_the_landing = None


class Dies(Walk):
    """The worker is killed in the middle of a walk; whoever comes next goes on."""
    options = {"shards": 4, "resync": "3s", "lease": "2s"}
    points = ("reconcile.before_market", "reconcile.after_market", "reconcile.before_note",
              "store.event_put.before", "store.event_put.after", "event.before_order",
              "store.order_merge.before", "store.order_merge.after", "store.account_get.before",
              "store.account_get.after", "store.resync.before", "store.resync.after",
              "event.aliased", "refresh.before_market", "refresh.after_market",
              "refresh.before_order")
    license_points = ("reconcile.after_license",)

    def test_life_without_events(self):
        worker, orders, had = self.s.parts["worker"], [], len(self.s.orders())
        for point in self.points:
            p = self.s.buy("notes", "starter")
            self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
            before = self.s.wait_order(p, fulfilment="READY", agreement=p["agreement_id"])
            worker.kill()
            q = self.act(p, "cancel" if point.startswith("refresh") else "renew")
            worker.start(env={"LASTMILE_CRASH": point}, wait=0)
            self.s.until(lambda: not worker.running(), 60, "never at " + point)
            self.assertTrue(worker.died_at(point), "ended, but not at " + point)
            worker.start()
            if point.startswith("refresh"):
                self.s.wait_order(p, fulfilment="SUSPENDED", contract="CANCELLED")
            else:
                orders.append((before, q))
        for before, q in orders:
            after = self.s.wait_order(q, fulfilment="READY", contract="ACTIVE", renewals="1")
            self.assertEqual(after["tenant"], before["tenant"])
        self.s.quiet()
        self.assertEqual(len(self.s.orders()), had + len(self.points))

    def test_a_licence_that_is_asked_for(self):
        """Bought and ended before a walk, by one who has an order: nothing told the licence."""
        worker, point = self.s.parts["worker"], self.license_points[0]
        p = self.s.buy("notes", "starter")
        self.s.wait_ready(self.s.register(self.s.land(p), buyer()))
        before = self.s.wait_order(p, fulfilment="READY", agreement=p["agreement_id"])
        worker.kill()
        q = self.s.buy("notes", "starter", account=p["account_id"])
        self.act(q, "cancel")
        worker.start(env={"LASTMILE_CRASH": point}, wait=0)
        self.s.until(lambda: not worker.running(), 60, "never at " + point)
        self.assertTrue(worker.died_at(point), "ended, but not at " + point)
        worker.start()
        self.two_walks()
        self.assertIsNone(self.s.order_of(q))
        after = self.s.order_of(p)
        self.assertEqual((after["tenant"], after["fulfilment"], after["contract"]),
                         (before["tenant"], "READY", "ACTIVE"))

    test_two_of_one_account_stay_two = test_landing_first = test_an_end_before_the_landing = None


if __name__ == "__main__":
    unittest.main()
