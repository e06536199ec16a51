"""What buyers of Microsoft's and Google's marketplace do, step by step as their browsers would:

    page = s.azure_arrive(s.azure_buy("starter"), "alice")      # -> status page
    page = s.gcp_arrive(s.gcp_buy("starter"))
"""
import json

import stack_http
from stack_part import PATIENCE, StackError

BASE = "/marketplace"


def absolute(origin, location):
    return location if "://" in location else origin + location


class Buyers:
    """Mixed into Stack: uses sandbox(), register(), land(), origin()."""

    # -- Microsoft

    def azure_buy(self, plan="starter", product="acme-notes", **more):
        return self.sandbox("POST", "azure/purchases", dict(more, product=product, plan=plan))

    def azure_land(self, purchase, raw=False):
        """The browser's GET with the token; the registration's address."""
        url = purchase["landing_url_raw" if raw else "landing_url"]
        a = stack_http.request("GET", url)
        assert a.status == 303, a
        return absolute("/".join(url.split("/", 3)[:3]), a.headers["Location"])

    def azure_sign_in(self, registration, account="alice", seconds=PATIENCE, **fields):
        """From the registration's page through Entra and back; the address that it led to."""
        origin = "/".join(registration.split("/", 3)[:3])
        form = self.sign_in_form(registration, seconds)
        a = stack_http.request("POST", absolute(origin, form["action"]), form["fields"])
        assert a.status == 303, a
        cookie = "; ".join(c.split(";", 1)[0] for c in a.headers.get_all("Set-Cookie") or ())
        authorize = a.headers["Location"]
        a = stack_http.request("POST", authorize, dict(fields, account=account))
        assert a.status in (302, 303), a
        a = stack_http.request("GET", a.headers["Location"], headers={"Cookie": cookie})
        assert a.status == 303, a
        return absolute(origin, a.headers["Location"])

    def sign_in_form(self, registration, seconds=PATIENCE):
        """The page may still be looking at who signed in before."""
        found = []

        def offered():
            page = stack_http.request("GET", registration)
            found[:] = [f for f in stack_http.forms(page.text)
                        if (f["action"] or "").endswith("/signin")]
            return found
        if not self.settle(offered, seconds):
            raise StackError("no sign-in is offered at %s" % registration)
        return found[0]

    def azure_arrive(self, purchase, account="alice", email="ann@example.com", **fields):
        """Lands, signs in, registers; the status page."""
        registration = self.azure_sign_in(self.azure_land(purchase), account)
        return self.register(registration, email, **fields)

    def azure_state(self, purchase):
        """The subscription as the marketplace holds it."""
        return self.sandbox("GET", "azure/purchases/" + purchase["id"])

    def azure_do(self, purchase, act, **body):
        return self.sandbox("POST", "azure/purchases/%s/%s" % (purchase["id"], act), body)

    # -- Google

    def gcp_buy(self, plan="starter", product="acme-notes", **more):
        return self.sandbox("POST", "gcp/purchases", dict(more, product=product, plan=plan))

    def gcp_arrive(self, purchase, email="ann@example.com", **fields):
        return self.register(self.land(purchase), email, **fields)

    def gcp_state(self, purchase):
        return self.sandbox("GET", "gcp/purchases/" + purchase["id"])

    def gcp_do(self, purchase, act, **body):
        return self.sandbox("POST", "gcp/purchases/%s/%s" % (purchase["id"], act), body)

    # -- the seller

    def orders(self):
        """Every order by the marketplace's own id of the purchase."""
        rows = {}
        for o in self.cli_json("get", "orders", "--limit", "1000")["orders"]:
            full = self.cli_json("describe", "order", o["id"])
            rows[full["marketplace"]["purchase"]] = full
        return rows

    def order_of(self, purchase):
        """The order of one purchase; None when there is none."""
        key = purchase.get("entitlement_id") or purchase["id"]
        return self.orders().get(key)

    def cli_json(self, *args):
        done = self.cli(*args, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
