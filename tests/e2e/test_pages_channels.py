"""Buyers of Microsoft Marketplace and Google Cloud Marketplace on the wire: how they arrive, sign
in and come again, and what their pages say. Real nginx, front and Redis; the test is the worker."""
import base64
import hashlib
import json
import os
import re
import unittest
import urllib.parse

import stack
import stack_http
from scripted import Scripted, attribute

PARTS = ("redis", "front", "nginx")
GCP = "x-gcp-marketplace-token"
SAME = {"Sec-Fetch-Site": "same-origin"}
OTHERS = {
    "aws": r"azure|microsoft|entra|google|gcp",
    "azure": r"aws|amazon|google|gcp",
    "gcp": r"aws|amazon|azure|microsoft|entra",
}


def setUpModule():
    absent = stack.missing(PARTS)
    if absent:
        raise unittest.SkipTest("missing: " + ", ".join(absent))


def names_other(channel, text):
    """The other clouds' words in what a buyer reads; random parts of links are no words."""
    return re.findall(r"(?i)(?<![\w-])(%s)(?![\w-])" % OTHERS[channel], text)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Scripted(parts=PARTS).start()
        cls.base = cls.s.origin() + "/marketplace"

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def get(self, path, **headers):
        return stack_http.request("GET", path if path.startswith("http") else self.base + path,
                                  headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path, fields, headers=None):
        return stack_http.request("POST", path if path.startswith("http") else self.base + path,
                                  fields, headers)

    def state_of(self, reg):
        return self.s.client("HGET", "{p0}:r:" + reg.hash, "state")

    def count(self):
        return len(self.s.client("KEYS", "{p0}:r:*"))


class AzureLanding(Pages):
    def land(self, query, method="GET", product="acme-docs"):
        return stack_http.request(method, "%s/azure/%s%s" % (self.base, product, query))

    def test_help(self):
        a = self.land("")
        self.assertEqual(a.status, 200)
        self.assertIn("Azure portal", a.text)
        self.assertIn("nothing has been charged", a.text)
        self.assertEqual(names_other("azure", a.text), [])

    def test_refusals(self):
        before = self.count()
        for query, status, words in (
                ("?", 200, "without a purchase"), ("?x=1", 400, "without the code"),
                ("?token=", 400, "without the code"), ("?token=a&token=b", 400, "more than one"),
                ("?token=" + "x" * 7000 + "&token=y", 400, "more than one"),
                ("?token=%00a", 400, "charged"), ("?token=%zz", 400, "charged"),
                ("?token=%0d%0aX:1", 400, "damaged"), ("?token=%C3%A9", 400, "damaged")):
            a = self.land(query)
            self.assertEqual(a.status, status, query)
            self.assertIn(words, a.text)
            self.assertEqual(names_other("azure", a.text), [])
        self.assertEqual(self.land("?token=abc", "HEAD").status, 200)
        a = self.land("", "POST")
        self.assertEqual((a.status, a.headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.land("?token=t", product="nothing").status, 404)
        self.assertEqual(self.count(), before)

    def opened(self, query):
        """The token as the worker reads it: unsealed with the key of this installation."""
        a = self.land(query)
        self.assertEqual(a.status, 303, a)
        self.assertRegex(a.headers["Location"], r"^/marketplace/r/0\.[\w-]{43}$")
        self.assertNotIn("Set-Cookie", a.headers)
        self.assertEqual(a.headers["Referrer-Policy"], "no-referrer")
        name = hashlib.sha256(a.headers["Location"].split(".", 1)[1].encode()).hexdigest()
        return unseal(self.s, self.s.client("HGET", "{p0}:r:" + name, "token"))

    def test_decoded_once_and_repaired(self):
        if not unseal_ready():
            self.skipTest("missing: libsodium.so.23")
        self.assertEqual(self.opened("?token=ab%2Bcd%2Fef%3D%3D"), "ab+cd/ef==")
        self.assertEqual(self.opened("?token=ab+cd/ef=="), "ab+cd/ef==")
        self.assertEqual(self.opened("?token=ab%20cd%2Fef"), "ab+cd/ef")
        self.assertEqual(self.opened("?token=ab%252Bcd"), "ab%2Bcd")
        self.assertEqual(self.opened("?x=1&token=abc&y=2"), "abc")

    def test_token_is_nowhere(self):
        canary = "canary-61f0aa"
        reg = self.s.arrive("acme-docs", token=canary)
        self.s.begin_sign_in(reg)
        self.get(reg.url)
        for folder, _, names in os.walk(self.s.dir + "/log"):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    text = f.read()
                self.assertNotIn(canary.encode(), text, name)
                self.assertNotIn(reg.id.split(".")[1].encode(), text, name)

    def test_without_sign_in(self):
        reg = self.s.arrive("acme-plain")
        self.assertEqual(self.state_of(reg), "new")
        self.s.resolve(reg)
        self.assertIn("Finish setting up Acme Plain", self.get(reg.url).text)
        a = self.post(reg.url + "/signin", {"csrf": attribute(
            self.get(reg.url).text, r'name="csrf" value="([^"]+)"')}, SAME)
        self.assertEqual(self.s.origin() + a.headers["Location"], reg.url)


def unseal_ready():
    import ctypes
    try:
        return ctypes.CDLL("libsodium.so.23")
    except OSError:
        return None


def unseal(s, text):
    import ctypes
    lib = unseal_ready()
    with open(s.v["etc"] + "/seal.key", encoding="ascii") as f:
        secret = bytes.fromhex(f.read().split()[0])
    public = ctypes.create_string_buffer(32)
    lib.crypto_scalarmult_base(public, secret)
    box = base64.b64decode(text)
    out = ctypes.create_string_buffer(len(box) - 48)
    assert lib.crypto_box_seal_open(out, box, ctypes.c_ulonglong(len(box)), public, secret) == 0
    return out.raw.decode()


class SignIn(Pages):
    def back(self, cookie, **query):
        return stack_http.request(
            "GET", "%s/signin/azure?%s" % (self.base, urllib.parse.urlencode(query)),
            headers={"Cookie": cookie.split("; Path")[0]} if cookie else {})

    def test_page(self):
        reg = self.s.arrive("acme-docs")
        self.assertEqual(self.state_of(reg), "signin")
        a = self.get(reg.url)
        self.assertEqual(a.status, 200)
        self.assertIn("Sign in with Microsoft to continue", a.text)
        self.assertIn("form-action 'self' http://127.0.0.1:9;",
                      a.headers["Content-Security-Policy"])
        self.assertNotIn("Set-Cookie", a.headers)
        other = self.get("/azure/acme-docs").headers["Content-Security-Policy"]
        self.assertIn("form-action 'self';", other)
        self.assertEqual(self.get(reg.url + "/status.json").json(), {"state": "signin"})
        api = self.get("/api/v1/registrations/" + reg.id).json()
        self.assertEqual((api["state"], api["page"]), ("signin", "/marketplace/r/" + reg.id))
        a = self.post("/api/v1/registrations/" + reg.id, b'{"email":"a@b.co"}',
                      {"Content-Type": "application/json"})
        self.assertEqual(a.status, 409)
        self.assertTrue(a.json()["type"].endswith("/sign_in"))

    def test_authorize(self):
        reg = self.s.arrive("acme-docs")
        url, q, cookie = self.s.begin_sign_in(reg)
        self.assertEqual((url.netloc, url.path),
                         ("127.0.0.1:9", "/entra/common/oauth2/v2.0/authorize"))
        self.assertEqual(set(q), {"client_id", "response_type", "response_mode", "redirect_uri",
                                  "scope", "state", "nonce", "code_challenge",
                                  "code_challenge_method", "prompt"})
        self.assertEqual(q["scope"], "openid profile email")
        self.assertEqual((q["response_type"], q["response_mode"], q["code_challenge_method"],
                          q["prompt"]), ("code", "query", "S256", "select_account"))
        self.assertEqual(q["redirect_uri"], self.base + "/signin/azure")
        self.assertEqual(q["client_id"], "33333333-4444-5555-6666-777777777777")
        for name in ("state", "nonce", "code_challenge"):
            self.assertRegex(q[name], r"^[\w-]{43}$")
        self.assertRegex(cookie, r"^lm-signin-%s=0\.[\w-]{43}\.[\w-]{22}; "
                                 r"Path=/marketplace/signin/azure; Max-Age=900; HttpOnly; "
                                 r"SameSite=Lax$" % re.escape(q["state"][:8]))
        again = self.s.begin_sign_in(reg)[1]
        self.assertEqual(len({q["state"], q["nonce"], again["state"], again["nonce"]}), 4)

    def test_answer(self):
        reg = self.s.arrive("acme-docs")
        _, q, cookie = self.s.begin_sign_in(reg)
        a = self.back(cookie, code="the+code/==", state=q["state"], session_state="x")
        self.assertEqual((a.status, self.s.origin() + a.headers["Location"]), (303, reg.url))
        self.assertIn("Max-Age=0", a.headers["Set-Cookie"])
        self.assertEqual(self.state_of(reg), "new")
        if unseal_ready():
            sealed = self.s.client("HGET", "{p0}:r:" + reg.hash, "answer")
            answer = json.loads(unseal(self.s, sealed))
            self.assertEqual(set(answer), {"code", "verifier", "nonce", "redirect_uri"})
            self.assertEqual((answer["code"], answer["nonce"], answer["redirect_uri"]),
                             ("the+code/==", q["nonce"], q["redirect_uri"]))
            challenge = base64.urlsafe_b64encode(
                hashlib.sha256(answer["verifier"].encode()).digest()).rstrip(b"=").decode()
            self.assertEqual(challenge, q["code_challenge"])
        # A reload of the way back changes nothing.
        a = self.back(cookie, code="another", state=q["state"])
        self.assertEqual(a.status, 303)

    def test_forged_answers(self):
        reg, other = self.s.arrive("acme-docs"), self.s.arrive("acme-docs")
        _, q, cookie = self.s.begin_sign_in(reg)
        _, q2, cookie2 = self.s.begin_sign_in(other)
        name, value = cookie.split(";")[0].split("=", 1)
        name2 = cookie2.split("=", 1)[0]
        changed = q["state"][:-1] + ("E" if q["state"][-1] == "A" else "A")
        bad = [(None, q["state"]), (cookie, q2["state"]), (cookie, changed),
               (cookie, q["state"][:8]), (cookie, ""), (cookie, "x" * 43),
               ("%s=%s" % (name, value[:-1]), q["state"]), ("%s=" % name, q["state"]),
               ("%s=%s" % (name2, value), q2["state"]),
               ("%s=%s.%s" % (name, other.id, value.rsplit(".", 1)[1]), q["state"]),
               ("%s=9.%s" % (name, value.split(".", 1)[1]), q["state"])]
        for c, state in bad:
            a = self.back(c, code="c", state=state)
            self.assertEqual(a.status, 400, (c, state))
            self.assertIn("Open the purchase again", a.text)
            self.assertNotIn("Location", a.headers)
        self.assertEqual(self.get("/signin/azure?code=a&state=b&state=c").status, 400)
        self.assertEqual(self.get("/signin/azure").status, 400)
        self.assertEqual((self.state_of(reg), self.state_of(other)), ("signin", "signin"))
        both = "x=1; %s; %s" % (cookie2.split(";")[0], cookie.split(";")[0])
        a = stack_http.request("HEAD", "%s/signin/azure?code=c&state=%s" % (self.base, q["state"]),
                               headers={"Cookie": both})
        self.assertEqual((a.status, self.state_of(reg)), (400, "signin"))
        a = self.back(both, code="c", state=q["state"])  # two tabs
        self.assertEqual(self.s.origin() + a.headers["Location"], reg.url)

    def test_forged_starts(self):
        reg = self.s.arrive("acme-docs")
        csrf = attribute(self.get(reg.url).text, r'name="csrf" value="([^"]+)"')
        for fields, headers in (({}, SAME), ({"csrf": csrf[:-1]}, SAME),
                                ({"csrf": csrf}, {"Sec-Fetch-Site": "cross-site"}),
                                ({"csrf": csrf}, {"Origin": "https://evil.example"})):
            a = self.post(reg.url + "/signin", fields, headers)
            self.assertEqual(a.status, 403)
        nobody = "/r/0." + "A" * 42 + "E/signin"
        self.assertEqual(self.post(nobody, {"csrf": csrf}, SAME).status, 403)

    def test_not_finished(self):
        reg = self.s.arrive("acme-docs")
        for error in ({"error": "access_denied", "error_description": "<script>"},
                      {"code": ""}, {"code": "a b"}, {"code": "x" * 8193}, {}):
            _, q, cookie = self.s.begin_sign_in(reg)
            a = self.back(cookie, state=q["state"], **error)
            if a.status != 303:  # longer than nginx takes
                self.assertIn(a.status, (400, 414))
                continue
            self.assertEqual(self.s.origin() + a.headers["Location"], reg.url + "/signin")
        page = self.get(reg.url + "/signin").text
        self.assertIn("not signed in yet", page)
        self.assertIn("nothing has been charged", page)
        self.assertNotIn("<script>", page)
        self.assertEqual(self.state_of(reg), "signin")
        self.assertEqual(self.get("/r/0." + "A" * 42 + "E/signin").status, 404)

    def test_refused_people(self):
        for code, words in (("sign_in_again", "sign in once more"),
                            ("wrong_account", "belongs to another account")):
            reg = self.s.sign_in(self.s.arrive("acme-docs"))
            self.s.refuse(reg, code, 0)
            page = self.get(reg.url).text
            self.assertIn(words, page)
            self.assertIn("nothing has been charged", page)
            self.assertIn("Sign in with Microsoft", page)
            self.assertEqual(names_other("azure", page), [])

    def test_nobody_registers_before(self):
        reg = self.s.arrive("acme-docs")
        csrf = attribute(self.get(reg.url).text, r'name="csrf" value="([^"]+)"')
        a = self.post(reg.url, {"csrf": csrf, "email": "a@b.co"}, SAME)
        self.assertEqual(self.s.origin() + a.headers["Location"], reg.url)
        self.s.sign_in(reg)
        self.s.refuse(reg, "delayed", 0)
        page = self.get(reg.url).text
        self.assertIn("has not answered us yet", page)
        self.assertNotIn('name="email"', page)
        a = self.post(reg.url, {"csrf": csrf, "email": "a@b.co"}, SAME)
        self.assertEqual(self.s.origin() + a.headers["Location"], reg.url)
        self.assertEqual(self.state_of(reg), "new")

    def test_proposals(self):
        reg = self.s.sign_in(self.s.arrive("acme-docs"), name='Ann "<b>" Example')
        self.s.resolve(reg)
        page = self.get(reg.url).text
        self.assertIn('value="ann@example.com"', page)
        self.assertIn('value="Ann &quot;&lt;b&gt;&quot; Example"', page)
        self.assertEqual(re.findall(r'<option value="([^"]+)"', page),
                         ["westeurope", "northeurope"])
        status = self.s.register(reg.url, email="other@example.com", region="westeurope")
        self.assertEqual(self.s.client("HGET", "{p0}:o:" + reg.order, "email"), "other@example.com")
        self.assertEqual(self.get(status).status, 200)
        odd = self.s.sign_in(self.s.arrive("acme-docs"), name="x" * 300, email="")
        self.s.resolve(odd)
        self.assertNotIn("xxxx", self.get(odd.url).text)

    def test_manage_account_leads_to_the_status(self):
        first, page = self.s.ready_to_watch(product="acme-docs")
        again = self.s.sign_in(self.s.arrive("acme-docs"))
        self.s.resolve(again, order=first.order)
        a = self.get(again.url)
        self.assertEqual(a.status, 303)
        status = self.s.origin() + a.headers["Location"]
        self.assertNotEqual(status, page)
        self.assertEqual(self.s.status(status)["ver"], self.s.status(page)["ver"])
        self.assertEqual(self.get(again.url).headers["Location"], a.headers["Location"])


class Google(Pages):
    def test_landing(self):
        a = self.get("/gcp/acme-charts")
        self.assertEqual(a.status, 200)
        self.assertIn("Google Cloud Marketplace", a.text)
        self.assertEqual(names_other("gcp", a.text), [])
        for body, words in (({}, "without the code"), ({GCP: "x" * 8193}, "longer than any"),
                            ({"x-amzn-marketplace-token": "t"}, "without the code")):
            a = self.post("/gcp/acme-charts", body)
            self.assertEqual(a.status, 400)
            self.assertIn(words, a.text)
        reg = self.s.arrive("acme-charts")
        self.assertEqual(self.state_of(reg), "new")
        self.s.resolve(reg)
        page = self.get(reg.url).text
        self.assertEqual(re.findall(r'<option value="([^"]+)"', page), ["europe-west4", "us-east1"])
        self.assertEqual(names_other("gcp", page), [])

    def test_term_without_an_end(self):
        """Before the charge begins there may be no last day yet, but there is a term."""
        for term, words in (("P2Y", "2 years"), ("P1M", "1 month"), ("", "No fixed end"),
                            ("for ever", "No fixed end")):
            reg = self.s.resolve(self.s.arrive("acme-charts"), ends=0, term=term)
            self.assertRegex(self.get(reg.url).text, r"<dt>Term</dt>\s*<dd[^>]*>" + words + "<")
            api = self.get("/api/v1/registrations/" + reg.id).json()
            self.assertEqual(api.get("term", ""), term)
            _, url = self.s.ready_to_watch(product="acme-charts",
                                           upsert={"ends": "0", "term": term or "P"})
            self.assertRegex(self.get(url).text, r"<dt>Term</dt>\s*<dd[^>]*>" + words + "<")

    def test_login(self):
        a = self.get("/gcp/acme-charts/login")
        self.assertEqual((a.status, a.headers["Location"]), (303, "https://app.acme.example/login"))
        a = self.get("/gcp/acme-maps/login")
        self.assertEqual(a.status, 200)
        self.assertIn("without a purchase", a.text)
        self.assertEqual(self.get("/gcp/nothing/login").status, 404)
        self.assertEqual(self.get("/aws/acme-notes/login").status, 404)
        self.assertEqual(self.post("/aws/acme-notes/login", {GCP: "t"}).status, 404)
        self.assertEqual(self.post("/gcp/acme-charts/login", {}).status, 400)
        first, _ = self.s.ready_to_watch(product="acme-charts")
        a = self.post("/gcp/acme-charts/login", {GCP: "token"}, {"Sec-Fetch-Site": "cross-site"})
        self.assertEqual(a.status, 303)
        reg = type(first)(self.s.origin() + a.headers["Location"], "acme-charts")
        self.s.resolve(reg, order=first.order)
        a = self.get(reg.url)
        self.assertEqual(a.status, 303)
        self.assertTrue(a.headers["Location"].startswith("/marketplace/s/"))
        self.assertEqual(self.get(self.s.origin() + a.headers["Location"]).status, 200)


class OtherShard(unittest.TestCase):
    def test_login_finds_an_order_of_another_shard(self):
        """The capability is made where the order lives; by the front, with the front's rights."""
        with Scripted(parts=PARTS, shards=2) as s:
            reg = s.arrive("acme-charts")
            while not reg.id.startswith("0."):
                reg = s.arrive("acme-charts")
            order = "o1-" + "a" * 26
            s.run("order_upsert", order, s.now(), "channel", "gcp", "product", "acme-charts",
                  "plan", "basic", "granted", "1", "tid", "t1-" + "a" * 20, shard=1)
            s.run("order_place", order, "0" * 64, 60000, "{}", "ann@example.com", 60000, shard=1)
            s.run("reg_resolved", "resolve:" + reg.hash, s.claim("resolve:" + reg.hash), reg.hash,
                  order, 1, "plan", "basic", "claimed", "1")
            a = stack_http.request("GET", reg.url)
            self.assertEqual(a.status, 303)
            self.assertTrue(a.headers["Location"].startswith("/marketplace/s/1."))
            page = stack_http.request("GET", s.origin() + a.headers["Location"])
            self.assertEqual(page.status, 200)
            self.assertIn("We are creating your environment", page.text)
            again = stack_http.request("GET", reg.url)
            self.assertEqual(again.headers["Location"], a.headers["Location"])


HELD = {"granted": "0", "confirmed": "1", "commit": "held", "standing": "held"}


class Money(Pages):
    def page(self, product, upsert=(), plan=None, more=None, **order):
        reg, url = self.s.ready_to_watch(product=product, upsert=upsert, plan=plan, **(more or {}))
        if order:
            self.s.order(reg, **order)
        text = self.get(url).text
        channel = "azure" if product == "acme-docs" else "gcp"
        self.assertEqual(names_other(channel, text), [])
        status = self.s.status(url)
        self.assertLessEqual(len(json.dumps(status, separators=(",", ":"))), 1024)
        return text, status

    def test_states(self):
        later = self.s.now() + 40 * 86400000
        for product, name in (("acme-docs", "Microsoft Marketplace"),
                              ("acme-charts", "Google Cloud Marketplace")):
            table = [
                (HELD, {}, "held", "You are not charged yet. Billing starts when your environment"),
                (HELD, {"fulfilment": "FAILED"}, "held_failed", "You have not been charged"),
                (HELD, {"fulfilment": "VERIFYING", "commit": "asked"}, "asked",
                 "Confirming with " + name),
                (HELD, {"contract": "ACTIVE", "commit": "done", "fulfilment": "READY",
                        "at_ready": 5}, None, "Confirmed with " + name),
                (HELD, {"contract": "CANCELLED", "fulfilment": "CLOSED"}, "never",
                 "You have not been charged"),
                (HELD, {"commit": "rejected", "fulfilment": "DELETING"}, "declined",
                 "Your order was not accepted"),
                (HELD, {"commit": "rejected", "contract": "CANCELLED", "fulfilment": "CLOSED"},
                 "declined", "given back before billing began"),
                ({}, {"commit": "done", "at_ready": 5, "fulfilment": "CLOSED"}, "removed",
                 "does not end your subscription"),
                ({}, {}, "at_once", "at once"),
                ({"granted": "0", "standing": "scheduled", "starts": str(later)}, {}, "scheduled",
                 "Your subscription starts on"),
                ({"granted": "0", "standing": "scheduled", "starts": "0"}, {}, "activating",
                 "Waiting for " + name + " to activate"),
                ({}, {"contract": "SUSPENDED", "at_ready": 5, "fulfilment": "READY"}, "payment",
                 "problem with the payment"),
                ({}, {"commit": "done", "no_renewal": 1, "at_ready": 5, "fulfilment": "READY"},
                 "last", "does not renew"),
                ({}, {"contract": "CANCELLED", "at_ready": 5, "fulfilment": "SUSPENDED",
                      "delete_at": later}, "ended", "are deleted on"),
                ({}, {"trial": 1, "commit": "done"}, "trial_until", "free trial runs until"),
            ]
            for upsert, order, word, words in table:
                text, status = self.page(product, upsert, **order)
                self.assertIn(words, text, (product, order))
                over = status["billing"] in ("declined", "never", "ended")
                for said in ("<dt>Term</dt>", "Change or cancel"):
                    self.assertEqual(said in text, not over, (product, order, said))
                if word:
                    self.assertEqual(status["billing"], word)
        text, _ = self.page("acme-docs")
        self.assertIn("Microsoft activated your subscription at once", text)
        text, status = self.page("acme-docs", HELD, plan="byhand", hold="approval",
                                 fulfilment="VERIFYING")
        self.assertIn("Acme is checking your order", text)
        self.assertEqual((status["state"], status["billing"]), ("approving", "held_by_hand"))

    def test_what_comes_later(self):
        ready = {"commit": "done", "at_ready": 5, "fulfilment": "READY"}
        later = self.s.now() + 40 * 86400000
        for product, own in (("acme-docs", "Silver"), ("acme-charts", "Basic")):
            for said, words in (
                    ({"next_plan": "byhand"}, "Your plan changes to"),
                    ({"next_plan": "<b>odd</b>", "next_at": str(later)},
                     "Your plan changes to &lt;b&gt;odd&lt;/b&gt; on "),
                    ({"next_quantity": "7", "next_at": str(later)},
                     "Your quantity changes to 7 on ")):
                text, status = self.page(product, said, **ready)
                self.assertIn(words, text, (product, said))
                self.assertIn("Until then ", status["coming"]["text"])
                self.assertEqual(status["coming"].get("at"),
                                 int(said["next_at"]) if "next_at" in said else None)
                if "next_plan" in said:
                    self.assertIn("Until then you keep plan %s." % own, text)
        text, status = self.page("acme-docs", {"next_plan": "byhand"},
                                 **dict(ready, contract="CANCELLED", fulfilment="SUSPENDED"))
        self.assertNotIn("coming", status)
        self.assertNotIn("Until then", text)

    def test_refusals(self):
        for product in ("acme-docs", "acme-charts", "acme-notes"):
            channel = {"acme-docs": "azure", "acme-charts": "gcp"}.get(product, "aws")
            for code in ("token_expired", "token_invalid", "product_unknown", "purchase_ended",
                         "wrong_account", "sign_in_again", "other"):
                reg = self.s.arrive(product)
                if channel == "azure":
                    self.s.sign_in(reg)
                self.s.refuse(reg, code)
                text = self.get(reg.url).text
                self.assertIn("charged", text, (channel, code))
                self.assertEqual(names_other(channel, text), [], (channel, code))
                if (channel, code) == ("azure", "token_expired"):
                    self.assertIn("We couldn&#39;t identify this purchase. Reopen this SaaS "
                                  "subscription in the Azure portal or in Microsoft 365 Admin "
                                  "Center and select Configure Account or Manage Account again.",
                                  text)


if __name__ == "__main__":
    unittest.main(verbosity=1)
