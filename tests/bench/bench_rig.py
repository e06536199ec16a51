"""lastmile on each transport and all peers, up at once behind one nginx (and one Apache)."""

from bench_peers import Peers

import stack_conf
from stack import Stack, free_port, user_of
from stack_part import Part
from stack_redis import Redis

FCGI2 = """
    upstream lastmile_front_fcgi2 { server unix:%(run)s/front-fcgi2.sock; }
    server {
        listen 127.0.0.1:%(port)s;
        keepalive_requests 1000000;
        include snippets/lastmile-fcgi2.conf;
    }
"""
CGI = """
LoadModule cgid_module %(lib)s/mod_cgid.so
LoadModule env_module %(lib)s/mod_env.so
ScriptSock %(run)s/cgid.sock
Listen 127.0.0.1:%(port)s
<VirtualHost 127.0.0.1:%(port)s>
    SetEnv LASTMILE_CONFIG %(etc)s/lastmile-cgi.yaml
    SetEnvIf Request_URI "." no-proxy=1
    ScriptAlias "/marketplace" "%(bin)s/lastmile-front"
    <Directory "%(bin)s">
        Require all granted
    </Directory>
</VirtualHost>
"""
FIELDS = """
fields:
- {name: company, label: Company, type: text, required: true}
- {name: region, label: Region, type: select, options: [eu-central-1, us-east-1]}
- {name: note, label: Note, type: text, max: 200}
"""
PARTS = ("redis", "front", "nginx", "apache")


class Files(stack_conf.Files):
    """No access log anywhere: the peers write none either."""

    def web_text(self, *path):
        lines = super().web_text(*path).splitlines()
        return "\n".join("access_log off;" if line.split("#")[0].strip().startswith("access_log ")
                         else line for line in lines) + "\n"

    def secrets(self):
        """A second password file: plain CGI runs as the web server's user."""
        super().secrets()
        owner = user_of("www-data") if self.owners["front"] else None
        stack_conf.write(self.v["etc"] + "/redis-cgi.pass", self.passwords["front"] + "\n", 0o600,
                         owner)

    def lastmile(self):
        super().lastmile()
        with open(self.v["etc"] + "/lastmile.yaml") as f:
            text = f.read() + FIELDS
        stack_conf.write(self.v["etc"] + "/lastmile.yaml", text)
        stack_conf.write(self.v["etc"] + "/lastmile-cgi.yaml",
                         text.replace("redis-front.pass", "redis-cgi.pass"))

    def nginx(self):
        super().nginx()
        text = self.web_text("nginx", "lastmile.conf").replace("lastmile_front;",
                                                               "lastmile_front_fcgi2;")
        text = text.replace("fastcgi_keep_conn on", "fastcgi_keep_conn off")
        text = text.split("# What is shown while the front is down")[0]
        stack_conf.write(self.v["etc"] + "/nginx/snippets/lastmile-fcgi2.conf", text)

    def apache(self):
        super().apache()
        path = self.v["etc"] + "/apache/apache.conf"
        with open(path) as f:
            text = f.read()
        # Threads to spare from the start: growing and shrinking under load closes kept connections,
        # those of a static file too.
        for old, new in (("StartServers 1", "StartServers 8\nMaxSpareThreads 512"),
                         ("ServerLimit 4", "ServerLimit 8"),
                         ("MaxRequestWorkers 256", "MaxRequestWorkers 512")):
            text = text.replace(old, new)
        stack_conf.write(path, "\n".join(line for line in text.splitlines()
                                         if not line.startswith("CustomLog")) + "\n")


class Rig:
    def __init__(self, build, fsync, processes):
        self.stack = Stack(PARTS, build=build, appendfsync=fsync,
                           redis_extra="auto-aof-rewrite-percentage 0\n",
                           front_args=["--processes", str(processes)])
        s = self.stack
        s.files = Files(s.v, s.files.owners, build, s.options)
        self.peers = Peers(s.v, build, fsync)
        self.fcgi2_port, self.cgi_port = free_port(), free_port()
        v = dict(s.v, lib=stack_conf.APACHE_LIB)
        s.options["nginx_http"] = self.peers.nginx() + FCGI2 % dict(v, port=self.fcgi2_port)
        s.options["apache_extra"] = CGI % dict(v, port=self.cgi_port)
        self.fcgi2 = Part("front-fcgi2", [
            v["bin"] + "/lastmile-front", "--config", v["etc"] + "/lastmile.yaml", "--transport",
            "fcgi2", "--listen", v["run"] + "/front-fcgi2.sock"], v["log"] + "/front-fcgi2.log",
            lambda: s.connects(v["run"] + "/front-fcgi2.sock"), s.parts["front"].user)

    def redis(self):
        return Redis(self.stack.v["run"] + "/redis.sock", "admin",
                     self.stack.files.passwords["admin"], timeout=60)

    def __enter__(self):
        try:
            self.stack.start()
            self.fcgi2.start()
            self.peers.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.peers.stop()
        self.fcgi2.stop()
        self.stack.stop()

    def pids(self, name):
        """Root pids of the application behind a variant."""
        s, p = self.stack.parts, self.peers.parts
        table = {"records": [s["front"]], "fcgi2": [self.fcgi2], "fastify1": [p["fastify1"]],
                 "fastify2": [p["fastify2a"], p["fastify2b"]], "express": [p["express"]],
                 "php": [p["php"]], "libfcgi": [p["hello"]], "file": [], "cgi": []}
        return [part.pid for part in table[name]]

    def groups(self, name, apache):
        """What a request of this variant costs whom."""
        ours = name in ("records", "fcgi2", "cgi")
        redis = self.stack.parts["redis"] if ours else self.peers.parts["peers-redis"]
        web = self.stack.parts["apache" if apache else "nginx"]
        return {"app": self.pids(name), "redis": [redis.pid], "web": [web.pid]}

    def origin(self, name, apache=False):
        if name == "cgi":
            port = self.cgi_port
        elif apache:
            port = self.stack.v["apache_port"]
        else:
            port = {"records": self.stack.v["port"],
                    "fcgi2": self.fcgi2_port}.get(name, self.peers.port)
        return "http://127.0.0.1:%s" % port

    def flush(self):
        """Both stores empty, and their files small again."""
        for c in (self.redis(), self.peers.connect()):
            c("FLUSHALL")
            c("BGREWRITEAOF")
            self.stack.until(lambda: "aof_rewrite_in_progress:0" in c("INFO", "persistence"), 60,
                             "Redis does not rewrite its file")
            c.close()


def check(build):
    from bench_peers import missing as peers_missing
    from bench_wrk import missing as wrk_missing
    from stack import missing
    return missing(PARTS, build) + peers_missing(build) + wrk_missing()
