#!/usr/bin/python3
"""Purchases on Microsoft's marketplace, from the landing to the activation; the sandbox's record of
the subscription is the judge: what it calls activated is billed."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from azure_rig import TEAM, AzureCase
from faults import buyer

HOUR_MS = 3600 * 1000


class Purchase(AzureCase):
    def test_activated_after_health_only(self):
        p = self.s.buy("starter")
        registration = self.s.azure_sign_in(self.s.azure_land(p), "bob")
        self.s.form(registration)
        order = self.s.wait_order(p, contract="PENDING", commit="held")
        self.assertNotIn("tenant", order)
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        page = self.s.register(registration, buyer())
        self.s.wait_ready(page)
        order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE", standing="active")
        state = self.s.azure_state(p)
        self.assertEqual((state["status"], state["activated"]), ("Subscribed", 1))
        self.assertLess(self.s.health.healthy[order["tenant"]], self.s.began(p) + 1000)
        self.assertEqual(self.effects(order)[0], "create")
        self.assertEqual(self.answers(order), 200)

    def test_activation_takes_its_time(self):
        """200 of activate is not Subscribed."""
        self.s.settings(settle_ms=HOUR_MS)
        self.addCleanup(self.s.sandbox, "POST", "clock", {"offset_ms": 0})
        p = self.s.buy("starter")
        page = self.arrive(p)
        self.s.until(lambda: self.s.azure_state(p)["activate_calls"] == 1, 20, "no activation")
        order = self.s.order_of(p)
        self.assertEqual((order["contract"], order["commit"]), ("PENDING", "asked"))
        self.assertNotEqual(self.s.status(page)["state"], "ready")
        self.s.sandbox("POST", "clock", {"advance_ms": HOUR_MS})
        self.s.wait_ready(page)
        self.assertEqual(self.s.azure_state(p)["activated"], 1)

    def test_activation_fails(self):
        """The marketplace says 200, and Unsubscribe a little later: the environment goes."""
        p = self.s.buy("starter", activate_fails=True)
        self.arrive(p)
        self.s.wait_sub(p, "Unsubscribed", 30)
        order = self.s.wait_order(p, contract="CANCELLED")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        self.assertEqual(self.s.azure_state(p)["activated"], 0)
        self.assertNotEqual(self.answers(order), 200)

    def test_answer_of_activate_is_lost(self):
        for kind in ("timeout-after-effect", "5xx", "truncate", "throttle"):
            with self.subTest(kind):
                self.fault("SaasActivate", kind, ms=300)
                p, _, _ = self.ready()
                self.assertEqual(self.s.azure_state(p)["activated"], 1)

    def test_strict_activate(self):
        """Activating twice is an error, and the first answer was lost."""
        self.s.settings(strict_activate=True)
        self.fault("SaasActivate", "timeout-after-effect", ms=200)
        self.ready()

    def test_trial_private_test_and_three_years(self):
        for plan, more, fields in (
                ("starter", {"trial": True}, {"trial": "1"}),
                ("later", {"private_offer": "11111111-2222-4333-8444-555555555555"}, {}),
                ("starter", {"test": True}, {"test": "1"}),
                ("enterprise", {}, {"term": "P3Y"})):
            with self.subTest(plan=plan, **more):
                p, _, order = self.ready(plan, **more)
                for k, v in fields.items():
                    self.assertEqual(order.get(k), v)
                self.assertGreater(int(order["ends"]), int(order["starts"]))
        p, _, order = self.ready("starter", trial=True)
        self.s.azure_do(p, "renew")
        self.s.wait_order(p, trial="")

    def test_reseller(self):
        p, _, order = self.ready("starter", reseller=True)
        self.assertEqual(order["read_only"], "1")

    def test_starts_later(self):
        p = self.s.buy("starter", start_in_ms=4000)
        page = self.arrive(p)
        self.s.wait_ready(page)
        self.assertEqual(self.s.azure_state(p)["activated"], 1)

    def test_every_style_at_once(self):
        for quantity in ("null", "empty", "string"):
            self.s.settings(quantity=quantity, times="no-zone", padded=True, extra=True,
                            sparse=True, minimal=True, jwt_version=1)
            p, page, order = self.ready("starter")
            q, _, seats = self.ready("seats", quantity=7)
            self.assertEqual(seats["quantity"], "7")
            op = self.s.azure_do(q, "change-quantity", quantity=9)["operation"]
            self.assertEqual(self.s.settled(op)["by"], "publisher")
            self.s.wait_order(q, quantity="9", fulfilment="READY")
            self.s.azure_do(p, "unknown", action="Metamorphose")
            self.s.azure_do(p, "suspend")
            self.s.wait_order(p, contract="SUSPENDED", fulfilment="SUSPENDED")
            self.s.azure_do(p, "reinstate")
            self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
            self.s.azure_do(p, "cancel")
            self.s.wait_order(p, contract="CANCELLED")


class Held(AzureCase):
    """Environments that do not come up, and what the seller wants then."""

    def cured(self, on):
        path = self.s.health.environments + "/cured"
        if on:
            with open(path, "w"):
                pass
        elif os.path.exists(path):
            os.unlink(path)

    def setUp(self):
        self.cured(False)

    def test_never_healthy_is_never_activated(self):
        def alerts():
            return self.s.mails(TEAM, "(?i)charge|deadline|waits")
        p, before = self.s.buy("sick"), len(alerts())
        page = self.arrive(p)
        self.s.until(lambda: len(alerts()) > before, 30, "no alert")
        state = self.s.azure_state(p)
        self.assertEqual((state["status"], state["activate_calls"]), ("PendingFulfillmentStart", 0))
        self.cured(True)
        self.s.wait_ready(page)
        self.assertEqual(self.s.azure_state(p)["activated"], 1)

    def test_engine_that_fails(self):
        p = self.s.buy("broken")
        self.arrive(p)
        self.s.wait_order(p, registered="1", contract="PENDING")
        self.s.wait_order(p, fulfilment="FAILED")
        self.s.alert("failed")
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)

    def test_cancelled_while_it_is_made(self):
        p = self.s.buy("sick")
        page = self.arrive(p)
        self.s.wait_order(p, fulfilment="VERIFYING")
        self.s.azure_do(p, "cancel")
        order = self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.cured(True)
        self.s.quiet()
        self.assertNotEqual(self.answers(order), 200)
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        self.assertEqual(self.s.status(page)["billing"], "never")

    def test_a_plan_that_is_not_configured(self):
        """No other plan takes its place, nothing is activated, the team is told."""
        p = self.s.buy("unknown")
        page = self.arrive(p)
        order = self.s.wait_order(p, fulfilment="STUCK", plan_id="unknown")
        self.assertNotIn("plan", order)
        self.assertEqual(self.effects(order), [])
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        self.assertEqual(self.s.status(page)["billing"], "held_failed")
        self.s.alert("does not know")
        q = self.s.buy("unknown", auto_activate=True)
        self.assertEqual(self.effects(self.s.wait_order(q, fulfilment="STUCK")), [])
        r, _, before = self.ready()
        op = self.s.settled(self.s.azure_do(r, "change-plan", plan="unknown")["operation"])
        self.assertEqual((op["status"], op["by"]), ("Failed", "publisher"))
        self.s.quiet()
        self.assertEqual(self.s.order_of(r)["plan"], "starter")
        self.assertEqual(self.effects(before).count("spec"), 1)

    def test_deadline_rejects(self):
        p = self.s.buy("sickreject")
        self.arrive(p)
        state = self.s.wait_sub(p, "Unsubscribed", 30)
        self.assertEqual(state["activate_calls"], 0)
        self.assertEqual(len(self.s.ledger("SaasDelete", p["id"])), 1)
        order = self.s.wait_order(p, fulfilment="CLOSED", contract="CANCELLED")
        self.assertEqual(self.effects(order).count("create"), self.effects(order).count("delete"))

    def test_deadline_rejects_before_anybody_came(self):
        """The event of a purchase that nobody landed with does not exist: the list tells of it."""
        p = self.s.buy("sickreject")
        self.s.azure_sign_in(self.s.azure_land(p), "bob")
        self.s.wait_sub(p, "Unsubscribed", 30)
        self.s.wait_order(p, contract="CANCELLED")

    def test_deadline_commits(self):
        p = self.s.buy("sickcommit")
        self.arrive(p)
        state = self.s.wait_sub(p, "Subscribed", 30)
        self.assertEqual(state["activated"], 1)
        order = self.s.wait_order(p, contract="ACTIVE")
        self.assertNotIn(order["tenant"], self.s.health.healthy)

    def test_at_registration(self):
        p = self.s.buy("early")
        registration = self.s.azure_sign_in(self.s.azure_land(p), "bob")
        self.s.form(registration)
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        self.s.register(registration, buyer())
        self.s.wait_sub(p, "Subscribed", 30)
        self.assertNotEqual(self.s.wait_order(p, contract="ACTIVE")["fulfilment"], "READY")

    def test_approved_by_hand(self):
        p = self.s.buy("manual")
        page = self.arrive(p)
        order = self.s.wait_order(p, hold="approval")
        self.s.quiet()
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        self.assertEqual(self.effects(order), [])
        done = self.s.cli("approve", "order", order["id"], "--reason", "known customer")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.s.wait_ready(page)
        self.assertEqual(self.s.azure_state(p)["activated"], 1)

    def test_rejected_by_hand(self):
        p = self.s.buy("manual")
        self.arrive(p)
        order = self.s.wait_order(p, hold="approval")
        done = self.s.cli("reject", "order", order["id"], "--reason", "sanctioned", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        state = self.s.wait_sub(p, "Unsubscribed")
        self.assertEqual(state["activate_calls"], 0)
        self.s.wait_order(p, contract="CANCELLED", fulfilment="CLOSED")
        self.assertEqual(self.effects(order), [])

    def test_a_reseller_holds_what_shall_be_rejected(self):
        """Read only: Microsoft refuses the DELETE. Nothing is activated, somebody is told."""
        p = self.s.buy("sickreject", reseller=True)
        self.arrive(p)
        self.s.until(lambda: self.s.mails(TEAM, "refuses what we ask"), 60, "no mail")
        state = self.s.azure_state(p)
        self.assertEqual((state["status"], state["activate_calls"]), ("PendingFulfillmentStart", 0))
        self.assertEqual(len(self.s.ledger("SaasDelete", p["id"])), 1)


class Unattended(AzureCase):
    """Plans that Microsoft activates by itself: an environment with no landing."""

    def bought(self):
        p = self.s.buy("auto")
        order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")
        self.assertEqual(self.answers(order), 200)
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        return p, order

    def test_later_landing_claims_that_tenant(self):
        p, order = self.bought()
        first = self.arrive(self.s.token(p), "alice")
        self.s.wait_ready(first)
        after = self.s.wait_order(p, registered="1", fulfilment="READY")
        self.assertEqual(after["tenant"], order["tenant"])
        self.assertEqual(self.effects(order).count("create"), 1)
        for account in ("alice", "bob", "carol"):  # twice, and a colleague
            registration = self.s.azure_sign_in(self.s.azure_land(self.s.token(p)), account)
            self.s.until(lambda r=registration: stack_http.request("GET", r).status == 303, 20,
                         account + " is not led to the status page")
        after = self.s.order_of(p)
        self.assertEqual((after["tenant"], after["fulfilment"]), (order["tenant"], "READY"))
        self.assertEqual(self.effects(order).count("create"), 1)

    def test_the_form_asks_for_no_region_then(self):
        """It runs somewhere already; a plan without a choice of regions has none to leave."""
        p = self.s.buy("auto")
        order = self.s.wait_order(p, fulfilment="READY")
        self.assertEqual(self.region(order), "westeurope")
        self.s.wait_ready(self.arrive(self.s.token(p)))
        self.s.wait_order(p, registered="1", fulfilment="READY")
        self.assertEqual(self.region(order), "westeurope")
        q, _, order = self.ready()
        self.s.azure_do(q, "change-plan", plan="auto")
        self.s.wait_order(q, plan="auto", fulfilment="READY")
        self.s.until(lambda: self.s.redis("HGET", "{p0}:t:" + order["tenant"], "plan") ==
                     "auto", 20, "nothing was changed")
        self.assertEqual(self.region(order), "")

    def test_a_stranger_does_not_claim_it(self):
        p, order = self.bought()
        registration = self.s.azure_sign_in(self.s.azure_land(self.s.token(p)), "mallory")
        self.s.until(lambda: "another account" in
                     stack_http.request("GET", registration).text, 20, "no refusal")
        self.assertEqual(self.s.order_of(p)["registered"], "0")
        self.assertNotIn(order["endpoint"], stack_http.request("GET", registration).text)

    def test_ended_before_anybody_came(self):
        p, order = self.bought()
        self.s.azure_do(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.assertNotEqual(self.answers(order), 200)

    def test_landing_overtakes_the_event(self):
        self.fault("event:Subscribe", "delay", ms=4000)
        p = self.s.buy("auto")
        page = self.arrive(self.s.token(p), "alice")
        self.s.wait_ready(page)
        order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")
        self.s.until(lambda: self.s.operations(p)[0]["delivered"], 20, "no webhook")
        self.s.quiet()
        self.assertEqual(self.effects(order).count("create"), 1)


if __name__ == "__main__":
    unittest.main()
