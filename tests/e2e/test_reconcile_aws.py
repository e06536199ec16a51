#!/usr/bin/python3
"""AWS's own list of agreements against the orders: what lost events should have told is repaired by
the walk, and said once."""
# long
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import Product, buyer
from reconcile_rig import WalkCase


class Walk(WalkCase):
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

    def test_a_successor_that_ended_before_a_walk(self):
        self.successor_ended()

    def test_a_successor_that_runs_is_found_beside_one_that_ended(self):
        p, _ = self.ready()
        before = self.s.wait_order(p, agreement=p["agreement_id"])
        q, r = self.absent(lambda: self.act(p, "renew"),
                           lambda: self.s.buy("notes", "starter", account=p["account_id"]))
        self.act(r, "cancel")
        after = self.s.wait_order(q, contract="ACTIVE", fulfilment="READY", renewals="1")
        self.assertEqual(after["tenant"], before["tenant"])
        start = self.walks()
        self.s.until(lambda: self.walks() >= start + 28, 60, "no more walks")
        self.assertEqual(self.s.order_of(q)["contract"], "ACTIVE")

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


class Usage(WalkCase):
    """Nothing but the licence says that it may be served."""
    options, plan = {"products": [Product(pricing="usage")]}, None
    follow = (("upgrade",), {"mode": "replace", "quantity": 2})

    def test_life_without_events(self):
        p = self.s.buy("notes", None)
        self.s.wait_order(p, contract="ACTIVE")
        self.expect(0, 1)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.expect(1, 0)

    def test_a_successor_that_ended_before_a_walk(self):
        self.successor_ended()


if __name__ == "__main__":
    unittest.main()
