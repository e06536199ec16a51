#!/usr/bin/python3
"""A small AWS that misbehaves on request. Prints its port, serves until stdin closes.

It checks every signature itself (own SigV4, nothing shared with the program), demands
x-amz-security-token for the temporary keys it gave out, and refuses a clock that is off by more
than five minutes. What it does is decided by what it is asked:
  ResolveCustomer   by the registration token, see RESOLVE
  SQS               POST /put adds a message, GET /state tells what happened
  STS               POST /sts/
  containers        GET /creds (Authorization must be "let me in <n>" if a token is sent)
  instances         PUT /latest/api/token and the two GETs
"""
import calendar
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LICENSE = "arn:aws:license-manager::294406891311:license:l-1f0e8a2b3c4d4e5f8a9b0c1d2e3f4a5b"
OTHER = "arn:aws:license-manager::294406891311:license:l-ffff"
CODE = "n0123examplexxxxxxxxxxxx"
ACCOUNT = "845735284135"

lock = threading.Lock()
keys = {"AKIDSTATIC": ("static-secret", "")}
dead = set()
issued = [0]
calls = []
queue = []
deleted = []
once = set()


def issue(life):
    """New temporary credentials, valid for life seconds."""
    with lock:
        issued[0] += 1
        n = issued[0]
        keys["ASIA%d" % n] = ("secret-%d" % n, "token-%d" % n)
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + life))
    return "ASIA%d" % n, "secret-%d" % n, "token-%d" % n, end


def first_time(what):
    with lock:
        if what in once:
            return False
        once.add(what)
        return True


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def check_signature(headers, path, body):
    """None, or the AWS error code."""
    auth = headers.get("Authorization", "")
    if not auth.startswith("AWS4-HMAC-SHA256 "):
        return "MissingAuthenticationToken"
    parts = dict(p.strip().split("=", 1) for p in auth[17:].split(","))
    key, day, region, service, _ = parts["Credential"].split("/")
    if key not in keys:
        return "UnrecognizedClientException"
    secret, token = keys[key]
    if headers.get("X-Amz-Security-Token", "") != token:
        return "UnrecognizedClientException"
    names = parts["SignedHeaders"].split(";")
    if "host" not in names or (token and "x-amz-security-token" not in names):
        return "SignatureDoesNotMatch"
    canonical = "\n".join(["POST", path, ""]
                          + ["%s:%s" % (n, " ".join(headers[n].split())) for n in names]
                          + ["", ";".join(names), hashlib.sha256(body).hexdigest()])
    stamp = headers["X-Amz-Date"]
    scope = "%s/%s/%s/aws4_request" % (day, region, service)
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    k = mac(mac(mac(mac(("AWS4" + secret).encode(), day), region), service), "aws4_request")
    if not hmac.compare_digest(mac(k, text).hex(), parts["Signature"]):
        return "SignatureDoesNotMatch"
    if abs(calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.time()) > 300:
        return "InvalidSignatureException"
    if key in dead:
        return "ExpiredTokenException"
    return None


def concurrent(**more):
    return 200, dict({"CustomerAWSAccountId": ACCOUNT, "LicenseArn": LICENSE,
                      "ProductCode": CODE, "Unknown": {"x": 1}}, **more)


def error(code, status=400, key="message"):
    return status, {"__type": code, key: "example"}


RESOLVE = {
    "ok+/=%2B": concurrent,
    "legacy": lambda: (200, {"CustomerIdentifier": "X01EXAMPLEX", "ProductCode": CODE,
                             "CustomerAWSAccountId": ACCOUNT}),
    "other": lambda: concurrent(ProductCode="n0ther"),
    "expired": lambda: error("ExpiredTokenException"),
    "invalid": lambda: error("com.amazonaws.x#InvalidTokenException:http://x/"),
    "throttled": lambda: error("com.amazonaws.example#ThrottlingException", 400, "Message"),
    "denied": lambda: error("AccessDeniedException"),
    "disabled": lambda: error("DisabledApiException"),
    "broken": lambda: error("InternalServiceErrorException", 500),
    "naked": lambda: (503, b"<html>sorry</html>"),
    "slow": lambda: (429, b""),
    "cut": lambda: (200, b'{"CustomerAWSAccountId":"84573528'),
    "html": lambda: (200, b"<html>hello</html>"),
    "array": lambda: (200, b"[]"),
    "noid": lambda: (200, {"ProductCode": CODE}),
    "evil": lambda: concurrent(CustomerAWSAccountId="1\r\nX"),
}


def entitlement(dimension, value, license_arn=LICENSE, **more):
    return dict({"ProductCode": CODE, "Dimension": dimension, "LicenseArn": license_arn,
                 "CustomerAWSAccountId": ACCOUNT, "Value": value}, **more)


def entitlements(ask):
    page = ask.get("NextToken")
    where = ask.get("Filter", {})
    if where.get("CUSTOMER_IDENTIFIER") == ["NOBODY"]:
        return 200, {"Entitlements": []}
    if where.get("CUSTOMER_IDENTIFIER") == ["FOREVER"]:
        return 200, {"Entitlements": [], "NextToken": "same"}
    by_account = where.get("CUSTOMER_AWS_ACCOUNT_ID", [""])[0]
    if by_account == "000000000006":
        return 200, {"Entitlements": [], "NextToken": "same"}
    if by_account == "000000000007":
        return error("ThrottlingException")
    if not page:
        return 200, {"Entitlements": [], "NextToken": "p2"}
    if page == "p2":
        return 200, {"NextToken": "p3", "Entitlements": [
            entitlement("seats", {"IntegerValue": 25}, ExpirationDate=1811851200),
            entitlement("seats", {"IntegerValue": 99}, OTHER, ExpirationDate=1911851200)]}
    return 200, {"Entitlements": [
        entitlement("sso", {"BooleanValue": True}, ExpirationDate=1811851200.5),
        entitlement("ratio", {"DoubleValue": 1.5}),
        entitlement("tier", {"StringValue": "gold"}, LICENSE.upper())]}


def agreement(ask):
    ident = ask["agreementId"]
    if ident == "agmt-gone":
        return error("ResourceNotFoundException")
    if ident == "agmt-denied":
        return error("AccessDeniedException")
    return 200, {"agreementId": ident, "acceptor": {"accountId": ACCOUNT},
                 "startTime": 1780315200.0,
                 "endTime": None if ident == "agmt-payg" else 1811851200.0,
                 "proposalSummary": {"offerId": "offer-1"},
                 "status": "TERMINATED" if ident == "agmt-ended" else "ACTIVE"}


def terms(ask):
    if not ask.get("nextToken"):
        return 200, {"acceptedTerms": [{"supportTerm": {}}], "nextToken": "2"}
    trial = ask["agreementId"] == "agmt-trial"
    contract = {"configurableUpfrontPricingTerm": {"configuration": {"dimensions": [
        {"dimensionKey": "seats", "dimensionValue": 25}, {"dimensionValue": 1}]}}}
    fixed = {"fixedUpfrontPricingTerm": {"grants": [{"dimensionKey": "sso", "maxQuantity": 1}]}}
    return 200, {"acceptedTerms": [{"freeTrialPricingTerm": {}} if trial else {"legalTerm": {}},
                                   contract, fixed]}


def summary(ident, status, product="prod-qtwveexample", **more):
    return dict({"agreementId": ident, "status": status, "acceptor": {"accountId": ACCOUNT},
                 "acceptanceTime": 1780315100.5, "startTime": 1780315200, "endTime": 1780315300,
                 "proposalSummary": {"offerId": "offer-1", "resources": [{"id": product}]}}, **more)


def of_account(ask, where):
    assert sorted(where) == ["AcceptorAccountId", "AgreementType", "PartyType",
                             "ResourceIdentifier"]
    (product,), (account,) = where["ResourceIdentifier"], where["AcceptorAccountId"]
    if product == "prod-denied":
        return error("AccessDeniedException")
    if product == "prod-busy":
        return error("ThrottlingException")
    if account == "000000000009":
        return 200, {"agreementViewSummaries": [], "nextToken": "same"}
    if account != ACCOUNT:
        return 200, {"agreementViewSummaries": []}
    if not ask.get("nextToken"):
        return 200, {"agreementViewSummaries": [
            summary("agmt-old", "RENEWED", acceptanceTime=1780315000),
            summary("agmt-x", "ACTIVE", "prod-other")], "nextToken": "n1"}
    return 200, {"agreementViewSummaries": [
        summary("agmt-new", "CANCELLED", acceptanceTime=1780316000),
        summary("agmt-alien", "ACTIVE", acceptor={"accountId": "999999999999"})]}


def search(ask):
    """The product says what the seller has; every request must be a documented one."""
    where = {f["name"]: f["values"] for f in ask["filters"]}
    assert ask["catalog"] == "AWSMarketplace" and 1 <= ask["maxResults"] <= 50
    assert where["PartyType"] == ["Proposer"] and where["AgreementType"] == ["PurchaseAgreement"]
    if "AcceptorAccountId" in where:
        return of_account(ask, where)
    assert sorted(where) == ["AgreementType", "PartyType", "ResourceIdentifier", "Status"]
    (product,), (status,) = where["ResourceIdentifier"], where["Status"]
    if product == "prod-denied":
        return error("AccessDeniedException")
    if product == "prod-endless":
        return 200, {"agreementViewSummaries": [], "nextToken": "same"}
    page = ask.get("nextToken", "")
    found = {
        "RENEWED": {"": [], "n1": [summary("agmt-old", status)]},
        "ACTIVE": {"": [summary("agmt-1", status), summary("agmt-x", status, "prod-other"),
                        summary("agmt-payg", status, endTime=None)],
                   "n1": [summary("agmt-secret", status,
                                  entitlements=[{"licenseArn": LICENSE}]),
                          summary("agmt-later", status)]},
        "CANCELLED": {"": [summary("agmt-ended", status)]},
    }.get(status, {"": []})
    return 200, {"agreementViewSummaries": found[page],
                 "nextToken": "n1" if page == "" and "n1" in found else None}


def licences(ask):
    if ask["agreementId"] == "agmt-secret":
        return error("AccessDeniedException")
    return 200, {"agreementEntitlements": [
        {"status": "PROVISIONED", "licenseArn": LICENSE}, {"status": "FAILED"}]}


def receive(ask):
    assert ask["VisibilityTimeout"] == 120
    assert ask["MessageSystemAttributeNames"] == ["ApproximateReceiveCount", "SentTimestamp"]
    if ask["QueueUrl"].endswith("/flood"):
        return 200, {"Messages": [{"ReceiptHandle": "", "Body": "x"}, {"ReceiptHandle": "r1"}]
                     + [{"MessageId": "f%d" % n, "ReceiptHandle": "r%d" % n, "Body": "x"}
                        for n in range(2, 14)]}
    if not ask["QueueUrl"].endswith("/123456789012/events"):
        return error("com.amazonaws.sqs#QueueDoesNotExist")
    assert ask["WaitTimeSeconds"] == 20 and ask["MaxNumberOfMessages"] == 10
    with lock:
        out = queue[:10]
        del queue[:10]
    return 200, {"Messages": out} if out else {}


def delete(ask):
    with lock:
        deleted.append(ask["ReceiptHandle"])
    return 200, b""


OPS = {
    "AWSMPMeteringService.ResolveCustomer": lambda ask: RESOLVE[ask["RegistrationToken"]](),
    "AWSMPEntitlementService.GetEntitlements": entitlements,
    "AWSMPCommerceService_v20200301.DescribeAgreement": agreement,
    "AWSMPCommerceService_v20200301.GetAgreementTerms": terms,
    "AWSMPCommerceService_v20200301.GetAgreementEntitlements": licences,
    "AWSMPCommerceService_v20200301.SearchAgreements": search,
    "AmazonSQS.ReceiveMessage": receive,
    "AmazonSQS.DeleteMessage": delete,
}


def xml(action, creds):
    return ("<%sResponse xmlns='x'><%sResult><Credentials><AccessKeyId>%s</AccessKeyId>"
            "<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken>"
            "<Expiration>%s</Expiration></Credentials></%sResult></%sResponse>"
            % ((action, action) + creds + (action, action))).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def note(self, what):
        with lock:
            calls.append(what)

    def sts(self, body):
        ask = dict(urllib.parse.parse_qsl(body.decode()))
        action = ask.get("Action")
        self.note("%s %s %s" % (action, ask.get("RoleArn"), ask.get("ExternalId", "")))
        if ask.get("Version") != "2011-06-15" or not ask.get("RoleSessionName"):
            return self.reply(400, b"<ErrorResponse><Error><Code>ValidationError</Code>")
        if action == "AssumeRole":
            code = check_signature(self.headers, "/", body)
            if code:
                return self.reply(403, ("<ErrorResponse><Error><Code>%s</Code></Error>"
                                        "</ErrorResponse>" % code).encode())
        elif not ask.get("WebIdentityToken", "").startswith("jwt"):
            return self.reply(400, b"<E><Error><Code>InvalidIdentityToken</Code></Error></E>")
        else:
            self.note("jwt " + ask["WebIdentityToken"])
        life = 7200 if "short" not in ask["RoleArn"] else 2
        return self.reply(200, xml(action, issue(life)))

    def do_POST(self):
        body = self.body()
        if self.path == "/put":
            with lock:
                queue.append(json.loads(body))
            return self.reply(200, {})
        if self.path == "/kill":
            dead.add(body.decode())
            return self.reply(200, {})
        if self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            return self.sts(body)
        code = check_signature(self.headers, "/", body)
        target = self.headers.get("X-Amz-Target", "")
        self.note(target.split(".")[-1] + " " + (code or "ok"))
        if code:
            return self.reply(*error(code))
        status, out = OPS[target](json.loads(body))
        return self.reply(status, out)

    def do_PUT(self):
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.note("PUT " + self.path)
        if self.path == "/latest/api/token" and ttl == "21600":
            return self.reply(200, b"imds-token")
        return self.reply(400, b"")

    def do_GET(self):
        self.note("GET %s %s" % (self.path, self.headers.get("Authorization", "")))
        base = "/latest/meta-data/iam/security-credentials/"
        if self.path == "/state":
            with lock:
                return self.reply(200, {"calls": calls[:-1], "deleted": deleted, "keys": issued[0]})
        if self.path == "/flaky" and first_time("flaky"):
            return self.reply(500, b"")
        if self.path in ("/creds", "/flaky", "/brief"):
            key, secret, token, end = issue(2 if self.path == "/brief" else 7200)
            return self.reply(200, {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
                                    "Expiration": end})
        if self.path.startswith(base) and \
                self.headers.get("X-aws-ec2-metadata-token") == "imds-token":
            if self.path == base:
                return self.reply(200, b"my-role\n")
            key, secret, token, end = issue(7200)
            return self.reply(200, {"Code": "Success", "AccessKeyId": key,
                                    "SecretAccessKey": secret, "Token": token, "Expiration": end})
        return self.reply(404, b"")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    os._exit(0)


main()
