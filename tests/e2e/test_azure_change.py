#!/usr/bin/python3
"""What happens to a subscription later: changes by the buyer and by us, suspension, renewal, end.
What the sandbox shows of the operation is the judge of the answer; what the engine did, of the
effect."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from azure_rig import TEAM, TENANT, AzureCase

DAY_MS = 24 * 3600 * 1000


class Change(AzureCase):
    def change(self, purchase, plan, **more):
        return self.s.azure_do(purchase, "change-plan", plan=plan, **more)["operation"]

    def unchanged(self, purchase, order):
        self.s.quiet()
        after = self.s.order_of(purchase)
        for k in ("plan", "tenant", "fulfilment", "contract", "spec_sha256"):
            self.assertEqual(after.get(k), order.get(k), k)
        self.assertEqual(self.answers(after), 200)

    def test_accepted_in_place(self):
        p, _, order = self.ready()
        op = self.s.settled(self.change(p, "enterprise"))
        self.assertEqual((op["status"], op["by"]), ("Succeeded", "publisher"))
        after = self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.quiet()
        self.assertEqual(after["tenant"], order["tenant"])
        self.assertEqual(self.effects(order).count("create"), 1)
        self.assertEqual(self.effects(order).count("spec"), 2)
        self.assertEqual(len(self.s.ledger("SaasSettle", p["id"])), 1)

    def test_refused(self):
        """PATCH Failure; the event that changes back is accepted; nothing happened here."""
        p, _, order = self.ready()
        before = self.effects(order)
        op = self.s.settled(self.change(p, "closed"))
        self.assertEqual((op["status"], op["by"]), ("Failed", "publisher"))
        self.s.until(lambda: [o for o in self.s.operations(p) if o["revert"]], 20, "no revert")
        back = [o for o in self.s.operations(p) if o["revert"]][0]
        self.assertEqual(self.s.settled(back["id"])["status"], "Succeeded")
        self.unchanged(p, order)
        self.assertEqual(self.s.azure_state(p)["plan"], "starter")
        self.assertEqual(self.effects(order), before)

    def test_refused_too_late(self):
        """The ten seconds were over before we could say no: the environment stays as it was."""
        p, _, order = self.ready()
        self.s.settings(auto_accept_ms=1)
        before = len(self.s.mails(TEAM, "refuse"))
        self.s.parts["worker"].stop()
        try:
            op = self.s.settled(self.change(p, "closed"))
        finally:
            self.s.parts["worker"].start()
        self.assertEqual(op["by"], "clock")
        self.s.until(lambda: len(self.s.mails(TEAM, "refuse")) > before, 20, "nobody is told")
        self.s.quiet()
        after = self.s.order_of(p)
        self.assertEqual(self.effects(after).count("spec"), 1)

    def test_replaced(self):
        p, _, order = self.ready("served")
        stack_http.request("POST", order["endpoint"] + "count", {})
        self.s.settled(self.change(p, "replaced"))
        self.s.wait_order(p, plan="replaced", fulfilment="READY")
        self.s.until(lambda: [a for a in self.s.archives() if order["tenant"] in a], 20,
                     "the old data is not archived")
        after = self.s.wait_order(p, plan="replaced", fulfilment="READY")
        self.assertEqual(self.answers(after), 200)
        count = stack_http.request("GET", after["endpoint"] + "info.json").json()
        self.assertNotIn(1, [v for k, v in count.items() if "count" in k or "visit" in k])

    def test_at_renewal(self):
        """Bought now, served when the term ends; the page says which plan serves until when."""
        p, page, order = self.ready()
        self.assertNotIn("coming", self.s.status(page))
        op = self.s.settled(self.change(p, "later"))
        self.assertEqual(op["status"], "Succeeded")
        after = self.s.wait_order(p, plan="later")
        self.s.quiet()
        self.assertEqual(self.effects(order).count("spec"), 1)
        self.assertEqual(self.s.order_of(p)["fulfilment"], "READY")
        coming = self.s.status(page)["coming"]
        self.assertEqual((coming["plan"], coming["at"]), ("later", int(after["plan_until"])))
        self.assertIn("Until then you keep plan starter.", coming["text"])
        text = stack_http.request("GET", page).text
        self.assertIn(coming["text"], text)
        self.assertIn("· starter</p>", text)
        shown = json.loads(self.s.cli("describe", "order", after["id"], "-o", "json").stdout)
        told = shown["marketplace"]
        self.assertEqual((told["plan"], told["served_plan"]), ("later", "starter"))
        self.assertEqual(told["plan_until"] is None or told["plan_since"] is None, False)

    def test_quantity(self):
        p, _, order = self.ready("seats", quantity=5)
        self.assertEqual(order["quantity"], "5")
        op = self.s.azure_do(p, "change-quantity", quantity=8)["operation"]
        self.assertEqual(self.s.settled(op)["by"], "publisher")
        self.s.wait_order(p, quantity="8", fulfilment="READY")
        self.s.quiet()
        self.assertEqual(self.effects(order).count("spec"), 2)

    def test_change_before_the_activation_is_over(self):
        """Bought, registered, and changed while it is being made."""
        self.s.settings(settle_ms=1500)
        p = self.s.buy("starter")
        page = self.arrive(p)
        self.s.wait_sub(p, "Subscribed", 30)
        self.s.settled(self.change(p, "enterprise"))
        self.s.wait_ready(page)
        self.s.wait_order(p, plan="enterprise", fulfilment="READY", contract="ACTIVE")

    def test_publishers_own_change(self):
        """A change that the seller made in another tool: same operation id, source Partner."""
        p, _, order = self.ready()
        calls = len(self.s.ledger("SaasSettle", p["id"]))
        self.partner(p, "enterprise")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.quiet()
        op = [o for o in self.s.operations(p) if o["source"] == "Partner"][0]
        self.assertEqual(op["status"], "Succeeded")
        self.assertEqual(len(self.s.ledger("SaasSettle", p["id"])), calls)  # 500 if we had
        self.assertEqual(self.effects(order).count("create"), 1)

    def partner(self, purchase, plan):
        token = stack_http.request(
            "POST", self.s.store_url("/entra/%s/oauth2/v2.0/token" % TENANT),
            {"grant_type": "client_credentials", "client_secret": self.s.files.azure["azure"],
             "client_id": "8f4a0000-0000-4000-8000-00000000000b",
             "scope": "20e940b3-4c77-4b0b-9a53-9e16a1b010a7/.default"}).json()["access_token"]
        a = stack_http.request(
            "PATCH", self.s.store_url("/azure/api/saas/subscriptions/%s?api-version=2018-08-31"
                                      % purchase["id"]),
            b'{"planId":"%s"}' % plan.encode(), {"Authorization": "Bearer " + token,
                                                 "Content-Type": "application/json"})
        self.assertEqual(a.status, 202, a)


class Life(AzureCase):
    def test_suspend_and_reinstate(self):
        p, page, order = self.ready()
        self.s.azure_do(p, "suspend")
        self.s.wait_order(p, contract="SUSPENDED", fulfilment="SUSPENDED")
        self.assertNotEqual(self.answers(order), 200)
        self.assertIn("payment", stack_http.request("GET", page).text)
        op = self.s.azure_do(p, "reinstate")["operation"]
        self.assertEqual(self.s.settled(op)["by"], "publisher")
        self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
        self.assertEqual(self.answers(order), 200)
        self.assertEqual(self.effects(order).count("create"), 1)

    def test_reinstate_overtakes_suspend(self):
        p, _, order = self.ready()
        self.fault("event:Suspend", "delay", ms=2500)
        self.s.azure_do(p, "suspend")
        self.s.azure_do(p, "reinstate")
        self.s.wait_sub(p, "Subscribed")
        self.s.until(lambda: all(o["delivered"] for o in self.s.operations(p)), 20, "not delivered")
        self.s.quiet()
        after = self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
        self.assertEqual(self.answers(after), 200)
        self.assertNotIn("delete", self.effects(order))

    def test_unsubscribe_overtakes_everything(self):
        p, _, order = self.ready()
        self.fault("event:Renew", "delay", ms=2500)
        self.s.azure_do(p, "renew")
        self.s.azure_do(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.s.until(lambda: all(o["delivered"] for o in self.s.operations(p)), 20, "not delivered")
        self.s.quiet()
        self.assertEqual(self.s.order_of(p)["contract"], "CANCELLED")

    def test_renew(self):
        p, _, order = self.ready()
        self.s.azure_do(p, "renew")
        self.s.until(lambda: int(self.s.order_of(p)["ends"]) > int(order["ends"]) + 20 * DAY_MS, 20,
                     "the new term is not read")
        self.assertEqual(self.s.order_of(p)["fulfilment"], "READY")
        after = self.s.order_of(p)  # endDate is the last day that is paid for
        self.assertEqual(self.s.azure_state(p)["end"][:10], time.strftime(
            "%Y-%m-%d", time.gmtime(int(after["ends"]) / 1000 - 1)))
        self.assertEqual(after["starts"], order["starts"])  # the term that runs has begun

    def test_seven_days_at_least(self):
        p, page, order = self.ready("brief")  # grace: 2s
        self.s.azure_do(p, "cancel")
        after = self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        left = int(after["delete_at"]) - int(after["at_ended"])
        self.assertEqual(left, 7 * DAY_MS)
        time.sleep(2.5)
        self.s.quiet()
        self.assertNotIn("delete", self.effects(order))
        self.assertEqual(self.s.status(page)["state"], "ending")

    def test_cancelled_while_suspended(self):
        p, _, order = self.ready()
        self.s.azure_do(p, "suspend")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        self.s.azure_do(p, "cancel")
        after = self.s.wait_order(p, contract="CANCELLED")
        self.assertGreater(int(after["delete_at"]), int(after["at_ended"]))
        self.assertNotIn("delete", self.effects(order))

    def test_renewal_switched_off(self):
        """No webhook tells of it: it shows with the next reading, here that of a Renew."""
        p, page, _ = self.ready()
        self.s.azure_do(p, "auto-renew", on=False)
        self.s.azure_do(p, "renew")
        self.s.wait_order(p, no_renewal="1")
        self.assertIn("does not renew", stack_http.request("GET", page).text)

    def test_bought_again_after_the_end(self):
        p, _, order = self.ready()
        self.s.azure_do(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        _, _, again = self.ready()
        self.assertNotEqual(again["tenant"], order["tenant"])
        self.assertNotEqual(self.answers(order), 200)


class Clock(AzureCase):
    """The marketplace's clock runs ahead of ours."""

    def test_thirty_days_suspended(self):
        p, _, order = self.ready()
        self.s.azure_do(p, "suspend")
        self.s.wait_order(p, contract="SUSPENDED", fulfilment="SUSPENDED")
        self.s.sandbox("POST", "clock", {"advance_ms": 30 * DAY_MS + 60000})
        self.s.wait_sub(p, "Unsubscribed")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.assertNotIn("delete", self.effects(order))


if __name__ == "__main__":
    unittest.main()
