"""lastmile-front behind real nginx and Apache; reload, restart, stop; nothing fails meanwhile."""
import array
import glob
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peer")]
import fcgi_peer as fp
import front_rig
from front_rig import Rig, until

LIVEZ = "/marketplace/livez"
KIB = 1024


def fetch(origin, path, method="GET", body=None, headers=None, connection=None):
    c = connection or http.client.HTTPConnection(urllib.parse.urlparse(origin).netloc, timeout=60)
    c.request(method, path, body, headers or {}, encode_chunked=body is not None and
              not isinstance(body, bytes))
    r = c.getresponse()
    data = r.read()
    if not connection:
        c.close()
    return r.status, dict(r.getheaders()), data


class Load:
    """GETs and POSTs without pause; every answer that is not the expected one is kept."""

    WANT = {"GET": 200, "POST": 405}

    def __init__(self, origins, threads=2):
        self.bad, self.done, self.over = [], 0, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(o, m))
                        for o in origins for m in self.WANT for _ in range(threads)]
        for t in self.threads:
            t.start()

    def run(self, origin, method):
        c = http.client.HTTPConnection(urllib.parse.urlparse(origin).netloc, timeout=60)
        while not self.over.is_set():
            try:
                status, _, body = fetch(origin, LIVEZ, method, b"x=1" if method == "POST" else None,
                                        connection=c)
            except (OSError, http.client.HTTPException) as e:
                status, body = repr(e), b""
                c.close()
            self.done += 1
            if status != self.WANT[method]:
                self.bad.append((origin, method, status, body[:80]))
        c.close()

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()
        return self.bad


class Manager(threading.Thread):
    """What a service manager with a descriptor store does: keeps what is sent with FDSTORE=1."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.path = directory + "/notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.texts, self.kept = [], []
        self.start()

    def run(self):
        while True:
            data, control, _, _ = self.sock.recvmsg(4096, socket.CMSG_SPACE(4))
            if data == b"END":
                return
            self.texts.append(data.decode())
            for level, kind, payload in control:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds = array.array("i")
                    fds.frombytes(payload)
                    self.kept += [socket.socket(fileno=fd) for fd in fds]

    def collect(self):
        """Everything sent so far; a mark of our own goes through the same queue first."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"MARK", self.path)
        until(lambda: self.texts and self.texts[-1] == "MARK", "the mark")
        texts, kept, self.texts, self.kept = self.texts, self.kept, [], []
        return texts, kept

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"END", self.path)
        self.join()
        self.sock.close()


def listener(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen(511)
    return s


def plain_cgi(test, base):
    origin, path = base.rsplit("/", 1)

    def status(rest, *args):
        return fetch(origin, "/" + path + rest, *args)[0]
    answer, headers, body = fetch(origin, "/" + path + "/livez")
    test.assertEqual((answer, body), (200, b"ok\n"))
    test.assertIn("Content-Security-Policy", headers)
    test.assertEqual(status("/livez", "HEAD"), 200)
    test.assertEqual(status("/nothing/at/all/x"), 404)
    test.assertEqual(status("/livez", "POST", b"x" * 4000), 405)
    test.assertEqual(status("/livez", "POST", b"x" * 600 * KIB), 413)


class WebServers:
    """The same expectations of nginx and of Apache; self.origin is set by the subclass."""

    def test_get(self):
        for _ in range(50):
            status, headers, body = fetch(self.origin, LIVEZ)
            self.assertEqual((status, body), (200, b"ok\n"))
        for name in ("Strict-Transport-Security", "Content-Security-Policy",
                     "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy",
                     "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
                     "X-Robots-Tag", "Cache-Control"):
            self.assertIn(name, headers)
        self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_head(self):
        status, headers, body = fetch(self.origin, LIVEZ, "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(headers.get("Content-Length", "3"), "3")

    def test_errors(self):
        self.assertEqual(fetch(self.origin, "/marketplace/no/such/page/at/all")[0], 404)
        self.assertEqual(fetch(self.origin, LIVEZ, "PUT", b"x")[0], 405)
        status, headers, _ = fetch(self.origin, LIVEZ, "POST", b"x")
        self.assertEqual((status, headers.get("Allow")), (405, "GET, HEAD"))

    def test_bodies_over_the_limit(self):
        for size in (600 * KIB, 3000 * KIB, 1):
            want = 413 if size > 512 * KIB else 405
            for _ in range(5):
                self.assertEqual(fetch(self.origin, LIVEZ, "POST", b"x" * size)[0], want)

    def test_chunked_body(self):
        def parts():
            for _ in range(20):
                yield b"y" * 6000
        for _ in range(5):
            status, _, _ = fetch(self.origin, LIVEZ, "POST", parts(),
                                 {"Transfer-Encoding": "chunked"})
            self.assertEqual(status, 405)

    def test_reload_under_load(self):
        load = Load([self.origin])
        for _ in range(6):
            time.sleep(0.15)
            self.front.reload()
        until(lambda: load.done > 50, "a load")
        bad = load.stop()
        self.assertEqual(bad, [])


@unittest.skipIf(front_rig.missing("nginx"), "missing: %s" % front_rig.missing("nginx"))
class Nginx(WebServers, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = Rig("  processes: 2")
        cls.front = cls.rig.front()
        cls.origin = cls.rig.nginx()

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def test_not_kept(self):
        for _ in range(20):
            self.assertEqual(fetch(self.origin, "/plain/livez")[0], 200)

    @unittest.skipUnless(front_rig.which("fcgiwrap"), "missing: fcgiwrap")
    def test_plain_cgi(self):
        self.rig.fcgiwrap()
        plain_cgi(self, self.origin + "/cgi")

    def test_streamed_body(self):
        """fastcgi_request_buffering off: CONTENT_LENGTH is the empty string."""
        def parts():
            for _ in range(20):
                yield b"y" * 6000
        for size in (None, 1, 600 * KIB, 3000 * KIB):
            body = parts() if size is None else b"x" * size
            more = {"Transfer-Encoding": "chunked"} if size is None else {}
            status, _, _ = fetch(self.origin, "/streamed/livez", "POST", body, more)
            self.assertEqual(status, 413 if size and size > 512 * KIB else 405)

    def test_big_header(self):
        self.assertEqual(fetch(self.origin, LIVEZ, headers={"X-Big": "x" * 7000})[0], 200)

    def test_killed_child_is_replaced(self):
        before = self.front.children()
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(self.front.children()) == 2 and self.front.children() != before,
              "a new child")
        until(lambda: fetch(self.origin, LIVEZ)[0] == 200, "an answer")

    def test_reload_with_a_broken_configuration(self):
        before = until(lambda: len(self.front.children()) == 2 and self.front.children(),
                       "those of an earlier reload are gone")
        failed = self.front.count("front.reload_failed")
        with open(self.rig.dir + "/front.yaml", "a", encoding="ascii") as f:
            f.write("nonsense: 1\n")
        self.front.signal(signal.SIGHUP)
        self.front.wait_event("front.reload_failed", failed)
        self.assertTrue(any("nonsense" in e.get("error", "") for e in self.front.events()))
        self.assertEqual(self.front.children(), before)
        self.assertEqual(fetch(self.origin, LIVEZ)[0], 200)
        self.rig.configure("  processes: 2")

    def test_reload_changes_the_number_of_processes(self):
        self.rig.configure("  processes: 3")
        self.front.reload()
        until(lambda: len(self.front.children()) == 3, "three children")
        self.rig.configure("  processes: 2")
        self.front.reload()
        until(lambda: len(self.front.children()) == 2, "two children")


@unittest.skipIf(front_rig.missing("apache2"), "missing: %s" % front_rig.missing("apache2"))
class Apache(WebServers, unittest.TestCase):
    """mod_proxy_fcgi with enablereuse=on; and plain CGI by mod_cgid."""

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig("  processes: 2")
        cls.front = cls.rig.front()
        cls.origin = cls.rig.apache()

    @classmethod
    def tearDownClass(cls):
        cls.rig.close()

    def test_plain_cgi(self):
        plain_cgi(self, self.rig.cgi + "/marketplace")

    def test_plain_cgi_without_configuration(self):
        os.rename(self.rig.dir + "/front.yaml", self.rig.dir + "/away")
        try:
            self.assertEqual(fetch(self.rig.cgi, "/marketplace/livez")[0], 503)
        finally:
            os.rename(self.rig.dir + "/away", self.rig.dir + "/front.yaml")


@unittest.skipIf(front_rig.missing("nginx"), "missing: %s" % front_rig.missing("nginx"))
class Restart(unittest.TestCase):
    """The service manager holds the listener, and the idle connections while nobody runs."""

    def setUp(self):
        self.rig = Rig("  processes: 2")
        self.listener = listener(self.rig.sock)
        self.manager = Manager(self.rig.dir)

    def tearDown(self):
        for f in self.rig.started:
            if isinstance(f, front_rig.Front):
                f.stop()
        self.manager.close()
        self.rig.close()
        self.listener.close()

    def front(self, kept=()):
        return self.rig.front(passed=[self.listener, *kept], notify=self.manager.path)

    def test_restart_under_load(self):
        front = self.front()
        origins = [self.rig.nginx()]
        if front_rig.which("apache2"):
            origins.append(self.rig.apache())
        load = Load(origins)
        kept_ever = turn = 0
        while turn < 5 or (turn < 50 and not kept_ever):  # whether any is idle is a matter of luck
            turn += 1
            time.sleep(0.2)
            self.assertEqual(front.stop(), 0)
            texts, kept = self.manager.collect()
            self.assertTrue(any("READY=1" in t for t in texts))
            self.assertTrue(any("STOPPING=1" in t for t in texts))
            kept_ever += len(kept)
            front = self.front(kept)
            for s in kept:
                s.close()
        until(lambda: load.done > 50, "a load")
        bad = load.stop()
        front.stop()
        for s in self.manager.collect()[1]:
            s.close()
        self.assertEqual(bad, [])
        self.assertGreater(kept_ever, 0)

    def test_request_in_work_is_finished(self):
        with socket.socket(socket.AF_UNIX) as mute: # a Redis that takes its time
            mute.bind(self.rig.dir + "/redis.sock")
            os.chmod(self.rig.dir + "/redis.sock", 0o666)
            mute.listen(16)
            self.rig.configure("  processes: 1")  # who answers the second has taken the first
            front = self.front()
            with fp.Peer(self.rig.sock) as p:
                p.send(fp.request("/marketplace/readyz"))
                self.assertEqual(fp.ask(self.rig.sock, LIVEZ).status, 200)
                front.signal(signal.SIGTERM)
                self.assertEqual(p.answer().status, 503)
            self.assertEqual(front.process.wait(60), 0)
            for s in self.manager.collect()[1]:
                s.close()


NO_SANDBOX = "%s has no sandbox (built with sanitizers)" % front_rig.FRONT


@unittest.skipIf(front_rig.missing(), "not built: %s" % front_rig.FRONT)
class Life(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()

    def tearDown(self):
        self.rig.close()

    def run_front(self, *args, env=None, **kw):
        return subprocess.run([front_rig.FRONT, *args], capture_output=True, text=True, timeout=60,
                              check=False, env=env, **kw)

    def test_stop_with_idle_connections(self):
        for transport in ("records", "fcgi2"):
            front = self.rig.front("--transport", transport)
            idle = [fp.Peer(self.rig.sock) for _ in range(10)]
            for p in idle:
                self.assertEqual(p.ask(LIVEZ).status, 200)
            self.assertEqual(front.stop(seconds=15), 0)
            for p in idle:
                self.assertTrue(p.closed())
                p.close()

    def test_killed_parent_takes_its_children_along(self):
        front = self.rig.front("--processes", "3")
        children = front.children()
        self.assertEqual(len(children), 3)
        front.process.kill()
        front.process.wait()
        until(lambda: not any(os.path.exists("/proc/%d" % c) for c in children), "children gone")

    def test_reload_while_reloading(self):
        """The last HUP counts: its configuration is read after the first one is through."""
        front = self.rig.front()
        self.rig.configure("  processes: 2")
        front.signal(signal.SIGHUP)
        front.wait_event("front.hardened", 1) # the new generation is on its way
        self.rig.configure("  processes: 3")
        front.signal(signal.SIGHUP)
        until(lambda: len(front.children()) == 3, "three children")

    def test_more_connections_than_descriptors(self):
        """The longest idle ones make room; nobody is refused, nothing spins or dies."""
        front = self.rig.front(wrap=["prlimit", "--nofile=160:160"])
        pids = front.children()
        idle = []
        for _ in range(150):
            p = fp.Peer(self.rig.sock)
            self.addCleanup(p.close)
            idle.append(p)
        for _ in range(5):
            self.assertEqual(fp.ask(self.rig.sock, LIVEZ).status, 200)
        self.assertEqual(front.children(), pids)

    def test_second_one_on_the_same_socket(self):
        self.rig.front()
        done = self.run_front("--config", self.rig.dir + "/front.yaml", "--listen", self.rig.sock)
        self.assertEqual(done.returncode, 69)
        self.assertIn("another program answers there", done.stderr)
        self.assertEqual(fp.ask(self.rig.sock, LIVEZ).status, 200)

    def test_dead_socket_is_replaced(self):
        listener(self.rig.sock).close()
        self.rig.front()
        self.assertEqual(fp.ask(self.rig.sock, LIVEZ).status, 200)
        self.assertEqual(os.stat(self.rig.sock).st_mode & 0o777, 0o660)

    def test_not_a_socket_is_left_alone(self):
        with open(self.rig.sock, "w", encoding="ascii") as f:
            f.write("precious")
        done = self.run_front("--config", self.rig.dir + "/front.yaml", "--listen", self.rig.sock)
        self.assertEqual(done.returncode, 69)
        self.assertEqual(os.path.getsize(self.rig.sock), 8)

    def test_tcp_is_for_loopback_only(self):
        port = front_rig.free_port()
        self.rig.front(listen="127.0.0.1:%d" % port)
        self.assertEqual(fp.ask(("127.0.0.1", port), LIVEZ).status, 200)
        done = self.run_front("--config", self.rig.dir + "/front.yaml", "--listen", "0.0.0.0:1")
        self.assertEqual(done.returncode, 69)
        self.assertIn("only loopback", done.stderr)

    def test_listener_on_descriptor_0(self):
        s = listener(self.rig.sock)
        p = subprocess.Popen([front_rig.FRONT, "--config", self.rig.dir + "/front.yaml"], stdin=s,
                             stderr=subprocess.DEVNULL)
        s.close()
        try:
            self.assertEqual(fp.ask(self.rig.sock, LIVEZ).status, 200)
        finally:
            p.terminate()
            self.assertEqual(p.wait(60), 0)

    def test_command_line(self):
        bare = {"PATH": front_rig.PATHS}
        good, bad = self.rig.dir + "/front.yaml", self.rig.dir + "/bad.yaml"
        with open(bad, "w", encoding="ascii") as f:
            f.write("nonsense: 1\n")
        for args, code in (([], 64), (["--nonsense"], 64), (["--processes", "0"], 64),
                           (["--transport", "x"], 64), (["extra"], 64), (["--help"], 0),
                           (["-V"], 0), (["--config", good, "--check"], 0),
                           (["--config", bad, "--check"], 1),
                           (["--config", bad, "--listen", self.rig.sock], 78)):
            done = self.run_front(*args, env=bare, stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, code, (args, done.stderr))
        self.assertIn("bad.yaml:1:1", done.stderr)

    @unittest.skipUnless(front_rig.sandboxed(), NO_SANDBOX)
    def test_processes_are_shut_in(self):
        for transport in ("records", "fcgi2"):
            front = self.rig.front("--transport", transport)
            fp.ask(self.rig.sock, LIVEZ, flags=0)
            for pid in front.children():
                with open("/proc/%d/status" % pid, encoding="ascii") as f:
                    status = dict(line.split(":\t", 1) for line in f.read().splitlines()
                                  if ":\t" in line)
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")
                with open("/proc/%d/net/tcp" % pid, encoding="ascii") as f:
                    inet = {line.split()[9] for line in f.read().splitlines()[1:]}
                for link in glob.glob("/proc/%d/fd/*" % pid):
                    try:
                        target = os.readlink(link)
                    except FileNotFoundError:
                        continue  # our own connection, just closed
                    self.assertNotIn(target[8:-1] if target.startswith("socket:") else "-", inet)
            event = [e for e in front.events() if e["event"] == "front.hardened"][-1]
            self.assertEqual(event["inet"], "none")
            front.stop()

    def test_redis_over_tcp(self):
        """Only then an INET socket, and only to that port; names are looked up before."""
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(16)
            port = mute.getsockname()[1]
            self.rig.configure(redis="host: localhost, port: %d" % port)
            for transport in ("records", "fcgi2"):
                front = self.rig.front("--transport", transport)
                event = [e for e in front.events() if e["event"] == "front.hardened"][-1]
                self.assertEqual(event["redis_port"], port)
                self.assertEqual(fp.ask(self.rig.sock, "/marketplace/readyz").status, 503)
                mute.settimeout(60)
                mute.accept()[0].close() # it did connect
                self.assertEqual(fp.ask(self.rig.sock, "/marketplace/readyz").status, 503)
                self.assertEqual(front.count("front.child_died"), 0)
                front.stop()
            if front_rig.sandboxed():
                done = self.run_front("--config", self.rig.dir + "/front.yaml",
                                      "--selftest-escape", "inet")
                self.assertEqual(done.returncode, 0, done.stdout)

    @unittest.skipUnless(front_rig.sandboxed(), NO_SANDBOX)
    def test_escape(self):
        done = self.run_front("--config", self.rig.dir + "/front.yaml", "--selftest-escape", "all")
        self.assertEqual(done.returncode, 0, done.stdout)
        for way in ("open", "write", "inet", "exec", "fork", "bind"):
            self.assertRegex(done.stdout, "(?m)^%s: (refused|killed)$" % way)

    @unittest.skipUnless(front_rig.sandboxed(), NO_SANDBOX)
    def test_escape_test_can_fail(self):
        self.rig.configure("  sandbox: false")
        done = self.run_front("--config", self.rig.dir + "/front.yaml", "--selftest-escape", "all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("open: GOT OUT", done.stdout)


if __name__ == "__main__":
    unittest.main()
