"""The sandbox as Google: sign-up tokens, ways to an access token, the Procurement API."""
import hashlib
import hmac
import json
import os
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sandbox_gcp import (CLOUD, EMAIL, FORM, ISS, METADATA, Google, decode, sign, types,
                         unb64, verified)  # noqa: E402
from stack_sandbox import CONTRACTS, ApiError  # noqa: E402

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Case(unittest.TestCase):
    products = None

    @classmethod
    def setUpClass(cls):
        cls.box = Google(cls.products)

    @classmethod
    def tearDownClass(cls):
        cls.box.stop()

    def refused(self, answer, code, status):
        self.assertEqual(answer[0], code, answer)
        self.assertEqual(answer[1]["error"]["code"], code)
        self.assertEqual(answer[1]["error"]["status"], status)


class Tokens(Case):
    def setUp(self):
        self.order = self.box.order("acme", account=self.box.api(
            "POST", "gcp/accounts", {"product": "acme"})["id"])

    def token(self, **more):
        return self.box.api("POST", "gcp/tokens", dict(more, purchase=self.order["id"]))["token"]

    def test_sign_up(self):
        self.assertEqual(list(self.order["landing"]["fields"]), ["x-gcp-marketplace-token"])
        token = self.order["token"]
        certs = self.box.certs()
        self.assertGreaterEqual(len(certs), 2)
        self.assertTrue(verified(token, certs))
        head, claims = decode(token)
        self.assertEqual(head["alg"], "RS256")
        self.assertEqual(claims["iss"], ISS)
        self.assertEqual(claims["aud"], "saas.example")
        self.assertEqual(claims["sub"], self.order["account"])
        self.assertEqual(claims["exp"] - claims["iat"], 300)
        self.assertLess(abs(claims["iat"] - time.time()), 60)
        self.assertEqual(claims["google"], {"roles": ["account_admin"],
                                            "user_identity": self.order["user"]})
        self.assertEqual(claims["orders"], [self.order["order_id"]])

    def test_shapes_of_orders(self):
        order = self.order["order_id"]
        self.assertEqual(decode(self.token(orders="objects"))[1]["orders"], [{"orderId": order}])
        google = decode(self.token(orders="google"))[1]
        self.assertEqual(google["google"]["orders"], [order])
        self.assertNotIn("orders", google)
        self.assertNotIn("orders", decode(self.token(orders="absent"))[1])
        self.assertEqual(decode(self.token(role="project_editor", user="1"))[1]["google"],
                         {"roles": ["project_editor"], "user_identity": "1"})

    def test_hostile(self):
        certs = self.box.certs()
        good = ("wrong-iss", "wrong-aud", "aud-array", "expired", "future", "long-life", "no-exp",
                "empty-sub", "odd-sub")
        claims = {}
        for kind in good:
            token = self.token(kind=kind)
            self.assertTrue(verified(token, certs), kind)
            claims[kind] = decode(token)[1]
        now = time.time()
        self.assertNotEqual(claims["wrong-iss"]["iss"], ISS)
        self.assertIsInstance(claims["aud-array"]["aud"], list)
        self.assertLess(claims["expired"]["exp"], now - 300)
        self.assertGreater(claims["future"]["iat"], now + 300)
        self.assertGreater(claims["long-life"]["exp"], now + 86400)
        self.assertNotIn("exp", claims["no-exp"])
        self.assertEqual(claims["empty-sub"]["sub"], "")
        self.assertIn("/", claims["odd-sub"]["sub"])
        for kind in "alg-none", "hs256", "hs256-key", "unknown-kid", "wrong-key", "no-kid":
            self.assertFalse(verified(self.token(kind=kind), certs), kind)
        text, _, sig = self.token(kind="hs256").rpartition(".")
        pem = certs[decode(text + ".")[0]["kid"]]
        self.assertEqual(hmac.new(pem.encode(), text.encode(), hashlib.sha256).digest(),
                         unb64(sig))
        self.assertEqual(self.token(kind="alg-none").rpartition(".")[2], "")
        self.assertIn(decode(self.token(kind="wrong-key"))[0]["kid"], certs)
        with self.assertRaises(ApiError):
            self.token(kind="no-such-kind")

    def test_rotation(self):
        old = self.token()
        before = self.box.certs()
        kid = self.box.api("POST", "gcp/keys", {"ring": "partner", "rotate": "overlap"})["kid"]
        after = self.box.certs()
        self.assertNotIn(kid, before)
        self.assertTrue(verified(old, after) and verified(self.token(), after))
        self.box.api("POST", "gcp/keys", {"ring": "partner", "rotate": "emergency"})
        self.assertFalse(verified(old, self.box.certs()))
        self.box.api("POST", "gcp/keys", {"ring": "partner", "rotate": "overlap"})


class Access(Case):
    """Ways to an access token, and what happens without one."""

    def grant(self, key, scope=CLOUD, header=None, **claims):
        now = int(time.time())
        payload = {"iss": key["client_email"], "aud": key["token_uri"], "iat": now,
                   "exp": now + 3600, "scope": scope}
        payload.update(claims)
        payload = {k: v for k, v in payload.items() if v is not None}
        head = dict({"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}, **(header or {}))
        token = sign(payload, key["private_key"], head)
        form = urllib.parse.urlencode({"grant_type": GRANT, "assertion": token}).encode()
        status, _, text = self.box.http("POST", "/gcp/token", form, FORM)
        return status, json.loads(text)

    def test_service_account(self):
        key = self.box.api("GET", "gcp/key-file")
        self.assertEqual(key["client_email"], EMAIL)
        status, doc = self.grant(key)
        self.assertEqual(status, 200, doc)
        self.assertEqual(doc["token_type"], "Bearer")
        self.assertEqual(self.box.listed("accounts")[0], 200)
        self.assertEqual(self.box.proc("GET", "accounts", token=doc["access_token"])[0], 200)
        now = int(time.time())
        for claims in ({"exp": now + 7200}, {"iat": now - 8000, "exp": now - 4400},
                       {"iat": now + 3000, "exp": now + 6000}, {"aud": "https://x.example/"},
                       {"iss": "nobody@x.example"}, {"header": {"kid": "other"}}):
            self.assertEqual(self.grant(key, **claims)[1].get("error"), "invalid_grant", claims)
        self.assertEqual(self.grant(key, scope=None)[1]["error"], "invalid_scope")
        status, doc = self.grant(key, scope="https://www.googleapis.com/auth/pubsub")
        self.refused(self.box.proc("GET", "accounts", token=doc["access_token"]), 403,
                     "PERMISSION_DENIED")

    def test_skew(self):
        key = self.box.api("GET", "gcp/key-file")
        self.box.settings(auth_skew_ms=-3600000)
        self.assertEqual(self.grant(key)[1]["error"], "invalid_grant")
        self.box.settings(auth_skew_ms=0)

    def test_federation(self):
        doc = self.box.api("GET", "gcp/external-account?file=/tmp/subject")
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "audience": doc["file"]["audience"], "scope": CLOUD,
                "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "subject_token": doc["subject_token"],
                "subject_token_type": doc["file"]["subject_token_type"]}
        path = urllib.parse.urlparse(doc["file"]["token_url"]).path
        status, _, text = self.box.http("POST", path, urllib.parse.urlencode(form).encode(), FORM)
        self.assertEqual(status, 200, text)
        federated = json.loads(text)["access_token"]
        self.refused(self.box.proc("GET", "accounts", token=federated), 403, "PERMISSION_DENIED")
        path = urllib.parse.urlparse(doc["file"]["service_account_impersonation_url"]).path
        status, answer = self.box.call("POST", path[len("/gcp/"):],
                                       {"scope": [CLOUD], "lifetime": "3600s"}, token=federated)
        self.assertEqual(status, 200, answer)
        self.assertRegex(answer["expireTime"], r"^\d{4}-\d\d-\d\dT.*Z$")
        self.assertEqual(self.box.proc("GET", "accounts", token=answer["accessToken"])[0], 200)
        form["subject_token"] = "stolen"
        self.assertEqual(self.box.http("POST", "/gcp/sts/v1/token",
                                       urllib.parse.urlencode(form).encode(), FORM)[0], 400)

    def test_metadata(self):
        self.assertEqual(self.box.http("GET", METADATA + "token")[0], 403)
        status, headers, text = self.box.http("GET", METADATA[len("/gcp/metadata"):] + "email",
                                              None, {"Metadata-Flavor": "Google"})
        self.assertEqual((status, headers["Metadata-Flavor"], text.decode()),
                         (200, "Google", EMAIL))

    def test_refusals(self):
        box = self.box
        self.refused(box.proc("GET", "accounts", token="x"), 401, "UNAUTHENTICATED")
        self.refused(box.proc("GET", "accounts", provider="other"), 403, "PERMISSION_DENIED")
        box.settings(linked_procurement=False)
        self.refused(box.proc("GET", "accounts"), 403, "PERMISSION_DENIED")
        box.settings(linked_procurement=True)
        box.api("POST", "gcp/tokens/expire")
        self.refused(box.proc("GET", "accounts"), 401, "UNAUTHENTICATED")
        box.token = None
        box.fault("accounts.list", "throttle")
        self.refused(box.proc("GET", "accounts"), 429, "RESOURCE_EXHAUSTED")
        box.advance(hours=2)
        self.refused(box.proc("GET", "accounts"), 401, "UNAUTHENTICATED")
        box.token = None


class Schema(Case):
    """Routes and fields are those of Google's discovery document."""

    def test_methods(self):
        path = os.path.join(CONTRACTS, "gcp", "cloudcommerceprocurement__v1.json")
        if not os.path.exists(path):
            self.skipTest("no contracts: LASTMILE_CONTRACTS names no folder with gcp/"
                          "cloudcommerceprocurement__v1.json")
        with open(path, encoding="utf-8") as f:
            doc = json.load(f)
        order = self.box.order()
        kinds = {"string": "x", "object": {}, "array": [], "integer": 1, "boolean": True}
        resources = doc["resources"]["providers"]["resources"]
        for coll, name in ("accounts", order["account"]), ("entitlements",
                                                           order["entitlement_id"]):
            for method, m in resources[coll]["methods"].items():
                verb = m["path"].partition(":")[2]
                at = coll if method == "list" else "%s/%s%s" % (coll, name, verb and ":" + verb)
                if "updateMask" in m["parameters"]:
                    at += "?updateMask=messageToUser"
                fields = doc["schemas"][m["request"]["$ref"]].get("properties", {}) \
                    if "request" in m else {}
                for field, schema in fields.items():
                    value = kinds[schema["type"]]
                    status, answer = self.box.proc(m["httpMethod"], at, {field: value})
                    self.assertNotIn("Unknown name", json.dumps(answer), (method, field))
                    wrong = {field: 7 if schema["type"] != "integer" else "x"}
                    self.refused(self.box.proc(m["httpMethod"], at, wrong), 400,
                                 "INVALID_ARGUMENT")
                if fields:
                    self.refused(self.box.proc(m["httpMethod"], at, {"noSuchField": 1}), 400,
                                 "INVALID_ARGUMENT")
                sep = "&" if "?" in at else "?"
                self.refused(self.box.proc(m["httpMethod"], at + sep + "nope=1",
                                           {} if "request" in m else None), 400,
                             "INVALID_ARGUMENT")
        shown = self.box.ent(order)
        self.assertLessEqual(set(shown), set(doc["schemas"]["Entitlement"]["properties"]))
        account = self.box.proc("GET", "accounts/%s?view=ACCOUNT_VIEW_FULL" % order["account"])[1]
        self.assertLessEqual(set(account), set(doc["schemas"]["Account"]["properties"]))

    def test_bodies(self):
        at = "accounts/x:approve"
        self.refused(self.box.proc("POST", at, b"not json"), 400, "INVALID_ARGUMENT")
        self.refused(self.box.proc("POST", at, {}, ctype="text/plain"), 400, "INVALID_ARGUMENT")
        self.refused(self.box.proc("POST", at, {}), 404, "NOT_FOUND")
        self.refused(self.box.proc("POST", "accounts/x:explode", {}), 404, "NOT_FOUND")


class Accounts(Case):
    def test_life(self):
        order = self.box.order(test=True)
        at = "accounts/" + order["account"]
        account = self.box.proc("GET", at)[1]
        self.assertEqual(account["name"], "providers/acme-public/" + at)
        self.assertEqual(account["state"], "ACCOUNT_ACTIVE")
        self.assertEqual(account["approvals"][0]["name"], "signup")
        self.assertEqual(account["approvals"][0]["state"], "PENDING")
        self.assertNotIn("resellerParentBillingAccount", account)
        self.assertIn("resellerParentBillingAccount",
                      self.box.proc("GET", at + "?view=ACCOUNT_VIEW_FULL")[1])
        self.refused(self.box.proc("POST", at + ":approve", {"approvalName": "other"}), 400,
                     "INVALID_ARGUMENT")
        self.assertEqual(self.box.proc("POST", at + ":reject", {"reason": "ä" * 200}), (200, {}))
        rejected = self.box.proc("GET", at)[1]["approvals"][0]
        self.assertEqual((rejected["state"], rejected["reason"]), ("REJECTED", "ä" * 128))
        self.assertEqual(self.box.proc("POST", at + ":approve", {"approvalName": "signup"}),
                         (200, {}))
        self.assertEqual(self.box.proc("GET", at)[1]["approvals"][0]["state"], "APPROVED")
        self.assertEqual(self.box.proc("POST", at + ":reset", {}), (200, {}))
        self.assertEqual(self.box.ent(order)["state"], "ENTITLEMENT_CANCELLED")
        self.assertEqual(self.box.proc("GET", at)[1]["approvals"][0]["state"], "PENDING")

    def test_foreign_accounts_are_not_reset(self):
        order = self.box.order()
        self.refused(self.box.proc("POST", "accounts/%s:reset" % order["account"], {}), 403,
                     "PERMISSION_DENIED")

    def test_pages(self):
        ids = {self.box.api("POST", "gcp/accounts", {"product": "acme"})["id"] for _ in range(7)}
        seen, token, pages = set(), "", 0
        while True:
            status, doc = self.box.listed("accounts", pageSize=3, pageToken=token)
            self.assertEqual(status, 200)
            self.assertLessEqual(len(doc["accounts"]), 3)
            seen |= {a["name"].rpartition("/")[2] for a in doc["accounts"]}
            pages += 1
            token = doc.get("nextPageToken", "")
            if not token:
                break
        self.assertLessEqual(ids, seen)
        self.assertGreater(pages, 2)
        self.refused(self.box.listed("accounts", pageToken="bogus"), 400, "INVALID_ARGUMENT")

    def test_deleted(self):
        order = self.box.order()
        self.box.drain()
        self.box.api("POST", "gcp/accounts/%s/delete" % order["account"])
        self.assertEqual(types(self.box.drain()),
                         ["ENTITLEMENT_CANCELLED", "ENTITLEMENT_DELETED", "ACCOUNT_DELETED"])
        self.refused(self.box.proc("GET", "accounts/" + order["account"]), 404, "NOT_FOUND")


class Files(unittest.TestCase):
    def test_restart(self):
        box = Google()
        box.halt()
        box.args = ["--state", box.path("state"), "--gcp-key-file", box.path("sa.json")]
        box.start()
        try:
            with open(box.path("sa.json"), encoding="utf-8") as f:
                key = json.load(f)
            self.assertEqual(os.stat(box.path("sa.json")).st_mode & 0o777, 0o600)
            self.assertTrue(key["token_uri"].startswith(box.url))
            order = box.active()
            box.settings(orders="absent")
            token = box.token
            box.halt(9)
            box.start()
            box.token = token
            self.assertEqual(box.ent(order)["state"], "ENTITLEMENT_ACTIVE")
            self.assertEqual(box.settings()["orders"], "absent")
            self.assertIn("ENTITLEMENT_ACTIVE", types(box.drain()))
            self.assertNotEqual(box.order()["id"], order["id"])
            with open(box.path("sa.json"), encoding="utf-8") as f:
                again = json.load(f)
            self.assertEqual(again["private_key"], key["private_key"])
            self.assertTrue(again["token_uri"].startswith(box.url))
        finally:
            box.stop()


if __name__ == "__main__":
    unittest.main()
