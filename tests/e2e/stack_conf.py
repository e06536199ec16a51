"""Files of a stack: the shipped configuration with paths and ports filled in. Nothing here starts
anything. The web server files are those of nginx/ and apache/, changed only where they name
/run/lastmile, the log directory, and the page shown while the front is down."""
import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import string

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ["lastmile-front", "lastmile-worker", "lastmile-keeper", "lastmile",
            "lastmile-sandbox", "lastmile-demo-tenant"]
APACHE_MODULES = ["mpm_event", "authz_core", "setenvif", "headers", "alias", "reqtimeout",
                  "rewrite", "proxy", "proxy_fcgi", "proxy_http"]
APACHE_LIB = "/usr/lib/apache2/modules"

# Beside the shipped users of share/redis/users.acl: for the tests themselves.
ADMIN = "user admin on #${admin} ~* &* +@all"

NGINX = """daemon off;
${user}
worker_processes 2;
pid ${run}/nginx.pid;
error_log ${log}/nginx-error.log warn;
events { worker_connections 2048; }
http {
    access_log off;
    server_tokens off;
    client_body_temp_path ${var}/nginx/body;
    proxy_temp_path ${var}/nginx/proxy;
    fastcgi_temp_path ${var}/nginx/fastcgi;
    uwsgi_temp_path ${var}/nginx/uwsgi;
    scgi_temp_path ${var}/nginx/scgi;
    types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }
    default_type application/octet-stream;
    include conf.d/lastmile-http.conf;
    server {
        listen 127.0.0.1:${port} default_server;
        server_name buy.localhost;
        client_header_timeout 10s;
        keepalive_timeout 10s;
        keepalive_requests 100000;
        include snippets/lastmile.conf;
${tenants}
        location = / { return 302 ${store}; }
    }
${http}
}
"""

APACHE = """ServerRoot ${etc}/apache
ServerName buy.localhost
PidFile ${run}/apache.pid
DefaultRuntimeDir ${run}
Mutex file:${run} default
Listen 127.0.0.1:${apache_port}
${modules}
${user}
ServerTokens Prod
TraceEnable Off
ErrorLog ${log}/apache-error.log
LogLevel warn
KeepAliveTimeout 10
MaxKeepAliveRequests 0
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
Define LASTMILE_RUN ${run}
Define LASTMILE_WEB ${dir}/web
<Directory />
    Require all denied
</Directory>
DocumentRoot ${dir}/web
CustomLog ${log}/apache.log lastmile
Include lastmile.conf
${tenants}
"""


def fill(text, values):
    return string.Template(text).safe_substitute(values)


def read(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


def write(path, text, mode=0o644, owner=None):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    if owner:
        os.chown(path, *owner)


class Files:
    """v: the values for ${...}; owners: part -> (uid, gid) or None."""

    def __init__(self, v, owners, build, options):
        self.v, self.owners, self.build, self.options = v, owners, build, options
        self.passwords = {u: secrets.token_hex(16) for u in ("front", "worker", "cli", "admin")}
        self.aws_secret = secrets.token_hex(20)
        self.azure = {name: secrets.token_hex(20) for name in ("azure", "azure-signin")}

    def directories(self):
        v = self.v
        os.chmod(v["dir"], 0o711)
        for d in ("bin", "etc", "run", "run/tenants", "var", "var/redis", "var/sandbox",
                  "var/tenants", "var/archive", "var/nginx", "var/mail", "log", "web",
                  "etc/nginx/conf.d", "etc/nginx/snippets", "etc/apache"):
            os.makedirs(os.path.join(v["dir"], d), mode=0o755, exist_ok=True)
        if self.owners["front"]:
            os.chmod(v["run"], 0o1777)  # each part binds its own socket there
            for part in ("redis", "sandbox"):
                os.chown(os.path.join(v["var"], part), *self.owners[part])
        os.chmod(os.path.join(v["run"], "tenants"), 0o711)

    def programs(self):
        """Copies: a build tree below a private home could not be entered by other users."""
        for name in PROGRAMS:
            source = os.path.join(self.build, name)
            if os.path.exists(source):
                shutil.copy(source, self.v["bin"])

    def secrets(self):
        for user, part in (("front", "front"), ("worker", None), ("cli", None)):
            write("%s/redis-%s.pass" % (self.v["etc"], user), self.passwords[user] + "\n", 0o600,
                  self.owners[part] if part else None)
        write(self.v["etc"] + "/aws-credentials",
              "[default]\naws_access_key_id = AKIASANDBOX000000001\n"
              "aws_secret_access_key = %s\n" % self.aws_secret, 0o600)
        for name in ("azure", "azure-signin"):
            write("%s/%s.secret" % (self.v["etc"], name), self.azure[name] + "\n", 0o600)
        write(self.v["etc"] + "/azure-seller.json", json.dumps({
            "tenant_id": "8f4a0000-0000-4000-8000-00000000000a",
            "client_id": "8f4a0000-0000-4000-8000-00000000000b",
            "client_secret": self.azure["azure"],
            "signin_client_id": "8f4a0000-0000-4000-8000-00000000000c",
            "signin_client_secret": self.azure["azure-signin"],
            "redirect_uris": ["http://127.0.0.1:%s/marketplace/signin/azure" % self.v["port"]],
        }), 0o600, self.owners["sandbox"])
        write(self.v["etc"] + "/sandbox.secret", self.aws_secret + "\n", 0o600,
              self.owners["sandbox"])

    def redis(self):
        """The shipped Redis files; the users get hashes of passwords made just now."""
        hashes = {u: hashlib.sha256(p.encode()).hexdigest() for u, p in self.passwords.items()}
        acl = []
        for line in read("share/redis/users.acl").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "user":
                acl.append(re.sub(r"(?<=\s)[>#]\S+", "#${%s}" % words[1], line))
        write(self.v["etc"] + "/users.acl", fill("\n".join(acl + [ADMIN]) + "\n", hashes), 0o600,
              self.owners["redis"])
        text = read("share/redis/redis.conf")
        for old, new in (("/run/lastmile", self.v["run"]), ("/etc/lastmile", self.v["etc"]),
                         ("/var/lib/lastmile", self.v["var"]),
                         # No group is common to all parts here; the users keep them apart.
                         ("unixsocketperm 770", "unixsocketperm 777"),
                         ("appendfsync always", "appendfsync " + self.v["appendfsync"])):
            text = text.replace(old, new)
        write(self.v["etc"] + "/redis.conf",
              text + "daemonize no\n" + self.options.get("redis_extra", ""))

    def web_text(self, *path):
        text = read(*path)
        for old, new in (("/run/lastmile", self.v["run"]), ("/var/log/nginx", self.v["log"]),
                         ("/usr/share/lastmile/web", self.v["dir"] + "/web")):
            text = text.replace(old, new)
        for old, new in self.options.get("web_changes", ()):
            text = text.replace(old, new)
        return text

    def nginx(self):
        base = self.v["etc"] + "/nginx"
        for path in glob.glob(os.path.join(ROOT, "nginx/*.conf")):
            name = os.path.basename(path)
            folder = "conf.d" if name == "lastmile-http.conf" else "snippets"
            if name != "site-example.conf":
                write("%s/%s/%s" % (base, folder, name), self.web_text("nginx", name))
        have = os.path.exists(base + "/snippets/tenants-path.conf")
        values = dict(self.v, tenants="        include snippets/tenants-path.conf;" if have else "",
                      store="http://localhost:%s/" % self.v["sandbox_port"],
                      user="user www-data;" if self.owners["front"] else "",
                      http=self.host_server(base) + self.options.get("nginx_http", ""))
        write(base + "/nginx.conf", fill(NGINX, values))

    def host_server(self, base):
        """tenants-host.conf is a whole server block, or the inside of one."""
        name = base + "/snippets/tenants-host.conf"
        if not os.path.exists(name):
            return ""
        with open(name) as f:
            text = f.read()
        text = re.sub(r"listen\s+[^;]+;", "listen 127.0.0.1:%s;" % self.v["port"], text, count=1)
        text = re.sub(r"^\s*listen (?!127\.0\.0\.1).*\n", "", text, flags=re.M)
        for old in ("apps\\.example", "apps.example"):
            text = text.replace(old, "localhost")
        write(name, text)
        if re.search(r"^\s*server\s*{", text, re.M):
            return "    include snippets/tenants-host.conf;\n"
        return ("    server {\n        listen 127.0.0.1:%s;\n"
                "        include snippets/tenants-host.conf;\n    }\n" % self.v["port"])

    def apache(self):
        base = self.v["etc"] + "/apache"
        for path in glob.glob(os.path.join(ROOT, "apache/*.conf")):
            name = os.path.basename(path)
            if name != "site-example.conf":
                write("%s/%s" % (base, name), self.web_text("apache", name))
        modules = "\n".join("LoadModule %s_module %s/mod_%s.so" % (m, APACHE_LIB, m)
                            for m in APACHE_MODULES
                            if os.path.exists("%s/mod_%s.so" % (APACHE_LIB, m)))
        have = os.path.exists(base + "/tenants-path.conf")
        user = "User www-data\nGroup www-data" if self.owners["front"] else ""
        values = dict(self.v, modules=modules, user=user,
                      tenants="Include tenants-path.conf" if have else "")
        write(base + "/apache.conf",
              fill(APACHE, values) + self.options.get("apache_extra", ""))

    def lastmile(self):
        text = self.options.get("config") or read("share/demo/lastmile.yaml")
        if "patience" in self.options:
            more = "  %s_timeout: " + self.options["patience"] + "\n"
            text = text.replace("\nredis:\n",
                                "\nredis:\n" + more % "connect" + more % "command")
        write(self.v["etc"] + "/lastmile.yaml", fill(text, self.v))
        text = self.options.get("products") or read("share/demo/products.json")
        write(self.v["etc"] + "/products.json", fill(text, self.v))
        for path in glob.glob(os.path.join(ROOT, "share/web/*")):
            shutil.copy(path, self.v["dir"] + "/web")

    def write_all(self):
        self.directories()
        self.programs()
        self.secrets()
        self.redis()
        self.nginx()
        self.apache()
        self.lastmile()
