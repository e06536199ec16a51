"""lastmile-front alone behind nginx and Apache, without Redis: what the transport tests need."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import sanitize
from stack_port import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("LASTMILE_BUILD") or os.path.join(ROOT, "build")
FRONT = os.path.join(BUILD, "lastmile-front")
MODULES = "/usr/lib/apache2/modules"
PATHS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"

CONFIG = """
marketplace:
  provider: direct
  cloud: aws
  product_code: abc
  plans: {{starter: {{deployment_template: t}}}}
deployment_templates:
  t: {{engine: process, command: [/bin/true]}}
deploy: {{endpoint: "https://apps.example/t/{{tenant}}/"}}
secrets: {{seal_public_file: {dir}/seal.pub}}
redis: {{{redis}}}
front:
  public_url: https://buy.example
  threads: 24
{extra}
"""

NGINX = """
worker_processes 2; pid {dir}/nginx.pid; error_log {dir}/nginx.log warn; daemon off; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {dir}/t1; fastcgi_temp_path {dir}/t2; proxy_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  fastcgi_next_upstream off; client_max_body_size 8m; keepalive_requests 1000000;
  upstream kept {{ server unix:{sock}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    include /etc/nginx/fastcgi_params;
    fastcgi_param HTTP_PROXY "";
    location /marketplace/ {{ fastcgi_pass kept; fastcgi_keep_conn on; }}
    location /cgi/ {{
      rewrite ^/cgi(/.*)$ /marketplace$1 break;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {dir}/front.cgi; fastcgi_pass unix:{dir}/wrap.sock;
    }}
    location /plain/ {{ rewrite ^/plain(/.*)$ /marketplace$1 break; fastcgi_pass unix:{sock}; }}
    location /streamed/ {{
      rewrite ^/streamed(/.*)$ /marketplace$1 break;
      fastcgi_pass kept; fastcgi_keep_conn on; fastcgi_request_buffering off;
    }}
  }}
}}
"""

APACHE = """
ServerRoot {dir}
ServerName localhost
PidFile {dir}/apache.pid
ErrorLog {dir}/apache.log
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{cgi_port}
{user}
LoadModule mpm_event_module {m}/mod_mpm_event.so
LoadModule authz_core_module {m}/mod_authz_core.so
LoadModule alias_module {m}/mod_alias.so
LoadModule env_module {m}/mod_env.so
LoadModule setenvif_module {m}/mod_setenvif.so
LoadModule proxy_module {m}/mod_proxy.so
LoadModule proxy_fcgi_module {m}/mod_proxy_fcgi.so
LoadModule cgid_module {m}/mod_cgid.so
StartServers 2
ThreadsPerChild 16
ServerLimit 2
MaxRequestWorkers 32
ScriptSock {dir}/cgid.sock
<VirtualHost 127.0.0.1:{port}>
    ProxyPass "/marketplace/" "unix:{sock}|fcgi://lastmile/marketplace/" enablereuse=on retry=0
</VirtualHost>
<VirtualHost 127.0.0.1:{cgi_port}>
    ScriptAlias /marketplace {dir}/front.cgi
</VirtualHost>
"""


def which(name):
    return shutil.which(name, path=PATHS)


def missing(*programs):
    absent = [p for p in programs if not which(p)]
    return absent + ([] if os.path.exists(FRONT) else [FRONT])


def sandboxed():
    """False for a build with sanitizers."""
    if missing():
        return False
    done = subprocess.run([FRONT, "-V"], capture_output=True, text=True, timeout=20, check=False)
    return "seccomp" in done.stdout


def until(test, what, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = test()
        except OSError:
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("%s: not within %d s" % (what, seconds))
        time.sleep(0.01)


def answers(address):
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as s:
        s.connect(address)
        return True


class Front:
    """One lastmile-front with its listener. passed: a listening socket given by LISTEN_FDS."""

    def __init__(self, directory, *args, listen=None, passed=(), notify=None, log="front.log",
                 wrap=()):
        self.log = os.path.join(directory, log)
        self.args = [*wrap, FRONT, "--config", directory + "/front.yaml", *args]
        if listen:
            self.args += ["--listen", listen]
        self.passed, self.notify = list(passed), notify
        self.process = None

    def start(self):
        env = dict(os.environ)
        fds = [s.fileno() for s in self.passed]
        before = self.count("front.ready")
        if self.notify:
            env["NOTIFY_SOCKET"] = self.notify

        def child():
            """What systemd does: descriptors from 3 on, and our own pid in LISTEN_PID."""
            high = [os.dup2(fd, 1000 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
            os.environ.update(env, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
            os.execv(self.args[0], self.args)
        with open(self.log, "ab") as log:
            # preexec_fn execs itself: only then is the pid in LISTEN_PID known.
            self.process = subprocess.Popen(self.args, env=env, stderr=log, close_fds=not fds,
                                            preexec_fn=child if fds else None)
        self.wait_event("front.ready", before)
        return self

    def events(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line[:1] + line[-2:] == "{}\n"]

    def count(self, name):
        return sum(e["event"] == name for e in self.events())

    def wait_event(self, name, since, seconds=60):
        def there():
            if self.process.poll() is not None:
                raise AssertionError("front ended with %d:\n%s" % (self.process.returncode,
                                                                    open(self.log).read()))
            return self.count(name) > since
        until(there, name, seconds)

    def children(self):
        out = []
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % pid, encoding="utf-8") as f:
                    stat = f.read()
            except OSError:
                continue
            fields = stat.rsplit(")", 1)[1].split()
            if int(fields[1]) == self.process.pid and fields[0] != "Z":
                out.append(int(pid))
        return sorted(out)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def reload(self):
        before = self.count("front.reloaded")
        self.signal(signal.SIGHUP)
        self.wait_event("front.reloaded", before)

    def stop(self, seconds=60):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode if self.process else None


class Rig:
    """A scratch directory with a configuration, and what was started in it."""

    def __init__(self, extra="", redis=None):
        self.dir = tempfile.mkdtemp(prefix="lastmile-front-")
        os.chmod(self.dir, 0o755)
        self.sock = self.dir + "/front.sock"
        self.started, self.cgi = [], None
        with open(self.dir + "/seal.pub", "w", encoding="ascii") as f:
            f.write("%064d\n" % 1)
        self.configure(extra, redis)

    def configure(self, extra="", redis=None):
        text = CONFIG.format(dir=self.dir, extra=extra,
                             redis=redis or "socket: %s/redis.sock" % self.dir)
        with open(self.dir + "/front.yaml", "w", encoding="ascii") as f:
            f.write(text)

    def front(self, *args, **kw):
        kw.setdefault("listen", None if kw.get("passed") else self.sock)
        f = Front(self.dir, *args, **kw)
        self.started.append(f)
        return f.start()

    def server(self, argv, port):
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.started.append(p)
        until(lambda: answers(("127.0.0.1", port)), argv[0])
        return "http://127.0.0.1:%d" % port

    def nginx(self):
        port = free_port()
        with open(self.dir + "/nginx.conf", "w", encoding="ascii") as f:
            f.write(NGINX.format(dir=self.dir, sock=self.sock, port=port,
                                 user="user root;" if os.geteuid() == 0 else ""))
        return self.server([which("nginx"), "-c", self.dir + "/nginx.conf"], port)

    def script(self):
        """A copy: httpd's user may not be able to enter the build directory."""
        shutil.copy(FRONT, self.dir)
        with open(self.dir + "/front.cgi", "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexport LASTMILE_CONFIG=%s/front.yaml\nexec %s/lastmile-front\n" %
                    (self.dir, self.dir))
        os.chmod(self.dir + "/front.cgi", 0o755)

    def fcgiwrap(self):
        """Plain CGI for nginx, at /cgi/ of its address."""
        self.script()
        path = self.dir + "/wrap.sock"
        p = subprocess.Popen([which("fcgiwrap"), "-s", "unix:" + path], stdin=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.started.append(p)
        until(lambda: answers(path), "fcgiwrap")

    def apache(self):
        """Its address; plain CGI is at self.cgi."""
        port, cgi_port = free_port(), free_port()
        self.cgi = "http://127.0.0.1:%d" % cgi_port
        self.script()
        os.chmod(self.sock, 0o666) # httpd's children are another user here
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        with open(self.dir + "/apache.conf", "w", encoding="ascii") as f:
            f.write(APACHE.format(dir=self.dir, sock=self.sock, port=port, m=MODULES, user=user,
                                  cgi_port=cgi_port))
        return self.server([which("apache2"), "-f", self.dir + "/apache.conf", "-DFOREGROUND"],
                           port)

    def close(self):
        for p in reversed(self.started):
            if isinstance(p, Front):
                p.stop()
            elif p.poll() is None:
                p.terminate()
                p.wait(60)
        found = sanitize.reports(self.dir)
        shutil.rmtree(self.dir, ignore_errors=True)
        if found:
            raise AssertionError("a sanitizer reported: " + found)
