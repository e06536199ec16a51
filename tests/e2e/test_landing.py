#!/usr/bin/python3
"""What strangers send to the landing and the form: each refusal is a page of its own that says
whether money moved, hostile strings stay strings in every sink, and one registration is one order.
"""
import concurrent.futures
import glob
import re
import subprocess
import sys
import unittest

import stack
import stack_http

NEEDED = stack.missing(("redis", "sandbox", "worker", "front", "nginx", "apache"))
TOKEN = "x-amzn-marketplace-token"
HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'; DROP TABLE x; --",
    "$(touch /tmp/lastmile-pwned)", "`id`", "../../etc/passwd", "{{secret}}",
    "%0d%0aSet-Cookie: a=b",
    "\u202egnp.exe", "a\\u0000b", "{\"x\":1}", "${jndi:ldap://x}", "=cmd|' /C calc'!A0",
    "\U0001f600 \u00fc",
    "-rf /", "Bcc: evil@example.org", "]]>", "<!--#exec cmd=\"id\" -->",
]


@unittest.skipIf(NEEDED, "missing: " + ", ".join(NEEDED))
class Landing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = stack.Stack(patience="8s")
        cls.s.start()
        cls.url = "/aws/acme-notes"

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def post(self, body, path=None, server="nginx", **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return stack_http.request("POST", self.s.origin(server) + stack.BASE + (path or self.url),
                                  body, headers)

    def assert_page(self, a, status, *words):
        self.assertEqual(status, a.status, a)
        self.assertIn("text/html", a.headers["Content-Type"])
        for word in words + ("charged",):
            self.assertIn(word, a.text)
        self.check_headers(a)

    def check_headers(self, a):
        for name, value in (("X-Content-Type-Options", "nosniff"),
                            ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Opener-Policy", "same-origin")):
            self.assertEqual(value, a.headers[name], name)
        self.assertIn("default-src 'none'", a.headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", a.headers["Content-Security-Policy"])
        self.assertIsNone(a.headers["Access-Control-Allow-Origin"])

    def test_refusals(self):
        long = "t" * 9000
        rows = [
            (b"", 400), (b"x-amzn-marketplace-offer-type=free-trial", 400),
            (TOKEN.encode() + b"=", 400), (TOKEN.encode() + b"=a&" + TOKEN.encode() + b"=b", 400),
            ((TOKEN + "=" + long).encode(), 400), (TOKEN.encode() + b"=%zz", 400),
        ]
        for server in ("nginx", "apache"):
            for body, status in rows:
                with self.subTest(server=server, body=body[:60]):
                    self.assert_page(self.post(body, server=server), status)

    def test_oversized(self):
        for server in ("nginx", "apache"):
            a = self.post(TOKEN.encode() + b"=" + b"t" * 40000, server=server)
            self.assert_page(a, 413, "open your purchase there")

    def test_methods(self):
        a = self.s.get(self.url)
        self.assertEqual(200, a.status)
        self.assertIn("AWS Marketplace", a.text)
        for method in ("PUT", "DELETE", "PATCH"):
            a = stack_http.request(method, self.s.origin() + stack.BASE + self.url)
            self.assert_page(a, 405, "open your purchase there")
            self.assertIn("POST", a.headers["Allow"])

    def test_unknown_product(self):
        self.assert_page(self.post(TOKEN.encode() + b"=abc", "/aws/nothing"), 404)

    def test_landing_needs_no_cookie_and_sets_none(self):
        a = self.post(TOKEN.encode() + b"=abc", Sec_Fetch_Site="cross-site", Origin="null")
        self.assertEqual(303, a.status)
        self.assertIsNone(a.headers["Set-Cookie"])
        self.assertNotIn("abc", a.headers["Location"])

    def test_aws_pages_name_no_other_cloud(self):
        bought = self.s.buy()
        registration = self.s.land(bought)
        self.s.form(registration)
        page = self.s.register(registration, "ann@example.com")
        self.s.wait_ready(page)
        texts = [self.s.get(self.url).text, stack_http.request("GET", page).text]
        for text in texts:
            # Whole words: random links and form tokens may hold any three letters.
            self.assertIsNone(re.search(r"(?<![\w-])(azure|google|microsoft|gcp)(?![\w-])", text,
                                        re.I))

    def test_cross_site_form_is_refused(self):
        registration = self.s.land(self.s.buy())
        form, _ = self.s.form(registration)
        data = dict(form["fields"], email="ann@example.com")
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            a = stack_http.request("POST", registration, data, headers)
            self.assertEqual(403, a.status, headers)
        bad = dict(data)
        for name in form["fields"]:
            bad[name] = "A" * len(bad[name])
        self.assertIn(stack_http.request("POST", registration, bad).status, (400, 403))

    def test_validation_keeps_what_was_typed(self):
        registration = self.s.land(self.s.buy())
        form, _ = self.s.form(registration)
        for email in ("", "no-at-sign", "two@@example.com", "a@b\r\nBcc: c@d.example",
                      "x" * 250 + "@e.fr"):
            data = dict(form["fields"], email=email, company="Keep <me>")
            a = stack_http.request("POST", registration, data)
            self.assertIn(a.status, (400, 422), email)
            self.assertIn("<title>Error: ", a.text)
            self.assertIn("There is a problem", a.text)
            self.assertIn("Keep &lt;me&gt;", a.text)

    def test_capabilities_are_uniform(self):
        bodies = set()
        for cap in ("0." + "A" * 43, "0." + "B" * 43, "9.x", "x", "0." + "A" * 42):
            a = self.s.get("/s/" + cap)
            self.assertEqual(404, a.status, cap)
            bodies.add(re.sub(r"[0-9a-f]{16}", "", a.text))
        self.assertEqual(1, len(bodies))

    def test_hostile_strings_in_every_field(self):
        for i, text in enumerate(HOSTILE):
            with self.subTest(text=text):
                registration = self.s.land(self.s.buy())
                form, _ = self.s.form(registration)
                fields = {n: text for n in form["names"]
                          if n not in form["fields"] and n != "email"}
                data = dict(form["fields"], email="ann%d@example.com" % i, **fields)
                a = stack_http.request("POST", registration, data)
                if a.status != 303:  # refused as no text: shown back escaped
                    self.assertIn(a.status, (400, 422))
                    self.assertNotIn("<script>alert", a.text)
                    continue
                page = stack.origin_of(registration) + stack.path_of(a.headers["Location"])
                self.s.wait_ready(page)
                shown = stack_http.request("GET", page).text + stack_http.request(
                    "GET", page + "/status.json").text
                for raw in ("<script>alert", "<img src=x", "<!--#exec"):
                    self.assertNotIn(raw, shown)
        self.assertEqual([], glob.glob("/tmp/lastmile-pwned"))
        orders = self.s.cli("get", "orders", "-o", "json", "--limit", "100")
        self.assertEqual(0, orders.returncode)
        self.check_logs()
        self.s.invariants()

    def check_logs(self):
        """Every line of our programs is one JSON object without a token or a mail address."""
        for name in ("front", "worker"):
            with open(self.s.parts[name].log, "rb") as f:
                for line in f:
                    if not line.startswith(b"{"):
                        continue
                    self.assertNotIn(b"@example.com", line)
                    self.assertNotIn(b"\x1b", line)

    def test_thousand_parallel_submits(self):
        registration = self.s.land(self.s.buy())
        form, _ = self.s.form(registration)
        before = len(self.s.redis("KEYS", "{p0}:t:*"))

        def submit(i):
            a = stack_http.request("POST", registration,
                                   dict(form["fields"], email="ann@example.com", company="n%d" % i))
            return a.status, a.headers["Location"]

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = set(pool.map(submit, range(1000)))
        places = {p for status, p in answers if status == 303}
        self.assertEqual(1, len(places), answers)
        self.assertLessEqual({s for s, _ in answers}, {303, 429, 503})
        page = self.s.origin() + stack.path_of(places.pop())
        self.s.wait_ready(page)
        self.assertEqual(before + 1, len(self.s.redis("KEYS", "{p0}:t:*")))
        self.s.invariants()

    def test_no_secret_is_left_anywhere(self):
        """The purchase token and the status link are in no log, Redis dump or command line."""
        bought = self.s.buy()
        registration = self.s.land(bought)
        page = self.s.register(registration, "canary@example.com")
        self.s.wait_ready(page)
        secrets = [bought["landing"]["fields"][TOKEN].encode()[:40],
                   page.rsplit(".", 1)[1].encode(),
                   registration.rsplit(".", 1)[1].encode()]
        places = glob.glob(self.s.v["log"] + "/*")
        places += glob.glob(self.s.v["var"] + "/redis/**/*", recursive=True)
        for path in places:
            with self.subTest(path=path):
                try:
                    with open(path, "rb") as f:
                        data = f.read()
                except (IsADirectoryError, PermissionError):
                    continue
                for secret in secrets:
                    self.assertNotIn(secret, data)
        args = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=False).stdout
        for secret in secrets:
            self.assertNotIn(secret, args)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
