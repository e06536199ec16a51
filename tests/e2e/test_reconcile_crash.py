#!/usr/bin/python3
"""The worker is killed while it compares orders with AWS's list, or follows what a list does not
have: whoever comes next goes on."""
# long
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faults import buyer
from reconcile_rig import WalkCase


class Dies(WalkCase):
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
            self.dies_at(point)
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
        self.dies_at(point)
        self.two_walks()
        self.assertIsNone(self.s.order_of(q))
        after = self.s.order_of(p)
        self.assertEqual((after["tenant"], after["fulfilment"], after["contract"]),
                         (before["tenant"], "READY", "ACTIVE"))


class PartnerDies(WalkCase):
    """Between any two steps of going on with another licence."""
    options = {"resync": "1s", "shards": 4, "lease": "2s"}
    points = ("store.order_alias.before", "store.order_alias.after", "store.order_merge.after",
              "store.account_get.after", "refresh.before_order")

    def test_it_goes_on_with_another_licence(self):
        worker, had = self.s.parts["worker"], len(self.s.orders())
        for point in self.points:
            p, before = self.ready(cppo=True)
            worker.kill()
            q = self.act(p, "renew")
            self.dies_at(point)
            after = self.s.wait_order(q, contract="ACTIVE", fulfilment="READY", renewals="1")
            self.assertEqual((after["id"], after["tenant"]), (before["id"], before["tenant"]))
        self.assertEqual(len(self.s.orders()), had + len(self.points))


if __name__ == "__main__":
    unittest.main()
