"""One process of a stack: started, awaited, stopped and killed by its own pid."""
import ctypes
import glob
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
# Seconds that what must happen is waited for at least: only a test that fails waits that long, and
# on a machine that others use too less would prove nothing.
PATIENCE = 60


class StackError(Exception):
    pass


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def tail(path, lines=25):
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as e:
        return str(e)


def group(leader):
    """The processes of a group that are not dead."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="latin-1") as f:
                state, _, pgrp = f.read().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if int(pgrp) == leader and state not in "ZX":
            found.append(int(path.split("/")[2]))
    return found


class Part:
    """ready: function without arguments, true when it serves. user: (uid, gid) or None. env: more
    variables, for every start."""

    def __init__(self, name, argv, log, ready, user=None, env=None):
        self.name, self.argv, self.log, self.ready, self.user = name, argv, log, ready, user
        self.env = env or {}
        self.process, self.began = None, 0

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self, env=None, extra=(), wait=PATIENCE):
        if self.running():
            raise StackError("%s runs already" % self.name)
        who = {}
        if self.user:
            who = {"user": self.user[0], "group": self.user[1], "extra_groups": []}
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        for key in ("TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if key in os.environ:
                clean[key] = os.environ[key]
        clean.update(self.env)
        clean.update(env or {})
        with open(self.log, "ab") as log:
            self.began = log.tell()
            self.process = subprocess.Popen(
                list(self.argv) + list(extra), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean, start_new_session=True, preexec_fn=_die_with_parent, **who)
        if wait:
            self.wait_ready(wait)

    def wait_ready(self, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.running():
                raise StackError("%s ended with %s:\n%s"
                                 % (self.name, self.process.returncode, tail(self.log)))
            try:
                if self.ready():
                    # Somebody else may answer on that port while ours is still failing to bind.
                    time.sleep(0.03)
                    if self.running():
                        return
            except (OSError, ValueError):
                pass
            time.sleep(0.02)
        raise StackError("%s is not ready after %d s:\n%s" % (self.name, seconds, tail(self.log)))

    def signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def stop(self, seconds=PATIENCE):
        """SIGTERM and wait; KILL past the deadline. The exit status, None when it did not run."""
        if not self.process:
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def kill(self):
        """SIGKILL for the part and the processes it forked (its own session's group)."""
        if self.running():
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()
            deadline = time.monotonic() + PATIENCE
            while group(self.process.pid) and time.monotonic() < deadline:
                time.sleep(0.005)  # one of them may still hold the listener

    def written(self):
        """What it wrote since it was started."""
        with open(self.log, errors="replace") as f:
            f.seek(self.began)
            return f.read()

    def died_at(self, point):
        """Was it killed by its own crash point (LASTMILE_CRASH, src/base/crash.h), nowhere else?
        A process that it forked may have been: then it runs itself."""
        own = self.running() or self.process.returncode == -signal.SIGKILL
        return own and "died at %s\n" % point.split(":")[0] in self.written()

    def restart(self, env=None, extra=()):
        self.stop()
        self.start(env, extra)
