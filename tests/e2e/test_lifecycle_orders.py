#!/usr/bin/python3
"""The life of an order against the sandbox's marketplace: landing and events in both orders,
upgrade, renewal, advisory, cancellation, the grace period and what is deleted after it."""
import os
import sys
import tarfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import FaultStack, Product, before, buyer
from stack import missing

NEED = ("redis", "sandbox", "worker", "front", "nginx")


class Lifecycle(unittest.TestCase):
    options = {}

    @classmethod
    def setUpClass(cls):
        absent = missing(NEED)
        if absent:
            raise unittest.SkipTest("not installed or not built: " + ", ".join(absent))
        cls.s = FaultStack(parts=NEED, lease="30s", **cls.options)
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def tearDown(self):
        self.s.sandbox("DELETE", "faults")
        self.s.invariants()

    def fault(self, op, kind, **more):
        self.s.sandbox("POST", "faults", dict(more, op=op, kind=kind))

    def act(self, purchase, what, **body):
        return self.s.sandbox("POST", "purchases/%s/%s" % (purchase["id"], what), body)

    def ready(self, plan="starter", product="notes", **more):
        """A buyer with an environment: purchase, mail address, status page, order."""
        p, mail = self.s.buy(product, plan, **more), buyer()
        page = self.s.register(self.s.land(p), mail)
        self.s.wait_ready(page)
        return p, mail, page, self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")

    def answers(self, order):
        return stack_http.request("GET", order["endpoint"]).status

    def one_environment(self, order):
        self.assertEqual([n for n in self.s.data_directories() if n == order["tenant"]],
                         [order["tenant"]])
        mine = [o for o in self.s.orders() if o.get("tenant") == order["tenant"]]
        self.assertEqual(len(mine), 1)


class Arrival(Lifecycle):
    def test_landing_before_event(self):
        self.fault("event", "delay", ms=2500, count=10)
        p, mail = self.s.buy("notes", "starter", settle_ms=1500), buyer()
        page = self.s.register(self.s.land(p), mail)
        early = self.s.wait_order(p, registered="1")
        self.assertIn(early["contract"], ("PENDING", "ACTIVE"))
        self.s.wait_ready(page)
        order = self.s.wait_order(p, fulfilment="READY", contract="ACTIVE", confirmed="1")
        self.assertEqual(self.answers(order), 200)
        self.one_environment(order)

    def test_event_before_landing(self):
        p = self.s.buy("notes", "starter")
        order = self.s.wait_order(p, contract="ACTIVE", fulfilment="RECEIVED")
        self.assertNotIn("tenant", order)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        after = self.s.wait_order(p, fulfilment="READY")
        self.assertEqual(after["id"], order["id"])
        self.one_environment(after)

    def test_events_twice_and_out_of_order(self):
        self.fault("event", "duplicate", n=2, count=2)
        self.fault("event:Purchase Agreement Created", "reorder")
        p, mail, page, order = self.ready()
        self.s.quiet()
        self.one_environment(order)
        self.assertEqual(len(self.s.wait_mails(mail, 1, "ready")), 1)
        self.assertEqual(self.s.mail_count(mail), 2)  # registered, ready

    def test_no_event_at_all(self):
        self.fault("event", "drop", count=10)
        _, _, _, order = self.ready()
        self.assertEqual(self.answers(order), 200)

    def test_no_event_and_a_licence_that_comes_later(self):
        """Nobody tells that the licence is there: lastmile has to ask again."""
        self.fault("event", "drop", count=10)
        p = self.s.buy("notes", "starter", settle_ms=3000)
        page = self.s.register(self.s.land(p), buyer())
        self.s.wait_ready(page)
        self.s.wait_order(p, fulfilment="READY", contract="ACTIVE")

    def test_cancelled_before_anybody_landed(self):
        """The end was told when there was no order, the beginning comes last. The buyer is not left
        waiting for a purchase that is over: the agreement's own word ends it."""
        def registers(ms):
            self.s.sandbox("DELETE", "faults")
            self.fault("event:License Updated", "drop")
            self.fault("event:Purchase Agreement Created", "delay", ms=ms)
            p = self.s.buy("notes", "starter")
            self.act(p, "cancel")
            time.sleep(0.5)
            self.s.register(self.s.land(p), buyer())
            return p
        p = before(4000, registers)
        order = self.s.wait_order(p, registered="1", contract="CANCELLED")
        self.assertEqual(order["reason"], "CANCELLED")
        self.assertNotIn(order.get("tenant", ""), self.s.environments())

    def test_the_beginning_is_told_after_the_end(self):
        self.fault("event:License Updated", "drop")
        self.fault("event:Purchase Agreement Created", "delay", ms=1500)
        p = self.s.buy("notes", "starter")
        self.act(p, "cancel")
        order = self.s.wait_order(p, contract="CANCELLED")
        self.assertEqual(order["reason"], "CANCELLED")
        self.assertGreater(int(order["delete_at"]), int(order["at_ended"]))

    def test_landing_twice_is_one_environment(self):
        p, mail = self.s.buy("notes", "starter"), buyer()
        first, second = self.s.land(p), self.s.land(p)
        self.assertNotEqual(first, second)
        forms = [self.s.form(r)[0] for r in (first, second)]
        pages = []
        for where, form in zip((first, second), forms):
            a = stack_http.request("POST", where, dict(form["fields"], email=mail))
            self.assertEqual(a.status, 303)
            pages.append(self.s.origin() + a.headers["Location"])
        for page in pages:
            self.s.wait_ready(page)
        order = self.s.wait_order(p, fulfilment="READY")
        self.one_environment(order)
        self.assertEqual(len(self.s.wait_mails(mail, 1, "ready")), 1)

    def test_set_up_your_account_again(self):
        """A fresh token of a purchase that has its environment brings no second form."""
        p, _, _, _ = self.ready()
        self.s.quiet()
        order = self.s.order_of(p)
        registration = self.s.land(self.s.sandbox("POST", "purchases/%s/token" % p["id"]))
        self.s.until(lambda: "already registered" in
                     stack_http.request("GET", registration).text, 60, "no word of it")
        self.s.quiet()
        self.one_environment(self.s.wait_order(p, fulfilment="READY", ver=order["ver"]))

    def test_two_licences_of_one_account(self):
        p = self.s.buy("notes", "starter")
        q = self.s.buy("notes", "enterprise", account=p["account_id"])
        orders = []
        for each in (p, q):
            page = self.s.register(self.s.land(each), buyer())
            self.s.wait_ready(page)
            orders.append(self.s.wait_order(each, fulfilment="READY"))
        self.assertNotEqual(orders[0]["tenant"], orders[1]["tenant"])
        self.assertEqual([o["plan"] for o in orders], ["starter", "enterprise"])
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED", fulfilment="SUSPENDED")
        self.s.quiet()
        self.assertEqual(self.s.order_of(q)["fulfilment"], "READY")
        self.assertEqual(self.answers(orders[1]), 200)

    def test_a_purchase_in_the_future_waits(self):
        def waits(ms):
            p = self.s.buy("notes", "starter", start_in_ms=ms)
            page = self.s.register(self.s.land(p), buyer())
            order = self.s.wait_order(p, registered="1")
            self.assertEqual(order["contract"], "PENDING")
            return page
        self.s.wait_ready(before(4000, waits), 120)


class Change(Lifecycle):
    def check_changed(self, before, purchase, plan, renewals):
        after = self.s.wait_order(purchase, 120, plan=plan, fulfilment="READY", contract="ACTIVE")
        self.s.quiet()
        after = self.s.order_of(purchase)
        self.assertEqual((after["id"], after["tenant"], after["endpoint"]),
                         (before["id"], before["tenant"], before["endpoint"]))
        self.assertEqual(after.get("renewals", "0"), str(renewals))
        self.assertEqual((after["fulfilment"], after["contract"]), ("READY", "ACTIVE"))
        self.assertEqual(self.answers(after), 200)
        self.one_environment(after)
        return after

    def test_amend(self):
        p, _, _, order = self.ready()
        stack_http.request("POST", order["endpoint"] + "count", {})
        self.act(p, "upgrade", plan="enterprise", mode="amend")
        after = self.check_changed(order, p, "enterprise", 0)
        count = stack_http.request("GET", after["endpoint"] + "info.json").text
        self.assertIn("1", count)  # the data survived the update

    def test_replace(self):
        for order_of_events in ("created-first", "ended-first"):
            with self.subTest(order_of_events):
                p, _, _, order = self.ready()
                q = self.act(p, "upgrade", plan="enterprise", mode="replace",
                             order=order_of_events)
                self.assertNotEqual(q["license_arn"], p["license_arn"])
                self.check_changed(order, q, "enterprise", 1)

    def test_replace_without_link(self):
        """No previousAgreementId: the account's only other order is it."""
        p, _, _, order = self.ready()
        q = self.act(p, "upgrade", plan="enterprise", mode="replace", link=False)
        self.check_changed(order, q, "enterprise", 1)

    def test_replace_beside_what_has_ended(self):
        """What was cancelled before, and waits for its deletion, is not what was replaced."""
        old, _, _, before = self.ready()
        self.act(old, "cancel")
        self.s.wait_order(old, contract="CANCELLED", fulfilment="SUSPENDED")
        p, _, _, order = self.ready(account=old["account_id"])
        q = self.act(p, "upgrade", plan="enterprise", mode="replace", link=False)
        self.check_changed(order, q, "enterprise", 1)
        now = self.s.order_of(old)
        self.assertEqual((now["id"], now["tenant"], now["contract"]),
                         (before["id"], before["tenant"], "CANCELLED"))

    def test_replace_of_one_of_two_without_link(self):
        """Which of the two it is nobody says: nothing is guessed, and one mail asks a person."""
        p, _, _, first = self.ready()
        q, _, _, second = self.ready(account=p["account_id"])
        before = len(self.s.mails("team@acme.example", "which order goes on"))
        r = self.act(p, "upgrade", plan="enterprise", mode="replace", link=False)
        self.s.wait_order(r, contract="ACTIVE", plan="enterprise")
        self.s.until(lambda: len(self.s.mails("team@acme.example", "which order goes on")) > before,
                     30, "nobody is asked")
        self.s.quiet()
        mails = self.s.mails("team@acme.example", "which order goes on")[before:]
        self.assertEqual(len(mails), 1)
        self.assertIn(self.s.order_of(r)["id"], mails[0].get_payload(decode=True).decode())
        for each, order in ((p, first), (q, second)):
            now = self.s.order_of(each)
            self.assertEqual((now["id"], now["tenant"], now["contract"]),
                             (order["id"], order["tenant"], "ACTIVE"))

    def test_a_renewal_to_another_plan_that_begins_later(self):
        """Its licence comes when it begins; until then the page says what will be."""
        def announced(ms):
            p, _, page, order = self.ready()
            q = self.act(p, "renew", plan="enterprise", start_in_ms=ms)
            now = self.s.wait_order(p, next_plan="enterprise")
            self.assertEqual((now["plan"], now["contract"], now["starts"], now["ends"]),
                             ("starter", "ACTIVE", order["starts"], order["ends"]))
            coming = self.s.status(page)["coming"]
            self.assertEqual((coming["plan"], coming["at"]), ("enterprise", int(now["next_at"])))
            self.assertIn("Until then you keep plan", self.s.follow(page).text)
            return q, page, order
        q, page, order = before(9000, announced)
        self.check_changed(order, q, "enterprise", 1)
        self.assertNotIn("next_plan", self.s.order_of(q))
        self.assertNotIn("coming", self.s.status(page))

    def test_a_renewal_that_is_cancelled_before_it_begins(self):
        p, _, page, order = self.ready()
        q = self.act(p, "renew", plan="enterprise", start_in_ms=600000)
        self.s.wait_order(p, next_plan="enterprise")
        self.act(q, "cancel")
        self.s.wait_order(p, next_plan="", next_agreement="")
        self.assertNotIn("coming", self.s.status(page))
        self.assertEqual(self.s.order_of(p)["plan"], "starter")

    def test_renew_in_both_orders(self):
        for order_of_events in ("created-first", "ended-first"):
            with self.subTest(order_of_events):
                p, _, _, order = self.ready()
                q = self.act(p, "renew", order=order_of_events)
                after = self.check_changed(order, q, "starter", 1)
                self.assertGreater(int(after["ends"]), int(order["ends"]))
                self.assertNotIn("delete_at", after)
                r = self.act(q, "renew", order=order_of_events)
                self.check_changed(order, r, "starter", 2)

    def test_renew_with_every_event_late_or_twice(self):
        for name in ("Purchase Agreement Created", "Purchase Agreement Ended",
                     "License Deprovisioned", "License Updated"):
            for kind, more in (("delay", {"ms": 1500}), ("duplicate", {"n": 2})):
                with self.subTest(name=name, kind=kind):
                    p, _, _, order = self.ready()
                    self.s.quiet()
                    self.fault("event:" + name, kind, **more)
                    q = self.act(p, "renew")
                    time.sleep(1.6 if kind == "delay" else 0)
                    self.check_changed(order, q, "starter", 1)

    def test_renewal_lands_again(self):
        p, _, _, order = self.ready()
        q = self.act(p, "renew")
        self.check_changed(order, q, "starter", 1)
        registration = self.s.land(self.s.sandbox("POST", "purchases/%s/token" % q["id"]))
        self.s.until(lambda: "already registered" in
                     stack_http.request("GET", registration).text, 60, "no word of it")
        self.check_changed(order, q, "starter", 1)

    def test_renewal_lands_before_its_events(self):
        """The buyer clicks "Set up your account" of the new agreement; the events are late."""
        p, _, _, order = self.ready()
        self.s.quiet()
        self.fault("event", "delay", ms=1500, count=4)
        q = self.act(p, "renew")
        self.s.land(self.s.sandbox("POST", "purchases/%s/token" % q["id"]))
        self.s.until(lambda: self.s.order_of(q) is not None, 60, "not resolved")
        time.sleep(1.6)
        self.check_changed(order, q, "starter", 1)

    def test_trial_becomes_paid(self):
        p, _, _, order = self.ready(trial=True)
        self.assertEqual(order.get("trial"), "1")
        q = self.act(p, "upgrade", plan="starter", mode="replace")
        after = self.check_changed(order, q, "starter", 1)
        self.assertNotEqual(after.get("trial", "0"), "1")

    def test_advisory(self):
        p, _, _, order = self.ready()
        self.s.quiet()
        told = len(self.s.mails("team@acme.example"))
        self.act(p, "advisory")
        self.s.wait_order(p, advisory="1")
        self.s.until(lambda: len(self.s.mails("team@acme.example")) > told, 60, "no alert")
        self.assertEqual(self.answers(order), 200)
        self.act(p, "advisory/resolve")
        self.s.wait_order(p, advisory="0", fulfilment="READY", contract="ACTIVE")


class End(Lifecycle):
    def test_cancel_suspends(self):
        for status in ("CANCELLED", "EXPIRED", "TERMINATED"):
            with self.subTest(status):
                p, mail, page, order = self.ready()
                self.act(p, "cancel", status=status)
                after = self.s.wait_order(p, fulfilment="SUSPENDED")
                self.assertIn(after["contract"], ("CANCELLED", "EXPIRED"))
                self.assertNotEqual(self.answers(order), 200)
                self.assertEqual(after["tenant"], order["tenant"])
                self.assertIn(order["tenant"], self.s.data_directories())
                left = int(after["delete_at"]) - int(after["at_ended"])
                self.assertEqual(left, 30 * 24 * 3600 * 1000)
                self.s.until(lambda m=mail: self.s.mails(m, "(?i)suspend|ended"), 60, "no mail")
                self.s.quiet()
                self.assertEqual(self.s.mail_count(mail), 3)

    def test_events_of_an_end_late_twice_and_out_of_order(self):
        p, mail, _, order = self.ready()
        self.s.quiet()
        self.fault("event", "duplicate", n=2)
        self.fault("event:Purchase Agreement Ended", "reorder")
        self.fault("event:License Deprovisioned", "delay", ms=1200)
        self.act(p, "cancel")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        time.sleep(1.3)
        self.s.quiet()
        self.assertEqual(self.s.order_of(p)["fulfilment"], "SUSPENDED")
        self.assertEqual(self.s.mail_count(mail), 3)

    def test_grace_then_deleted_with_archive(self):
        p, mail, page, order = self.ready("brief")
        stack_http.request("POST", order["endpoint"] + "count", {})
        self.act(p, "cancel")
        after = self.s.wait_order(p, fulfilment="CLOSED", contract="CANCELLED")
        self.assertNotIn("endpoint", after)
        self.assertNotIn(order["tenant"], self.s.data_directories())
        mine = [a for a in self.s.archives() if order["tenant"] in a]
        self.assertEqual(len(mine), 1)
        with tarfile.open(os.path.join(self.s.v["var"], "archive", mine[0])) as t:
            files = [m for m in t.getmembers() if m.isfile()]
        self.assertTrue(files, "the archive holds the tenant's data")
        self.assertEqual(self.s.status(page)["terminal"], True)
        self.s.until(lambda: self.s.mails(mail, "(?i)delete|closed|removed"), 60, "no mail")
        self.assertNotEqual(self.answers(order), 200)

    def test_kept_until_the_end_of_grace(self):
        p, _, _, order = self.ready("kept")

        def kept():
            """Looked at twice: the second time it had not ended yet, so it answered before."""
            status = self.answers(order)
            return status if self.s.order_of(p)["fulfilment"] == "READY" else None
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED")
        self.assertIn(kept(), (200, None))
        self.s.wait_order(p, fulfilment="CLOSED")

    def test_late_events_do_not_bring_it_back(self):
        """License Updated of the time before the end arrives after it, and after the deletion."""
        def closes(ms):
            p, _, _, order = self.ready("brief")
            self.s.quiet()
            # Neither event may come between the two: the other plan has another grace.
            for kind in ("Purchase Agreement Amended", "License Updated"):
                self.fault("event:" + kind, "delay", ms=ms)
            self.act(p, "upgrade", plan="enterprise", mode="amend", quantity=2)
            self.act(p, "cancel")
            self.s.wait_order(p, fulfilment="CLOSED")
            return p, order
        p, order = before(8000, closes)
        self.s.quiet(180)
        self.assertEqual(self.s.order_of(p)["fulfilment"], "CLOSED")
        self.assertNotIn(order["tenant"], self.s.data_directories())

    def test_end_before_landing(self):
        p = self.s.buy("notes", "starter")
        self.s.wait_order(p, contract="ACTIVE")
        self.act(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED")
        self.s.quiet()
        registration = self.s.land(p)
        self.s.until(lambda: "subscription has ended" in
                     stack_http.request("GET", registration).text, 60, "the page does not say so")
        self.assertNotIn('name="email"', stack_http.request("GET", registration).text)
        self.s.quiet()
        self.assertNotIn("tenant", self.s.order_of(p))


class Lost(Lifecycle):
    """No event arrives; the reconciler asks the marketplace."""
    options = {"resync": "1s", "refresh": "1s"}

    def test_lost_end_is_found(self):
        """Every event of the cancellation is lost; the marketplace knows, so lastmile finds out."""
        p, _, _, order = self.ready()
        self.s.quiet()
        self.fault("event", "drop", count=5)
        self.act(p, "cancel")
        self.s.wait_order(p, fulfilment="SUSPENDED")
        self.assertNotEqual(self.answers(order), 200)


class Legacy(Lifecycle):
    """SNS envelopes instead of EventBridge, customer identifiers instead of licences."""
    options = {"products": [Product("old", mode="legacy", pricing="contract-with-consumption")]}

    def test_life(self):
        p, mail, _, order = self.ready(product="old")
        self.assertEqual(self.answers(order), 200)
        self.act(p, "upgrade", plan="enterprise", mode="amend")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.one_environment(order)
        self.act(p, "cancel")
        self.s.sandbox("POST", "clock", {"advance_ms": 3700 * 1000})
        self.s.wait_order(p, fulfilment="SUSPENDED")
        self.s.quiet()
        self.assertEqual(self.s.order_of(p)["tenant"], order["tenant"])


class Sharded(Change):
    """The same with four shards: renewals cross them."""
    options = {"shards": 4}

    def test_renewal_lands_again(self):
        """A registration cannot see an order of another shard: the form comes once more, and
        leads to the environment that is there."""
        p, mail, _, order = self.ready()
        q = self.act(p, "renew")
        self.check_changed(order, q, "starter", 1)
        registration = self.s.land(self.s.sandbox("POST", "purchases/%s/token" % q["id"]))

        def there():
            a = stack_http.request("GET", registration)
            return "already registered" in a.text or 'name="email"' in a.text
        self.s.until(there, 60, "neither form nor answer")
        form = [f for f in stack_http.forms(stack_http.request("GET", registration).text)
                if "email" in f["names"]]
        if form:
            self.s.wait_ready(self.s.register(registration, buyer()))
        after = self.check_changed(order, q, "starter", 1)
        self.assertEqual(after["email"], mail)


if __name__ == "__main__":
    unittest.main()
