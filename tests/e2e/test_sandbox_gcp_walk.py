"""The sandbox as Google: a random walk of buyers, sellers and time through all states."""
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sandbox_gcp import Google, listing  # noqa: E402
from stack_sandbox import ApiError  # noqa: E402

BUYER = ("change-plan", "change-plan", "cancel-plan-change", "cancel", "revert-cancel", "renew",
         "offer-ended", "abandon", "suspend", "resume", "settle", "settle", "delete")
SELLER = "approve", "approve", "reject", "approvePlanChange", "rejectPlanChange"
STATES = {"ACTIVATION_REQUESTED", "ACTIVE", "PENDING_CANCELLATION", "CANCELLED",
          "PENDING_PLAN_CHANGE", "PENDING_PLAN_CHANGE_APPROVAL", "SUSPENDED"}
TYPES = {"ACCOUNT_ACTIVE", "ACCOUNT_DELETED"} | {"ENTITLEMENT_" + t for t in (
    "CREATION_REQUESTED", "OFFER_ACCEPTED", "ACTIVE", "PLAN_CHANGE_REQUESTED", "PLAN_CHANGED",
    "PLAN_CHANGE_CANCELLED", "PENDING_CANCELLATION", "CANCELLATION_REVERTED", "CANCELLING",
    "CANCELLED", "RENEWED", "OFFER_ENDED", "DELETED")}
STEPS = 600


class Walk(unittest.TestCase):
    def setUp(self):
        self.box = Google([listing("acme", multiple_orders=True),
                           listing("auto", multiple_orders=True, automatic_approval=True)])
        self.addCleanup(self.box.stop)
        self.box.settings(settle_ms=0)
        self.dice = random.Random(7)
        self.orders, self.newest, self.types = [], {}, set()

    def buy(self):
        more = {"offer": True, "duration": "P1Y"} if self.dice.random() < 0.5 else {}
        if self.orders and self.dice.random() < 0.3:
            more["account"] = self.dice.choice(self.orders)["account"]
        self.orders.append(self.box.order(self.dice.choice(("acme", "auto")), **more))

    def buyer(self, order):
        self.box.do(order, self.dice.choice(BUYER), plan=self.dice.choice(("pro", "ultimate")),
                    when=self.dice.choice(("now", "cycle-end")),
                    then=self.dice.choice(("cancel", "continue")))

    def seller(self, order):
        status, shown = self.box.proc("GET", "entitlements/" + order["entitlement_id"])
        if status == 404:
            self.assertTrue(self.box.look(order)["deleted"])
            return
        self.assertIn(shown["state"].removeprefix("ENTITLEMENT_"), STATES)
        self.assertEqual("newPendingPlan" in shown, "PLAN_CHANGE" in shown["state"])
        self.assertEqual("cancellationReason" in shown, shown["state"] == "ENTITLEMENT_CANCELLED")
        verb = self.dice.choice(SELLER)
        body = {"pendingPlanName": shown.get("newPendingPlan", "pro")} if "Plan" in verb else {}
        status, doc = self.box.proc("POST", "entitlements/%s:%s" % (order["entitlement_id"], verb),
                                    body)
        self.assertIn(status, (200, 400), doc)
        if self.dice.random() < 0.5:
            self.box.approve_account(order)

    def listen(self):
        for event in self.box.drain():
            self.types.add(event["eventType"])
            what = event.get("entitlement") or event["account"]
            before = self.newest.get(what["id"], "")
            stamp = what["updateTime"].rstrip("Z").partition(".")
            stamp = stamp[0] + "." + stamp[2].ljust(9, "0")
            self.assertGreaterEqual(stamp, before, event)
            self.newest[what["id"]] = stamp

    def test_walk(self):
        for step in range(STEPS):
            if len(self.orders) < 4 or self.dice.random() < 0.08:
                act = self.buy
            else:
                order = self.dice.choice(self.orders[-8:])
                act = self.dice.choice((lambda: self.buyer(order), lambda: self.seller(order)))
            try:
                act()
            except ApiError as e:
                self.assertIn(e.status, (400, 409), (step, e.body))
            if step % 10 == 0:
                self.listen()
            if step % 150 == 149:
                self.box.advance(days=35)
                self.box.token = None
        self.box.api("POST", "gcp/accounts/%s/delete" % self.orders[-1]["account"])
        self.listen()
        self.assertEqual(self.types, TYPES)
        shown = self.box.api("GET", "gcp/state")
        self.assertEqual(len(shown["orders"]), len(self.orders))


if __name__ == "__main__":
    unittest.main()
