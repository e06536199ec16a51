"""HTTP as a buyer's browser and a test need it: no redirects followed, *.localhost is loopback."""
import html.parser
import http.client
import json
import urllib.parse


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return "%d %r" % (self.status, self.text[:300])


def request(method, url, data=None, headers=None, timeout=60):
    """data: dict = form, bytes = as it is, anything else = JSON."""
    u = urllib.parse.urlsplit(url)
    headers = dict(headers or {})
    if isinstance(data, dict) and "Content-Type" not in headers:
        data = urllib.parse.urlencode(data).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif data is not None and not isinstance(data, bytes):
        data = json.dumps(data).encode()
        headers.setdefault("Content-Type", "application/json")
    headers.setdefault("Host", u.netloc)
    local = u.hostname == "localhost" or u.hostname.endswith(".localhost")
    host = "127.0.0.1" if local else u.hostname
    c = http.client.HTTPConnection(host, u.port or 80, timeout=timeout)
    try:
        path = (u.path or "/") + ("?" + u.query if u.query else "")
        c.request(method, path, body=data, headers=headers)
        r = c.getresponse()
        return Answer(r.status, r.headers, r.read())
    finally:
        c.close()


class _Forms(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.forms.append({"action": a.get("action"), "method": a.get("method", "get"),
                               "fields": {}, "names": set()})
        elif tag in ("input", "select", "textarea") and self.forms and a.get("name"):
            self.forms[-1]["names"].add(a["name"])
            if tag == "input" and a.get("type") == "hidden":
                self.forms[-1]["fields"][a["name"]] = a.get("value", "")


def forms(text):
    """[{action, method, fields: hidden ones with values, names: all}]"""
    p = _Forms()
    p.feed(text)
    return p.forms
