#!/usr/bin/python3
"""Who is not meant to get through: strangers at the landing page, forged tokens of every kind at
the sign-in and at the webhook, floods, keys that roll or cannot be had."""
import concurrent.futures
import os
import re
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stack_http
from azure_rig import AzureCase
from faults import buyer

# Whole words: the random part of a link or a form's token may hold any three letters.
OTHERS = re.compile(r"(?i)(?<![\w-])(aws|amazon|google|gcp)(?![\w-])")
ATTACKS = {"alg-none": 401, "hs256": 401, "unknown-kid": 401, "wrong-key": 401, "wrong-aud": 401,
           "wrong-iss": 401, "wrong-tid": 401, "wrong-caller": 401, "swapped": 401, "expired": 401,
           "future": 401, "no-authorization": 401, "two-authorizations": 400, "garbage": 401,
           "huge-body": 413, "other-type": 415}
SIGN_IN = ["alg-none", "hs256", "unknown-kid", "wrong-key", "wrong-aud", "wrong-iss", "expired",
           "future", "wrong-nonce"]


class Landing(AzureCase):
    def text(self, url):
        a = stack_http.request("GET", url)
        self.assertNotRegex(a.text, OTHERS)
        return a.text

    def shows(self, url, words, seconds=20):
        self.s.until(lambda: words in self.text(url), seconds, "the page does not say: " + words)

    def claimed(self, purchase, registration, account="bob"):
        page = self.s.register(self.s.azure_sign_in(registration, account), buyer())
        self.s.wait_ready(page)
        return page

    def test_a_token_whose_plus_was_not_escaped(self):
        p = self.s.buy()
        while "+" not in p["token"]:
            p = dict(p, **self.s.token(p))
        self.claimed(p, self.s.azure_land(p, raw=True))

    def test_an_expired_token_then_a_fresh_one(self):
        p = self.s.buy()
        self.s.azure_do(p, "expire-token")
        registration = self.s.azure_sign_in(self.s.azure_land(p), "bob")
        self.shows(registration, "identify this purchase. Reopen this SaaS subscription")
        self.assertIsNone(self.s.order_of(p))
        self.claimed(p, self.s.azure_land(self.s.token(p)))

    def test_tokens_of_nobody(self):
        base = self.s.origin() + "/marketplace/azure/notes?token="
        for token in ("A" * 216, "..%2F..", "%00%01", "x" * 4000, "%2B%2F%3D%3D"):
            a = stack_http.request("GET", base + token)
            self.assertIn(a.status, (303, 400, 404, 414), token[:20])
            if a.status == 303:
                registration = self.s.azure_sign_in(
                    self.s.origin() + "/" + a.headers["Location"].split("/", 1)[1], "bob")
                self.shows(registration, "identify this purchase")

    def test_a_stranger_then_the_right_one(self):
        p = self.s.buy()
        registration = self.s.azure_land(p)
        for account in ("mallory", "pat", "riley"):
            self.assertEqual(self.s.azure_sign_in(registration, account), registration)
            self.shows(registration, "another account")
            text = self.text(registration)
            self.assertNotIn(p["id"], text)
            self.assertNotIn('name="email"', text)
        self.assertEqual(self.s.azure_state(p)["activate_calls"], 0)
        self.claimed(p, registration, "alice")

    def test_a_personal_account(self):
        p = self.s.buy(purchaser="pat", beneficiary="pat")
        registration = self.s.azure_land(p)
        self.s.azure_sign_in(registration, "mallory")
        self.shows(registration, "another account")
        self.claimed(p, registration, "pat")

    def test_a_colleague_without_an_address(self):
        p = self.s.buy()
        self.claimed(p, self.s.azure_land(p), "carol")

    def test_sign_in_refused_then_done(self):
        p = self.s.buy()
        registration = self.s.azure_land(p)
        back = self.s.azure_sign_in(registration, "deny")
        self.assertIn("not signed in yet", self.text(back))
        self.claimed(p, registration)

    def test_forged_id_tokens(self):
        p = self.s.buy()
        registration = self.s.azure_land(p)
        for how in SIGN_IN:
            with self.subTest(how):
                self.s.settings(signin_attack=[how])
                self.s.azure_sign_in(registration, "bob")
                self.shows(registration, "Sign in")
                self.s.quiet()
                self.assertIsNone(self.s.order_of(p))
                self.assertEqual(self.s.ledger("SaasResolve", p["id"]), [])
        self.s.settings(signin_attack=["wrong-tid"])  # a genuine token of another tenant's person
        self.s.azure_sign_in(registration, "bob")
        self.shows(registration, "another account")
        self.assertIsNone(self.s.order_of(p))
        self.claimed(p, registration)

    def callback(self, registration, account="bob"):
        """The address that Entra sends the browser back to, and the browser's cookie."""
        form = [f for f in stack_http.forms(self.text(registration))
                if (f["action"] or "").endswith("/signin")][0]
        a = stack_http.request("POST", self.s.origin() + form["action"], form["fields"])
        cookie = "; ".join(c.split(";", 1)[0] for c in a.headers.get_all("Set-Cookie") or ())
        a = stack_http.request("POST", a.headers["Location"], {"account": account})
        return a.headers["Location"], cookie

    def test_answers_of_another_browser(self):
        """A code that was got elsewhere is not taken from a browser that did not ask for it."""
        p, q = self.s.buy(), self.s.buy(purchaser="mallory", beneficiary="mallory")
        mine, other = self.s.azure_land(p), self.s.azure_land(q)
        url, cookie = self.callback(mine)
        theirs, their_cookie = self.callback(other, "mallory")
        for where, what in ((url, None), (url, their_cookie), (theirs, cookie),
                            (url.replace("state=", "state=x"), cookie)):
            headers = {"Cookie": what} if what else {}
            a = stack_http.request("GET", where, headers=headers)
            self.assertIn(a.status, (200, 400, 403, 404, 410), (where, what))
        swapped = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(theirs).query))["code"]
        code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["code"]
        stack_http.request("GET", url.replace(urllib.parse.quote(code, ""),
                                              urllib.parse.quote(swapped, "")),
                           headers={"Cookie": cookie})
        self.shows(mine, "Sign in")
        self.s.quiet()
        self.assertIsNone(self.s.order_of(p))
        self.claimed(p, mine)

    def test_an_answer_twice(self):
        p = self.s.buy()
        registration = self.s.azure_land(p)
        url, cookie = self.callback(registration)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: stack_http.request("GET", url, headers={"Cookie": cookie}),
                          range(8)))
        self.s.wait_ready(self.s.register(registration, buyer()))
        self.assertEqual(self.s.azure_state(p)["activated"], 1)

    def test_manage_account(self):
        """A subscriber comes again, as himself and as a colleague: no second environment."""
        p, page, order = self.ready()
        for account in ("bob", "alice"):
            registration = self.s.azure_sign_in(self.s.azure_land(self.s.token(p)), account)
            self.s.until(lambda r=registration: stack_http.request("GET", r).status == 303, 20,
                         "not led to the status page")
            status = stack_http.request("GET", registration).headers["Location"]
            self.assertEqual(self.s.status(self.s.origin() + status)["state"], "ready")
        registration = self.s.azure_sign_in(self.s.azure_land(self.s.token(p)), "mallory")
        self.shows(registration, "another account")
        self.assertNotIn(order["tenant"], self.text(registration))
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])
        self.assertNotRegex(self.text(page), OTHERS)

    def test_landing_twice_at_once(self):
        p = self.s.buy()
        first, second = (self.s.azure_sign_in(self.s.azure_land(p), w) for w in ("bob", "alice"))
        forms = [self.s.form(r)[0] for r in (first, second)]
        pages = [stack_http.request("POST", r, dict(f["fields"], email=buyer()))
                 for r, f in zip((first, second), forms)]
        for a in pages:
            self.s.wait_ready(self.s.origin() + a.headers["Location"])
        order = self.s.wait_order(p, fulfilment="READY")
        self.assertEqual(self.effects(order).count("create"), 1)
        self.assertEqual(self.s.azure_state(p)["activated"], 1)


class Webhook(AzureCase):
    def attack(self, purchase, *how, **more):
        return self.s.sandbox("POST", "azure/attack",
                              dict(more, purchase=purchase["id"], how=list(how)))["status"]

    def no_such_key(self, purchase):
        """While the set is older than a minute nobody can know (503); then it is fetched anew."""
        answers = []

        def known():
            answers.append(self.attack(purchase, "unknown-kid"))
            return answers[-1] != 503
        self.s.until(known, 90, "no new set of keys")
        self.assertEqual(answers[-1], 401)

    def same(self, purchase, order):
        self.s.quiet()
        after = self.s.order_of(purchase)
        for k in ("plan", "quantity", "contract", "fulfilment", "standing", "ends", "tenant"):
            self.assertEqual(after.get(k), order.get(k), k)
        self.assertEqual(self.effects(order), ["create", "spec", "serve"])

    def test_every_attack(self):
        p, _, order = self.ready()
        for version in (1, 2):
            self.s.settings(jwt_version=version)
            for how, status in ATTACKS.items():
                with self.subTest(how=how, version=version):
                    if how == "unknown-kid":
                        self.no_such_key(p)
                    self.assertEqual(self.attack(p, how), status)
            for action in ("Unsubscribe", "Suspend", "ChangePlan", "Subscribe", "Nonsense"):
                self.assertEqual(self.attack(p, "forged", action=action, plan="enterprise"), 200)
        self.same(p, order)
        self.assertEqual(self.s.azure_state(p)["status"], "Subscribed")

    def test_bodies_of_all_kinds(self):
        p, _, order = self.ready()
        for body in ("", "{", "[]", "null", "\"x\"", "{}", "{\"action\":1}", "[" * 4000,
                     "{\"action\":\"Unsubscribe\",\"subscriptionId\":\"../x\",\"id\":\"a\"}",
                     "{\"id\":\"%s\",\"action\":\"Unsubscribe\",\"subscriptionId\":\"%s\"}"
                     % ("a" * 5000, p["id"])):
            with self.subTest(body[:20]):
                self.assertIn(self.attack(p, "forged", body=body), (200, 400, 413))
        self.same(p, order)

    def test_a_genuine_operation_of_somebody_else(self):
        """The operation exists, the body names another subscription."""
        p, _, order = self.ready()
        q, _, other = self.ready()
        op = self.s.azure_do(q, "renew")["operation"]
        body = '{"id":"%s","activityId":"%s","subscriptionId":"%s","action":"Unsubscribe"}' % (
            op, op, p["id"])
        self.assertEqual(self.attack(p, "forged", body=body), 200)
        self.same(p, order)

    def calls(self):
        stats = dict(line.split(":", 1) for line in self.s.redis("INFO", "commandstats").split()
                     if ":" in line)
        return sum(int(re.search(r"calls=(\d+)", v).group(1)) for k, v in stats.items()
                   if k in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_fcall"))

    def test_five_hundred_copies(self):
        p, _, order = self.ready()
        op = self.s.azure_do(p, "change-plan", plan="enterprise")["operation"]
        self.s.settled(op)
        self.s.wait_order(p, plan="enterprise", fulfilment="READY")
        self.s.quiet()
        before = self.calls()
        self.s.sandbox("POST", "azure/operations/%s/redeliver" % op, {"copies": 500})
        self.s.until(lambda: self.s.operation(op)["deliveries"] >= 501, 60, "not 501 deliveries")
        self.s.quiet()
        self.assertLess(self.calls() - before, 700)
        self.assertEqual(len(self.s.ledger("SaasSettle", p["id"])), 1)
        self.assertEqual(self.effects(order).count("spec"), 2)

    def test_keys_roll(self):
        p, _, _ = self.ready()
        for how in ("overlap", "emergency"):
            with self.subTest(how):
                self.s.settings(redeliver_ms=300)
                # A set that was fetched just now is believed to be complete.
                self.s.redis("HSET", "{p0}:keys:azure/notes", "fetched", "1")
                self.s.redis("DEL", "{p0}:keysask:azure/notes")
                time.sleep(3.1)
                self.s.sandbox("POST", "azure/keys", {"rotate": how})
                op = self.s.azure_do(p, "renew")["operation"]
                self.s.until(lambda: self.s.operation(op)["delivered"], 30, "never believed")
                self.no_such_key(p)

    def test_keys_cannot_be_had(self):
        p, _, _ = self.ready()
        for op in ("EntraKeys", "EntraMetadata"):
            self.fault(op, "5xx", count=1000)
        op = self.s.azure_do(p, "renew")["operation"]  # warm
        self.s.until(lambda: self.s.operation(op)["delivered"], 20, "not believed with warm keys")
        self.s.settings(redeliver_ms=300)
        self.s.redis("DEL", "{p0}:keys:azure/notes")
        self.s.parts["worker"].restart()
        self.s.parts["front"].restart()
        op = self.s.azure_do(p, "renew")["operation"]  # cold: nobody can know
        self.s.until(lambda: self.s.operation(op)["deliveries"] >= 2, 20, "not delivered again")
        self.assertEqual(self.s.operation(op)["last_status"], 503)
        self.s.sandbox("DELETE", "faults")
        self.s.until(lambda: self.s.operation(op)["delivered"], 60, "lost")


if __name__ == "__main__":
    unittest.main()
