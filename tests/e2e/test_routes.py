"""The tenants' routes through the real nginx and the real Apache, from the shipped files: a path
per tenant and a host per tenant, found by the socket's name, without a reload. What reaches the
program is looked at byte by byte."""
import glob
import http.client
import os
import re
import shutil
import socket
import tempfile
import threading
import unittest

import stack_conf
from stack_port import free_port
from stack_part import Part

MODULES = ["mpm_event", "authz_core", "headers", "rewrite", "proxy", "proxy_http", "setenvif"]

NGINX = """daemon off;
%(user)s
worker_processes 1;
pid %(dir)s/nginx.pid;
error_log %(dir)s/nginx-error.log warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(dir)s/tmp/body;
    proxy_temp_path %(dir)s/tmp/proxy;
    fastcgi_temp_path %(dir)s/tmp/fastcgi;
    uwsgi_temp_path %(dir)s/tmp/uwsgi;
    scgi_temp_path %(dir)s/tmp/scgi;
    server {
        listen 127.0.0.1:%(port)s default_server;
        server_name buy.example;
        include tenants-path.conf;
        location / { return 404; }
    }
    include tenants-host.conf;
}
"""

APACHE = """ServerRoot %(dir)s
ServerName buy.example
PidFile %(dir)s/apache.pid
DefaultRuntimeDir %(dir)s
Mutex file:%(dir)s default
Listen 127.0.0.1:%(port)s
%(modules)s
%(user)s
ErrorLog %(dir)s/apache-error.log
Define LASTMILE_RUN %(run)s
<Directory />
    Require all denied
</Directory>
<VirtualHost *:%(port)s>
    ServerName buy.example
    Include tenants-path.conf
</VirtualHost>
Include tenants-host.conf
"""


class Tenant:
    """A program behind app.sock that keeps every request as it came."""

    def __init__(self, run, name, answer=None):
        self.requests, self.name = [], name
        self.directory = os.path.join(run, "tenants", name)
        os.makedirs(self.directory, mode=0o711)
        self.path = os.path.join(self.directory, "app.sock")
        self.extra = answer or b""
        self.listen()

    def listen(self):
        self.socket = socket.socket(socket.AF_UNIX)
        temp = self.path + ".new"
        self.socket.bind(temp)
        os.chmod(temp, 0o666)
        self.socket.listen(16)
        os.rename(temp, self.path)
        threading.Thread(target=self.serve, args=(self.socket,), daemon=True).start()

    def serve(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            data = b""
            c.settimeout(60)
            while b"\r\n\r\n" not in data:
                chunk = c.recv(65536)
                if not chunk:
                    break
                data += chunk
            self.requests.append(data)
            body = self.name.encode()
            c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + self.extra +
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)
            c.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Routes:
    """The tests; subclasses start one server."""

    @classmethod
    def setUpClass(cls):
        if not cls.binary():
            raise unittest.SkipTest("%s is not installed" % cls.program)
        cls.dir = tempfile.mkdtemp(prefix="lastmile-")
        os.chmod(cls.dir, 0o711)
        cls.run_dir = cls.dir + "/run"
        os.makedirs(cls.run_dir + "/tenants", mode=0o711)
        os.makedirs(cls.dir + "/tmp", mode=0o777)
        os.chmod(cls.dir + "/tmp", 0o777)
        cls.port = free_port()
        for name in ("tenants-path.conf", "tenants-host.conf"):
            text = stack_conf.read(cls.program, name).replace("/run/lastmile", cls.run_dir)
            text = re.sub(r"listen 80;", "listen 127.0.0.1:%d;" % cls.port, text)
            text = text.replace("<VirtualHost *:80>", "<VirtualHost *:%d>" % cls.port)
            stack_conf.write("%s/%s" % (cls.dir, name), text)
        cls.a = Tenant(cls.run_dir, "t0-aaa")
        cls.b = Tenant(cls.run_dir, "t0-bbb",
                       b"Location: /next\r\nSet-Cookie: s=1; Path=/; HttpOnly\r\n")
        cls.part = cls.make()
        cls.part.start()

    @classmethod
    def tearDownClass(cls):
        cls.part.stop()
        cls.a.close()
        cls.b.close()
        shutil.rmtree(cls.dir, ignore_errors=True)

    @classmethod
    def answers(cls):
        c = http.client.HTTPConnection("127.0.0.1", cls.port, timeout=20)
        try:
            c.request("GET", "/t/t0-aaa/")
            return c.getresponse().read() == b"t0-aaa"
        finally:
            c.close()

    def raw(self, text):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
            s.sendall(text)
            data = b""
            while True:
                chunk = s.recv(65536)
                if not chunk:
                    return data
                data += chunk

    def get(self, path, host="buy.example", headers=""):
        data = self.raw(("GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n"
                         % (path, host, headers)).encode())
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode("latin-1"), body

    def last(self, tenant):
        head = tenant.requests[-1].decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")
        fields = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), []).append(value.strip())
        return head[0], fields

    def test_path_form(self):
        for tenant in (self.a, self.b):
            status, _, body = self.get("/t/%s/x/y?q=1&r=%%20" % tenant.name)
            self.assertEqual((status, body), (200, tenant.name.encode()))
            line, fields = self.last(tenant)
            self.assertEqual(line, "GET /x/y?q=1&r=%20 HTTP/1.1")
            self.assertEqual(fields["x-forwarded-prefix"], ["/t/" + tenant.name])
            self.assertEqual(fields["x-forwarded-proto"], ["http"])
            self.assertEqual(fields["host"], ["buy.example"])

    def test_host_form(self):
        for tenant in (self.a, self.b):
            status, _, body = self.get("/x/y?q=1", tenant.name + ".apps.example")
            self.assertEqual((status, body), (200, tenant.name.encode()))
            line, fields = self.last(tenant)
            self.assertEqual(line, "GET /x/y?q=1 HTTP/1.1")
            self.assertEqual(fields["host"], [tenant.name + ".apps.example"])
            self.assertNotIn("x-forwarded-prefix", fields)

    def test_missing_tenant(self):
        for path, host in (("/t/t0-none/", "buy.example"), ("/", "t0-none.apps.example")):
            status, head, body = self.get(path, host)
            self.assertEqual(status, 503)
            self.assertIn(b"not running", body)
            self.assertIn("text/html", head)
        self.assertEqual(self.get("/t/t0-aaa/")[0], 200)

    def test_request_splitting(self):
        """Decoded bytes must not become part of the request line, in either form."""
        for path, host in (("/t/t0-aaa/a%20b%0d%0aX-Evil:%201", "buy.example"),
                           ("/a%20b%0d%0aX-Evil:%201", "t0-aaa.apps.example"),
                           ("/t/t0-aaa/a%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0a", "buy.example")):
            before = len(self.a.requests)
            status, _, _ = self.get(path, host)
            if len(self.a.requests) == before:
                self.assertIn(status, (400, 403, 404))
                continue
            self.assertEqual(status, 200)
            self.assertEqual(len(self.a.requests), before + 1)
            line, fields = self.last(self.a)
            self.assertRegex(line, r"^GET /a%20(?:b|HTTP/1\.1)%0[dD]%0[aA]\S* HTTP/1\.1$")
            self.assertNotIn("x-evil", fields)

    def test_names_outside_the_pattern(self):
        for name in ("..", "%2e%2e", "T0-AAA", "t0_aaa", "-aaa", "aaa-", "a" * 41):
            before = len(self.a.requests) + len(self.b.requests)
            status, _, _ = self.get("/t/%s/secret" % name)
            self.assertIn(status, (400, 403, 404), name)
            self.assertEqual(len(self.a.requests) + len(self.b.requests), before, name)

    def test_forged_headers(self):
        forged = ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Prefix: /evil\r\n"
                  "X-Forwarded-Proto: gopher\r\nProxy: http://evil/\r\n"
                  "X-Forwarded-Host: evil\r\n")
        for path, host in (("/t/t0-aaa/", "buy.example"), ("/", "t0-aaa.apps.example")):
            self.assertEqual(self.get(path, host, forged)[0], 200)
            _, fields = self.last(self.a)
            self.assertNotIn("proxy", fields)
            self.assertEqual(fields["x-forwarded-for"], ["127.0.0.1"])
            self.assertEqual(fields["x-forwarded-proto"], ["http"])
            self.assertEqual(fields["x-forwarded-host"], [host])
            self.assertEqual(fields.get("x-forwarded-prefix"),
                             ["/t/t0-aaa"] if "/t/" in path else None)

    def test_prefix_for_programs_that_know_none(self):
        _, head, _ = self.get("/t/t0-bbb/")
        self.assertRegex(head, r"(?i)location: (?:http://buy\.example(?::\d+)?)?/t/t0-bbb/next")
        self.assertRegex(head, r"(?i)set-cookie: s=1; path=/t/t0-bbb/; httponly")
        _, head, _ = self.get("/", "t0-bbb.apps.example")
        self.assertRegex(head, r"(?i)location: (?:http://t0-bbb\.apps\.example(?::\d+)?)?/next")
        self.assertRegex(head, r"(?i)set-cookie: s=1; path=/; httponly")

    def test_without_the_slash(self):
        status, head, _ = self.get("/t/t0-aaa?x=1")
        self.assertEqual(status, 308)
        self.assertRegex(head, r"(?i)location: (?:http://buy\.example(?::\d+)?)?/t/t0-aaa/\?x=1")

    def test_switch_and_suspend(self):
        """A rename moves the route, a removed name shows the down page, both at once."""
        run = Tenant(self.run_dir, "t0-switch")
        self.assertEqual(self.get("/t/t0-switch/")[0], 200)
        old = run.socket
        run.name = "second"
        run.listen()
        self.assertEqual(self.get("/t/t0-switch/")[2], b"second")
        os.unlink(run.path)
        self.assertEqual(self.get("/t/t0-switch/")[0], 503)
        run.listen()
        self.assertEqual(self.get("/t/t0-switch/")[0], 200)
        old.close()
        run.close()


class Nginx(Routes, unittest.TestCase):
    program = "nginx"

    @classmethod
    def binary(cls):
        return shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/bin")

    @classmethod
    def make(cls):
        user = "user www-data;" if os.geteuid() == 0 else ""
        stack_conf.write(cls.dir + "/nginx.conf",
                         NGINX % {"dir": cls.dir, "port": cls.port, "user": user})
        return Part("nginx", [cls.binary(), "-c", cls.dir + "/nginx.conf"], cls.dir + "/nginx.log",
                    cls.answers)


class Apache(Routes, unittest.TestCase):
    program = "apache"

    @classmethod
    def binary(cls):
        return shutil.which("apache2", path="/usr/local/sbin:/usr/sbin:/usr/bin")

    @classmethod
    def make(cls):
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        modules = "\n".join("LoadModule %s_module %s" % (m, path) for m in MODULES
                            for path in glob.glob("/usr/lib/apache2/modules/mod_%s.so" % m))
        stack_conf.write(cls.dir + "/apache.conf",
                         APACHE % {"dir": cls.dir, "port": cls.port, "run": cls.run_dir,
                                   "modules": modules, "user": user})
        return Part("apache", [cls.binary(), "-f", cls.dir + "/apache.conf", "-DFOREGROUND"],
                    cls.dir + "/apache.log", cls.answers)


if __name__ == "__main__":
    unittest.main()
