"""Each role of the worker reads its own secrets only, from files of its user or from what systemd
hands over, and says which one it lacks. The units, without systemd: users, credentials, checks."""
import ctypes
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import stack
import stack_conf
from stack_redis import Redis, RedisError

UIDS = {"market": 61001, "notify": 61002, "deploy": 0}
PASSWORD = "password-of-the-worker"
CONFIG = """\
front: {{public_url: "https://buy.example"}}
log_level: info
redis:
  socket: {dir}/redis.sock
  worker_user: worker
  worker_password_file: redis-worker
secrets:
  seal_public_file: {dir}/seal.pub
  seal_secret_file: {dir}/seal.key
notifications:
  smtp_url: smtp://127.0.0.1:9
  smtp_user: seller
  from: Seller <seller@acme.example>
  smtp_password_file: {smtp}
marketplace:
  cloud: azure
  product: Docs
  azure:
    offer_id: docs
    tenant_id: 11111111-2222-3333-4444-555555555555
    client_id: 22222222-3333-4444-5555-666666666666
    sign_in_client_id: 33333333-4444-5555-6666-777777777777
    client_secret_file: {dir}/azure
    api_endpoint: http://127.0.0.1:9/api
    login_endpoint: http://127.0.0.1:9
  plans:
    a: {{fulfilment: manual, manual_promise: soon}}
"""
REDIS = """port 0
unixsocket {dir}/redis.sock
unixsocketperm 777
dir {dir}/redis
appendonly yes
appendfsync always
maxmemory-policy noeviction
save ""
user default off resetpass ~* &* +@all
user worker on >%s ~* &* +@all
""" % PASSWORD
IN_OPEN = 0x20
NOBODY = 0xffffffff  # no id belongs to this entry of an ACL
PROGRAMS = ("lastmile-worker", "lastmile-front", "lastmile")
ABSENT = [p for p in PROGRAMS if not os.path.exists(os.path.join(stack.default_build(), p))]


class Opened:
    """Whether anybody opened one of these files."""

    def __init__(self, *paths):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for path in paths:
            if self.libc.inotify_add_watch(self.fd, os.fsencode(path), IN_OPEN) < 0:
                raise OSError(ctypes.get_errno(), path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def any(self):
        try:
            return bool(os.read(self.fd, 4096))
        except BlockingIOError:
            return False


@unittest.skipIf(ABSENT, "missing: " + ", ".join(ABSENT))
class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lastmile-roles-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)
        self.config = self.dir + "/lastmile.yaml"
        for name in PROGRAMS:
            shutil.copy(os.path.join(stack.default_build(), name), self.dir)
        self.write_config()
        done = subprocess.run([self.dir + "/lastmile", "keygen", "--secret",
                               self.dir + "/seal.key", "--public", self.dir + "/seal.pub"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("azure", "smtp"):
            stack_conf.write(self.dir + "/" + name, name + "-secret\n", 0o600)

    def write_config(self, smtp=None, change=("", "")):
        text = CONFIG.format(dir=self.dir, smtp=smtp or self.dir + "/smtp")
        stack_conf.write(self.config, text.replace(*change))

    def place(self, key):
        """lastmile.yaml:line:column of the key's value."""
        with open(self.config) as f:
            for n, line in enumerate(f, 1):
                if line.strip().startswith(key + ":"):
                    return "%s:%d:%d: %s: " % (self.config, n,
                                               line.index(":") + 3, key)
        raise KeyError(key)

    def credentials(self, role, **more):
        """What systemd would put there for this role's unit."""
        path = "%s/credentials-%s" % (self.dir, role)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
        for name, text in {"redis-worker": PASSWORD, **more}.items():
            stack_conf.write("%s/%s" % (path, name), text, 0o400)
            self.give(role, "%s/%s" % (path, name))
        self.give(role, path)
        return path

    def give(self, role, *paths):
        for path in paths:
            if os.geteuid() == 0:
                os.chown(path, UIDS[role], UIDS[role])

    def started(self, argv, role=None, directory=None):
        env = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
        if directory:
            env["CREDENTIALS_DIRECTORY"] = directory
        as_role = {"user": UIDS[role], "group": UIDS[role], "extra_groups": []} if role else {}
        return dict({"env": env, "stdin": subprocess.DEVNULL}, **as_role), \
            [self.dir + "/" + argv[0], *argv[1:]]

    def run_(self, *argv, role=None, directory=None):
        options, argv = self.started(argv, role, directory)
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False,
                              **options)

    def check(self, roles, role=None, directory=None):
        return self.run_("lastmile-worker", "--config", self.config, "--roles", roles, "--check",
                         role=role, directory=directory)

    def start_process(self, argv, options, log):
        with open(log, "ab") as f:
            p = subprocess.Popen(argv, stdout=f, stderr=f, **options)
        self.addCleanup(self.end, p)
        return p

    @staticmethod
    def end(p):
        p.terminate()  # the front ends its children
        try:
            p.wait(60)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def log(self, role):
        return "%s/%s.log" % (self.dir, role)

    def written(self, role):
        with open(self.log(role), errors="replace") as f:
            return f.read()

    def until(self, there, why):
        end = time.monotonic() + 60
        while not there():
            self.assertLess(time.monotonic(), end, why())
            time.sleep(0.05)

    def says(self, role, text):
        self.until(lambda: text in self.written(role),
                   lambda: "%s: no %s in\n%s" % (role, text, self.written(role)))

    def refused(self, done, key, what):
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(self.place(key), done.stderr)
        self.assertIn(what, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


class Secrets(Case):
    """As whoever runs the tests."""

    def test_only_ones_own_are_opened(self):
        of = {"market": ("azure", "seal.key"), "notify": ("smtp",)}
        here = self.credentials("deploy")
        for roles in ("market", "notify", "deploy", "market,notify"):
            for owner, names in of.items():
                with Opened(*["%s/%s" % (self.dir, n) for n in names]) as o:
                    done = self.check(roles, directory=here)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(o.any(), owner in roles, (roles, owner))
                    done = self.run_("lastmile", "-c", self.config, "check-config", "--roles",
                                     roles, directory=here)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(o.any(), owner in roles, (roles, owner))

    def test_what_others_lack_is_their_business(self):
        here = self.credentials("deploy")
        os.remove(self.dir + "/azure")
        for roles in ("notify", "deploy"):
            self.assertEqual(self.check(roles, directory=here).returncode, 0)
        self.refused(self.check("market,notify", directory=here), "client_secret_file",
                     "is not there; needed by: market\n")
        err = self.run_("lastmile", "-c", self.config, "check-config").stderr
        self.assertIn("azure' is not there; needed by: market\n", err)
        self.assertIn("worker_password_file: 'redis-worker' is a credential", err)

    def test_credentials(self):
        """Mode 0400; since systemd 254 it looks like 0440."""
        self.refused(self.check("notify"), "worker_password_file",
                     "'redis-worker' is a credential, and $CREDENTIALS_DIRECTORY is not set; "
                     "needed by: notify. ")
        here = self.credentials("deploy")
        for mode, good in ((0o400, True), (0o440, True), (0o444, False), (0o420, False)):
            os.chmod(here + "/redis-worker", mode)
            done = self.check("notify", directory=here)
            if good:
                self.assertEqual(done.returncode, 0, done.stderr)
            else:
                self.refused(done, "worker_password_file", "is a secret that others may read")
        os.chmod(self.dir + "/smtp", 0o440)  # no credential: the group is a group
        os.chmod(here + "/redis-worker", 0o400)
        self.refused(self.check("notify", directory=here), "smtp_password_file",
                     "is a secret that others may read; needed by: notify. chmod 600 it")
        os.remove(here + "/redis-worker")
        self.refused(self.check("deploy", directory=here), "worker_password_file",
                     "'redis-worker' is none of the unit's credentials; needed by: deploy. "
                     "LoadCredential= in the unit adds it")

    def test_another_process_of_the_unit(self):
        """ExecReload= has the variable, not the directory: that is nobody's fault."""
        done = self.run_("lastmile", "-c", self.config, "check-config", "--roles", "notify",
                         directory=self.dir + "/hidden")
        self.assertEqual(done.returncode, 0, done.stderr)
        here = self.credentials("deploy")
        os.remove(here + "/redis-worker")
        done = self.run_("lastmile", "-c", self.config, "check-config", "--roles", "notify",
                         directory=here)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'redis-worker' is none of the unit's credentials", done.stderr)

    def test_nothing_is_opened_where_it_was_started(self):
        """A name is never a file of the working directory."""
        stack_conf.write(self.dir + "/redis-worker", PASSWORD, 0o600)
        options, argv = self.started(["lastmile-worker", "--config", self.config, "--roles",
                                      "notify", "--check"])
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False,
                              cwd=self.dir, **options)
        self.refused(done, "worker_password_file", "is not set")

    def test_doctor_says_who_reads_what(self):
        out = self.run_("lastmile", "-c", self.config, "doctor", "-o", "jsonl").stdout
        for wanted in ("client_secret_file for market: %s/azure (mode 0600, of " % self.dir,
                       "smtp_password_file for notify: %s/smtp (mode 0600, of " % self.dir,
                       "worker_password_file for market, deploy, notify: credential "
                       "'redis-worker' of the unit"):
            self.assertIn(wanted, out)

    def test_front_and_command_have_one_each(self):
        with open(self.config) as f:
            text = f.read()
        stack_conf.write(self.config, text.replace(
            "  worker_user", "  front_user: f\n  front_password_file: front\n  cli_user: c\n"
            "  cli_password_file: cli\n  worker_user"))
        done = self.run_("lastmile-front", "--config", self.config, "--listen",
                         self.dir + "/front.sock")
        self.refused(done, "front_password_file", "'front' is a credential, and "
                     "$CREDENTIALS_DIRECTORY is not set; needed by: lastmile-front")
        done = self.run_("lastmile", "-c", self.config, "get", "orders")
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.place("cli_password_file") + "'cli' is a credential", done.stderr)

    def test_front_keeps_what_it_has(self):
        """A reload without the password of Redis."""
        entry = "  front_user: f\n  front_password_file: %s\n  worker_user"
        stack_conf.write(self.dir + "/front", "x", 0o600)
        self.write_config(change=("  worker_user", entry % (self.dir + "/front")))
        options, argv = self.started(["lastmile-front", "--config", self.config, "--listen",
                                      self.dir + "/front.sock"])
        front = self.start_process(argv, options, self.log("front"))
        self.says("front", '"front.ready"')
        self.write_config(change=("  worker_user", entry % (self.dir + "/lost")))
        front.send_signal(signal.SIGHUP)
        self.says("front", '"front.reload_failed"')
        self.assertIn(self.place("front_password_file") + "'%s/lost' is not there; needed by: "
                      "lastmile-front" % self.dir, self.written("front"))
        self.assertIsNone(front.poll())

    def test_roles_are_words(self):
        for wrong in ("mail", "", ",market", "market;notify"):
            done = self.run_("lastmile", "-c", self.config, "check-config", "--roles", wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertIn("--roles is a list of market, deploy, notify", done.stderr)


@unittest.skipIf(os.geteuid(), "missing: root, to become other users")
class Owned(Case):
    def setUp(self):
        super().setUp()
        self.give("market", self.dir + "/azure", self.dir + "/seal.key")
        self.give("notify", self.dir + "/smtp")


class Users(Owned):
    """One user per role, as the units have it."""

    def test_a_role_has_its_own_and_no_other(self):
        for roles, role, key, path in (("market", "notify", "client_secret_file", "azure"),
                                       ("notify", "market", "smtp_password_file", "smtp")):
            self.assertEqual(self.check(roles, roles, self.credentials(roles)).returncode, 0)
            self.give(role, self.dir + "/seal.key")  # so that there is one complaint
            done = self.check(roles, role, self.credentials(role))
            self.refused(done, key, "'%s/%s' cannot be read by uid %d; needed by: %s. Give it to "
                         "that user" % (self.dir, path, UIDS[role], roles))
            done = self.run_("lastmile", "-c", self.config, "check-config", "--roles", roles,
                             role=role, directory=self.credentials(role))
            self.assertEqual(done.returncode, 1)
            self.assertIn("%s cannot be read by uid %d; needed by: %s"
                          % (repr(self.dir + "/" + path), UIDS[role], roles), done.stderr)
            self.give("market", self.dir + "/seal.key")
            # Everything of its own is there, so nothing is said about the other's.
            done = self.run_("lastmile", "-c", self.config, "check-config", "--roles", role,
                             role=role, directory=self.credentials(role))
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_credential_by_acl(self):
        """What systemd 254 and later makes: files and directory of root, opened by an ACL."""
        there = self.dir + "/credentials"
        os.mkdir(there, 0o500)
        stack_conf.write(there + "/redis-worker", PASSWORD, 0o400)
        for path, rights in ((there, 5), (there + "/redis-worker", 4)):
            grant = struct.pack("<I" + "HHI" * 5, 2, 1, rights, NOBODY, 2, rights, UIDS["notify"],
                                4, 0, NOBODY, 16, rights, NOBODY, 32, 0, NOBODY)
            try:
                os.setxattr(path, "system.posix_acl_access", grant)
            except OSError as e:
                self.skipTest("missing: ACLs in %s (%s)" % (self.dir, e))
        self.assertEqual(os.stat(there + "/redis-worker").st_mode & 0o777, 0o440)
        done = self.check("notify", "notify", there)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refused(self.check("deploy", "market", there), "worker_password_file",
                     "'redis-worker' cannot be read: Permission denied; needed by: deploy")

    def test_credentials_of_another_unit(self):
        there = self.credentials("market")
        done = self.check("notify", "notify", there)
        self.refused(done, "worker_password_file",
                     "'redis-worker' cannot be read: Permission denied; needed by: notify")


@unittest.skipUnless(shutil.which("redis-server"), "missing: redis-server")
class Running(Owned):
    """Three processes, three users, one Redis."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.dir + "/redis")
        stack_conf.write(self.dir + "/redis.conf", REDIS.format(dir=self.dir))
        self.start_process([shutil.which("redis-server"), self.dir + "/redis.conf"], {},
                           self.dir + "/redis.log")
        self.until(self.answers, lambda: "redis-server does not answer")

    def answers(self):
        try:
            r = Redis(self.dir + "/redis.sock", "worker", PASSWORD)
            r.close()
            return True
        except (OSError, RedisError):
            return False

    def start(self, role, directory):
        options, argv = self.started(["lastmile-worker", "--config", self.config, "--roles", role],
                                     role, directory)
        return self.start_process(argv, options, self.log(role))

    def test_all_three(self):
        for role in UIDS:
            self.start(role, self.credentials(role))
        for role in UIDS:
            self.says(role, '"worker.ready"')

    def test_a_credential_that_changes(self):
        self.write_config(smtp="smtp-password")
        there = self.credentials("notify", **{"smtp-password": "first"})
        self.start("notify", there)
        self.says("notify", '"worker.ready"')
        stack_conf.write(self.dir + "/azure", "another secret of the market's", 0o600)
        stack_conf.write(there + "/.new", "second", 0o400)
        self.give("notify", there + "/.new")
        os.rename(there + "/.new", there + "/smtp-password")
        self.says("notify", '"mended.file"')
        self.assertIn(there + "/smtp-password", self.written("notify"))
        self.assertNotIn("second", self.written("notify"))
        self.assertNotIn(self.dir + "/azure", self.written("notify"))

    def test_a_reload_without_a_secret_changes_nothing(self):
        worker = self.start("notify", self.credentials("notify"))
        self.says("notify", '"worker.ready"')
        self.write_config(smtp=self.dir + "/lost")
        worker.send_signal(signal.SIGHUP)
        self.says("notify", '"config.rejected"')
        self.assertIn(self.place("smtp_password_file") + "'%s/lost' is not there; needed by: notify"
                      % self.dir, self.written("notify"))
        self.assertIsNone(worker.poll())
        self.write_config()
        worker.send_signal(signal.SIGHUP)
        self.says("notify", '"config.reloaded"')


class Units(unittest.TestCase):
    """What no running systemd is needed for."""

    def setUp(self):
        self.units = {}
        for role in UIDS:
            text = stack_conf.read("share", "systemd", "lastmile-%s.service" % role)
            service = {}
            for line in text.split("[Service]")[1].split("[Install]")[0].splitlines():
                if "=" in line and not line.startswith("#"):
                    service.setdefault(line.split("=", 1)[0], []).append(line.split("=", 1)[1])
            self.units[role] = service

    def test_each_its_own_user(self):
        known = re.findall(r"^u (\S+)", stack_conf.read("share/systemd/sysusers.d/lastmile.conf"),
                           re.M)
        users = [u["User"][0] for r, u in self.units.items() if r != "deploy"]
        self.assertEqual(sorted(users), ["lastmile-market", "lastmile-notify"])
        self.assertEqual(sorted(known), sorted(users + ["lastmile-front"]))
        self.assertNotIn("User", self.units["deploy"])
        for role, unit in self.units.items():
            self.assertEqual(unit.get("Group"), unit.get("User"), role)

    def test_each_checks_itself(self):
        for role, unit in self.units.items():
            for key in ("ExecStartPre", "ExecStart", "ExecReload"):
                self.assertTrue(unit[key][0].endswith(" --roles " + role), (role, key))

    def test_one_credential_for_all(self):
        """What the installation's page configures is what the units hand over."""
        page = stack_conf.read("docs", "install.md")
        name = re.search(r"^  worker_password_file: (\S+)$", page, re.M).group(1)
        for role, unit in self.units.items():
            self.assertEqual(unit["LoadCredential"],
                             ["%s:/etc/lastmile/redis-worker.secret" % name], role)
        self.assertIn("/etc/lastmile/redis-$user.secret", page)

    def test_systemd_understands_them(self):
        verify = shutil.which("systemd-analyze")
        if not verify:
            self.skipTest("missing: systemd-analyze")
        with tempfile.TemporaryDirectory() as d:
            paths = []
            for name in os.listdir(os.path.join(stack_conf.ROOT, "share", "systemd")):
                if name.endswith((".service", ".socket")):
                    text = stack_conf.read("share", "systemd", name)
                    text = re.sub(r"/usr/(bin|libexec/lastmile)/lastmile\S*(?= )", "/bin/true",
                                  text)
                    paths.append(os.path.join(d, name))
                    stack_conf.write(paths[-1], text)
            done = subprocess.run([verify, "verify", "--man=no", *sorted(paths)], text=True,
                                  capture_output=True, timeout=120, check=False)
            ours = [line for line in done.stderr.splitlines() if d in line or "lastmile" in line]
            self.assertEqual(ours, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
