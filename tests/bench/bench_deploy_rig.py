"""A stack whose engine is engine_fake, for (c), (d) and (e)."""
import os
import shutil
import time

import stack_conf
from bench_fill import Fill, order_id, secret, tenant_id
from stack import Stack, free_port
from stack_part import Part
from stack_redis import Redis

READY = """
    server {
        listen 127.0.0.1:%d;
        location / { return 200 "ok\\n"; }
    }
"""
TEMPLATE = """deployment_templates:
  fake:
    engine: exec
    command: [${bin}/engine_fake, %(mode)s, "%(value)s"]
    endpoint: http://127.0.0.1:%(port)d/{tenant}/
    deadline: 1h
    concurrency: 10000
"""


def config(engine, with_sandbox):
    """The demo's configuration with one template; without the sandbox also without its queue."""
    text = stack_conf.read("share", "demo", "lastmile.yaml")
    head = text.split("deployment_templates:")[0]
    for name in ("starter-single-tenant", "enterprise-dedicated", "starter-apache"):
        head = head.replace("deployment_template: " + name, "deployment_template: fake")
    head = head.replace("worker:\n", "worker:\n  slots: 10000\n")
    if not with_sandbox:
        head = "\n".join(line for line in head.splitlines()
                         if not line.strip().startswith("queue_url:")) + "\n"
    return head + TEMPLATE % engine


class DeployRig:
    """engine: (mode, value) of engine_fake; value None: the address that always answers."""

    def __init__(self, build, fsync, engine, parts, lease="30s"):
        self.build, self.port = build, free_port()
        mode, value = engine
        values = {"mode": mode, "port": self.port,
                  "value": value or "http://127.0.0.1:%d/" % self.port}
        self.stack = Stack(parts, build=build, appendfsync=fsync, lease=lease,
                           config=config(values, "sandbox" in parts),
                           nginx_http=READY % self.port)
        if fsync != "always":
            self.stack.options["config"] = self.stack.options["config"].replace(
                "redis:\n", "redis:\n  durability: %s\n" % ("any" if fsync == "no" else fsync))
        self.more = []

    def __enter__(self):
        os.makedirs(self.stack.v["bin"], exist_ok=True)
        shutil.copy(os.path.join(self.build, "bench", "engine_fake"), self.stack.v["bin"])
        self.stack.start()
        self.redis = Redis(self.stack.v["run"] + "/redis.sock", "admin",
                           self.stack.files.passwords["admin"], timeout=60)
        self.fill = Fill(self.redis)
        return self

    def __exit__(self, *_):
        for part in self.more:
            part.stop(5)
        self.stack.parts["worker"].kill()
        self.redis.close()
        self.stack.stop()

    @property
    def worker(self):
        return self.stack.parts["worker"]

    def second_worker(self):
        part = Part("worker2", self.worker.argv, self.stack.v["log"] + "/worker2.log",
                    lambda: True)
        part.start()
        self.more.append(part)
        return part

    def orders(self, n):
        """n registered orders, so n deployments begin."""
        made = []
        for _ in range(n):
            order, tenant = order_id(), tenant_id()
            self.fill.upsert(order, tenant, "acme-notes", "starter")
            self.fill.script("order_place", order, secret()[1], 86400000, "{}", "", 86400000)
            made.append(order)
        return made

    def running(self):
        return self.redis("ZCARD", "{p0}:lease")

    def commands(self):
        """Commands that clients sent (those inside of scripts do not count)."""
        total = 0
        for line in self.redis("INFO", "commandstats").splitlines():
            name = line.split(":")[0]
            if name in ("cmdstat_evalsha", "cmdstat_eval", "cmdstat_bzpopmin", "cmdstat_ping"):
                total += int(line.split("calls=")[1].split(",")[0])
        return total

    @staticmethod
    def until(test, seconds, pause=0.05):
        deadline = time.monotonic() + seconds
        while not test():
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
        return True
