#!/usr/bin/python3
"""What happens later to an order of Google's marketplace: changes of plan, cancellation and its
withdrawal, renewals and offers, suspension, and the erasure that Google asks for."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from gcp_rig import UNKNOWN, GcpCase, Listing


class Plan(GcpCase):
    def change(self, p, plan, when="now"):
        self.s.gcp_do(p, "change-plan", plan=plan, when=when)

    def test_accepted(self):
        p, _, _, before = self.ready()
        self.change(p, "enterprise")
        after = self.s.wait_order(p, plan="enterprise", fulfilment="READY", pending_plan="")
        self.assertEqual((after["tenant"], after["contract"]), (before["tenant"], "ACTIVE"))
        self.assertEqual(self.s.calls("entitlements.approvePlanChange", p), 1)
        self.assertEqual((self.state(p), self.s.google(p)["plan"]), ("ACTIVE", "enterprise"))
        self.s.quiet()
        self.assertEqual(self.effects(after)[:3], ["create", "spec", "serve"])
        self.assertNotIn("delete", self.effects(after))

    def test_refused(self):
        """Refused by the pair's rule; Google hears which plan is meant."""
        p, _, _, before = self.ready()
        self.change(p, "fixed")
        self.wait_state(p, "ACTIVE")
        self.s.until(lambda: self.s.calls("entitlements.rejectPlanChange", p) == 1, 60, "silent")
        self.s.quiet()
        after = self.s.order_of(p)
        self.assertEqual((after["plan"], after.get("pending_plan", "")), ("starter", ""))
        self.assertEqual(self.s.google(p)["plan"], "starter")
        self.assertEqual(self.effects(after), self.effects(before))

    def test_at_the_end_of_the_cycle(self):
        p, _, page, before = self.ready()
        self.change(p, "enterprise", "cycle-end")
        self.s.wait_order(p, pending_plan="enterprise", plan="starter", contract="ACTIVE")
        self.wait_state(p, "PENDING_PLAN_CHANGE")
        self.s.wait_order(p, next_plan="enterprise")
        self.s.quiet()
        self.assertEqual(self.s.order_of(p)["plan"], "starter")
        self.assertEqual(self.effects(self.s.order_of(p)), self.effects(before))
        coming = self.s.status(page)["coming"]
        self.assertEqual((coming["plan"], coming.get("at")), ("enterprise", None))
        self.assertIn("at the end of your current billing period. Until then you keep plan starter",
                      self.s.status_text(page))
        self.s.gcp_do(p, "settle")
        self.s.wait_order(p, plan="enterprise", pending_plan="", next_plan="", fulfilment="READY")
        self.assertNotIn("coming", self.s.status(page))

    def test_to_an_offer_at_the_end_of_the_cycle(self):
        """Of an offer Google tells the day."""
        p, _, page, _ = self.ready()
        self.s.gcp_do(p, "change-plan", plan="enterprise", when="cycle-end", offer=True)
        order = self.s.wait_order(p, next_plan="enterprise", plan="starter")
        coming = self.s.status(page)["coming"]
        self.assertEqual(coming["at"], int(order["next_at"]))
        self.assertRegex(coming["text"], r"^Your plan changes to enterprise on \d+ \w+ \d{4}\.")
        self.s.gcp_do(p, "cancel-plan-change")
        self.s.wait_order(p, next_plan="", next_at="", pending_plan="")
        self.assertNotIn("coming", self.s.status(page))

    def test_withdrawn_after_it_was_accepted(self):
        p, _, _, before = self.ready()
        self.change(p, "enterprise", "cycle-end")
        self.wait_state(p, "PENDING_PLAN_CHANGE")
        self.s.wait_order(p, pending_plan="enterprise", change_at="")
        self.s.gcp_do(p, "cancel-plan-change")
        self.s.wait_order(p, pending_plan="", plan="starter", contract="ACTIVE")
        self.s.quiet()
        self.assertEqual(self.effects(self.s.order_of(p)), self.effects(before))

    def test_withdrawn_before_it_is_answered(self):
        """Nothing waits any more when lastmile looks: nothing is answered."""
        p, _, _, _ = self.ready()
        self.s.quiet()
        self.s.parts["worker"].stop()
        self.change(p, "enterprise")
        self.s.gcp_do(p, "cancel-plan-change")
        self.s.parts["worker"].start()
        self.s.quiet()
        self.assertEqual(self.s.ledger("gcp.entitlements.approvePlanChange", p), [])
        self.assertEqual(self.s.order_of(p)["plan"], "starter")

    def test_another_plan_asked_for_meanwhile(self):
        """The answer is to what is asked now, not to what the event told."""
        p, _, _, _ = self.ready()
        self.s.quiet()
        self.s.parts["worker"].stop()
        self.change(p, "brief")
        self.s.gcp_do(p, "cancel-plan-change")
        self.change(p, "enterprise")
        self.s.parts["worker"].start()
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.quiet()
        self.assertEqual(self.s.google(p)["plan"], "enterprise")

    def test_to_an_unknown_plan(self):
        """Held and told, never taken for another plan, never asked again and again."""
        p, _, _, before = self.ready()
        self.s.quiet()
        told = len(self.s.ledger("gcp.entitlements.patch", p, "ok"))
        self.change(p, UNKNOWN)
        self.s.until(lambda: self.s.alerts("does not know"), 60, "no alert")
        self.s.quiet()
        self.assertEqual(self.state(p), "PENDING_PLAN_CHANGE_APPROVAL")
        self.assertEqual(len(self.s.ledger("gcp.entitlements.patch", p, "ok")), told + 1)
        after = self.s.order_of(p)
        self.assertEqual((after["plan"], after["fulfilment"]), ("starter", "READY"))
        self.assertEqual(self.effects(after), self.effects(before))

    def test_bought_with_an_unknown_plan(self):
        p = self.s.buy(plan=UNKNOWN)
        registration = self.s.land(p)
        self.s.register(registration, "held@example.com")
        self.s.until(lambda: self.s.alerts("does not know"), 60, "no alert")
        order = self.s.wait_order(p, fulfilment="STUCK")
        self.assertEqual(self.effects(order), [])
        self.assertEqual(self.state(p), "ACTIVATION_REQUESTED")
        self.assertEqual(self.s.calls("entitlements.approve", p), 0)

    def test_term_of_a_plan(self):
        _, _, _, order = self.ready(plan="starter-P1Y")
        self.assertEqual((order["plan"], order["term"]), ("starter", "P1Y"))

    def test_at_renewal(self):
        """Our own rule may wait for the end of the term, too."""
        p, _, _, before = self.ready(plan="renewal", offer=True, duration="P1Y")
        self.change(p, "enterprise")
        self.wait_state(p, "ACTIVE")
        self.s.wait_order(p, plan="enterprise")
        self.s.quiet()
        self.assertEqual(self.s.order_of(p)["fulfilment"], "READY")
        self.assertNotIn("delete", self.effects(before))


class End(GcpCase):
    def answers(self, order):
        return stack_http.request("GET", order["endpoint"]).status

    def effect_at(self, order, effect):
        """When it came, by the clock of the machine, in ms."""
        with open(self.s.v["var"] + "/effects") as f:
            rows = [line.split() for line in f]
        return max(int(r[3]) for r in rows if r[:2] == [effect, order["tenant"]])

    def test_cycle_end_reverted_then_now(self):
        p, _, page, order = self.ready()
        self.s.gcp_do(p, "cancel", when="cycle-end")
        self.s.wait_order(p, no_renewal="1", contract="ACTIVE", fulfilment="READY")
        self.s.quiet()
        self.assertEqual(self.answers(order), 200)
        self.assertIn("ends on", self.s.status_text(page))
        self.s.gcp_do(p, "revert-cancel")
        self.s.wait_order(p, no_renewal="", ends="", contract="ACTIVE", fulfilment="READY")
        self.assertNotIn("ends on", self.s.status_text(page))
        self.s.gcp_do(p, "cancel", when="now")
        after = self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.assertNotEqual(self.answers(order), 200)
        self.assertEqual(int(after["delete_at"]) - int(after["at_ended"]), 30 * 24 * 3600 * 1000)

    def test_end_of_the_cycle_comes(self):
        p, _, _, _ = self.ready()
        self.s.gcp_do(p, "cancel")
        self.s.wait_order(p, no_renewal="1")
        self.s.gcp_do(p, "settle")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")

    def test_grace(self):
        p, _, _, order = self.ready(plan="brief")
        q, _, _, kept = self.ready(plan="kept")
        for x in (p, q):
            self.s.gcp_do(x, "cancel", when="now")
        self.s.wait_order(p, fulfilment="CLOSED")
        after = self.s.wait_order(q, fulfilment="CLOSED")
        self.assertEqual(self.effects(order), ["create", "spec", "serve", "suspend", "delete"])
        self.assertEqual(self.effects(kept), ["create", "spec", "serve", "delete"])
        self.assertGreaterEqual(self.effect_at(kept, "delete"), int(after["at_ended"]) + 4000)

    def test_deleted_by_the_seller(self):
        """Google lets only its buyer end it: the team is told, and the page says what is true."""
        p, _, page, order = self.ready()
        done = self.s.cli("delete", "order", order["id"], "--reason", "as the test says",
                          "--confirm", order["tenant"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.s.until(lambda: self.s.alerts("still paid for"), 60, "nobody was told")
        self.s.wait_order(p, fulfilment="CLOSED")
        status = self.s.status(page)
        self.assertEqual((status["state"], status["billing"], status["terminal"]),
                         ("closed", "removed", False))
        self.s.gcp_do(p, "cancel", when="now")
        self.s.wait_order(p, contract="CANCELLED")
        status = self.s.status(page)
        self.assertEqual((status["billing"], status["terminal"]), ("ended", True))

    def test_renewed(self):
        p, _, _, before = self.ready()
        self.s.gcp_do(p, "renew")
        self.s.quiet()
        after = self.s.order_of(p)
        self.assertEqual((after["contract"], after["fulfilment"], after["tenant"]),
                         ("ACTIVE", "READY", before["tenant"]))
        self.assertEqual(self.effects(after), self.effects(before))

    def test_offer_ended_both_ways(self):
        p, _, _, _ = self.ready(offer=True, duration="P1Y")
        q, _, _, _ = self.ready(offer=True, end_in_ms=3600000)
        self.s.gcp_do(p, "offer-ended", then="continue")
        self.s.gcp_do(q, "offer-ended", then="cancel")
        self.s.wait_order(q, contract="CANCELLED", fulfilment="SUSPENDED")
        self.s.quiet()
        after = self.s.order_of(p)
        self.assertEqual((after["contract"], after["fulfilment"]), ("ACTIVE", "READY"))

    def test_suspended(self):
        """No event tells of it: seen by whatever makes lastmile look."""
        p, _, _, order = self.ready()
        self.s.gcp_do(p, "suspend")
        self.poke(p)
        self.s.wait_order(p, contract="SUSPENDED", fulfilment="SUSPENDED")
        self.assertNotEqual(self.answers(order), 200)
        self.s.gcp_do(p, "resume")
        self.poke(p)
        self.s.wait_order(p, contract="ACTIVE", fulfilment="READY")
        self.assertEqual(self.answers(order), 200)

    def poke(self, p):
        """Any event of the order."""
        self.s.sandbox("POST", "gcp/events", {"product": p["product"], "data": {
            "eventId": "poke-%f" % time.time(), "eventType": "ENTITLEMENT_RENEWED",
            "providerId": "acme-public", "entitlement": {"id": p["entitlement_id"]}}})

    def test_bought_again_after_the_end(self):
        """Never back to free, never back to the old environment."""
        p, _, _, order = self.ready()
        self.s.gcp_do(p, "cancel", when="now")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        q = self.s.buy(account=p["account"])
        after = self.s.wait_order(q, fulfilment="READY", contract="ACTIVE")
        self.assertNotEqual(after["tenant"], order["tenant"])
        self.assertEqual(self.s.order_of(p)["fulfilment"], "SUSPENDED")

    def test_abandoned_at_google(self):
        """The buyer takes his order back before it was approved."""
        p = self.s.buy()
        registration = self.s.land(p)
        self.s.form(registration)
        self.s.gcp_do(p, "abandon")
        self.s.wait_order(p, contract="CANCELLED")
        self.s.quiet()
        self.assertEqual(self.s.calls("entitlements.approve", p), 0)
        self.assertNotIn("tenant", self.s.order_of(p))

    def test_abandoned_while_it_is_made(self):
        p = self.s.buy(plan="manual")
        self.s.register(self.s.land(p), "gone@example.com")
        order = self.s.wait_order(p, hold="approval")
        self.s.gcp_do(p, "abandon")
        self.s.wait_order(p, contract="CANCELLED")
        self.s.cli("approve", "order", order["id"], "--reason", "too late")
        self.s.quiet()
        self.assertEqual(self.s.calls("entitlements.approve", p), 0)
        self.assertNotIn("serve", self.effects(self.s.order_of(p))[-1:])


class Erase(GcpCase):
    options = {"products": [Listing(multiple_orders=True)]}
    PERSONAL = ("email", "buyer_email", "account", "form", "fields")

    def check_erased(self, p, mail, order):
        after = self.s.wait_order(p, fulfilment="CLOSED")
        self.assertEqual({k: after[k] for k in self.PERSONAL if after.get(k)}, {})
        self.assertEqual(self.effects(order)[-1], "delete")
        self.s.quiet()
        self.assertEqual([a for a in self.s.archives() if order["tenant"] in a], [])
        self.assertEqual(self.whereabouts(mail), [])

    def whereabouts(self, mail):
        """Keys of Redis that still hold the buyer's address."""
        found = []
        for key in self.s.redis("KEYS", "*"):
            kind = self.s.redis("TYPE", key)
            if kind == "hash" and any(mail in v for v in self.s.redis("HGETALL", key)):
                found.append(key)
            elif kind == "stream" and mail in str(self.s.redis("XRANGE", key, "-", "+")):
                found.append(key)
        return found

    def test_entitlement_deleted(self):
        p, mail, _, order = self.ready()
        self.s.gcp_do(p, "cancel", when="now")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        self.s.gcp_do(p, "delete")
        self.check_erased(p, mail, order)

    def test_account_deleted(self):
        p, mail, _, order = self.ready()
        q = self.s.buy(account=p["account"])
        other = self.s.wait_order(q, fulfilment="READY")
        self.s.sandbox("POST", "gcp/accounts/%s/delete" % p["account"])
        self.check_erased(p, mail, order)
        self.check_erased(q, mail, other)

    def test_account_event_alone(self):
        """The events of its orders are lost."""
        p, mail, _, order = self.ready()
        self.s.quiet()
        self.fault("event:ENTITLEMENT", "drop", count=20)
        self.s.sandbox("POST", "gcp/accounts/%s/delete" % p["account"])
        self.check_erased(p, mail, order)

    def test_forged_deletion(self):
        """Told that it is deleted while Google shows it: nothing is erased."""
        p, _, _, order = self.ready()
        for kind, what in (("ENTITLEMENT_DELETED", {"entitlement": {"id": p["entitlement_id"]}}),
                           ("ACCOUNT_DELETED", {"account": {"id": p["account"]}}),
                           ("ENTITLEMENT_CANCELLED", {"entitlement": {"id": p["entitlement_id"]}})):
            self.s.sandbox("POST", "gcp/events", {"product": p["product"], "data": dict(
                what, eventId="forged-" + kind, eventType=kind, providerId="acme-public")})
        self.s.quiet()
        after = self.s.order_of(p)
        self.assertEqual((after["contract"], after["fulfilment"], after.get("erase", "")),
                         ("ACTIVE", "READY", ""))
        self.assertEqual(self.effects(after), self.effects(order))


if __name__ == "__main__":
    unittest.main()
