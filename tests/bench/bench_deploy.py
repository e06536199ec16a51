"""(c) what lastmile adds to a purchase, (d) many deployments in flight, (e) a killed worker."""
import statistics
import time

from bench_deploy_rig import DeployRig
from bench_proc import cpu_seconds, rss_kb, tree
from bench_report import table

FLIGHT = (1, 100, 1000, 5000)
LEASE = 5


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))] if values else None


class Added:
    """(c) From the answered form to READY by Redis time, with an engine that is done at once and an
    environment that answers at once: all of it is lastmile, a process start and one probe."""

    def __init__(self, o):
        self.o, self.ms, self.buyer_ms = o, [], []

    def one(self, rig):
        s = rig.stack
        known = set(rig.redis("ZRANGE", "{p0}:orders", 0, -1))
        landed = s.land(s.buy("acme-notes", "starter"))
        form, _ = s.form(landed)
        assert form
        started = time.monotonic()
        page = s.register(landed)
        order = (set(rig.redis("ZRANGE", "{p0}:orders", 0, -1)) - known).pop()

        def ready():
            return rig.redis("HGET", "{p0}:o:" + order, "fulfilment") == "READY"
        deadline = started + 30
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError("not READY: %s" % s.status(page))
            time.sleep(0.002)
        self.buyer_ms.append((time.monotonic() - started) * 1000)
        at = rig.redis("HMGET", "{p0}:o:" + order, "at_registered", "at_ready")
        self.ms.append(int(at[1]) - int(at[0]))

    def run(self):
        parts = ("redis", "sandbox", "worker", "front", "nginx")
        with DeployRig(self.o.build, self.o.fsync, ("instant", None), parts) as rig:
            for number in range(10 if self.o.quick else 100):
                self.one(rig)
                if number == 2:  # the first ones open connections
                    self.ms.clear()
                    self.buyer_ms.clear()
        return self

    def tables(self, out):
        table(out, "(c) time added, engine instantaneous, %d purchases" % len(self.ms),
              ["", "p50 ms", "p99 ms", "max ms"],
              [[name] + ["%.0f" % percentile(v, p) for p in (0.5, 0.99, 1)]
               for name, v in (("registered to READY, Redis time", self.ms),
                               ("form sent to READY, seen outside", self.buyer_ms))])

    def goals(self, g):
        g.at_most("(c) added to a purchase, p50", percentile(self.ms, 0.5), 50, "ms")


class Flight:
    """(d) One worker; the engine's processes do not end. Only the worker is counted. Idle is one
    whose marketplaces answer and that has nothing to do; with deployments there are no marketplaces
    and each listing is asked for again and again, which is part of the commands."""

    def __init__(self, o):
        self.o, self.rows, self.idle = o, [], None

    def sample(self, rig, n):
        seconds = 5 if self.o.quick else 20
        pid = [rig.worker.pid]
        cpu, commands = cpu_seconds(pid), rig.commands()
        time.sleep(seconds)
        row = {"n": n, "rss_kb": rss_kb(pid), "seconds": seconds,
               "cpu": (self.own(pid, cpu)) / seconds,
               "commands": (rig.commands() - commands) / seconds}
        self.o.say("  in flight: %s" % row)
        return row

    @staticmethod
    def own(pid, before):
        return cpu_seconds(pid) - before

    def run(self):
        with DeployRig(self.o.build, self.o.fsync, ("hold", "-"),
                       ("redis", "sandbox", "worker")) as rig:
            rig.until(lambda: rig.redis("EXISTS", "{p0}:meta"), 20)
            if not rig.until(lambda: self.rests(rig), 90, 1):
                self.o.say("  not idle: something is due")
            self.idle = self.sample(rig, 0)
        self.flight()
        return self

    def flight(self):
        with DeployRig(self.o.build, self.o.fsync, ("hold", "-"), ("redis", "worker")) as rig:
            rig.until(lambda: rig.redis("EXISTS", "{p0}:meta"), 20)
            time.sleep(3)
            there = 0
            for n in FLIGHT[:3] if self.o.quick else FLIGHT:
                rig.orders(n - there)
                there = n
                if not rig.until(lambda: len(tree(rig.worker.pid)) > n, 240, 2):
                    self.o.say("  only %d of %d in flight" % (len(tree(rig.worker.pid)) - 1, n))
                rig.until(lambda: self.calm(rig), 60)
                self.rows.append(self.sample(rig, len(tree(rig.worker.pid)) - 1))

    @staticmethod
    def calm(rig, ahead=0):
        """Mails and other by-work are done: nothing is due within that many seconds."""
        end = int((time.time() + ahead) * 1000)
        return all(rig.redis("ZCOUNT", "{p0}:ready:" + role, "-inf", end) == 0
                   for role in ("market", "deploy", "notify"))

    @classmethod
    def rests(cls, rig):
        """The listings have been walked, their keys are published, and so for the next minute."""
        return rig.redis("ZCARD", "{p0}:ready:market") and rig.running() == 0 and cls.calm(rig, 60)

    def per_deployment(self):
        first, last = self.rows[0], self.rows[-1]
        return (last["rss_kb"] - first["rss_kb"]) / (last["n"] - first["n"]) \
            if last["n"] > first["n"] else None

    def tables(self, out):
        table(out, "(d) one worker with deployments in flight (engine processes not counted)",
              ["in flight", "RSS MB", "CPU %", "Redis commands/s"],
              [[r["n"] or "idle", "%.1f" % (r["rss_kb"] / 1024), "%.1f" % (100 * r["cpu"]),
                "%.1f" % r["commands"]] for r in [self.idle] + self.rows])

    def goals(self, g):
        g.at_most("(d) memory per deployment in flight", self.per_deployment(), 16, "KB")
        g.at_most("(d) idle: Redis commands a second", self.idle["commands"], 1, "/s")
        g.at_most("(d) idle: CPU", round(100 * self.idle["cpu"], 1), 0, "%")


class Recovery:
    """(e) A worker is killed in the middle of a task; until another one has claimed it."""

    def __init__(self, o):
        self.o, self.seconds = o, []

    def one(self, rig, victim):
        order = rig.orders(1)[0]
        key = "{p0}:k:fulfil:" + order

        def state():
            return rig.redis("HMGET", key, "state", "fence")
        if not rig.until(lambda: state()[0] == "running", 20):
            raise RuntimeError("nobody works on %s" % order)
        time.sleep(1)
        fence = int(state()[1])
        other = rig.second_worker()
        victim.kill()
        killed = time.monotonic()
        if rig.until(lambda: int(state()[1]) > fence, LEASE * 4 + 20):
            self.seconds.append(time.monotonic() - killed)
        return other

    def run(self):
        with DeployRig(self.o.build, self.o.fsync, ("hold", "-"), ("redis", "worker"),
                       "%ds" % LEASE) as rig:
            rig.until(lambda: rig.redis("EXISTS", "{p0}:meta"), 20)
            victim = rig.worker
            for _ in range(1 if self.o.quick else 5):
                victim = self.one(rig, victim)
        return self

    def tables(self, out):
        table(out, "(e) a killed worker's task is taken over, lease %d s" % LEASE,
              ["", "s"], [["median", "%.2f" % statistics.median(self.seconds)],
                          ["slowest of %d" % len(self.seconds), "%.2f" % max(self.seconds)]]
              if self.seconds else [["never", "-"]])

    def goals(self, g):
        g.at_most("(e) recovery beyond the lease, slowest",
                  max(self.seconds) - LEASE if self.seconds else None, 2, "s")
