"""What is shipped besides programs: the README's configuration is right, `make install` into
DESTDIR gives a tree that stands alone, the ban list finds what it must find."""
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import stack
import stack_conf

ROOT = stack_conf.ROOT


def run(argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False,
                          stdin=subprocess.DEVNULL, cwd=ROOT, **kw)


class Scratch(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lastmile-install-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)


class Documentation(Scratch):
    def check_yaml(self, document):
        """Every complaint about the example must be about files of another machine."""
        program = os.path.join(stack.default_build(), "lastmile")
        if not os.path.exists(program):
            self.skipTest("missing: lastmile")
        blocks = re.findall(r"```yaml\n(.*?)```", stack_conf.read(*document.split("/")), re.S)
        self.assertTrue(blocks)
        for block in blocks:
            path = os.path.join(self.dir, "lastmile.yaml")
            stack_conf.write(path, block)
            done = run([program, "check-config", path])
            wrong = [line for line in (done.stdout + done.stderr).splitlines()
                     if re.search(r"lastmile\.yaml:\d+:\d+:", line) and "is not there" not in line]
            self.assertEqual(wrong, [], block)

    def test_readme(self):
        self.check_yaml("README.md")

    def test_configuration(self):
        self.check_yaml("docs/configuration.md")

    def test_marketplaces(self):
        for channel in ("aws", "azure", "gcp"):
            self.check_yaml("docs/%s.md" % channel)
            self.assertIn("](docs/%s.md)" % channel, stack_conf.read("README.md"))

    def test_links_lead_somewhere(self):
        for name in ["README.md"] + ["docs/" + n for n in os.listdir(os.path.join(ROOT, "docs"))
                                     if n.endswith(".md")]:
            folder = os.path.dirname(os.path.join(ROOT, name))
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", stack_conf.read(name)):
                self.assertTrue(os.path.exists(os.path.join(folder, target)),
                                "%s: %s" % (name, target))


class Install(Scratch):
    def test_destdir(self):
        missing = [p for p in stack_conf.PROGRAMS
                   if not os.path.exists(os.path.join(stack.default_build(), p))]
        if missing:
            self.skipTest("missing: " + ", ".join(missing))
        args = ["O=" + stack.default_build(), "DESTDIR=" + self.dir, "prefix=/opt/lm"]
        # -o all: the programs are built already, and perhaps with other flags than make's own.
        done = run(["make", "-s", "-o", "all", "install", *args])
        self.assertEqual(done.returncode, 0, done.stderr)
        base = self.dir + "/opt/lm"
        for path in ("bin/lastmile", "libexec/lastmile/lastmile-front",
                     "libexec/lastmile/lastmile-worker", "libexec/lastmile/lastmile-keeper"):
            self.assertTrue(os.access(os.path.join(base, path), os.X_OK), path)
            done = run([os.path.join(base, path), "--help"])
            self.assertNotEqual(done.returncode, 127, path)
        for path in ("man/man8/lastmile.8", "man/man8/lastmile-front.8",
                     "man/man8/lastmile-worker.8", "lastmile/web/refused.html",
                     "bash-completion/completions/lastmile"):
            self.assertTrue(os.path.exists(base + "/share/" + path), path)
        for name in ("lastmile-front", "lastmile-worker"):
            done = run([base + "/libexec/lastmile/" + name, "--version"])
            self.assertRegex(done.stdout, r"^%s \d" % name)
        with open(base + "/lib/systemd/system/lastmile-front.service") as f:
            unit = f.read()
        self.assertIn("ExecStart=/opt/lm/libexec/lastmile/lastmile-front", unit)
        with open(base + "/share/lastmile/nginx/lastmile.conf") as f:
            self.assertIn("alias /opt/lm/share/lastmile/web/", f.read())
        self.assertEqual(os.listdir(self.dir), ["opt"])

        done = run(["make", "-s", "uninstall", *args])
        self.assertEqual(done.returncode, 0, done.stderr)
        left = [f for _, _, files in os.walk(self.dir) for f in files]
        self.assertEqual(left, [])


class Page(Scratch):
    """docs/install.md, as it stands, with the host's directories moved to a scratch one."""

    def setUp(self):
        super().setUp()
        self.text = stack_conf.read("docs", "install.md")

    def shell(self, heading):
        section = self.text.split("## %s\n" % heading)[1].split("\n## ")[0]
        return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))

    def test_names_what_is_there(self):
        for unit in re.search(r"enable --now (lastmile-front.*)", self.text).group(1).split():
            name = unit if "." in unit else unit + ".service"
            self.assertTrue(os.path.exists(os.path.join(ROOT, "share/systemd", name)), name)
        for line in re.findall(r"^cp (.*)$", self.shell("The web server"), re.M):
            for name in line.split()[:-1]:
                self.assertTrue(os.path.exists(os.path.join(ROOT, "nginx", name)), name)

    def test_redis(self):
        """One user per program, each with a password of its own that Redis takes."""
        server = shutil.which("redis-server")
        if not server:
            self.skipTest("missing: redis-server")
        script = self.shell("Redis")
        for old, new in ((r"/usr/share/lastmile/", ROOT + "/share/"), (r"/(etc|var|run)/",
                         self.dir + r"/\1/"), (r" -[og] (root|redis)", ""),
                         (r"(?m)^(chown|systemctl) .*\n", "")):
            script = re.sub(old, new, script)
        for path in ("etc/redis", "run/redis-lastmile"):
            os.makedirs(os.path.join(self.dir, path))
        done = run(["/bin/bash", "-euc", script])
        self.assertEqual(done.returncode, 0, done.stderr)
        conf = self.dir + "/etc/redis/redis-lastmile.conf"
        moved = stack_conf.read(conf).replace("/etc/lastmile/", self.dir + "/etc/lastmile/")
        stack_conf.write(conf, moved)
        redis = subprocess.Popen([server, conf], stdout=subprocess.DEVNULL)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.terminate)
        for user in ("front", "worker", "cli"):
            secret = "%s/etc/lastmile/redis-%s.secret" % (self.dir, user)
            self.assertEqual(os.stat(secret).st_mode & 0o77, 0)
            with open(secret) as f:
                password = f.read().strip()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                done = run(["redis-cli", "-s", self.dir + "/run/redis-lastmile/redis.sock",
                            "--user", user, "--pass", password, "--no-auth-warning", "PING"])
                if done.stdout.strip() == "PONG":
                    break
                time.sleep(0.1)
            self.assertEqual(done.stdout.strip(), "PONG", done.stderr)


class Ban(Scratch):
    def findings(self, text, name="src/x.c"):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        stack_conf.write(path, text)
        done = run([os.path.join(ROOT, "tools/ban"), self.dir])
        self.assertEqual(done.returncode, 1 if done.stdout else 0)
        return done.stdout

    def test_finds(self):
        long_function = "int f(void)\n{\n" + "    g();\n" * 61 + "}\n"
        for text, what in (("char *p = strcpy(a, b);\n", "strcpy() is banned"),
                           ("typedef struct x {\n    int a;\n} x;\n", "typedef"),
                           (long_function, "function of 61 lines"),
                           ("int a;\n" * 401, "file of 401 lines"),
                           ("/* " + "x" * 100 + " */\n", "line of 106 columns"),
                           ("int a; // " + "TO" + "DO\n", "a promise"),
                           ("int a; \n", "white space"),
                           ("int a;", "no newline")):
            self.assertIn(what, self.findings(text))

    def test_leaves_alone(self):
        for text in ("/* strcpy(a, b) is banned */\n", "const char *s = \"system(x)\";\n",
                     "my_strcpy(a);\ns.strcpy(b);\n", "typedef int (*f)(struct x *);\n"):
            self.assertEqual(self.findings(text), "")


if __name__ == "__main__":
    unittest.main(verbosity=1)
