"""`make demo ONCE=1` as root and as an ordinary user: both purchases work and nothing is left."""
# serial
import glob
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import front_rig
import stack
import stack_conf

DEMO = os.path.join(stack_conf.ROOT, "tools", "demo")
USER = 54321  # no such user needed


@unittest.skipIf(stack.missing(), "missing: " + ", ".join(stack.missing()))
class Demo(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="lm-", dir=stack.scratch_parent())
        os.chmod(self.scratch, 0o755)
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def run_demo(self, argv, user=None):
        who = {}
        if user:
            os.chown(self.scratch, user, user)
            who = {"user": user, "group": user, "extra_groups": []}
        env = dict(os.environ, TMPDIR=self.scratch, HOME=self.scratch)
        return subprocess.run([sys.executable, *argv], env=env, capture_output=True, text=True,
                              timeout=240, stdin=subprocess.DEVNULL, check=False, **who)

    def check(self, done):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("All 5 environments answer", done.stdout)
        self.assertEqual(done.stdout.count("it answered   200"), 5)
        left = [p for p in os.listdir(self.scratch) if p.startswith("lastmile-")]
        self.assertEqual(left, [], "directories are left")
        for link in glob.glob("/proc/[0-9]*/exe"):
            try:
                self.assertNotIn(self.scratch, os.readlink(link), "a process is left")
            except OSError:
                pass

    def test_once(self):
        done = self.run_demo([DEMO, "--build", stack.default_build(), "--once"])
        self.check(done)
        word = "as root" if os.geteuid() == 0 else "as an ordinary user"
        self.assertIn(word, done.stdout)

    def test_once_as_ordinary_user(self):
        if os.geteuid() != 0:
            self.skipTest("not root: test_once was this test already")
        if not front_rig.sandboxed():
            self.skipTest("AddressSanitizer needs more memory than the rlimit of a tenant leaves")
        for folder in (stack_conf.ROOT, stack.default_build()):
            while folder != "/":
                if not os.stat(folder).st_mode & stat.S_IXOTH:
                    self.skipTest("other users cannot enter %s" % folder)
                folder = os.path.dirname(folder)
        done = self.run_demo([DEMO, "--build", stack.default_build(), "--once"], USER)
        self.check(done)
        self.assertIn("as an ordinary user", done.stdout)

    def test_impatient(self):
        """Ctrl-C pressed more than once, at any time, leaves nothing."""
        for said in (None, "Ctrl-C stops"):
            argv = [sys.executable, "-u", DEMO, "--build", stack.default_build()]
            with subprocess.Popen(argv, env=dict(os.environ, TMPDIR=self.scratch), text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as p:
                if said:
                    while said not in p.stdout.readline():
                        self.assertIsNone(p.poll())
                else:
                    stack.Stack.settle(lambda: os.listdir(self.scratch), 60)
                for _ in range(3):
                    p.send_signal(signal.SIGINT)
                    time.sleep(0.2)
                self.assertIn("Stopping ...", p.communicate(timeout=200)[0])
            self.assertEqual(p.returncode, 0)
            self.assertEqual(os.listdir(self.scratch), [])

    def test_taken_port(self):
        with stack.socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            done = self.run_demo([DEMO, "--build", stack.default_build(), "--port", str(port)])
        self.assertEqual(done.returncode, 1)
        self.assertIn("port %d is taken" % port, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
