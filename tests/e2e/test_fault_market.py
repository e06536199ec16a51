#!/usr/bin/python3
"""The marketplace misbehaves while a buyer lands: throttled, 5xx, silent, truncated, never ending,
empty pages, wrong credentials. Nobody loses the purchase and nobody gets two environments."""
import sys
import time
import unittest

import stack
import stack_http

NEEDED = stack.missing()

# operation, kind, how often, what else
FAULTS = [
    ("ResolveCustomer", "throttle", 2, {}),
    ("ResolveCustomer", "5xx", 2, {}),
    ("ResolveCustomer", "truncate", 2, {}),
    ("ResolveCustomer", "not-json", 2, {}),
    ("ResolveCustomer", "timeout-before", 1, {"ms": 1500}),
    ("ResolveCustomer", "timeout-after-effect", 1, {"ms": 1500}),
    ("ResolveCustomer", "never-ending", 1, {}),
    ("ResolveCustomer", "expired-credentials", 1, {}),
    ("GetEntitlements", "empty-page", 2, {}),
    ("GetEntitlements", "throttle", 2, {}),
    ("GetEntitlements", "truncate", 1, {}),
    ("GetEntitlements", "timeout-after-effect", 1, {"ms": 1500}),
    ("ReceiveMessage", "5xx", 2, {}),
    ("ReceiveMessage", "truncate", 1, {}),
    ("DeleteMessage", "5xx", 2, {}),
]


@unittest.skipIf(NEEDED, "missing: " + ", ".join(NEEDED))
class Market(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = stack.Stack(parts=("redis", "sandbox", "worker", "front", "nginx"), lease="3s",
                            patience="8s")
        cls.s.start()

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def setUp(self):
        self.s.sandbox("DELETE", "faults")

    def tenants(self):
        return len(self.s.redis("KEYS", "{p0}:t:*"))

    def test_purchase_under_each_fault(self):
        before = self.tenants()
        for op, kind, count, more in FAULTS:
            with self.subTest(op=op, kind=kind):
                self.s.sandbox("POST", "faults", dict(more, op=op, kind=kind, count=count))
                bought = self.s.buy()
                page = self.s.register(self.s.land(bought), "ann@example.com", 60)
                self.s.wait_ready(page, 60)
                self.s.sandbox("DELETE", "faults")
        self.s.invariants()
        self.assertEqual(len(FAULTS), self.tenants() - before)

    def test_events_duplicated_and_reordered(self):
        for kind in ("duplicate", "reorder", "doc-arn", "delay"):
            with self.subTest(kind=kind):
                self.s.sandbox("POST", "faults",
                               {"op": "event", "kind": kind, "count": 2, "ms": 400})
                page = self.s.register(self.s.land(self.s.buy()), "ann@example.com", 60)
                self.s.wait_ready(page, 60)
        self.s.invariants()

    def test_form_is_offered_while_the_marketplace_is_down(self):
        """Registration is accepted and parked; the environment comes when AWS answers again."""
        self.s.sandbox("POST", "faults", {"op": "ResolveCustomer", "kind": "5xx", "count": 200})
        bought = self.s.buy()
        page = self.s.register(self.s.land(bought), "parked@example.com", 60)
        status = self.s.status(page)
        self.assertNotEqual("ready", status["state"])
        self.s.sandbox("DELETE", "faults")
        answer = stack_http.request("GET", page)
        self.assertIn(answer.status, (200, 303))
        self.s.wait_ready(page, 90)
        self.s.invariants()

    def test_refused_credentials(self):
        """The seller has one mail, the buyer a form, and everything goes on when it is mended."""
        self.s.sandbox("POST", "faults",
                       {"op": "ResolveCustomer", "kind": "access-denied", "count": 200})
        page = self.s.register(self.s.land(self.s.buy()), "refused@example.com", 60)

        def alerts():
            found = {}  # a mail whose sender lost its lease goes out again as the same
            for to, m in list(self.s.mail.messages):
                if to == ["team@acme.example"] and "refuses our credentials" in m["Subject"]:
                    found.setdefault(m["Message-ID"], m)
            return list(found.values())
        self.s.until(alerts, 30, "the seller is not told")
        self.s.sandbox("DELETE", "faults")
        self.s.wait_ready(page, 90)
        self.assertEqual(len({m["Date"].datetime.date() for m in alerts()}), len(alerts()))
        self.assertIn("AccessDeniedException", alerts()[0].get_content())
        self.s.invariants()

    def test_expired_token(self):
        bought = self.s.buy()
        self.s.sandbox("POST", "purchases/%s/expire-token" % bought["id"])
        page = self.refusal(bought)
        self.assertIn("Set up your account", page)
        # A fresh click brings a fresh token and the same purchase.
        again = self.s.sandbox("POST", "purchases/%s/token" % bought["id"])
        self.s.wait_ready(self.s.register(self.s.land(again), "ann@example.com", 60), 60)

    def test_token_that_aws_never_gave(self):
        bought = self.s.buy()
        bought["landing"]["fields"]["x-amzn-marketplace-token"] = "made+up/token=="
        self.refusal(bought)

    def test_purchase_of_another_product(self):
        other, bought = self.s.buy("acme-notes-apache"), self.s.buy()
        bought["landing"]["fields"]["x-amzn-marketplace-token"] = \
            other["landing"]["fields"]["x-amzn-marketplace-token"]
        self.refusal(bought)

    def refusal(self, bought):
        """The page of a refused registration: no form, and it says whether money moved."""
        url = self.s.land(bought)
        deadline = time.monotonic() + 60
        while True:
            a = stack_http.request("GET", url)
            forms = [f for f in stack_http.forms(a.text) if "email" in f["names"]]
            if "charged" in a.text and not forms:
                return a.text
            if time.monotonic() > deadline:
                self.fail("not refused: %r" % a)
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
