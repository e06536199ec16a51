#!/usr/bin/python3
"""Hostile sign-up tokens, and every way to an access token that fails: no purchase is lost, nothing
is asked of Google for a forgery, somebody is told."""
import json
import os
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from faults import buyer
from gcp_rig import KEY_FILE, GcpCase, Listing

KINDS = ("alg-none", "hs256", "hs256-key", "wrong-key", "no-kid", "wrong-iss", "aud-array",
         "future", "long-life", "no-exp", "empty-sub", "odd-sub", "garbage", "expired",
         "wrong-aud")
SAID = {"expired": "has expired", "wrong-aud": "for another product",
        "aud-array": "for another product"}
REFUSED = "could not identify|has expired|for another product"


class Tokens(GcpCase):
    options = {"products": [Listing("notes"), Listing("other")]}

    def refused(self, token, said=REFUSED):
        """The page that the registration ends at."""
        a = stack_http.request("POST", token["landing"]["url"], token["landing"]["fields"],
                               {"Sec-Fetch-Site": "cross-site"})
        if a.status == 303:
            where, last = self.s.origin() + a.headers["Location"], []

            def there():
                last[:] = [stack_http.request("GET", where)]
                return re.search(said, last[0].text)
            self.s.until(there, 60, "not refused")
            a = last[0]
        self.assertNotIn('name="email"', a.text)
        self.assertRegex(a.text, said)
        return a

    def asked(self, p):
        """What was asked of Google about this order and its account."""
        return [e for e in self.s.ledger() if e["op"].startswith(
            ("gcp.accounts", "gcp.entitlements")) and
            (e["purchase"] == p["id"] or p["account"] in e.get("detail", ""))]

    def test_every_kind(self):
        p = self.s.buy()
        self.s.wait_order(p, standing="held")
        self.s.quiet()
        before = self.asked(p)
        for kind in KINDS:
            with self.subTest(kind):
                self.refused(self.s.token(purchase=p["id"], kind=kind), SAID.get(kind, REFUSED))
        where = self.s.land(self.s.token(purchase=p["id"], kind="unknown-kid"))
        self.assertEqual(self.asked(p), before)
        self.assertNotIn("tenant", self.s.order_of(p))
        self.assertNotIn(p["entitlement_id"], stack_http.request("GET", where).text)
        # The genuine one still works.
        self.s.wait_ready(self.s.register(self.s.again(p), buyer()))

    def test_token_of_another_listing(self):
        """Posted at the wrong address: refused by its audience, or led to its own product."""
        p = self.s.buy("other")
        token = self.s.token(purchase=p["id"])
        token["landing"]["url"] = token["landing"]["url"].replace("/other", "/notes")
        a = self.refused(token)
        self.assertNotIn('name="email"', a.text)
        self.s.wait_ready(self.s.register(self.s.again(p), buyer()))

    def test_account_without_an_order(self):
        """Google's own account page, an order of nobody's product: no form, no approval."""
        account = self.s.sandbox("POST", "gcp/accounts", {"product": "notes"})
        token = self.s.token(account=account["id"], product="notes")
        where = self.s.land(token)
        self.s.quiet()
        self.assertNotEqual(stack_http.request("GET", where).status, 500)
        self.assertEqual([e for e in self.s.ledger("gcp.accounts.approve")
                          if account["id"] in str(e)], [])

    def test_pages_name_no_other_cloud(self):
        p, mail, page, _ = self.ready()
        texts = [self.s.status_text(page)]
        texts += [stack_http.request("GET", self.s.origin() + "/marketplace/gcp/notes" + x).text
                  for x in ("", "/login")]
        texts += [str(m.get_payload()) for m in self.s.mails(mail)]
        q = self.s.buy()
        registration = self.s.land(q)
        self.s.form(registration)
        texts.append(stack_http.request("GET", registration).text)
        for kind in ("expired", "garbage", "wrong-aud"):
            texts.append(self.refused(self.s.token(purchase=p["id"], kind=kind)).text)
        for text in texts:
            # Whole words: random links and form tokens may hold any letters.
            self.assertNotRegex(text, r"(?i)(?<![\w-])(aws|amazon|azure|microsoft|entra)(?![\w-])")


class Issuer(Tokens):
    """Alone: the forged tokens of other tests let certificates be fetched anew later."""
    test_every_kind = test_token_of_another_listing = test_account_without_an_order = None
    test_pages_name_no_other_cloud = None

    def test_foreign_issuer_costs_no_fetch(self):
        p = self.s.buy()
        self.s.wait_order(p, standing="held")
        before = self.s.calls("GcpCerts")
        for _ in range(5):
            self.refused(self.s.token(purchase=p["id"], kind="wrong-iss"))
        self.assertEqual(self.s.calls("GcpCerts"), before)


class Credentials(GcpCase):
    def test_tokens_end_in_between(self):
        p = self.s.buy()
        registration = self.s.land(p)
        self.s.form(registration)
        self.s.sandbox("POST", "gcp/tokens/expire")
        page = self.s.register(registration, buyer())
        self.s.sandbox("POST", "gcp/tokens/expire")
        self.s.wait_ready(page)
        self.assertEqual(self.s.calls("entitlements.approve", p), 1)

    def test_unlinked_account(self):
        """PERMISSION_DENIED: somebody is told, nothing is lost, it is not hammered."""
        self.settings(linked_procurement=False)
        p = self.s.buy()
        registration = self.s.land(p)
        page = self.s.register(registration, buyer())
        self.s.until(lambda: self.s.alerts("refuses our credentials"), 60, "no alert")
        denied = len(self.s.ledger(result="PERMISSION_DENIED"))
        time.sleep(3)
        self.assertLess(len(self.s.ledger(result="PERMISSION_DENIED")) - denied, 6)
        self.s.settings(linked_procurement=True)
        self.s.wait_ready(page, 180)
        self.assertEqual(len(self.s.alerts("refuses our credentials")), 1)

    def test_reload(self):
        """With long polls, tasks and landings under way; the store's settings are the old ones."""
        for _ in range(3):
            p = self.s.buy()
            registration = self.s.land(p)
            self.s.parts["worker"].signal(signal.SIGHUP)
            page = self.s.register(registration, buyer())
            self.s.parts["worker"].signal(signal.SIGHUP)
            self.s.wait_ready(page)

    def test_clock(self):
        """invalid_grant is for a person to mend."""
        self.settings(auth_skew_ms=-3600 * 1000)
        self.s.sandbox("POST", "gcp/tokens/expire")
        self.s.buy()
        self.s.until(lambda: self.s.alerts("refuses our credentials"), 60, "no alert")
        self.s.settings(auth_skew_ms=0)
        p = self.s.buy()
        self.s.wait_order(p, standing="held", seconds=120)


class External(GcpCase):
    """A workload identity file; then the metadata server by GCE_METADATA_HOST."""
    options = {"products": [Listing("notes", credentials=KEY_FILE + """
    sts_endpoint: http://127.0.0.1:${sandbox_port}/gcp/sts
    iam_endpoint: http://127.0.0.1:${sandbox_port}/gcp/iam""")]}

    def test_external_account(self):
        """The file takes the key's place; the worker is told by a reload."""
        path, token = self.s.v["var"] + "/sandbox/gcp-key.json", self.s.v["var"] + "/subject"
        got = self.s.sandbox("GET", "gcp/external-account?file=" + token)
        for name, text in ((token, got["subject_token"]), (path, json.dumps(got["file"]))):
            with open(name, "w") as f:
                f.write(text)
            os.chmod(name, 0o600)
        worker = self.s.parts["worker"]
        worker.signal(signal.SIGHUP)
        self.s.until(lambda: "config.reloaded" in worker.written(), 60, "not reloaded")
        self.s.sandbox("POST", "gcp/tokens/expire")
        self.ready()
        self.assertTrue(self.s.calls("GcpSts"))
        self.assertTrue(self.s.calls("GcpIam"))


class Metadata(GcpCase):
    options = {"products": [Listing("notes", credentials="")]}

    def test_metadata_server(self):
        worker = self.s.parts["worker"]
        worker.stop()
        worker.start(env={"GCE_METADATA_HOST": "127.0.0.1:%s" % self.s.v["sandbox_port"]})
        self.ready()
        self.assertTrue(self.s.calls("GcpMetadata"))


if __name__ == "__main__":
    unittest.main()
