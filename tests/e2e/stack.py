"""The whole system on loopback in one scratch directory: Redis, sandbox, worker, front, nginx and
Apache, from the files that are shipped. `make demo` and the end-to-end tests both start it:

    with Stack() as s:
        purchase = s.buy("acme-notes", "starter")
        page = s.register(s.land(purchase), "ann@example.com")
        print(s.wait_ready(page)["endpoint"])

Parts are s.parts["front"] etc. with start, stop, kill, restart, pid. As root every part has a
user of its own and tenants get uids; as an ordinary user all of it runs under that one. TMPDIR is
where the scratch directory goes; it is removed at the end unless keep=True.
"""
import glob
import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import sanitize
import stack_conf
import stack_http
from mailsink import MailSink
from stack_buyers import Buyers
from stack_part import PATIENCE, Part, StackError, tail
from stack_port import free_port
from stack_redis import Redis

BASE = "/marketplace"
ORDER = ("redis", "sandbox", "worker", "front", "nginx", "apache")
BINARIES = {"redis": "redis-server", "nginx": "nginx", "apache": "apache2"}


def which(name):
    return shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")


def user_of(*names, group=None):
    for name in names:
        try:
            p = pwd.getpwnam(name)
            return p.pw_uid, grp.getgrnam(group).gr_gid if group else p.pw_gid
        except KeyError:
            pass
    raise StackError("there is no user named %s" % " or ".join(names))


def missing(parts=ORDER, build=None):
    """What a stack with these parts needs and the machine has not (for skips)."""
    build = build or default_build()
    absent = [BINARIES[p] for p in parts if p in BINARIES and not which(BINARIES[p])]
    for p in ("sandbox", "worker", "front"):
        if p in parts and not os.path.exists(os.path.join(build, "lastmile-" + p)):
            absent.append("lastmile-" + p)
    return absent


def scratch_parent():
    """TMPDIR, unless the sockets of tenants would get too long a path there (107 bytes)."""
    return None if len(tempfile.gettempdir()) <= 17 else "/tmp"


def default_build():
    return os.environ.get("LASTMILE_BUILD") or os.path.join(stack_conf.ROOT, "build")


class Stack(Buyers):
    """options: config, products (texts with ${...}), front_extra (YAML lines below `front:`),
    redis_extra, nginx_http, apache_extra, web_changes ((old, new) in the shipped files),
    endpoint="host", lease, appendfsync, front_args, worker_args,
    patience (with a Redis that a disk holds up)."""

    def __init__(self, parts=ORDER, build=None, ports=None, keep=False, directory=None, **options):
        self.build, self.keep, self.options = build or default_build(), keep, options
        self.root = os.geteuid() == 0
        self.dir = directory or tempfile.mkdtemp(prefix="lastmile-", dir=scratch_parent())
        self.wanted = [p for p in ORDER if p in parts]
        owners = {p: None for p in ("front", "redis", "sandbox")}
        if self.root:
            owners["front"] = user_of("nobody", group="www-data")
            owners["redis"] = user_of("redis", "nobody")
            owners["sandbox"] = user_of("nobody")
        self.mail = MailSink(port=(ports or {}).get("smtp", 0))
        self.v = self.values(ports or {})
        self.mail.directory = self.v["var"] + "/mail"
        self.files = stack_conf.Files(self.v, owners, self.build, options)
        self.parts = {name: self.part(name, owners.get(name)) for name in self.wanted}

    def values(self, ports):
        v = {"dir": self.dir, "port": ports.get("nginx") or free_port(),
             "apache_port": ports.get("apache") or free_port(),
             "sandbox_port": ports.get("sandbox") or free_port(),
             "smtp_port": self.mail.port, "lease": self.options.get("lease", "30s"),
             "appendfsync": self.options.get("appendfsync", "always")}
        for name in ("bin", "etc", "run", "var", "log"):
            v[name] = os.path.join(self.dir, name)
        if self.options.get("endpoint") == "host":
            v["endpoint"] = "http://{tenant}.localhost:%s/" % v["port"]
            v["apache_endpoint"] = "http://{tenant}.localhost:%s/" % v["apache_port"]
        else:
            v["endpoint"] = "http://127.0.0.1:%s/t/{tenant}/" % v["port"]
            v["apache_endpoint"] = "http://127.0.0.1:%s/t/{tenant}/" % v["apache_port"]
        extra = ["  group: www-data"] if self.root else []
        extra += self.options.get("front_extra", [])
        v["front_extra"] = "\n".join(extra)
        return v

    def part(self, name, user):
        v, o = self.v, self.options
        config = ["--config", v["etc"] + "/lastmile.yaml"]
        argv = {
            "redis": [which("redis-server"), v["etc"] + "/redis.conf"],
            "sandbox": [v["bin"] + "/lastmile-sandbox",
                        "--listen", "127.0.0.1:%s" % v["sandbox_port"],
                        "--products", v["etc"] + "/products.json",
                        "--access-key", "AKIASANDBOX000000001",
                        "--secret-file", v["etc"] + "/sandbox.secret",
                        "--ledger", v["var"] + "/sandbox/ledger",
                        "--sns-cert-file", v["var"] + "/sandbox/sns.pem",
                        "--azure-seller", v["etc"] + "/azure-seller.json",
                        "--gcp-key-file", v["var"] + "/sandbox/gcp-key.json"],
            "worker": [v["bin"] + "/lastmile-worker"] + config + o.get("worker_args", []),
            "front": [v["bin"] + "/lastmile-front"] + config + o.get("front_args", []),
            "nginx": [which("nginx"), "-c", v["etc"] + "/nginx/nginx.conf"],
            "apache": [which("apache2"), "-f", v["etc"] + "/apache/apache.conf", "-DFOREGROUND"],
        }[name]
        ready = {
            "redis": lambda: self.redis("PING") == "PONG",
            "sandbox": lambda: stack_http.request("GET", self.store_url()).status == 200,
            "worker": lambda: True,
            "front": lambda: self.connects(v["run"] + "/front.sock"),
            "nginx": lambda: self.get("/livez").status == 200,
            "apache": lambda: self.get("/livez", "apache").status == 200,
        }[name]
        # A keeper's stderr goes with its tenant; its environment comes from the worker's.
        env = sanitize.environment(v["log"] + "/sanitizer") if name == "worker" else {}
        return Part(name, argv, "%s/%s.log" % (v["log"], name), ready, user, env)

    @staticmethod
    def connects(path):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            return True

    # -- life

    def prepare(self):
        self.files.write_all()
        done = subprocess.run([self.v["bin"] + "/lastmile", "keygen",
                               "--secret", self.v["etc"] + "/seal.key",
                               "--public", self.v["etc"] + "/seal.pub"],
                              capture_output=True, text=True, timeout=20, check=False)
        if done.returncode:
            raise StackError("lastmile keygen: " + done.stderr)
        os.chmod(self.v["etc"] + "/seal.pub", 0o644)

    def start(self):
        if threading.current_thread() is threading.main_thread() and \
                signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            self.prepare()
            for name in self.wanted:
                self.parts[name].start()
            if {"redis", "worker", "front", "nginx"} <= set(self.wanted):
                self.until(lambda: self.get("/readyz").status == 200, PATIENCE, "readyz is not 200")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        for name in reversed(self.wanted):
            self.parts[name].stop()
        self.mail.close()
        self.stop_tenants()
        found = sanitize.reports(self.v["log"], self.v["run"] + "/tenants")
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        if found:
            raise StackError("a sanitizer reported: " + found)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def own_processes(self):
        """pids whose program lies in our scratch directory: keepers and tenants."""
        found = {}
        for link in glob.glob("/proc/[0-9]*/exe"):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith(self.dir + "/"):
                found[int(link.split("/")[2])] = os.path.basename(target.split(" ")[0])
        return found

    def stop_tenants(self):
        def send(number, match):
            for pid, name in self.own_processes().items():
                if match(name):
                    try:
                        os.kill(pid, number)
                    except OSError:
                        pass
        send(signal.SIGTERM, lambda n: n == "lastmile-keeper")
        self.settle(lambda: "lastmile-keeper" not in self.own_processes().values(), 5)
        send(signal.SIGKILL, lambda n: True)
        self.settle(lambda: not self.own_processes(), 5)
        self.remove_cgroups()

    def remove_cgroups(self):
        for tenant in glob.glob(self.v["run"] + "/tenants/*"):
            name = "/lastmile/" + os.path.basename(tenant)
            levels = glob.glob("/sys/fs/cgroup" + name) + glob.glob("/sys/fs/cgroup/*" + name)
            for level in levels:
                for path in glob.glob(level + "/*/") + [level, os.path.dirname(level)]:
                    try:
                        os.rmdir(path)
                    except OSError:
                        pass

    # -- waiting

    @staticmethod
    def settle(test, seconds):
        deadline = time.monotonic() + seconds
        while not test():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def until(self, test, seconds, what):
        seconds = max(seconds, PATIENCE)
        if not self.settle(test, seconds):
            raise StackError("%s within %d s\n%s" % (what, seconds, self.tails()))

    def tails(self, lines=12):
        return "\n".join("== %s\n%s" % (p.name, tail(p.log, lines)) for p in self.parts.values())

    # -- addresses and clients

    def origin(self, server="nginx"):
        return "http://127.0.0.1:%s" % self.v["port" if server == "nginx" else "apache_port"]

    def store_url(self, path="/"):
        return "http://localhost:%s%s" % (self.v["sandbox_port"], path)

    def get(self, path, server="nginx", **kw):
        """path below the base."""
        return stack_http.request("GET", self.origin(server) + BASE + path, **kw)

    def redis(self, *args, user="admin"):
        c = Redis(self.v["run"] + "/redis.sock", user, self.files.passwords[user])
        try:
            return c(*args)
        finally:
            c.close()

    def cli(self, *args, timeout=PATIENCE):
        """CompletedProcess of the operator's command."""
        done = subprocess.run([self.v["bin"] + "/lastmile", "--config",
                               self.v["etc"] + "/lastmile.yaml", *args],
                              capture_output=True, text=True, timeout=timeout, check=False)
        if sanitize.report_in(done.stderr):
            raise StackError(done.stderr)
        return done

    def sandbox(self, method, path, body=None):
        """The sandbox's control API; path without /sandbox/api/."""
        data = None if method == "GET" else (body if body is not None else {})
        a = stack_http.request(method, self.store_url("/sandbox/api/" + path),
                               data if data is None else json_bytes(data),
                               {"Content-Type": "application/json"})
        if a.status >= 300:
            raise StackError("sandbox %s %s: %r" % (method, path, a))
        return a.json() if a.body else None

    # -- what a buyer does

    def buy(self, product="acme-notes", plan="starter", **more):
        return self.sandbox("POST", "purchases", dict(more, product=product, plan=plan))

    def land(self, purchase, **kw):
        """The marketplace's cross-site POST; the address it leads to (/marketplace/r/...)."""
        a = stack_http.request("POST", purchase["landing"]["url"], purchase["landing"]["fields"],
                               {"Sec-Fetch-Site": "cross-site", "Origin": self.store_url("")}, **kw)
        if a.status != 303:
            raise StackError("landing answered %r" % a)
        return origin_of(purchase["landing"]["url"]) + path_of(a.headers["Location"])

    def form(self, registration, seconds=PATIENCE):
        """The registration form, once the purchase is known; or ('status', url) when done."""
        deadline = time.monotonic() + seconds
        while True:
            a = stack_http.request("GET", registration)
            if a.status == 303:
                return None, origin_of(registration) + path_of(a.headers["Location"])
            found = [f for f in stack_http.forms(a.text) if "email" in f["names"]]
            if found:
                return found[0], None
            if time.monotonic() > deadline:
                raise StackError("no form at the registration page: %r\n%s" % (a, self.tails()))
            time.sleep(0.1)

    def register(self, registration, email="ann@example.com", seconds=PATIENCE,
                 **fields):
        """Fills in the form; the address of the status page."""
        form, done = self.form(registration, seconds)
        if done:
            return done
        data = dict(form["fields"], email=email, **fields)
        url = origin_of(registration) + (path_of(form["action"]) if form["action"] else
                                         path_of(registration))
        a = stack_http.request("POST", url, data)
        if a.status != 303:
            raise StackError("the form was answered %r" % a)
        return origin_of(registration) + path_of(a.headers["Location"])

    def status(self, page):
        return stack_http.request("GET", page + "/status.json").json()

    def wait_ready(self, page, seconds=60, state="ready", hopeless=()):
        """The status once it is `state`; an error past the deadline or at a hopeless state."""
        last = {}

        def there():
            a = stack_http.request("GET", page + "/status.json")
            if a.status == 303:
                return False
            last.clear()
            last.update(a.json())
            return last.get("state") in (state, *hopeless)
        self.until(there, seconds, "the order is not " + state)
        if last["state"] != state:
            raise StackError("the order is %s: %s\n%s" % (last["state"], last.get("detail"),
                                                          self.tails()))
        return last

    def invariants(self):
        """Nothing, or an error with what `lastmile doctor --invariants` found."""
        done = self.cli("doctor", "--invariants")
        if done.returncode:
            raise StackError("invariants: %s%s" % (done.stdout, done.stderr))


def json_bytes(value):
    return json.dumps(value).encode()


def origin_of(url):
    return "/".join(url.split("/", 3)[:3])


def path_of(url):
    return "/" + url.split("/", 3)[3] if "://" in url else url
