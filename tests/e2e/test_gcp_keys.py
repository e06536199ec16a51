#!/usr/bin/python3
"""The certificates of sign-up tokens: rotated, withdrawn, not to be had, asked for by a flood."""
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import buyer
from gcp_rig import GcpCase


class Keys(GcpCase):
    def fetches(self):
        return len(self.s.ledger("gcp.GcpCerts"))

    def restart(self):
        self.s.parts["worker"].stop()
        self.s.parts["worker"].start()

    def test_rotation(self):
        """Known at once where the certificates are fetched anew, else within a minute."""
        p = self.s.buy()
        token = self.s.token(purchase=p["id"])
        self.s.sandbox("POST", "gcp/keys", {"ring": "partner", "rotate": "overlap"})
        self.restart()
        self.s.wait_ready(self.s.register(self.s.land(token), buyer()))
        q = self.s.buy()
        token = self.s.token(purchase=q["id"])
        time.sleep(6)  # older than the doubt about two clocks
        self.s.sandbox("POST", "gcp/keys", {"ring": "partner", "rotate": "emergency"})
        fresh = self.s.again(q)  # by a key that the worker cannot know
        self.restart()
        withdrawn = self.s.land(token)
        self.s.until(lambda: "could not identify" in stack_http.request("GET", withdrawn).text,
                     120, "a withdrawn key was good enough")
        self.s.wait_ready(self.s.register(fresh, buyer(), 120), 120)
        before = self.fetches()
        self.s.sandbox("POST", "gcp/keys", {"ring": "partner", "rotate": "emergency"})
        page = self.s.register(self.s.land(self.s.buy()), buyer(), 120)
        self.s.wait_ready(page, 120)
        self.assertEqual(self.fetches() - before, 1)

    def test_certificates_cannot_be_had(self):
        """Warm: nothing is noticed. Cold: the buyer waits, and is served when they are back."""
        self.ready()
        self.fault("GcpCerts", "5xx", count=500)
        self.ready()
        self.restart()
        p, mail = self.s.buy(), buyer()
        page = self.s.register(self.s.land(p), mail, 30)
        self.assertNotEqual(self.s.status(page)["state"], "ready")
        self.s.sandbox("DELETE", "faults")
        self.s.wait_ready(page, 120)

    def test_flood_of_unknown_keys(self):
        self.ready()
        before, p = self.fetches(), self.s.buy()
        tokens = [self.s.token(purchase=p["id"], kind="unknown-kid") for _ in range(40)]

        def post(mine):
            for t in mine:
                stack_http.request("POST", t["landing"]["url"], t["landing"]["fields"],
                                   {"Sec-Fetch-Site": "cross-site"})
        threads = [threading.Thread(target=post, args=(tokens[i::4],)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        time.sleep(3)
        self.assertLessEqual(self.fetches() - before, 2)
        self.s.wait_ready(self.s.register(self.s.again(p), buyer()))


if __name__ == "__main__":
    unittest.main()
