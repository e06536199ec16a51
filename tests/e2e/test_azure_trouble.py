#!/usr/bin/python3
"""Microsoft's marketplace when things go wrong around us: events that are lost, a secret that has
expired, Redis that is away, an API that throttles and forgets."""
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from azure_rig import TEAM, AzureCase, Offer
from faults import buyer


class Unsold(Offer):
    """An offer of the same publisher that this installation does not sell."""

    def market(self):
        return ""


class Lost(AzureCase):
    """No webhook arrives at all; the channel's own list is compared once per second."""
    options = {"reconcile": "1s", "offers": [Offer(), Unsold("other")]}

    def lose(self):
        self.s.settings(redeliver_max=1, auto_accept_ms=300)
        self.fault("event", "drop", count=1000)

    def test_everything_is_found(self):
        self.s.settings(page_size=2)
        ready = [self.ready()[0] for _ in range(4)]
        cancelled, suspended, changed, seats = ready[0], ready[1], ready[2], ready[3]
        self.lose()
        auto = self.s.buy("auto")
        foreign = self.s.buy("auto", product="other")
        self.s.azure_do(cancelled, "cancel")
        self.s.azure_do(suspended, "suspend")
        self.s.azure_do(changed, "change-plan", plan="enterprise")
        self.s.azure_do(seats, "auto-renew", on=False)
        self.s.wait_order(auto, fulfilment="READY", contract="ACTIVE")
        self.s.wait_order(cancelled, contract="CANCELLED", fulfilment="SUSPENDED")
        self.s.wait_order(suspended, contract="SUSPENDED", fulfilment="SUSPENDED")
        self.s.wait_order(changed, plan="enterprise", fulfilment="READY")
        self.s.alert("repaired")
        self.assertIsNone(self.s.order_of(foreign))
        self.s.azure_do(suspended, "reinstate")
        self.s.wait_order(suspended, contract="ACTIVE", fulfilment="READY")

    def test_a_purchase_that_nobody_landed_with(self):
        self.lose()
        p = self.s.buy("starter")
        self.s.wait_order(p, contract="PENDING", commit="held")
        self.s.quiet()
        order = self.s.order_of(p)
        self.assertNotIn("tenant", order)
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        self.s.wait_ready(self.arrive(p))
        self.assertEqual(self.s.order_of(p)["id"], order["id"])

    def test_the_list_fails(self):
        """Half a list, twice the same page, an error: nothing ends because of it."""
        p, _, order = self.ready()
        for kind in ("5xx", "truncate", "not-json", "throttle", "timeout-after-effect"):
            self.fault("SaasList", kind, count=2, ms=100)
        before = len(self.s.ledger("SaasList"))
        self.s.until(lambda: len(self.s.ledger("SaasList")) > before + 10, 150, "nobody asks")
        after = self.s.order_of(p)
        self.assertEqual((after["contract"], after["fulfilment"]), ("ACTIVE", "READY"))


POINTS = ("store.hasten.before", "store.hasten.after")

# ready, task; due, id: only where nobody has taken it meanwhile.
PUT_OFF = """
if not redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], 'due', ARGV[1])
return 1
"""


class Secret(AzureCase):
    def test_expired(self):
        """One mail, few calls, and everything goes on once there is a new one."""
        p, _, _ = self.ready()
        self.s.settings(secret_expired=True, redeliver_ms=300)
        self.s.parts["worker"].restart()  # with no token left
        began = len(self.s.ledger("EntraToken"))
        q = self.s.buy()
        registration = self.s.azure_sign_in(self.s.azure_land(q), "bob")
        op = self.s.azure_do(p, "suspend")["operation"]
        self.s.until(lambda: self.s.operation(op)["delivered"], 20, "the webhook is not taken")
        self.s.alert("credentials")
        time.sleep(6)
        mails = self.s.mails(TEAM, "credentials")
        self.assertEqual(len(mails), len({m["Date"].datetime.date() for m in mails}))  # one a day
        self.assertLess(len(self.s.ledger("EntraToken")) - began, 25)
        self.assertIn(b"AADSTS7000222", mails[0].get_payload(decode=True))
        self.assertEqual(stack_http.request("GET", registration).status, 200)
        self.s.settings(secret_expired=False)
        self.s.wait_order(p, seconds=150, contract="SUSPENDED", fulfilment="SUSPENDED")
        self.s.wait_ready(self.s.register(registration, buyer(), 150))
        self.assertEqual(self.s.azure_state(q)["activated"], 1)

    def waits(self):
        """A suspension that nobody can read, for the credential is refused; and would be looked at
        in ten minutes."""
        p, _, _ = self.ready()
        self.refuse()
        self.s.parts["worker"].restart()  # with no token left
        self.s.azure_do(p, "suspend")
        self.s.until(lambda: any(t.startswith("event:") for t in self.put_off()), 30,
                     "nothing waits")
        self.assertEqual(self.s.order_of(p)["contract"], "ACTIVE")
        return p

    def put_off(self):
        found = []
        for n in range(self.s.shards):
            for t in self.s.redis("ZRANGE", "{p%d}:ready:market" % n, 0, -1):
                key = "{p%d}:k:%s" % (n, t)
                if (self.s.redis("HGET", key, "class") or "").lower() == "config":
                    due = int(self.s.redis("TIME")[0]) * 1000 + 600000
                    if self.s.redis("EVAL", PUT_OFF, 2, "{p%d}:ready:market" % n, key, due, t):
                        found.append(t)
        return found

    def goes_on(self, p):
        self.s.wait_order(p, seconds=40, contract="SUSPENDED", fulfilment="SUSPENDED")

    def test_a_file_that_is_mended_helps_at_once(self):
        path = self.s.v["etc"] + "/azure.secret"
        with open(path) as f:
            good = f.read()
        self.refuse = lambda: self.write(path, "not-the-secret")
        self.addCleanup(self.write, path, good)
        p = self.waits()
        self.write(path, good)
        self.goes_on(p)
        self.write(path, "not-the-secret")
        self.s.parts["worker"].restart()
        self.s.azure_do(p, "reinstate")
        self.s.until(lambda: any(t.startswith("event:") for t in self.put_off()), 30,
                     "nothing waits")
        self.write(path + ".new", good)
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)  # another file under its name
        self.s.wait_order(p, seconds=40, contract="ACTIVE", fulfilment="READY")

    def test_a_signal_helps_at_once(self):
        """What was mended is at Microsoft's side: no file changes."""
        self.refuse = lambda: self.s.settings(secret_expired=True)
        self.addCleanup(self.s.settings, secret_expired=False)
        p = self.waits()
        self.s.settings(secret_expired=False)
        self.reload(self.s.parts["worker"])
        self.goes_on(p)

    def test_who_dies_while_he_looks(self):
        self.refuse = lambda: self.s.settings(secret_expired=True)
        self.addCleanup(self.s.settings, secret_expired=False)
        p = self.waits()
        worker = self.s.parts["worker"]
        self.s.settings(secret_expired=False)
        for point in POINTS:
            worker.restart(env={"LASTMILE_CRASH": point})
            self.reload(worker)
            self.s.until(lambda: not worker.running(), 20, "never at " + point)
            self.assertTrue(worker.died_at(point), "ended, but not at " + point)
        worker.start()
        self.reload(worker)
        self.goes_on(p)

    def reload(self, worker):
        self.s.until(lambda: "worker.ready" in worker.written(), 20, "not ready")
        worker.signal(signal.SIGHUP)

    @staticmethod
    def write(path, text):
        with open(path, "w") as f:
            f.write(text)

    def test_tokens_that_are_withdrawn(self):
        self.s.settings(token_s=1)
        p, _, _ = self.ready()
        time.sleep(1.2)
        self.s.azure_do(p, "suspend")
        self.s.wait_order(p, contract="SUSPENDED", fulfilment="SUSPENDED")


class OldEndpoint(AzureCase):
    """token_version v1, and webhooks with v1 tokens."""
    options = {"offers": [Offer(version="v1")]}

    def test_life(self):
        self.s.settings(jwt_version=1)
        p, _, _ = self.ready()
        op = self.s.azure_do(p, "change-plan", plan="enterprise")["operation"]
        self.assertEqual(self.s.settled(op)["by"], "publisher")
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.azure_do(p, "cancel")
        self.s.wait_order(p, contract="CANCELLED")


class Person(AzureCase):
    """sign_in_match: person"""
    options = {"offers": [Offer(match="person")]}

    def test_colleagues_are_strangers(self):
        p = self.s.buy()
        registration = self.s.azure_land(p)
        self.s.azure_sign_in(registration, "carol")
        self.s.until(lambda: "another account" in stack_http.request("GET", registration).text,
                     20, "carol is let in")
        self.s.wait_ready(self.s.register(self.s.azure_sign_in(registration, "bob"), buyer()))


class Deleted(AzureCase):
    """The seller deletes an order: nothing is charged for what is not there."""

    def delete(self, order):
        done = self.s.cli("delete", "order", order["id"], "--reason", "as the test says",
                          "--confirm", order["tenant"])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_between_the_question_and_its_answer(self):
        """Healthy, and Microsoft was asked to begin, in vain so far."""
        p, mail = self.s.buy(), buyer()
        self.fault("SaasActivate", "5xx", count=1000)
        page = self.arrive(p, mail=mail)
        order = self.s.wait_order(p, commit="asked")
        self.delete(order)
        self.assertEqual(self.s.wait_sub(p, "Unsubscribed", 60)["activated"], 0)
        self.s.sandbox("DELETE", "faults")
        self.s.wait_order(p, fulfilment="CLOSED", contract="CANCELLED")
        self.s.quiet()
        self.assertEqual(self.s.azure_state(p)["activated"], 0)
        status = self.s.status(page)
        self.assertEqual((status["state"], status["billing"]), ("declined", "declined"))
        self.s.wait_mails(mail, 1, "was not accepted")

    def test_while_it_is_made(self):
        p = self.s.buy("sick")
        self.arrive(p)
        self.delete(self.s.wait_order(p, fulfilment="VERIFYING"))
        self.assertEqual(self.s.wait_sub(p, "Unsubscribed", 60)["activate_calls"], 0)
        self.s.wait_order(p, fulfilment="CLOSED", contract="CANCELLED")

    def test_while_it_is_paid_for(self):
        """Microsoft lets a seller end the subscription."""
        p, page, order = self.ready()
        self.delete(order)
        self.s.wait_sub(p, "Unsubscribed", 60)
        self.s.wait_order(p, fulfilment="CLOSED", contract="CANCELLED")
        status = self.s.status(page)
        self.assertEqual((status["state"], status["billing"]), ("closed", "ended"))


class Trouble(AzureCase):
    options = {"lease": "2s"}

    def test_redis_away_during_a_webhook(self):
        p, _, _ = self.ready()
        self.s.quiet()
        self.s.settings(redeliver_ms=300)
        self.s.parts["redis"].kill()
        op = self.s.azure_do(p, "suspend")["operation"]
        self.s.until(lambda: self.s.operation(op)["deliveries"] >= 2, 30, "not delivered again")
        self.assertGreaterEqual(self.s.operation(op)["last_status"], 500)
        self.s.parts["redis"].start()
        self.s.until(lambda: self.s.operation(op)["delivered"], 40, "lost")
        self.s.wait_order(p, seconds=60, contract="SUSPENDED", fulfilment="SUSPENDED")

    def test_the_api_in_a_bad_hour(self):
        for kind in ("5xx", "throttle", "truncate", "timeout-after-effect", "not-json"):
            with self.subTest(kind):
                p, _, order = self.ready()
                for op in ("SaasGet", "SaasOperation", "SaasSettle"):
                    self.fault(op, kind, count=2, ms=200)
                ident = self.s.azure_do(p, "change-plan", plan="enterprise")["operation"]
                self.assertEqual(self.s.settled(ident, 30)["status"], "Succeeded")
                self.s.wait_order(p, seconds=60, plan="enterprise", fulfilment="READY")
                self.s.quiet()
                self.assertEqual(self.effects(order).count("create"), 1)
                self.assertEqual(self.effects(order).count("spec"), 2)
                self.s.sandbox("DELETE", "faults")


if __name__ == "__main__":
    unittest.main()
