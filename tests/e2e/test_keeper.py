"""lastmile-keeper by itself, with a program that misbehaves on request: what it does for a hanging,
crashing, stubborn, forking or chatty tenant, and how its control socket treats its peers."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import sanitize

BUILD = os.environ.get("LASTMILE_BUILD") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build")
KEEPER = os.path.join(BUILD, "lastmile-keeper")

PROGRAM = r'''
import os, signal, socket, sys, threading, time
version = os.environ["VERSION"]
stop = threading.Event()
inflight = []
def term(*_):
    if not os.path.exists("stubborn"):
        stop.set()
signal.signal(signal.SIGTERM, term)
if os.path.exists("daemon"):
    if os.fork() == 0:
        os.setsid()
        with open("daemon.pid", "w") as f:
            f.write(str(os.getpid()))
        time.sleep(600)
        os._exit(0)
s = socket.socket(fileno=3)
s.settimeout(0.05)
def serve(c):
    path = c.recv(4096).split(b" ")[1].decode()
    status, body = 200, version
    if path == "/healthz" and os.path.exists("sick." + version):
        status = 500
    if path == "/slow":
        open("slow.began", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.02)
        body = "slow " + version
    if path == "/chat":
        for _ in range(4000):
            sys.stdout.write("x" * 1023 + "\n")
        sys.stdout.flush()
    if path == "/env":
        body = "\n".join("%s=%s" % e for e in os.environ.items())
    c.sendall(b"HTTP/1.1 %d X\r\nConnection: close\r\n\r\n%s" % (status, body.encode()))
    c.close()
while not stop.is_set():
    try:
        c, _ = s.accept()
    except socket.timeout:
        continue
    c.settimeout(10)
    t = threading.Thread(target=serve, args=(c,))
    t.start()
    inflight.append(t)
for t in inflight:
    t.join()
'''


def eventually(fn, seconds=60):
    end = time.monotonic() + seconds
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %r" % (seconds, value))
        time.sleep(0.02)


@unittest.skipUnless(os.path.exists(KEEPER), "lastmile-keeper is not built")
class KeeperTest(unittest.TestCase):
    tenant = "t0-test"

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lastmile-")
        os.chmod(self.dir, 0o711)
        self.run_dir = self.dir + "/run/" + self.tenant
        self.data = self.dir + "/data/" + self.tenant
        self.program = self.dir + "/program.py"
        with open(self.program, "w") as f:
            f.write(PROGRAM)
        os.chmod(self.program, 0o644)
        self.uid = 310000 + os.getpid() % 1000 if os.geteuid() == 0 else os.geteuid()
        self.keepers, self.version, self.fence = [], 0, 1
        self.assertEqual(self.start(), 0)

    def tearDown(self):
        try:
            self.order("delete", fence=self.fence + 1000)
            eventually(lambda: not os.path.exists(self.run_dir))
        except OSError:
            pass
        if sanitize.environment(""):  # what leaks is told at the very end
            eventually(lambda: not self.keeper_lives())
        found = sanitize.reports(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.assertEqual(found, "")

    def keeper_lives(self):
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    if self.run_dir.encode() in f.read().split(b"\0"):
                        return True
            except OSError:
                pass
        return False

    def start(self, **env):
        env.update(sanitize.environment(self.dir + "/sanitizer"))
        argv = [KEEPER, "--tenant", self.tenant, "--run", self.run_dir, "--data", self.data,
                "--record", self.data + ".json", "--archive", self.dir + "/archive"]
        if os.geteuid() == 0:
            argv += ["--uid", str(self.uid), "--gid", str(self.uid)]
        return subprocess.run(argv, env=dict(env, PATH="/usr/bin:/bin"), timeout=60,
                              check=False).returncode

    def send(self, data, wait=True):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.run_dir + "/ctl")
            s.sendall(data)
            answer = b""
            while wait and not answer.endswith(b"\n"):
                chunk = s.recv(65536)
                if not chunk:
                    break
                answer += chunk
            return answer

    def order(self, cmd, **more):
        more.setdefault("fence", self.fence)
        answer = self.send(json.dumps(dict(more, cmd=cmd)).encode() + b"\n")
        return json.loads(answer) if answer else None

    def status(self):
        return self.order("status")

    def apply(self, **run):
        self.version += 1
        spec = {"command": ["/usr/bin/python3", self.program],
                "environment": ["VERSION=%d" % self.version], "health_interval_ms": 100,
                "health_timeout_ms": 30000, "drain_ms": 100, "stop_ms": 1000}
        spec.update(run)
        return self.order("apply", spec={"generation": self.version, "run": spec,
                                         "spec_sha256": "s%d" % self.version})

    def up(self, **run):
        self.assertTrue(self.apply(**run)["ok"])
        return eventually(lambda: self.serving(self.version))

    def serving(self, generation):
        st = self.status()
        return st if st["status"] == "running" and st["generation"] == generation else None

    def get(self, path="/"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.run_dir + "/app.sock")
            s.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
            data = b""
            while True:
                chunk = s.recv(65536)
                if not chunk:
                    return data.partition(b"\r\n\r\n")[2].decode()
                data += chunk

    def flag(self, name):
        with open(os.path.join(self.data, name), "w") as f:
            f.write("x")

    @staticmethod
    def number(path):
        try:
            with open(path) as f:
                return int(f.read() or 0)
        except OSError:
            return 0

    def alive(self, pid):
        try:
            with open("/proc/%d/stat" % pid) as f:
                return f.read().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def test_second_keeper_leaves(self):
        self.up()
        self.assertEqual(self.start(), 75)
        self.assertEqual(self.get(), "1")

    def test_environment(self):
        self.up()
        env = dict(line.split("=", 1) for line in self.get("/env").splitlines())
        self.assertEqual(env["LISTEN_FDS"], "1")
        self.assertEqual(int(env["LISTEN_PID"]), self.status()["pid"])
        self.assertEqual((env["HOME"], env["TMPDIR"]), (self.data, self.data + "/tmp"))
        self.assertEqual(env["LASTMILE_TENANT"], self.tenant)
        self.assertFalse(set(env) & {"LASTMILE_CRASH", "OLDPWD", "USER"})

    def test_request_in_flight_survives_an_update(self):
        self.up(stop_ms=60000)
        answers = []
        t = threading.Thread(target=lambda: answers.append(self.get("/slow")))
        t.start()
        eventually(lambda: os.path.exists(os.path.join(self.data, "slow.began")))
        self.up()
        self.assertEqual(self.get(), "2")
        self.flag("go")
        t.join()
        self.assertEqual(answers, ["slow 1"])

    def test_no_request_is_lost_during_updates(self):
        self.up(stop_ms=60000)
        failed, seen, stop = [], set(), threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    seen.add(self.get())
                except OSError as e:
                    failed.append(e)
        t = threading.Thread(target=ask)
        t.start()
        try:
            for _ in range(5):
                eventually(lambda: failed or str(self.version) in seen)
                self.up(stop_ms=60000)
            eventually(lambda: failed or "6" in seen)
        finally:
            stop.set()
            t.join()
        self.assertEqual(failed, [])

    def test_stubborn_program_is_killed(self):
        pid = self.up()["pid"]
        self.flag("stubborn")
        self.assertTrue(self.order("suspend")["ok"])
        eventually(lambda: self.status()["status"] == "suspended")
        self.assertFalse(self.alive(pid))
        self.assertFalse(os.path.exists(self.run_dir + "/app.sock"))

    def test_sick_for_a_while(self):
        self.up()
        self.flag("sick.1")
        eventually(lambda: not self.status()["healthy"])
        time.sleep(0.5)
        os.unlink(os.path.join(self.data, "sick.1"))
        eventually(lambda: self.status()["healthy"])
        self.assertEqual(self.get(), "1")

    def test_hanging_program_gets_a_successor(self):
        pid = self.up(health_timeout_ms=8000)["pid"]
        os.kill(pid, signal.SIGSTOP)
        st = eventually(lambda: (lambda s: s if s["pid"] != pid and s["healthy"] else None)(
            self.status()), 120)
        self.assertEqual((st["status"], self.get()), ("running", "1"))
        eventually(lambda: not self.alive(pid))

    def test_crash_loop_backs_off(self):
        self.up()
        for n in range(3):
            pid = eventually(lambda: self.serving(1))["pid"]
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: self.status()["restarts"] == n + 1)
        self.assertIn("signal 9", self.status()["error"])
        eventually(lambda: self.serving(1))

    def test_daemons_go_with_their_program(self):
        self.up()
        self.flag("daemon")
        self.up()
        path = os.path.join(self.data, "daemon.pid")
        pid = eventually(lambda: self.number(path))
        self.assertTrue(self.alive(pid))
        self.order("suspend")
        eventually(lambda: self.status()["status"] == "suspended")
        eventually(lambda: not self.alive(pid))

    def test_log_is_bounded(self):
        self.up()
        for _ in range(2):
            self.get("/chat")
        eventually(lambda: os.path.getsize(self.run_dir + "/log") <= 1 << 20)
        self.assertLessEqual(os.path.getsize(self.run_dir + "/log.1"), 1 << 20)

    def test_detach_and_adopt(self):
        pid = self.up()["pid"]
        self.assertTrue(self.order("detach")["ok"])
        eventually(lambda: self.start() == 0)
        st = self.status()
        self.assertEqual((st["pid"], st["status"], self.get()), (pid, "running", "1"))
        self.up()
        self.assertEqual(self.get(), "2")
        eventually(lambda: not self.alive(pid))

    def test_reboot(self):
        """Another boot id and nothing alive: the record alone brings the tenant back."""
        st = self.up()
        os.kill(st["keeper_pid"], signal.SIGKILL)
        os.kill(st["pid"], signal.SIGKILL)
        eventually(lambda: not self.alive(st["pid"]) and not self.alive(st["keeper_pid"]))
        shutil.rmtree(self.dir + "/run")
        self.assertEqual(self.start(), 0)
        eventually(lambda: self.serving(1))
        self.assertEqual(self.get(), "1")

    def test_control_socket(self):
        self.up()
        self.assertEqual(os.stat(self.run_dir + "/ctl").st_mode & 0o777, 0o600)
        for data in (b"\n", b"nonsense\n", b"[]\n", b'{"cmd":1}\n', b'{"cmd":"stop"}\n',
                     b'{"cmd":"apply","fence":1,"fence":2}\n', b"\xff\xfe\n"):
            self.assertEqual(json.loads(self.send(data))["code"], "bad_request", data)
        try:
            self.assertEqual(self.send(b"x" * 300000 + b"\n"), b"")
        except OSError:
            pass
        silent = []
        for _ in range(20):  # more than there are places: they are thrown out by their deadline
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.2)
            try:
                s.connect(self.run_dir + "/ctl")
            except OSError:
                pass
            silent.append(s)
        eventually(lambda: self.answers())
        for s in silent:
            s.close()
        self.assertEqual(self.get(), "1")

    def answers(self):
        try:
            return self.status()
        except OSError:
            return None

    def test_strangers(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        self.up()
        ask = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
               "s.connect(sys.argv[1])\nprint('in')")
        for name, expected in (("ctl", ""), ("app.sock", "in\n")):
            done = subprocess.run(["/usr/bin/python3", "-c", ask, self.run_dir + "/" + name],
                                  user=self.uid, group=self.uid, extra_groups=[], text=True,
                                  capture_output=True, timeout=60, check=False)
            self.assertEqual(done.stdout, expected, name)


if __name__ == "__main__":
    unittest.main()
