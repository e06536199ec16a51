"""The sandbox as Google, met by Google's own clients (npm and Python), where they are installed."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sandbox_gcp import CLOUD, ISS, METADATA, Google, listing  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "@googleapis/cloudcommerceprocurement"


class Client(unittest.TestCase):
    def test_google(self):
        modules = os.environ.get("LASTMILE_GOOGLE_CLIENT", "")
        if not os.path.isdir(os.path.join(modules or "/-", PACKAGE)):
            self.skipTest("LASTMILE_GOOGLE_CLIENT names no node_modules with " + PACKAGE)
        box = Google([listing("acme")])
        self.addCleanup(box.stop)
        order = box.order(settle_ms=0)
        hostile = box.api("POST", "gcp/tokens", {"purchase": order["id"], "kind": "wrong-key"})
        subject = box.path("subject")
        external = box.api("GET", "gcp/external-account?file=" + subject)
        box.write("subject", external["subject_token"], 0o600)
        file = box.write("external.json", json.dumps(external["file"]), 0o600)
        r = subprocess.run(
            ["node", os.path.join(HERE, "sandbox_gcp_client.js"), box.url, file,
             "acme-public", order["entitlement_id"], order["account"], "saas.example",
             order["token"], hostile["token"]],
            capture_output=True, timeout=120, text=True,
            env=dict(os.environ, NODE_PATH=modules))
        self.assertEqual(r.returncode, 0, r.stderr)
        out = json.loads(r.stdout)
        name = "providers/acme-public/entitlements/" + order["entitlement_id"]
        self.assertEqual(out["get"]["name"], name, out)
        self.assertEqual(out["early"]["error"], "FAILED_PRECONDITION")
        self.assertEqual(out["message"], "soon")
        self.assertEqual((out["account"], out["approve"]), ({}, {}))
        self.assertEqual([e["state"] for e in out["list"]["entitlements"]], ["ENTITLEMENT_ACTIVE"])
        self.assertEqual(len(out["accounts"]["accounts"]), 1)
        self.assertEqual(out["missing"]["error"], "NOT_FOUND")
        self.assertEqual(out["verified"], order["account"])
        self.assertIn("error", out["hostile"])

    def test_google_auth(self):
        try:
            import urllib3
            from google.auth.transport.urllib3 import AuthorizedHttp, Request
            from google.oauth2 import id_token, service_account
        except ImportError as e:
            self.skipTest("google-auth for Python is not installed: %s" % e)
        box = Google([listing("acme")])
        self.addCleanup(box.stop)
        order = box.order()
        claims = id_token.verify_token(
            order["token"], Request(urllib3.PoolManager()), audience="saas.example",
            certs_url=box.url + "/gcp/certs/" + ISS.partition(".com/")[2])
        self.assertEqual(claims["sub"], order["account"])
        _, _, text = box.http("GET", METADATA + "identity?audience=https://a.example", None,
                              {"Metadata-Flavor": "Google"})
        claims = id_token.verify_token(
            text.decode().strip(), Request(urllib3.PoolManager()), audience="https://a.example",
            certs_url=box.url + "/gcp/certs/oauth2/v1/certs")
        self.assertTrue(claims["email_verified"])
        credentials = service_account.Credentials.from_service_account_info(
            box.api("GET", "gcp/key-file"), scopes=[CLOUD])
        if b"=" in credentials._make_authorization_grant_assertion():
            self.skipTest("google-auth is too old: its assertions are padded")
        http = AuthorizedHttp(credentials)
        base = box.url + "/gcp/procurement/v1/providers/acme-public/"
        r = http.request("GET", base + "entitlements/" + order["entitlement_id"])
        self.assertEqual((r.status, json.loads(r.data)["orderId"]), (200, order["order_id"]))
        box.api("POST", "gcp/tokens/expire")
        self.assertEqual(http.request("GET", base + "accounts").status, 200)


if __name__ == "__main__":
    unittest.main()
