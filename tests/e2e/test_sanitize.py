"""A report of a sanitizer fails the test that started the program, wherever it was written."""
import os
import subprocess
import sys
import tempfile
import unittest

import front_rig
import sanitize
import stack
import stack_conf
import stack_sandbox

RUN_TESTS = os.path.join(stack_conf.ROOT, "tools", "run-tests")
REPORTS = (
    "=================================================================\n"
    "==42==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010 at pc 0x1\n",
    "src/base/buf.c:12:5: runtime error: signed integer overflow\n",
    "\n==42==ERROR: LeakSanitizer: detected memory leaks\n",
    "==42==LeakSanitizer has encountered a fatal error.\n",
    "ERROR: Can't open file: /log/sanitizer.42\n",
)
ORDINARY = ('{"event": "deploy.failed", "text": "runtime error: the disk is full"}\n'
            "ERR user_script:12: Script attempted to access a non local key\n")


class Sanitize(unittest.TestCase):
    def test_marks(self):
        for report in REPORTS:
            self.assertTrue(sanitize.report_in(ORDINARY + report), report)
        self.assertEqual(sanitize.report_in(ORDINARY), "")

    @unittest.skipIf(stack.missing(()), "missing: " + ", ".join(stack.missing(())))
    def test_stack(self):
        for place in ("log/front.log", "log/sanitizer.42", "run/tenants/t0-a/log"):
            s = stack.Stack(parts=())
            s.start()
            path = os.path.join(s.dir, place)
            stack_conf.write(s.v["log"] + "/worker.log", ORDINARY)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            stack_conf.write(path, ORDINARY + REPORTS[0])
            with self.assertRaisesRegex(stack.StackError, "(?s)%s: =+.*use-after-free" % path):
                s.stop()
            self.assertFalse(os.path.exists(s.dir))
        with stack.Stack(parts=()) as s:
            stack_conf.write(s.v["log"] + "/worker.log", ORDINARY)

    def test_front(self):
        rig = front_rig.Rig()
        stack_conf.write(rig.dir + "/two.log", ORDINARY + REPORTS[1])
        with self.assertRaisesRegex(AssertionError, "integer overflow"):
            rig.close()
        self.assertFalse(os.path.exists(rig.dir))
        front_rig.Rig().close()

    def test_sandbox(self):
        """Its stderr is the test's own: there the status tells."""
        class Ending(stack_sandbox.Sandbox):
            status = 0

            def command(self, listen="127.0.0.1:0"):
                return ["/bin/sh", "-c", "trap 'exit %d' TERM; echo lastmile-sandbox: ready "
                        "http://127.0.0.1:1; while :; do sleep 0.05; done" % self.status]

        Ending().stop()
        Ending.status = sanitize.STATUS
        box = Ending()
        with self.assertRaisesRegex(RuntimeError, "sanitizer"):
            box.stop()

    def test_run_tests(self):
        """In the output of any program that itself passes."""
        for text, status in ((ORDINARY, 0), (REPORTS[0], 1), (REPORTS[1], 1), (REPORTS[2], 1)):
            with tempfile.TemporaryDirectory() as build:
                os.mkdir(build + "/tests")
                stack_conf.write(build + "/tests/test_x", "#!/bin/sh\ncat <<'.'\n%s"
                                 "[  PASSED  ] 1 test(s).\n.\n" % text, 0o755)
                done = subprocess.run([sys.executable, RUN_TESTS, "--build", build, "unit"],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, status, done.stdout)


if __name__ == "__main__":
    unittest.main()
