"""The pages and the API on the wire: real nginx, front and Redis; the test is the worker."""
import concurrent.futures
import hashlib
import json
import os
import re
import time
import unittest
import urllib.parse

import scripted
import stack
import stack_http
from faults import before
from scripted import Scripted, attribute

PARTS = ("redis", "front", "nginx")
TOKEN = "x-amzn-marketplace-token"
FORM = "application/x-www-form-urlencoded"
HEADERS = ("Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy",
           "Content-Security-Policy", "Cross-Origin-Opener-Policy", "X-Robots-Tag")


def setUpModule():
    absent = stack.missing(PARTS)
    if absent:
        raise unittest.SkipTest("missing: " + ", ".join(absent))


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Scripted(parts=PARTS).start()
        cls.base = cls.s.origin() + "/marketplace"

    @classmethod
    def tearDownClass(cls):
        cls.s.stop()

    def get(self, path, **headers):
        a = stack_http.request("GET", path if path.startswith("http") else self.base + path,
                               headers={k.replace("_", "-"): v for k, v in headers.items()})
        for name in HEADERS:
            self.assertIn(name, a.headers, path)
        self.assertNotIn("Set-Cookie", a.headers)
        self.assertNotIn("Refresh", a.headers)
        return a

    def post(self, path, body, kind=FORM, **headers):
        if isinstance(body, (dict, list)):
            body = urllib.parse.urlencode(body)
        all_headers = {k.replace("_", "-"): v for k, v in headers.items()}
        all_headers["Content-Type"] = kind
        a = stack_http.request("POST", path if path.startswith("http") else self.base + path,
                               body if isinstance(body, bytes) else body.encode(), all_headers)
        for name in HEADERS:
            self.assertIn(name, a.headers, path)
        return a

    def csrf(self, reg):
        return attribute(self.get(reg.url).text, r'name="csrf" value="([^"]+)"')


class Landing(Pages):
    def test_get_is_help(self):
        a = self.get("/aws/acme-notes")
        self.assertEqual(a.status, 200)
        self.assertIn("Set up your account", a.text)
        self.assertIn("support@acme.example", a.text)

    def test_refusals(self):
        table = [({}, 400, "without the code"), ({TOKEN: ""}, 400, "without the code"),
                 ([(TOKEN, "a"), (TOKEN, "b")], 400, "more than one purchase"),
                 ({TOKEN: "x" * 8193}, 400, "longer than any"),
                 ({TOKEN: "a b"}, 400, "damaged"), ({TOKEN: "é"}, 400, "damaged")]
        for body, status, words in table:
            a = self.post("/aws/acme-notes", body)
            self.assertEqual(a.status, status)
            self.assertIn(words, a.text)
            self.assertIn("nothing has been charged", a.text)
        self.assertEqual(self.post("/aws/acme-notes", TOKEN + "=%zz").status, 400)
        self.assertEqual(self.post("/aws/acme-notes", "{}", "application/json").status, 415)
        self.assertEqual(self.post("/aws/acme-notes", {TOKEN: "x" * 16400}).status, 413)

    def test_unknown_product(self):
        a = self.post("/aws/nothing", {TOKEN: "t"})
        self.assertEqual(a.status, 404)
        self.assertIn("Nothing has been charged by us", a.text)
        self.assertEqual(self.post("/gcp/acme-notes", {TOKEN: "t"}).status, 404)

    def test_both_forms(self):
        boundary = "----lm"
        part = '--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        body = part % (boundary, TOKEN, "tok+en/==") + part % (boundary, "x", "y") + \
            "--%s--\r\n" % boundary
        a = self.post("/aws/acme-notes", body, "multipart/form-data; boundary=" + boundary)
        self.assertEqual(a.status, 303)
        a = self.post("/aws/acme-notes", {TOKEN: "tok",
                                          "x-amzn-marketplace-offer-type": "free-trial",
                                          "x-amzn-marketplace-product-id": "p" * 500})
        self.assertEqual(a.status, 303)
        self.assertRegex(a.headers["Location"], r"^/marketplace/r/0\.[\w-]{43}$")
        reg = self.s.client("KEYS", "{p0}:r:*")
        extras = [json.loads(self.s.client("HGET", k, "extra")) for k in reg]
        self.assertIn({"offer_type": "free-trial"}, extras)

    def test_token_is_sealed(self):
        canary = "canary-8d1f0c7e"
        reg = self.s.arrive(token=canary)
        self.s.resolve(reg)
        self.get(reg.url)
        self.s.parts["redis"].stop()
        self.s.parts["redis"].start()
        for folder, _, names in os.walk(self.s.dir):
            for name in names:
                path = os.path.join(folder, name)
                if folder.endswith("/bin") or not os.path.isfile(path):
                    continue
                try:
                    with open(path, "rb") as f:
                        text = f.read()
                except FileNotFoundError:
                    continue  # a temporary one
                self.assertNotIn(canary.encode(), text, name)
                if folder.endswith("/log"):
                    self.assertNotIn(reg.id.split(".")[1].encode(), text, name)


class Registration(Pages):
    def test_forged_posts(self):
        reg = self.s.resolve(self.s.arrive())
        other = self.s.resolve(self.s.arrive())
        good = self.csrf(reg)
        mine = {"Sec_Fetch_Site": "same-origin"}
        table = [
            ({"csrf": good}, {"Sec_Fetch_Site": "cross-site"}),
            ({"csrf": good}, {"Sec_Fetch_Site": "same-site"}),
            ({"csrf": good}, {"Sec_Fetch_Site": "none"}),
            ({"csrf": good}, {"Origin": "https://evil.example"}),
            ({"csrf": good}, {"Sec_Fetch_Site": "cross-site", "Origin": self.s.origin()}),
            ({}, mine), ({"csrf": ""}, mine), ({"csrf": good[:-1]}, mine),
            ({"csrf": self.csrf(other)}, mine), ([("csrf", good), ("csrf", good)], mine),
        ]
        for fields, headers in table:
            fields = list(fields.items() if isinstance(fields, dict) else fields)
            a = self.post(reg.url, fields + [("email", "ann@example.com")], **headers)
            self.assertEqual(a.status, 403, (fields, headers))
            self.assertIn("Nothing was changed", a.text)
        for headers in (mine, {"Origin": self.s.origin()}, {"Origin": "null"}, {}):
            a = self.post(reg.url, {"csrf": good, "email": "ann@example.com"}, **headers)
            self.assertEqual(a.status, 303)

    def test_malformed_forms(self):
        reg = self.s.resolve(self.s.arrive())
        csrf = self.csrf(reg)
        for extra in ("&email=b@example.com", "&admin=1", "&x=%zz", "&region=eu-west-1"):
            a = self.post(reg.url, "csrf=%s&email=a%%40example.com%s" % (csrf, extra))
            self.assertEqual(a.status, 400, extra)
        self.assertEqual(self.post(reg.url, "x=" + "y" * 17000).status, 413)
        self.assertEqual(self.post(reg.url, "{}", "application/json").status, 415)
        a = self.post(reg.url, {"csrf": csrf, "email": "ann"})
        self.assertEqual(a.status, 422)
        self.assertIn("<title>Error: ", a.text)

    def test_hundred_at_once(self):
        reg = self.s.resolve(self.s.arrive())
        csrf = self.csrf(reg)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: stack_http.request(
                "POST", reg.url, {"csrf": csrf, "email": "a%d@example.com" % n}), range(100)))
        self.assertEqual({a.status for a in answers}, {303})
        self.assertEqual(len({a.headers["Location"] for a in answers}), 1)
        tenant = self.s.client("HGET", "{p0}:o:" + reg.order, "tenant")
        self.assertTrue(tenant)
        log = [e[1][e[1].index("type") + 1]
               for e in self.s.client("XRANGE", "{p0}:h:" + reg.order, "-", "+")]
        self.assertEqual(log.count("order.registered"), 1)

    def test_repeated_arrivals_meet_one_order(self):
        first = self.s.resolve(self.s.arrive())
        self.s.register(first.url)
        second = self.s.resolve(self.s.arrive(), order=first.order)
        page = self.get(second.url)
        self.assertIn("already registered", page.text)
        status = self.s.origin() + self.post(
            second.url, {"csrf": self.csrf(second)}).headers["Location"]
        self.assertEqual(self.get(status).status, 200)
        self.assertEqual(self.s.client("HGET", "{p0}:o:" + first.order, "email"),
                         "ann@example.com")
        again = self.get(first.url)
        self.assertEqual(again.status, 303)

    def test_parked(self):
        reg = self.s.arrive()
        self.s.refuse(reg, "delayed", 0)
        page = self.get(reg.url)
        self.assertIn("has not answered us yet", page.text)
        status = self.s.register(reg.url)
        self.assertEqual(self.s.status(status)["state"], "confirming")
        self.assertEqual(self.s.status(status)["step"], 2)
        self.s.resolve(reg)
        self.assertEqual(self.s.status(status)["state"], "provisioning")

    def test_refused_after_registering(self):
        reg = self.s.arrive()
        self.s.refuse(reg, "delayed", 0)
        status = self.s.register(reg.url)
        self.s.refuse(reg, "token_expired")
        j = self.s.status(status)
        self.assertEqual((j["state"], j["terminal"]), ("refused", True))
        self.assertIn("only valid for a short time", self.get(status).text)

    def test_refused_states_tell_about_money(self):
        for code in ("token_expired", "token_invalid", "product_unknown", "purchase_ended"):
            reg = self.s.arrive()
            self.s.refuse(reg, code)
            a = self.get(reg.url)
            self.assertEqual(a.status, 200)
            self.assertRegex(a.text, "charged")
            self.assertNotIn("<form", a.text)

    def test_hostile_values(self):
        evil = '"><script>alert(1)</script>\'`'
        reg = self.s.resolve(self.s.arrive(), plan_title=evil, quantity=evil, account_masked=evil)
        page = self.post(reg.url, {"csrf": self.csrf(reg), "email": evil, "company": evil})
        self.assertEqual(page.status, 422)
        self.assertNotIn("<script>", page.text)
        status = self.s.register(reg.url, company=evil)
        self.s.order(reg, fulfilment="READY", endpoint="javascript:alert(1)", note=evil, code=evil,
                     plan=evil, quantity=evil, account=evil, email=evil + "@example.com")
        for path in (status, status + "/status.json"):
            text = self.get(path).text
            self.assertNotIn("<script>", text)
            self.assertNotIn("<\\/script", text)
        self.assertNotIn('href="javascript', self.get(status).text)


class Status(Pages):
    def test_poll(self):
        reg, page = self.s.ready_to_watch()
        self.s.order(reg, fulfilment="PROVISIONING", pct=40, note="Creating the database")
        a = self.get(page + "/status.json")
        self.assertEqual((a.status, a.headers["Retry-After"]), (200, "2"))
        self.assertLessEqual(len(a.body), 1024)
        self.assertEqual(a.headers["Content-Type"], "application/json")
        j = a.json()
        self.assertEqual((j["state"], j["step"], j["pct"], j["note"]),
                         ("provisioning", 3, 40, "Creating the database"))
        tag = a.headers["ETag"]
        self.assertRegex(tag, r'^"o\d+(\.[0-9a-f])?-[0-9a-f]{8}"$')
        for value in (tag, "W/" + tag, '"x", ' + tag, "*"):
            b = self.get(page + "/status.json", If_None_Match=value)
            self.assertEqual((b.status, b.body, b.headers["ETag"]), (304, b"", tag))
            self.assertEqual(b.headers["Retry-After"], "2")
        self.assertEqual(self.get(page + "/status.json", If_None_Match='"o1-0"').status, 200)
        self.s.order(reg, note="Loading")
        b = self.get(page + "/status.json", If_None_Match=tag)
        self.assertEqual((b.status, b.json()["note"]), (200, "Loading"))
        self.assertEqual(json.loads(self.get("/api/v1/status/" + page.rsplit("/", 1)[1]).text),
                         b.json())

    def test_unknown_links_are_all_the_same(self):
        reg, page = self.s.ready_to_watch()
        gone = self.s.ready_to_watch()[1]
        name = gone.rsplit("/", 1)[1].split(".")[1]
        self.s.client("DEL", "{p0}:s:" + hashlib.sha256(name.encode()).hexdigest())
        links = ["/s/0." + "A" * 42 + "E", "/s/7." + "A" * 42 + "E", "/s/x", "/s/" + "a" * 200,
                 "/s/0.%22%3e", "/r/0." + "A" * 42 + "E", "/r/nothing", gone]
        answers = [self.get(link) for link in links]
        for a in answers:
            self.assertEqual(a.status, 404)
            self.assertEqual(a.body, answers[0].body)
            self.assertEqual([(k, v) for k, v in a.headers.items() if k != "Date"],
                             [(k, v) for k, v in answers[0].headers.items() if k != "Date"])
        self.assertEqual(self.get(page).status, 200)

    def test_methods(self):
        page = self.s.ready_to_watch()[1]
        a = stack_http.request("POST", page, b"")
        self.assertEqual((a.status, a.headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(stack_http.request("HEAD", page).status, 200)
        self.assertEqual(stack_http.request("DELETE", page).status, 405)
        self.assertEqual(stack_http.request("TRACE", page).status, 405)

    def test_budgets(self):
        reg, page = self.s.ready_to_watch("global", region="eu-west-1", agree="yes")
        form = self.s.resolve(self.s.arrive(), plan="global")
        for url in (page, form.url):
            a = self.get(url)
            self.assertLessEqual(len(a.body), 14336)
            urls = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]+)"', a.text)
            self.assertLessEqual(len(urls), 5)
            for u in urls:
                self.assertTrue(u.startswith("/marketplace/static/"), u)
                b = self.get(self.s.origin() + u)
                self.assertEqual(b.status, 200)
                self.assertIn("immutable", b.headers["Cache-Control"])
                limit = 8192 if ".css" in u else 6144
                self.assertLessEqual(len(b.body), limit, u)

    def test_no_mail_no_promise(self):
        with Scripted(mail=False, parts=PARTS) as s:
            page = s.ready_to_watch()[1]
            self.assertNotIn("email", s.text(page).split("<footer")[0])

    def test_merged_orders_lead_to_the_other(self):
        reg, page = self.s.ready_to_watch()
        old, old_page = self.s.ready_to_watch()
        self.s.order(reg, fulfilment="READY", endpoint="https://x.example/")
        self.s.order(old, fulfilment="CLOSED", merged=reg.order)
        self.assertEqual(self.s.status(old_page)["state"], "ready")
        self.assertIn("https://x.example/", self.get(old_page).text)

    def test_ends_say_whose_they_are(self):
        """A deletion by the seller ends no subscription; what never was is not deleted."""
        table = [({"fulfilment": "DELETING", "at_ready": 5}, "does not end your subscription"),
                 ({"fulfilment": "CLOSED", "at_ready": 5}, "does not end your subscription"),
                 ({"fulfilment": "CLOSED", "at_ready": 5, "contract": "EXPIRED"},
                  "Your subscription has ended and your environment was removed"),
                 ({"fulfilment": "CLOSED", "contract": "CANCELLED"}, "there is nothing to use")]
        for fields, words in table:
            reg, page = self.s.ready_to_watch()
            self.s.order(reg, **fields)
            text = self.get(page).text
            self.assertIn(words, text)
            self.assertEqual("contract" in fields, "subscription has ended" in text.lower(), text)
            self.assertEqual("at_ready" in fields, '"headline">Your environment' in text)

    # -- what the front remembers between two polls (fcgi/pages/capcache.h)

    def warm(self, page, **headers):
        """Every process of the front has answered it."""
        for _ in range(30):
            a = self.get(page + "/status.json", **headers)
        return a

    def commands(self):
        stats = self.s.client("INFO", "commandstats")
        return {name: int(re.search(r"cmdstat_%s:calls=(\d+)" % name, stats).group(1))
                for name in ("hmget", "evalsha")}

    def test_warm_polls_cost_one_small_read(self):
        reg, page = self.s.ready_to_watch()
        self.s.order(reg, fulfilment="PROVISIONING", pct=40, note="Creating the database")
        first = self.warm(page)
        before = self.commands()
        for _ in range(5):
            a = self.get(page + "/status.json")
            self.assertEqual((a.body, a.headers["ETag"], a.headers["Retry-After"],
                              a.headers["Content-Type"]),
                             (first.body, first.headers["ETag"], "2", "application/json"))
            b = self.get(page + "/status.json", If_None_Match=first.headers["ETag"])
            self.assertEqual((b.status, b.body, b.headers["Retry-After"]), (304, b"", "2"))
            c = stack_http.request("HEAD", page + "/status.json")
            self.assertEqual((c.status, c.body, c.headers["Content-Length"], c.headers["ETag"]),
                             (200, b"", str(len(first.body)), first.headers["ETag"]))
        after = self.commands()
        self.assertEqual(after["evalsha"], before["evalsha"])
        self.assertIn(after["hmget"] - before["hmget"], (15, 16, 17))  # 30 s may be over

    def test_warm_polls_see_every_write(self):
        reg, page = self.s.ready_to_watch()
        self.s.order(reg, fulfilment="PROVISIONING", pct=1)
        for n in range(2, 40):
            self.s.order(reg, pct=n)
            self.assertEqual(self.s.status(page)["pct"], n)
        tag = self.warm(page).headers["ETag"]
        key = "{p0}:o:" + reg.order
        self.s.client("HSET", key, "updated", 1234567890123)  # a write that no buyer sees
        self.assertEqual(self.s.status(page)["updated"], 1234567890123)
        self.s.order(reg, fulfilment="CLOSED", contract="CANCELLED")
        a = self.get(page + "/status.json", If_None_Match=tag)
        self.assertEqual((a.status, a.json()["terminal"]), (200, True))
        a = self.warm(page)
        self.assertNotIn("Retry-After", a.headers)
        self.s.client("DEL", key)
        self.assertEqual(self.warm(page).status, 404)

    def test_warm_polls_that_only_ever_said_304(self):
        reg, page = self.s.ready_to_watch()
        tag = attribute(self.get(page).text, r'data-etag="([^"]+)"').replace("&quot;", '"')
        self.assertEqual(self.warm(page, If_None_Match=tag).status, 304)
        self.assertEqual(self.s.status(page)["state"], "provisioning")
        self.assertEqual(self.warm(page).headers["ETag"], tag)

    def test_warm_polls_follow_a_merge(self):
        reg, page = self.s.ready_to_watch()
        old, old_page = self.s.ready_to_watch()
        self.s.order(reg, fulfilment="READY", endpoint="https://x.example/")
        self.assertEqual(self.warm(old_page).json()["state"], "provisioning")
        self.s.order(old, fulfilment="CLOSED", merged=reg.order)
        self.assertEqual(self.warm(old_page).body, self.warm(page).body)
        self.s.order(reg, fulfilment="DEGRADED")
        self.assertEqual(self.s.status(old_page)["state"], "degraded")

    def test_words_end_with_the_day_they_speak_of(self):
        reg, page = self.s.ready_to_watch()

        def early(ms):
            start = self.s.now() + ms
            self.s.order(reg, contract="PENDING", fulfilment="RECEIVED", standing="scheduled",
                         starts=start)
            a = self.warm(page)
            self.assertEqual(a.json()["state"], "scheduled")
            tag = a.headers["ETag"]
            self.assertEqual(self.warm(page, If_None_Match=tag).status, 304)
            return start, a, tag
        start, a, tag = before(2500, early)
        while self.s.now() <= start:
            time.sleep(0.1)
        b = self.get(page + "/status.json", If_None_Match=tag)
        self.assertEqual((b.status, b.json()["state"], b.json()["ver"]),
                         (200, "activating", a.json()["ver"]))
        self.assertNotEqual(b.headers["ETag"], tag)
        self.assertIn(b.headers["ETag"].strip('"'), self.get(page).text)
        self.assertEqual(self.warm(page, If_None_Match=b.headers["ETag"]).status, 304)

    def test_readiness(self):
        self.s.client("HDEL", "{p0}:meta", "beat")
        a = self.get("/readyz")
        self.assertEqual(a.status, 503)
        self.assertIn("worker_silent", a.json()["type"])
        self.s.run("beat", "w1", "market,deploy,notify", 60000)
        a = self.get("/readyz")
        self.assertEqual((a.status, a.json()), (200, {"status": "ok"}))


class Schema:
    """As much of JSON Schema as openapi.json uses."""

    def __init__(self, doc):
        self.doc = doc

    def follow(self, schema):
        while "$ref" in schema:
            node = self.doc
            for key in schema["$ref"].split("/")[1:]:
                node = node[key]
            schema = node
        return schema

    def check(self, schema, value, where="$"):
        schema = self.follow(schema)
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
                 "number": (int, float)}
        if "type" in schema:
            names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            good = any(isinstance(value, kinds[n]) and
                       not (n in ("integer", "number") and isinstance(value, bool)) for n in names)
            assert good, "%s is no %s: %r" % (where, names, value)
        assert value in schema.get("enum", [value]), "%s: %r" % (where, value)
        assert value == schema.get("const", value), "%s: %r" % (where, value)
        if isinstance(value, int) and not isinstance(value, bool):
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value), where
        if isinstance(value, dict):
            for key in schema.get("required", []):
                assert key in value, "%s lacks %s" % (where, key)
            for key, v in value.items():
                if key in schema.get("properties", {}):
                    self.check(schema["properties"][key], v, where + "." + key)
                else:
                    assert schema.get("additionalProperties", True) is not False, \
                        "%s has %s" % (where, key)
        if isinstance(value, list) and "items" in schema:
            for i, v in enumerate(value):
                self.check(schema["items"], v, "%s[%d]" % (where, i))


class Api(Pages):
    def setUp(self):
        self.doc = self.get("/api/openapi.json").json()
        self.schema = Schema(self.doc)

    def call(self, method, path, body=None, kind="application/json", template=None):
        """Sends, and holds the answer against what openapi.json says of that status."""
        if method == "GET":
            a = self.get(path)
        else:
            a = self.post(path, body if isinstance(body, str) else json.dumps(body), kind)
        known = template or re.sub(r"/[01]\.[^/]+", "/{id}", path)
        operation = self.doc["paths"][known][method.lower()]
        self.assertIn(str(a.status), operation["responses"], path)
        answer = self.schema.follow(operation["responses"][str(a.status)])
        if "content" in answer:
            (kind, content), = answer["content"].items()
            self.assertEqual(a.headers["Content-Type"], kind)
            self.schema.check(content["schema"], a.json())
        if a.status >= 400:
            link = a.json()["type"]
            self.assertTrue(link.startswith(self.base + "/api/problems/"))
            self.assertEqual(self.get(link).status, 200, link)
        return a

    def test_servers_is_the_base(self):
        self.assertEqual(self.doc["servers"], [{"url": "/marketplace"}])
        self.assertEqual(self.doc["openapi"], "3.1.0")

    def test_a_portal(self):
        a = self.call("POST", "/api/v1/registrations",
                      {"channel": "aws", "product": "acme-notes", "token": "tok"})
        self.assertEqual(a.status, 201)
        reg = scripted.Registration(self.base + "/r/" + a.json()["id"])
        path = "/api/v1/registrations/" + reg.id
        self.assertTrue(a.headers["Location"].endswith(path))
        a = self.call("GET", path)
        self.assertEqual((a.json()["state"], a.headers["Retry-After"]), ("new", "1"))
        self.s.resolve(reg, plan="global")
        a = self.call("GET", path)
        names = {f["name"]: f for f in a.json()["fields"]}
        self.assertEqual(names["region"]["options"], ["eu-west-1", "eu-central-1", "us-east-1"])
        self.assertTrue(names["email"]["required"])
        a = self.call("POST", path, {"email": "ann", "region": "mars", "agree": False,
                                     "team_size": 0})
        self.assertEqual(a.status, 422)
        self.assertEqual([e["pointer"] for e in a.json()["errors"]],
                         ["/email", "/region", "/team_size", "/agree"])
        good = {"email": "ann@example.com", "region": "eu-west-1", "agree": True, "team_size": 12}
        first = self.call("POST", path, good)
        second = self.call("POST", path, dict(good, email="x"))
        self.assertEqual((first.status, second.status), (200, 200))
        self.assertEqual(first.json(), second.json())
        a = self.call("GET", path)
        self.assertEqual(a.json()["state"], "submitted")
        status = first.json()["status"][len("/marketplace"):]
        a = self.call("GET", status, template="/api/v1/status/{capability}")
        self.assertEqual(a.json()["state"], "provisioning")
        form = json.loads(self.s.client("HGET", "{p0}:o:" + reg.order, "form"))
        self.assertEqual(form, {"email": "ann@example.com", "region": "eu-west-1",
                                "team_size": "12", "agree": "yes"})

    def test_refusals(self):
        new = "/api/v1/registrations"
        good = {"channel": "aws", "product": "acme-notes", "token": "t"}
        self.assertEqual(self.call("POST", new, "x").status, 400)
        self.assertEqual(self.call("POST", new, "[]").status, 400)
        self.assertEqual(self.call("POST", new, '{"a":1,"a":2}').status, 400)
        self.assertEqual(self.call("POST", new, "a=b", FORM).status, 415)
        self.assertEqual(self.call("POST", new, "text", "text/plain").status, 415)
        self.assertEqual(self.call("POST", new, dict(good, token="x" * 17000)).status, 413)
        for change in ({"product": "none"}, {"token": ""}, {"token": 5}, {"token": "a b"},
                       {"token": "x" * 8193}):
            self.assertEqual(self.call("POST", new, dict(good, **change)).status, 422, change)
        reg = self.s.resolve(self.s.arrive())
        path = new + "/" + reg.id
        for body in ({"email": "a@b.co", "admin": "1"}, {"email": ["a@b.co"]}, {"email": None}):
            a = self.call("POST", path, body)
            self.assertEqual((a.status, len(a.json()["errors"])), (400, 1))
        self.assertEqual(self.call("POST", path, {"email": "a@b.co"}, FORM).status, 415)
        nobody = new + "/0." + "A" * 42 + "E"
        self.assertEqual(self.call("GET", nobody).status, 404)
        self.assertEqual(self.call("POST", nobody, {"email": "a@b.co"}).status, 404)
        gone = self.s.arrive()
        self.s.refuse(gone, "token_expired")
        path = new + "/" + gone.id
        self.assertEqual(self.call("POST", path, {"email": "a@b.co"}).status, 409)
        self.assertEqual(self.call("GET", path).json()["state"], "refused")
        self.assertEqual(self.call("GET", "/api/v1/status/0.x",
                                   template="/api/v1/status/{capability}").status, 404)

    def test_unknown_addresses_answer_in_json(self):
        for path in ("/api/v1/nothing", "/api/v9", "/api/v1/registrations/a/b"):
            a = self.get(path)
            self.assertEqual((a.status, a.headers["Content-Type"]),
                             (404, "application/problem+json"))

    def test_every_problem_is_explained(self):
        with open(os.path.join(stack.stack_conf.ROOT, "fcgi/html/catalogue/en.txt"),
                  encoding="utf-8") as f:
            codes = re.findall(r"(?m)^problem\.(\w+)\.title", f.read())
        for code in codes:
            self.assertEqual(self.get("/api/problems/" + code).status, 200)
        self.assertEqual(self.get("/api/problems/nonsense").status, 404)


class StoreAway(Pages):
    def test_everything_answers_503_and_recovers(self):
        reg, page = self.s.ready_to_watch()
        fresh = self.s.resolve(self.s.arrive())
        csrf = self.csrf(fresh)
        self.s.parts["redis"].stop()
        try:
            for path in (page, page + "/status.json", fresh.url, "/readyz",
                         "/api/v1/registrations/" + fresh.id):
                a = self.get(path)
                self.assertEqual(a.status, 503, path)
                self.assertGreater(int(a.headers["Retry-After"]), 0)
            a = self.post(fresh.url, {"csrf": csrf, "email": "ann@example.com", "company": "Firma"})
            self.assertEqual(a.status, 503)
            self.assertIn('value="Firma"', a.text)
            a = self.post("/aws/acme-notes", {TOKEN: "t"})
            self.assertEqual(a.status, 503)
            self.assertIn("Your purchase is safe", a.text)
            self.assertEqual(self.get("/livez").status, 200)
        finally:
            self.s.parts["redis"].start()
        self.s.until(lambda: stack_http.request("GET", page).status == 200, 60, "not back")
        self.assertEqual(self.post(fresh.url, {"csrf": csrf, "email": "a@b.co"}).status, 303)


if __name__ == "__main__":
    unittest.main(verbosity=1)
