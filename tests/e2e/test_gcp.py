#!/usr/bin/python3
"""The gcp channel against the sandbox's Google: sign-up, approval after health, orders without a
landing, and the modes of approval. What Google holds decides whether a test has passed."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import before, buyer
from gcp_rig import GcpCase, Listing


def at(lines):
    return [e["seq"] for e in lines]


class Arrival(GcpCase):
    options = {"late_after": "3s"}

    def test_account_then_environment_then_charge(self):
        """The sign-up is approved first, the order only when the environment has answered."""
        p, mail, page, order = self.ready()
        signup = self.s.ledger("gcp.accounts.approve")
        commit = self.s.ledger("gcp.entitlements.approve", p, "ok")
        self.assertEqual(len(commit), 1)
        self.assertLess(min(at(signup)), commit[0]["seq"])
        self.assertEqual(self.state(p), "ACTIVE")
        self.assertEqual(self.s.account(p)["approval"].upper(), "APPROVED")
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])
        self.assertEqual(order["commit"], "done")
        self.assertEqual(len(self.s.wait_mails(mail, 1, "ready")), 1)

    def test_never_approved_while_unhealthy(self):
        p = self.s.buy(plan="sick")
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_order(p, fulfilment="VERIFYING")
        self.s.until(lambda: self.s.alerts("is late"), 60, "no alert")
        self.assertEqual(self.state(p), "ACTIVATION_REQUESTED")
        self.assertEqual(self.s.ledger("gcp.entitlements.approve", p), [])
        self.assertIn("not charged", self.s.status_text(page))

    def test_what_begins_later_is_not_late(self):
        def waits(ms):
            p, mail = self.s.buy(plan="starter", offer=True, start_in_ms=ms), buyer()
            page = self.s.register(self.s.land(p), mail)
            self.s.wait_order(p, standing="scheduled")
            time.sleep(5)  # late_after, and two seconds more
            self.assertNotIn("longer than usual", self.s.status_text(page))
            self.assertEqual(self.s.mails(mail, "longer than usual"), [])
            return page
        self.s.wait_ready(before(9000, waits), 120)

    def test_deadline(self):
        """reject: gone at Google and here; commit: charged although it never answered; alert."""
        made = {plan: self.s.buy(plan="sick-" + plan) for plan in ("reject", "commit", "alert")}
        pages = {plan: self.s.register(self.s.land(p), buyer()) for plan, p in made.items()}
        self.wait_state(made["reject"], "CANCELLED")
        self.wait_state(made["commit"], "ACTIVE")
        self.s.wait_order(made["reject"], fulfilment="CLOSED", contract="CANCELLED")
        self.s.wait_order(made["commit"], contract="ACTIVE")
        self.s.until(lambda: self.s.alerts("charge still waits"), 60, "no alert")
        self.assertEqual(self.state(made["alert"]), "ACTIVATION_REQUESTED")
        self.assertEqual(self.s.ledger("gcp.entitlements.approve", made["reject"]), [])
        self.assertNotIn("is ready", self.s.status_text(pages["reject"]))

    def test_at_registration(self):
        p = self.s.buy(plan="early")
        self.s.register(self.s.land(p), buyer())
        self.wait_state(p, "ACTIVE")
        self.s.wait_order(p, contract="ACTIVE")

    def test_manual(self):
        """Google is asked only when a person has said so; a rejected order is removed."""
        p, q = self.s.buy(plan="manual"), self.s.buy(plan="manual")
        pages = [self.s.register(self.s.land(x), buyer()) for x in (p, q)]
        orders = [self.s.wait_order(x, hold="approval") for x in (p, q)]
        self.s.until(lambda: len(self.s.alerts("approval")) >= 2, 60, "nobody was told")
        self.assertEqual([self.effects(o) for o in orders], [[], []])
        for order, verb in zip(orders, ("approve", "reject")):
            done = self.s.cli(verb, "order", order["id"], "--yes",
                              "--reason", "as the test says")
            self.assertEqual(done.returncode, 0, done.stderr)
        self.s.wait_ready(pages[0])
        self.assertEqual(self.state(p), "ACTIVE")
        self.wait_state(q, "CANCELLED")
        self.s.wait_order(q, fulfilment="CLOSED", contract="CANCELLED")
        self.assertEqual(self.s.calls("entitlements.approve", q), 0)
        status = self.s.status(pages[1])
        self.assertEqual((status["state"], status["billing"]), ("declined", "declined"))

    def test_message_to_user(self):
        """Tells how far it is while Google waits for us, and never outside of that."""
        p = self.s.buy(plan="manual")
        page = self.s.register(self.s.land(p), buyer())
        order = self.s.wait_order(p, hold="approval")
        self.s.quiet()
        before = self.s.calls("entitlements.patch", p)
        self.fault("entitlements.approve", "throttle")  # it waits a while: what is told comes first
        self.s.cli("approve", "order", order["id"], "--reason", "x")
        self.s.wait_ready(page)
        lines = self.s.ledger("gcp.entitlements.patch", p)
        self.assertGreater(len(lines), before)
        self.assertEqual({e["result"] for e in lines}, {"ok"}, lines)
        self.s.quiet()
        approved = self.s.ledger("gcp.entitlements.approve", p, "ok")
        self.assertLess(max(at(lines)), approved[0]["seq"])

    def test_abandoned_sign_up(self):
        """Nobody fills in the form: nothing is approved; days later it is resumed."""
        p = self.s.buy()
        first = self.s.land(p)
        self.s.form(first)
        self.s.quiet()
        self.assertEqual(self.state(p), "ACTIVATION_REQUESTED")
        self.assertNotEqual(self.s.account(p)["approval"].upper(), "APPROVED")
        self.assertNotIn("tenant", self.s.order_of(p))
        page = self.s.register(self.s.again(p), buyer())
        self.s.wait_ready(page)
        self.assertEqual(self.state(p), "ACTIVE")

    def test_events_before_sign_up_wait(self):
        p = self.s.buy()
        order = self.s.wait_order(p, contract="PENDING", standing="held")
        self.assertNotIn("tenant", order)
        self.assertEqual(order["commit"], "held")
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        self.assertEqual(self.s.order_of(p)["id"], order["id"])

    def test_same_token_twice(self):
        """A reload posts the same token again."""
        p, mail = self.s.buy(), buyer()
        first, second = self.s.land(p), self.s.land(p)
        page = self.s.register(first, mail)
        self.s.wait_ready(page)
        other = self.s.register(second, mail)
        self.s.wait_ready(other)
        order = self.s.order_of(p)
        self.s.quiet()
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])
        self.assertEqual(self.s.calls("entitlements.approve", p), 1)

    def test_orders_of_a_token(self):
        for shape in ("strings", "objects", "google", "absent"):
            with self.subTest(shape):
                self.settings(orders=shape)
                self.ready()


class Later(GcpCase):
    """Who has signed up once."""
    options = {"products": [Listing("notes", multiple_orders=True, sso=True)]}

    def test_second_purchase_needs_no_landing(self):
        p, mail, _, first = self.ready()
        q = self.s.buy(account=p["account"], plan="enterprise")
        order = self.s.wait_order(q, fulfilment="READY", contract="ACTIVE")
        self.assertEqual(order["unattended"], "1")
        self.assertNotEqual(order["tenant"], first["tenant"])
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])
        self.assertEqual(self.state(q), "ACTIVE")
        self.assertEqual(len([e for e in self.s.ledger("gcp.accounts.approve")
                              if p["account"] in e["detail"]]), 1)
        # He comes back by "Manage on provider": the form claims what is there already.
        page = self.s.register(self.s.again(q, login=True), mail)
        self.s.wait_ready(page)
        self.s.quiet()
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])
        self.assertEqual(self.s.order_of(q)["registered"], "1")

    def test_sign_up_taken_back(self):
        """accounts.reset, as one does between two rehearsals: the next order waits for a form."""
        p, _, _, first = self.ready(test=True)
        self.s.sandbox("POST", "gcp/accounts/%s/reset" % p["account"])
        self.s.wait_order(p, contract="CANCELLED")
        q = self.s.buy(account=p["account"])
        order = self.s.wait_order(q, standing="held")
        self.s.quiet()
        self.assertNotIn("tenant", self.s.order_of(q))
        page = self.s.register(self.s.land(q), buyer())
        self.s.wait_ready(page)
        self.assertEqual(self.state(q), "ACTIVE")
        self.assertNotEqual(self.s.order_of(q)["tenant"], first["tenant"])
        self.assertEqual(self.s.calls("entitlements.approve", q, "FAILED_PRECONDITION"), 0)
        self.assertEqual(self.s.order_of(q)["id"], order["id"])

    def test_login(self):
        """GET without single sign-on; POST of a registered buyer, and of a colleague of his."""
        p, _, page, _ = self.ready()
        a = stack_http.request("GET", self.s.origin() + "/marketplace/gcp/notes/login")
        self.assertEqual(a.status, 200)
        for user in ("100000000000000000001", "100000000000000000002"):
            registration = self.s.again(p, login=True, user=user)

            def there(r=registration):
                a = stack_http.request("GET", r)
                return a.status == 303 or "already" in a.text
            self.s.until(there, 60, "not led to the order")
        self.s.quiet()
        self.assertEqual(self.s.calls("entitlements.approve", p), 1)

    def test_orders_of_one_account_are_apart(self):
        p, _, _, first = self.ready()
        others = [self.s.buy(account=p["account"]) for _ in range(2)]
        orders = [self.s.wait_order(q, fulfilment="READY", contract="ACTIVE") for q in others]
        self.assertEqual(len({o["tenant"] for o in orders + [first]}), 3)
        self.s.gcp_do(others[0], "cancel", when="now")
        self.s.wait_order(others[0], contract="CANCELLED", fulfilment="SUSPENDED")
        self.s.quiet()
        self.assertEqual(self.s.order_of(others[1])["fulfilment"], "READY")
        self.assertEqual(self.s.order_of(p)["fulfilment"], "READY")


class Automatic(GcpCase):
    """Google approves; nothing begins before the order is active."""
    options = {"products": [Listing("notes", automatic=True)]}

    def test_active_then_environment(self):
        p = self.s.buy(settle_ms=24 * 3600 * 1000)
        page = self.s.register(self.s.land(p), buyer())
        order = self.s.wait_order(p, registered="1")
        self.assertEqual(self.effects(order), [])
        self.assertEqual(self.state(p), "ACTIVATION_REQUESTED")
        self.s.gcp_do(p, "settle")
        self.s.wait_ready(page)
        self.assertEqual(self.s.ledger("gcp.entitlements.approve", p), [])
        self.assertEqual(self.s.account(p)["approval"].upper(), "APPROVED")

    def test_offer_in_the_future(self):
        def waits(ms):
            p = self.s.buy(offer=True, start_in_ms=ms)
            page = self.s.register(self.s.land(p), buyer())
            self.s.wait_order(p, registered="1", contract="PENDING")
            time.sleep(1.5)
            order = self.s.order_of(p)
            self.assertEqual((self.effects(order), order["contract"]), ([], "PENDING"))
            return p, page
        p, page = before(4000, waits)
        self.s.wait_ready(page)
        self.assertEqual(self.state(p), "ACTIVE")

    def test_plan_change_is_googles(self):
        p, _, _, before = self.ready()
        self.s.gcp_do(p, "change-plan", plan="enterprise", when="now")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.quiet()
        self.assertEqual(self.s.ledger("gcp.entitlements.approvePlanChange", p), [])
        self.assertEqual(self.s.order_of(p)["tenant"], before["tenant"])


class Refusals(GcpCase):
    """What approve is answered with is never believed: the order's state is."""

    def test_approve_again(self):
        """The effect came, its answer did not; the repetition is refused."""
        for answer in ("ok", "precondition", "conflict"):
            for kind in ("timeout-after-effect", "truncate", "5xx", "throttle"):
                with self.subTest(answer=answer, kind=kind):
                    self.settings(approve_again=answer, settle_ms=1500)
                    self.fault("entitlements.approve", kind, ms=500)
                    p, _, _, order = self.ready()
                    self.assertEqual(self.effects(order), ["create", "spec", "serve"])
                    self.assertEqual(self.state(p), "ACTIVE")
                    self.s.sandbox("DELETE", "faults")
        self.assertEqual(self.s.alerts("refuses"), [])

    def test_account_is_not_approved(self):
        """Rejected by a person in the console: no order is approved, somebody is told."""
        p = self.s.buy()
        registration = self.s.land(p)
        self.s.form(registration)
        self.s.sandbox("POST", "gcp/accounts/%s/reject" % p["account"])
        self.s.register(registration, buyer())
        order = self.s.wait_order(p, registered="1")
        self.s.quiet()
        self.assertEqual(self.s.calls("entitlements.approve", p), 0)
        self.assertNotEqual(self.s.order_of(p)["contract"], "ACTIVE")
        self.s.sandbox("POST", "gcp/accounts/%s/approve" % p["account"])
        self.s.cli("retry", "order", order["id"], "--reason", "approved in the console")
        self.wait_state(p, "ACTIVE", 60)

    def test_faults_of_every_call(self):
        for op in ("accounts.get", "accounts.approve", "entitlements.get", "entitlements.list",
                   "entitlements.patch", "subscriptions.pull", "subscriptions.acknowledge",
                   "GcpToken"):
            with self.subTest(op):
                for kind in ("5xx", "throttle"):
                    self.fault(op, kind)
                p, _, _, order = self.ready()
                self.assertEqual(self.effects(order), ["create", "spec", "serve"])
                self.assertEqual(self.s.calls("entitlements.approve", p), 1)
                self.s.sandbox("DELETE", "faults")


if __name__ == "__main__":
    unittest.main()
