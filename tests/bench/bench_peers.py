"""The peers: what is started beside lastmile, and how nginx reaches them."""
import os
import shutil
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

from stack import free_port, user_of, which  # noqa: E402
from stack_part import Part  # noqa: E402
from stack_redis import Redis  # noqa: E402

PEERS = os.path.join(HERE, "peers")
PHP = ("php-fpm8.4", "php-fpm8.3", "php-fpm8.2", "php-fpm")

POOL = """[global]
daemonize = no
error_log = %(dir)s/log/php.log
[bench]
%(user)s
listen = %(dir)s/run/php.sock
listen.mode = 0666
listen.backlog = 511
pm = static
pm.max_children = 8
catch_workers_output = no
"""

SERVER = """
    upstream bench_fastify1 { server unix:%(run)s/fastify1.sock; keepalive 64; }
    upstream bench_fastify2 { server unix:%(run)s/fastify2a.sock;
        server unix:%(run)s/fastify2b.sock; keepalive 64; }
    upstream bench_express { server unix:%(run)s/express.sock; keepalive 64; }
    server {
        listen 127.0.0.1:%(port)s;
        keepalive_requests 1000000;
        location = /file.txt { root %(web)s; }
        location = /libfcgi {
            include snippets/lastmile-fastcgi.conf;
            fastcgi_pass unix:%(run)s/hello.sock;
        }
        location /fastify1/ { proxy_pass http://bench_fastify1/;
            proxy_http_version 1.1; proxy_set_header Connection ""; }
        location /fastify2/ { proxy_pass http://bench_fastify2/;
            proxy_http_version 1.1; proxy_set_header Connection ""; }
        location /express/ { proxy_pass http://bench_express/;
            proxy_http_version 1.1; proxy_set_header Connection ""; }
        location ~ ^/php(/.*)$ {
            include snippets/lastmile-fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME %(web)s/index.php;
            fastcgi_param BENCH_PATH $1;
            fastcgi_param BENCH_REDIS %(redis)s;
            fastcgi_pass unix:%(run)s/php.sock;
        }
    }
"""


def php():
    return next((which(p) for p in PHP if which(p)), None)


def missing(build):
    absent = [p for p in ("node",) if not which(p)]
    if not os.path.isdir(os.path.join(PEERS, "node_modules")):
        absent.append("npm packages of tests/bench/peers (tools/deps bench)")
    if not php():
        absent.append("php-fpm")
    if not os.path.exists(os.path.join(build, "bench", "hello_fcgi")):
        absent.append("build/bench/hello_fcgi (make bench)")
    return absent


class Peers:
    """v: a stack's paths. redis is theirs alone, with the same durability."""

    def __init__(self, v, build, fsync):
        self.v, self.build, self.fsync = v, build, fsync
        self.port = free_port()
        self.sock = v["run"] + "/peers-redis.sock"
        self.parts = {}

    def nginx(self):
        return SERVER % {"run": self.v["run"], "web": self.v["dir"] + "/web", "port": self.port,
                         "redis": self.sock}

    def connect(self):
        return Redis(self.sock, timeout=60)

    def part(self, name, argv, ready, user=None):
        self.parts[name] = Part(name, argv, "%s/%s.log" % (self.v["log"], name), ready, user)
        return self.parts[name]

    @staticmethod
    def listens(path):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            return True

    def start(self):
        run, data = self.v["run"], self.v["var"] + "/peers-redis"
        os.makedirs(data, exist_ok=True)
        self.part("peers-redis", [
            which("redis-server"), "--port", "0", "--unixsocket", self.sock, "--unixsocketperm",
            "777", "--dir", data, "--save", "", "--appendonly", "yes", "--appendfsync", self.fsync,
            "--maxmemory-policy", "noeviction", "--auto-aof-rewrite-percentage",
            "0"], lambda: self.connect()("PING") == "PONG").start()
        for name, script in (("fastify1", "fastify.js"), ("fastify2a", "fastify.js"),
                             ("fastify2b", "fastify.js"), ("express", "express.js")):
            path = "%s/%s.sock" % (run, name)
            self.part(name, [which("node"), os.path.join(PEERS, script), path, self.sock],
                      lambda path=path: self.listens(path)).start({"NODE_ENV": "production"})
        self.part("hello", [os.path.join(self.build, "bench", "hello_fcgi"), run + "/hello.sock"],
                  lambda: self.listens(run + "/hello.sock")).start()
        self.start_php()

    def start_php(self):
        web = self.v["dir"] + "/web"
        shutil.copy(os.path.join(PEERS, "index.php"), web)
        with open(web + "/file.txt", "w") as f:
            f.write("x" * 1023 + "\n")
        user = ""
        if os.geteuid() == 0:
            user_of("www-data")
            user = "user = www-data\ngroup = www-data"
        conf = self.v["etc"] + "/php-fpm.conf"
        with open(conf, "w") as f:
            f.write(POOL % {"dir": self.v["dir"], "user": user})
        self.part("php", [php(), "--nodaemonize", "--fpm-config", conf],
                  lambda: self.listens(self.v["run"] + "/php.sock")).start()

    def stop(self):
        for part in reversed(list(self.parts.values())):
            part.stop()
