#!/usr/bin/python3
"""Orders that no list of AWS's has, a channel partner's and those of legacy listings: each is asked
for, and what else its account holds tells how it goes on."""
# long
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faults import Product
from reconcile_rig import TEAM, WalkCase


class Crossing(WalkCase):
    """A channel partner's agreement is his: no list has it, and nobody reads it to us."""
    options = {"resync": "1s", "shards": 4}

    def buy(self, **more):
        return self.ready(cppo=True, **more)

    def test_it_goes_on_with_another_licence(self):
        p, before = self.buy()
        q = self.act(p, "renew")
        after = self.s.wait_order(q, contract="ACTIVE", fulfilment="READY", renewals="1")
        self.assertEqual((after["id"], after["tenant"]), (before["id"], before["tenant"]))
        self.act(q, "cancel")
        self.ended(q, before, "EXPIRED")

    def test_which_of_two_goes_on_is_asked(self):
        p, first = self.buy()
        q, second = self.buy(account=p["account_id"])
        mails = len(self.s.mails(TEAM, "which order goes on"))
        self.absent(lambda: self.act(p, "renew"), lambda: self.act(q, "cancel"))
        self.s.until(lambda: len(self.s.mails(TEAM, "which order goes on")) > mails, 60, "no mail")
        for each, before in ((p, first), (q, second)):
            self.assertEqual(self.s.order_of(each)["contract"], "ACTIVE")
        self.assertEqual(self.s.order_of(p)["tenant"], first["tenant"])


class Partner(Crossing):
    options = {"resync": "1s"}

    def test_it_ends(self):
        p, before = self.buy()
        self.act(p, "cancel")
        self.ended(p, before, "EXPIRED")

    def test_another_plan(self):
        p, _ = self.buy()
        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")

    def test_one_of_two_ends(self):
        p, before = self.buy()
        q, other = self.buy(account=p["account_id"])
        self.act(p, "cancel")
        self.ended(p, before, "EXPIRED")
        self.assertEqual(self.s.order_of(q)["contract"], "ACTIVE")


class Old(WalkCase):
    """A legacy listing is in no list: its orders are asked for one by one."""
    options = {"resync": "1s", "products": [Product(mode="legacy")]}

    def two_walks(self):
        """There is no list that could be walked."""

    def test_it_ends_and_changes(self):
        p, _ = self.ready()
        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")


if __name__ == "__main__":
    unittest.main()
