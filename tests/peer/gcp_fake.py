#!/usr/bin/python3
"""A small Google that does as it is told. Prints its port, serves until stdin closes.

What it serves is set by POST /control (JSON, merged into its state); GET /control tells what it was
asked. Nothing is shared with the program: assertions are verified here with the public key that
/control gives. With Google's discovery documents at hand ($LASTMILE_CONTRACTS or argv[1]) every
call of the Procurement API and of Pub/Sub is checked against them: route, query, body.

state: accounts {id: approval state}, entitlements {id: {...}}, messages [...], certs {kid: PEM},
       jwks {...}, max_age, modulus (hex), page (entitlements on a page), settle (state after
       approval), script [{match, status, code or body, times, headers, set: new state}]
"""
import base64
import hashlib
import json
import os
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROVIDER = "acme-public"
EMAIL = "worker@acme.iam.gserviceaccount.com"
lock = threading.Lock()
calls = []
acked = []
told = []
tokens = set()
complaints = []
state = {"accounts": {}, "entitlements": {}, "messages": [], "certs": {}, "jwks": {"keys": []},
         "max_age": 3600, "modulus": "", "script": [], "page": 200,
         "settle": "ENTITLEMENT_ACTIVE"}


def load(name):
    for folder in (sys.argv[1] if len(sys.argv) > 1 else None,
                   os.environ.get("LASTMILE_CONTRACTS"), "../shared/contracts"):
        path = os.path.join(folder or "/nonexistent", "gcp", name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                return json.load(f)
    return None


class Discovery:
    def __init__(self, doc):
        self.doc, self.routes = doc, []
        if doc:
            self.walk(doc)

    def walk(self, node):
        for m in node.get("methods", {}).values():
            flat = m.get("flatPath", m["path"])
            pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(flat).replace(r"\-", "-"))
            self.routes.append((m["httpMethod"], re.compile("/" + pattern + "$"), m))
        for r in node.get("resources", {}).values():
            self.walk(r)

    def check(self, method, path, query, body):
        """None, or what is wrong."""
        if not self.doc:
            return None
        for verb, pattern, m in self.routes:
            if verb == method and pattern.match(path):
                break
        else:
            return "no route %s %s" % (method, path)
        for q in query:
            if q not in m.get("parameters", {}):
                return "unknown parameter " + q
        if "request" in m:
            return self.fields(m["request"]["$ref"], body)
        return "a body where none belongs" if body else None

    def fields(self, name, body):
        properties = self.doc["schemas"][name].get("properties", {})
        kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
        if not isinstance(body, dict):
            return name + " is not an object"
        for k, v in body.items():
            if k not in properties:
                return "unknown field %s of %s" % (k, name)
            kind = kinds.get(properties[k].get("type"))
            if kind and not isinstance(v, kind):
                return "wrong type of " + k
        return None


procurement = Discovery(load("cloudcommerceprocurement__v1.json"))
pubsub = Discovery(load("pubsub__v1.json"))


def error(status, name, message="example"):
    return status, {"error": {"code": status, "message": message, "status": name, "details": []}}


def entitlement(ident):
    e = dict(state["entitlements"][ident])
    e["name"] = "providers/%s/entitlements/%s" % (PROVIDER, ident)
    if "account" in e:
        e["account"] = "providers/%s/accounts/%s" % (PROVIDER, e["account"])
    return e


def account(ident):
    out = {"name": "providers/%s/accounts/%s" % (PROVIDER, ident), "state": "ACCOUNT_ACTIVE"}
    if state["accounts"][ident]:
        out["approvals"] = [{"name": "other", "state": "APPROVED"},
                            {"name": "signup", "state": state["accounts"][ident]}]
    return out


def on_account(ident, verb, query, body):
    if ident not in state["accounts"]:
        return error(404, "NOT_FOUND")
    if not verb:
        return 200, account(ident)
    if verb != "approve" or body.get("approvalName") != "signup":
        return error(400, "INVALID_ARGUMENT")
    if state["accounts"][ident] != "PENDING":
        return error(400, "FAILED_PRECONDITION", "Precondition check failed.")
    state["accounts"][ident] = "APPROVED"
    return 200, {}


def on_entitlement(ident, verb, query, body, method):
    if ident not in state["entitlements"]:
        return error(404, "NOT_FOUND")
    e = state["entitlements"][ident]
    waits = e["state"] == "ENTITLEMENT_ACTIVATION_REQUESTED"
    change = e["state"] == "ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL"
    if method == "GET":
        return 200, entitlement(ident)
    told.append([verb or "patch", ident, body])
    if method == "PATCH":
        if query.get("updateMask") != "messageToUser" or not (waits or change):
            return error(400, "FAILED_PRECONDITION")
        e["messageToUser"] = body["messageToUser"]
        return 200, entitlement(ident)
    refused = error(400, "FAILED_PRECONDITION", "Precondition check failed.")
    if verb == "approve":
        if not waits or state["accounts"].get(e.get("account")) != "APPROVED":
            return refused
        e["state"] = state["settle"]
    elif verb == "reject":
        if not waits:
            return refused
        e["state"] = "ENTITLEMENT_CANCELLED"
    elif verb in ("approvePlanChange", "rejectPlanChange"):
        if not change or body.get("pendingPlanName") != e.get("newPendingPlan"):
            return refused
        if verb == "approvePlanChange":
            e["plan"] = e["newPendingPlan"]
        del e["newPendingPlan"]
        e["state"] = "ENTITLEMENT_ACTIVE"
    else:
        return error(404, "NOT_FOUND")
    return 200, {}


def listing(query):
    chosen = sorted(state["entitlements"])
    m = re.fullmatch(r"account=(\S+)", query.get("filter", "account=*"))
    if not m:
        return error(400, "INVALID_ARGUMENT")
    if m.group(1) != "*":
        chosen = [i for i in chosen if state["entitlements"][i].get("account") == m.group(1)]
    start = int(query.get("pageToken", "p 0&=")[2:-2])
    size = min(int(query.get("pageSize", 200)), state["page"])
    out = {"entitlements": [entitlement(i) for i in chosen[start:start + size]]}
    if start + size < len(chosen):
        out["nextPageToken"] = "p %d&=" % (start + size)
    return 200, out


def on_procurement(method, path, query, body):
    wrong = procurement.check(method, path, query, body)
    if wrong:
        complaints.append(wrong)
        return error(400, "INVALID_ARGUMENT", wrong)
    base = "/v1/providers/%s/" % PROVIDER
    if not path.startswith(base):
        return error(403, "PERMISSION_DENIED")
    m = re.fullmatch(r"(accounts|entitlements)(?:/([^/:]+)(?::(\w+))?)?", path[len(base):])
    if not m:
        return error(404, "NOT_FOUND")
    kind, ident, verb = m.groups()
    if not ident:
        return listing(query) if kind == "entitlements" else (200, {})
    if kind == "accounts":
        return on_account(ident, verb, query, body)
    return on_entitlement(ident, verb, query, body, method)


def on_pubsub(method, path, query, body):
    wrong = pubsub.check(method, path, query, body)
    if wrong:
        complaints.append(wrong)
        return error(400, "INVALID_ARGUMENT", wrong)
    if path == "/v1/projects/p/subscriptions/s:acknowledge":
        acked.extend(body["ackIds"])
        return 200, {}
    if path != "/v1/projects/p/subscriptions/s:pull":
        return error(404, "NOT_FOUND")
    out, state["messages"] = state["messages"][:body["maxMessages"]], []
    return 200, {"receivedMessages": out} if out else {}


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(jwt):
    """RS256 by the modulus that the test gave; the payload, or None."""
    head, body, sig = jwt.split(".")
    n = int(state["modulus"], 16)
    size = (n.bit_length() + 7) // 8
    got = pow(int.from_bytes(unb64(sig), "big"), 65537, n).to_bytes(size, "big")
    digest = hashlib.sha256((head + "." + body).encode()).digest()
    prefix = bytes.fromhex("3031300d060960864801650304020105000420")
    want = b"\0\1" + b"\xff" * (size - 3 - len(prefix) - 32) + b"\0" + prefix + digest
    if got != want or json.loads(unb64(head)).get("alg") != "RS256":
        return None
    return json.loads(unb64(body))


def issue():
    token = "ya29.%d" % (len(tokens) + 1)
    tokens.add(token)
    return token


def on_token(form, url):
    claims = verify(form["assertion"])
    now = time.time()
    if form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer" or not claims or \
            claims["iss"] != EMAIL or claims["aud"] != url or \
            claims["scope"] != "https://www.googleapis.com/auth/cloud-platform" or \
            abs(claims["iat"] - now) > 60 or claims["exp"] - claims["iat"] > 3600:
        return 400, {"error": "invalid_grant", "error_description": "example"}
    return 200, {"access_token": issue(), "expires_in": 3599, "token_type": "Bearer"}


def on_sts(form):
    if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" or \
            form.get("subject_token") != "subject-1" or not form.get("audience") or \
            form.get("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt" or \
            form.get("requested_token_type") != "urn:ietf:params:oauth:token-type:access_token":
        return 400, {"error": "invalid_request"}
    return 200, {"access_token": "federated", "expires_in": 3600, "token_type": "Bearer"}


def on_iam(auth, body):
    if auth != "Bearer federated" or body.get("lifetime") != "3600s" or not body.get("scope"):
        return error(403, "PERMISSION_DENIED")
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    return 200, {"accessToken": issue(), "expireTime": end}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=None):
        if not isinstance(body, str):
            body = json.dumps(body)
        body = body.encode("utf-8", "surrogateescape")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for k, v in (headers or {}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def scripted(self, what):
        for s in state["script"]:
            if s["match"] in what and s.get("times", 1) > 0:
                s["times"] = s.get("times", 1) - 1
                state.update(s.get("set", {}))
                return s
        return None

    def google(self, method, path, query, body, raw):
        auth = self.headers.get("Authorization", "")
        kind = self.headers.get("Content-Type", "")
        if path in ("/certs/robot/v1/metadata/x509/cloud-commerce-partner@system"
                    ".gserviceaccount.com", "/certs/oauth2/v3/certs"):
            out = state["certs"] if "robot" in path else state["jwks"]
            return 200, out, {"Cache-Control": "public, max-age=%d, must-revalidate"
                                               % state["max_age"]}
        form = dict(urllib.parse.parse_qsl(raw))
        if path == "/token":
            return (*on_token(form, "http://%s/token" % self.headers["Host"]), None)
        if path == "/sts/v1/token":
            return (*on_sts(form), None)
        if path.startswith("/iam/v1/projects/-/serviceAccounts/" + EMAIL):
            return (*on_iam(auth, body), None)
        if path == "/metadata/computeMetadata/v1/instance/service-accounts/default/token":
            if self.headers.get("Metadata-Flavor") != "Google":
                return 403, "", None
            return 200, {"access_token": issue(), "expires_in": 3599}, None
        if auth[7:] not in tokens or not auth.startswith("Bearer "):
            return (*error(401, "UNAUTHENTICATED"), None)
        if raw and kind != "application/json":
            return (*error(404, "NOT_FOUND"), None)
        if path.startswith("/gcp/procurement"):
            return (*on_procurement(method, path[16:], query, body), None)
        if path.startswith("/gcp/pubsub"):
            return (*on_pubsub(method, path[11:], query, body), None)
        return 404, "<html>nobody here</html>", None

    def handle_any(self, method):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        path = urllib.parse.unquote(url.path)
        with lock:
            if path == "/control":
                if method == "POST":
                    state.update(json.loads(raw))
                    calls.clear()
                    told.clear()
                return self.reply(200, {"calls": calls, "told": told, "acked": acked,
                                        "issued": len(tokens), "complaints": complaints})
            if path == "/revoke":
                tokens.clear()
                tokens.add("none")
                return self.reply(200, {})
            calls.append("%s %s" % (method, self.path))
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                body = None
            s = self.scripted("%s %s" % (method, self.path))
            if s and "body" in s:
                out = (s["status"], s["body"], s.get("headers"))
            elif s:
                out = (*error(s["status"], s["code"]), s.get("headers"))
            else:
                out = self.google(method, path, query, body, raw)
        return self.reply(*out)

    def do_GET(self):
        self.handle_any("GET")

    def do_POST(self):
        self.handle_any("POST")

    def do_PATCH(self):
        self.handle_any("PATCH")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # a closing test resets its connections
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
